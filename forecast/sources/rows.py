"""Steps that the shapes share: from rows to checked values; no row leaves without its reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from forecast.config import Config
from forecast.errors import FunnelError, did_you_mean, near
from forecast.sources import inputs, values
from forecast.sources.columns import DATES, missing, recognise
from forecast.sources.ids import as_written
from forecast.sources.names import ALIASES, simplified
from forecast.sources.quality import Sieve
from forecast.sources.readers import Raw

WHOLE_DEAL = "the deal is left out"
RESPELLED = "stage name spelled differently"
INTERNAL = ("is_deleted", "is_won", "is_closed", "merged_ids", "worth:")  # never columns of deals
WORTH = "worth:"  # column of a frame: worth of one unit of the row's currency in the funnel's


def declared(config: Config, raw: Raw) -> dict[str, str]:
    """Columns named in the funnel file: by [source.columns], or by their own name in [model] or [known]."""
    named = (*(config.model.attributes or ()), *config.known)
    own = {name: name for name in named if name in raw.frame.columns and name not in ALIASES}
    return {**own, **config.source.columns}


def sieve(raw: Raw, columns: Mapping[str, str], config: Config) -> Sieve:
    """The rows of `raw` under their canonical names, with [source.replace] done."""
    frame = raw.frame[list(columns.values())].set_axis(list(columns), axis=1)
    for name in frame.columns:
        if name not in DATES and name != "amount" and not name.startswith("entered:"):
            frame[name] = as_text(frame[name])
    found = Sieve(raw.file, replaced(frame, columns, config), raw.lines, columns)
    found.above_header(raw.titles)
    return found


def replaced(frame: pd.DataFrame, columns: Mapping[str, str], config: Config) -> pd.DataFrame:
    """[source.replace.COLUMN], where COLUMN is a canonical name or the name in the file."""
    for name, column in columns.items():
        change = {**config.source.replace.get(column, {}), **config.source.replace.get(name, {})}
        if change and isinstance(frame[name].dtype, pd.StringDtype):
            frame[name] = frame[name].replace(change)
    return frame


def as_text(column: pd.Series) -> pd.Series:
    """str or missing; whole numbers without a decimal point."""
    if isinstance(column.dtype, pd.StringDtype):
        return column
    if pd.api.types.is_float_dtype(column.dtype):
        whole = column.dropna()
        if (whole % 1 == 0).all() and (whole.abs() < 2**53).all():
            column = column.astype("Int64")
    return column.astype("str").where(column.notna())


def drop_unnamed(rows: Sieve, key: str = "deal_id") -> None:
    rows.set_aside(rows.frame[key].isna(), f"no {key.replace('_', ' ')}", effect="nothing tells whose row it is")


def drop_same(rows: Sieve) -> None:
    """Of identical rows one is kept."""
    again, show = rows.frame.duplicated(), rows.frame["deal_id"]
    rows.set_aside(again, "repeats another row", effect="one of them is kept", show=show, wanted=True)


def drop_repeats(rows: Sieve, columns: Mapping[str, str], key: str = "deal_id") -> None:
    """Of identical rows one is kept; rows of one key that differ are all set aside, for nothing tells which
    is right.
    """
    several = rows.frame[rows.frame.duplicated(key, keep=False)]
    if several.empty:
        return
    again = pd.Series(rows.frame.index.isin(several.index[several.duplicated()]), index=rows.frame.index)
    rows.set_aside(again, "repeats another row", effect="one of them is kept", show=rows.frame[key], wanted=True)
    differing = rows.frame.duplicated(key, keep=False)
    name = key.replace("_", " ")
    remedy = "Keep one row each. A file with a row per change needs columns for stage and day of entering."
    what = f"rows with the same {name} differ"
    rows.refuse_if_many(differing, len(rows.frame), columns[key], what, remedy, rows.frame[key])
    rows.set_aside(differing, what, effect="nothing tells which is right", show=rows.frame[key])


def read_dates(rows: Sieve, columns: Mapping[str, str], config: Config, names: Iterable[str]) -> None:
    """Turn the columns `names` into datetimes without a zone, of the funnel file's time zone (UTC where it names
    none); rows whose date cannot be read are set aside.
    """
    names = list(names)
    leads = config.source.day_first
    if leads is None:
        leads = values.day_first([rows.frame[name] for name in names], rows.file)
    parsed = {name: values.dates(rows.frame[name], leads, config.source.timezone) for name in names}
    original = {name: rows.frame[name] for name in names}
    rows.frame = rows.frame.assign(**parsed)
    for name in names:
        text = original[name].loc[rows.frame.index]
        zoned, bare = values.zones(text)
        if zoned.any() and bare.any():
            told, zone = (
                f"'{columns.get(name, name)}' has times with and without a zone",
                config.source.timezone or "UTC",
            )
            rows.note(bare, told, effect=f"those without are read as times of {zone}", show=text)
        there = ~values.is_blank(text)
        bad = there & rows.frame[name].isna()
        column = columns.get(name, name)
        if (counted := values.count_of(text)) is not None:
            rows.note(there & ~bad, f"numbers for dates in '{column}'", effect=f"read as {counted}", show=text)
        if name == "expected_close":  # an estimate: the deal is not told by it
            rows.note(bad, f"not a date in '{column}'", effect="taken as missing", show=text, doubt=True)
            continue
        remedy = f"Write dates as 2017-12-31, or name another column for {name.removeprefix('entered:')}."
        rows.refuse_if_many(bad, int(there.sum()), column, "too many of these are not dates", remedy, text)
        rows.set_aside(bad, f"not a date in '{column}'", effect=WHOLE_DEAL, show=text)


def read_amount(rows: Sieve, columns: Mapping[str, str], config: Config) -> dict[str, int]:
    """Turn amount into floats; unreadable and negative ones are unknown, and told.

    Returns the currencies seen, with rows. Where [source.rates] tells what one of each is worth, all amounts are
    converted to the funnel's, and the column WORTH says by how much.
    """
    code = rows.frame["currency"].str.upper() if "currency" in rows.frame else None
    rows.frame = rows.frame.drop(columns="currency", errors="ignore")
    text = rows.frame.get("amount")
    marks = None if text is None else values.currency_of(text)
    seen: dict[str, int] = {}
    for codes in (code, marks):
        for name, count in () if codes is None else codes.value_counts().items():
            seen[str(name)] = seen.get(str(name), 0) + int(count)
    if text is None:
        rows.frame = rows.frame.assign(amount=float("nan"))
    else:
        column = columns["amount"]
        rows.frame = rows.frame.assign(amount=values.amounts(text, rows.file, column, config.source.decimal))
    stated = marks if code is None else code
    if config.source.rates and stated is not None and seen:
        rows.frame = rows.frame.assign(**{WORTH: _worth(rows, stated, config)})
        rows.frame = rows.frame.assign(amount=rows.frame["amount"] * rows.frame[WORTH])
        seen = {config.funnel.currency: sum(seen.values())}
    if text is None:
        return seen
    there = ~values.is_blank(text)
    bad = there & rows.frame["amount"].isna()
    remedy = "Write amounts as 1234.50, or name another column for amount."
    rows.refuse_if_many(bad, int(there.sum()), column, "too many of these are not amounts", remedy, text)
    negative = rows.frame["amount"] < 0
    remedy = "Name another column for amount, or leave credits and refunds out."
    rows.refuse_if_many(negative, int(there.sum()), column, "too many of these are negative", remedy, text)
    effect = "unknown: the deal's amount before holds; without one it is estimated while open, zero revenue if won"
    rows.note(bad, f"not an amount in '{column}'", effect=effect, show=text, doubt=True)
    rows.note(negative, f"negative amount in '{column}'", effect=effect, show=text, doubt=True)
    rows.frame = rows.frame.assign(amount=rows.frame["amount"].mask(negative))
    return seen


def _worth(rows: Sieve, code: pd.Series, config: Config) -> pd.Series:
    """What one unit of each row's currency is worth in the funnel's."""
    home = config.funnel.currency
    worth = code.map({**config.source.rates, home: 1.0}).astype("float64")
    unknown = code.notna() & worth.isna()
    if unknown.any():
        raise FunnelError(
            "amounts are in a currency without a rate",
            file=rows.file,
            column=rows.columns.get("currency", rows.columns.get("amount")),
            count=int(unknown.sum()),
            examples=code[unknown].unique(),
            remedy=f"Write under [source.rates] what one of it is worth in {home}: {code[unknown].iloc[0]} = 1.0",
        )
    foreign = code.notna() & (code != home)
    rows.note(foreign, f"amount converted to {home}", effect="at one rate for all dates", show=code)
    rows.note(code.isna(), "no currency", effect=f"taken as {home}")
    return worth.fillna(1.0)


def one_currency(seen: Mapping[str, int], config: Config, file: str, column: str | None) -> str:
    """The currency of all amounts.

    Raises FunnelError where there are several, or another than the funnel file says.
    """
    if len(seen) > 1:
        shown = [f"{name} in {rows:,} rows" for name, rows in sorted(seen.items(), key=lambda item: -item[1])]
        remedy = "Write [source.rates] with what one of each is worth in the funnel's; they are never just added."
        raise FunnelError("amounts are in several currencies", file=file, column=column, examples=shown, remedy=remedy)
    stated = config.funnel.currency
    found = next(iter(seen), stated)
    if stated and found != stated:
        remedy = f'Convert them, or write currency = "{found}" under [funnel].'
        raise FunnelError(f"amounts are in {found}, the funnel in {stated}", file=file, column=column, remedy=remedy)
    return found if len(found) == 3 and found.isalpha() and found.isascii() else stated


def joined(
    frame: pd.DataFrame, rows: Sieve, config: Config
) -> tuple[pd.DataFrame, list[Sieve], dict[str, str], dict[str, str]]:
    """[[source.join]]: `frame` (rows of `rows`) with the columns of other files.

    Returns it with the sieves of these files, their columns (canonical name -> "file: column"), and through
    which column each was found (canonical name -> name).
    """
    sieves, columns, through = [], {}, {}
    for join in config.source.join:
        raw = inputs.read(config, join.file)
        if join.on not in frame.columns:
            raise missing(join.on, frame.columns, rows.file)
        names = list(raw.frame.columns)
        found = recognise(names, {join.on: join.key} if join.key else {}, raw.file, needed=[join.on])
        for name, column in join.columns.items():
            if column not in names:
                raise missing(name, names, raw.file, column)
        wanted = {join.on: found[join.on], **join.columns}
        lookup = sieve(raw, wanted, config)
        drop_unnamed(lookup, join.on)
        drop_repeats(lookup, wanted, join.on)
        table = lookup.frame.set_index(join.on)
        key = as_written(frame[join.on], lookup.frame[join.on])
        for name, column in join.columns.items():
            frame = frame.assign(**{name: key.map(table[name]).astype("str")})
            columns[name], through[name] = f"{raw.file}: {column}", join.on
        lost = key.notna() & ~key.isin(table.index)
        effect = f"unknown there: {', '.join(join.columns)}"
        rows.note(lost, f"'{join.on}' is not in {raw.file}", effect=effect, show=frame[join.on])
        sieves.append(lookup)
    return frame, sieves, columns, through


def labelled(sieve: Sieve, names: Mapping[str, str], config: Config) -> None:
    """Stage ids by their labels; [source.replace.stage] then holds for labels as well."""
    if "stage" not in sieve.frame or not names:
        return
    stage = as_written(sieve.frame["stage"], pd.Series([*names, *names.values()], dtype="str")).replace(dict(names))
    sieve.frame = sieve.frame.assign(stage=stage.replace(dict(config.source.replace.get("stage", {}))))


def known_stages(rows: Sieve, config: Config, column: str) -> None:
    """Write stage names as the funnel file does. Raises FunnelError for a stage that it does not have."""
    states = config.funnel.states
    stage = rows.frame["stage"]
    spelled = {simplified(name): name for name in reversed(states)}
    other = {name: spelled.get(simplified(name)) for name in stage.dropna().unique() if name not in states}
    unknown = stage.isin([name for name, meant in other.items() if meant is None])
    if unknown.any():
        counts = stage[unknown].value_counts()
        first = str(counts.index[0])
        hint = f"Stages: {', '.join(states)}. {did_you_mean(first, states)}".strip()
        remedy = f'{hint} Add it to stages, or write [source.replace.{column}] "{first}" = "..."'
        raise FunnelError(
            "stages that the funnel does not have",
            file=rows.file,
            column=column,
            count=int(unknown.sum()),
            examples=[f"'{name}' ({rows_of:,})" for name, rows_of in counts.items()],
            remedy=remedy,
        )
    respelled = {str(name): meant for name, meant in other.items() if meant is not None}
    if respelled:
        rows.note(stage.isin(list(respelled)), RESPELLED, effect="read as meant", show=stage)
        rows.frame = rows.frame.assign(stage=stage.replace(respelled))


def check_replace(config: Config, names: Iterable[str]) -> None:
    """Raises FunnelError for a column under [source.replace] that no file has."""
    there = set(names)
    for column in config.source.replace:
        if column not in there:
            what = f"[source.replace.{column}] names a column that is not there"
            raise FunnelError(what, file=config.path, remedy=near(column, there))
