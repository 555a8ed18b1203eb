"""docs/assumptions.md keeps its word: its funnel file can be read, and its keys are all there are."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from forecast import fit
from forecast.config import config_from
from forecast.config_asked import PriorsSection, StagePrior
from forecast.models.priors import Priors
from forecast.told_basis import assumed
from tests.test_readme import COMMAND, commands

PAGE = (Path(__file__).parent.parent / "docs" / "assumptions.md").read_text(encoding="utf-8")
WORDS = " ".join(PAGE.split())


def test_the_funnel_file_is_one() -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL)
    priors = config_from(tomllib.loads(text)).priors
    assert priors.new_deals is not None
    assert priors.amount is not None
    assert len(priors.stages) == 2


def test_every_key_is_told() -> None:
    keys = set(re.findall(r"^\| `([a-z_]+)` \|", PAGE, flags=re.MULTILINE))
    assert keys == {*PriorsSection.model_fields, *StagePrior.model_fields} - {"stages"}


def test_what_is_said_of_defaults_and_limits() -> None:
    usual = Priors()
    low, high = (f"{100 * share:.0f}" for share in usual.conversion)
    assert f"a conversion of {low} to {high} % and a lead time of" in WORDS
    assert f"a lead time of {usual.lead_time[0]:.0f} to {usual.lead_time[1]:.0f} days" in WORDS
    assert fit.FEWEST_EXITS == 10
    assert "ten changes of stage" in WORDS
    assert fit.FEWEST_DAYS == 7
    assert "less than a week" in WORDS


def test_the_line_is_the_terminal_s() -> None:
    rests = {"share": 0.8, "most": "conversion", "stage": "Negotiation"}
    assert f"\n{assumed({'periods': [{'assumed': rests}]})}\n" in PAGE


def test_commands_exist() -> None:
    known = commands()
    for name, rest in COMMAND.findall("\n".join(re.findall(r"`([^`\n]+)`", PAGE))):
        assert set(re.findall(r"--[a-z-]+", rest)) <= known[name], name
