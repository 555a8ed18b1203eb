"""Every notebook runs from top to bottom, and says what the answer says."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from forecast.backtest import Settings
from forecast.config import Config
from forecast.outputs import finite
from forecast.scoreboard import scoreboard
from forecast.words import money, percent
from tests.conftest import Asked
from tests.forecast.cases import case, window
from tests.forecast.companies import keep_fit

pytest.importorskip("ipywidgets")
pytest.importorskip("nbclient")
pytest.importorskip("jupytext")
import jupytext

from tests.notebooks.running import NOTEBOOKS, ROOT, executed, markdown, outputs, printed, tables, titles

FIRST = NOTEBOOKS / "01_can_we_reach_the_target.py"
pytestmark = pytest.mark.timeout(1200)  # the first test waits for all of them
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def books(asked: Asked, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """All notebooks, about the shared company, whose fit is kept, so that they find it; the sixth about a backtest made
    by hand; and the seventh, which fits anew, as it drafts a funnel file of its own.
    """
    folder = tmp_path_factory.mktemp("notebooks")
    company, mine, shop = (folder / name for name in ("company", "rows", "shop"))
    for target in (company, mine, shop):
        target.mkdir()
    for path in asked.folder.iterdir():
        if path.is_file():
            (company / path.name).write_bytes(path.read_bytes())
    for name in ("deals.csv", "stage_history.csv"):
        (mine / name).write_bytes((asked.folder / name).read_bytes())
    again = keep_fit(asked.answer, company)
    assert again.summary["periods"][0]["p_hit"] == asked.answer.summary["periods"][0]["p_hit"]
    (shop / "funnel.toml").write_text('[funnel]\nname = "Shop"\ncurrency = "EUR"\nstages = ["A"]\n')
    (shop / "backtest").mkdir()
    (shop / "backtest" / "backtest.json").write_text(json.dumps(board()))
    given = {"source": str(company / "funnel.toml"), "draws": asked.answer.question.draws}
    names = [path.stem for path in sorted(NOTEBOOKS.glob("[0-9]*.py"))]
    parameters: dict[str, dict[str, Any]] = dict.fromkeys(names, given)
    parameters["06_can_i_trust_it"] = {"source": str(shop / "funnel.toml")}
    parameters["07_bring_your_own_data"] = {"rows": str(mine), "draws": 200, "folder": str(folder / "mine")}
    first = asked.answer.summary["stages"][0]["stage"]
    then = {
        names[0]: "import sys; print(sys.executable)",
        "03_explore_assumptions": f"explorer.conversion[{first!r}].value = 5\nprint(explorer.now.p_hit.p)",
        "07_bring_your_own_data": "print(written.is_file())",
    }
    return executed(folder, parameters, then)


def board() -> dict[str, Any]:
    asked = [window(number, days=28 + 31 * (number % 2), step=60) for number in range(12)]
    made = [case(one, actual, ETS=20.0) for one, actual in zip(asked, range(4, 100, 8), strict=True)]
    config = Config().with_funnel(name="Shop", currency="EUR")
    return finite(scoreboard(config, asked, Settings(), made))  # type: ignore[no-any-return]


def test_the_first_notebook_says_what_ask_answers(asked: Asked, books: dict[str, Any]) -> None:
    """Run in another process, with the same seed and draws."""
    told, notebook = asked.answer.summary, books["01_can_we_reach_the_target"]
    assert outputs(notebook)[-1]["text"].strip() == sys.executable
    for sentence, period in zip(markdown(notebook).split("\n\n"), told["periods"], strict=True):
        assert f" is {in_words(period['p_hit'])}. In 8 of 10" in sentence
        assert f"between {money(period['p10'])} and {money(period['p90'])}" in sentence
    assert len(titles(notebook)) == 3
    assert f"is {in_words(told['periods'][0]['p_hit'])}" in titles(notebook)[0]


def test_the_second_notebook_plans_revenue(asked: Asked, books: dict[str, Any]) -> None:
    notebook = books["02_revenue_scenarios"]
    assert "**as it is**: nothing changed" in markdown(notebook)
    assert "The funnel file names no capacity." in markdown(notebook)
    shown = titles(notebook)
    assert len(shown) == len(asked.answer.summary["periods"])
    assert all("New deals + 10 % brings most" in title or "as it is brings most" in title for title in shown)
    assert any(money(asked.answer.summary["periods"][0]["p50"]) in table for table in tables(notebook))


def test_the_third_notebook_explores(asked: Asked, books: dict[str, Any]) -> None:
    notebook = books["03_explore_assumptions"]
    assert [output for output in outputs(notebook) if WIDGET in output.get("data", {})]
    assert any("most: from" in title for title in titles(notebook))
    last = next(output for output in outputs(notebook)[::-1] if "text" in output)
    assert float(last["text"]) > asked.answer.summary["periods"][0]["p_hit"]


def test_the_fourth_notebook_looks_at_clients(asked: Asked, books: dict[str, Any]) -> None:
    notebook, first = books["04_client_dependence"], asked.answer.summary["periods"][0]
    assert first["clients"]["sentence"] in markdown(notebook)
    assert any(first["clients"]["table"][0]["client"] in table for table in tables(notebook))


def test_the_fifth_notebook_shows_what_was_seen_and_learned(asked: Asked, books: dict[str, Any]) -> None:
    notebook = books["05_how_the_model_works"]
    assert len(titles(notebook)) == 4
    assert asked.answer.fit.health.told() in printed(notebook)
    visits = asked.answer.fit.history.visits
    assert f"{(visits.state == 0).sum():,} visits to" in printed(notebook)


def test_the_sixth_notebook_reads_a_backtest(books: dict[str, Any]) -> None:
    notebook = books["06_can_i_trust_it"]
    assert len(titles(notebook)) == 4
    assert "10 of 12 ranges of 80 % held what happened" in titles(notebook)[0]
    assert "This forecast came closest" in titles(notebook)[2]
    said = markdown(notebook)
    assert "| 80 % ranges | 10 of 12 | 55 to 95 % |" in said
    assert "| ETS | +" in said
    for part in board()["by_distance"]:
        start = f"| {part['from_days']} to {part['to_days']} |"
        (row,) = (line for line in said.splitlines() if line.startswith(start))
        assert f"| {100 * part['crps_share']:.0f} % | ETS | {100 * part['skill']:+.0f} % |" in row
        assert row.endswith(f"| {part['coverage']['held']} of {part['coverage']['of']} |")
    assert "closer than any other at 2 of 2 distances" in titles(notebook)[3]
    assert "mostly *amounts*" in said


def test_the_seventh_notebook_brings_rows_along(books: dict[str, Any]) -> None:
    notebook = books["07_bring_your_own_data"]
    assert outputs(notebook)[-1]["text"].strip() == "True"
    assert "the chance of" in markdown(notebook)
    assert len(titles(notebook)) == 1


def in_words(share: float) -> str:
    return percent(share).replace("<", "less than").replace(">", "more than")


def test_the_first_notebook_begins_with_a_sample() -> None:
    cells = jupytext.read(FIRST).cells
    (source,) = (cell.source for cell in cells if "parameters" in cell.metadata.get("tags", []))
    parameters: dict[str, Any] = {}
    exec(source, parameters)
    assert (ROOT / "forecast" / "samples" / parameters["source"] / "funnel.toml").is_file()


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.py")), ids=lambda path: path.stem)
def test_notebooks_are_kept_as_text_and_paired(path: Path) -> None:
    notebook = jupytext.read(path)
    assert notebook.metadata["jupytext"]["formats"] == "ipynb,py:percent"
    assert jupytext.writes(notebook, fmt="py:percent").rstrip() == path.read_text(encoding="utf-8").rstrip()
