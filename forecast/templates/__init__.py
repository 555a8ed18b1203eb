"""Funnels of common kinds: names of their stages in two languages, and what is assumed of each before looking."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from forecast.config_asked import FollowUpSection, StagePrior
from forecast.errors import FunnelError, near

FOLDER = Path(__file__).parent
LANGUAGES = ("en", "fr")


@dataclass(frozen=True)
class Template:
    """One funnel in one language. `priors`: stage -> assumption. `follow_ups`: deals that a win brings about,
    or None. `about`: the comment at its head."""

    name: str
    stages: tuple[str, ...]
    won: str
    lost: str
    viable_from: str
    priors: dict[str, StagePrior]
    follow_ups: FollowUpSection | None
    about: str


def names() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def template(name: str, language: str = "en") -> Template:
    """The template called `name`. Raises FunnelError where there is none, or not in this language."""
    if name not in names():
        raise FunnelError(f"there is no template '{name}'", remedy=near(name, names()))
    if language not in LANGUAGES:
        raise FunnelError(f"templates are not written in '{language}'", remedy=f"Known: {', '.join(LANGUAGES)}.")
    text = (FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    later = data.get("follow_ups")
    stages = [stage[language] for stage in data["stages"]]
    return Template(
        name=data["name"][language],
        stages=tuple(stages),
        won=data["won"][language],
        lost=data["lost"][language],
        viable_from=next(stage[language] for stage in data["stages"] if stage.get("viable_from")),
        priors={
            stage[language]: StagePrior(conversion=stage["conversion"], lead_time=stage["lead_time"])
            for stage in data["stages"]
        },
        follow_ups=None if later is None else FollowUpSection(**{**later, "stage": later["stage"][language]}),
        about=text.splitlines()[0].removeprefix("# "),
    )
