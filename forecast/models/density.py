"""The log densities of exits, arrivals and amounts with their gradients, as compiled code.

The PyMC model says what the density is (see `add_exits`, `add_arrivals`, `add_amounts`); this is the same sum, with
derivatives by hand, compiled once for all data: shapes and data are arguments. `definition.check` compares the two
in every fit.

Every function adds its derivatives to `slope`; a block of raw parameters and its slope are consecutive parts of two
vectors, in the order in which the PyMC model has them. Nothing is allocated but small vectors: see `Workspace`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba as nb
import numpy as np
from numba.experimental import structref

from forecast.history import Floats
from forecast.models.amounts import AmountTerms
from forecast.models.arrivals import ArrivalTerms
from forecast.models.calendar import CalendarTerms
from forecast.models.clients import ClientTerms, add_by_client, add_weighted
from forecast.models.contraction import add_expected, canonical
from forecast.models.design import DRIFT, SHOCK
from forecast.models.exits import ExitTerms
from forecast.models.levels import LevelPrior
from forecast.models.priors import LogSizes
from simulations.compiling import compiled

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


class Terms(NamedTuple):
    """Data of the model; NO_AMOUNTS and NO_CLIENTS where these are not part of it."""

    exits: ExitTerms
    arrivals: ArrivalTerms
    amounts: AmountTerms
    clients: ClientTerms


class Workspace(NamedTuple):
    """Intermediate values and their slopes; one for every thread."""

    profile: Floats  # (2, J, B)
    seasonal: Floats  # (2, K, M)
    coefficients: Floats  # (2, J, coefficients)
    effect: Floats  # (2, J, C)
    hazard: Floats  # (J, B)
    by_age: Floats  # (J, B)
    multiplier: Floats  # (J, C)
    by_cell: Floats  # (J, C)
    seasons: Floats  # (J, M)
    by_month: Floats  # (J, M)
    factor: Floats  # (K, M, M)
    inverse: Floats  # (M, M)
    clients: Floats  # (2, N)
    points: Floats  # (2, points)


@structref.register
class _BoundType(nb.types.StructRef):  # type: ignore[misc]
    """Compiled code gets one pointer in place of some fifty arrays, unpacked with the GIL held in every call."""


class Bound(structref.StructRefProxy):  # type: ignore[misc]
    """Terms and a workspace, for one thread."""


structref.define_proxy(Bound, _BoundType, ["terms", "work"])


def bind(terms: Terms) -> Bound:
    return _bind(canonical(terms), _workspace(terms))


@compiled
def _bind(terms: Terms, work: Workspace) -> Bound:
    return Bound(terms, work)


def _workspace(terms: Terms) -> Workspace:
    exits = terms.exits
    by_age, by_month, by_cell = exits.exits_by_age.shape, exits.exits_by_month.shape, exits.exits_by_cell.shape
    kinds, months = exits.calendar.months.centre.shape
    shapes = [
        (2, *by_age), (2, kinds, months), (2, *exits.effect.centre.shape), (2, *by_cell),
        by_age, by_age, by_cell, by_cell, by_month, by_month, (kinds, months, months), (months, months),
        (2, len(terms.clients.exits)), (2, len(terms.clients.age)),
    ]  # fmt: skip
    return Workspace(*(np.zeros(shape) for shape in shapes))


@compiled
def exits_density(point: Floats, slope: Floats, bound: Bound) -> float:
    """Of exits and frailty, at their raw parameters `point`; `slope` is overwritten by the gradient."""
    slope[:] = 0.0
    clients = bound.terms.clients
    end = point.size - clients.variance.mean.size
    return _exits(point[:end], slope[:end], bound.terms.exits, bound.work, clients, point[end:], slope[end:])


@compiled
def arrivals_density(point: Floats, slope: Floats, bound: Bound) -> float:
    slope[:] = 0.0
    return _arrivals(point, slope, bound.terms.arrivals)


@compiled
def amounts_density(point: Floats, slope: Floats, bound: Bound) -> float:
    slope[:] = 0.0
    return _amounts(point, slope, bound.terms.amounts)


# --- what the parts share ---


@compiled
def _sizes(log_size: Floats, slope: Floats, prior: LogSizes) -> float:
    total = 0.0
    for i in range(log_size.size):
        z = (log_size[i] - prior.mean[i]) / prior.sd[i]
        slope[i] -= z / prior.sd[i]
        total -= 0.5 * z * z + math.log(prior.sd[i]) + HALF_LOG_TWO_PI
    return total


@compiled
def _colour(centre: Floats, spread: Floats, white: Floats, x: Floats) -> None:
    """x = centre + spread white."""
    for i in range(white.size):
        x[i] = centre[i] + _dot(spread[i, i:], white[i:])


@compiled
def _colour_slope(spread: Floats, slope_x: Floats, slope: Floats) -> None:
    for i in range(slope_x.size):
        pull = slope_x[i]
        for k in range(i, slope_x.size):
            slope[k] += spread[i, k] * pull


@compiled
def _combine(coefficients: Floats, matrix: Floats, out: Floats) -> None:
    """Add coefficients (n,) @ matrix (n, columns)."""
    for i in range(coefficients.size):
        factor = coefficients[i]
        for t in range(out.size):
            out[t] += factor * matrix[i, t]


@compiled
def _dot(a: Floats, b: Floats) -> float:
    """In four sums that do not wait for each other."""
    fours = a.size - a.size % 4
    first, second, third, fourth = 0.0, 0.0, 0.0, 0.0
    for i in range(0, fours, 4):
        first += a[i] * b[i]
        second += a[i + 1] * b[i + 1]
        third += a[i + 2] * b[i + 2]
        fourth += a[i + 3] * b[i + 3]
    for i in range(fours, a.size):
        first += a[i] * b[i]
    return (first + second) + (third + fourth)


# --- exits ---


@compiled
def _exits(
    point: Floats, slope: Floats, exits: ExitTerms, work: Workspace, clients: ClientTerms, log_variance: Floats,
    log_variance_slope: Floats,
) -> float:  # fmt: skip
    calendar, exit_count = exits.calendar, exits.kind.size
    kinds, calendar_sizes, effect_sizes = calendar.centred.size, calendar.sizes.mean.size, exits.effect_sizes.mean.size
    a = kinds * calendar_sizes
    b = a + calendar.months.centre.size
    c = b + exits.effect.centre.size
    d = c + kinds * effect_sizes
    calendar_log_size = point[:a].reshape((kinds, calendar_sizes))
    calendar_log_size_slope = slope[:a].reshape((kinds, calendar_sizes))
    calendar_white = point[a:b].reshape(calendar.months.centre.shape)
    calendar_slope = slope[a:b].reshape(calendar.months.centre.shape)
    effect_white = point[b:c].reshape(exits.effect.centre.shape)
    effect_slope = slope[b:c].reshape(exits.effect.centre.shape)
    effect_log_size = point[c:d].reshape((kinds, effect_sizes))
    effect_log_size_slope = slope[c:d].reshape((kinds, effect_sizes))
    profile_white = point[d:].reshape(exits.profile.centre.shape)
    profile_slope = slope[d:].reshape(exits.profile.centre.shape)

    work.seasonal[:] = 0.0
    work.effect[:] = 0.0
    total = 0.0
    z = np.zeros(calendar.months.centre.shape)
    for k in range(kinds):
        total += _sizes(calendar_log_size[k], calendar_log_size_slope[k], calendar.sizes)
        _colour(calendar.months.centre[k], calendar.months.spread[k], calendar_white[k], z[k])
        total += _months(calendar_log_size[k], z[k], calendar, k, work)
        total += _sizes(effect_log_size[k], effect_log_size_slope[k], exits.effect_sizes)
    x = np.zeros((exit_count, exits.effect_group.size))
    for j in range(exit_count):
        _colour(exits.effect.centre[j], exits.effect.spread[j], effect_white[j], x[j])
        for i in range(exits.effect_group.size):
            size = _size_of(exits, effect_log_size[exits.kind[j]], i)
            work.coefficients[0, j, i] = x[j, i] * (1.0 if exits.centred[j, i] == 1.0 else size)
        _combine(work.coefficients[0, j], exits.effect_matrix, work.effect[0, j])
        _colour(exits.profile.centre[j], exits.profile.spread[j], profile_white[j], work.profile[0, j])
    total += _likelihood(exits, work, clients, log_variance, log_variance_slope)

    for j in range(exit_count):
        _colour_slope(exits.profile.spread[j], work.profile[1, j], profile_slope[j])
        log_size, log_size_slope = effect_log_size[exits.kind[j]], effect_log_size_slope[exits.kind[j]]
        total += _coefficients(exits, j, x[j], work, log_size, log_size_slope)
        _colour_slope(exits.effect.spread[j], x[j], effect_slope[j])
    for k in range(kinds):
        _months_slope(calendar_log_size[k], z[k], calendar, k, work, calendar_log_size_slope[k])
        _colour_slope(calendar.months.spread[k], z[k], calendar_slope[k])
    return total


@compiled
def _months(log_size: Floats, z: Floats, calendar: CalendarTerms, kind: int, work: Workspace) -> float:
    """The calendar of a kind, added to `work`, with the factor U of its covariance S = U' U; the prior of z, which
    is left as U'^-1 times the calendar.
    """
    factor, seasonal, months = work.factor[kind], work.seasonal[0, kind], z.size
    for i in range(months):
        factor[i] = 0.0
        for group in range(log_size.size):
            variance = math.exp(2 * log_size[group])
            for t in range(i, months):
                factor[i, t] += variance * calendar.squares[group, i, t]
    total = -_cholesky(factor)
    if calendar.centred[kind] == 0.0:
        _combine(z, factor, seasonal)
        return -0.5 * _dot(z, z)
    seasonal += z
    for i in range(months):  # by forward substitution
        z[i] /= factor[i, i]
        for t in range(i + 1, months):
            z[t] -= factor[i, t] * z[i]
    return total - 0.5 * _dot(z, z)


@compiled
def _months_slope(
    log_size: Floats, z: Floats, calendar: CalendarTerms, kind: int, work: Workspace, log_size_slope: Floats
) -> None:
    """Given the slope by the calendar in `work`; z is overwritten by its slope.

    S is the sum of size^2 f f' over the columns f of Q', D', I and Y'. With v = U'^-1 f, the slope by the log size is
    the sum of size^2 times, where the calendar is sampled itself,

        (y'v)^2 - v'v,   y = U'^-1 calendar,

    and otherwise, with the slope p of the calendar and w = U p (Murray 2016 on derivatives of Cholesky factors),

        sum_i v_i (2 w_i sum_{j < i} z_j v_j + w_i z_i v_i).

    As size^2 v v' sum to the identity over all f, those of the drift are what the others leave.
    """
    factor, inverse, pull, months = work.factor[kind], work.inverse, work.seasonal[1, kind], z.size
    centred = calendar.centred[kind] == 1.0
    _inverse(factor, inverse)
    w = np.empty(months)
    for i in range(months):
        w[i] = _dot(factor[i, i:], pull[i:])
    left, v = _dot(z, z) - months if centred else _dot(w, z), np.empty(months)
    for i in range(calendar.cycle.size):
        v[:] = 0.0
        _combine(calendar.cycles[i], inverse, v)
        group = calendar.cycle[i]
        part = math.exp(2 * log_size[group]) * _by_variance(v, z, w, centred)
        log_size_slope[group] += part
        left -= part
    for i in range(months):
        part = math.exp(2 * log_size[SHOCK]) * _by_variance(inverse[i], z, w, centred)
        log_size_slope[SHOCK] += part
        left -= part
    log_size_slope[DRIFT] += left
    if centred:
        for i in range(months):
            w[i] = pull[i] - _dot(inverse[i, i:], z[i:])
        z[:] = w
    else:
        z[:] = w - z


@compiled
def _by_variance(v: Floats, z: Floats, w: Floats, centred: bool) -> float:
    if centred:
        along = _dot(z, v)
        return along * along - _dot(v, v)
    total, before = 0.0, 0.0
    for i in range(v.size):
        now = z[i] * v[i]
        total += v[i] * w[i] * (2 * before + now)
        before += now
    return total


@compiled
def _cholesky(matrix: Floats) -> float:
    """Overwrite the upper triangle by U with U' U = matrix; half the log determinant. NaN unless positive definite."""
    total, size = 0.0, matrix.shape[0]
    for k in range(size):
        diagonal = math.sqrt(matrix[k, k])
        total += math.log(diagonal)
        for t in range(k, size):
            matrix[k, t] /= diagonal
        for i in range(k + 1, size):
            factor = matrix[k, i]
            for t in range(i, size):
                matrix[i, t] -= factor * matrix[k, t]
    return total


@compiled
def _inverse(upper: Floats, inverse: Floats) -> None:
    """Of an upper triangular matrix, from its last row upwards."""
    size = upper.shape[0]
    inverse[:] = 0.0
    for i in range(size - 1, -1, -1):
        for k in range(i + 1, size):
            factor = upper[i, k]
            for t in range(k, size):
                inverse[i, t] -= factor * inverse[k, t]
        for t in range(i + 1, size):
            inverse[i, t] /= upper[i, i]
        inverse[i, i] = 1 / upper[i, i]


@compiled
def _size_of(exits: ExitTerms, log_size: Floats, i: int) -> float:
    return math.exp(exits.fixed_log_size if exits.fixed[i] == 1 else log_size[exits.effect_group[i]])


@compiled
def _coefficients(
    exits: ExitTerms, j: int, x: Floats, work: Workspace, log_size: Floats, log_size_slope: Floats
) -> float:
    """The prior of the coefficients x of exit j; x is overwritten by its slope."""
    total = 0.0
    for i in range(x.size):
        pull = _dot(work.effect[1, j], exits.effect_matrix[i])
        size = _size_of(exits, log_size, i)
        if exits.centred[j, i] == 1.0:
            y = x[i] / size
            by_log_size = y * y - 1.0
            total -= 0.5 * y * y + math.log(size)
            x[i] = pull - y / size
        else:
            by_log_size = pull * work.coefficients[0, j, i]
            total -= 0.5 * x[i] * x[i]
            x[i] = pull * size - x[i]
        if exits.fixed[i] == 0:
            log_size_slope[exits.effect_group[i]] += by_log_size
    return total


@compiled
def _likelihood(
    exits: ExitTerms, work: Workspace, clients: ClientTerms, log_variance: Floats, log_variance_slope: Floats
) -> float:
    """Of the exits, and the priors of level and steps, given profile, seasonal and effect in `work`; their slopes
    are left there.
    """
    profile, seasonal, effect = work.profile[0], work.seasonal[0], work.effect[0]
    bins, months, cells = profile.shape[1], seasonal.shape[1], effect.shape[1]
    total = 0.0
    for j in range(profile.shape[0]):
        season = seasonal[exits.kind[j]]
        average = _dot(exits.month_weights[j], season) + _dot(exits.cell_weights[j], effect[j])
        total += _dot(exits.exits_by_month[j], season) + _dot(exits.exits_by_cell[j], effect[j])
        for b in range(bins):
            base = profile[j, b] - average
            total += exits.exits_by_age[j, b] * base
            work.hazard[j, b] = math.exp(base)
        work.profile[1, j] = exits.exits_by_age[j]
        for c in range(cells):
            work.multiplier[j, c] = math.exp(effect[j, c])
    for k in range(seasonal.shape[0]):
        for t in range(months):
            work.seasonal[1, k, t] = math.exp(seasonal[k, t])
    for j in range(profile.shape[0]):
        work.seasons[j] = work.seasonal[1, exits.kind[j]]
    work.seasonal[1] = 0.0
    work.by_age[:] = 0.0
    work.by_month[:] = 0.0
    work.by_cell[:] = 0.0
    total -= add_expected(
        exits.rows, work.hazard, work.seasons, work.multiplier, work.by_age, work.by_month, work.by_cell
    )
    if clients.exits.size > 0:
        total += _frailty(log_variance, log_variance_slope, clients, work)
    for j in range(profile.shape[0]):
        pull = 0.0
        for b in range(bins):
            work.profile[1, j, b] -= work.by_age[j, b]
            pull += work.profile[1, j, b]
        for t in range(months):
            by_month = exits.exits_by_month[j, t] - work.by_month[j, t]
            work.seasonal[1, exits.kind[j], t] += by_month - pull * exits.month_weights[j, t]
        for c in range(cells):
            by_cell = exits.exits_by_cell[j, c] - work.by_cell[j, c] * work.multiplier[j, c]
            work.effect[1, j, c] = by_cell - pull * exits.cell_weights[j, c]
        total += _steps(profile[j], work.profile[1, j], exits.levels.step[j])
    return total + _levels(profile, work.profile[1], exits.levels)


@compiled
def _levels(profile: Floats, slope: Floats, prior: LevelPrior) -> float:
    """-z'z / 2 of z = factor (levels - mean)."""
    total, exits = 0.0, profile.shape[0]
    apart = np.empty(exits)
    for j in range(exits):
        apart[j] = _dot(profile[j], prior.weights[j]) - prior.mean[j]
    for i in range(exits):
        z = _dot(prior.factor[i], apart)
        total -= 0.5 * z * z
        for j in range(exits):
            pull = z * prior.factor[i, j]
            if pull != 0.0:
                for b in range(profile.shape[1]):
                    slope[j, b] -= pull * prior.weights[j, b]
    return total


@compiled
def _frailty(log_variance: Floats, slope: Floats, clients: ClientTerms, work: Workspace) -> float:
    """What frailty adds, given hazard, seasons and multiplier in `work`; expected exits by age, month and cell are
    raised there to those given the frailties, by a factor (shape + exits) / (shape + expected) of each client.
    """
    expected, weight = work.clients[0], work.clients[1]
    expected[:] = 0.0
    add_by_client(clients, work.hazard, work.seasons, work.multiplier, work.points[0], expected)
    total = _sizes(log_variance, slope, clients.variance)
    shape, by_shape = math.exp(-log_variance[0]), 0.0
    for c in range(expected.size):
        count, mean = clients.exits[c], expected[c]
        relative = math.log1p(mean / shape)
        total += math.lgamma(count + shape) - math.lgamma(shape) - (count + shape) * relative
        total += mean - count * math.log(shape)
        by_shape += digamma(count + shape) - digamma(shape) - relative
        by_shape += (count + shape) * mean / (shape * (shape + mean)) - count / shape
        weight[c] = (count - mean) / (shape + mean)
    slope[0] -= shape * by_shape
    add_weighted(
        clients, weight, work.hazard, work.seasons, work.multiplier, work.points[0], work.points[1], work.by_age,
        work.by_month, work.by_cell,
    )  # fmt: skip
    return float(total)


@compiled
def _steps(profile: Floats, slope: Floats, scale: float) -> float:
    """sum of -2 log cosh(step / 2 scale), with log cosh s = |s| + log(1 + exp(-2 |s|)) - log 2."""
    total, product = 0.0, 1.0
    for b in range(profile.size - 1):
        step = (profile[b + 1] - profile[b]) / (2 * scale)
        small = math.exp(-2 * abs(step))
        product *= (1 + small) / 2  # at least 2^-B
        total -= 2 * abs(step)
        tangent = math.copysign((1 - small) / (1 + small), step) / scale
        slope[b] += tangent
        slope[b + 1] -= tangent
    return total - 2 * math.log(product)


# --- arrivals ---


@compiled
def _arrivals(point: Floats, slope: Floats, arrivals: ArrivalTerms) -> float:
    sizes, months = arrivals.sizes.mean.size, arrivals.counts.size
    log_size, log_scatter, white = point[:sizes], point[sizes : sizes + 1], point[sizes + 1 :]
    total = _sizes(log_size, slope[:sizes], arrivals.sizes)
    total += _sizes(log_scatter, slope[sizes : sizes + 1], arrivals.scatter)
    z, scaled = np.zeros(white.size), np.zeros(white.size - 1)
    _colour(arrivals.coefficients.centre, arrivals.coefficients.spread, white, z)
    for i in range(scaled.size):
        scaled[i] = z[i + 1] * math.exp(log_size[arrivals.group[i]])
    log_rate, by_rate = np.full(months, z[0]), np.zeros(months)
    _combine(scaled, arrivals.matrix, log_rate)

    of_month, by_shape = math.exp(-2 * log_scatter[0]), 0.0
    for t in range(months):
        if arrivals.days[t] > 0:
            shape = of_month * arrivals.length[t]
            count, mean = arrivals.counts[t], math.exp(log_rate[t]) * arrivals.days[t]
            relative = math.log1p(mean / shape)
            total += math.lgamma(count + shape) - math.lgamma(shape) - (count + shape) * relative
            total += count * (log_rate[t] - math.log(shape))
            by_rate[t] = count - (count + shape) * mean / (shape + mean)
            by_one = digamma(count + shape) - digamma(shape) - relative
            by_shape += shape * (by_one + (count + shape) * mean / (shape * (shape + mean)) - count / shape)
    slope[sizes] -= 2 * by_shape

    level = (z[0] - arrivals.level) / arrivals.level_sd
    total -= 0.5 * (_dot(z[1:], z[1:]) + level * level)
    z[0] = by_rate.sum() - level / arrivals.level_sd
    for i in range(scaled.size):
        pull = _dot(by_rate, arrivals.matrix[i])
        slope[arrivals.group[i]] += pull * scaled[i]
        z[i + 1] = pull * math.exp(log_size[arrivals.group[i]]) - z[i + 1]
    _colour_slope(arrivals.coefficients.spread, z, slope[sizes + 1 :])
    return float(total)


@compiled
def digamma(x: float) -> float:
    """The derivative of log gamma, x > 0: by its recurrence up to 10, then by its asymptotic series (Abramowitz
    and Stegun 6.3.5 and 6.3.18), whose first term left out is 1e-15 there.
    """
    below = 0.0
    while x < 10:
        below -= 1 / x
        x += 1
    y = 1 / (x * x)
    series = y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y * (1 / 240 - y * (1 / 132 - y * (691 / 32760 - y / 12))))))
    return below + math.log(x) - 0.5 / x - series


# --- amounts ---


@compiled
def _amounts(point: Floats, slope: Floats, amounts: AmountTerms) -> float:
    log_scatter, sizes = point[:1], amounts.sizes.mean.size
    log_size, white = point[1 : 1 + sizes], point[1 + sizes :]
    total = _sizes(log_scatter, slope[:1], amounts.scatter) + _sizes(log_size, slope[1 : 1 + sizes], amounts.sizes)
    beta, mean = np.zeros(white.size), np.zeros(amounts.counts.size)
    _colour(amounts.coefficients.centre, amounts.coefficients.spread, white, beta)
    _combine(beta, amounts.matrix, mean)

    variance = math.exp(2 * log_scatter[0])
    for c in range(mean.size):
        count, deviation = amounts.counts[c], amounts.mean[c] - mean[c]
        squares = (amounts.squares[c] + count * deviation * deviation) / variance
        total -= count * log_scatter[0] + squares / 2
        slope[0] += squares - count
        mean[c] = count * deviation / variance  # its slope

    level = (beta[0] - amounts.level) / amounts.level_sd
    total -= 0.5 * level * level
    beta[0] = _dot(mean, amounts.matrix[0]) - level / amounts.level_sd
    for i in range(amounts.group.size):
        group = amounts.group[i]
        size = math.exp(log_size[group])
        y = beta[i + 1] / size
        total -= 0.5 * y * y + log_size[group]
        slope[1 + group] += y * y - 1
        beta[i + 1] = _dot(mean, amounts.matrix[i + 1]) - y / size
    _colour_slope(amounts.coefficients.spread, beta, slope[1 + sizes :])
    return float(total)
