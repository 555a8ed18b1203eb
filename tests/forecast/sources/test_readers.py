import gzip
from datetime import date
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from forecast.errors import FunnelError
from forecast.sources.readers import read_table


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_csv_as_it_arrives(tmp_path: Path, delimiter: str, encoding: str) -> None:
    rows = [["id", " name "], ["1", ' "a, b; c" '.strip()], ["", "Zürich"], ["3", "  "]]
    path = tmp_path / "a.csv"
    path.write_bytes("\r\n".join(delimiter.join(row) for row in rows).encode(encoding))
    frame = read_table(path).frame
    assert list(frame.columns) == ["id", "name"]
    assert frame["name"].tolist()[:2] == ["a, b; c", "Zürich"]
    assert frame.isna().sum().tolist() == [1, 1]
    assert list(frame.index) == [2, 3, 4]


def test_missing_is_what_says_so_and_north_america_is_not(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,region\n1,NA\n2,null\n3,N/A\n")
    assert read_table(tmp_path / "a.csv").frame["region"].notna().tolist() == [True, False, False]


def test_rows_that_do_not_fit_the_header_are_kept_apart(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('a,b\n1,2,3\n1,"two\nlines"\n\n1\n4,5\n')
    raw = read_table(tmp_path / "a.csv")
    assert raw.lines == ((2, "1,2,3"), (4, "1"))
    assert list(raw.frame.index) == [3, 5]


def test_packed(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"id\n7\n"))
    assert read_table(tmp_path / "a.csv.gz").frame["id"].tolist() == ["7"]


def test_parquet(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": [1, None], "day": pd.to_datetime(["2017-01-01", None]), "x": [1.5, 2.0]})
    frame["id"] = frame["id"].astype("Int64")
    frame["kind"] = pd.Categorical(["a ", "b"])
    frame.to_parquet(tmp_path / "a.parquet")
    read = read_table(tmp_path / "a.parquet").frame
    assert read["id"].tolist()[0] == "1"
    assert read["id"].isna().tolist() == [False, True]
    assert read["kind"].tolist() == ["a", "b"]
    assert read["day"].iloc[0] == pd.Timestamp("2017-01-01")


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_lines_above_the_header_are_kept_apart(tmp_path: Path, delimiter: str) -> None:
    lines = ["Pipeline of 1 March", "", "Sales", "id,name,value", "1,a,2", "2,b", "3,c,4"]
    (tmp_path / "a.csv").write_text("\n".join(lines).replace(",", delimiter))
    raw = read_table(tmp_path / "a.csv")
    assert list(raw.frame.columns) == ["id", "name", "value"]
    assert raw.titles == ("Pipeline of 1 March", "", "Sales")
    assert (list(raw.frame.index), raw.lines) == ([5, 7], ((6, f"2{delimiter}b"),))
    (tmp_path / "a.csv").write_text("sep=;\nid;name\n1;a\n")
    assert read_table(tmp_path / "a.csv").frame["name"].tolist() == ["a"]
    (tmp_path / "a.csv").write_text("id\n1\n2,x\n3\n")  # one column, and a line that does not fit it
    assert read_table(tmp_path / "a.csv").frame["id"].tolist() == ["1", "3"]


def book(path: Path, sheets: dict[str, list[list[object]]]) -> Path:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    made.save(path)
    return path


TABLE: list[list[object]] = [["id", "day"], [1, date(2025, 1, 5)], [None, None], [2, None]]


def test_a_sheet_below_its_title_and_behind_its_cover(tmp_path: Path) -> None:
    raw = read_table(book(tmp_path / "a.xlsx", {"Deals": TABLE}))
    assert (raw.file, raw.titles, list(raw.frame.index)) == ("a.xlsx", (), [2, 4])
    titled = [["Deals of March"], [], *TABLE]
    raw = read_table(book(tmp_path / "b.xlsx", {"Empty": [], "Cover": [["Our deals"], ["by Ann"]], "Deals": titled}))
    assert raw.file == "b.xlsx#Deals"
    assert raw.titles == ("Deals of March",)
    assert raw.frame["day"].fillna("").tolist() == ["2025-01-05", ""]
    assert list(raw.frame.index) == [4, 6]
    assert read_table(tmp_path / "b.xlsx#Cover").frame["Our deals"].tolist() == ["by Ann"]
    with pytest.raises(FunnelError, match="the sheet is empty"):
        read_table(book(tmp_path / "d.xlsx", {"A": [], "B": []}))


@pytest.mark.parametrize(("suffix", "address"), [(".duckdb", "duckdb:///"), (".sqlite", "sqlite:///")])
def test_a_file_that_is_a_database_says_how_to_read_it(tmp_path: Path, suffix: str, address: str) -> None:
    (tmp_path / f"crm{suffix}").write_bytes(b"x")
    with pytest.raises(FunnelError, match=f'this is a database\n.*database = "CRM_URL".*CRM_URL={address}/'):
        read_table(tmp_path / f"crm{suffix}")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", b"", "the file is empty"),
        ("a.csv", b" \n \n", "the file is empty"),
        ("a.csv", b"a,b\n", "no row below the header"),
        ("a.csv", b"a,b", "no row below the header"),
        ("a.csv", b"a,a\n1,2\n", "column 'a': the header has this column twice"),
        ("a.csv", b'a,b\n1,"x\n2,y\n', "quotation mark is opened and never closed"),
        ("a.parquet", b"a,b\n1,2\n", "cannot be read as Parquet"),
        ("a.xlsx", b"PK", "cannot be read as an Excel workbook"),
        ("a.docx", b"PK", "ending in '.docx' cannot be read"),
        ("a.xes", b"<log><trace>", "cannot be read as XES"),
        ("a.xes", b"<log/>", "there is no event in this log"),
        ("a.xes.gz", b"<log/>", "cannot be unpacked"),
        ("a.docx.gz", gzip.compress(b"a"), "ending in '.docx' cannot be read"),
    ],
)
def test_unreadable(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FunnelError, match=told):
        read_table(tmp_path / name)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FunnelError, match="there is no such file"):
        read_table(tmp_path / "a.csv")
    (tmp_path / "b.csv").mkdir()
    with pytest.raises(FunnelError, match="cannot be read"):
        read_table(tmp_path / "b.csv")
