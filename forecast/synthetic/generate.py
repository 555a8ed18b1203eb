"""A company's recorded history, with the truth that made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from forecast.synthetic import names
from forecast.synthetic.calendar import Calendar, draw_calendar
from forecast.synthetic.company import Company
from forecast.synthetic.follow_ups import walk_with_follow_ups
from forecast.synthetic.people import Deals, People, draw_deals, draw_people
from forecast.synthetic.walk import ADVANCE, ADVANCE_QUICK, SMALLEST, Visits, first_visits, options

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """What the process that made the history really does, by name of the open stage.

    Both figures are averages over the visits that the history holds (so over the real mix of deals, sellers,
    clients and months), but of the process and not of what happened to happen.
    """

    conversion: Mapping[str, float]  # probability that a visit ever ends in an advance or a win
    median_lead_time: Mapping[str, float]  # days from entry to exit of a visit that does
    conversion_by_segment: Mapping[str, Mapping[str, float]]  # segment, then stage


@dataclass(frozen=True)
class World:
    """Everything behind the tables: what a forecaster never sees."""

    people: People
    calendar: Calendar
    deals: Deals
    visits: Visits  # sorted by deal and time


@dataclass(frozen=True)
class Generated:
    """The canonical tables of a made-up company, and the truth behind them."""

    deals: pd.DataFrame  # deal_id, client, amount at creation, created, attributes
    stage_history: pd.DataFrame  # deal_id, stage, entered, amount from then on
    truth: Truth
    world: World


def generate(company: Company, seed: int | np.random.Generator) -> Generated:
    """Make up the history of a company. The same seed gives the same history."""
    rng = np.random.default_rng(seed)
    people = draw_people(company, rng)
    calendar = draw_calendar(company, rng, company.months)
    deals = draw_deals(company, people, np.sort(draw_created(calendar, rng)[1]), rng)
    first = first_visits(deals, np.zeros(len(deals.created), dtype=np.int64))
    days = (float(company.first_day), float(company.end_day))
    deals, visits = walk_with_follow_ups(company, calendar, deals, first, first.take(np.zeros(0, np.int64)), days, rng)
    # A stable sort: visits of one deal were made in their order, and may begin at the same moment.
    visits = visits.take(np.argsort(visits.deal, kind="stable"))
    world = World(people, calendar, deals, visits)
    table = deal_table(company, people, deals)
    history = history_table(company, visits, table["deal_id"])
    if company.unrecorded_months:
        closed = history["stage"].isin((company.won, company.lost))
        gone = history["deal_id"][closed & (history["entered"] < pd.Timestamp(company.recorded_from))]
        table, history = (rows[~rows["deal_id"].isin(gone)].reset_index(drop=True) for rows in (table, history))
    return Generated(table, history, true_rates(company, world), world)


def draw_created(
    calendar: Calendar, rng: np.random.Generator, since: int | None = None
) -> tuple[NDArray[np.int64], Floats]:
    """Draw the deals created from the day `since` on: row of the calendar and day of each, sorted by row."""
    skip = 0 if since is None else since - calendar.first_day
    count = rng.poisson(calendar.created[:, skip:])
    row, day = np.nonzero(count)
    times = count[row, day]
    row, day = np.repeat(row, times), np.repeat(day, times)
    return row, calendar.first_day + skip + day + rng.random(len(day))


def deal_table(company: Company, people: People, deals: Deals) -> pd.DataFrame:
    """Return the canonical table of deals."""
    table = pd.DataFrame(
        {
            "deal_id": [f"D{i + 1:05d}" for i in range(len(deals.created))],
            "client": _label([names.client(i) for i in range(company.clients)], deals.client),
            "amount": deals.amount,
            "created": to_dates(deals.created, timed=company.timed),
        }
    )
    if company.parents:
        parent = people.client_parent[deals.client]
        table["parent_client"] = _label([names.parent(i) for i in range(company.parents)], parent)
    team = people.seller_team[deals.seller] if company.teams else deals.seller
    columns = {
        "owner": lambda: _label([names.seller(i) for i in range(len(people.seller_team))], deals.seller),
        "team": lambda: _label([t.name for t in company.teams], team),
        "region": lambda: _label([t.region for t in company.teams], team),
        "segment": lambda: _label([s.name for s in company.segments], people.client_segment[deals.client]),
    }
    for attribute in company.attributes:
        if company.teams or attribute == "segment":
            table[attribute] = columns[attribute]()
    return table


def history_table(company: Company, visits: Visits, deal_id: pd.Series) -> pd.DataFrame:
    """Return the canonical table of stages entered, by deal and time."""
    return pd.DataFrame(
        {
            "deal_id": deal_id.to_numpy()[visits.deal],
            "stage": _label(list(company.states), visits.stage),
            "entered": to_dates(visits.entered, timed=company.timed),
            "amount": visits.amount,
        }
    )


def to_dates(days: Floats, *, timed: bool) -> NDArray[np.datetime64]:
    """Turn days since 1970-01-01 into dates, or into timestamps in whole seconds."""
    whole = np.floor(days * 86_400).astype("datetime64[s]")
    return whole if timed else whole.astype("datetime64[D]").astype("datetime64[s]")


def true_rates(company: Company, world: World) -> Truth:
    """Work out conversion and median lead time of each open stage from the process itself."""
    conversion: dict[str, float] = {}
    median: dict[str, float] = {}
    by_segment: dict[str, dict[str, float]] = {s.name: {} for s in company.segments}
    for i, stage in enumerate(company.stages):
        visits = world.visits.take(world.visits.stage == i)
        ends = options(company, world.calendar, world.deals, visits)
        weight = ends.weight[:, [ADVANCE, ADVANCE_QUICK]].sum(axis=1)
        conversion[stage.name] = float(weight.mean()) if len(weight) else float("nan")
        median[stage.name] = true_lead_time(company, world, visits) if len(weight) else float("nan")
        segment = world.people.client_segment[world.deals.client[visits.deal]]
        for j, name in enumerate(by_segment):
            here = weight[segment == j]
            by_segment[name][stage.name] = float(here.mean()) if len(here) else float("nan")
    return Truth(conversion, median, by_segment)


def true_lead_time(company: Company, world: World, visits: Visits, share: float = 0.5) -> float:
    """Solve for the days by which `share` of the visits that will ever advance have advanced.

    The distribution is the mixture over the visits i and the two ways o of advancing, of probability P_io on
    entry: F(x) = sum_io P_io Phi((log a_io(x) - mu_io) / sigma_io) / sum_io P_io, where a_io(x) is the
    operational age after x days.
    """
    ways = [ADVANCE, ADVANCE_QUICK]
    o = options(company, world.calendar, world.deals, visits)
    weight, mu, sigma, clock = o.weight[:, ways], o.mu[:, ways], o.sigma[:, ways], o.clock[:, ways]
    row = np.repeat(visits.row[:, None], 2, axis=1)
    entered = np.repeat(visits.entered[:, None], 2, axis=1)
    begun = world.calendar.read(row, clock, entered)

    low, high = 0.0, 10_000.0
    for _ in range(45):  # halving 10,000 days 45 times leaves less than a microsecond
        x = (low + high) / 2
        age = np.maximum(world.calendar.read(row, clock, entered + x) - begun, SMALLEST)
        reached = float((weight * ndtr((np.log(age) - mu) / sigma)).sum() / weight.sum()) >= share
        low, high = (low, x) if reached else (x, high)
    return (low + high) / 2


def _label(labels: list[str], index: NDArray[np.int64]) -> pd.Series:
    """Return the label of each index, and none where it is -1."""
    return pd.Series(np.array(labels, dtype=object)[index], dtype="str").where(index >= 0)
