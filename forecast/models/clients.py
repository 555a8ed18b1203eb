"""Clients differ beyond what the attributes of their deals say: a shared frailty, integrated out.

The hazards of the exits that advance or win are multiplied by z_c, one for all deals of client c, gamma distributed
with mean one and variance 1 / shape. Of D_c such exits, where L_c = sum of their hazards over the days at risk are
expected at z_c = 1, the likelihood integrated over z_c is that of deals that share nothing (see exits.py), times
the exponential of

    lgamma(shape + D_c) - lgamma(shape) - D_c log(shape) - (shape + D_c) log(1 + L_c / shape) + L_c,

and given all of them z_c ~ Gamma(shape + D_c, shape + L_c) (Clayton 1978). The term vanishes for a large shape. It is
added to the model of all exits, so that nothing there has to know of it, at the price of a second look at the days
at risk of these clients' deals.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray

from forecast.exposure import pieces
from forecast.history import Floats, History, Ints
from forecast.models.contraction import canonical
from forecast.models.exits import ExitTerms
from forecast.models.priors import LogSizes, Priors, log_sizes, size_variable
from simulations import Funnel, Kind
from simulations.compiling import compiled

Small = NDArray[np.uint32]


class ClientTerms(NamedTuple):
    """What the term of N clients is made of: days at risk of their deals, by point and group.

    A point is a (state, age bin, month), a group a (state, client, cell); both are sorted by state, those of state s
    being first_point[s]:first_point[s + 1], and likewise. Entries start[g]:start[g + 1] of a group are `days` at
    `point`. The exits of a state that advance or win are onwards[s, 0]:onwards[s, 1].
    exits: (N,) advances and wins. variance: of one.
    """

    onwards: Small  # (S, 2)
    first_point: Small  # (S + 1,)
    age: Small  # (points,)
    month: Small  # (points,)
    first_group: Small  # (S + 1,)
    client: Small  # (groups,)
    cell: Small  # (groups,)
    start: Small  # (groups + 1,)
    point: Small  # (entries,)
    days: Floats  # (entries,)
    exits: Floats
    variance: LogSizes


_NONE, _NOBODY, _EDGE = np.zeros(0), np.zeros(0, dtype=np.uint32), np.zeros(1, dtype=np.uint32)
NO_CLIENTS = ClientTerms(
    onwards=np.zeros((0, 2), dtype=np.uint32),
    first_point=_EDGE,
    age=_NOBODY,
    month=_NOBODY,
    first_group=_EDGE,
    client=_NOBODY,
    cell=_NOBODY,
    start=_EDGE,
    point=_NOBODY,
    days=_NONE,
    exits=_NONE,
    variance=LogSizes(_NONE, _NONE),
)


def client_terms(
    history: History, client: Ints, n_clients: int, cell_of_deal: Ints, funnel: Funnel, month_edges: Floats,
    priors: Priors,
) -> ClientTerms:  # fmt: skip
    """client: (deals,) index of each deal's client, -1 for those that are no part of the term.

    month_edges: of the calendar, in days since 1970-01-01. Days before recording began are not at risk, as for all.
    """
    if n_clients == 0:
        return NO_CLIENTS
    visits = history.visits
    start = np.maximum(visits.entered, history.recorded_from)
    ranges = _onwards(funnel)
    differs = (client[visits.deal] >= 0) & (ranges[visits.state, 1] > 0)
    used = np.flatnonzero(differs & (visits.left > start))
    deal, state, to = visits.deal[used], visits.state[used], visits.to[used]
    row, age, month, days = pieces(visits.entered[used], start[used], visits.left[used], funnel.age_edges, month_edges)
    points, point = np.unique(np.column_stack([state[row], age, month]), axis=0, return_inverse=True)
    by_group = np.column_stack([state[row], client[deal[row]], cell_of_deal[deal[row]]])
    groups, group = np.unique(by_group, axis=0, return_inverse=True)
    entries, entry = np.unique(group.ravel() * len(points) + point.ravel(), return_inverse=True)
    states = np.arange(funnel.n_states + 1)

    def small(values: Ints) -> Small:
        return np.ascontiguousarray(values, dtype=np.uint32)

    return ClientTerms(
        onwards=small(ranges),
        first_point=small(np.searchsorted(points[:, 0], states)),
        age=small(points[:, 1]),
        month=small(points[:, 2]),
        first_group=small(np.searchsorted(groups[:, 0], states)),
        client=small(groups[:, 1]),
        cell=small(groups[:, 2]),
        start=small(np.searchsorted(entries // len(points), np.arange(len(groups) + 1))),
        point=small(entries % len(points)),
        days=np.bincount(entry.ravel(), weights=days).astype(np.float64),
        exits=np.bincount(
            client[deal[(to == history.won) | ((state < to) & (to < history.won))]], minlength=n_clients
        ).astype(np.float64),
        variance=log_sizes([priors.frailty_variance]),
    )


def _onwards(funnel: Funnel) -> Ints:
    """(S, 2) first exit that advances or wins, and the one after the last: exits are sorted by where they lead."""
    ranges = np.zeros((funnel.n_states, 2), dtype=np.int64)
    for exit in np.flatnonzero(np.isin(funnel.kinds, (Kind.ADVANCE, Kind.WON))):
        state = funnel.exits[exit][0]
        ranges[state] = exit if ranges[state, 1] == 0 else ranges[state, 0], exit + 1
    return ranges


@compiled
def add_by_client(
    terms: ClientTerms, hazard: Floats, seasonal: Floats, multiplier: Floats, rate: Floats, by_client: Floats
) -> None:
    """Add expected advances and wins to `by_client` (N,).

    hazard (J, B), seasonal (J, M), multiplier (J, C): the exponentials of base, calendar and effect. rate (points,):
    overwritten.
    """
    for state in range(terms.onwards.shape[0]):
        for j in range(terms.onwards[state, 0], terms.onwards[state, 1]):
            _rates(terms, state, j, hazard, seasonal, rate)
            for g in range(terms.first_group[state], terms.first_group[state + 1]):
                by_client[terms.client[g]] += _at_risk(terms, g, rate) * multiplier[j, terms.cell[g]]


@compiled
def add_weighted(
    terms: ClientTerms, weight: Floats, hazard: Floats, seasonal: Floats, multiplier: Floats, rate: Floats,
    by_rate: Floats, by_age: Floats, by_month: Floats, by_cell: Floats,
) -> None:  # fmt: skip
    """Add the same by age, by month and by cell, times the weight (N,) of each client, as `add_expected` does.

    rate, by_rate (points,): overwritten. by_cell is still to be multiplied by `multiplier`.
    """
    for state in range(terms.onwards.shape[0]):
        first, last = terms.first_point[state], terms.first_point[state + 1]
        for j in range(terms.onwards[state, 0], terms.onwards[state, 1]):
            _rates(terms, state, j, hazard, seasonal, rate)
            by_rate[first:last] = 0.0
            for g in range(terms.first_group[state], terms.first_group[state + 1]):
                factor = weight[terms.client[g]] * multiplier[j, terms.cell[g]]
                total = 0.0
                for i in range(terms.start[g], terms.start[g + 1]):
                    total += terms.days[i] * rate[terms.point[i]]
                    by_rate[terms.point[i]] += terms.days[i] * factor
                by_cell[j, terms.cell[g]] += total * weight[terms.client[g]]
            for p in range(first, last):
                by_age[j, terms.age[p]] += by_rate[p] * rate[p]
                by_month[j, terms.month[p]] += by_rate[p] * rate[p]


@compiled
def _rates(terms: ClientTerms, state: int, j: int, hazard: Floats, seasonal: Floats, rate: Floats) -> None:
    for p in range(terms.first_point[state], terms.first_point[state + 1]):
        rate[p] = hazard[j, terms.age[p]] * seasonal[j, terms.month[p]]


@compiled
def _at_risk(terms: ClientTerms, g: int, rate: Floats) -> float:
    total = 0.0
    for i in range(terms.start[g], terms.start[g + 1]):
        total += terms.days[i] * rate[terms.point[i]]
    return total


@compiled
def _by_client(terms: ClientTerms, base: Floats, calendar: Floats, effect: Floats) -> Floats:
    found = np.zeros(terms.exits.size)
    rate = np.empty(terms.age.size)
    add_by_client(terms, np.exp(base), np.exp(calendar), np.exp(effect), rate, found)
    return found


@compiled
def _added(
    terms: ClientTerms, weight: Floats, base: Floats, calendar: Floats, effect: Floats
) -> tuple[Floats, Floats, Floats]:
    by_age, by_month, by_cell = np.zeros_like(base), np.zeros_like(calendar), np.zeros_like(effect)
    rate, by_rate = np.empty(terms.age.size), np.empty(terms.age.size)
    hazard, seasonal, multiplier = np.exp(base), np.exp(calendar), np.exp(effect)
    add_weighted(terms, weight, hazard, seasonal, multiplier, rate, by_rate, by_age, by_month, by_cell)
    return by_age, by_month, by_cell * multiplier


def expected_by_client(terms: ClientTerms, *tables: Floats) -> Floats:
    """(N,) advances and wins expected of each client at a frailty of one, given the logarithms base (J, B), calendar
    (J, M) and effect (J, C).
    """
    base, calendar, effect = canonical(tables)
    return _by_client(canonical(terms), base, calendar, effect)


def added_exits(terms: ClientTerms, frailty: Floats, *tables: Floats) -> tuple[Floats, Floats, Floats]:
    """Expected exits by age, by month and by cell that frailties (N,) add to those at a frailty of one."""
    base, calendar, effect = canonical(tables)
    return _added(canonical(terms), frailty - 1, base, calendar, effect)


def add_clients(terms: ClientTerms, exits: ExitTerms) -> None:
    """Add frailty to the PyMC model in context, which has the exits, with the deterministic `frailty_shape`."""
    model = pm.modelcontext(None)
    base, calendar = model["log_hazard"], model["log_calendar"][exits.kind]
    effect, mean = pt.dot(model["effect"], exits.effect_matrix), pt.zeros(len(terms.exits))
    start: Ints = terms.start.astype(np.int64)
    group = np.repeat(np.arange(len(terms.client)), start[1:] - start[:-1])
    for state, (first, last) in enumerate(terms.onwards):
        for j in range(first, last):
            here = (group >= terms.first_group[state]) & (group < terms.first_group[state + 1])
            point = terms.point[here]
            log_rate = base[j, terms.age[point]] + calendar[j, terms.month[point]] + effect[j, terms.cell[group[here]]]
            mean = pt.inc_subtensor(mean[terms.client[group[here]]], terms.days[here] * pt.exp(log_rate))
    log_variance = size_variable("log_frailty_variance", terms.variance)[0]
    shape, count = pm.Deterministic("frailty_shape", pt.exp(-log_variance)), terms.exits
    added = (
        pt.gammaln(count + shape) - pt.gammaln(shape) - count * pt.log(shape)
        - (count + shape) * pt.log1p(mean / shape) + mean
    )  # fmt: skip
    pm.Potential("frailty", added.sum())
