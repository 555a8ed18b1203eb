"""Coordinates in which a block of parameters is about standard normal a posteriori, so that the sampler's
steps are long: x = centre + L v with L L^T the inverse of an approximate posterior precision. The map is
linear and fixed, so that it changes the sampler's path and nothing of the posterior.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm

from forecast.history import Floats


def whitened(name: str, centre: Floats, precision: Floats) -> Any:
    """The block (..., n) as a PyMC expression of a flat variable `NAME_white`; the caller adds its prior.

    centre: (..., n). precision: (..., n, n), positive definite.
    """
    spread = np.linalg.inv(np.linalg.cholesky(precision)).swapaxes(-1, -2)
    white = pm.Flat(f"{name}_white", shape=centre.shape, initval=np.zeros(centre.shape))
    return centre + (spread * white[..., None, :]).sum(axis=-1)


def standard_normal(x: Any) -> Any:
    """Log density of independent standard normals, up to a constant."""
    return -0.5 * (x**2).sum()
