"""The strong one: a competing-risk life table of every stage by age, with Poisson arrivals.

Occurrence / exposure rates by state, exit and age, all months and deals together; no parameter is uncertain, no
month differs, deals are independent.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecast.baselines.past import WEEK, Samples, recorded_since, window_days, won_amounts
from forecast.draws import deal_keys
from forecast.exposure import UNDER_A_DAY, Exposure, expose
from forecast.history import Floats, History, Ints, days
from simulations import Deals, Draws, Kind, simulate

DAILY = 60  # days of age up to which bins are single days ...
GROWTH = 1.1  # ... and from which each is a tenth longer than the one before
FEWEST_AT_RISK = 10  # deals, on average over an age bin, for a rate of its own
ARRIVAL_WEEKS = 12  # a quarter: long enough for 2 % error at 200 deals a week, short enough to follow the market
FEWEST_TEMPLATES = 30
CENTS = 100
BEFORE, LATER = 0, 1


def life_table(history: History, after: pd.Timestamp, n: int, rng: np.random.Generator) -> Samples | None:
    """The engine's walk of open and new deals at the table's rates. None without a day at risk on record."""
    cells = pd.DataFrame(index=pd.RangeIndex(1))
    table = expose(history, cells, np.zeros(len(history.deals), dtype=np.int64), age_edges(history))
    if not table.days_at_risk.any():
        return None
    length = float(window_days(history, after))
    visits, funnel = history.visits, table.funnel
    at_risk = history.open_visits()
    if (funnel.kinds == Kind.REOPEN).any():
        at_risk = np.append(at_risk, history.lost_visits())
    rate, new = arrivals(history)
    first = history.first_visits()[new]
    level, spread = log_normal(won_amounts(history)["amount"].to_numpy() * CENTS)
    one = np.ones((1, 1))
    states = np.ones((1, funnel.n_states))
    draws = Draws(
        funnel=funnel,
        hazard=rates(table, timed=history.timed)[None],
        effect=np.ones((1, funnel.n_exits, 1)),
        calendar=np.ones((1, len(Kind), 1)),
        month_edges=np.array([0.0, length]),
        arrival_mean=one * rate * length,
        arrival_shape=one * np.inf,
        template_cdf=np.arange(1, len(new) + 1)[None] / max(len(new), 1),
        client_cdf=one[:, :0],
        amount_kept=states,
        amount_shift=0 * states,
        amount_scale=0 * states,
        amount_log_mean=one * level,
        amount_log_sd=one * spread,
    )
    outcomes = simulate(
        draws,
        _deals(history, at_risk, history.day - visits.entered[at_risk], BEFORE),
        _deals(history, first, np.zeros(len(first)), LATER),
        seed=int(rng.integers(2**63)), replicates=n, group_sizes={"created": 2},
    )  # fmt: skip
    parts = outcomes.by["created"].sum(axis=1) / CENTS
    return Samples(parts.sum(axis=1), parts[:, BEFORE])


def age_edges(history: History) -> Floats:
    """(B,) lower edges of the age bins, to the age of the oldest visit: days, then a tenth longer each."""
    visits = history.visits
    oldest = float(np.max(visits.left - visits.entered, where=visits.state < history.won, initial=1.0))
    edges = [0.0, *(UNDER_A_DAY if history.timed else ()), 0.6, *range(1, DAILY + 1)]
    while edges[-1] < oldest:
        edges.append(float(np.ceil(edges[-1] * GROWTH)))
    return np.array(edges)[: max(int(np.searchsorted(edges, oldest)), 1)]


def rates(table: Exposure, *, timed: bool) -> Floats:
    """(J, B) exits per day at risk, in every age bin.

    Where fewer than FEWEST_AT_RISK deals reached a bin, its rate is that of all ages from half of its own on; this is
    also what goes on beyond the oldest age. With dates only, exits are seen at the end of a day: of N deals at risk
    D leave, so that the rate is -log(1 - D / N) a day, not D / N (but for those of the first day, seen within it).
    """
    funnel = table.funnel
    source = np.array([here for here, _ in funnel.exits])
    at_risk, exits = table.days_at_risk.sum(axis=(2, 3)), table.exits_by_age
    width = np.append(np.diff(funnel.age_edges), np.inf)
    half = np.searchsorted(funnel.age_edges, funnel.age_edges / 2, side="right") - 1
    thin = at_risk < FEWEST_AT_RISK * width  # always the last bin, which is open-ended
    older = _from(at_risk, half)
    pooled = np.where(older > 0, older, at_risk.sum(axis=1, keepdims=True))
    older_exits = np.where(older[source] > 0, _from(exits, half), exits.sum(axis=1, keepdims=True))
    at_risk = np.where(thin, pooled, at_risk)
    exits = np.where(thin[source], older_exits, exits)
    leaving = np.stack([exits[source == state].sum(axis=0) for state in range(funnel.n_states)])
    rate = np.divide(leaving, at_risk, out=np.zeros_like(at_risk), where=at_risk > 0)
    share = np.divide(exits, leaving[source], out=np.zeros_like(exits), where=leaving[source] > 0)
    if not timed:
        day = np.minimum(width, 1.0)
        fewest_left = day / (2 * at_risk + day)  # half a deal where all have left
        left = np.maximum(1 - rate * day, np.where(at_risk > 0, fewest_left, 1.0))
        rate[:, 1:] = (-np.log(left) / day)[:, 1:]
    return np.asarray(rate[source] * share)


def _from(values: Floats, first: Ints) -> Floats:
    """Sums over the bins from each of `first` on."""
    return np.cumsum(values[:, ::-1], axis=1)[:, ::-1][:, first]


def arrivals(history: History) -> tuple[float, Ints]:
    """Deals created per day over the last ARRIVAL_WEEKS weeks on record, and the rows of deals like new ones: those,
    or the latest FEWEST_TEMPLATES. Deals that were never open are left out of both.
    """
    created = days(history.deals["created"])
    rows = np.flatnonzero(history.begun_open())
    rows = rows[np.argsort(-created[rows], kind="stable")]
    on_record = history.day - recorded_since(history)
    span = min(WEEK * ARRIVAL_WEEKS, on_record - on_record % WEEK if on_record >= WEEK else on_record)
    recent = int((created[rows] >= history.day - span).sum())
    return recent / span if span > 0 else 0.0, rows[: max(recent, FEWEST_TEMPLATES)]


def log_normal(amounts: Floats) -> tuple[float, float]:
    """Mean and standard deviation of the log of a log-normal with the mean and variance of past amounts."""
    mean = float(amounts.mean()) if len(amounts) else 0.0
    if mean <= 0:
        return -np.log(2 * CENTS), 0.0  # rounds to nothing
    variance = float(np.log1p(amounts.var() / mean**2))
    return float(np.log(mean)) - variance / 2, float(np.sqrt(variance))


def _deals(history: History, visit: Ints, age: Floats, created: int) -> Deals:
    """Deals as the engine takes them, each in the state of its visit."""
    visits = history.visits
    amount = visits.amount[visit] * CENTS
    return Deals(
        key=deal_keys(history.deals["deal_id"].iloc[visits.deal[visit]]),
        stage=visits.state[visit],
        age=age,
        cell=np.zeros(len(visit), dtype=np.int64),
        amount=np.where(np.isnan(amount), -1, np.rint(np.nan_to_num(amount))).astype(np.int64),
        groups={"created": np.full(len(visit), created, dtype=np.int64)},
    )
