"""Setting up: a funnel file drafted from what is found, and what was understood of one, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from forecast.config import Config
from forecast.grades import Grade, Overdue, judged, table
from forecast.sources import shapes
from forecast.sources.assemble import missing_shares, round_shares, set_at_win
from forecast.sources.quality import Ledger
from forecast.sources.tables import Known, Tables, usual_attributes

ASSUMED = "assumed: no row dates it"


@dataclass(frozen=True)
class ColumnUse:
    """`how` the moment of knowledge was found: 'declared', 'guessed: ...', ASSUMED, 'usual', or 'with NAME' (joined
    through it).
    """

    name: str
    column: str
    known: str
    how: str


@dataclass(frozen=True)
class StageUse:
    """`entered`: deals that were ever in this stage; `now`: deals that are in it on the last recorded day."""

    stage: str
    entered: int
    now: int


@dataclass(frozen=True)
class Understanding:
    """What was understood of a source. Dates are days; `last_recorded` is included."""

    name: str
    shape: str
    shape_told: str
    currency: str
    timed: bool
    columns: tuple[ColumnUse, ...]
    unused: tuple[str, ...]
    stages: tuple[StageUse, ...]
    viable_from: str | None
    attributes: tuple[str, ...]
    ledger: Ledger
    deals: int
    open_deals: int
    won_deals: int
    lost_deals: int
    won_value: float
    first_event: date
    last_event: date
    first_recorded: date | None
    last_recorded: date
    until_declared: bool
    grades: tuple[Grade, ...]
    overdue: tuple[Overdue, ...]

    def table(self) -> pd.DataFrame:
        """All that was found, as one table: what `funnel check --out` writes."""
        rows = [
            {
                "kind": "set aside" if entry.set_aside else "doubtful" if entry.doubt else "used",
                "file": entry.file,
                "what": entry.reason,
                "count": entry.count,
                "examples": "; ".join(entry.examples),
                "effect": entry.effect,
            }
            for entry in self.ledger.entries
        ]
        rows += [
            {"kind": "rows", "file": file.file, "what": what, "count": count}
            for file in self.ledger.files
            for what, count in (("read", file.read), ("used", file.used), ("set aside", file.set_aside))
        ]
        rows += [
            {"kind": "column", "what": f"{use.name}: {use.column}", "verdict": use.known, "effect": use.how}
            for use in self.columns
        ]
        return table(pd.DataFrame(rows), self.grades, self.overdue)


def understood(config: Config, tables: Tables) -> Understanding:
    """What `funnel check` prints, of what `load` returned."""
    history = tables.stage_history
    last = history.drop_duplicates("deal_id", keep="last").set_index("deal_id")["stage"]
    now = last.value_counts()
    ever = history.drop_duplicates(["deal_id", "stage"])["stage"].value_counts()
    states = config.funnel.states
    won = last.index[last == config.funnel.won]
    attributes = config.model.attributes
    grades, overdue = judged(config, tables)
    return Understanding(
        name=config.funnel.name,
        shape=config.source.shape or "",
        shape_told=shapes.BY_NAME[config.source.shape].told if config.source.shape else "",
        currency=config.funnel.currency,
        timed=tables.timed,
        columns=_columns(config, tables),
        unused=tables.unused,
        stages=tuple(StageUse(name, int(ever.get(name, 0)), int(now.get(name, 0))) for name in states),
        viable_from=config.funnel.viable_from,
        attributes=usual_attributes(tables.deals, tables.known) if attributes is None else attributes,
        ledger=tables.ledger,
        deals=len(tables.deals),
        open_deals=int(now.reindex(list(config.funnel.stages)).sum()),
        won_deals=len(won),
        lost_deals=int(now.get(config.funnel.lost, 0)),
        won_value=float(tables.deals.loc[tables.deals["deal_id"].isin(won), "amount"].sum()),
        first_event=min(history["entered"].min(), tables.deals["created"].min()).date(),
        last_event=history["entered"].max().date(),
        first_recorded=None if tables.recorded_from is None else tables.recorded_from.date(),
        last_recorded=tables.recorded_until.date() - timedelta(days=1),
        until_declared=tables.until_declared,
        grades=grades,
        overdue=overdue,
    )


def _columns(config: Config, tables: Tables) -> tuple[ColumnUse, ...]:
    through = {name: join.on for join in config.source.join for name in join.columns}
    uses = []
    for name, column in tables.columns.items():
        known = tables.known.get(name)
        if known is None:  # dates and stages are known on their day
            uses.append(ColumnUse(name, column, "", ""))
        elif name in config.known:
            final = known is not config.known[name]  # lost deals are re-opened, so that only the win is final
            uses.append(ColumnUse(name, column, known.value, "declared, final at the win" if final else "declared"))
        elif name in through and known is not Known.CREATION and known is tables.known.get(through[name]):
            uses.append(ColumnUse(name, column, known.value, f"with {through[name]}"))
        else:
            uses.append(ColumnUse(name, column, known.value, _why(config, tables, name, known)))
    return tuple(uses)


def _why(config: Config, tables: Tables, name: str, known: Known) -> str:
    """Why an undeclared column is taken to be known then."""
    if known is Known.CHANGE:
        return "dated in the rows"
    if known not in (Known.CLOSE, Known.WIN):
        return ASSUMED if name == "amount" and known is Known.CREATION else "usual"
    last = pd.Series(tables.stage_history.drop_duplicates("deal_id", keep="last")["stage"].to_numpy())
    won, ended = last.eq(config.funnel.won), last.isin(config.funnel.states[-2:])
    column = tables.deals[name].reset_index(drop=True)
    if name == "amount" and set_at_win(column, won):
        before, after = round_shares(column, won)
        shares = f"hundreds on {before:.0%} of deals not won, {after:.0%} of those won"
    else:
        missing, final = missing_shares(column, ended, won)
        kinds = ("missing or zero", "won") if name == "amount" else ("missing", "closed")
        shares = f"{kinds[0]} on {missing:.0%} of open deals, {final:.0%} of {kinds[1]} ones"
    return f"guessed: {shares}".replace("%", " %")
