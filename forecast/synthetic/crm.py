"""What a CRM would hold of a made-up company's open deals: the sellers' probabilities and expected closing days.

Assumptions, none of them measured:
- the CRM offers each stage's true chance of being won, raised by the optimism of those who set it up (OPTIMISM, a
  logit); the seller, who knows the deal, moves it by the deal's own effects and an opinion (OPINION, sd of a logit);
- what is entered is a multiple of 10 %, and neither 0 nor 100 % while the deal is open;
- it is entered when the deal moves to a stage, in STALE of the moves not even then, and does not fall as deals age;
- the expected close is the end of the month in which the stages ahead would end if they took HASTE of their median
  times, give or take VAGUE (sd of a log); when it is missed, the deal is pushed to the end of a month as much later
  as was first expected, but no more than PUSHES times: then nobody looks at it, and its close stays in the past.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from forecast.synthetic.days import day_of, first_days_of, month_of, months_of
from forecast.synthetic.generate import Generated

OPTIMISM = 0.3
OPINION = 0.5
STALE = 0.3
HASTE = 0.6
VAGUE = 0.4
PUSHES = 2
DAYS_OF_A_MONTH = 30.4


def crm_fields(generated: Generated, day: date, seed: int) -> pd.DataFrame:
    """deal_id, probability and expected_close of the deals open on the morning of `day`, by deal_id.

    The numbers of a deal that has not moved from one day to another are the same on both, pushed closes apart.
    """
    history, truth, morning = generated.stage_history, generated.truth, pd.Timestamp(day)
    rng = np.random.default_rng([seed, 17])
    opinion, vague = rng.standard_normal((2, len(history)))
    stale = rng.random(len(history)) < STALE

    stages = list(truth.conversion)
    conversion = np.array([truth.conversion[stage] for stage in stages])
    chance = np.cumprod(conversion[::-1])[::-1]
    ahead = np.cumsum([truth.median_lead_time[stage] for stage in reversed(stages)])[::-1]

    stage = pd.Index(stages).get_indexer(pd.Index(history["stage"]))  # -1: won or lost
    deal = pd.Index(generated.deals["deal_id"]).get_indexer(pd.Index(history["deal_id"]))
    begins = np.append(True, deal[1:] != deal[:-1]) | (np.append(-1, stage[:-1]) < 0)  # created, or re-opened
    entered = np.maximum.accumulate(np.where(begins | ~stale, np.arange(len(history)), 0))  # the row last told of

    before = np.flatnonzero((history["entered"] < morning).to_numpy())
    row = before[np.append(deal[before][1:] != deal[before][:-1], True)] if len(before) else before
    row = row[stage[row] >= 0]
    told = entered[row]
    belief = logit(chance[stage[told]]) + OPTIMISM + generated.world.deals.logit[deal[row]] + OPINION * opinion[told]
    days = HASTE * ahead[stage[row]] * np.exp(VAGUE * vague[row])
    since = (history["entered"].iloc[row] - pd.Timestamp(0)).dt.days.to_numpy()
    first = months_of(since + np.ceil(days).astype(np.int64))
    push = np.maximum(np.rint(days / DAYS_OF_A_MONTH), 1).astype(np.int64)
    missed = np.maximum(month_of(day_of(day)) - first, 0)
    close = first + np.minimum(-(missed // -push), PUSHES) * push
    return pd.DataFrame(
        {
            "deal_id": history["deal_id"].iloc[row].to_numpy(),
            "probability": np.round(expit(belief), 1).clip(0.1, 0.9),
            "expected_close": pd.to_datetime(first_days_of(close + 1) - 1, unit="D"),
        }
    )
