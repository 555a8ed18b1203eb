"""An answer on one screen of a terminal: it lays out what is told of the summary, and computes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.text import Text

from forecast import terminal_levers, told, told_basis, told_drivers
from forecast.language import say
from forecast.screen import Column, tables
from forecast.words import called, number, plain

MONTHS = 24  # listed

Summary = Mapping[str, Any]


def show(summary: Summary, screen: Console) -> None:
    """Print what was asked, the probability, the range, what drives it, what really happened, the files."""
    parts = (
        _asked, _chances, _ranges, _drivers, _categories, _quotas, terminal_levers.brief, _stages, _basis,
        _happened, _files,
    )  # fmt: skip
    first = True
    for part in parts:
        lines = list(part(summary, screen.width))
        if lines and not first and part not in JOINED:
            screen.print()
        first = False
        for line in lines:
            screen.print(line)


# The parts, from top to bottom.


def _asked(summary: Summary, width: int) -> Iterator[RenderableType]:
    yield Text(told.question(summary), style="bold")
    yield Text(told.as_of(summary))
    for line in told.asked_about(summary):
        yield Text(f"  {line}")


def _chances(summary: Summary, width: int) -> Iterator[RenderableType]:
    simulated = False
    for before, chance, after in told.chances(summary):
        simulated = simulated or bool(chance)
        yield Text.assemble(before, (chance, "bold"), after, style="" if chance else "bold")
    if not summary["fit"]["healthy"]:
        yield Text(say("Do not rely on this: the model check was not passed (see below)."), style="bold red")
    if simulated:
        draws = number(summary["draws"])
        note = say("± is the standard error, in points, of simulating {draws} draws.", draws=draws)
        yield Text(note, style="dim")


def _ranges(summary: Summary, width: int) -> Iterator[RenderableType]:
    yield from _table(told.ranges(summary, MONTHS), width)
    if (more := len(told.months_of(summary)) - MONTHS) > 0:
        yield Text(say("{number} later months are in the file that --json writes.", number=more), style="dim")
    if (later := told.next_period(summary)) is not None:
        yield Text(later)


def _drivers(summary: Summary, width: int) -> Iterator[RenderableType]:
    yield from _table(told_drivers.drivers(summary), width)
    if remark := told_drivers.unknown_clients(summary):
        yield Text(remark, style="dim")
    first = told.still_open(summary)
    if first is not None:
        sentence = told_drivers.client_sentence(first["clients"], first["p_hit"], summary["currency"])
        if sentence is not None:
            yield Text(f"{called(first['period'])}: {plain(sentence, 2 * width)}")


def _categories(summary: Summary, width: int) -> Iterator[RenderableType]:
    if (of := told_drivers.categories(summary)) is not None:
        yield from _table(of, width)


def _quotas(summary: Summary, width: int) -> Iterator[RenderableType]:
    for number_, of in enumerate(told_drivers.quotas(summary)):
        if number_:
            yield Text()
        yield from _table(of, width)


def _stages(summary: Summary, width: int) -> Iterator[RenderableType]:
    yield from _table(told_drivers.stages(summary), width)


def _table(of: told.Table, width: int) -> Iterator[RenderableType]:
    """A range of days takes two lines of a heading."""
    title, *headings = of.head
    headings = [re.sub(r"^(\d{4}-\d\d-\d\d) ", r"\1\n", heading) for heading in headings]
    columns = [Column(heading, [row[1 + n] for row in of.rows]) for n, heading in enumerate(headings)]
    yield from tables(title, [row[0] for row in of.rows], columns, width)


def _basis(summary: Summary, width: int) -> Iterator[RenderableType]:
    bad = told_basis.checked(summary["fit"]) if not summary["fit"]["healthy"] else None
    for line in told_basis.basis(summary):
        yield Text(line, style="bold red" if line == bad else "")


def _happened(summary: Summary, width: int) -> Iterator[RenderableType]:
    for before, outcome, place in told.happened(summary):
        yield Text.assemble(before, (outcome, "bold"), place)


def _files(summary: Summary, width: int) -> Iterator[RenderableType]:
    holds = {
        "json": say("answer"), "samples": say("simulations"), "deals": say("open deals"), "report": say("page"),
        "workbook": say("all, for Excel"),
    }  # fmt: skip
    paths = {holds[kind]: PurePath(path) for kind, path in summary["files"].items() if path is not None}
    if not paths:
        yield Text(say("Files: none; --out DIR writes a page to read, the answer, the simulations and the open deals."))
        return
    line = f"{say('Files:')} {', '.join(f'{path} ({of})' for of, path in paths.items())}"
    folders = {path.parent for path in paths.values()}
    if cell_len(line) > width and len(folders) == 1:
        names = ", ".join(f"{path.name} ({of})" for of, path in paths.items())
        line = say("Files in {folder}: {names}", folder=folders.pop(), names=names)
    yield Text(line)


JOINED = (_happened, _files)  # to the part before, without a blank line, so that an answer fits one screen
