"""The README keeps its word: its commands, options, links, tables and Python code are real."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from forecast import answer as answering
from forecast import cli
from forecast.config import Config
from forecast.drafting import draft
from forecast.question import Question
from forecast.sources import load
from forecast.sources.tables import Tables
from tests.browser.browsers import lacking
from tests.forecast.answers import HandMade, hand_made

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(.*)\n((?:.*\n)*?)```$", README, flags=re.MULTILINE)
EXAMPLES = {kind.split()[1]: body for kind, body in BLOCKS if kind.startswith("csv ")}
COMMAND = re.compile(r"(?:^|[\s`/])funnel ([a-z]+)([^`\n]*)", flags=re.MULTILINE)


def commands() -> dict[str, set[str]]:
    """Options by command."""
    group = typer.main.get_command(cli.app)
    assert isinstance(group, TyperGroup)
    return {
        name: {option for parameter in command.params for option in parameter.opts}
        for name, command in group.commands.items()
    }


def code() -> str:
    """Everything in the README that is written as code, but the transcript."""
    spans = re.findall(r"`([^`\n]+)`", README)
    return "\n".join([*(body for kind, body in BLOCKS if kind != "console"), *spans])


def test_every_command_and_option_exists() -> None:
    known = commands()
    named = COMMAND.findall(code())
    assert {name for name, _ in named} == set(known)
    for name, rest in named:
        assert set(re.findall(r"--[a-z-]+", rest)) <= known[name], name
    options = set(re.findall(r"(?<!\S)--[a-z-]+", code()))
    assert options - set().union(*known.values()) == set()


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    named = set(re.findall(r"^\$? ?make ([a-z]+)", code(), flags=re.MULTILINE))
    assert {"forecast", "test", "lab"} <= named <= targets


def test_every_link_leads_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert len(links) > 5
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_transcript_is_one_screen_wide() -> None:
    transcript = README.split("<!-- transcript -->")[1].split("<!-- /transcript -->")[0]
    assert "The chance of reaching" in transcript
    assert max(len(line) for line in transcript.splitlines()) <= 100


def test_the_python_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[Question] = []

    def ask(config: Config, tables: Tables, question: Question) -> HandMade:
        asked.append(question)
        return hand_made()

    monkeypatch.setattr(answering, "ask", ask)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "forecast").symlink_to(ROOT / "forecast")
    (source,) = (body for kind, body in BLOCKS if kind == "python")
    exec(compile(source, "README.md", "exec"), {})
    assert [(period.label, target) for period, target in asked[0].periods] == [("2017Q4", 3e6)]
    assert capsys.readouterr().out.startswith("As of 1 October 2017, the chance of")
    assert "2017Q4" in (tmp_path / "revenue.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("names", [("deals.csv", "stage_history.csv"), ("sales.csv",)])
def test_the_example_tables_are_understood(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (tmp_path / name).write_text(EXAMPLES[name], encoding="utf-8")
    source = tmp_path if len(names) > 1 else tmp_path / names[0]
    (tmp_path / "funnel.toml").write_text(draft(source).text, encoding="utf-8")
    config, tables = load(tmp_path / "funnel.toml")
    assert config.funnel.stages == ("Qualified", "Proposal")
    assert tables.ledger.set_aside == 0
    assert tables.deals["amount"].tolist() == [12000.0, 8000.0]
    assert tables.stage_history["stage"].tolist() == ["Qualified", "Proposal", "Won", "Qualified"]


def size(path: Path) -> tuple[int, int]:
    """Width and height of a PNG."""
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", head[16:24])


@pytest.mark.parametrize("name", ["report", "explorer"])
def test_pictures_are_small_and_shown(name: str) -> None:
    path = ROOT / "docs" / f"{name}.png"
    assert f"](docs/{name}.png)" in README
    assert size(path)[0] > 1000
    assert path.stat().st_size < 200_000


@pytest.mark.skipif(bool(lacking()), reason=lacking())
def test_the_first_picture_is_made_by_its_script(tmp_path: Path) -> None:
    from docs import pictures

    pictures.report(hand_made(), tmp_path / "report.png")
    assert size(tmp_path / "report.png")[0] == pictures.SHARPNESS * pictures.REPORT["width"]
    assert size(tmp_path / "report.png")[0] == size(ROOT / "docs" / "report.png")[0]
    assert (tmp_path / "report.png").stat().st_size > 10_000
