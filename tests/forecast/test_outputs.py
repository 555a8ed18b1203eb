from __future__ import annotations

import csv
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from forecast import outputs
from forecast.config import config_from
from forecast.errors import FunnelError
from tests.forecast import summaries

SCHEMA = json.loads((Path(outputs.__file__).parent / "schema" / "forecast-1.0.json").read_text("utf-8"))


def samples() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "simulation": np.repeat(np.arange(3, dtype=np.int32), 2),
            "month": pd.Series(["2017-10", "2017-11"] * 3, dtype="str"),
            "won": np.array([0.0, 1.5, 2.25, 1e7, 0.1, 3.0]),
        }
    )


def deals() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "deal_id": pd.Series(["1", "-2", "@3"], dtype="str"),
            "client": pd.Series(['=HYPERLINK("x")', pd.NA, "Müller, +"], dtype="str"),
            "=cmd": pd.Series(["+1", "\t=1", "a=b"], dtype="category"),
            "amount": [1234.56, np.nan, -5.0],
            "close_p50": pd.to_datetime(["2017-12-01", None, "2018-01-31"]),
        }
    )


class TestSchema:
    def check(self, summary: Any) -> None:
        jsonschema.validate(json.loads(json.dumps(summary)), SCHEMA, jsonschema.Draft202012Validator)

    def test_it_is_a_schema(self) -> None:
        jsonschema.Draft202012Validator.check_schema(SCHEMA)

    @pytest.mark.parametrize("name", summaries.ALL)
    def test_it_describes_every_summary(self, name: str) -> None:
        self.check(summaries.ALL[name]())

    def test_it_refuses_others(self) -> None:
        for change in ({"schema_version": "2.0"}, {"surprise": 1}, {"currency": "dollars"}, {"periods": []}):
            with pytest.raises(jsonschema.ValidationError):
                self.check({**summaries.maven(), **change})

    def test_every_field_is_described(self) -> None:
        def fields(part: Any, path: str) -> list[str]:
            """Paths of the fields without a description."""
            found = []
            for name, field in part.get("properties", {}).items():
                found += [] if field.get("description") else [f"{path}.{name}"]
                found += fields(field, f"{path}.{name}")
            inner = [part["items"]] if "items" in part else part.get("oneOf", [])
            return found + [name for one in inner for name in fields(one, f"{path}[]")]

        assert fields(SCHEMA, "") == []


class TestJson:
    def test_text(self, tmp_path: Path) -> None:
        path = tmp_path / "a.json"
        outputs.write_json(path, {"a": float("nan"), "b": [1.5, float("inf")], "c": "é"})
        assert path.read_text("utf-8").endswith("}\n")
        assert json.loads(path.read_text("utf-8")) == {"a": None, "b": [1.5, None], "c": "é"}


class TestParquet:
    def test_same_table_same_bytes(self, tmp_path: Path) -> None:
        digests = set()
        for name, table in (
            ("a", samples()),
            ("b", samples().set_axis(range(10, 16))),
            ("c", samples().astype({"month": object})),
        ):
            table.attrs["from"] = name
            outputs.write_parquet(tmp_path / name, table)
            digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
        assert len(digests) == 1

    def test_what_is_in_it(self, tmp_path: Path) -> None:
        outputs.write_parquet(tmp_path / "a.parquet", samples())
        table = pq.read_table(tmp_path / "a.parquet")
        assert [str(kind) for kind in table.schema.types] == ["int32", "string", "double"]
        assert table.schema.metadata is None
        pd.testing.assert_frame_equal(table.to_pandas(), samples(), check_dtype=False)


class TestCsv:
    def test_no_cell_is_a_formula(self, tmp_path: Path) -> None:
        outputs.write_csv(tmp_path / "a.csv", deals())
        with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
        assert rows == [
            ["deal_id", "client", "'=cmd", "amount", "close_p50"],
            ["1", '\'=HYPERLINK("x")', "'+1", "1234.56", "2017-12-01"],
            ["'-2", "", "'\t=1", "", ""],
            ["'@3", "Müller, +", "a=b", "-5.0", "2018-01-31"],
        ]

    def test_no_cell_commands_a_terminal(self, tmp_path: Path) -> None:
        outputs.write_csv(tmp_path / "a.csv", pd.DataFrame({"client\x1b[2J": ["A\x1b[31mB\u202e", "\x1b=1", "Zoë\tX"]}))
        rows = (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()
        assert rows == ["client[2J", "A[31mB", "'=1", "Zoë\tX"]

    def test_the_table_is_left_as_it_was(self, tmp_path: Path) -> None:
        table = deals()
        outputs.write_csv(tmp_path / "a.csv", table)
        pd.testing.assert_frame_equal(table, deals())

    def test_without_rows(self, tmp_path: Path) -> None:
        outputs.write_csv(tmp_path / "a.csv", deals().iloc[:0])
        assert (tmp_path / "a.csv").read_text().splitlines() == ["deal_id,client,'=cmd,amount,close_p50"]


class TestWriting:
    def test_files_are_replaced_whole(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "a.json"
        path.write_text("before")

        def full(self: Path, target: Path) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", full)
            with pytest.raises(FunnelError, match=r"cannot be written \(No space left on device\)"):
                outputs.write_text(path, "after")
        assert path.read_text() == "before"
        outputs.write_text(path, "after")
        assert path.read_text() == "after"
        assert os.listdir(tmp_path) == ["a.json"]

    def test_links_are_followed(self, tmp_path: Path) -> None:
        (tmp_path / "real").write_text("before")
        (tmp_path / "link").symlink_to("real")
        outputs.write_text(tmp_path / "link", "after")
        assert (tmp_path / "real").read_text() == "after"
        assert (tmp_path / "link").is_symlink()

    def test_others_may_read_what_the_umask_lets_them(self, tmp_path: Path) -> None:
        plain = tmp_path / "plain"
        plain.write_text("")
        outputs.write_text(tmp_path / "a", "")
        assert (tmp_path / "a").stat().st_mode == plain.stat().st_mode

    def test_only_what_is_asked_for_is_made(self, tmp_path: Path) -> None:
        def never() -> pd.DataFrame:
            raise AssertionError

        files = outputs.chosen(None, {"json": tmp_path / "a.json"})
        outputs.write(files, summaries.maven(), never, never, never, never)
        told = json.loads((tmp_path / "a.json").read_text("utf-8"))["files"]
        assert told == {
            "json": str(tmp_path / "a.json"),
            "samples": None,
            "deals": None,
            "report": None,
            "workbook": None,
        }


class TestChosen:
    def test_a_folder_takes_them_all(self, tmp_path: Path) -> None:
        out = tmp_path / "new" / "out"
        files = outputs.chosen(out, {"json": tmp_path / "a.json", "samples": None, "deals": None})
        assert files == {
            "json": tmp_path / "a.json",
            "samples": out / "samples.parquet",
            "deals": out / "deals.csv",
            "report": out / "report.html",
            "workbook": out / "forecast.xlsx",
        }
        assert out.is_dir()
        assert outputs.chosen(None, {}) == {}

    def test_what_could_not_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        for out, files, told in (
            (tmp_path / "file", {}, "not a folder"),
            (tmp_path / "file" / "in", {}, "cannot be made"),
            (None, {"samples": tmp_path / "a.csv"}, "--samples writes parquet, not '.csv'"),
            (None, {"deals": tmp_path / "a"}, "--deals writes csv"),
            (None, {"json": tmp_path}, "not a file"),
            (None, {"json": Path("/dev/null")}, "not a file"),
            (None, {"json": tmp_path / "nowhere" / "a.json"}, "no such folder"),
            (None, {"json": tmp_path / "a.csv", "deals": tmp_path / "x" / ".." / "a.csv"}, "no such folder"),
            (tmp_path, {"json": tmp_path / "deals.csv"}, "same name"),
        ):
            with pytest.raises(FunnelError, match=told) as error:
                outputs.chosen(out, files)
            assert error.value.remedy

    def test_what_is_read_is_not_replaced(self, tmp_path: Path) -> None:
        for name in ("deals.csv", "teams.csv", "funnel.toml"):
            (tmp_path / name).write_text("")
        join = {"file": "teams.csv", "on": "owner", "columns": ["team"]}
        config = config_from({"source": {"deals": "deals.csv", "join": [join]}}, tmp_path / "funnel.toml")
        for name in ("deals.csv", "teams.csv", "funnel.toml"):
            with pytest.raises(FunnelError, match="would replace"):
                outputs.spare_inputs({"deals": tmp_path / "." / name}, config)
        outputs.spare_inputs({"deals": tmp_path / "other.csv"}, config)
