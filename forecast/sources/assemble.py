"""The last steps to Tables: order of events, the end of recording, when each column is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import numpy as np
import pandas as pd

from forecast.config import Config
from forecast.errors import FunnelError, near
from forecast.sources.quality import Sieve, among
from forecast.sources.tables import DEALS, STAGE_HISTORY, Known

ENOUGH_OPEN, NEARLY_ALL, MANY_MISSING = 20, 0.95, 0.2
ROUND, MOSTLY_EXACT = 100, 0.5
# A date is taken for mistyped where it is one of the first hundredth of all (one alone among twenty or more) and
# years go by between them and the others.
MISTYPED_SHARE, MISTYPED_AMONG, MISTYPED_GAP = 0.01, 20, 3 * 365
LONGEST = 50  # years of history; longer ones come from mistyped dates
DAY = pd.Timedelta(days=1)
EDITED = ("expected_close", "probability", "forecast_category")  # by sellers, all along: what is left is the last value


def recorded_until(config: Config, entered: pd.Series) -> pd.Timestamp:
    """The day after the last recorded day: as declared, else after the last event not in the future."""
    if config.recording.until is not None:
        return pd.Timestamp(config.recording.until) + DAY
    today = pd.Timestamp(date.today())
    past = entered[entered < today + DAY]
    if past.empty:
        raise FunnelError("all dates are in the future", examples=entered.head(3), remedy="Check the date columns.")
    return pd.Timestamp(past.max()).normalize() + DAY


def mistyped(entered: pd.Series) -> pd.Series:
    """Which dates lie years before all others, while there are very few of them."""
    days = np.sort(entered.dropna().to_numpy("datetime64[D]").astype("int64"))
    most = max(int(MISTYPED_SHARE * len(days)), 1 if len(days) >= MISTYPED_AMONG else 0)
    gaps = np.flatnonzero(np.diff(days[: most + 1]) > MISTYPED_GAP)
    first = days[gaps[-1] + 1] if len(gaps) else days[0] if len(days) else 0
    return entered < pd.Timestamp(int(first), unit="D")


def set_mistyped_aside(history: Sieve, config: Config) -> None:
    """Leave out the deals with such a date. Raises FunnelError where the history is too long even then."""
    early = mistyped(history.frame["entered"])
    if early.any() and config.recording.from_ is None:
        ids = history.frame.loc[early, "deal_id"]
        reason = "a date that lies years before all others"
        shown = history.frame["entered"].dt.strftime("%Y-%m-%d")
        history.set_aside(early, reason, effect="taken for mistyped: the deal is left out", show=shown)
        rest, show = among(history.frame["deal_id"], ids), history.frame["deal_id"]
        history.set_aside(rest, "another row of its deal cannot be used", effect="the deal is left out", show=show)
        history.refuse_if_empty()
    refuse_if_long(history.frame["entered"], config, history.file, history.columns.get("entered"))


def refuse_if_long(entered: pd.Series, config: Config, file: str, column: str | None) -> None:
    """Raise FunnelError where the history is longer than any funnel's, and the funnel file says nothing of it."""
    until = config.recording.until
    last = entered.max() if until is None else min(entered.max(), pd.Timestamp(until))
    last = min(last, pd.Timestamp(date.today()))
    years = (last - entered.min()).days / 365.25
    if years > LONGEST and config.recording.from_ is None:
        shown = entered.sort_values().head(3).dt.strftime("%Y-%m-%d")
        remedy = "Mend these dates, or say from = (the first day on record) under [recording] if they are right."
        what = f"the history would be {years:.0f} years long"
        raise FunnelError(what, file=file, column=column, examples=shown, remedy=remedy)


def recorded_from(config: Config) -> pd.Timestamp | None:
    return None if config.recording.from_ is None else pd.Timestamp(config.recording.from_)


def timed(entered: pd.Series) -> bool:
    """Whether any event has a time of day."""
    return bool((entered != entered.dt.normalize()).any())


def in_order(history: pd.DataFrame, states: tuple[str, ...], has_times: bool) -> pd.DataFrame:
    """Sorted by deal and time; within a day funnel order, or the order of the file where there are times of
    day.
    """
    deal = pd.factorize(history["deal_id"], sort=True)[0]
    time = history["entered"].to_numpy()
    within = np.arange(len(history)) if has_times else pd.Categorical(history["stage"], categories=states).codes
    return history.iloc[np.lexsort((within, time, deal))]


def after_won(history: pd.DataFrame, won: str) -> pd.Series:
    """Rows that follow the first won row of their deal; `history` is in order."""
    is_won = history["stage"].eq(won).astype("int64")
    return is_won.groupby(history["deal_id"], sort=False).cumsum() > is_won


def first_entered(history: pd.DataFrame) -> pd.Series:
    """The first event of each deal, by deal_id; `history` is in order."""
    return history.drop_duplicates("deal_id").set_index("deal_id")["entered"]


def closed(deals: pd.DataFrame, history: pd.DataFrame, config: Config) -> pd.Series:
    """Which deals are won or lost after their last event; `history` is in order."""
    return _last_stage(deals, history).isin([config.funnel.won, config.funnel.lost])


def _last_stage(deals: pd.DataFrame, history: pd.DataFrame) -> pd.Series:
    return deals["deal_id"].map(history.drop_duplicates("deal_id", keep="last").set_index("deal_id")["stage"])


def reopened(history: pd.DataFrame, lost: str) -> bool:
    """Whether any deal went on after it was lost; `history` is in order."""
    again = history["deal_id"].eq(history["deal_id"].shift()) & history["stage"].shift().eq(lost)
    return bool((again & history["stage"].ne(lost)).any())


def created_or_first(deals: pd.DataFrame, first: pd.Series) -> tuple[pd.Series, pd.Series]:
    """(created, too_late): created defaults to the first event and is moved to it where both are on one day.

    `too_late` marks deals created on a later day than their first event.
    """
    begun = deals["deal_id"].map(first)
    created = deals["created"].fillna(begun) if "created" in deals else begun
    same_day = created.dt.normalize() == begun.dt.normalize()
    return created.where(~same_day | (created <= begun), begun), (created > begun) & ~same_day


def knowledge(
    config: Config, deals: pd.DataFrame, history: pd.DataFrame, dated: Iterable[str], through: Mapping[str, str]
) -> dict[str, Known]:
    """When each column of deals is known: as declared, else guessed; what is joined is known with what it is
    joined by. `dated`: columns whose changes are dated.

    A column that is often empty on open deals (of at least 20) and full on nearly all closed ones is filled in by
    the time of closing: to use it would give the outcome away; and so is an amount of round hundreds that is round no
    more on won deals. Where lost deals are re-opened, only the win is
    final: what a lost deal has may come from a later close. `history` is in order.
    """
    ended = closed(deals, history, config)
    close = Known.WIN if reopened(history, config.funnel.lost) else Known.CLOSE
    columns = [name for name in deals.columns if name not in ("deal_id", "created")]
    for name in config.known:
        if name not in columns:
            what = f"[known] {name}: there is no such column"
            raise FunnelError(what, file=config.path, remedy=near(name, columns))
    for name in config.model.attributes or ():
        if name not in columns:
            what = f"[model] attributes: there is no column '{name}'"
            raise FunnelError(what, file=config.path, remedy=near(name, columns))
    known = {}
    won = _last_stage(deals, history).eq(config.funnel.won)
    for name in columns:
        missing, final = missing_shares(deals[name], ended, won)
        at_close = (~ended).sum() >= ENOUGH_OPEN and final <= 1 - NEARLY_ALL and missing >= MANY_MISSING
        if name in config.known:
            known[name] = close if config.known[name] is Known.CLOSE else config.known[name]
        elif name in dated and not (name == "amount" and at_close):
            known[name] = Known.CHANGE
        elif at_close:
            known[name] = close
        elif name == "amount" and set_at_win(deals["amount"], won):
            known[name] = Known.WIN
        else:
            known[name] = Known.OVERWRITTEN if name in EDITED else Known.CREATION
    for name, by in through.items():
        if name not in config.known and name in known and known.get(by, Known.CREATION) is not Known.CREATION:
            known[name] = known[by]
    return known


def missing_shares(column: pd.Series, ended: pd.Series, won: pd.Series) -> tuple[float, float]:
    """Shares of open deals and of closed ones that lack a value. An amount of zero is none, and lost deals may
    have none.
    """
    amount = column.name == "amount"
    missing = column.isna() | column.eq(0) if amount else column.isna()
    return float(missing[~ended].mean()), float(missing[won if amount else ended].mean())


def round_shares(amount: pd.Series, won: pd.Series) -> tuple[float, float]:
    """Shares of hundreds among the amounts of deals not won, and of those won; NaN where there are few."""
    hundreds = amount.mod(ROUND).eq(0)
    groups = (amount.gt(0) & ~won, amount.gt(0) & won)
    before, after = (float(hundreds[group].mean()) if group.sum() >= ENOUGH_OPEN else np.nan for group in groups)
    return before, after


def set_at_win(amount: pd.Series, won: pd.Series) -> bool:
    """Whether amounts are estimates, in hundreds, until the win puts what is paid in their place."""
    before, after = round_shares(amount, won)
    return before >= NEARLY_ALL and after <= MOSTLY_EXACT


def canonical_deals(deals: pd.DataFrame) -> pd.DataFrame:
    """Columns in order, client and amount there even if empty, rows sorted by deal_id."""
    if "client" not in deals:
        deals = deals.assign(client=pd.Series(None, index=deals.index, dtype="str"))
    rest = [name for name in deals.columns if name not in DEALS]
    ordered = deals[[*DEALS, *rest]]
    return ordered.iloc[np.argsort(pd.factorize(ordered["deal_id"], sort=True)[0])].reset_index(drop=True)


def canonical_history(history: pd.DataFrame) -> pd.DataFrame:
    return history[list(STAGE_HISTORY)].reset_index(drop=True)
