"""The example in the package's docstring runs and holds."""

from __future__ import annotations

import doctest

import simulations


def test_docstring() -> None:
    result = doctest.testmod(simulations)
    assert result.attempted >= 10
    assert result.failed == 0
