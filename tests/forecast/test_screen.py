"""The terminal: what names of the data may do there, and columns of wide letters that stay in line."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from forecast.screen import Column, console, tables
from forecast.words import plain

HOSTILE = "\x1b[31mred\x1b[0m\x07\x9b2J\x1b]0;title\x07"
TURNED = "abc\u202edef\u2066\u200f"
NAMES = ["Acme", "شركة النور", "腾讯控股有限公司", "<script>", '=HYPERLINK("http://x","y")', "Zoë", HOSTILE, TURNED]


def test_nothing_that_a_terminal_obeys_gets_there(capsys: pytest.CaptureFixture[str]) -> None:
    """However it is printed: as words, as markup, in a cell, in a heading."""
    table = Table(HOSTILE, TURNED)
    table.add_row(Text(TURNED), Text(HOSTILE))
    for one in (Text(HOSTILE), HOSTILE.replace("[", "\\["), table, Text(TURNED)):
        console().print(one)
    shown = capsys.readouterr().out
    assert all(c.isprintable() or c == "\n" for c in shown)
    assert "[31mred[0m" in shown
    assert "abcdef" in shown


@pytest.mark.parametrize("name", NAMES)
def test_names_within_sentences_and_cells_are_plain(name: str) -> None:
    shown = plain(name, 12)
    assert shown.isprintable()
    assert cell_len(shown) <= 12


def test_columns_of_wide_letters_stay_in_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A Chinese letter takes two columns, an Arabic one takes one: numbers end at the same one in every row."""
    numbers = [str(10**n) for n in range(len(NAMES))]
    for one in tables("Client", [plain(name, 26) for name in NAMES], [Column("value", numbers)], 100):
        console().print(one)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(NAMES)
    ends = {cell_len(line.rstrip()) for line in lines}
    assert len(ends) == 1
    assert [line.rstrip().rsplit(" ", 1)[1] for line in lines[1:]] == numbers
