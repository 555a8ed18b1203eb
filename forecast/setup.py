"""Setting up: a funnel file drafted from what is found, and what was understood of one, as plain data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pandas as pd

from forecast.config import Config
from forecast.errors import FunnelError
from forecast.grades import Grade, Stale, judged, table
from forecast.sources import configured, inputs, load, shapes
from forecast.sources.columns import ALIASES, recognise
from forecast.sources.quality import Ledger
from forecast.sources.readers import Raw
from forecast.sources.tables import Known, Tables, usual_attributes

NOT_ATTRIBUTES = ("deal_id", "created", "closed", "entered", "stage", "currency")


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
                "kind": "set aside" if entry.set_aside else "used",
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


def draft(path: str | Path) -> str:
    """A commented funnel file for the rows at `path` (a file of rows, or a folder with deals and
    stage_history).

    Where the rows cannot be loaded as they are, the draft says at its head what has to be mended. Raises
    FunnelError only where there is nothing to read.
    """
    config = configured(Path(path))
    if config.path is not None and config.path.is_file() and config.path.suffix == ".toml":
        raise FunnelError(
            "there is a funnel file already", file=config.path, remedy="`funnel check` tells what it says."
        )
    tables_read = inputs.read_all(config)
    files = list(config.source.tables.values())
    raws = [tables_read[role] for role in ("stage_history", "deals") if role in tables_read]
    known: Mapping[str, Known] = {}
    attributes: tuple[str, ...] = ()
    first_end, last, trouble = None, None, ""
    try:
        config, tables = load(config)
        known, last = tables.known, tables.recorded_until.date() - timedelta(days=1)
        attributes = usual_attributes(tables.deals, tables.known)
        ends = tables.stage_history["stage"].isin([config.funnel.won, config.funnel.lost])
        first_end = tables.stage_history.loc[ends, "entered"].min().date() if ends.any() else None
    except FunnelError as error:
        trouble = str(error)
        config = config.with_source(shape=shapes.shape_of(config, tables_read).name)
    parts = [_head(files, trouble), _funnel(config), _source(config, raws), _known(known)]
    return "\n".join([*parts, _rest(attributes, first_end, last)])


def _head(files: Iterable[str], trouble: str) -> str:
    lines = [f"# Funnel file drafted from {' and '.join(files)}: correct it, then run `funnel check` on it."]
    if trouble:
        lines += [
            "#",
            "# To be mended before a forecast is possible:",
            *(f"#   {line}" for line in trouble.splitlines()),
        ]
    return "\n".join([*lines, ""])


def _text(value: object) -> str:
    """A TOML string. JSON's escapes are TOML's as well."""
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(items: Iterable[str]) -> str:
    return "[" + ", ".join(_text(item) for item in items) + "]"


def _pairs(pairs: Mapping[str, str]) -> list[str]:
    bare = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
    return [f"{key if key and set(key) <= bare else _text(key)} = {_text(value)}" for key, value in pairs.items()]


def _funnel(config: Config) -> str:
    funnel = config.funnel
    stages = f"stages = {_list(funnel.stages)}" if funnel.stages else '# stages = ["First", "Second"]'
    viable = f"# viable_from = {_text(funnel.stages[-1] if funnel.stages else 'Second')}"
    lines = [
        "[funnel]",
        f"name = {_text(funnel.name or 'My funnel')}",
        f"currency = {_text(funnel.currency)}" if funnel.currency else '# currency = "EUR"',
        "# Open stages in the order of the funnel; won and lost are not among them.",
        stages,
        f"won = {_text(funnel.won)}",
        f"lost = {_text(funnel.lost)}",
        "# From which stage on has the client committed to invest?",
        viable,
        "# fiscal_year_starts = 1  # month; a fiscal year is named after the calendar year in which it ends",
    ]
    return "\n".join([*lines, ""])


def _source(config: Config, raws: list[Raw]) -> str:
    source = config.source
    lines = [
        "[source]",
        f"shape = {_text(source.shape)}" if source.shape else '# shape = "canonical" or "stage_dates"',
    ]
    lines += [f"{key} = {_text(getattr(source, key))}" for key in ("deals", "stage_history") if getattr(source, key)]
    lines += ["# day_first = true  # is 3/4/2017 the third of April?", '# decimal = ","', ""]
    found: dict[str, str] = {}
    unused: list[str] = []
    for raw in raws:
        here = recognise(raw.frame.columns, {}, raw.file)
        found.update({name: column for name, column in here.items() if name not in found})
        taken = {*here.values(), *source.stage_dates.values()}
        unused += [column for column in raw.frame.columns if column not in taken and column not in unused]
    if source.shape == "stage_dates" and source.outcome is not None:
        found = {name: column for name, column in found.items() if name not in ("stage", "closed", "entered")}
    lines += ["# What the columns are called in the file.", "[source.columns]", *_pairs(found)]
    lines += [f"# not there, or not recognised: {', '.join(n for n in ALIASES if n not in found)}"]
    lines += [f"# not used: {_list(unused)}", ""] if unused else [""]
    if source.stage_dates:
        lines += ["# The column with the date at which each stage was entered.", "[source.stage_dates]"]
        lines += [*_pairs(source.stage_dates), ""]
    if source.outcome is not None:
        lines += ["# The column that says won or lost, and the column with the day.", "[source.outcome]"]
        lines += [*_pairs({"column": source.outcome.column, "date": source.outcome.date}), ""]
    for column, change in source.replace.items():
        lines += [f"[source.replace.{_text(column)}]", *_pairs(change), ""]
    lines += ["# Columns of other files:", "# [[source.join]]", '# file = "teams.csv"', '# on = "owner"']
    return "\n".join([*lines, '# columns = { team = "manager" }', ""])


def _known(known: Mapping[str, Known]) -> str:
    lines = ["# When is a column known: at creation (the default), change, close, or overwritten? What comes late"]
    lines += [
        "# is hidden from the past; a column that is filled in at closing gives the outcome away.",
        "[known]",
    ]
    late = {name: moment.value for name, moment in known.items() if moment is not Known.CREATION}
    lines += [f"{line}  # guessed" for line in _pairs(late)]
    others = {name: Known.CREATION.value for name, moment in known.items() if name not in late}
    return "\n".join([*lines, *(f"# {line}" for line in _pairs(others)), ""])


def _rest(attributes: tuple[str, ...], first_end: date | None, last: date | None) -> str:
    origin = "2018-01-01" if last is None else str(last + timedelta(days=1))
    lines = ["# First and last day on which changes were recorded.", "[recording]"]
    lines += [f"# from = {first_end or '2017-01-01'}  # the day of the first deal won or lost, say"]
    lines += [f"until = {last}" if last is not None else "# until = 2017-12-31", ""]
    chosen = f"attributes = {_list(attributes)}" if attributes else '# attributes = ["owner", "region"]'
    lines += ["# What conversion and lead time may depend on.", "[model]", chosen, ""]
    lines += ["# The day on which the question is asked, and the periods asked about.", "[forecast]"]
    lines += [f"# origin = {origin}", "# draws = 2000", "# seed = 1", "", "# [[forecast.periods]]"]
    return "\n".join([*lines, f'# period = "{origin[:4]}Q1"', "# target = 1000000", ""])
