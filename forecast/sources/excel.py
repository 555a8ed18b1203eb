"""Sheets of Excel workbooks: FILE.xlsx for the first one, FILE.xlsx#NAME for another."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime, time
from pathlib import Path

import pyarrow as pa

from forecast.errors import FunnelError, near


def read_sheet(data: bytes, path: Path, sheet: str | None) -> pa.Table:
    """The sheet as text columns, dates as ISO 8601; the first row that has a cell is the header.

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
    cells = [list(row) for row in book[sheet or book.sheetnames[0]].iter_rows(values_only=True)]
    book.close()
    first = next((place for place, row in enumerate(cells) if any(cell is not None for cell in row)), None)
    if first is None:
        raise FunnelError("the sheet is empty", file=path, remedy="Name another one: FILE.xlsx#SHEET.")
    header, rows = cells[first], [row for row in cells[first + 1 :] if any(cell is not None for cell in row)]
    width = max(place for place, cell in enumerate(header, start=1) if cell is not None)
    if any(cell is not None for row in rows for cell in row[width:]):
        raise FunnelError("cells stand beyond the last column of the header", file=path, remedy="Name all columns.")
    columns = [[_text(row[place]) for row in rows] for place in range(width)]
    return pa.table(
        [pa.array(column, pa.string()) for column in columns], names=[_text(c) or "" for c in header[:width]]
    )


def _text(cell: object) -> str | None:
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return None if cell is None else str(cell)
