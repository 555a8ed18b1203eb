import sys
from pathlib import Path

import pytest

from forecast import cli
from forecast.errors import FunnelError

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


def test_init_then_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "sales.csv"
    rows.write_text("id,created,closed,status\n1,2017-01-01,2017-01-02,Won\n")
    assert run(monkeypatch, "init", rows) == 0
    assert "funnel check" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["funnel.toml", "sales.csv"]
    assert run(monkeypatch, "init", rows) == 2
    assert "this file is there already" in capsys.readouterr().err
    assert run(monkeypatch, "init", rows, "--force") == 0
    assert run(monkeypatch, "init", rows, "--out", "/elsewhere.toml") == 2
    assert run(monkeypatch, "check", tmp_path) == 0


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
def test_wrong_usage(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, *arguments) == 2
    shown = capsys.readouterr().err
    assert "Error:" in shown
    assert "Traceback" not in shown


def test_what_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(FunnelError, match="cannot be written"):
        cli.write(tmp_path / "nowhere" / "a.toml", "x")
