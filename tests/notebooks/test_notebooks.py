"""Every notebook runs from top to bottom, and the first one says what the answer says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from forecast.answer import ask
from forecast.backtest import Settings
from forecast.config import Config
from forecast.kept import kept_for
from forecast.outputs import finite
from forecast.question import question_from
from forecast.scoreboard import scoreboard
from forecast.sources import load
from forecast.words import money, percent
from tests.conftest import Asked
from tests.forecast.cases import case, window

pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
jupytext = pytest.importorskip("jupytext")
nbformat = pytest.importorskip("nbformat")

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"
FIRST = NOTEBOOKS / "01_can_we_reach_the_target.py"
FIGURE = "application/vnd.plotly.v1+json"
KERNEL = "this-interpreter"
# In a process of its own, for the sockets that a kernel's client leaves to the garbage collector.
EXECUTE = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(notebook, kernel_name=sys.argv[2], timeout=240).execute()
nbformat.write(notebook, sys.argv[1])
"""


def executed(path: Path, folder: Path, /, *, at_the_end: str, **parameters: Any) -> Any:
    """The notebook, run by this very interpreter with other parameters, and one more cell at its end."""
    notebook = jupytext.read(path)
    places = [n for n, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", [])]
    assert len(places) == 1
    given = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
    notebook.cells.insert(places[0] + 1, nbformat.v4.new_code_cell(given))
    notebook.cells.append(nbformat.v4.new_code_cell(at_the_end))
    written = folder / f"{path.stem}.ipynb"
    nbformat.write(notebook, written)
    run = subprocess.run(
        [sys.executable, "-c", EXECUTE, str(written), KERNEL],
        cwd=folder, env=environment(folder), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-4000:]
    return nbformat.read(written, as_version=4)


def environment(folder: Path) -> dict[str, str]:
    """Knows no kernel but this interpreter, and nothing of the user's own settings."""
    kernel = folder / "jupyter" / "kernels" / KERNEL
    kernel.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": command, "display_name": KERNEL, "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    own = {
        "JUPYTER_PATH": str(folder / "jupyter"),
        "IPYTHONDIR": str(folder / "ipython"),
        "PYTHONPATH": str(ROOT),
    }
    return {**os.environ, **own}


def outputs(notebook: Any) -> list[Any]:
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def test_the_first_notebook_says_what_ask_answers(asked: Asked, tmp_path: Path) -> None:
    """Run in another process, on the funnel file that `asked` was read from, with the same seed and draws."""
    told = asked.answer.summary
    notebook = executed(
        FIRST, tmp_path, at_the_end="import sys; print(sys.executable)",
        source=str(asked.folder / "funnel.toml"), draws=told["draws"],
    )  # fmt: skip
    shown = outputs(notebook)
    assert not [output for output in shown if output.get("name") == "stderr"]
    assert shown[-1]["text"].strip() == sys.executable
    data = [output["data"] for output in shown if "data" in output]
    (said,) = (one["text/markdown"] for one in data if "text/markdown" in one)
    for sentence, period in zip(said.split("\n\n"), told["periods"], strict=True):
        assert f" is {in_words(period['p_hit'])}. In 8 of 10" in sentence
        assert f"between {money(period['p10'])} and {money(period['p90'])}" in sentence
    titles = [one[FIGURE]["layout"]["title"]["text"] for one in data if FIGURE in one]
    assert len(titles) == 3
    assert f"is {in_words(told['periods'][0]['p_hit'])}" in titles[0]


def test_the_fifth_notebook_shows_what_was_seen_and_learned(asked: Asked, tmp_path: Path) -> None:
    notebook = executed(
        NOTEBOOKS / "05_how_the_model_works.py", tmp_path, at_the_end="1", source=str(asked.folder / "funnel.toml"),
        draws=asked.answer.summary["draws"],
    )  # fmt: skip
    shown = outputs(notebook)
    assert not [output for output in shown if output.get("name") == "stderr"]
    titles = [one["data"][FIGURE]["layout"]["title"]["text"] for one in shown if FIGURE in one.get("data", {})]
    assert len(titles) == 4
    printed = "".join(one.get("text", "") for one in shown)
    assert asked.answer.fit.health.told() in printed
    visits = asked.answer.fit.history.visits
    assert f"{(visits.state == 0).sum():,} visits to" in printed


def test_the_sixth_notebook_reads_a_backtest(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    (folder / "backtest").mkdir(parents=True)
    (folder / "funnel.toml").write_text('[funnel]\nname = "Shop"\ncurrency = "EUR"\nstages = ["A"]\n')
    asked = [window(number, days=28 + 31 * (number % 2), step=60) for number in range(12)]
    made = [case(one, actual, ETS=20.0) for one, actual in zip(asked, range(4, 100, 8), strict=True)]
    board = finite(scoreboard(Config().with_funnel(name="Shop", currency="EUR"), asked, Settings(), made))
    (folder / "backtest" / "backtest.json").write_text(json.dumps(board))
    notebook = executed(
        NOTEBOOKS / "06_can_i_trust_it.py", tmp_path, at_the_end="1", source=str(folder / "funnel.toml")
    )
    data = [output["data"] for output in outputs(notebook) if "data" in output]
    titles = [one[FIGURE]["layout"]["title"]["text"] for one in data if FIGURE in one]
    assert len(titles) == 4
    assert "10 of 12 ranges of 80 % held what happened" in titles[0].replace("<br>", " ")
    assert "This forecast came closest" in titles[2]
    said = "\n".join(one["text/markdown"] for one in data if "text/markdown" in one)
    assert "| 80 % ranges | 10 of 12 | 55 to 95 % |" in said
    assert "| ETS | +" in said
    for part in board["by_distance"]:
        start = f"| {part['from_days']} to {part['to_days']} |"
        (row,) = (line for line in said.splitlines() if line.startswith(start))
        assert f"| {100 * part['crps_share']:.0f} % | ETS | {100 * part['skill']:+.0f} % |" in row
        assert row.endswith(f"| {part['coverage']['held']} of {part['coverage']['of']} |")
    assert "closer than any other at 2 of 2 distances" in titles[3].replace("<br>", " ")
    assert "mostly *amounts*" in said


def markdown(notebook: Any) -> str:
    return "\n".join(
        output["data"]["text/markdown"] for output in outputs(notebook) if "text/markdown" in output.get("data", {})
    )


def titles(notebook: Any) -> list[str]:
    """Of its figures, on one line each."""
    figures = [output["data"][FIGURE] for output in outputs(notebook) if FIGURE in output.get("data", {})]
    return [figure["layout"]["title"]["text"].replace("<br>", " ") for figure in figures]


@pytest.fixture(scope="module")
def kept(asked: Asked) -> dict[str, Any]:
    """What the notebooks about the shared company are given; the fit is kept, so that each finds it."""
    config, tables = load(asked.folder)
    given = {"source": str(asked.folder / "funnel.toml"), "draws": asked.answer.question.draws}
    store = kept_for(config)
    assert store is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("forecast.kept.fit", lambda *_, **__: asked.answer.fit)
        again = ask(config, tables, question_from(config, tables), fits=store, levers=False)
    assert again.summary["periods"][0]["p_hit"] == asked.answer.summary["periods"][0]["p_hit"]
    return given


def test_the_second_notebook_plans_revenue(kept: dict[str, Any], asked: Asked, tmp_path: Path) -> None:
    notebook = executed(NOTEBOOKS / "02_revenue_scenarios.py", tmp_path, at_the_end="1", **kept)
    assert "**as it is**: nothing changed" in markdown(notebook)
    assert "The funnel file names no capacity." in markdown(notebook)
    shown = titles(notebook)
    assert len(shown) == len(asked.answer.summary["periods"])
    assert all("New deals + 10 % brings most" in title or "as it is brings most" in title for title in shown)
    tables = [output["data"]["text/plain"] for output in outputs(notebook) if "text/html" in output.get("data", {})]
    assert any(money(asked.answer.summary["periods"][0]["p50"]) in table for table in tables)


def test_the_third_notebook_explores(kept: dict[str, Any], asked: Asked, tmp_path: Path) -> None:
    move = f"explorer.conversion[{asked.answer.summary['stages'][0]['stage']!r}].value = 5\nprint(explorer.now.p_hit.p)"
    notebook = executed(NOTEBOOKS / "03_explore_assumptions.py", tmp_path, at_the_end=move, **kept)
    widget = "application/vnd.jupyter.widget-view+json"
    assert [output for output in outputs(notebook) if widget in output.get("data", {})]
    assert any("most: from" in title for title in titles(notebook))
    last = next(output for output in outputs(notebook)[::-1] if "text" in output)
    assert float(last["text"]) > asked.answer.summary["periods"][0]["p_hit"]


def test_the_fourth_notebook_looks_at_clients(kept: dict[str, Any], asked: Asked, tmp_path: Path) -> None:
    notebook = executed(NOTEBOOKS / "04_client_dependence.py", tmp_path, at_the_end="1", **kept)
    first = asked.answer.summary["periods"][0]
    assert first["clients"]["sentence"] in markdown(notebook)
    tables = [output["data"]["text/plain"] for output in outputs(notebook) if "text/html" in output.get("data", {})]
    assert any(first["clients"]["table"][0]["client"] in table for table in tables)


def test_the_seventh_notebook_brings_rows_along(asked: Asked, tmp_path: Path) -> None:
    rows = tmp_path / "rows"
    rows.mkdir()
    for name in ("deals.csv", "stage_history.csv"):
        (rows / name).write_bytes((asked.folder / name).read_bytes())
    notebook = executed(
        NOTEBOOKS / "07_bring_your_own_data.py", tmp_path, at_the_end="1", rows=str(rows), draws=200,
        folder=str(tmp_path / "mine"),
    )  # fmt: skip
    assert (tmp_path / "mine" / "funnel.toml").is_file()
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
