"""What became of deals between two days: won, lost, moved, older by the time in between, or created since."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import pandas as pd

from forecast.draws import deal_keys
from forecast.history import History, day_of
from forecast.periods import Period


class Fate(IntEnum):
    """Of a deal known on the later day. Every deal has one."""

    WON = 0  # won in between; open, or lost, before
    LOST = 1  # lost in between
    MOVED = 2  # open in another stage than before, or in the same one again; or re-opened
    AGED = 3  # open in the stage where it was, or still lost
    CREATED = 4  # not known before, whatever became of it since
    SETTLED = 5  # won before already


def fates(then: History, now: History) -> pd.DataFrame:
    """One row per deal of the later history, by deal_id: key (of its random numbers), fate, open (now)."""
    before, after = _last(then), _last(now)
    before = before.reindex(after.index)
    known, won, lost = before["state"].notna(), now.won, now.lost
    same = (before["state"] == after["state"]) & (before["entered"] == after["entered"])
    fate = np.select(
        [~known, after["state"] == won, after["state"] == lost],
        [Fate.CREATED, np.where(before["state"] == won, Fate.SETTLED, Fate.WON),
         np.where(before["state"] == lost, Fate.AGED, Fate.LOST)],
        np.where(same, Fate.AGED, Fate.MOVED),
    )  # fmt: skip
    found = {"key": deal_keys(after.index), "fate": fate.astype(np.int64), "open": after["state"] < won}
    return pd.DataFrame(found, index=after.index)


def won_by_fate(history: History, of: pd.DataFrame, period: Period, minor: int) -> np.ndarray:
    """(Fate,) minor units won in a period by the origin of a history, by what became of the deals (see `fates`).

    They sum to the amount won, rounded as a whole; those settled before take the rest of the rounding.
    """
    start, end = day_of(period.start), min(day_of(period.after), history.day)
    wins = history.wins()
    wins = wins[(wins["won"] > start) & (wins["won"] <= end)]
    fate = of["fate"].loc[history.deals["deal_id"].iloc[wins["deal"]]].to_numpy()
    amounts = np.rint(wins["amount"].fillna(0).to_numpy() * minor)
    sums = np.bincount(fate, amounts, minlength=len(Fate)).astype(np.int64)
    sums[Fate.SETTLED] += round(history.won_between(start, end) * minor) - sums.sum()
    return sums


def _last(history: History) -> pd.DataFrame:
    """Where each deal is, by deal_id: state and when it was entered."""
    last = history.last_visits()
    ids = pd.Index(history.deals["deal_id"], name="deal_id")
    return pd.DataFrame({"state": history.visits.state[last], "entered": history.visits.entered[last]}, index=ids)
