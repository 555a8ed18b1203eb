"""Expected exits against a dense sum, their derivatives against differences."""

from __future__ import annotations

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from forecast.exposure import Exposure, cell_table, expose
from forecast.history import Floats
from forecast.models.contraction import ExpectedExits, compressed, expected_exits
from tests.forecast.histories import history_of, random_tables


@pytest.fixture(scope="module")
def exposure() -> Exposure:
    history = history_of(random_tables(4, timed=False, deals=20))
    return expose(history, *cell_table(history, ["owner"]))


def parameters(exposure: Exposure, seed: int, extra_months: int = 3) -> list[Floats]:
    """base (J, B), calendar (J, T), effect (J, C); T has months without exposure."""
    random, funnel = np.random.default_rng(seed), exposure.funnel
    months = len(exposure.month_edges) - 1 + extra_months
    sizes = (funnel.n_bins, months, len(exposure.cells))
    return [random.normal(level, 0.7, (funnel.n_exits, n)) for level, n in zip((-3, 0, 0), sizes, strict=True)]


def dense(exposure: Exposure, base: Floats, calendar: Floats, effect: Floats) -> Floats:
    """(J, B, M, C) expected exits."""
    at_risk = exposure.days_at_risk[[here for here, _ in exposure.funnel.exits]]
    months = at_risk.shape[2]
    return np.einsum("jbmc,jb,jm,jc->jbmc", at_risk, np.exp(base), np.exp(calendar[:, :months]), np.exp(effect))


def test_compressed_rows_hold_all_days(exposure: Exposure) -> None:
    rows = compressed(exposure)
    assert (np.diff(rows.start) > 0).all()
    assert len(rows.state) == len(rows.age) == len(rows.month) == len(rows.start) - 1
    again = np.zeros_like(exposure.days_at_risk)
    for r in range(len(rows.state)):
        for i in range(rows.start[r], rows.start[r + 1]):
            again[rows.state[r], rows.age[r], rows.month[r], rows.cell[i]] += rows.days[i]
    np.testing.assert_array_equal(again, exposure.days_at_risk)


@pytest.mark.parametrize("seed", range(3))
def test_equals_the_dense_sum(exposure: Exposure, seed: int) -> None:
    given = parameters(exposure, seed)
    total, by_age, by_month, by_cell = expected_exits(compressed(exposure), *given)
    expected = dense(exposure, *given)
    past = expected.shape[2]
    # Sums of positive numbers, in another order.
    np.testing.assert_allclose(total, expected.sum(), rtol=1e-12)
    np.testing.assert_allclose(by_age, expected.sum(axis=(2, 3)), rtol=1e-12)
    np.testing.assert_allclose(by_month[:, :past], expected.sum(axis=(1, 3)), rtol=1e-12)
    np.testing.assert_allclose(by_cell, expected.sum(axis=(1, 2)), rtol=1e-12)
    assert not by_month[:, past:].any()


def test_derivatives_are_the_margins(exposure: Exposure) -> None:
    """Central differences: f''' = f here, so that they are off by h^2 / 6 of it, and by its rounding over h."""
    given, step = parameters(exposure, 5), 1e-4
    rows = compressed(exposure)
    total, *margins = expected_exits(rows, *given)
    for which, margin in enumerate(margins):
        for index in np.ndindex(margin.shape):
            sides = []
            for sign in (1, -1):
                moved = [values.copy() for values in given]
                moved[which][index] += sign * step
                sides.append(expected_exits(rows, *moved)[0])
            tolerance = step**2 * margin[index] + 1e-14 * total / step
            assert abs((sides[0] - sides[1]) / (2 * step) - margin[index]) <= tolerance


def test_graph_has_value_and_gradient(exposure: Exposure) -> None:
    given = parameters(exposure, 6)
    variables = [pt.dmatrix(name) for name in ("base", "calendar", "effect")]
    total = ExpectedExits()(*compressed(exposure), *variables)[0]
    weighted = total**2 / 2  # so that the incoming gradient is not one
    gradients = pytensor.grad(weighted, variables)
    outcome = pytensor.function(variables, [total, *gradients], mode="FAST_COMPILE")(*given)
    value, *margins = expected_exits(compressed(exposure), *given)
    np.testing.assert_allclose(outcome[0], value, rtol=1e-12)
    for gradient, margin in zip(outcome[1:], margins, strict=True):
        np.testing.assert_allclose(gradient, value * margin, rtol=1e-12)
