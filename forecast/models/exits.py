"""Exits and lead times together: competing hazards on the exposure table.

    log hazard_j(a, m, c) = base[j, bin(a)] + calendar[kind(j), m] + effect[j, c]
    log L = sum_j <D_jb, base> + <D_jm, calendar> + <D_jc, effect>
            - sum_{b,m,c} days[s(j), b, m, c] * hazard_j

with D the margins of the exit counts (Holford 1980 and Laird and Olivier 1981 on piecewise-constant hazards
as Poisson counts). What the data determine is each exit's hazard at its average month and cell, so that is
what is sampled; `base` follows by taking the averages off.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from forecast.exposure import Exposure
from forecast.history import Floats, Ints
from forecast.models.calendar import CalendarTerms, add_calendar, calendar_terms
from forecast.models.contraction import ExpectedExits, Rows, compressed
from forecast.models.design import SIZE, Design
from forecast.models.levels import LevelPrior, level_prior
from forecast.models.priors import LogSizes, Priors, Sizes, log_sizes, size_variable
from forecast.models.whiten import Whitening, poisson_information, standard_normal, whitened, whitening

NEWTON_STEPS = 8


class ExitTerms(NamedTuple):
    """What the log density of exits is made of (J exits of K kinds, M months, C cells; see the two designs).

    weights: rows that sum to one, shares of each exit's count. levels: prior of the profiles. centred
    (J, coefficients): 1 for those sampled as they are, 0 for those sampled in units of their size. fixed
    (coefficients,): whose log size is `fixed_log_size`.
    """

    rows: Rows
    kind: Ints  # (J,)
    exits_by_age: Floats  # (J, B)
    exits_by_month: Floats  # (J, M)
    exits_by_cell: Floats  # (J, C)
    month_weights: Floats  # (J, M)
    cell_weights: Floats  # (J, C)
    profile: Whitening  # (J, B)
    levels: LevelPrior
    calendar: CalendarTerms
    effect: Whitening  # (J, coefficients)
    effect_matrix: Floats  # (coefficients, C)
    effect_group: Ints
    effect_sizes: LogSizes
    centred: Floats
    fixed: Ints
    fixed_log_size: float


def kinds_present(exposure: Exposure) -> Ints:
    """The kinds of exit that this funnel has, sorted."""
    return np.unique(exposure.funnel.kinds)


def exit_terms(exposure: Exposure, calendar: Design, cells: Design, priors: Priors) -> ExitTerms:
    """calendar: of T >= M months, future ones included. cells: of the cells of the exposure."""
    funnel = exposure.funnel
    kind = np.searchsorted(kinds_present(exposure), funnel.kinds)
    by_kind = np.zeros((int(kind.max()) + 1, exposure.exits_by_month.shape[1]))
    np.add.at(by_kind, kind, exposure.exits_by_month)
    names = list(exposure.cells.columns)
    fixed = np.array([name == SIZE for name in names], dtype=bool)[cells.group]
    effect, centred = _effects(exposure, cells, np.where(fixed, priors.size_slope, 2 * priors.level.median))
    levels = level_prior(funnel, priors)
    return ExitTerms(
        rows=compressed(exposure),
        kind=kind,
        exits_by_age=exposure.exits_by_age,
        exits_by_month=exposure.exits_by_month,
        exits_by_cell=exposure.exits_by_cell,
        month_weights=_weights(exposure.exits_by_month),
        cell_weights=_weights(exposure.exits_by_cell),
        profile=whitening(*_profile(exposure, levels)),
        levels=levels,
        calendar=calendar_terms(by_kind, calendar, log_sizes(calendar_sizes(priors, calendar))),
        effect=effect,
        effect_matrix=cells.matrix,
        effect_group=cells.group,
        effect_sizes=log_sizes([priors.level] * max(len(names), 1)),
        centred=centred,
        fixed=fixed.astype(np.int64),
        fixed_log_size=float(np.log(priors.size_slope)),
    )


def calendar_sizes(priors: Priors, calendar: Design) -> list[Sizes]:
    """Of each of its groups."""
    return [priors.quarter, priors.drift, priors.shock, priors.season][: int(calendar.group.max()) + 1]


def add_exits(terms: ExitTerms) -> None:
    """Add hazards to the PyMC model in context, with the deterministics `log_hazard` (J, B) and `effect`
    (J, coefficients), and those of the calendar.

    Coefficients of the attributes are normal, with one size per kind of exit and attribute, learned; the slope of
    deal size has a fixed one.
    """
    seasonal = add_calendar(terms.calendar)[terms.kind]

    x = whitened("effect", terms.effect)
    log_size = size_variable("log_effect_size", terms.effect_sizes, (len(terms.calendar.centred),))
    log_sd = pt.where(terms.fixed == 1, terms.fixed_log_size, log_size[terms.kind][:, terms.effect_group])
    centred = terms.centred
    pm.Potential("effect_prior", standard_normal(x * pt.exp(-centred * log_sd)) - (centred * log_sd).sum())
    effect = pt.dot(pm.Deterministic("effect", x * pt.exp((1 - centred) * log_sd)), terms.effect_matrix)

    average = (terms.month_weights * seasonal).sum(axis=1) + (terms.cell_weights * effect).sum(axis=1)
    profile = whitened("profile", terms.profile)
    base = pm.Deterministic("log_hazard", profile - average[:, None])
    level = (profile * terms.levels.weights).sum(axis=1)
    pm.Potential("level", standard_normal(pt.dot(terms.levels.factor, level - terms.levels.mean)))
    step = (profile[:, 1:] - profile[:, :-1]) / (2 * terms.levels.step[:, None])
    pm.Potential("steps", -2 * pt.log(pt.cosh(step)).sum())  # logistic: an exponential tail lets a spike be one
    expected = ExpectedExits()(*terms.rows, base, seasonal, effect)
    seen = (terms.exits_by_age * base).sum()
    seen += (terms.exits_by_month * seasonal).sum()
    seen += (terms.exits_by_cell * effect).sum()
    pm.Potential("exits", seen - expected[0])


def _effects(exposure: Exposure, design: Design, nominal: Floats) -> tuple[Whitening, Floats]:
    """(J, coefficients) of the attributes, and which are centred. Coefficients of which the data say more than
    the prior of nominal size are sampled as they are, the others in units of their size (centred and non-centred
    parametrisation): each is quick where the other sticks.
    """
    information = poisson_information(design.matrix, exposure.exits_by_cell)
    centred = (np.diagonal(information, axis1=1, axis2=2) > nominal**-2.0).astype(np.float64)
    unit = nominal ** (1 - centred)
    precision = unit[:, :, None] * information * unit[:, None, :]
    precision += nominal[None, :, None] ** (-2 * centred[:, :, None]) * np.eye(design.coefficients)
    return whitening(np.zeros(centred.shape), precision), centred


def _weights(counts: Floats) -> Floats:
    """Rows scaled to sum to one; uniform rows where nothing was counted."""
    total = counts.sum(axis=1, keepdims=True)
    return np.asarray(np.where(total > 0, counts / np.maximum(total, 1), 1 / counts.shape[1]))


def _profile(exposure: Exposure, levels: LevelPrior) -> tuple[Floats, Floats]:
    """Mode (J, B) and curvature (J, B, B) of each exit's profile on its own, by Newton steps."""
    funnel = exposure.funnel
    days = exposure.days_at_risk.sum(axis=(2, 3))[[source for source, _ in funnel.exits]]
    bins = funnel.n_bins
    difference = np.diff(np.eye(bins), axis=0)
    walk = difference.T @ difference / (levels.step[:, None, None] * np.pi / np.sqrt(3)) ** 2
    precision_of_level = 1 / np.diagonal(np.linalg.inv(levels.factor.T @ levels.factor))
    level = levels.weights[:, :, None] * levels.weights[:, None, :] * precision_of_level[:, None, None]
    pull = walk + level
    prior = np.exp(levels.mean) * 30
    mode = np.log((exposure.exits_by_age.sum(1) + prior) / (days.sum(1) + 30))[:, None] * np.ones(bins)
    for _ in range(NEWTON_STEPS):
        expected = days * np.exp(np.minimum(mode, 20))
        precision = pull + expected[:, :, None] * np.eye(bins)
        slope = exposure.exits_by_age - expected - np.einsum("jab,jb->ja", pull, mode - levels.mean[:, None])
        mode = mode + np.clip(np.linalg.solve(precision, slope[..., None])[..., 0], -2, 2)
    return mode, precision
