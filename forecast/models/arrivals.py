"""New deals per month: negative binomial with level, drift and, given two years, month of the year.

    log mean_m = level + log(days recorded in m) + drift_m + season_m,   variance = mean + mean^2 * scatter^2 / length_m

with the length of m in months: a short record is told in weeks, and scatter is as of independent days. The drift is a
random walk (by four weeks, in a short record), the season sums to zero over the year. Only months up to the origin are
in the density; the walk goes on after it with steps drawn afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt

from forecast.history import Floats, History, Ints, days
from forecast.models.design import Design
from forecast.models.priors import LogSizes, Priors, log_range, log_sizes, size_variable
from forecast.models.whiten import Whitening, standard_normal, whitened, whitening

LEVEL_SD = 5.0  # of the log level, where nothing is stated: the data speak for themselves from the first month on
MONTH = 365.25 / 12


@dataclass(frozen=True, eq=False)
class Arrivals:
    """counts (M,) of deals created in the recorded part of each month, days (M,) of that part, or 0."""

    counts: Floats
    days: Floats


class ArrivalTerms(NamedTuple):
    """What the log density of new deals is made of: counts and days of M months, and what comes in T - M others."""

    counts: Floats  # (M,)
    days: Floats  # (M,)
    length: Floats  # (M,) in months
    coefficients: Whitening  # (1 + coefficients,), the level first
    level: float  # its prior
    level_sd: float
    matrix: Floats  # (coefficients, M)
    group: Ints
    future: Floats  # (coefficients, T - M)
    steps: Floats  # (T - M, T - M) of the walk after the origin
    sizes: LogSizes
    scatter: LogSizes  # of one


def count_arrivals(history: History, months: pd.DatetimeIndex) -> Arrivals:
    """Deals created in each month (M + 1 month starts) from the day on which recording began to the origin.

    Deals created earlier are survivors, not arrivals. Where no such day is stated, it is after the first deal's, which
    is not counted, as it was sure to be there: of one deal created yesterday, it is not thirty a month. Deals that were
    never open (see History.begun_open) are left out.
    """
    edges = days(pd.Series(months))
    created = days(history.deals["created"])
    first = float(created.min())
    after = np.nextafter(first, np.inf) if history.timed else np.floor(first) + 1
    since = history.recorded_from if np.isfinite(history.recorded_from) else after
    counts = np.histogram(created[(created >= since) & history.begun_open()], edges)[0]
    recorded = np.clip(np.minimum(edges[1:], history.day) - np.maximum(edges[:-1], since), 0, None)
    return Arrivals(counts.astype(np.float64), recorded)


def arrival_terms(arrivals: Arrivals, design: Design, priors: Priors) -> ArrivalTerms:
    """design: of T >= M months, those after the origin included."""
    counts, recorded = arrivals.counts, arrivals.days
    length = np.maximum(recorded, 1) / MONTH
    known = len(counts)
    acts = (design.matrix[:, :known] != 0).any(axis=1)
    matrix, group = design.matrix[acts, :known], design.group[acts]
    sizes = [priors.arrival_drift, priors.arrival_season][: int(design.group.max(initial=0)) + 1]
    median = np.array([size.median for size in sizes])
    nominal = np.vstack([np.ones(known), median[group][:, None] * matrix])
    information = (nominal * (counts / (1 + counts * priors.arrival_scatter.median**2 / length))) @ nominal.T
    usual = float(np.log((counts.sum() + 0.5) / (recorded.sum() + 1)))
    stated, sd = level_prior(priors)
    level = usual if stated is None else stated
    precision = information + np.diag(np.append(sd**-2, np.ones(len(group))))
    seen = information[0, 0]
    centre = np.append((seen * usual + sd**-2 * level) / (seen + sd**-2), np.zeros(len(group)))
    return ArrivalTerms(
        counts=counts,
        days=recorded,
        length=length,
        coefficients=whitening(centre, precision),
        level=level,
        level_sd=sd,
        matrix=matrix,
        group=group,
        future=design.matrix[acts, known:],
        steps=design.matrix[~acts, known:],
        sizes=log_sizes(sizes),
        scatter=log_sizes([priors.arrival_scatter]),
    )


def level_prior(priors: Priors) -> tuple[float | None, float]:
    """Mean and sd of the log level, per day; the mean is that of the data where none was stated."""
    if priors.new_deals is None:
        return None, LEVEL_SD
    middle, sd = log_range(priors.new_deals)
    return middle - float(np.log(MONTH)), sd


def add_arrivals(terms: ArrivalTerms) -> None:
    """Add new deals to the PyMC model in context, with the deterministics `log_arrival_rate` (M,), per day,
    `arrival_shape`, of a month, `arrival_size` of drift and season, and `arrival_effect` (1 + coefficients,), the
    level first.
    """
    log_size = size_variable("log_arrival_size", terms.sizes)
    scatter = pt.exp(size_variable("log_arrival_scatter", terms.scatter)[0])
    shape = pm.Deterministic("arrival_shape", scatter**-2.0) * terms.length
    z = whitened("arrival", terms.coefficients)
    level = (z[0] - terms.level) / terms.level_sd
    pm.Potential("arrival_prior", standard_normal(z[1:]) + standard_normal(level))
    size = pm.Deterministic("arrival_size", pt.exp(log_size))[terms.group]
    effect = pm.Deterministic("arrival_effect", pt.concatenate([z[:1], z[1:] * size]))
    log_rate = pm.Deterministic("log_arrival_rate", effect[0] + pt.dot(effect[1:], terms.matrix))

    counted, on_record = terms.counts, terms.days
    mean = pt.exp(log_rate) * on_record
    log_density = (
        pt.gammaln(counted + shape) - pt.gammaln(shape) - (counted + shape) * pt.log1p(mean / shape)
        + counted * (log_rate - pt.log(shape))
    )  # fmt: skip
    pm.Potential("arrivals", pt.where(on_record > 0, log_density, 0.0).sum())


def future_arrivals(terms: ArrivalTerms, size: Floats, effect: Floats, rng: np.random.Generator) -> Floats:
    """(draws, T) log rates of all months, given the sizes (draws, groups) and effects (draws, 1 + coefficients)."""
    steps = rng.standard_normal((len(size), len(terms.steps))) * size[:, :1]
    ahead = effect[:, 1:] @ terms.future + steps @ terms.steps
    return np.asarray(effect[:, :1] + np.concatenate([effect[:, 1:] @ terms.matrix, ahead], axis=1))
