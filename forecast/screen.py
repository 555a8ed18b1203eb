"""The terminal: its width, and tables of numbers that fit into it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

WIDTH = 100
GAP = 2  # spaces between columns


# What a terminal obeys rather than shows: control characters, and marks that turn the direction of what follows.
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Screen(Console):
    """A console that shows words of the data, and does not let them command the terminal."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=OBEYED.sub("", segment.text))


def console() -> Console:
    """Standard output, at most 100 columns wide."""
    plain = Console(highlight=False)
    return Screen(highlight=False, width=min(WIDTH, plain.width) if plain.is_terminal else WIDTH)


class Column(NamedTuple):
    heading: str
    cells: Sequence[str]


def tables(title: str, labels: Sequence[str], columns: Iterable[Column], width: int) -> Iterator[RenderableType]:
    """A table of numbers, continued in another below where the columns do not fit side by side."""
    first = max(cell_len(text) for text in (title, *labels))
    blocks: list[list[Column]] = []
    room = 0
    for column in columns:
        wide = GAP + max(cell_len(line) for text in (column.heading, *column.cells) for line in text.split("\n"))
        if not blocks or wide > room:
            blocks.append([])
            room = width - first
        blocks[-1].append(column)
        room -= wide
    for index, block in enumerate(blocks):
        if index:
            yield Text()
        table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
        table.add_column(Text(title), min_width=first, vertical="bottom")
        for column in block:
            table.add_column(Text(column.heading), justify="right", no_wrap=True)
        for row, label in enumerate(labels):
            table.add_row(Text(label), *(Text(column.cells[row]) for column in block))
        yield table
