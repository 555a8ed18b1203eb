"""JupyterLab in a real browser, opened by `funnel lab`: notebooks run, figures are there, sliders are live."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest

from forecast.answer import Answer, ask
from forecast.config import Config
from forecast.config_asked import ScenarioSection
from forecast.exploring import explore
from forecast.kept import kept_for
from forecast.lab import copied
from forecast.question import question_from
from forecast.sources import load
from forecast.words import chance
from tests.browser.browsers import opened
from tests.conftest import Asked

for needed in ("jupyterlab", "jupytext", "ipywidgets"):
    pytest.importorskip(needed)

ROOT = Path(__file__).parents[2]
HOSTILE = "<img src=x onerror=alert(1)>"
DRAWS = 300
PATIENCE = 120_000  # ms, on a machine that does other things too
LIVE = 10.0  # s, likewise: the move itself is timed by the benchmarks


class Served(NamedTuple):
    address: str
    config: Config
    answer: Answer


@pytest.fixture(scope="module")
def served(asked: Asked, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`funnel lab` on copies of the notebooks that ask about a small company with a client of that name."""
    folder = tmp_path_factory.mktemp("lab")
    company = folder / "company"
    company.mkdir()
    for path in asked.folder.iterdir():
        if path.suffix == ".toml" or path.name == "stage_history.csv":
            (company / path.name).write_bytes(path.read_bytes())
    deals = pd.read_csv(asked.folder / "deals.csv")
    deals["client"] = deals["client"].replace(deals["client"].dropna().iloc[0], HOSTILE)
    deals.to_csv(company / "deals.csv", index=False)
    config, tables = load(company)
    answer = ask(config, tables, question_from(config, tables, draws=DRAWS), fits=kept_for(config))
    book = folder / "books"
    for path in copied(book):
        given = {"source": str(company / "funnel.toml"), "draws": DRAWS}
        text = json.loads(path.read_text(encoding="utf-8"))
        for cell in text["cells"]:
            if "parameters" in cell["metadata"].get("tags", []):
                cell["source"] = "\n".join(f"{name} = {value!r}" for name, value in given.items())
        path.write_text(json.dumps(text), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {name: str(folder / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
    environment = {**os.environ, **own, "PYTHONPATH": str(ROOT)}
    command = [
        sys.executable, "-c", "from forecast.cli import main; main()", "lab", "--folder", str(book), "--no-browser",
        f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=", "--ServerApp.ip=127.0.0.1",
    ]  # fmt: skip
    log = (folder / "log.txt").open("w")
    server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{address}/api", timeout=2).close()
                break
            except OSError:
                assert server.poll() is None, (folder / "log.txt").read_text()
                time.sleep(0.5)
        yield Served(address, config, answer)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
        log.close()


def run_all(page: Any, served: Served, notebook: str) -> None:
    """Open a notebook and run it from top to bottom."""
    page.goto(f"{served.address}/lab/workspaces/{notebook}/tree/{notebook}.ipynb?reset")
    page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=PATIENCE)
    page.get_by_text("| Idle").first.wait_for(timeout=PATIENCE)  # in the status bar: before, nothing would run
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name=re.compile("^Run All Cells")).first.click()
    # Cells out of sight are taken off the page: of those on it some have run, and none waits.
    page.wait_for_function(
        """() => {
            const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(one => one.innerText);
            return prompts.some(one => /\\[\\d+\\]/.test(one)) && !prompts.some(one => one.includes('*'));
        }""",
        timeout=PATIENCE,
    )


def test_the_first_notebook(served: Served) -> None:
    with opened() as (page, seen):
        run_all(page, served, "01_can_we_reach_the_target")
        assert page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
        page.locator(".jp-OutputArea .js-plotly-plot").first.wait_for(timeout=PATIENCE)
        assert seen.dialogs == []


def test_a_slider_moves_the_chance_to_what_the_api_gives(served: Served) -> None:
    stage = served.config.funnel.stages[0]
    with opened() as (page, seen):
        run_all(page, served, "03_explore_assumptions")
        told = page.locator(".explorer-chance")
        told.wait_for(timeout=PATIENCE)
        now = served.answer.summary["periods"][0]
        assert told.inner_text() == chance(now["p_hit"], now["p_hit_se"])
        slider = page.locator(".widget-slider", has_text=f"{stage}: conversion").locator(".noUi-handle")
        slider.focus()
        began = time.monotonic()
        for _ in range(5):
            slider.press("ArrowRight")
        moved = explore(served.answer, served.config, ScenarioSection(conversion={stage: 0.05})).p_hit
        page.wait_for_function(
            "told => document.querySelector('.explorer-chance').innerText === told",
            arg=chance(moved.p, moved.se), timeout=PATIENCE,
        )  # fmt: skip
        assert time.monotonic() - began < LIVE
        assert moved.p > now["p_hit"]
        assert page.locator(".jp-OutputArea .js-plotly-plot").count() >= 1
        page.locator(".widget-dropdown", has_text="Lose a client").locator("select").select_option(label=HOSTILE)
        lost = explore(
            served.answer, served.config, ScenarioSection(conversion={stage: 0.05}, lost_clients=(HOSTILE,))
        ).p_hit
        page.wait_for_function(
            "told => document.querySelector('.explorer-chance').innerText === told",
            arg=chance(lost.p, lost.se), timeout=PATIENCE,
        )  # fmt: skip
        assert seen.dialogs == []
