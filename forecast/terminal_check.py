"""What was understood of a source, on the terminal: `funnel check`, and what `funnel init` drafted from it."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from forecast.drafting import Draft
from forecast.setup import ASSUMED, Understanding


def show(seen: Understanding, shown: Console) -> None:
    """Print an Understanding: all of it."""
    _counts(seen, shown)
    recorded = f"{seen.first_recorded or 'the beginning'} to {seen.last_recorded}"
    shown.print(f"Events from {seen.first_event} to {seen.last_event}; exits recorded from {recorded}")
    if not seen.until_declared:
        shown.print("The last event ends the records; up to a week later nothing is taken to have happened since.")
    shown.print(Text(f"The model uses: {', '.join(seen.attributes) or 'no attributes'}"))
    shown.print()
    shown.print(_stages(seen))
    shown.print(_columns(seen))
    if seen.unused:
        shown.print(Text(f"Columns not used: {', '.join(seen.unused)}"), "", sep="\n")
    shown.print(_files(seen))
    if seen.ledger.entries:
        shown.print(_entries(seen))
    shown.print(_grades(seen))
    if seen.overdue:
        shown.print(_overdue(seen))


def show_draft(drafted: Draft, path: Path, shown: Console) -> None:
    """Print what a draft at `path` is made from: what was found, what is doubtful, or what has to be mended."""
    command = f"funnel check {escape(str(path))}"
    if drafted.trouble is not None:
        shown.print(Text("To be mended before a forecast is possible:", style="bold"))
        shown.print(Text("\n".join(f"  {line}" for line in str(drafted.trouble).splitlines())), "", sep="\n")
    if (seen := drafted.seen) is not None:
        _counts(seen, shown)
        shown.print(Text(f"Stages: {', '.join(use.stage for use in seen.stages)} (the last two: won and lost)"))
        late = [f"{use.name} ({use.known})" for use in seen.columns if use.known not in ("", "creation")]
        if late:
            shown.print(Text(f"Not known when a deal is created: {', '.join(late)}"))
        for use in seen.columns:
            if use.how == ASSUMED:
                told = f"{use.name} is taken as known from the beginning, for no row dates its changes. If it is "
                shown.print(Text(f'{told}overwritten, write {use.name} = "close" under [known].'))
        if seen.unused:
            shown.print(Text(f"Columns not used: {', '.join(seen.unused)}"))
        if seen.ledger.entries:
            shown.print("", _entries(seen), sep="\n")
    todo = f"Correct it, then run: {command}"
    if drafted.seen is None and drafted.trouble is None:
        todo = f"Name your files in it under \\[source], then run: {command}"
    shown.print(f"Wrote {escape(str(path))}. {todo}", soft_wrap=True)


def _counts(seen: Understanding, shown: Console) -> None:
    """Shape, rows and deals."""
    name = f"{seen.name}: " if seen.name else ""
    times = "with times of day" if seen.timed else "dates only"
    shown.print(Text(f"{name}{seen.shape_told}, {times}", style="bold"))
    rows = seen.ledger
    shown.print(f"{rows.read:,} rows read = {rows.used:,} used + {rows.set_aside:,} set aside")
    value = f", {seen.won_value:,.0f} {seen.currency}".rstrip() if seen.won_deals else ""
    won = f"{seen.won_deals:,} won{value}"
    shown.print(f"Deals: {seen.deals:,}, of them {won}; {seen.lost_deals:,} lost; {seen.open_deals:,} open")


def _table(title: str, *columns: str, numbers: tuple[str, ...] = ()) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left")
    return table


def _add(table: Table, *cells: object) -> None:
    """A row of literal text: a cell of the data is never markup."""
    table.add_row(*(Text(f"{cell:,}" if isinstance(cell, int) else str(cell)) for cell in cells))


def _stages(seen: Understanding) -> Table:
    table = _table(
        "Stages", "stage", "deals that entered", "there now", "", numbers=("deals that entered", "there now")
    )
    for use in seen.stages:
        _add(
            table,
            use.stage,
            use.entered,
            use.now,
            "viable from here" if use.stage == seen.viable_from else "",
        )
    table.add_section()
    return _spaced(table)


def _columns(seen: Understanding) -> Table:
    table = _table("Columns", "name", "column in the file", "known at", "because")
    for use in seen.columns:
        _add(table, use.name, use.column, use.known, use.how)
    return _spaced(table)


def _files(seen: Understanding) -> Table:
    table = _table("Rows", "file", "read", "used", "set aside", numbers=("read", "used", "set aside"))
    for file in seen.ledger.files:
        _add(table, file.file, file.read, file.used, file.set_aside)
    return _spaced(table)


def _entries(seen: Understanding) -> Table:
    table = _table("Found in the rows", "rows", "what", "for instance", "effect", numbers=("rows",))
    several = len(seen.ledger.files) > 1
    for entry in seen.ledger.entries:
        where = f"{entry.file}: " if several else ""
        used = "" if entry.set_aside else " (doubtful)" if entry.doubt else " (used)"
        what = f"{where}{entry.reason}{used}"
        _add(table, entry.count, what, "\n".join(entry.examples), entry.effect)
    return _spaced(table)


def _grades(seen: Understanding) -> Table:
    table = _table("What these data can answer", "question", "", "because")
    for grade in seen.grades:
        _add(table, grade.question, grade.verdict.value, grade.because)
    return _spaced(table)


def _overdue(seen: Understanding) -> Table:
    columns = ("stage", "open longer than", "deals", "value", "for instance")
    title = "Overdue deals: in their stage for longer than 90 % of those that moved on, or than was expected"
    table = _table(title, *columns, numbers=columns[1:4])
    for one in seen.overdue:
        about = "about " if one.estimated else ""
        value = f"{about}{one.value:,.0f} {seen.currency}".rstrip()
        _add(
            table,
            one.stage,
            f"{one.limit:,.{0 if one.limit >= 10 else 1}f} days",
            one.deals,
            value,
            "\n".join(one.examples),
        )
    return _spaced(table)


def _spaced(table: Table) -> Table:
    """Followed by an empty line."""
    table.caption = " "
    return table
