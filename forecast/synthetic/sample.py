"""The files of the business-to-business sample: all made here, so that they can be made again."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pandas as pd

from forecast.periods import Period, parse_period
from forecast.synthetic.company import Company, b2b
from forecast.synthetic.futures import Futures, true_outcomes, what_happened
from forecast.synthetic.generate import Generated, generate

SEED = 1
FUTURES = 4_000
ORIGIN = date(2026, 1, 1)
PERIODS = ("2026Q1", "2026-01-01..2026-06-30")
VIABLE_FROM = "Commitment to invest"
TARGET_OVER_PAST = 1.1
FOLDER = Path(__file__).parent.parent / "samples" / "b2b"


def sample_files() -> dict[str, str]:
    """Return the text of every file of the sample, by name."""
    company = b2b()
    generated = generate(company, SEED)
    periods = [parse_period(p) for p in PERIODS]
    targets = [target(company, generated, p) for p in periods]
    futures = true_outcomes(company, generated, ORIGIN, max(p.after for p in periods), FUTURES, SEED + 1)
    answers = [_answer(company, generated, futures, p, t) for p, t in zip(periods, targets, strict=True)]
    return {
        "deals.csv": _csv(generated.deals),
        "stage_history.csv": _csv(generated.stage_history),
        "funnel.toml": _funnel(company, periods, targets),
        "truth.json": json.dumps(_truth(generated, answers), indent=2) + "\n",
        "README.md": _readme(company, generated, answers),
    }


def write_sample(folder: Path = FOLDER) -> None:
    """Write every file of the sample."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in sample_files().items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def target(company: Company, generated: Generated, period: Period) -> float:
    """Return the target by rule: 1.1 times the value won in the same number of months before the origin."""
    before = (pd.Timestamp(ORIGIN) - pd.DateOffset(months=len(period.months()))).date()
    return round(TARGET_OVER_PAST * what_happened(company, generated, before, ORIGIN), 2)


def _csv(table: pd.DataFrame) -> str:
    written = table.assign(amount=table["amount"].round().astype("int64"))
    text: str = written.to_csv(index=False, date_format="%Y-%m-%d", lineterminator="\n")
    return text


def _answer(company: Company, generated: Generated, futures: Futures, period: Period, goal: float) -> dict[str, object]:
    p, error = futures.p_hit(goal, period.start, period.after)
    low, middle, high = pd.Series(futures.revenue(period.start, period.after)).quantile([0.1, 0.5, 0.9])
    won = what_happened(company, generated, period.start, period.after)
    return {
        "period": period.label,
        "target": goal,
        "p_hit": round(p, 4),
        "p_hit_se": round(error, 4),
        "p10": round(low),
        "p50": round(middle),
        "p90": round(high),
        "won": round(won),
        "hit": won >= goal,
    }


def _truth(generated: Generated, answers: list[dict[str, object]]) -> dict[str, object]:
    truth = generated.truth
    return {
        "seed": SEED,
        "origin": ORIGIN.isoformat(),
        "futures": FUTURES,
        "conversion": {stage: round(p, 4) for stage, p in truth.conversion.items()},
        "median_lead_time_days": {stage: round(days, 2) for stage, days in truth.median_lead_time.items()},
        "periods": answers,
    }


def _funnel(company: Company, periods: list[Period], targets: list[float]) -> str:
    until = company.start + timedelta(days=company.end_day - company.first_day - 1)
    stages = "\n".join(f'    "{s.name}",' for s in company.stages)
    asked = "\n".join(
        f'\n[[forecast.periods]]\nperiod = "{p.label}"\ntarget = {t:.2f}' for p, t in zip(periods, targets, strict=True)
    )
    return f"""\
# A business-to-business company on the buyer's-journey funnel. It is made up: README.md says how, and
# truth.json what is true of it.

[funnel]
name = "{company.name}"
currency = "EUR"
stages = [
{stages}
]
won = "{company.won}"
lost = "{company.lost}"
viable_from = "{VIABLE_FROM}"  # from here on, the client has committed to invest

[source]
shape = "canonical"
deals = "deals.csv"  # the amount is that of the day of creation; its changes are in the stage history
stage_history = "stage_history.csv"

[recording]
from = {company.start}
until = {until}

# Targets by rule, not by choice: {TARGET_OVER_PAST} times the value won in as many months before the origin.
[forecast]
origin = {ORIGIN}
draws = 2000
seed = 1
{asked}

# What might come, for `funnel scenarios`.
[scenarios."Belcor Logistics is lost"]
lost_clients = ["Belcor Logistics"]

[scenarios."A campaign"]
new_deals = 0.25

[scenarios."Better closing"]
conversion = {{ "Choice" = 0.05, "Closing" = 0.05 }}

[scenarios."Dearer by 5 %"]
price = 0.05
elasticity = -1.0

# Made up, as the company is: what its engineers can install in a month.
[capacity]
amount = 1000000
"""


def _readme(company: Company, generated: Generated, answers: list[dict[str, object]]) -> str:
    deals, history, truth = generated.deals, generated.stage_history, generated.truth
    wins = history[history["stage"] == company.won].merge(deals[["deal_id", "client"]], on="deal_id")
    share = wins.groupby("client")["amount"].sum().sort_values(ascending=False) / wins["amount"].sum()
    stages = "\n".join(f"| {s} | {p:.3f} | {truth.median_lead_time[s]:.1f} |" for s, p in truth.conversion.items())
    asked = "\n".join(
        f"| {a['period']} | {a['target']:,.0f} | {a['p_hit']:.3f} ± {a['p_hit_se']:.3f} "
        f"| {a['p10']:,} / {a['p50']:,} / {a['p90']:,} | {a['won']:,} | {'yes' if a['hit'] else 'no'} |"
        for a in answers
    )
    return f"""\
# A business-to-business company, made up

{len(deals):,} deals of {deals["client"].nunique()} clients, created from {company.start} on and recorded
until {history["entered"].max().date()}, on the seven stages of a buyer's journey; {len(wins):,} were won.
Some deals return to an earlier stage, pass over one, stall, or are opened again after they were lost.
Winning bunches at the ends of quarters, August is slow, weekends slower. Nine sellers in three teams and
two regions sell to three segments. The three largest clients bring {share.iloc[:3].sum():.0%} of what is
won. Amounts are in EUR, known at creation; later changes are dated in the stage history. Dates only.

Every name is invented. `python -m forecast.synthetic` writes these files again, byte for byte, from seed
{SEED}, the first one tried: neither it nor the targets were chosen by the answer. The process that makes
the deals is not the model that is fitted to them: each visit to a stage draws how it will end from a logit,
then when from a log-normal, on a clock that the calendar speeds up and slows down (`forecast/synthetic/`).

## What is true (`truth.json`)
Conversion is the probability that a visit ever ends in an advance or a win, the lead time the median of the
visits that do, both of the process, averaged over the visits in the history.

| stage | conversion | median days |
| --- | --- | --- |
{stages}

The process itself, carried on {FUTURES:,} times from its state on {ORIGIN}, reaches the targets as follows.
This is the answer of one who knows every parameter, also those that no one could learn from the history:
each client's and seller's effects, and how the past months were. A forecast can come near it, and has to be
less sure. The targets are {TARGET_OVER_PAST} times the value won in as many months before the origin.

| period | target | P(hit) ± simulation error | P10 / P50 / P90 | what happened | hit |
| --- | --- | --- | --- | --- | --- |
{asked}
"""
