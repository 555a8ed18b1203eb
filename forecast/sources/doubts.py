"""What is worth knowing of rows that are used: told with a count and with what it does to the forecast."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecast.config import Config
from forecast.sources import assemble, guess
from forecast.sources.quality import Sieve, among

LATE_START = 60  # days between the first deal and the first that is closed, from which on one has to ask
SUCCESSION = 31  # days within which a new stage follows one that is not entered any more
FEWEST = 10  # deals of a stage, moves in a direction


def told(rows: Sieve, deals: pd.DataFrame, history: pd.DataFrame, config: Config, *, guessed: bool) -> None:
    """Note on `rows` (which have a deal_id) what `deals` and `history`, in order, give cause to doubt. `guessed`:
    the stages were not named, but found.
    """
    won, lost = config.funnel.won, config.funnel.lost
    ids = history["deal_id"]
    first = history[~ids.duplicated()]
    last = history[~ids.duplicated(keep="last")]

    def note(which: pd.Series, reason: str, effect: str, show: pd.Series | None = None, doubt: bool = False) -> None:
        found = among(rows.frame["deal_id"], which)
        rows.note(found & ~rows.frame["deal_id"].duplicated(), reason, effect=effect, show=show, doubt=doubt)

    shown = rows.frame["deal_id"]
    ended = first.loc[first["stage"].isin([won, lost]), "deal_id"]
    note(
        ended, "recorded only when won or lost", "counted when won, but not forecast: new ones are not foreseen", shown
    )
    wins = last.loc[last["stage"].eq(won), "deal_id"]
    empty = deals.loc[deals["amount"].isna() & among(deals["deal_id"], wins), "deal_id"]
    if deals["amount"].notna().any():
        share = f"{len(empty) / max(len(wins), 1):.0%}".replace("%", " %")
        note(empty, "won without an amount", f"counts as zero revenue: {share} of the wins", shown)
    begun = deals["deal_id"].map(first.set_index("deal_id")["entered"])
    waited = (begun.dt.normalize() - deals["created"].dt.normalize()).dt.days
    if (waited > 0).any():
        middle = waited[waited > 0].median()
        reason = "created before the first stage on record"
        effect = f"arrives when it enters that stage, in median {middle:,.0f} days later"
        note(deals.loc[waited > 0, "deal_id"], reason, effect, shown)
    if guessed:
        _ends(rows, history, config)
    _late_start(note, deals, history, config)
    _renamed(rows, history, config)
    _reordered(rows, history, config)


def _late_start(note: object, deals: pd.DataFrame, history: pd.DataFrame, config: Config) -> None:
    """No deal is closed for long after the first ones: perhaps closing was not recorded at first."""
    ends = history.loc[history["stage"].isin(config.funnel.states[-2:]), ["deal_id", "entered"]]
    if ends.empty or config.recording.from_ is not None:
        return
    begin, first = history["entered"].min(), ends["entered"].min()
    took = ends["entered"] - ends["deal_id"].map(assemble.first_entered(history))
    if (first - begin).days > max(LATE_START, 2 * took.dt.days.median()):
        early = deals.loc[deals["created"] < first, "deal_id"]
        reason = f"begun before {first:%Y-%m-%d}, the day of the first deal won or lost"
        effect = f"if ends were not recorded before, write from = {first:%Y-%m-%d} under [recording]"
        note(early, reason, effect, doubt=True)  # type: ignore[operator]


def _ends(rows: Sieve, history: pd.DataFrame, config: Config) -> None:
    """Open stages that are hardly ever left, not being where deals begin: perhaps they mean won or lost."""
    stages = config.funnel.stages
    code = pd.Index(config.funnel.states).get_indexer(pd.Index(history["stage"]))
    first = history["deal_id"].ne(history["deal_id"].shift()).to_numpy()
    visit = first | np.append(True, code[1:] != code[:-1])
    last = np.append((first | visit)[1:], True)  # of a visit
    leaves = last & ~np.append(first[1:], True)
    visits, left, begun = (np.bincount(code[which], minlength=len(stages)) for which in (visit, leaves, first))
    for place, name in enumerate(stages):
        never = left[place] <= (1 - guess.NEVER_LEFT) * visits[place] and begun[place] <= guess.MOSTLY * visits[place]
        if len(stages) > 1 and visits[place] >= guess.FEWEST_ENDS and never:
            ids = history.loc[history["stage"].eq(name), "deal_id"]
            found = among(rows.frame["deal_id"], ids) & ~rows.frame["deal_id"].duplicated()
            effect = f'an open stage; if it is an end: [source.replace.stage] "{name}" = "{config.funnel.lost}"'
            rows.note(found, f"'{name}' is hardly ever left", effect=effect, show=rows.frame["deal_id"], doubt=True)


def _renamed(rows: Sieve, history: pd.DataFrame, config: Config) -> None:
    """A stage is entered up to a day, and another one only from that day on: perhaps they are one."""
    entered = history.groupby("stage")["entered"].agg(["min", "max", "size"]).reindex(list(config.funnel.stages))
    entered = entered[entered["size"] >= FEWEST]
    begin, end = history["entered"].min(), history["entered"].max()
    margin = pd.Timedelta(days=SUCCESSION)
    for old, before in entered.iterrows():
        for new, after in entered.iterrows():
            follows = before["max"] < after["min"] <= before["max"] + margin
            if follows and after["min"] > begin + margin and before["max"] < end - margin:
                deals = history["deal_id"][history["stage"].isin([old])]
                found = among(rows.frame["deal_id"], deals) & ~rows.frame["deal_id"].duplicated()
                reason = f"'{old}' is entered until {before['max']:%Y-%m-%d}, '{new}' only after that"
                effect = f'two stages; if it was renamed: [source.replace.stage] "{old}" = "{new}"'
                rows.note(found, reason, effect=effect, show=rows.frame["deal_id"], doubt=True)


def _reordered(rows: Sieve, history: pd.DataFrame, config: Config) -> None:
    """Two stages that deals pass in one order at first, and in the other one later."""
    stages = config.funnel.stages
    code = pd.Index(stages).get_indexer(pd.Index(history["stage"]))
    moved = np.flatnonzero(history["deal_id"].eq(history["deal_id"].shift()).to_numpy())
    moved = moved[(code[moved] >= 0) & (code[moved - 1] >= 0) & (code[moved] != code[moved - 1])]
    if not len(moved):
        return
    times = history["entered"].to_numpy()[moved]
    later = times >= np.median(times.astype("int64")).astype("int64").astype(times.dtype)
    counts = np.zeros((2, len(stages), len(stages)), dtype=np.int64)
    np.add.at(counts, (later.astype(np.int64), code[moved - 1], code[moved]), 1)
    for one, other in zip(*np.triu_indices(len(stages), 1), strict=True):
        (before, early_back), (after, late_back) = ((part[one, other], part[other, one]) for part in counts)
        switched = (before > early_back and after < late_back) or (before < early_back and after > late_back)
        if switched and max(before, early_back) >= FEWEST and max(after, late_back) >= FEWEST:
            pair = history["stage"].isin([stages[one], stages[other]])
            found = among(rows.frame["deal_id"], history.loc[pair, "deal_id"]) & ~rows.frame["deal_id"].duplicated()
            reason = f"'{stages[one]}' and '{stages[other]}' change places in the course of time"
            effect = "one order holds for all: moves against it count as returns"
            rows.note(found, reason, effect=effect, show=rows.frame["deal_id"], doubt=True)
