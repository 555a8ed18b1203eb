"""Notebooks on real data, a bank's loan applications: only where these are at hand, for they do not come along."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ipywidgets")
pytest.importorskip("nbclient")
pytest.importorskip("jupytext")
from forecast.backtest import Settings, backtest
from forecast.outputs import finite, write_json
from forecast.record import FILE, FOLDER
from forecast.scoreboard import scoreboard
from forecast.sources import load
from forecast.windows import windows
from tests.notebooks.running import ROOT, executed, markdown, printed, titles

DATA = Path(os.environ.get("FUNNEL_DATA", "/nowhere")) / "bpi2012"
pytestmark = [
    pytest.mark.skipif(not DATA.is_dir(), reason="FUNNEL_DATA does not lead to bpi2012"),
    pytest.mark.timeout(1200),  # the first test waits for two fits and all notebooks
]

FIRST, CLIENTS, TRUST = "01_can_we_reach_the_target", "04_client_dependence", "06_can_i_trust_it"
ORIGIN = "2012-01-15"


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The first, fourth and sixth notebook; the last one on a real record, of one question."""
    folder = tmp_path_factory.mktemp("bpi2012")
    funnel = folder / "funnel.toml"
    funnel.write_bytes((ROOT / "benchmarks" / "bpi2012.toml").read_bytes())
    config, tables = load(funnel)
    asked = windows(tables, origins=[ORIGIN], every="week", horizon="4w")
    settings = Settings(horizon="4w")
    cases = backtest(config, tables, asked, settings, folder=folder / FOLDER)
    write_json(folder / FOLDER / FILE, finite(scoreboard(config, asked, settings, cases)))
    given = {"source": str(funnel)}
    return executed(folder, dict.fromkeys((FIRST, CLIENTS, TRUST), given), {})


def test_the_first_notebook(books: dict[str, Any]) -> None:
    said = markdown(books[FIRST])
    assert "As of 15 January 2012, the chance of 5.46M EUR" in said
    assert "275,287 rows read = " in printed(books[FIRST])
    assert len(titles(books[FIRST])) == 3


def test_the_fourth_notebook_says_that_no_client_is_known(books: dict[str, Any]) -> None:
    assert "clients are not known" in markdown(books[CLIENTS])
    assert titles(books[CLIENTS]) == []


def test_the_sixth_notebook_reads_a_real_record(books: dict[str, Any]) -> None:
    assert "1 past questions, asked as of 15 January 2012" in printed(books[TRUST])
    assert "of 1 ranges of 80 % held what happened" in titles(books[TRUST])[0]
