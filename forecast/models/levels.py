"""From ranges of conversion and lead time to a prior on the hazards of a stage's exits.

The age profiles of a stage's exits are walks with logistic steps. Their levels, averages over the ages at which visits
are expected to end, are normal in the coordinates in which a range is stated,

    odds = onwards - lost,   pace = share onwards * onwards + share lost * lost,

(others: what exits that skip are beside the main one onwards, and those that return beside the pace), so that
conversion and pace are free of each other. What a level leaves open is how the walk goes on around it: how far it moves
conversion and lead time has no closed form. So means and sds of odds and pace are found by drawing profiles from the
prior, working out what they mean for visits, and correcting until these have the stated ranges.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.stats import norm, qmc

from forecast.history import Floats
from forecast.models.incidence import conversion_and_lead_time
from forecast.models.priors import NORMAL_95, Priors, Range, log_range, logit_range
from simulations import Funnel, Kind

SAMPLES = 2048  # profiles drawn; the ends of their ranges are right to some hundredths of the width
CORRECTIONS = 8
RARE_SD = 1.0  # of the log of how rare an exit that skips or returns is
EVER = 1e6  # days: a stated conversion is that of visits which have all ended
# Of the stated width, at most this part is left to the walk, by a smaller step where that is needed; but a step is not
# made smaller than by this factor, or ages would be taken to differ less than a short history can refute.
MOST_OF_WALK, SMALLEST_STEP = 0.6, 0.5
LEAST_SD = 0.2  # of odds and pace, as a part of the stated one


class LevelPrior(NamedTuple):
    """Of J exits with B age bins: the level of exit j is <weights[j], profile[j]>; factor @ (levels - mean) are
    standard normals. step: (J,) scale of the steps of each profile.
    """

    weights: Floats  # (J, B), rows that sum to one
    mean: Floats  # (J,)
    factor: Floats  # (J, J)
    step: Floats  # (J,)


def level_prior(funnel: Funnel, priors: Priors) -> LevelPrior:
    """The exits of every open stage as stated; those from Lost at the rate 1 / reopen_days, known to a factor."""
    exits, kinds = np.array(funnel.exits), funnel.kinds
    prior = LevelPrior(
        weights=np.tile(_ending(1 / priors.reopen_days, funnel.age_edges), (len(exits), 1)),
        mean=np.full(len(exits), -np.log(priors.reopen_days)),
        factor=np.eye(len(exits)) / priors.reopen_sd,
        step=np.full(len(exits), priors.profile_step),
    )
    for stage in range(funnel.won):
        own = np.flatnonzero(exits[:, 0] == stage)
        main = (exits[own, 1] == stage + 1).tolist()
        lost = (kinds[own] == Kind.LOST).tolist()
        onwards = np.isin(kinds[own], (Kind.ADVANCE, Kind.WON)).tolist()
        conversion, lead_time = priors.of_stage(funnel.stages[stage])
        pattern = (tuple(main), tuple(lost), tuple(onwards))
        found = _of_stage(
            conversion, lead_time, pattern, tuple(funnel.age_edges), priors.rare_share, priors.profile_step
        )
        prior.weights[own], prior.mean[own], prior.step[own] = found.weights, found.mean, found.step
        prior.factor[np.ix_(own, own)] = found.factor
    return prior


def draw_profiles(prior: LevelPrior, draws: int, rng: np.random.Generator) -> Floats:
    """(draws, J, B) log hazards at the average month and cell, from the prior."""
    exits, bins = prior.weights.shape
    levels = prior.mean + np.linalg.solve(prior.factor, rng.standard_normal((draws, exits, 1)))[..., 0]
    return _profiles(levels, prior.weights, prior.step[:, None] * rng.logistic(size=(draws, exits, bins - 1)))


def _profiles(levels: Floats, weights: Floats, steps: Floats) -> Floats:
    """(draws, J, B) with these levels (draws, J) and steps (draws, J, B - 1)."""
    walk = np.concatenate([np.zeros_like(steps[..., :1]), np.cumsum(steps, axis=-1)], axis=-1)
    return np.asarray(walk + (levels - (walk * weights).sum(axis=-1))[..., None])


def _ending(rate: float, edges: Sequence[float] | Floats) -> Floats:
    """(B,) shares of visits that end in each age bin at a constant rate per day."""
    return np.asarray(-np.diff(np.append(np.exp(-rate * np.asarray(edges)), 0.0)))


def rates_of(profiles: Floats, onwards: Sequence[bool], edges: Sequence[float] | Floats) -> Floats:
    """(draws, 2) log odds of the conversion and log lead time of one stage, given (draws, exits, B) log hazards."""
    hazard = np.exp(profiles)
    leaving, total = hazard[:, list(onwards)].sum(axis=1), hazard.sum(axis=1)
    conversion, lead_time = conversion_and_lead_time(
        leaving[:, None], total[:, None], np.ones(1), np.append(edges, EVER)
    )
    conversion = np.clip(conversion, 1e-12, 1 - 1e-12)
    return np.column_stack([np.log(conversion / (1 - conversion)), np.log(lead_time)])


@cache
def _of_stage(
    conversion: Range, lead_time: Range, pattern: tuple[tuple[bool, ...], ...], edges: tuple[float, ...],
    rare_share: float, step: float,
) -> LevelPrior:  # fmt: skip
    """Of one stage whose exits are the main one onwards, lost, and others (`pattern`: main, lost, onwards)."""
    main, lost, onwards = (np.array(flags) for flags in pattern)
    stated = np.array([logit_range(conversion), log_range(lead_time)])  # middle and sd of odds and time
    share = 1 / (1 + np.exp(-stated[0, 0]))
    weights = np.tile(_ending(np.log(2) / np.exp(stated[1, 0]), edges), (len(main), 1))
    pace = share * main + (1 - share) * lost
    rare = ~main & ~lost
    others = np.eye(len(main))[rare] - np.where(onwards[rare, None], 1.0 * main, pace)
    coordinates = np.vstack([1.0 * main - lost, pace, others])
    exits_of = np.linalg.inv(coordinates)
    # Evenly spread points instead of random ones (Sobol): the ends of ranges are found with a third of the error.
    even = qmc.Sobol(len(main) * len(edges), rng=0).random(SAMPLES)
    normal, steps = norm.ppf(even[:, : len(main)]), even[:, len(main) :].reshape(SAMPLES, len(main), -1)
    walk = np.log(steps) - np.log1p(-steps)
    mean = np.append(
        [stated[0, 0], np.log(np.log(2)) - stated[1, 0]], np.full(len(others), np.log(rare_share / max(len(others), 1)))
    )
    mean[1] += share * np.log(share) + (1 - share) * np.log(1 - share)  # of logs, where the sum of rates is meant

    def meant(mean: Floats, sd: Floats, step: float) -> Floats:
        levels = (mean + sd * normal) @ exits_of.T
        return rates_of(_profiles(levels, weights, step * walk), list(onwards), edges)

    sd = np.append(np.zeros(2), np.full(len(others), RARE_SD))
    by_walk = meant(mean, sd, step).std(axis=0)  # with its tails: a burst of early exits, however rare, is one
    step *= float(np.clip((MOST_OF_WALK * stated[:, 1] / by_walk).min(), SMALLEST_STEP, 1))
    sd[:2] = stated[:, 1]
    for _ in range(CORRECTIONS):
        low, high = np.quantile(meant(mean, sd, step), norm.cdf([-NORMAL_95, NORMAL_95]), axis=0)
        found = np.column_stack([low + high, (high - low) / NORMAL_95]) / 2
        mean[:2] += (stated - found)[:, 0] * [1, -1]  # a faster pace is a shorter time
        sd[:2] = np.sqrt(np.maximum(sd[:2] ** 2 + stated[:, 1] ** 2 - found[:, 1] ** 2, (LEAST_SD * stated[:, 1]) ** 2))
    return LevelPrior(
        weights, np.linalg.solve(coordinates, mean), coordinates / sd[:, None], np.full(len(main), step)
    )  # fmt: skip
