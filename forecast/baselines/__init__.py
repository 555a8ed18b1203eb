"""What any forecast has to beat: six others that are given the same as-of history, each as good as it can honestly be.

A baseline is a function of the history, the day after the window, the number of samples and the randomness. It gives
`Samples`, or None where it cannot be asked: too little on record, or a column that the data have not.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from forecast.baselines.actuarial import life_table
from forecast.baselines.bookings import run_rate, seasonal_naive
from forecast.baselines.past import Baseline, Samples
from forecast.baselines.pipeline import crm_probability, stage_weighted
from forecast.baselines.smoothing import ets

__all__ = ["BASELINES", "Baseline", "Samples"]

BASELINES: Mapping[str, Baseline] = MappingProxyType(
    {
        "run-rate": run_rate,
        "seasonal naive": seasonal_naive,
        "ETS": ets,
        "stage-weighted": stage_weighted,
        "CRM probability": crm_probability,
        "life table": life_table,
    }
)
