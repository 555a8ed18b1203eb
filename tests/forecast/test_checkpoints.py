"""What must be true on the way, on simulations that can be reckoned by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from forecast.checkpoints import FEWEST, needed_by_then, rtv_then


def test_the_least_amount_that_leaves_the_wanted_chance() -> None:
    """Of 100 simulations each at 10, 20 and 30, there hit 50, 80 and 100."""
    won = np.repeat([10, 20, 30], 100)
    hits = np.concatenate([np.arange(100) < n for n in (50, 80, 100)])
    assert needed_by_then(won, hits, 0.5) == 10
    assert needed_by_then(won, hits, 0.8) == 20
    assert needed_by_then(won, hits, 0.81) == 30
    assert needed_by_then(won, hits & (won < 30), 0.81) is None


def test_chances_that_fall_are_pooled() -> None:
    """At 10, 20 and 30 hit 20, 90 and 60 of 100: from 20 on, 150 of 200."""
    won = np.repeat([10, 20, 30], 100)
    hits = np.concatenate([np.arange(100) < n for n in (20, 90, 60)])
    assert needed_by_then(won, hits, 0.75) == 20
    assert needed_by_then(won, hits, 0.76) is None


def test_few_simulations_tell_nothing() -> None:
    won = np.arange(1000)
    assert needed_by_then(won, won >= 1000 - FEWEST, 0.8) == 1000 - FEWEST
    assert needed_by_then(won, won >= 1001 - FEWEST, 0.8) is None


def test_rtv_then_is_that_of_the_futures_that_hit() -> None:
    """All of 90 futures are recorded. Those that hit, the last 45, have four deals in B and one in C at the end
    of the second month, the others none; the two viable deals of today are worth 1.00 and 3.00, so five are 10.00.
    """
    hits = np.arange(90) >= 45
    seen = np.arange(0, 90)
    occupancy = np.zeros((90, 2, 5))
    occupancy[hits, 1] = [7, 4, 1, 20, 30]  # A, B, C, won, lost
    outcomes: Any = SimpleNamespace(activity=SimpleNamespace(simulation=seen, occupancy=occupancy))
    history: Any = SimpleNamespace(viable_from=1, won=3)
    parts: Any = SimpleNamespace(value=np.array([900, 100, 300]), viable=np.array([False, True, True]))
    asked: Any = SimpleNamespace(money=lambda amount: amount / 100)
    assert rtv_then(hits, 1, history, parts, outcomes, asked) == 10.0
    assert rtv_then(hits, 0, history, parts, outcomes, asked) == 0.0
    few: Any = SimpleNamespace(activity=SimpleNamespace(simulation=seen[::3], occupancy=occupancy[::3]))
    assert rtv_then(hits, 1, history, parts, few, asked) is None  # fifteen recorded ones hit
    assert rtv_then(hits, 1, history, parts, SimpleNamespace(activity=None), asked) is None  # type: ignore[arg-type]
