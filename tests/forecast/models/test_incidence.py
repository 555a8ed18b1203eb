"""Conversion and lead time against closed forms."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from forecast.models.incidence import conversion_and_lead_time


def test_constant_hazards() -> None:
    """h / H of all visits, half of them after log 2 / H days; the bins do not matter."""
    onwards, total, edges = 0.02, 0.05, np.array([0.0, 1, 2, 30, 1e6])
    hazards = np.ones((1, 1, 4))
    conversion, days = conversion_and_lead_time(onwards * hazards, total * hazards, np.ones(1), edges)
    np.testing.assert_allclose([conversion[0], days[0]], [0.4, np.log(2) / total], rtol=1e-8)
    conversion, _ = conversion_and_lead_time(
        onwards * hazards[..., :3], total * hazards[..., :3], np.ones(1), edges[:4]
    )
    np.testing.assert_allclose(conversion, 0.4 * -np.expm1(-30 * total))  # by the age of 30


def test_mixture_of_cells() -> None:
    rates, shares, weights = np.array([0.02, 0.3]), np.array([0.25, 0.75]), np.array([0.4, 0.6])
    total = np.broadcast_to(rates[:, None], (1, 2, 3))
    conversion, days = conversion_and_lead_time(
        total * shares[:, None], total, weights, np.array([0.0, 3, 10, 1e6])
    )  # fmt: skip
    expected = weights @ shares
    median = brentq(lambda x: weights * shares @ -np.expm1(-rates * x) - expected / 2, 0, 1e3)
    np.testing.assert_allclose([conversion[0], days[0]], [expected, median], rtol=1e-8)
