"""One scenario played and told beside another, and written to the funnel file: what the explorer shows and keeps."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from forecast.answer import Answer
from forecast.config import Config, config_from
from forecast.config_asked import ScenarioSection
from forecast.errors import FunnelError
from forecast.history import Floats, Ints
from forecast.outputs import write_text
from forecast.scenarios import played
from simulations import answers
from simulations.answers import Probability
from simulations.pairs import Change, moved_median, moved_share

INSTALLED = Path(__file__).parent


@dataclass(frozen=True, eq=False)
class Explored:
    """A period in one scenario. revenue: (K,) in units of currency; by_month: (K, M) minor units won, months of all
    periods; quantiles: P10, P50, P90.
    """

    section: ScenarioSection
    target: float
    p_hit: Probability
    quantiles: tuple[float, float, float]
    revenue: Floats
    by_month: Ints


def explore(
    answer: Answer, config: Config, section: ScenarioSection, *, period: int = 0, target: float | None = None
) -> Explored:
    """The scenario, simulated anew on the random numbers of the answer; target: instead of the period's own."""
    won, _ = played(answer.what_if, answer.fit, answer.scenario, config, section)
    return judged(answer, section, won, period=period, target=target)


def judged(
    answer: Answer, section: ScenarioSection, won: Ints, *, period: int = 0, target: float | None = None
) -> Explored:
    """What is won by month in a scenario (K, M), held against a target."""
    asked = answer.what_if.periods[period]
    if target is not None:
        asked = replace(asked, target=round(target * answer.minor))
    revenue = asked.revenue(won) / answer.minor
    low, middle, high = (float(value) for value in np.quantile(revenue, answers.P10_P50_P90))
    chance = answers.share(asked.hits(won), answer.outcomes.draw)
    return Explored(section, asked.target / answer.minor, chance, (low, middle, high), revenue, won)


def difference(now: Explored, then: Explored) -> tuple[Change, Change]:
    """The change of P(hit) and of P50 from one scenario to another, with paired errors."""
    chance = moved_share(now.revenue >= now.target, then.revenue >= then.target).change
    return chance, moved_median(now.revenue, then.revenue)


# ------------------------------------------------------------------ the funnel file


def save(config: Config, name: str, section: ScenarioSection) -> Path:
    """Add a scenario to the funnel file, as [scenarios.NAME]; the rest of the file stays as it is.

    Raises FunnelError where there is no funnel file of the user's own, or the name is taken.
    """
    path = config.path
    if path is None or path.resolve().is_relative_to(INSTALLED):
        raise FunnelError(
            "a sample is not changed", file=path, remedy="Copy its folder, and ask about the copy's funnel.toml."
        )
    if not name.strip():
        raise FunnelError("the scenario has no name", remedy="Give it one.")
    before = path.read_text(encoding="utf-8-sig")
    if name in tomllib.loads(before).get("scenarios", {}):
        raise FunnelError(f"there is a scenario '{name}' already", file=path, remedy="Choose another name.")
    after = f"{before.rstrip()}\n\n{as_toml(name, section)}"
    config_from(tomllib.loads(after), path)
    write_text(path, after)
    return path


def as_toml(name: str, section: ScenarioSection) -> str:
    """The scenario as it stands in the funnel file: what it changes, and nothing else."""
    changed = section.model_dump(mode="json", exclude_defaults=True)
    return "\n".join([f"[scenarios.{json.dumps(name, ensure_ascii=False)}]", *_lines(changed), ""])


def _lines(table: Mapping[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        yield f"{key} = {_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return (
            "{ " + ", ".join(f"{json.dumps(key, ensure_ascii=False)} = {_value(v)}" for key, v in value.items()) + " }"
        )
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)
