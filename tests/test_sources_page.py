"""docs/sources.md keeps its word: its shapes, templates, commands and keys of the funnel file are real."""

from __future__ import annotations

import re
from pathlib import Path

from forecast.config_data import Known, SourceSection
from forecast.sources.shapes import SHAPES
from forecast.templates import names, template
from tests.test_readme import COMMAND, commands

PAGE = (Path(__file__).parent.parent / "docs" / "sources.md").read_text(encoding="utf-8")
CODE = re.findall(r"`([^`\n]+)`", PAGE)


def table(heading: str) -> list[list[str]]:
    """Cells of the table below a heading."""
    part = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (.*) \|$", part, flags=re.MULTILINE)
    return [[cell.strip() for cell in row.split(" |")] for row in rows[2:]]


def test_every_shape_is_described() -> None:
    assert {row[0].strip("`") for row in table("Shapes")} == {shape.name for shape in SHAPES}


def test_every_template_is_described_by_its_stages() -> None:
    rows = {row[0].strip("`"): row[1].casefold() for row in table("Templates")}
    assert tuple(sorted(rows)) == names()
    for name, told in rows.items():
        if name != "sales":
            stages = template(name).stages
            assert all(stage.casefold() in told for stage in stages), name


def test_commands_and_options_exist() -> None:
    known = commands()
    named = [match for code in CODE for match in COMMAND.findall(code)]
    assert {"check", "init"} == {name for name, _ in named}
    for name, rest in named:
        assert set(re.findall(r"--[a-z-]+", rest)) <= known[name]


def test_keys_of_the_funnel_file_exist() -> None:
    keys = {match[1] for code in CODE if (match := re.match(r"(\w+) = ", code))}
    assert {"shape", "pipeline", "timezone", "merged", "accounts"} <= keys
    assert keys <= {*SourceSection.model_fields, "from", "until"}
    for word in ("rates", "activities", "columns", "replace"):
        assert f"[source.{word}" in PAGE
    assert all(f"`{known}`" in PAGE for known in Known)
