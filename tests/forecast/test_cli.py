import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from forecast import answer, cli, levers
from forecast.question import Question
from tests.conftest import Asked
from tests.forecast import summaries
from tests.forecast.answers import MONTHS

MAVEN = Path(__file__).parents[2] / "forecast" / "samples" / "maven"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["funnel", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return int(end.value.code or 0)


def test_check(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "check", MAVEN) == 0
    shown = capsys.readouterr().out
    assert all(len(line) <= 100 for line in shown.splitlines())
    words = " ".join(shown.split())
    for told in (
        "8,927 rows read = 8,427 used + 500 set aside",
        "Deals: 8,300, of them 4,238 won, 10,005,534 USD; 2,473 lost; 1,589 open",
        "exits recorded from 2017-03-01 to 2017-12-31",
        "Engaging 8,300 1,589 viable from here",
        "client account close declared",
        "sales_pipeline.csv 8,800 8,300 500",
        "row 8302: Prospecting",
    ):
        assert told in words


def test_check_writes_what_it_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "check", MAVEN, "--out", tmp_path / "found.csv") == 0
    assert "Wrote" in capsys.readouterr().out
    table = pd.read_csv(tmp_path / "found.csv")
    assert table.loc[table["kind"].eq("set aside"), "count"].tolist() == [500]
    assert run(monkeypatch, "check", MAVEN, "--out", tmp_path / "found.txt") == 2
    assert "writes csv" in capsys.readouterr().err
    rows = tmp_path / "a.csv"
    rows.write_text("id,stage,entered\n1,A,2017-01-01\n")
    assert run(monkeypatch, "check", rows, "--out", rows) == 2
    assert "would replace what the forecast is read from" in capsys.readouterr().err


def test_cells_are_not_markup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,created,closed,status,[red]x\n1,2017-01-01,,[bold]Open,\n2,,,[/oops],\n")
    assert run(monkeypatch, "check", path) == 0
    shown = capsys.readouterr().out
    assert "[bold]Open" in shown
    assert "[/oops]" in shown
    assert "Columns not used: [red]x" in shown


def test_init_then_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    rows = tmp_path / "sales.csv"
    rows.write_text("id,created,closed,status\n1,2017-01-01,2017-01-02,Won\n")
    assert run(monkeypatch, "init", rows) == 0
    assert "funnel check" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["funnel.toml", "sales.csv"]
    assert run(monkeypatch, "init", rows) == 2
    assert "this file is there already" in capsys.readouterr().err
    assert run(monkeypatch, "init", rows, "--force") == 0
    (tmp_path / "other").mkdir()
    assert run(monkeypatch, "init", rows, "--out", tmp_path / "other" / "sales.toml") == 0
    assert run(monkeypatch, "check", tmp_path / "other" / "sales.toml") == 0
    assert run(monkeypatch, "check", tmp_path) == 0


def test_init_from_a_template(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "init", "--template", "journey", "--language", "fr") == 0
    assert "Engagement d'investir" in (tmp_path / "funnel.toml").read_text(encoding="utf-8")
    assert run(monkeypatch, "init", "--template", "journey", "--out", tmp_path / "other.toml") == 0
    assert run(monkeypatch, "init", "--template", "jorney", "--force") == 2
    assert "Did you mean 'journey'" in capsys.readouterr().err
    assert run(monkeypatch, "init") == 2
    assert "there is nothing to draft from" in capsys.readouterr().err


BAD = {
    "missing": None,
    "empty": "",
    "header only": "id,stage,entered\n",
    "no stage": "id,entered\n1,2017-01-01\n",
    "no dates": "id,stage,entered\n1,A,soon\n2,A,later\n",
    "exit before entry": "id,created,closed,status\n1,2017-01-02,2017-01-01,Won\n",
    "duplicates": "id,created,closed,status\n1,2017-01-02,2017-01-03,Won\n1,2017-01-02,2017-01-04,Won\n",
    "negative": "id,created,closed,status,value\n1,2017-01-02,2017-01-03,Won,-5\n",
    "currencies": "id,created,closed,status,value,currency\n1,2017-01-02,,A,5,EUR\n2,2017-01-02,,A,5,USD\n",
    "open quotation": 'id,stage,entered\n1,"A,2017-01-01\n2,A,2017-01-01\n',
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.csv"
    content = BAD[name]
    if content is not None:
        path.write_text(content)
    assert run(monkeypatch, "check", path) == 2
    captured = capsys.readouterr()
    assert not captured.out
    lines = captured.err.splitlines()
    assert 2 <= len(lines) <= 3  # the last one is the remedy
    assert lines[0].startswith("funnel: ")
    assert "a.csv" in lines[0]


@pytest.mark.parametrize("arguments", [["chek"], ["check"], ["check", "a.csv", "--fast"]])
def test_wrong_usage(arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, *arguments) == 2
    shown = capsys.readouterr().err
    assert "Error:" in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize(("command", "told", "rows"), [("clients", "Verdict: watch", 10), ("deals", "125VIRMX", 1)])
def test_clients_and_deals(
    command: str, told: str, rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """With an answer made by hand where sampling would start."""
    made = SimpleNamespace(summary={**summaries.maven(), "levers": None})
    monkeypatch.setattr(answer, "ask", lambda *_, **__: made)
    table, file = tmp_path / "a.csv", tmp_path / "a.json"
    assert run(monkeypatch, command, "--sample", "maven", "--out", table, "--json", file) == 0
    assert told in capsys.readouterr().out
    assert len(pd.read_csv(table)) == rows
    assert json.loads(file.read_text("utf-8"))["overdue"]["deals"] == 611
    assert run(monkeypatch, command, "--sample", "maven", "--out", tmp_path / "a.xlsx") == 2
    assert "writes csv, not '.xlsx'" in capsys.readouterr().err


class TestWhatIf:
    """`funnel levers`, with an answer made by hand where sampling would start."""

    def test_levers(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        seen: dict[str, Any] = {}

        def ask(config: Any, tables: Any, question: Question, **options: Any) -> SimpleNamespace:
            seen.update(options, question=question)
            return SimpleNamespace(summary=summaries.unasked(), what_if="what if")

        def change(what_if: Any, wanted: float, **options: Any) -> Any:
            seen.update(options, what_if=what_if, wanted=wanted)
            return summaries.maven()["levers"]

        monkeypatch.setattr(answer, "ask", ask)
        monkeypatch.setattr(levers, "what_would_change", change)
        file = tmp_path / "a.json"
        assert run(monkeypatch, "levers", "--sample", "maven", "--wanted", "0.7", "--sales", "12", "--json", file) == 0
        assert "Engaging: conversion" in capsys.readouterr().out
        assert (seen["what_if"], seen["wanted"], seen["sales"], seen["every_lever"]) == ("what if", 0.7, 12.0, True)
        assert seen["levers"] is False  # not asked twice
        written = json.loads(file.read_text("utf-8"))
        assert written["levers"]["periods"][0]["solutions"]
        assert written["files"]["json"] == str(file)
        assert run(monkeypatch, "levers", "--sample", "maven", "--wanted", "1.5") == 2

    @pytest.fixture
    def company(self, asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """The small company, which is not fitted again, with scenarios."""
        monkeypatch.setattr(answer, "ask", lambda *_, **__: asked.answer)
        folder = tmp_path / "company"
        shutil.copytree(asked.folder, folder, ignore=shutil.ignore_patterns(".funnel"))
        with (folder / "funnel.toml").open("a") as file:
            file.write('[scenarios."=More"]\nnew_deals = 0.5\n[capacity]\ndeals = 9\n')
        return folder

    def test_scenarios(
        self, company: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        files = ("--json", tmp_path / "a.json", "--out", tmp_path / "out")
        assert run(monkeypatch, "scenarios", company, *files) == 0
        shown = capsys.readouterr().out
        assert all(len(line) <= 100 for line in shown.splitlines())
        assert "=More: new deals + 50 %" in shown
        written = json.loads((tmp_path / "a.json").read_text("utf-8"))
        names = [one["name"] for one in written["scenarios"]["scenarios"]]
        assert names == ["as it is", "=More"]
        table = pd.read_csv(tmp_path / "out" / "scenarios.csv")
        assert table["scenario"].unique().tolist() == ["as it is", "'=More"]
        told = written["scenarios"]["scenarios"][1]["periods"]
        assert table.loc[table["scenario"] == "'=More", "p50"].tolist() == [one["p50"] for one in told]
        months = pd.read_csv(tmp_path / "out" / "scenario_months.csv")
        assert months["p_backlog"].between(0, 1).all()
        book = pd.read_excel(tmp_path / "out" / "scenarios.xlsx", sheet_name="Scenarios", skiprows=3)
        assert book["p50"].tolist() == pytest.approx(table["p50"].tolist())

    def test_no_scenarios(
        self, company: Path, asked: Asked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shutil.copy(asked.folder / "funnel.toml", company / "funnel.toml")
        assert run(monkeypatch, "scenarios", company) == 2
        assert "there are no scenarios" in capsys.readouterr().err

    def test_width(
        self, company: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(monkeypatch, "width", company, "--json", tmp_path / "a.json") == 0
        assert "the parts sum to 100" in capsys.readouterr().out
        parts = json.loads((tmp_path / "a.json").read_text("utf-8"))["width"]["periods"][0]["parts"]
        assert sum(part["share"] for part in parts) == pytest.approx(1)


class TestForecast:
    """`funnel forecast`, with an answer made by hand where sampling would start."""

    @pytest.fixture(autouse=True)
    def asked(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        """What was asked, once it was."""
        seen: dict[str, Any] = {}

        def ask(config: Any, tables: Any, question: Question, **options: Any) -> SimpleNamespace:
            seen.update(options, config=config, question=question)
            options["progress"]("Sampling", 1, 2)
            simulation = np.repeat(np.arange(2, dtype=np.int32), len(MONTHS))
            table = pd.DataFrame({"simulation": simulation, "month": [*MONTHS, *MONTHS], "won": 1.5})
            deals = pd.DataFrame({"deal_id": ["=1", "2"], "p_win": [0.25, 0.5]})
            summary = {**summaries.maven(), "files": {}}
            return SimpleNamespace(summary=summary, samples=lambda: table, deals=lambda: deals)

        monkeypatch.setattr(answer, "ask", ask)
        return seen

    @pytest.fixture
    def bare(self, tmp_path: Path) -> Path:
        """A file of rows with conventional names and no funnel file."""
        path = tmp_path / "sales.csv"
        path.write_text("id,created,closed,status,value\n1,2017-01-02,2017-03-04,Won,5\n2,2017-01-02,,Open,7\n")
        return path

    def test_sample(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], asked: dict[str, Any]
    ) -> None:
        assert run(monkeypatch, "forecast", "--sample", "maven") == 0
        captured = capsys.readouterr()
        assert "The chance of reaching 3.28M USD in 2017Q4 is 31 % (± 1)." in captured.out
        assert captured.out.splitlines()[-1].startswith("Files: none")
        assert captured.err == ""
        question = asked["question"]
        assert str(question.origin) == "2017-10-01"
        assert [(period.label, target) for period, target in question.periods] == [
            ("2017Q4", 3280480.5),
            ("2017", 11319059.71),
        ]
        assert (question.draws, question.seed, asked["threads"], asked["deal_detail"]) == (
            2000,
            1,
            None,
            False,
        )

    def test_options(self, bare: Path, monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any]) -> None:
        options = ["--as-of", "2017-02-01", "--period", "2017Q1", "--target", "10,000", "--period", "2017"]
        options += ["--target", "20000.5", "--draws", "50", "--seed", "7", "--threads", "1"]
        assert run(monkeypatch, "forecast", bare, *options) == 0
        question = asked["question"]
        assert str(question.origin) == "2017-02-01"
        targets = [(period.label, target) for period, target in question.periods]
        assert targets == [("2017Q1", 10000.0), ("2017", 20000.5)]
        assert (question.draws, question.seed, asked["threads"]) == (50, 7, 1)

    def test_files(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        asked: dict[str, Any],
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert run(monkeypatch, "forecast", "--sample", "maven", "--out", "out", "--json", "a.json") == 0
        assert asked["deal_detail"]
        assert sorted(path.name for path in tmp_path.rglob("*.*")) == [
            "a.json",
            "deals.csv",
            "forecast.xlsx",
            "report.html",
            "samples.parquet",
        ]
        told = json.loads((tmp_path / "a.json").read_text("utf-8"))
        files = {
            "json": "a.json", "samples": "out/samples.parquet", "deals": "out/deals.csv", "report": "out/report.html",
            "workbook": "out/forecast.xlsx",
        }  # fmt: skip
        assert told == {**summaries.maven(), "files": files}
        assert pq.read_table(tmp_path / "out" / "samples.parquet").column_names == [
            "simulation",
            "month",
            "won",
        ]
        assert (tmp_path / "out" / "deals.csv").read_text() == "deal_id,p_win\n'=1,0.25\n2,0.5\n"
        assert "Can Maven hardware sales" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
        assert " ".join(capsys.readouterr().out.split()).endswith(
            "Files: a.json (answer), out/samples.parquet (simulations), out/deals.csv (open deals), "
            "out/report.html (page), out/forecast.xlsx (all, for Excel)"
        )
        book = pd.read_excel(tmp_path / "out" / "forecast.xlsx", sheet_name="Open deals", skiprows=2)
        assert book["deal_id"].astype(str).tolist() == ["'=1", "2"]

    def test_language(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert run(monkeypatch, "forecast", "--sample", "maven", "--report", "a.html", "--lang", "fr") == 0
        assert "Ce qui l’explique" in (tmp_path / "a.html").read_text(encoding="utf-8")
        assert run(monkeypatch, "forecast", "--sample", "maven", "--lang", "de") == 2
        assert "there is no language 'de'" in capsys.readouterr().err

    def test_the_answer_is_shown_where_a_file_cannot_be_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def full(self: Path, content: bytes) -> int:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "write_bytes", full)
        assert run(monkeypatch, "forecast", "--sample", "maven", "--json", tmp_path / "a.json") == 2
        captured = capsys.readouterr()
        assert "The chance of reaching" in captured.out
        assert captured.out.splitlines()[-1].startswith("Files: none")
        assert "a.json: cannot be written (No space left on device)" in captured.err
        assert list(tmp_path.iterdir()) == []

    ASK = ("--period", "2017", "--target", "100")

    @pytest.mark.parametrize(
        ("arguments", "told", "remedy"),
        [
            ([], "there is nothing to forecast", "--sample b2b"),
            (["SALES", "--sample", "maven"], "both given", "Give one of them."),
            (["--sample", "mavn"], "there is no sample 'mavn'", "'maven'"),
            (["--sample", "x"], "there is no sample 'x'", "Known: b2b, maven."),
            (["--sample", "../samples/maven"], "there is no sample", "maven"),
            (["NOWHERE", *ASK], "nowhere.csv", ""),
            (["SALES"], "no period", "--period"),
            (["SALES", "--period", "2017"], "no target", "--target"),
            (["SALES", "--period", "2017Q5", "--target", "1"], "'2017Q5' is not a period", "2017Q4"),
            (["SALES", "--period", "2016", "--target", "1"], "wholly in the past", "--as-of"),
            (["SALES", "--period", "2017", "--target", "3.2M"], "'3.2M' is not a positive number", "3280000"),
            (["SALES", "--period", "2017", "--target", "3,2M"], "'3,2M' is not a positive number", "3280000"),
            (["SALES", "--period", "2017", "--target", "nan"], "'nan' is not a positive number", "3280000"),
            (["SALES", "--period", "2017", "--target", "-5"], "'-5' is not a positive number", "3280000"),
            (["SALES", *ASK, "--target", "2"], "1 periods were asked about, with 2 targets", "one --target"),
            (["SALES", *ASK, "--as-of", "yesterday"], "'yesterday' is not a date", "2017-10-01"),
            (["SALES", *ASK, "--samples", "a.csv"], "--samples writes parquet", ".parquet"),
            (["SALES", *ASK, "--cluster", "nowhere"], "no Dask cluster at nowhere", "dask scheduler"),
            (["SALES", *ASK, "--cluster", "x", "--threads", "2"], "--threads and --cluster", "Give one of them."),
            (["SALES", *ASK, "--json", "nowhere/a.json"], "no such folder", "Make it first."),
            (["SALES", *ASK, "--deals", "SALES"], "would replace what the forecast is read from", "--deals"),
        ],
    )
    def test_what_cannot_be_asked(
        self,
        arguments: list[str],
        told: str,
        remedy: str,
        bare: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        asked: dict[str, Any],
    ) -> None:
        monkeypatch.chdir(bare.parent)
        names = {"SALES": bare.name, "NOWHERE": "nowhere.csv"}
        assert run(monkeypatch, "forecast", *(names.get(word, word) for word in arguments)) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert told in captured.err
        assert remedy in captured.err.splitlines()[-1]
        assert 2 <= len(captured.err.splitlines()) <= 3
        assert not asked
        assert [path.name for path in bare.parent.iterdir()] == [bare.name]

    @pytest.mark.parametrize("name", BAD)
    def test_bad_rows(
        self,
        name: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
        asked: dict[str, Any],
    ) -> None:
        path = tmp_path / "a.csv"
        content = BAD[name]
        if content is not None:
            path.write_text(content)
        assert run(monkeypatch, "forecast", path, *self.ASK) == 2
        captured = capsys.readouterr()
        assert not captured.out
        assert not asked
        assert 2 <= len(captured.err.splitlines()) <= 3

    @pytest.mark.parametrize("option", ["--draws=0", "--draws=many", "--seed=-1", "--threads=0", "--fast"])
    def test_wrong_options(
        self, option: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(monkeypatch, "forecast", "--sample", "maven", option) == 2
        assert "Error:" in capsys.readouterr().err


def test_help_and_check_do_not_load_the_model() -> None:
    code = "import sys, forecast.cli; print(sorted({'pymc', 'pytensor', 'arviz', 'numba'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("day", "told"),
    [("2010-01-01", "is before the first deal"), ("2019-01-01", "is later than the records reach")],
)
def test_no_forecast_beyond_the_records(
    day: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--as-of", day, "--period", "2019", "--target", "5"]
    assert run(monkeypatch, "forecast", "--sample", "maven", *asked) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert told in captured.err
    assert len(captured.err.splitlines()) == 2


class TestBacktest:
    """`funnel backtest` of a small company, with a stand-in for the model."""

    @pytest.fixture
    def company(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        from forecast import backtest
        from tests.forecast.companies import SMALL, small, write_company
        from tests.forecast.test_backtest import pretended

        monkeypatch.setattr(backtest, "_ours", pretended)
        return write_company(tmp_path / "company", SMALL, small())

    def test_scores_are_shown_and_kept_and_quoted(
        self, company: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        asked = ("--origins", "2024-01-01..2024-04-01", "--horizon", "1m", "--draws", "100")
        assert run(monkeypatch, "backtest", company, *asked) == 0
        shown = capsys.readouterr().out
        assert "4 past questions, as of 1 January 2024 to 1 April 2024" in shown
        assert "life table" in shown
        assert "By owner" in shown
        file = company / "backtest" / "backtest.json"
        assert shown.split("File: ")[1].replace("\n", "") == str(file)
        board = json.loads(file.read_text())
        assert board["draws"] == 100
        told: dict[str, Any] = {}

        def ask(*_: Any, **options: Any) -> SimpleNamespace:
            told.update(options)
            return SimpleNamespace(summary={**summaries.maven(), "files": {}}, samples=None, deals=None)

        monkeypatch.setattr(answer, "ask", ask)
        assert run(monkeypatch, "forecast", company) == 0
        assert told["past"] == board
        assert (
            "Track record: 3 of 4 past 80 % ranges over the rest of the quarter held the truth."
            in capsys.readouterr().out
        )
        assert run(monkeypatch, "forecast", company, "--record", company / "funnel.toml") == 2
        assert "is not JSON" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["--origins", "yesterday"], "is not a day"),
            (["--horizon", "soon"], "is not a horizon"),
            (["--every", "day"], "is not a step"),
            (["--by", "colour"], "'colour' is not a column"),
            (["--cluster", "nowhere"], "no Dask cluster at nowhere"),
        ],
    )
    def test_what_cannot_be_asked(
        self, company: Path, arguments: list[str], told: str,
        monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    ) -> None:  # fmt: skip
        assert run(monkeypatch, "backtest", company, *arguments) == 2
        assert told in capsys.readouterr().err


class TestTrend:
    """`funnel trend` of a small company, with a stand-in for the answer."""

    @pytest.fixture
    def company(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        from tests.forecast.companies import SMALL, small, write_company

        def ask(config: Any, tables: Any, question: Question, **_: Any) -> SimpleNamespace:
            periods = [
                {**summaries.maven()["periods"][0], "period": one.label, "target": target}
                for one, target in question.periods
            ]
            summary = {**summaries.unasked(), "origin": question.origin.isoformat(), "periods": periods}
            return SimpleNamespace(summary=summary, samples=None, deals=None)

        monkeypatch.setattr(answer, "ask", ask)
        return write_company(tmp_path / "company", SMALL, small())

    def test_forecasts_are_noted_and_followed(
        self, company: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(monkeypatch, "trend", company) == 2
        assert "is on record" in capsys.readouterr().err
        assert run(monkeypatch, "forecast", company, "--as-of", "2024-04-01") == 0
        capsys.readouterr()
        files = ("--json", company / "t.json", "--out", company / "t.csv")
        assert run(monkeypatch, "trend", company, "--origins", "2024-02-01..2024-03-01", *files) == 0
        shown = capsys.readouterr().out
        assert all(len(line) <= 100 for line in shown.splitlines())
        assert [line[:10] for line in shown.splitlines() if line.startswith("2024-0")] == [
            "2024-02-01", "2024-03-01", "2024-04-01", "2024-04-20", "2024-02-01", "2024-03-01", "2024-04-01",
            "2024-02-01", "2024-03-01", "2024-04-01",
        ]  # fmt: skip
        assert len(json.loads((company / "t.json").read_text())["periods"]) == 3
        assert len(pd.read_csv(company / "t.csv")) == 9
        assert len(pd.read_parquet(company / ".funnel" / "funnel" / "runs.parquet")) == 9

    def test_what_cannot_be_followed(
        self, company: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for arguments, told in (
            (["--origins", "soon"], "is not a day"),
            (["--origins", "2024-01-01", "--every", "day"], "is not a step"),
            (["--origins", "2025-01-01"], "wholly in the past"),
            (["--out", company / "deals.csv"], "would replace"),
        ):
            assert run(monkeypatch, "trend", company, *arguments) == 2
            assert told in capsys.readouterr().err

    def test_a_bridge_between_two_days(
        self, company: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """With a stand-in for the bridge, which has tests of its own; a month before the question by default."""
        from forecast import bridge

        level = {"p50": 1.0, "p_hit": 0.5, "mean": 1.0}
        days: list[list[str]] = []

        def walked(then: Any, now: Any, **_: Any) -> dict[str, Any]:
            days.append([one.summary["origin"] for one in (then, now)])
            parts = [{"part": name, "deals": None, **level} for name in ("won", "learned")]
            period = {"period": "2024Q2", "start": "2024-04-01", "end": "2024-06-30", "target": 5.0}
            ends = {"before": level, "after": level, "move": level, "parts": parts, "learned_se": 0.0}
            asked = {"from": days[-1][0], "to": days[-1][1], "draws": 9, "months_since": None}
            return {"funnel": "A", "currency": "EUR", "periods": [{**period, **ends}], **asked}

        monkeypatch.setattr(bridge, "bridge", walked)
        files = ("--json", company / "b.json", "--out", company / "b.csv")
        assert run(monkeypatch, "bridge", company, *files) == 0
        assert "What moved the forecast of A" in capsys.readouterr().out
        assert run(monkeypatch, "bridge", company, "--from", "2024-04-01", "--to", "2024-04-03") == 0
        assert days == [["2024-03-10", "2024-04-10"], ["2024-04-01", "2024-04-03"]]
        assert json.loads((company / "b.json").read_text())["to"] == "2024-04-10"
        assert list(pd.read_csv(company / "b.csv")["part"]) == ["before", "won", "learned", "after"]
        for day in ("2024-04-10", "2024-03-01..2024-04-01"):
            assert run(monkeypatch, "bridge", company, "--from", day) == 2
            assert "is not a day before 2024-04-10" in capsys.readouterr().err
