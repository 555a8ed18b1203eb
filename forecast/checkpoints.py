"""What must be true on the way: how much has to be won by each month's end for the target to stay likely."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from forecast.asked import AskedPeriod
from forecast.history import Floats, History, day_of
from forecast.parts import Parts
from forecast.periods import Period
from simulations import Outcomes, answers


def checkpoints(
    asked: AskedPeriod, period: Period, history: History, parts: Parts, outcomes: Outcomes, edges: Floats
) -> list[dict[str, Any]]:
    """By the end of every month of the period but the last, of those simulated: what is won by then in the futures
    that hit, the least that leaves the wanted chance, the deals created in the futures that hit, and the RTV then.

    edges: (M + 1,) days since 1970-01-01 of the simulated months. Empty where the target is reached, or no future hits.
    """
    hits = answers.revenue(outcomes, **asked.terms) >= asked.target
    if asked.gap <= 0 or not hits.any():
        return []
    rows = []
    for month in period.months()[:-1]:
        end = day_of(month.after)
        if end <= history.day:
            continue
        so_far = asked.months & (edges[1:] <= end)
        won = asked.won_to_date + outcomes.won[:, so_far].sum(axis=1)
        needed = needed_by_then(won, hits, asked.wanted)
        created = outcomes.created[:, edges[1:] <= end].sum(axis=1)
        rows.append(
            {
                "month": month.label,
                "by": month.end.isoformat(),
                "won_if_hit": asked.money(float(np.median(won[hits]))),
                "won_needed": None if needed is None else asked.money(needed),
                "new_deals_if_hit": float(np.median(created[hits])),
                "rtv_if_hit": rtv_then(hits, int(so_far.nonzero()[0][-1]), history, parts, outcomes, asked),
                "new_deals": float(np.median(created)),
            }
        )
    return rows


def rtv_then(
    hits: NDArray[np.bool_], month: int, history: History, parts: Parts, outcomes: Outcomes, asked: AskedPeriod
) -> float | None:
    """Viable open deals at the end of a month in the recorded futures that hit (median), at what one is worth on
    average at the origin; None where few of these hit, or nothing is open.
    """
    seen = outcomes.activity
    if seen is None or not len(parts.value) or hits[seen.simulation].sum() < FEWEST:
        return None
    worth = parts.value[parts.viable] if parts.viable.any() else parts.value
    viable = seen.occupancy[:, month, history.viable_from : history.won].sum(axis=1)
    return asked.money(float(np.median(viable[hits[seen.simulation]]) * worth.mean()))


FEWEST = 30  # simulations that got as far: fewer do not tell a chance


def needed_by_then(won: Any, hits: Any, wanted: float) -> float | None:
    """The least amount won so far from which on the chance to hit is the wanted one; None where it never is,
    or too few simulations get so far.

    The chance given the amount is taken to rise with it: isotonic regression of the hits (Barlow et al. 1972).
    """
    amounts, index = np.unique(won, return_inverse=True)
    number = np.bincount(index).astype(np.float64)
    chance = isotonic_regression(np.bincount(index, hits) / number, weights=number).x
    enough = np.flatnonzero(chance >= wanted)
    if not len(enough) or number[enough[0] :].sum() < FEWEST:
        return None
    return float(amounts[enough[0]])
