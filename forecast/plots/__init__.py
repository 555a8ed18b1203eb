"""Figures of an answer, one function each: they draw what the answer says. Every title states the finding.

They are told in the language of the moment (see forecast/language.py).
"""

from forecast.plots.changes import best_lever, bridge, dependence, scenarios, tornado, trend
from forecast.plots.paths import path_map
from forecast.plots.revenue import fan, revenue
from forecast.plots.stages import funnel
from forecast.told import sentence

__all__ = [
    "best_lever",
    "bridge",
    "dependence",
    "fan",
    "funnel",
    "path_map",
    "revenue",
    "scenarios",
    "sentence",
    "tornado",
    "trend",
]
