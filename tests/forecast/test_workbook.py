"""Workbooks: opened again by openpyxl, and by LibreOffice where it is installed."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest

from forecast import sheets
from forecast.outputs import finite, write_csv
from forecast.workbook import MONEY, SHARE, Sheet, workbook
from tests.conftest import Asked
from tests.forecast import summaries

NAMES = [
    '=HYPERLINK("http://x","y")',
    "+1",
    "-2",
    "@SUM(A1)",
    "<script>alert(1)</script>",
    "شركة النور",
    "腾讯控股",
    "a\x07b",
    "Müller & Co",
]
SAFE = [
    '\'=HYPERLINK("http://x","y")',
    "'+1",
    "'-2",
    "'@SUM(A1)",
    "<script>alert(1)</script>",
    "شركة النور",
    "腾讯控股",
    "ab",
    "Müller & Co",
]


def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "=client": NAMES,
            "p_win": np.linspace(0, 1, len(NAMES)),
            "amount": [1234.5, np.nan, *range(len(NAMES) - 2)],
            "won": pd.to_datetime(["2024-01-02", None, *["2024-03-04"] * (len(NAMES) - 2)]),
            "open": [True, False] * 4 + [True],
        }
    )


def book() -> bytes:
    return workbook(
        [Sheet("Clients", table(), {"p_win": SHARE, "amount": MONEY}, ["=1+1 is a note"]), Sheet("B", table())]
    )


def rows(content: bytes, sheet: str) -> list[tuple[Any, ...]]:
    return list(openpyxl.load_workbook(io.BytesIO(content))[sheet].iter_rows(values_only=True))


def test_what_is_in_it() -> None:
    found = rows(book(), "Clients")
    assert found[0][0] == "'=1+1 is a note"
    assert found[2] == ("'=client", "p_win", "amount", "won", "open")
    assert [row[0] for row in found[3:]] == SAFE
    assert found[3][1:3] == (0, 1234.5)
    assert found[4][2:] == (None, None, "no")
    assert f"{found[3][3]:%Y-%m-%d}" == "2024-01-02"
    cells = openpyxl.load_workbook(io.BytesIO(book()))["Clients"]
    assert {cell.data_type for row in cells.iter_rows() for cell in row} <= {"s", "n", "d"}  # no formula
    assert cells["B4"].number_format == SHARE
    assert cells.freeze_panes == "A4"


def test_the_same_sheets_give_the_same_bytes() -> None:
    first = book()
    time.sleep(1.1)  # the parts of such a file are dated by the second
    assert book() == first


def test_as_a_spreadsheet_reads_it(tmp_path: Path) -> None:
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if program is None:
        pytest.skip("no LibreOffice")
    (tmp_path / "a.xlsx").write_bytes(book())
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    command = [
        program,
        profile,
        "--headless",
        "--convert-to",
        "csv:Text - txt - csv (StarCalc):44,34,76",
        "--outdir",
        str(tmp_path),
    ]
    subprocess.run([*command, str(tmp_path / "a.xlsx")], check=True, capture_output=True, timeout=240)
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        found = list(csv.reader(file))
    assert [row[0] for row in found[3:]] == SAFE
    assert found[3][1:] == ["0.0%", "1,234.50", "2024-01-02", "yes"]


def test_the_same_names_in_csv(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", table())
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        found = list(csv.reader(file))
    assert [row[0].replace("\x07", "") for row in found[1:]] == SAFE


def test_a_hundred_thousand_clients() -> None:
    number = 100_000
    many = pd.DataFrame({"client": [f"=客戶 {i}" for i in range(number)], "expected": np.arange(number) / 100})
    content = workbook([Sheet("Clients", many, {"expected": MONEY})])
    with zipfile.ZipFile(io.BytesIO(content)) as parts:  # openpyxl would take as long again to read it
        written = parts.read("xl/worksheets/sheet1.xml").decode()
    assert written.count("<row ") == number + 1
    assert f"'=客戶 {number - 1}<" in written


def test_a_sheet_that_is_too_long_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forecast.workbook.MOST_ROWS", 2)
    found = rows(workbook([Sheet("A", table())]), "A")
    assert found[0][0] == "7 more rows did not fit."
    assert len(found) == 3 + 2


def test_the_workbook_of_an_answer(asked: Asked) -> None:
    """The simulations are those of the answer, and months of each add up to what periods are told from."""
    answer = asked.answer
    content = workbook(sheets.of_answer(finite(answer.summary), answer.samples(), answer.deals()))
    names = openpyxl.load_workbook(io.BytesIO(content), read_only=True).sheetnames
    assert names == ["Read me", "Answer", "Months", "Clients", "Groups", "Levers", "Open deals", "Simulations"]
    found = pd.DataFrame(rows(content, "Simulations")[3:])
    np.testing.assert_allclose(found.iloc[:, 1:], answer.outcomes.won / 100)
    told = rows(content, "Answer")
    header, first = told[3], told[4]
    period = answer.summary["periods"][0]
    assert dict(zip(header, first, strict=True))["p_hit"] == pytest.approx(period["p_hit"])
    assert any("do not add up" in str(row[0]) for row in rows(content, "Months"))
    assert len(rows(content, "Open deals")) == 3 + len(answer.deals())


def test_scenarios_as_tables() -> None:
    summary = summaries.with_scenarios()
    simulations = pd.DataFrame({"scenario": ["as it is", "=More"], "simulation": [0, 0], "2017-10": [1.5, 2.5]})
    content = workbook(sheets.of_scenarios(summary, simulations))
    assert openpyxl.load_workbook(io.BytesIO(content)).sheetnames == [
        "Read me", "Scenarios", "Months", "What they change", "Simulations",
    ]  # fmt: skip
    assert rows(content, "Simulations")[-1] == ("'=More", 0, 2.5)
    months = rows(content, "Months")
    assert any("p_backlog is the chance" in str(row[0]) for row in months)
    header = next(row for row in months if row[0] == "scenario")
    assert "p_backlog" in header
    summary["scenarios"]["capacity"] = None
    assert "p_backlog" not in sheets.scenario_months(summary["scenarios"])
