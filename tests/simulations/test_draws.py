"""Draws: every shape and every value is checked by name."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from simulations import Draws
from tests.simulations.examples import random_case

GOOD = random_case(1).draws
ARRAYS = [name for name in Draws.__dataclass_fields__ if name not in ("funnel", "frailty", "follow_ups")]


def test_sizes() -> None:
    assert GOOD.n_draws == 2
    assert GOOD.n_months == len(GOOD.month_edges) - 1
    assert GOOD.horizon == GOOD.month_edges[-1]
    assert GOOD.n_cells == GOOD.effect.shape[2]


def test_survives_pickling() -> None:
    copy = pickle.loads(pickle.dumps(GOOD))
    assert all(np.array_equal(getattr(copy, name), getattr(GOOD, name)) for name in ARRAYS)


@pytest.mark.parametrize("name", ARRAYS)
def test_refuses_wrong_shapes(name: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        replace(GOOD, **{name: getattr(GOOD, name)[..., None]})


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_refuses_nan_and_infinity(name: str, value: float) -> None:
    array = getattr(GOOD, name).copy()
    array.flat[-1] = value
    with pytest.raises(ValueError, match=f"{name}: expected"):
        replace(GOOD, **{name: array})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("hazard", -0.1, "values of 0..1e"),
        ("effect", -1.0, "values of 0..1e"),
        ("calendar", 1e300, "values of 0..1e"),
        ("arrival_mean", -1.0, "values of 0..1e"),
        ("arrival_mean", 1e12, "values of 0..1e"),
        ("arrival_shape", 0.0, "values > 0"),
        ("amount_kept", 1.1, "probabilities"),
        ("amount_scale", 1.0, "1 excluded"),
        ("amount_log_sd", -0.1, "finite values >= 0"),
        ("template_cdf", 0.5, "rows that rise to 1"),
        ("client_cdf", 0.0, "rows that rise to 1"),
        ("month_edges", 0.0, "increasing days that begin with 0"),
    ],
)
def test_refuses_impossible_values(name: str, value: float, message: str) -> None:
    array = getattr(GOOD, name).copy()
    array.flat[-1] = value
    with pytest.raises(ValueError, match=f"{name}: expected .*{message}"):
        replace(GOOD, **{name: array})


def test_refuses_no_draws_and_arrivals_without_templates() -> None:
    with pytest.raises(ValueError, match="hazard: expected at least one draw"):
        replace(GOOD, hazard=GOOD.hazard[:0])
    with pytest.raises(ValueError, match="template_cdf: expected at least one template"):
        replace(GOOD, template_cdf=np.ones((2, 0)))
    none = replace(GOOD, template_cdf=np.ones((2, 0)), arrival_mean=0 * GOOD.arrival_mean)
    assert none.template_cdf.shape == (2, 0)
