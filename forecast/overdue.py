"""When a deal is overdue: one definition, for the check of the data and for the forecast.

A deal is overdue when it has been in its stage for longer than the days expected there, which the funnel file says
(`expected_days` under [funnel]) or the deals that moved on: the age by which 90 % of those of its kind had done so.
The forecast reads that age off its posterior (forecast/ages.py); the check, which fits nothing, off stays on record.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from forecast.history import Floats, History

MOVED_ON = 0.9  # of the deals that moved on
FEWEST_MOVES = 20  # on record, to tell what is usual


def limits_on_record(history: History, expected_days: Mapping[str, float]) -> Floats:
    """(open stages,) days after which a deal there is overdue, by the stays that ended in moving on; NaN where few did.

    Stays still going on are left out, so that these are a little shorter than what a fit tells.
    """
    visits = history.visits
    onwards = (visits.to > visits.state) & (visits.to <= history.won)
    limits = np.full(history.won, np.nan)
    for stage, name in enumerate(history.states[: history.won]):
        stays = (visits.left - visits.entered)[onwards & (visits.state == stage)]
        if name in expected_days:
            limits[stage] = expected_days[name]
        elif len(stays) >= FEWEST_MOVES:
            limits[stage] = np.quantile(stays, MOVED_ON)
    return limits
