"""A plain Excel workbook: one sheet for each table, with its definitions, and the simulations by month.

Written by openpyxl, which reads workbooks here already: another library would be quicker, and one more to install.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from forecast.errors import FunnelError
from forecast.outputs import escaped

MOST_ROWS = 1_048_575  # that a sheet holds below its header
MOST_LETTERS = 32_767  # that a cell holds
FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udfff]")
WIDEST, NARROWEST = 60, 9  # of columns, in letters
SAMPLED = 200  # rows that decide on a column's width
MONEY, SHARE, NUMBER, DAY = "#,##0.00", "0.0%", "#,##0.0", "yyyy-mm-dd"
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the date of what is packed, so that the same content gives the same bytes
SAVED = re.compile(rb"<dcterms:(created|modified)[^>]*>[^<]*</dcterms:\1>")

NOTE = (
    "P10s do not add up, nor do P90s, as months are seldom all low at once: the P10 of a quarter usually lies above "
    "the sum of the P10s of its months. To add up, use means, or sum the simulations (last sheet) and take the P10."
)


@dataclass(frozen=True, eq=False)
class Sheet:
    """`table`: its columns are headers. `formats`: column -> number format. `notes`: what stands above the table."""

    name: str
    table: pd.DataFrame
    formats: Mapping[str, str | None] = field(default_factory=dict)
    notes: Sequence[str] = ()


def workbook(sheets: Sequence[Sheet]) -> bytes:
    """The content of an .xlsx file: the same sheets give the same bytes.

    Text that begins like a formula gets an apostrophe in front, as in CSV; what XML cannot hold is left out. A sheet is
    cut after as many rows as it can hold, and says so. Raises FunnelError where openpyxl is missing.
    """
    try:
        from openpyxl import Workbook
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.styles import Alignment, Font
    except ImportError:
        remedy = 'Install it: pip install "entonnoir[excel]".'
        raise FunnelError("a workbook needs openpyxl", remedy=remedy) from None
    book, bold, wrapped = Workbook(write_only=True), Font(bold=True), Alignment(wrap_text=False, vertical="top")
    for sheet in sheets:
        page, table = book.create_sheet(sheet.name), sheet.table.iloc[:MOST_ROWS]
        cut = len(sheet.table) - len(table)
        notes = [*sheet.notes, *([f"{cut:,} more rows did not fit."] if cut else [])]
        columns = {str(name): _cells(table.iloc[:, place]) for place, name in enumerate(table.columns)}
        for place, (name, cells) in enumerate(columns.items()):
            longest = max(map(_length, [name, *cells[:SAMPLED]]), default=0)
            page.column_dimensions[_letter(place)].width = min(max(longest + 2, NARROWEST), WIDEST)
        page.freeze_panes = f"A{len(notes) + 2 + bool(notes)}"
        for note in notes:
            cell = WriteOnlyCell(page, value=_text(note))
            cell.alignment = wrapped
            page.append([cell])
        if notes:
            page.append([])
        header = [WriteOnlyCell(page, value=_text(name)) for name in columns]
        for cell in header:
            cell.font = bold
        page.append(header)
        dated = [pd.api.types.is_datetime64_any_dtype(kind) for kind in table.dtypes]
        formats = [
            sheet.formats.get(name) or (DAY if date else None) for name, date in zip(columns, dated, strict=True)
        ]
        for row in zip(*columns.values(), strict=True):
            page.append([_formatted(WriteOnlyCell, page, v, f) for v, f in zip(row, formats, strict=True)])
    written = io.BytesIO()
    book.save(written)
    return _undated(written.getvalue())


def _formatted(cell_of: Any, page: Any, value: Any, number_format: str | None) -> Any:
    if number_format is None or value is None:
        return value
    cell = cell_of(page, value=value)
    cell.number_format = number_format
    return cell


def _cells(column: pd.Series[Any]) -> list[Any]:
    """Numbers and days as they are, nothing for what is missing, all else as text."""
    known, values = column.notna().to_numpy(), list[Any]()
    if pd.api.types.is_bool_dtype(column):
        values = ["yes" if value else "no" for value in column]
    elif pd.api.types.is_numeric_dtype(column):
        values = column.tolist()
    elif pd.api.types.is_datetime64_any_dtype(column):
        values = [value.to_pydatetime() if there else None for value, there in zip(column, known, strict=True)]
    else:
        values = [_text(value) if there else None for value, there in zip(column, known, strict=True)]
    return [value if there else None for value, there in zip(values, known, strict=True)]


def _text(value: object) -> str:
    return escaped(FORBIDDEN.sub("", str(value)))[:MOST_LETTERS]


def _length(value: object) -> int:
    return len(f"{value:,.2f}") if isinstance(value, float) else len(str(value)) if value is not None else 0


def _letter(place: int) -> str:
    """A, B, ... Z, AA, AB ..."""
    from openpyxl.utils import get_column_letter

    return str(get_column_letter(place + 1))


def _undated(content: bytes) -> bytes:
    """The same archive without the moment at which it was made."""
    again = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(again, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = SAVED.sub(b"", old.read(name)) if name == "docProps/core.xml" else old.read(name)
            info = zipfile.ZipInfo(name, LONG_AGO)
            info.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(info, part)
    return again.getvalue()
