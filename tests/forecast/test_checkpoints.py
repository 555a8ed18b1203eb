"""What must be true on the way, on simulations that can be reckoned by hand."""

from __future__ import annotations

import numpy as np

from forecast.checkpoints import FEWEST, needed_by_then


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
