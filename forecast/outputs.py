"""Files that a forecast leaves: the answer as JSON, the simulations as Parquet, the open deals as CSV,
a page to read.

Every file is written aside and then renamed, so that none is ever half-written; the same content gives the
same bytes.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from forecast.config import Config
from forecast.errors import FunnelError
from forecast.screen import OBEYED

Summary = Mapping[str, Any]

NAMES = {
    "json": "forecast.json", "samples": "samples.parquet", "deals": "deals.csv", "report": "report.html",
    "workbook": "forecast.xlsx",
}  # fmt: skip
ENDINGS = {"samples": ".parquet", "deals": ".csv", "report": ".html", "out": ".csv"}
FORMULA = re.compile(r"[=+\-@\t\r\n]")  # spreadsheets run a cell that begins like this


def chosen(out: Path | None, files: Mapping[str, Path | None]) -> dict[str, Path]:
    """Where each file of NAMES goes: as named, else into the folder `out`; those not asked for are left out.

    Raises FunnelError for what could not be written later, before the long work begins.
    """
    if out is not None:
        made(out)
    named = {kind: files.get(kind) or (out / name if out else None) for kind, name in NAMES.items()}
    return writable(named)


def writable(files: Mapping[str, Path | None]) -> dict[str, Path]:
    """Those that are named, by the option that names them; FunnelError where one cannot be written."""
    wanted = {kind: path for kind, path in files.items() if path is not None}
    for kind, path in wanted.items():
        ending = ENDINGS.get(kind)
        if ending is not None and path.suffix.lower() != ending:
            remedy = f"Give it a name that ends in {ending}."
            raise FunnelError(f"--{kind} writes {ending[1:]}, not '{path.suffix}'", file=path, remedy=remedy)
        if path.exists() and not path.is_file():
            raise FunnelError("this is not a file", file=path, remedy=f"Name a file for --{kind}.")
        if not path.parent.is_dir():
            raise FunnelError("there is no such folder", file=path.parent, remedy="Make it first.")
        if not os.access(path.parent, os.W_OK):
            remedy = "Choose another one, where you may write."
            raise FunnelError("this folder cannot be written to", file=path.parent, remedy=remedy)
    if len({path.resolve() for path in wanted.values()}) < len(wanted):
        same = ", ".join(str(path) for path in wanted.values())
        raise FunnelError(f"two outputs have the same name: {same}", remedy="Name each one differently.")
    return wanted


def spare_inputs(files: Mapping[str, Path], config: Config) -> None:
    """Raise FunnelError where an output would replace a file that the forecast was read from."""
    source = config.source
    names = () if source.database else (*source.tables.values(), *(join.file for join in source.join))
    inputs = [config.path_of(name.partition("#")[0]) for name in names]
    if config.path is not None:
        inputs.append(config.path)
    for kind, path in files.items():
        if any(path.exists() and read.exists() and path.samefile(read) for read in inputs):
            remedy = f"Choose another name with --{kind}, or another folder with --out."
            raise FunnelError("this would replace what the forecast is read from", file=path, remedy=remedy)


def write(
    files: Mapping[str, Path],
    summary: Summary,
    samples: Callable[[], pd.DataFrame],
    deals: Callable[[], pd.DataFrame],
    report: Callable[[], str],
    workbook: Callable[[], bytes],
) -> None:
    """Write what `files` asks for; tables, page and workbook are made only where they are wanted."""
    if "samples" in files:
        write_parquet(files["samples"], samples())
    if "deals" in files:
        write_csv(files["deals"], deals())
    if "report" in files:
        write_text(files["report"], report())
    if "workbook" in files:
        write_bytes(files["workbook"], workbook())
    if "json" in files:
        write_json(files["json"], with_files(summary, files))


def with_files(summary: Summary, files: Mapping[str, Path]) -> dict[str, Any]:
    """The summary with the names of the files that were written, None for the others."""
    return {**summary, "files": {kind: str(files[kind]) if kind in files else None for kind in NAMES}}


def finite(value: Any) -> Any:
    """The same plain data with None for numbers that JSON cannot hold (NaN: not known from these data)."""
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_json(path: Path, summary: Summary) -> None:
    """The summary as JSON, as forecast/schema describes it."""
    write_text(path, json.dumps(finite(summary), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_parquet(path: Path, table: pd.DataFrame) -> None:
    """One row group, no index and no metadata of the libraries, so that bytes depend on the values alone."""
    rows = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    fields = [field.with_type(pa.string()) if pa.types.is_large_string(field.type) else field for field in rows.schema]
    rows = rows.cast(pa.schema(fields))
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink, row_group_size=max(len(table), 1), compression="zstd")
    _replace(path, sink.getvalue().to_pybytes())


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Text that a spreadsheet would run as a formula gets an apostrophe in front, and none holds what a terminal obeys;
    dates are ISO days.
    """
    safe = table.rename(columns=dict(zip(table.columns, map(escaped, table.columns), strict=True)))
    for name in safe.columns:
        column = safe[name]
        if not (
            pd.api.types.is_numeric_dtype(column)
            or pd.api.types.is_bool_dtype(column)
            or pd.api.types.is_datetime64_any_dtype(column)
        ):
            safe[name] = column.map(escaped, na_action="ignore")
    write_text(path, safe.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d"))


def escaped(value: object) -> str:
    """Text that a spreadsheet takes as text, and a terminal shows."""
    text = OBEYED.sub("", str(value))
    return f"'{text}" if FORMULA.match(text) else text


def write_text(path: Path, text: str) -> None:
    """UTF-8, written aside and renamed; FunnelError where that cannot be done."""
    _replace(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Written aside and renamed; FunnelError where that cannot be done."""
    _replace(path, content)


def _replace(path: Path, content: bytes) -> None:
    final = path.resolve()  # a link is followed, not replaced
    aside = final.with_name(f".{final.name}.{os.getpid()}")
    try:
        try:
            aside.write_bytes(content)
            aside.replace(final)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise FunnelError(f"cannot be written ({error.strerror})", file=path) from None


def made(folder: Path) -> None:
    """Make a folder that can be written to; FunnelError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise FunnelError("this is not a folder", file=folder, remedy="Name a folder for --out.") from None
    except OSError as error:
        remedy = "Choose another folder with --out."
        raise FunnelError(f"cannot be made ({error.strerror})", file=folder, remedy=remedy) from None
    if not os.access(folder, os.W_OK):
        remedy = "Choose another folder with --out, where you may write."
        raise FunnelError("this folder cannot be written to", file=folder, remedy=remedy)
