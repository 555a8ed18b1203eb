"""Exits and lead times together: competing hazards on the exposure table.

    log hazard_j(a, m, c) = base[j, bin(a)] + calendar[kind(j), m] + effect[j, c]
    log L = sum_j <D_jb, base> + <D_jm, calendar> + <D_jc, effect>
            - sum_{b,m,c} days[s(j), b, m, c] * hazard_j

with D the margins of the exit counts (Holford 1980 and Laird and Olivier 1981 on piecewise-constant hazards
as Poisson counts). What the data determine is each exit's hazard at its average month and cell, so that is
what is sampled; `base` follows by taking the averages off.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from forecast.exposure import Exposure
from forecast.history import Floats, Ints
from forecast.models.contraction import ExpectedExits, compressed
from forecast.models.design import SIZE, Design
from forecast.models.priors import Priors, Sizes
from forecast.models.whiten import standard_normal, whitened

NEWTON_STEPS = 8


def kinds_present(exposure: Exposure) -> Ints:
    """The kinds of exit that this funnel has, sorted."""
    return np.unique(exposure.funnel.kinds)


def log_sizes(name: str, sizes: list[Sizes], shape: tuple[int, ...]) -> Any:
    """Log-normal sizes, (*shape, len(sizes)), as their logarithms."""
    median = np.log([size.median for size in sizes])
    spread = np.array([size.spread for size in sizes])
    return pm.Normal(name, median, spread, shape=(*shape, len(sizes)))


def add_exits(exposure: Exposure, calendar: Design, cells: Design, priors: Priors) -> None:
    """Add hazards to the PyMC model in context, with the deterministics `log_hazard` (J, B), `log_calendar`
    (kinds present, T) and `effect` (J, coefficients), T >= M the months of `calendar`, future ones included.
    """
    funnel = exposure.funnel
    kind = np.searchsorted(kinds_present(exposure), funnel.kinds)
    by_month = np.zeros((funnel.n_exits, calendar.matrix.shape[1]))
    by_month[:, : exposure.exits_by_month.shape[1]] = exposure.exits_by_month

    seasonal = _calendar(by_month, kind, calendar, priors)[kind]
    coefficients = _effects(exposure, kind, cells, priors)
    effect = pt.dot(coefficients, cells.matrix)
    average = (_weights(by_month) * seasonal).sum(axis=1)
    average += (_weights(exposure.exits_by_cell) * effect).sum(axis=1)
    centre, precision = _profile(exposure, priors)
    profile = whitened("profile", centre, precision)
    base = pm.Deterministic("log_hazard", profile - average[:, None])

    mean, sd = priors.hazard_levels(funnel)
    level = (base.mean(axis=1) - mean) / sd
    pm.Potential("level", standard_normal(level))
    step = (profile[:, 1:] - profile[:, :-1]) / (2 * priors.profile_step)
    pm.Potential("steps", -2 * pt.log(pt.cosh(step)).sum())  # logistic: an exponential tail lets a spike be one
    rows = compressed(exposure)
    expected = ExpectedExits()(*rows, base, seasonal, effect)
    seen = (exposure.exits_by_age * base).sum()
    seen += (by_month * seasonal).sum()
    seen += (exposure.exits_by_cell * effect).sum()
    pm.Potential("exits", seen - expected[0])


def _calendar(by_month: Floats, kind: Ints, design: Design, priors: Priors) -> Any:
    """(kinds, T) log effects of months: standard normal coefficients times the size of their group."""
    kinds = int(kind.max()) + 1
    sizes = [priors.quarter, priors.drift, priors.shock]
    log_size = log_sizes("log_calendar_size", sizes, (kinds,))
    counts = np.zeros((kinds, by_month.shape[1]))
    np.add.at(counts, kind, by_month)
    nominal = np.array([size.median for size in sizes])[design.group][:, None] * design.matrix
    information = poisson_information(nominal, counts)
    z = whitened("calendar", np.zeros((kinds, design.coefficients)), information + np.eye(design.coefficients))
    pm.Potential("calendar_prior", standard_normal(z))
    size = pt.exp(log_size)[:, design.group]
    return pm.Deterministic("log_calendar", pt.dot(z * size, design.matrix))


def _effects(exposure: Exposure, kind: Ints, design: Design, priors: Priors) -> Any:
    """(J, coefficients) of the attributes: normal, with one size per kind of exit and attribute, learned; the
    slope of deal size has a fixed one. Coefficients of which the data say more than the prior are sampled as
    they are, the others in units of their size (centred and non-centred parametrisation): each is quick where
    the other sticks.
    """
    names = list(exposure.cells.columns)
    fixed = np.array([name == SIZE for name in names], dtype=bool)[design.group]
    nominal = np.where(fixed, priors.size_slope, 2 * priors.level.median)
    information = poisson_information(design.matrix, exposure.exits_by_cell)
    centred = (np.diagonal(information, axis1=1, axis2=2) > nominal**-2.0).astype(np.float64)
    unit = nominal ** (1 - centred)
    precision = unit[:, :, None] * information * unit[:, None, :]
    precision += nominal[None, :, None] ** (-2 * centred[:, :, None]) * np.eye(design.coefficients)
    x = whitened("effect", np.zeros(centred.shape), precision)
    log_size = log_sizes("log_effect_size", [priors.level] * max(len(names), 1), (int(kind.max()) + 1,))
    log_sd = pt.where(fixed, np.log(priors.size_slope), log_size[kind][:, design.group])
    pm.Potential("effect_prior", standard_normal(x * pt.exp(-centred * log_sd)) - (centred * log_sd).sum())
    return pm.Deterministic("effect", x * pt.exp((1 - centred) * log_sd))


def _weights(counts: Floats) -> Floats:
    """Rows scaled to sum to one; uniform rows where nothing was counted."""
    total = counts.sum(axis=1, keepdims=True)
    return np.asarray(np.where(total > 0, counts / np.maximum(total, 1), 1 / counts.shape[1]))


def poisson_information(design: Floats, counts: Floats) -> Floats:
    """(rows of counts, n, n) Poisson information about coefficients, the level being free."""
    weighted = design[None] * counts[:, None, :]
    mean = weighted.sum(axis=2)
    total = np.maximum(counts.sum(axis=1), 1e-9)[:, None, None]
    return np.asarray(weighted @ design.T - mean[:, :, None] * mean[:, None, :] / total)


def _profile(exposure: Exposure, priors: Priors) -> tuple[Floats, Floats]:
    """Mode (J, B) and curvature (J, B, B) of each exit's profile on its own, by Newton steps."""
    funnel = exposure.funnel
    days = exposure.days_at_risk.sum(axis=(2, 3))[[source for source, _ in funnel.exits]]
    mean, sd = priors.hazard_levels(funnel)
    bins = funnel.n_bins
    difference = np.diff(np.eye(bins), axis=0)
    walk = difference.T @ difference / (priors.profile_step * np.pi / np.sqrt(3)) ** 2
    level = np.full((bins, bins), 1 / bins**2)
    mode = np.log((exposure.exits_by_age.sum(1) + np.exp(mean) * 30) / (days.sum(1) + 30))[:, None] * np.ones(bins)
    for _ in range(NEWTON_STEPS):
        expected = days * np.exp(np.minimum(mode, 20))
        pull = walk + level / sd[:, None, None] ** 2
        precision = pull + expected[:, :, None] * np.eye(bins)
        slope = exposure.exits_by_age - expected - np.einsum("jab,jb->ja", pull, mode - mean[:, None])
        mode = mode + np.clip(np.linalg.solve(precision, slope[..., None])[..., 0], -2, 2)
    return mode, precision
