"""Sheets of Excel workbooks: FILE.xlsx for the first one, FILE.xlsx#NAME for another."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime, time
from pathlib import Path

import pyarrow as pa

from forecast.errors import FunnelError, near

LOOKED_AT = 20  # rows in which the header is looked for


def read_sheet(data: bytes, path: Path, sheet: str | None) -> tuple[pa.Table, list[int], tuple[str, ...], str]:
    """The sheet as text columns, dates as ISO 8601; the numbers of its rows; lines above the header; the file, with
    the sheet where it is not the first one.

    Where no sheet is named, it is the first one with a table. Its header is the first row that has a cell, or several
    where most rows have.
    Raises FunnelError where openpyxl is missing, the file is none of Excel's, or there is no such sheet.
    """
    try:
        import openpyxl
    except ImportError:
        remedy = 'Install it: pip install "entonnoir[excel]"; or save the sheet as CSV.'
        raise FunnelError("Excel files need openpyxl", file=path, remedy=remedy) from None
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, TypeError):
        remedy = "Save it again as an Excel workbook (.xlsx), or as CSV."
        raise FunnelError("cannot be read as an Excel workbook", file=path, remedy=remedy) from None
    if sheet is not None and sheet not in book.sheetnames:
        raise FunnelError(f"there is no sheet '{sheet}'", file=path, remedy=near(sheet, book.sheetnames))
    sheets = [one.title for one in book.worksheets] if sheet is None else [sheet]
    read = {name: [list(row) for row in book[name].iter_rows(values_only=True)] for name in sheets[:1]}
    for name in sheets:  # the first sheet may be a cover, or empty
        read.setdefault(name, [list(row) for row in book[name].iter_rows(values_only=True)])
        if _filled(read[name])[1] > 1:
            chosen = name
            break
    else:
        chosen = next((name for name in sheets if _filled(read[name])[1]), sheets[0])
    book.close()
    shown = path.name if chosen == book.sheetnames[0] else f"{path.name}#{chosen}"
    cells = read[chosen]
    first, widest = _filled(cells)
    if not widest:
        raise FunnelError("the sheet is empty", file=path, remedy="Name another one: FILE.xlsx#SHEET.")
    titles = tuple(_text(next(c for c in row if c is not None)) or "" for row in cells[:first] if _any_cell(row))
    header = cells[first]
    numbers = [place for place, row in enumerate(cells[first + 1 :], start=first + 2) if _any_cell(row)]
    rows = [cells[number - 1] for number in numbers]
    width = max(place for place, cell in enumerate(header, start=1) if cell is not None)
    if any(cell is not None for row in rows for cell in row[width:]):
        raise FunnelError("cells stand beyond the last column of the header", file=path, remedy="Name all columns.")
    columns = [[_text(row[place]) for row in rows] for place in range(width)]
    table = pa.table(
        [pa.array(column, pa.string()) for column in columns], names=[_text(c) or "" for c in header[:width]]
    )
    return table, numbers, titles, shown


def _any_cell(row: list[object]) -> bool:
    return any(cell is not None for cell in row)


def _filled(cells: list[list[object]]) -> tuple[int, int]:
    """(place of the header, cells in it); (0, 0) for an empty sheet. Rows of one cell above it are titles, where most
    rows below have several.
    """
    counts = [sum(cell is not None for cell in row) for row in cells]
    there = [place for place, count in enumerate(counts) if count]
    if not there:
        return 0, 0
    several = next((place for place in there if place < LOOKED_AT and counts[place] > 1), there[0])
    below = [counts[place] > 1 for place in there if several <= place < several + LOOKED_AT]
    first = several if sum(below) > len(below) / 2 else there[0]
    return first, counts[first]


def _text(cell: object) -> str | None:
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return None if cell is None else str(cell)
