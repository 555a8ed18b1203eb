"""The calendar: of each kind of exit one Gaussian process over months, shared by all deals.

    calendar ~ N(0, S),   S = quarter^2 Q'Q + drift^2 D'D + shock^2 I + season^2 Y'Y

with Q the month of the fiscal quarter, D a random walk, Y the month of the year where there is one, and the sizes
learned. Only months with data are parameters;
future ones are drawn afterwards, given these.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from forecast.history import Floats, Ints
from forecast.models.design import DRIFT, SHOCK, Design
from forecast.models.priors import LogSizes, size_variable
from forecast.models.whiten import Whitening, coloured, poisson_information, standard_normal, whitened, whitening


class CalendarTerms(NamedTuple):
    """K kinds, M months with data of T in all.

    months (K, M): effects of the months where centred (K,) is 1; where it is 0, the standard normal z of
    effects L z, with S = L L'. matrix (coefficients, T) and group: see `design.calendar`. cycles (n, M): its rows
    for the months of the quarter and of the year, cycle (n,) which of them. squares (G, M, M): Q'Q, D'D, I, Y'Y.
    """

    months: Whitening
    centred: Floats
    cycles: Floats
    cycle: Ints
    squares: Floats
    sizes: LogSizes
    matrix: Floats
    group: Ints


def calendar_terms(counts: Floats, design: Design, sizes: LogSizes) -> CalendarTerms:
    """counts: (K, M) exits by kind. design: of T >= M months, future ones included.

    Effects of which the data say more than the prior, in the geometric mean over their directions, are sampled as they
    are, the others in units of their sizes (centred and non-centred parametrisation): each is quick where the other
    sticks.
    """
    known = counts.shape[1]
    parts = [design.matrix[design.group == group, :known] for group in range(len(sizes.mean))]
    squares = np.array([part.T @ part for part in parts])
    cyclic = (design.group != DRIFT) & (design.group != SHOCK)
    nominal = np.linalg.cholesky(np.tensordot(np.exp(2 * sizes.mean), squares, 1))
    information = poisson_information(np.eye(known), counts)
    in_units = np.eye(known) + nominal.T @ information @ nominal
    centred = np.linalg.slogdet(in_units)[1] > known * np.log(2)
    inverse = np.linalg.inv(nominal)
    precision = np.where(centred[:, None, None], inverse.T @ inverse + information, in_units)
    return CalendarTerms(
        months=whitening(np.zeros(counts.shape), precision),
        centred=centred.astype(np.float64),
        cycles=design.matrix[cyclic, :known],
        cycle=design.group[cyclic],
        squares=squares,
        sizes=sizes,
        matrix=design.matrix,
        group=design.group,
    )


def add_calendar(terms: CalendarTerms) -> Any:
    """Add the calendar to the PyMC model in context, with the deterministics `calendar_size` (K, G) and
    `log_calendar` (K, M); return the latter.
    """
    kinds = len(terms.centred)
    log_size = size_variable("log_calendar_size", terms.sizes, (kinds,))
    size = pm.Deterministic("calendar_size", pt.exp(log_size))
    months, effects = whitened("calendar", terms.months), []
    for kind in range(kinds):
        covariance = (size[kind, :, None, None] ** 2 * terms.squares).sum(axis=0)
        factor = pt.linalg.cholesky(covariance)
        if terms.centred[kind]:
            z = pt.linalg.solve_triangular(factor, months[kind], lower=True)
            pm.Potential(f"calendar_prior_{kind}", standard_normal(z) - pt.log(pt.diagonal(factor)).sum())
            effects.append(months[kind])
        else:
            pm.Potential(f"calendar_prior_{kind}", standard_normal(months[kind]))
            effects.append(pt.dot(factor, months[kind]))
    return pm.Deterministic("log_calendar", pt.stack(effects))


def expand_calendar(terms: CalendarTerms, log_size: Floats, white: Floats) -> tuple[Floats, Floats]:
    """(..., K, G) sizes and (..., K, M) effects, given (..., K, G) and (..., K, M) raw parameters."""
    size, effects = np.exp(log_size), coloured(terms.months, white)
    for kind in np.flatnonzero(terms.centred == 0):
        factor = np.linalg.cholesky(np.tensordot(size[..., kind, :] ** 2, terms.squares, 1))
        effects[..., kind, :] = (factor @ effects[..., kind, :, None])[..., 0]
    return size, effects


def future_calendar(terms: CalendarTerms, size: Floats, effects: Floats, rng: np.random.Generator) -> Floats:
    """(draws, K, T) effects: those of months with data as they are (draws, K, M), the others drawn given them.

    By Matheron's rule: a draw from the prior of all months, moved by what the known ones miss in it.
    """
    known = effects.shape[-1]
    parts = [terms.matrix[terms.group == group] for group in range(size.shape[-1])]
    ahead = np.array([part[:, :known].T @ part[:, known:] for part in parts])
    result = np.empty((*effects.shape[:2], terms.matrix.shape[1]))
    for kind in range(effects.shape[1]):
        of_kind = size[:, kind]
        drawn = (rng.standard_normal((len(size), len(terms.group))) * of_kind[:, terms.group]) @ terms.matrix
        covariance = np.tensordot(of_kind**2, terms.squares, 1)
        missed = np.linalg.solve(covariance, (effects[:, kind] - drawn[:, :known])[..., None])[..., 0]
        moved = drawn[:, known:] + np.einsum("dg,gdt->dt", of_kind**2, missed @ ahead)
        result[:, kind] = np.concatenate([effects[:, kind], moved], axis=1)
    return result


def innovations(design: Design, size: Floats, effects: Floats) -> Floats:
    """(draws, K, T) what every month brings that those before it do not tell: independent standard normals where the
    effects (draws, K, T) are as this model says, with sizes (draws, K, G).
    """
    found = [np.linalg.solve(_factor(design, size[:, k]), effects[:, k, :, None]) for k in range(size.shape[1])]
    return np.stack(found, axis=1)[..., 0]


def moved_by(design: Design, size: Floats, change: Floats) -> Floats:
    """(draws, K, T) by how much effects change where innovations change by (draws, K, T)."""
    found = [_factor(design, size[:, kind]) @ change[:, kind, :, None] for kind in range(size.shape[1])]
    return np.stack(found, axis=1)[..., 0]


def _factor(design: Design, size: Floats) -> Floats:
    """(draws, T, T) lower triangular L of S = L L', given (draws, G) sizes: its rows are in the order of time."""
    parts = [design.matrix[design.group == group] for group in range(size.shape[-1])]
    return np.linalg.cholesky(np.tensordot(size**2, np.array([part.T @ part for part in parts]), 1))


def redrawn(terms: CalendarTerms, size: Floats, effects: Floats, rng: np.random.Generator) -> Floats:
    """(draws, K, M) effects, each month's drawn anew given all others of its kind."""
    result = np.empty_like(effects)
    for kind in range(effects.shape[1]):
        precision = np.linalg.inv(np.tensordot(size[:, kind] ** 2, terms.squares, 1))
        own = np.diagonal(precision, axis1=1, axis2=2)
        pull = (precision @ effects[:, kind, :, None])[..., 0]
        normal = rng.standard_normal(pull.shape)
        result[:, kind] = effects[:, kind] - pull / own + normal / np.sqrt(own)
    return result
