"""Worlds drawn from the priors: true parameters, and what deals did under them, walked in plain Python."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from forecast.exposure import expose
from forecast.history import Floats, History, Ints, Visits, days
from forecast.models import design
from forecast.models.amounts import amount_terms, won_amounts
from forecast.models.arrivals import arrival_terms, count_arrivals
from forecast.models.clients import client_terms
from forecast.models.density import Terms
from forecast.models.exits import exit_terms
from forecast.models.levels import draw_profiles
from forecast.models.priors import LogSizes, Priors

STATES = ("A", "B", "Won", "Lost")
EXITS = ((0, 1), (0, 3), (1, 2), (1, 3))
KIND = np.array([0, 2, 1, 2])  # advance, lost, won, lost: by place among the kinds present
ONWARDS = np.array([True, False, True, False])
AGES = np.array([0.0, 5.0, 15.0, 40.0, 90.0])
MONTHS = pd.date_range("2021-01-01", periods=13, freq="MS")
ORIGIN = MONTHS[-1]
EDGES = days(pd.Series(MONTHS))
REGIONS = ("East", "North", "West")
SCORES = (-1.0, 0.0, 1.0)  # of three bands of deal size
CLIENTS = 15
ARRIVALS = (np.log(1.5), 0.3)  # log deals a day: mean and sd; the model's own is too wide to draw worlds from
AMOUNTS = (9.0, 1.0)  # of the log amount's level


class World(NamedTuple):
    """truth: by name, as in the posterior (see models/definition.py). terms: of what was seen by the origin."""

    truth: dict[str, Floats]
    terms: Terms


def world(seed: int, times: float = 1.0) -> World:
    """times: as many deals as in the smallest worlds, which have some five hundred."""
    random = np.random.default_rng(seed)
    truth = _parameters(random)
    truth["log_arrival_rate"] += np.log(times)
    terms = _terms(_history(truth, random))
    return World(truth, terms._replace(arrivals=terms.arrivals._replace(level=float(ARRIVALS[0] + np.log(times)))))


def _calendar() -> design.Design:
    return design.calendar((np.asarray(MONTHS.month[:-1], dtype=np.int64) - 1) % 3, len(MONTHS) - 2)


def _arrival_drift() -> design.Design:
    return design.arrivals(np.arange(len(MONTHS) - 1) % 12, len(MONTHS) - 2, False)


def _cells() -> tuple[pd.DataFrame, design.Design]:
    pairs = [(region, score) for region in REGIONS for score in SCORES]
    table = pd.DataFrame(pairs, columns=["region", design.SIZE])
    return table, design.cells(table)


def _parameters(random: np.random.Generator) -> dict[str, Floats]:
    """One draw from the prior, written out from its description in the models' docstrings.

    The model's prior is on the levels of the average visit seen, here it is on those of average months and cells. The
    difference, an average of effects with size 0.1 or 0.2, is nothing beside a level known to a factor of three.
    """
    terms, priors = _blank(), Priors()

    def sizes(of: LogSizes, *shape: int) -> Floats:
        return np.asarray(of.mean + of.sd * random.standard_normal((*shape, len(of.mean))))

    kinds, calendar, (_, cells) = 3, _calendar(), _cells()
    log_calendar_size = sizes(terms.exits.calendar.sizes, kinds)
    by_month = np.exp(log_calendar_size)[:, calendar.group] * random.standard_normal((kinds, len(calendar.group)))
    log_effect_size = sizes(terms.exits.effect_sizes, kinds)
    slope = cells.group == 1
    effect_sd = np.where(slope, priors.size_slope, np.exp(log_effect_size)[KIND][:, cells.group])
    drift = _arrival_drift()
    log_arrival_size, log_arrival_scatter = sizes(terms.arrivals.sizes), sizes(terms.arrivals.scatter)
    moves = np.exp(log_arrival_size)[drift.group] * random.standard_normal(drift.coefficients) @ drift.matrix
    log_amount_size, log_amount_scatter = sizes(terms.amounts.sizes), sizes(terms.amounts.scatter)
    by_cell = np.exp(log_amount_size)[cells.group] * random.standard_normal(cells.coefficients)
    return {
        "log_hazard": draw_profiles(terms.exits.levels, 1, random)[0],
        "log_calendar_size": log_calendar_size,
        "log_calendar": by_month @ calendar.matrix,
        "log_effect_size": log_effect_size,
        "effect": effect_sd * random.standard_normal(effect_sd.shape),
        "log_arrival_size": log_arrival_size,
        "log_arrival_scatter": log_arrival_scatter,
        "log_arrival_rate": random.normal(*ARRIVALS) + moves,
        "log_amount_size": log_amount_size,
        "log_amount_scatter": log_amount_scatter,
        "log_amount": np.append(random.normal(*AMOUNTS), by_cell),
        "log_frailty_variance": sizes(terms.clients.variance),
    }


def _history(truth: dict[str, Floats], random: np.random.Generator) -> History:
    _, cells = _cells()
    effect = truth["effect"] @ cells.matrix
    hazard = np.exp(
        truth["log_hazard"][:, :, None, None] + truth["log_calendar"][KIND][:, None, :, None] + effect[:, None, None, :]
    )
    variance = float(np.exp(truth["log_frailty_variance"][0]))
    frailty = random.gamma(1 / variance, variance, CLIENTS)
    scatter = float(np.exp(truth["log_arrival_scatter"][0]))
    rate = random.gamma(scatter**-2, scatter**2, len(MONTHS) - 1) * np.exp(truth["log_arrival_rate"])
    number = random.poisson(rate * np.diff(EDGES))
    created = np.sort(np.concatenate([random.uniform(*EDGES[m : m + 2], n) for m, n in enumerate(number)]))
    cell = random.integers(0, len(REGIONS) * len(SCORES), len(created))
    client = random.integers(0, CLIENTS, len(created))
    mean = truth["log_amount"] @ np.vstack([np.ones((1, cells.matrix.shape[1])), cells.matrix])
    rows: list[tuple[float, ...]] = []
    for deal, time in enumerate(created):
        state = 0
        while state >= 0:
            entered = time
            if state >= 2:
                amount = np.nan
                if state == 2:
                    amount = np.exp(random.normal(mean[cell[deal]], np.exp(truth["log_amount_scatter"][0])))
                rows.append((deal, state, entered, EDGES[-1], -1, amount))
                break
            of_state = [j for j, (source, _) in enumerate(EXITS) if source == state]
            clock, to = random.exponential(), -1
            while time < EDGES[-1]:
                age = max(int(np.searchsorted(AGES, time - entered, side="right")) - 1, 0)
                month = int(np.searchsorted(EDGES, time, side="right")) - 1
                rates = hazard[of_state, age, month, cell[deal]] * np.where(ONWARDS[of_state], frailty[client[deal]], 1)
                ahead = min(EDGES[month + 1], entered + AGES[age + 1] if age + 1 < len(AGES) else np.inf)
                if clock < rates.sum() * (ahead - time):
                    time += clock / rates.sum()
                    to = EXITS[of_state[int(random.random() * rates.sum() >= rates[0])]][1]
                    break
                clock -= rates.sum() * (ahead - time)
                time = ahead
            rows.append((deal, state, entered, min(time, EDGES[-1]), to, np.nan))
            state = to
    deal, state, entered, left, to, amount = np.array(rows).T
    table, _ = _cells()
    deals = table.iloc[cell].reset_index(drop=True)
    deals["deal_id"] = [f"D{i}" for i in range(len(created))]
    deals["client"] = client
    deals["created"] = pd.Timestamp(0) + pd.to_timedelta(created, unit="D")
    visits = Visits(deal.astype(np.int64), state.astype(np.int64), entered, left, to.astype(np.int64), amount)
    return History(STATES, 0, ORIGIN, deals, visits, EDGES[0], True, {})


def _terms(history: History) -> Terms:
    """As `fit` makes them, but with edges that do not depend on the data, and levels drawn as here."""
    table, cell_design = _cells()
    cell = table.reset_index().merge(history.deals, how="right", on=list(table.columns))["index"].to_numpy(np.int64)
    exposure = expose(history, table, cell, AGES)
    priors = Priors()
    arrivals = arrival_terms(count_arrivals(history, MONTHS), _arrival_drift(), priors)
    amounts = amount_terms(won_amounts(history, cell, len(table)), cell_design, len(table.columns), priors)
    client: Ints = history.deals["client"].to_numpy(np.int64)
    return Terms(
        exit_terms(exposure, _calendar(), cell_design, priors),
        arrivals._replace(level_sd=ARRIVALS[1]),
        amounts._replace(level=AMOUNTS[0], level_sd=AMOUNTS[1]),
        client_terms(history, client, CLIENTS, cell, exposure.funnel, exposure.month_edges, priors),
    )


def _blank() -> Terms:
    """Terms of two deals that were never moved: what they hold of the priors does not depend on data."""
    _, state, entered = np.zeros(2, dtype=np.int64), np.array([0, 1]), EDGES[[0, 0]] + 1
    table, _ = _cells()
    deals = table.iloc[[0, 1]].reset_index(drop=True).assign(client=0)
    deals["created"] = pd.Timestamp(0) + pd.to_timedelta(entered, unit="D")
    visits = Visits(np.arange(2), state, entered, EDGES[[-1, -1]], np.full(2, -1), np.full(2, np.nan))
    return _terms(History(STATES, 0, ORIGIN, deals, visits, EDGES[0], True, {}))
