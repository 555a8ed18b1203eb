"""The sliders stand for scenarios, and what they show is what the scenario gives."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from forecast.config import Config, read_config
from forecast.config_asked import Joining, ScenarioSection
from forecast.errors import FunnelError
from forecast.exploring import as_toml, difference, explore, save
from forecast.language import speaking
from forecast.scenarios import BASE, scenarios
from forecast.sources import load
from forecast.words import chance
from tests.conftest import Asked

pytest.importorskip("ipywidgets")
from forecast.explorer import Explorer


@pytest.fixture(scope="module")
def config(asked: Asked) -> Config:
    return load(asked.folder)[0]


@pytest.fixture
def explorer(asked: Asked, config: Config, capsys: pytest.CaptureFixture[str]) -> Iterator[Explorer]:
    yield Explorer(asked.answer, config)
    capsys.readouterr()  # figures, which no notebook takes


def told(explorer: Explorer) -> str:
    """The chance that is shown."""
    found = re.search(r"<b>(.*?)</b>", explorer.told.value)
    assert found is not None
    return html.unescape(found[1])


def test_it_begins_with_the_answer(explorer: Explorer, asked: Asked) -> None:
    period = asked.answer.summary["periods"][0]
    assert told(explorer) == chance(period["p_hit"], period["p_hit_se"])
    assert explorer.now.quantiles == pytest.approx([period[key] for key in ("p10", "p50", "p90")])
    assert explorer.section() == ScenarioSection()
    assert "0 points (± 0), P50 0 EUR" in explorer.told.value


def test_a_move_shows_what_the_scenario_gives(explorer: Explorer, asked: Asked, config: Config) -> None:
    explorer.conversion["Talk"].value = 5
    explorer.lead_time["Offer"].value = -10
    section = ScenarioSection(conversion={"Talk": 0.05}, lead_time={"Offer": -0.1})
    assert explorer.section() == section
    named = config.model_copy(update={"scenarios": {"moved": section}})
    of = scenarios(asked.answer.what_if, asked.answer.fit, asked.answer.scenario, named)[0]["scenarios"][1]
    assert told(explorer) == chance(of["periods"][0]["p_hit"], of["periods"][0]["p_hit_se"])
    assert explorer.now.quantiles[1] == pytest.approx(of["periods"][0]["p50"])
    change, middle = difference(explorer.now, explore(asked.answer, config, ScenarioSection()))
    assert change.value == pytest.approx(of["periods"][0]["p_hit_change"])
    assert middle.value == pytest.approx(of["periods"][0]["p50_change"])
    explorer.reset()
    assert explorer.section() == ScenarioSection()
    period = asked.answer.summary["periods"][0]
    assert told(explorer) == chance(period["p_hit"], period["p_hit_se"])


def test_period_and_target(explorer: Explorer, asked: Asked) -> None:
    explorer.period.value = 2
    period = asked.answer.summary["periods"][2]
    assert explorer.target.value == period["target"]
    assert told(explorer) == chance(period["p_hit"], period["p_hit_se"])
    explorer.target.value = 1.0
    assert explorer.now.p_hit.p == 1.0


def test_a_scenario_is_kept_and_compared(asked: Asked, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    shutil.copytree(asked.folder, folder, ignore=shutil.ignore_patterns(".funnel"))
    explorer = Explorer(asked.answer, load(folder)[0])
    explorer.new_deals.value = 20
    explorer.name.value = 'More "deals"'
    explorer.save()
    assert "Kept in" in explorer.said.value
    assert read_config(folder / "funnel.toml").scenarios == {'More "deals"': ScenarioSection(new_deals=0.2)}
    explorer.beside.value = 'More "deals"'
    assert "0 points (± 0), P50 0 EUR" in explorer.told.value
    explorer.reset()
    assert "0 points (± 0)" not in explorer.told.value
    explorer.save()
    assert "already" in explorer.said.value
    assert [name for _, name in explorer.beside.options] == [BASE, 'More "deals"']
    explorer.price.value = -5
    assert "as explored" in explorer.told.value
    explorer.first.value, explorer.beside.value = 'More "deals"', BASE  # two that are kept, whatever the sliders say
    assert "as explored" not in explorer.told.value
    more = explore(asked.answer, load(folder)[0], ScenarioSection(new_deals=0.2)).p_hit
    assert told(explorer) == chance(more.p, more.se)
    explorer.price.value = 0
    assert (explorer.first.value, explorer.section()) == ("", ScenarioSection())


def test_prices_and_sellers(explorer: Explorer, asked: Asked, config: Config) -> None:
    explorer.elasticity.value = -1.2
    assert explorer.section() == ScenarioSection()  # of no price that changes
    explorer.price.value = 5
    name = explorer.leave.options[0][1]
    explorer.leave.value = (name,)
    explorer.sellers.value = 2
    section = ScenarioSection(
        price=0.05, elasticity=-1.2, leave=(name,), join=(Joining(month="2024-06", sellers=2),)
    )  # fmt: skip
    assert explorer.section() == section
    of = explore(asked.answer, config, section)
    assert (told(explorer), explorer.now.quantiles) == (chance(of.p_hit.p, of.p_hit.se), of.quantiles)
    explorer.reset()
    assert explorer.section() == ScenarioSection()


def test_names_are_not_markup(asked: Asked, config: Config) -> None:
    explorer = Explorer(asked.answer, config)
    explorer.name.value = "<img src=x onerror=alert(1)>"
    explorer.kept["<img src=x onerror=alert(1)>"] = ScenarioSection(amount=0.01)
    explorer.beside.options = [*explorer.beside.options, ("<img>", "<img src=x onerror=alert(1)>")]
    explorer.beside.value = "<img src=x onerror=alert(1)>"
    assert "<img" not in explorer.told.value
    assert "&lt;img" in explorer.told.value


def test_in_french(asked: Asked, config: Config) -> None:
    with speaking("fr"):
        explorer = Explorer(asked.answer, config)
    assert explorer.reset_button.description == "Remettre à zéro"
    assert explorer.conversion["Talk"].description == "Talk\xa0: conversion"
    explorer.amount.value = 3  # as from a browser, outside of the block
    assert "tel qu’exploré" in explorer.told.value


def test_a_scenario_as_it_stands_in_the_file(tmp_path: Path) -> None:
    section = ScenarioSection(
        conversion={"A b": 0.05}, lost_clients=('é"',), join=(Joining(month="2024-05", sellers=2),), amount=-0.1
    )
    path = tmp_path / "funnel.toml"
    path.write_text('# mine\n[funnel]\nname = "Shop"', encoding="utf-8")
    config = read_config(path)
    assert save(config, "x y", section) == path
    assert path.read_text(encoding="utf-8").startswith('# mine\n[funnel]\nname = "Shop"\n\n[scenarios."x y"]\n')
    assert read_config(path).scenarios == {"x y": section}
    assert as_toml("a", ScenarioSection()) == '[scenarios."a"]\n'
    with pytest.raises(FunnelError, match="already"):
        save(config, "x y", section)
    with pytest.raises(FunnelError, match="no name"):
        save(config, " ", section)


def test_a_sample_is_not_changed() -> None:
    config, _ = load(Path(__file__).parents[2] / "forecast" / "samples" / "maven")
    with pytest.raises(FunnelError, match="a sample is not changed"):
        save(config, "a", ScenarioSection(amount=0.1))
