"""JupyterLab in a real browser, opened by `funnel lab`: notebooks run, figures are there, sliders are live."""

from __future__ import annotations

import json
from collections.abc import Iterator
from statistics import median
from typing import Any, NamedTuple

import pandas as pd
import pytest

from forecast.answer import Answer
from forecast.config import Config
from forecast.config_asked import ScenarioSection
from forecast.exploring import explore
from forecast.lab import copied
from forecast.sources import load
from forecast.words import chance
from tests.browser.browsers import Seen, lacking, opened
from tests.browser.lab import CHANCE, PATIENCE, run_all, seconds_of, serving, share_kernel, slider
from tests.conftest import Asked
from tests.forecast.companies import keep_fit

for needed in ("jupyterlab", "jupytext", "ipywidgets"):
    pytest.importorskip(needed)
pytestmark = [
    pytest.mark.skipif(bool(lacking()), reason=lacking()),
    pytest.mark.timeout(900),  # of which most is PATIENCE
]

FIRST, EXPLORE = "01_can_we_reach_the_target", "03_explore_assumptions"
HOSTILE = "<img src=x onerror=alert(1)>"
LIVE = 3.0  # s, on a machine that does other things too; by itself a move is to take less than one


class Lab(NamedTuple):
    address: str
    config: Config
    answer: Answer
    page: Any
    seen: Seen


@pytest.fixture(scope="module")
def lab(asked: Asked, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """`funnel lab` on copies of the notebooks that ask about the shared company with a client of that name."""
    folder = tmp_path_factory.mktemp("lab")
    company, book = folder / "company", folder / "books"
    company.mkdir()
    for name in ("funnel.toml", "stage_history.csv"):
        (company / name).write_bytes((asked.folder / name).read_bytes())
    deals = pd.read_csv(asked.folder / "deals.csv")
    deals["client"] = deals["client"].replace(deals["client"].dropna().iloc[0], HOSTILE)
    deals.to_csv(company / "deals.csv", index=False)
    answer = keep_fit(asked.answer, company)
    for path in copied(book):
        given = dict.fromkeys(("draws", "live"), answer.question.draws) | {"source": str(company / "funnel.toml")}
        text = json.loads(path.read_text(encoding="utf-8"))
        for cell in text["cells"]:
            if "parameters" in cell["metadata"].get("tags", []):
                cell["source"] = "\n".join(f"{name} = {value!r}" for name, value in given.items())
        path.write_text(json.dumps(text), encoding="utf-8")
    with serving(book, folder) as address, opened() as (page, seen):
        share_kernel(address, (FIRST, EXPLORE))
        yield Lab(address, load(company)[0], answer, page, seen)


def test_the_first_notebook(lab: Lab) -> None:
    run_all(lab.page, lab.address, FIRST)
    figures = lab.page.locator(".jp-OutputArea .js-plotly-plot .main-svg .gtitle")
    figures.nth(2).wait_for(timeout=PATIENCE)
    assert figures.count() == 3
    assert lab.seen.dialogs == []


def test_a_slider_moves_the_chance_to_what_the_api_gives(lab: Lab) -> None:
    """Every move shows the chance of its scenario, and soon."""
    page, stage = lab.page, lab.config.funnel.stages[0]
    run_all(page, lab.address, EXPLORE)
    told = page.locator(CHANCE)
    now = lab.answer.summary["periods"][0]
    assert told.inner_text() == chance(now["p_hit"], now["p_hit_se"])

    def given(**section: Any) -> str:
        found = explore(lab.answer, lab.config, ScenarioSection(**section)).p_hit
        return chance(found.p, found.se)

    handle, taken = slider(page, f"{stage}: conversion"), []
    for points in range(2, 12, 2):
        handle.press("ArrowRight")
        page.wait_for_timeout(1000)  # nobody moves faster who reads what it does
        taken.append(seconds_of(page, handle, "ArrowRight"))
        assert told.inner_text() == given(conversion={stage: points / 100})
    print(f"From a key to the chance: {median(taken):.2f} s, the median of {', '.join(f'{one:.2f}' for one in taken)}")
    assert median(taken) < LIVE
    assert page.locator(".jp-OutputArea .js-plotly-plot").count() >= 1 + len(lab.answer.summary["periods"])
    page.locator(".widget-dropdown", has_text="Lose a client").locator("select").select_option(label=HOSTILE)
    page.wait_for_function(
        "([chance, told]) => document.querySelector(chance).innerText === told", timeout=PATIENCE,
        arg=[CHANCE, given(conversion={stage: 0.1}, lost_clients=(HOSTILE,))],
    )  # fmt: skip
    assert lab.seen.dialogs == []
