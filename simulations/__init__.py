"""Simulation of a funnel: arrays in, arrays out, with NumPy, Numba and joblib alone.

One stage that is won at 0.02 and lost at 0.03 per day, two deals of 1,000.00, one month, 4,000 draws:

>>> import numpy as np
>>> from simulations import Deals, Draws, Funnel, p_hit, simulate
>>> funnel = Funnel(("Talking", "Won", "Lost"), exits=((0, 1), (0, 2)), age_edges=np.array([0.0]))
>>> one = np.ones((4000, 1))
>>> draws = Draws(funnel, hazard=one[:, None] * [[0.02], [0.03]], effect=np.ones((4000, 2, 1)),
...     calendar=np.ones((4000, 5, 1)), month_edges=np.array([0.0, 30.0]), arrival_mean=0 * one,
...     arrival_shape=one, template_cdf=one[:, :0], client_cdf=one[:, :0],
...     amount_kept=one * [1, 1, 1], amount_shift=one * [0, 0, 0], amount_scale=one * [0, 0, 0],
...     amount_log_mean=one, amount_log_sd=one)
>>> deals = Deals(key=[7, 8], stage=[0, 0], age=[0.0, 12.0], cell=[0, 0], amount=[100_000, 100_000])
>>> outcomes = simulate(draws, deals, Deals.none(), seed=1)
>>> hit = p_hit(outcomes, target=100_000)
>>> exact = 1 - (1 - 0.4 * (1 - np.exp(-0.05 * 30))) ** 2
>>> bool(abs(hit.p - exact) < 4 * hit.se)
True
"""

from simulations.answers import (
    Probability,
    expected_by_group,
    mean_by_month,
    p_hit,
    p_hit_without,
    quantiles,
    quantiles_by_month,
    revenue,
    share,
    sums_by_group,
    top_shares,
)
from simulations.deals import Deals
from simulations.dependence import Dependence, concentration, dependence, least_multiple
from simulations.draws import Draws
from simulations.engine import memory_needed, simulate
from simulations.follow_ups import FollowUps
from simulations.frailty import Frailty
from simulations.funnel import Funnel, Kind
from simulations.levers import Assumptions
from simulations.outcomes import Activity, Outcomes

__all__ = [
    "Activity",
    "Assumptions",
    "Deals",
    "Dependence",
    "Draws",
    "FollowUps",
    "Frailty",
    "Funnel",
    "Kind",
    "Outcomes",
    "Probability",
    "concentration",
    "dependence",
    "expected_by_group",
    "least_multiple",
    "mean_by_month",
    "memory_needed",
    "p_hit",
    "p_hit_without",
    "quantiles",
    "quantiles_by_month",
    "revenue",
    "share",
    "simulate",
    "sums_by_group",
    "top_shares",
]
