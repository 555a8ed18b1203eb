"""Notebooks on real data, a bank's loan applications: only where these are at hand, for they do not come along."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from forecast.backtest import Settings, backtest
from forecast.outputs import finite, write_json
from forecast.record import FILE
from forecast.scoreboard import scoreboard
from forecast.sources import load
from forecast.windows import windows
from tests.notebooks.running import ROOT, executed, markdown, printed, tables, titles

DATA = Path(os.environ.get("FUNNEL_DATA", "/nowhere")) / "bpi2012"
pytestmark = [
    pytest.mark.skipif(not DATA.is_dir(), reason="FUNNEL_DATA does not lead to bpi2012"),
    pytest.mark.timeout(1200),  # the first test waits for two fits and all notebooks
]

DRAWS = 200
ORIGIN = "2012-01-15"


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The first, fourth and sixth notebook; the last one on a backtest that asks one day."""
    folder = tmp_path_factory.mktemp("bpi2012")
    funnel = folder / "funnel.toml"
    funnel.write_bytes((ROOT / "benchmarks" / "bpi2012.toml").read_bytes())
    config, tables_ = load(funnel)
    asked = windows(tables_, origins=[ORIGIN], every="month", horizon="4w", fiscal_year_starts=1)
    settings = Settings(draws=DRAWS, seed=1, horizon="4w")
    cases = backtest(config, tables_, asked, settings, folder=folder / "backtest")
    write_json(folder / "backtest" / FILE, finite(scoreboard(config, asked, settings, cases)))
    given = {"source": str(funnel), "draws": DRAWS}
    names = ("01_can_we_reach_the_target", "04_client_dependence", "06_can_i_trust_it")
    return executed(folder, {**dict.fromkeys(names, given), names[2]: {"source": str(funnel)}}, {})


def test_the_first_notebook(books: dict[str, Any]) -> None:
    notebook = books["01_can_we_reach_the_target"]
    assert "As of 15 January 2012, the chance of 5.46M EUR from 15 January to 11 February 2012 is" in markdown(notebook)
    assert "Offer sent" in " ".join(titles(notebook)) + " ".join(tables(notebook)) + printed(notebook)
    assert len(titles(notebook)) == 3


def test_the_fourth_notebook_says_that_no_client_is_known(books: dict[str, Any]) -> None:
    assert "clients are not known" in markdown(books["04_client_dependence"])


def test_the_sixth_notebook_reads_a_backtest(books: dict[str, Any]) -> None:
    notebook = books["06_can_i_trust_it"]
    assert "of 1 ranges of 80 % held what happened" in titles(notebook)[0]
    assert "1 past questions" in printed(notebook)
