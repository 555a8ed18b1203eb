"""The past as it was known on a day: `as_of` is the only door from the tables to everything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.config_data import FunnelSection
from forecast.errors import FunnelError
from forecast.sources.dated import as_known
from forecast.sources.quality import among
from forecast.sources.tables import Known, Tables

# With dates only, a stay that begins and ends on one day counts a third of a day: the expected distance of
# two moments drawn uniformly from it. With times of day, about a second.
SAME_DAY_STAY = 1 / 3
SHORTEST_STAY = 1e-5
# The last recorded day is that of the last event where the funnel file does not say: so long after it a question
# may still be asked, taking it that nothing happened since. A week holds a weekend and a holiday.
GRACE = pd.Timedelta(days=7)
SHORT_RECORD = 365  # days, below which months are too few to learn from how much they differ

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Visits:
    """Stays of deals in states, V in all, ordered by deal and then by time; frozen arrays of length V.

    deal: row in History.deals. state: index into History.states. entered: days since 1970-01-01.
    left: the same, the origin where the stay goes on. to: the state entered next, -1 where the stay goes on.
    amount: the deal's amount known at the end of the stay, NaN where unknown.
    """

    deal: Ints
    state: Ints
    entered: Floats
    left: Floats
    to: Ints
    amount: Floats

    def __len__(self) -> int:
        return len(self.deal)

    def last(self, n_deals: int) -> Ints:
        """(n_deals,) index of the last visit of each deal."""
        return np.searchsorted(self.deal, np.arange(n_deals), side="right") - 1


@dataclass(frozen=True, eq=False)
class History:
    """What was known at the `origin` (the morning of that day).

    states: open stages in funnel order, then won, then lost. deals: one row per deal that had entered a stage
    before the origin: deal_id, client, created, amount and attributes, each missing where it was not known yet.
    created is the day of entering the first stage, so that a deal arrives when its first visit begins: one that
    is created and waits for its first stage is, as of that day, an arrival still to come.
    visits: see Visits. recorded_from: days since 1970-01-01 from which exits were recorded.
    timed: whether times of day are known. known: when each column of deals is known.
    """

    states: tuple[str, ...]
    viable_from: int
    origin: pd.Timestamp
    deals: pd.DataFrame
    visits: Visits
    recorded_from: float
    timed: bool
    known: Mapping[str, Known]

    @property
    def won(self) -> int:
        return len(self.states) - 2

    @property
    def lost(self) -> int:
        return len(self.states) - 1

    @property
    def day(self) -> float:
        """The origin in days since 1970-01-01."""
        return day_of(self.origin)

    @property
    def short_record(self) -> bool:
        """Whether so little is on record that it is told in weeks."""
        first = float(self.visits.entered.min()) if len(self.visits) else self.day
        return self.day - max(first, self.recorded_from) < SHORT_RECORD

    def first_visits(self) -> Ints:
        """(deals,) index of the first visit of each deal."""
        return np.searchsorted(self.visits.deal, np.arange(len(self.deals)))

    def begun_open(self) -> NDArray[np.bool_]:
        """(deals,) whether a deal was ever open: one recorded only when won or lost tells nothing of the stages."""
        return np.asarray(self.visits.state[self.first_visits()] < self.won)

    def last_visits(self) -> Ints:
        """(deals,) index of the last visit of each deal."""
        return self.visits.last(len(self.deals))

    def open_visits(self) -> Ints:
        """Indices of the visits in which deals are open at the origin."""
        last = self.last_visits()
        return last[self.visits.state[last] < self.won]

    def lost_visits(self) -> Ints:
        """Indices of the visits in which deals are lost at the origin."""
        last = self.last_visits()
        return np.asarray(last[self.visits.state[last] == self.lost])

    def wins(self) -> pd.DataFrame:
        """Won deals: row in deals, won (days since 1970-01-01), amount (NaN where unknown)."""
        last = self.last_visits()
        last = last[self.visits.state[last] == self.won]
        visits = self.visits
        return pd.DataFrame({"deal": visits.deal[last], "won": visits.entered[last], "amount": visits.amount[last]})

    def won_between(self, start: float, end: float) -> float:
        """Amount won after `start` up to `end` (days since 1970-01-01)."""
        wins = self.wins()
        return float(wins.loc[(wins["won"] > start) & (wins["won"] <= end), "amount"].sum())


def day_of(when: date | pd.Timestamp) -> float:
    """Days since 1970-01-01 of one moment."""
    return float((pd.Timestamp(when) - pd.Timestamp(0)) / pd.Timedelta(days=1))


def days(times: pd.Series[Any]) -> Floats:
    """Days since 1970-01-01, NaN for missing times."""
    since = (times - pd.Timestamp(0)) / pd.Timedelta(days=1)
    return np.asarray(since.to_numpy(dtype=np.float64))


def as_of(tables: Tables, funnel: FunnelSection, origin: date | pd.Timestamp) -> History:
    """The history as it was known on the morning of `origin`.

    Rows of that day and later are left out, stays that went on are cut, and whatever a column told only later
    is missing: columns known at close on deals not closed by then, overwritten columns altogether. Those whose
    changes are dated are as they stood.
    Raises FunnelError where nothing was known yet, or the records end before the origin.
    """
    origin = pd.Timestamp(origin)
    _check_origin(tables, origin)
    rows = tables.stage_history[tables.stage_history["entered"] < origin]
    first = rows["entered"][~rows["deal_id"].duplicated()]
    deals = tables.deals[among(tables.deals["deal_id"], rows["deal_id"])].reset_index(drop=True)
    deals["created"] = first.to_numpy()
    visits = _visits(rows, deals, funnel.states, tables, origin)
    return History(
        states=funnel.states,
        viable_from=funnel.states.index(funnel.viable_from) if funnel.viable_from else 0,
        origin=origin,
        deals=_hidden(deals, visits, len(funnel.states), tables, origin),
        visits=visits,
        recorded_from=-np.inf if tables.recorded_from is None else day_of(tables.recorded_from),
        timed=tables.timed,
        known=tables.known,
    )


def actual(start: float, after: float, target: float, history: History, recorded: History) -> dict[str, Any] | None:
    """What records that go on past a period tell of it: its revenue, and whether that reached the target; None where
    they do not go on past it, or not past the history that the question was asked of.
    """
    if recorded.day < after or recorded.day <= history.day:
        return None
    revenue = recorded.won_between(start, after)
    return {"revenue": revenue, "hit": revenue >= target}


def _check_origin(tables: Tables, origin: pd.Timestamp) -> None:
    first = tables.stage_history["entered"].min()
    if origin <= first:
        raise FunnelError(
            f"the as-of date {origin.date()} is before the first deal ({first.date()}): nothing was known then",
            remedy=f"Ask as of a day after {first.date()} and up to {tables.recorded_until.date()}.",
        )
    latest = tables.recorded_until + (pd.Timedelta(0) if tables.until_declared else GRACE)
    if origin > latest:
        last = (tables.recorded_until - pd.Timedelta(days=1)).date()
        raise FunnelError(
            f"the as-of date {origin.date()} is later than the records reach ({last})",
            remedy=f"Ask as of {latest.date()} at the latest, or state the last recorded day "
            "as `until` under [recording] if nothing happened since.",
        )


def _visits(
    rows: pd.DataFrame, deals: pd.DataFrame, states: tuple[str, ...], tables: Tables, origin: pd.Timestamp
) -> Visits:
    """Stays between changes of stage; rows that repeat the stage only carry a new amount."""
    deal = np.cumsum(rows["deal_id"].ne(rows["deal_id"].shift()).to_numpy()) - 1  # both are sorted
    state = pd.Index(states).get_indexer(pd.Index(rows["stage"]))
    amount = rows["amount"].groupby(deal, sort=False).ffill().to_numpy(dtype=np.float64)
    known = tables.known["amount"]
    if known is not Known.OVERWRITTEN:
        # Where changes are dated, the amount of the deal may be the last of them, known when it was won.
        stated = np.isnan(amount) & ((known is not Known.CHANGE) | (state == len(states) - 2))
        amount = np.where(stated, deals["amount"].to_numpy(dtype=np.float64)[deal], amount)
    if known in (Known.CLOSE, Known.WIN):  # of won deals only: a lost one may owe its amount to a re-opening
        amount = np.where(state == len(states) - 2, amount, np.nan)
    entered = days(rows["entered"])
    # A date stands for the end of its day. Where only the closing has no time of day, it reads as midnight.
    dated = (state >= len(states) - 2) & (entered % 1 == 0) if tables.timed else np.ones(len(rows), dtype=bool)
    entered = entered + dated
    if tables.timed:  # a moment at midnight belongs to the day, and the month, that begins with it
        entered = entered + SHORTEST_STAY * (~dated & (entered % 1 == 0))
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (deal[1:] != deal[:-1]) | (state[1:] != state[:-1])
    begins = np.flatnonzero(new)
    ends = np.append(begins[1:], len(rows)) - 1
    deal, state, entered = deal[begins], state[begins], entered[begins]
    follows = np.append(deal[1:] == deal[:-1], False)
    end = day_of(origin)
    left = np.where(follows, np.append(entered[1:], end), end)
    to = np.where(follows, np.append(state[1:], -1), -1)
    shortest = SHORTEST_STAY if tables.timed else SAME_DAY_STAY
    entered = np.where(follows & (left - entered < shortest), left - shortest, entered)
    return Visits(deal, state, entered, left, to, amount[ends])


def _hidden(deals: pd.DataFrame, visits: Visits, n_states: int, tables: Tables, origin: pd.Timestamp) -> pd.DataFrame:
    """The deals with all blanked that was not known yet; `amount` is the one known at the origin."""
    last = visits.last(len(deals))
    closed = visits.state[last] >= n_states - 2
    shown = deals.copy()
    shown["amount"] = visits.amount[last]
    for column, when in tables.known.items():
        if when is Known.CLOSE:
            shown[column] = shown[column].where(closed)
        elif when is Known.WIN:
            shown[column] = shown[column].where(visits.state[last] == n_states - 2)
        elif when is Known.CHANGE and column in shown and column != "amount":
            shown[column] = as_known(tables.dated.get(column), shown["deal_id"], origin)
        elif when is Known.OVERWRITTEN and column in shown:
            shown[column] = shown[column].where(np.zeros(len(shown), dtype=bool))
    return shown
