"""Setting up: a funnel file drafted from what is found, and what was understood of one, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from forecast.config import Config
from forecast.grades import Grade, Stale, judged, table
from forecast.sources import shapes
from forecast.sources.quality import Ledger
from forecast.sources.tables import Known, Tables, usual_attributes


@dataclass(frozen=True)
class ColumnUse:
    """`how` the moment of knowledge was found: 'declared', 'guessed', 'usual', or 'with NAME' (joined through
    it).
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
    stale: tuple[Stale, ...]

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
        return table(pd.DataFrame(rows), self.grades, self.stale)


def understood(config: Config, tables: Tables) -> Understanding:
    """What `funnel check` prints, of what `load` returned."""
    history = tables.stage_history
    last = history.drop_duplicates("deal_id", keep="last").set_index("deal_id")["stage"]
    now = last.value_counts()
    ever = history.drop_duplicates(["deal_id", "stage"])["stage"].value_counts()
    states = config.funnel.states
    won = last.index[last == config.funnel.won]
    attributes = config.model.attributes
    grades, stale = judged(config, tables)
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
        stale=stale,
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
            guessed = known in (Known.CLOSE, Known.WIN)
            uses.append(ColumnUse(name, column, known.value, _evidence(config, tables, name) if guessed else "usual"))
    return tuple(uses)


def _evidence(config: Config, tables: Tables, name: str) -> str:
    """Why a column is taken to be filled in at closing."""
    last = tables.stage_history.drop_duplicates("deal_id", keep="last")["stage"].to_numpy()
    ended = pd.Series(last, index=tables.deals.index).isin(config.funnel.states[-2:])
    missing = tables.deals[name].isna()
    shares = f"missing on {missing[~ended].mean():.0%} of open deals, {missing[ended].mean():.0%} of closed ones"
    return f"guessed: {shares}".replace("%", " %")
