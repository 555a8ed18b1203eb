"""Draws from the posterior by nutpie's NUTS, part by part.

Together, the parts would share one step size, and every step would evaluate all of them: where many deals tell the
number of arrivals nearly exactly, its narrow corners made the steps of exits, whose density is the costly one, several
times as many (70 instead of 15 an iteration with a million deals).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import nutpie
from nutpie.compiled_pyfunc import from_pyfunc

from forecast.history import Floats
from forecast.models.definition import densities, flat, initial_points
from forecast.models.density import Terms

CHAINS = 4
TUNE = 500
FEWEST_PER_CHAIN = 250  # fewer cannot be judged; surplus draws are thinned
TICK = 0.25  # seconds between signs of life
POINT = "point"

Progress = Callable[[str, int, int], None]


def sample(
    terms: Terms, draws: int, seed: int, target: float, longer: int, progress: Progress, *, tilted: bool = False
) -> tuple[Floats, int]:  # fmt: skip
    """(chains, draws, n) raw vectors of all parts and the number of divergences; chain by chain the same for a seed,
    however many run at once. target: mean acceptance. longer: times as many draws, tuned for as many times as long.
    tilted: learn along which directions the density of exits is long, at half as much time again and more: months told
    by few exits, or a few clients of many deals, leave some that its coordinates do not have.
    """
    sampled, divergences, ticks = [], 0, 0
    for part, centre in enumerate(flat(point) for point in initial_points(terms)):
        sampler = nutpie.sample(
            _model(terms, part, centre), draws=longer * max(-(-draws // CHAINS), FEWEST_PER_CHAIN),
            tune=longer * TUNE, chains=CHAINS, target_accept=target, save_warmup=False, progress_bar=False,
            blocking=False, seed=int(np.random.SeedSequence([seed, part]).generate_state(1)[0]),
            # Sizes and what they scale bend the densities of arrivals and amounts, where a step costs next to nothing.
            low_rank_modified_mass_matrix=tilted or part > 0,
        )  # fmt: skip
        while True:
            try:
                trace = sampler.wait(timeout=TICK)
                break
            except TimeoutError:
                ticks += 1
                progress("Sampling the posterior", ticks, 0)
        sampled.append(np.asarray(trace["posterior"][POINT].values, dtype=np.float64))
        divergences += int(np.asarray(trace["sample_stats"]["diverging"].values).sum())
    return np.concatenate(sampled, axis=2), divergences


def _model(terms: Terms, part: int, centre: Floats) -> object:
    def start(chain_seed: int) -> Floats:
        return centre + np.random.default_rng(chain_seed).uniform(-1, 1, centre.size)

    return from_pyfunc(
        centre.size, lambda: densities(terms)[part], lambda *_: lambda point: {POINT: point},
        [np.dtype(np.float64)], [(centre.size,)], [POINT], make_initial_point_fn=start,
    )  # fmt: skip
