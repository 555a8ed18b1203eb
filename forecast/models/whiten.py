"""Coordinates in which a block of parameters is about standard normal a posteriori, so that the sampler's
steps are long: x = centre + L v with L L^T the inverse of an approximate posterior precision. The map is
linear and fixed, so that it changes the sampler's path and nothing of the posterior.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pymc as pm

from forecast.history import Floats


class Whitening(NamedTuple):
    """centre (..., n) and spread (..., n, n), upper triangular: x = centre + spread v."""

    centre: Floats
    spread: Floats


def whitening(centre: Floats, precision: Floats) -> Whitening:
    """centre: (..., n). precision: (..., n, n), positive definite."""
    return Whitening(centre, np.triu(np.linalg.inv(np.linalg.cholesky(precision)).swapaxes(-1, -2)))


def whitened(name: str, block: Whitening) -> Any:
    """The block (..., n) as a PyMC expression of a flat variable `NAME_white`; the caller adds its prior."""
    white = pm.Flat(f"{name}_white", shape=block.centre.shape, initval=np.zeros(block.centre.shape))
    return block.centre + (block.spread * white[..., None, :]).sum(axis=-1)


def coloured(block: Whitening, white: Floats) -> Floats:
    """(..., draws, *shape) x of white coordinates, with (*shape) that of the centre."""
    axis = white.ndim - block.centre.ndim - 1  # of the draws; multiplied as one matrix
    drawn = np.moveaxis(white, axis, -2)
    return np.asarray(block.centre + np.moveaxis(drawn @ block.spread.swapaxes(-1, -2), -2, axis))


def standard_normal(x: Any) -> Any:
    """Log density of independent standard normals, up to a constant."""
    return -0.5 * (x**2).sum()


def poisson_information(design: Floats, counts: Floats) -> Floats:
    """(rows of counts, n, n) Poisson information about coefficients, the level being free."""
    weighted = design[None] * counts[:, None, :]
    mean = weighted.sum(axis=2)
    total = np.maximum(counts.sum(axis=1), 1e-9)[:, None, None]
    return np.asarray(weighted @ design.T - mean[:, :, None] * mean[:, None, :] / total)
