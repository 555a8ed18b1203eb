"""Files into tables of text: CSV as it really arrives, and Parquet."""

from __future__ import annotations

import gzip
import io
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from forecast.errors import FunnelError
from forecast.sources import excel, xes

CSV, PARQUET = (".csv", ".tsv", ".txt"), (".parquet", ".pq")
EXCEL, XES, PACKED = (".xlsx", ".xlsm"), (".xes",), ".gz"
SUFFIXES = (*CSV, *PARQUET, *EXCEL, *XES, PACKED)
# "NA" is not among them: it is how North America is written in many a region column.
DATABASES = {".duckdb": "duckdb:///", ".sqlite": "sqlite:///", ".sqlite3": "sqlite:///", ".db": "sqlite:///"}
LOOKED_AT = 20  # lines in which the header is looked for
MISSING = ("", "nan", "NaN", "NaT", "null", "NULL", "None", "N/A", "n/a", "#N/A", "<NA>", "\\N")


@dataclass(frozen=True)
class Raw:
    """One file as read.

    `frame`: text columns (str or missing; numbers and datetimes where Parquet has them), indexed by row
    number as a spreadsheet counts it (the header is row 1). `lines`: rows that do not have as many fields as
    the header, as (row number, text). `titles`: lines above the header, which have one cell at most.
    """

    file: str
    frame: pd.DataFrame
    lines: tuple[tuple[int, str], ...] = ()
    titles: tuple[str, ...] = ()


def read_table(path: Path) -> Raw:
    """The rows of a CSV (comma, semicolon or tab; UTF-8, UTF-16 or Latin-1), Parquet, Excel or XES file, told by
    its suffix, packed by gzip or not. Of a workbook, FILE.xlsx#NAME is the sheet with this name.

    Raises FunnelError for a file that is missing, empty, damaged or of another kind.
    """
    name, _, sheet = path.name.partition("#")
    if sheet and Path(name).suffix.lower() in EXCEL:
        path = path.with_name(name)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise FunnelError("there is no such file", file=path, remedy="Check the name and the folder.") from None
    except OSError as error:
        raise FunnelError(f"cannot be read ({error.strerror})", file=path) from None
    suffix = path.suffix.lower()
    if suffix == PACKED:
        data, suffix = _unpacked(data, path), Path(path.stem).suffix.lower()
    if suffix in DATABASES:
        remedy = (
            f'Name it in a funnel file: database = "CRM_URL" under [source], and export CRM_URL={DATABASES[suffix]}'
        )
        raise FunnelError("this is a database", file=path, remedy=f"{remedy}{path.resolve()}")
    if suffix not in SUFFIXES or suffix == PACKED:
        remedy = "Save it as CSV, Parquet, Excel or XES (.csv, .parquet, .xlsx, .xes)."
        raise FunnelError(f"a file ending in '{suffix}' cannot be read", file=path, remedy=remedy)
    if not data.strip():
        raise FunnelError("the file is empty", file=path, remedy="Export it again, with a header and rows.")
    lines: tuple[tuple[int, str], ...] = ()
    titles: tuple[str, ...] = ()
    numbers, shown = None, path.name
    try:
        if suffix in PARQUET:
            table = pyarrow.parquet.read_table(io.BytesIO(data))
        elif suffix in EXCEL:
            table, numbers, titles, shown = excel.read_sheet(data, path, sheet or None)
        elif suffix in XES:
            table = xes.read_xes(data, path)
        else:
            text, titles = _below_titles(_decoded(data))
            table, lines = _csv(text, path)
            lines = tuple((row + len(titles), line) for row, line in lines)
    except (pa.ArrowException, OSError, ValueError) as error:
        kind = "Parquet" if suffix in PARQUET else "CSV"
        told = str(error).splitlines()[0]
        raise FunnelError(f"cannot be read as {kind}: {told}", file=path, remedy="Export it again.") from None
    names = _column_names(table.column_names, path)
    rows = np.arange(2, table.num_rows + len(lines) + 2) + len(titles)
    rows = np.setdiff1d(rows if numbers is None else numbers, [row for row, _ in lines], assume_unique=True)
    if not rows.size and not lines:
        raise FunnelError("there is no row below the header", file=path, remedy="Export the rows as well.")
    return Raw(shown, pd.DataFrame(columns_of(table, names)).set_axis(rows, axis=0), lines, titles)


def _unpacked(data: bytes, path: Path) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise FunnelError(f"cannot be unpacked: {error}", file=path, remedy="Export it again.") from None


def columns_of(table: pa.Table, names: list[str]) -> dict[str, pd.Series]:
    """The columns by name, as they are in Raw."""
    return {name: _column(table.column(place)) for place, name in enumerate(names)}


def _below_titles(text: str) -> tuple[str, tuple[str, ...]]:
    """The text from its header on, and the lines above it: those of one cell at most, where most lines below have
    several.
    """
    head = text[: LOOKED_AT * 2000].splitlines(keepends=True)[:LOOKED_AT]
    delimiter = _delimiter("".join(head))
    several = [sum(bool(cell.strip(' "\t\r\n')) for cell in line.split(delimiter)) > 1 for line in head]
    first = next((place for place, wide in enumerate(several) if wide), 0)
    below = [wide for wide, line in zip(several, head, strict=True) if line.strip()][first:]
    if not any(line.strip() for line in head[:first]) or '"' in "".join(head[:first]) or sum(below) <= len(below) / 2:
        return text, ()
    return "".join(text.splitlines(keepends=True)[first:]), tuple(line.strip() for line in head[:first])


def _csv(text: str, path: Path) -> tuple[pa.Table, tuple[tuple[int, str], ...]]:
    """The table, and the rows that do not fit its header."""
    data = (text + "\n").encode("utf-8")  # a header alone needs the end of its line
    header = text.lstrip().split("\n", 1)[0]
    unfit: list[tuple[int, str]] = []

    def skip(row: pyarrow.csv.InvalidRow) -> str:
        unfit.append((row.number, row.text))
        return "skip"

    first = pyarrow.csv.open_csv(io.BytesIO(data), parse_options=_options(header, lambda row: "skip"))
    names = first.schema.names
    table = pyarrow.csv.read_csv(
        io.BytesIO(data),
        # one thread, because only then are rows numbered
        read_options=pyarrow.csv.ReadOptions(use_threads=False, autogenerate_column_names=False),
        parse_options=_options(header, skip),
        convert_options=pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
    )
    if data.count(b'"') % 2 and _holds_line_break(table):
        remedy = 'Close it; a quotation mark inside a value is written twice ("").'
        raise FunnelError("a quotation mark is opened and never closed", file=path, remedy=remedy)
    return table, tuple(unfit)


def _options(header: str, skip: object = None) -> pyarrow.csv.ParseOptions:
    return pyarrow.csv.ParseOptions(delimiter=_delimiter(header), newlines_in_values=True, invalid_row_handler=skip)


def _delimiter(text: str) -> str:
    return max(",;\t", key=text.count)


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    for encoding in ("utf-8-sig", "cp1252"):  # cp1252 is what Windows means by Latin-1: it has the euro sign
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _holds_line_break(table: pa.Table) -> bool:
    return any(
        pc.any(pc.match_substring(column, "\n")).as_py() for column in table.columns if pa.types.is_string(column.type)
    )


def _column_names(names: list[str], path: Path) -> list[str]:
    """Header cells without blanks around them; an empty one becomes 'column N'.

    A name that occurs twice is an error.
    """
    clean = [name.strip() or f"column {place}" for place, name in enumerate(names, start=1)]
    twice = [name for name, count in Counter(clean).items() if count > 1]
    if twice:
        raise FunnelError("the header has this column twice", file=path, column=twice[0], remedy="Rename one of them.")
    return clean


def _column(values: pa.ChunkedArray) -> pd.Series:
    """Text without blanks around it, missing where it says so; floats and datetimes stay what they are."""
    kind = values.type
    if pa.types.is_null(kind):
        values = values.cast(pa.string())
        kind = values.type
    if pa.types.is_dictionary(kind):
        values = values.cast(kind.value_type)
        kind = values.type
    if pa.types.is_floating(kind) or pa.types.is_timestamp(kind):
        return pd.Series(values.to_pandas())
    if pa.types.is_date(kind):
        return pd.Series(values.cast(pa.timestamp("us")).to_pandas())
    if pa.types.is_decimal(kind):
        return pd.Series(values.cast(pa.float64()).to_pandas())
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_large_string(kind):
        values = values.cast(pa.string())
    elif not pa.types.is_string(kind):
        values = pa.chunked_array([pa.array([None if v is None else str(v) for v in values.to_pylist()], pa.string())])
    trimmed = pc.utf8_trim_whitespace(values)
    missing = pc.is_in(trimmed, value_set=pa.array(MISSING))
    return pd.Series(pc.if_else(missing, pa.scalar(None, pa.string()), trimmed).to_pandas(), dtype="str")
