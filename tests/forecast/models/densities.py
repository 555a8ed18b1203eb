"""Parts of a PyMC model at a point of its unobserved variables, without sampling it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from unittest.mock import patch

import numpy as np
import pymc as pm

from forecast.history import Floats
from forecast.models.whiten import Whitening, whitened

MODE = "FAST_COMPILE"  # nothing is worth optimising that is worked out a few times
Point = Mapping[str, Floats]


def parts(model: pm.Model, names: Sequence[str]) -> Callable[[Point], dict[str, Floats]]:
    """Deterministics and potentials by name, as a function of a point."""
    outputs = model.replace_rvs_by_values([model[name] for name in names])
    compiled = model.compile_fn(outputs, inputs=model.value_vars, mode=MODE, on_unused_input="ignore")
    return lambda point: dict(zip(names, compiled(dict(point)), strict=True))


def random_point(model: pm.Model, seed: int, scale: float = 0.7) -> dict[str, Floats]:
    """The initial point, moved at random: white coordinates by about one posterior standard deviation."""
    random = np.random.default_rng(seed)
    return {
        name: value + scale * random.standard_normal(np.shape(value)) for name, value in model.initial_point().items()
    }


def assert_gradient(model: pm.Model, seed: int) -> None:
    """Central differences of the log density, coordinate by coordinate.

    With steps h = 1e-5, they are off by h^2 / 6 times the third derivative (some hundreds of exits or deals, so
    1e-8) and by 1e-16 / h times the density (some thousands, so 1e-7).
    """
    step, point = 1e-5, random_point(model, seed)
    density, gradient = model.compile_logp(mode=MODE), model.compile_dlogp(mode=MODE)
    numeric = []
    for variable in model.value_vars:
        for index in np.ndindex(point[variable.name].shape):
            values = []
            for sign in (1, -1):
                moved = {name: np.array(value, dtype=float) for name, value in point.items()}
                moved[variable.name][index] += sign * step
                values.append(float(density(moved)))
            numeric.append((values[0] - values[1]) / (2 * step))
    np.testing.assert_allclose(gradient(point), numeric, rtol=1e-6, atol=1e-5)


def assert_whitening_is_free(build: Callable[[], Any], where: str, seed: int) -> None:
    """The log density at the same parameters is the same whatever centre and spread are used for whitening."""
    used: dict[str, Whitening] = {}

    def recorded(name: str, block: Whitening) -> Any:
        used[f"{name}_white"] = block
        return whitened(name, block)

    def plain(name: str, block: Whitening) -> Any:
        as_they_are = np.broadcast_to(np.eye(block.centre.shape[-1]), block.spread.shape)
        return whitened(name, Whitening(np.zeros_like(block.centre), as_they_are))

    densities = []
    points = []
    for version in (recorded, plain):
        with patch(where, version), pm.Model(check_bounds=False) as model:
            build()
        densities.append(model.compile_logp(mode=MODE))
        points.append(random_point(model, seed))
    assert used
    white, as_is = points
    for name, block in used.items():  # x = centre + spread v
        white[name] = np.linalg.solve(block.spread, (as_is[name] - block.centre)[..., None])[..., 0]
    np.testing.assert_allclose(densities[0](white), densities[1](as_is), rtol=1e-9)
