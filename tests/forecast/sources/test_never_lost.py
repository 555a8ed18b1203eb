"""Whatever the table holds: a FunnelError or tables that account for every row. Never another exception."""

from __future__ import annotations

import csv
import io
import itertools
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast.errors import FunnelError
from forecast.sources import Tables, load

DATES = [
    "2017-03-01",
    "2017-03-02",
    "2017-04-01",
    "2017-04-01 10:30",
    "2017-03-01T08:00:00+02:00",
    "13/3/2017",
    "3/4/2017",
]
DATES += ["1.3.2017", "2017-02-30", "9999-12-31", "0", "soon", "NA", "-", ""]
AMOUNTS = [
    "100",
    "250",
    "1,234.50",
    "1.234,50 €",
    "-5",
    "(12)",
    "$3",
    "EUR 4",
    "1e400",
    "nan",
    "much",
    "",
    "1.234",
]
NAMES = [
    "A",
    "B",
    "Won",
    "Lost",
    "won",
    "Zürich",
    'say "yes"',
    "a;b",
    "two\nlines",
    " ",
    "=1+1",
    "\x00",
    "NA",
    "🙂",
]
CELLS = {
    "deal_id": ["1", "2", "3", "4", "5", "6", "ü", "é", "", "x y"],
    "stage": ["A", "Won", "Lost", "B", "won", "", "Nowhere"],
    "created": DATES,
    "closed": DATES,
    "entered": DATES,
    "date_entered_B": DATES,
    "amount": AMOUNTS,
    "currency": ["USD", "USD", "EUR", ""],
    "client": NAMES,
    "owner": NAMES,
    "column 3": NAMES,
    "": NAMES,
}
USUAL = {
    "canonical": ["deal_id", "stage", "entered", "amount", "client"],
    "stage_dates": ["deal_id", "stage", "created", "closed", "amount", "client"],
}
numbers = itertools.count()


@st.composite
def table(draw: st.DrawFn) -> tuple[list[str], list[list[str]]]:
    """A header, mostly sensible, and rows whose cells are mostly good, or drawn from everything."""
    header = list(draw(st.sampled_from([*USUAL.values(), *USUAL.values(), None])) or ["deal_id"])
    others = draw(st.lists(st.sampled_from(list(CELLS)), max_size=4))
    header += [name for name in others if name not in header or draw(st.integers(0, 20)) == 20]
    good = draw(st.sampled_from([1.0, 0.9, 0.5]))
    rows = []
    for number in range(draw(st.integers(1, 25))):
        fine = [draw(st.floats(0, 1)) < good for _ in header]
        row = [draw(st.sampled_from(CELLS[name][: 3 if ok else None])) for name, ok in zip(header, fine, strict=True)]
        if "entered" not in header and draw(st.integers(0, 9)) < 9:
            row[0] = f"D{number}"  # one row per deal
        if draw(st.integers(0, 40)) == 40:
            row = [*row, "more"] if draw(st.booleans()) else row[:-1]
        rows.append(row)
    return header, rows


def written(header: list[str], rows: list[list[str]], delimiter: str) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([header, *rows])
    return text.getvalue()


def is_short(error: FunnelError) -> None:
    assert 1 <= len(str(error).splitlines()) <= 3


def accounted(tables: Tables, rows: int) -> None:
    (file,) = tables.ledger.files
    assert file.read == rows == file.used + file.set_aside
    told = sum(entry.count for entry in tables.ledger.entries if entry.set_aside)
    assert told == file.set_aside
    assert file.used in (len(tables.deals), len(tables.stage_history))


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    content=table(),
    delimiter=st.sampled_from(",;"),
    encoding=st.sampled_from(["utf-8-sig", "utf-8", "utf-16"]),
)
def test_any_table(tmp_path: Path, content: tuple, delimiter: str, encoding: str) -> None:
    header, rows = content
    path = tmp_path / f"{next(numbers)}.csv"
    path.write_bytes(written(header, rows, delimiter).encode(encoding))
    lines = sum(1 for row in rows if row)  # a row of no cells is an empty line
    try:
        _, tables = load(path)
    except FunnelError as error:
        is_short(error)
        return
    accounted(tables, lines)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_pair(tmp_path: Path, data: st.DataObject) -> None:
    folder = tmp_path / f"{next(numbers)}"
    folder.mkdir()
    ids = st.sampled_from(["1", "2", "3", "4", "5", "6", "7", ""])
    dates, amounts = st.sampled_from(DATES[:7]), st.sampled_from(["1", "2", "3", "-1", ""])
    deals = data.draw(st.lists(st.tuples(ids, dates, amounts, st.sampled_from(NAMES)), min_size=1, max_size=9))
    stages = st.sampled_from(["A", "B", "C", "Won", "Lost", "lost", ""])
    history = data.draw(st.lists(st.tuples(ids, stages, dates, amounts), min_size=1, max_size=30))
    for name, header, rows in (
        ("deals", ["id", "created", "amount", "client"], deals),
        ("stage_history", ["deal_id", "stage", "entered", "amount"], history),
    ):
        (folder / f"{name}.csv").write_text(written(header, [list(row) for row in rows], ","), encoding="utf-8")
    try:
        _, tables = load(folder)
    except FunnelError as error:
        is_short(error)
        return
    files = {rows.file: rows for rows in tables.ledger.files}
    assert (files["deals.csv"].read, files["deals.csv"].used) == (len(deals), len(tables.deals))
    assert (files["stage_history.csv"].read, files["stage_history.csv"].used) == (
        len(history),
        len(tables.stage_history),
    )


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    content=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8", "ignore")))
)
@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".toml"])
def test_any_bytes(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"{next(numbers)}{suffix}"
    path.write_bytes(content)
    try:
        load(path)
    except FunnelError as error:
        is_short(error)
