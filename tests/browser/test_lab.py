"""JupyterLab in a real browser, opened by `funnel lab`: notebooks run, figures are there, sliders are live."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd
import pytest

from forecast.answer import Answer
from forecast.config import Config
from forecast.config_asked import ScenarioSection
from forecast.exploring import Explored, explore
from forecast.lab import copied
from forecast.sellers import sellers
from forecast.sources import load
from forecast.words import chance
from tests.browser.browsers import opened
from tests.browser.lab import PATIENCE, run_all, serving
from tests.conftest import Asked
from tests.forecast.companies import keep_fit

for needed in ("jupyterlab", "jupytext", "ipywidgets"):
    pytest.importorskip(needed)

HOSTILE = "<img src=x onerror=alert(1)>"
BOOKS = ("04_client_dependence", "01_can_we_reach_the_target", "03_explore_assumptions")
LIVE = 10.0  # s, likewise: the move itself is timed by the benchmarks


class Served(NamedTuple):
    address: str
    config: Config
    answer: Answer


@pytest.fixture(scope="module")
def served(asked: Asked, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`funnel lab` on the notebooks about clients, the target and assumptions in one, which ask about the shared
    company with a client of that name. Its cells stay on the page when they are out of sight.
    """
    folder = tmp_path_factory.mktemp("lab")
    company, book = folder / "company", folder / "books"
    company.mkdir()
    for path in asked.folder.iterdir():
        if path.suffix == ".toml" or path.name == "stage_history.csv":
            (company / path.name).write_bytes(path.read_bytes())
    deals = pd.read_csv(asked.folder / "deals.csv")
    deals["client"] = deals["client"].replace(deals["client"].dropna().iloc[0], HOSTILE)
    deals.to_csv(company / "deals.csv", index=False)
    config, _ = load(company)
    answer = keep_fit(asked.answer, company)
    copies = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in copied(book)}
    whole = copies[BOOKS[-1]]
    whole["cells"] = [cell for name in BOOKS for cell in copies[name]["cells"]]
    for cell in whole["cells"]:
        if "parameters" in cell["metadata"].get("tags", []):
            cell["source"] = f"source = {str(company / 'funnel.toml')!r}\ndraws = {answer.question.draws}"
    (book / f"{BOOKS[-1]}.ipynb").write_text(json.dumps(whole), encoding="utf-8")
    with serving(book, folder) as address:
        yield Served(address, config, answer)


def shows(page: Any, told: Explored) -> None:
    """Wait until the explorer shows this chance."""
    page.wait_for_function(
        "told => document.querySelector('.explorer-chance').innerText === told",
        arg=chance(told.p_hit.p, told.p_hit.se), timeout=PATIENCE,
    )  # fmt: skip


def test_notebooks_run_and_sliders_show_what_the_api_gives(served: Served) -> None:
    """Figures are there, nothing failed, a client's name is no markup, and each move tells what its scenario gives."""
    stage, seller = served.config.funnel.stages[0], sellers(served.answer.fit.history, "owner")[0]
    with opened() as (page, seen):
        run_all(page, served.address, BOOKS[-1])
        assert page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
        assert page.locator(".jp-OutputArea .js-plotly-plot").count() >= 5
        assert HOSTILE in page.locator(".jp-RenderedHTMLCommon table").first.inner_text() + page.content()
        now = served.answer.summary["periods"][0]
        told = page.locator(".explorer-chance")
        assert told.inner_text() == chance(now["p_hit"], now["p_hit_se"])

        def moved(slider: str, presses: int, **section: Any) -> Explored:
            expected = explore(served.answer, served.config, ScenarioSection(**section))
            handle = page.locator(".widget-slider", has_text=slider).locator(".noUi-handle")
            handle.focus()
            began = time.monotonic()
            for _ in range(abs(presses)):
                handle.press("ArrowRight" if presses > 0 else "ArrowLeft")
            shows(page, expected)
            assert time.monotonic() - began < LIVE
            return expected

        better = moved(f"{stage}: conversion", 5, conversion={stage: 0.05})
        assert better.p_hit.p > now["p_hit"]
        changed: dict[str, Any] = {"conversion": {stage: 0.05}, "price": 0.03}
        moved("Price", 3, **changed)
        moved("Elasticity", -10, **changed, elasticity=-1.0)
        changed.update(elasticity=-1.0, leave=(seller,))
        page.locator(".widget-select-multiple", has_text="Sellers who leave").locator("select").select_option(
            label=seller
        )
        shows(page, explore(served.answer, served.config, ScenarioSection(**changed)))
        changed.update(lost_clients=(HOSTILE,))
        page.locator(".widget-dropdown", has_text="Lose a client").locator("select").select_option(label=HOSTILE)
        kept = ScenarioSection(**changed)
        shows(page, explore(served.answer, served.config, kept))
        page.locator(".widget-text", has_text="Name").locator("input").fill(HOSTILE)
        page.get_by_role("button", name="Save").last.click()
        page.wait_for_function("() => document.body.innerText.includes('Kept in')", timeout=PATIENCE)
        assert load(served.config.folder)[0].scenarios == {HOSTILE: kept}
        page.get_by_role("button", name="Reset").click()
        shows(page, explore(served.answer, served.config, ScenarioSection()))
        page.locator(".widget-dropdown", has_text="Show").locator("select").select_option(label=HOSTILE)
        shows(page, explore(served.answer, served.config, kept))
        assert seen.dialogs == []
