"""Phrases that the code tells: what the catalogues have to translate."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path

PLACE = {"set_aside": 1, "_everywhere": 2}  # of the reason among the arguments
CODE = Path(__file__).parents[2] / "forecast"


def told() -> dict[str, str]:
    """Phrase -> the file that tells it."""
    return {phrase: path.name for path in sorted(CODE.rglob("*.py")) for phrase in phrases(path)}


def phrases(path: Path) -> Iterator[str]:
    """First arguments of `say`, which have to be written out for the catalogues to be checked."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
            (phrase,) = node.args
            assert isinstance(phrase, ast.Constant), f"{path.name}:{node.lineno}: say() needs its phrase written out"
            yield str(phrase.value)


def names(phrase: str) -> set[str]:
    """What is put into a phrase."""
    return {name for _, name, _, _ in string.Formatter().parse(phrase) if name is not None}


def reasons() -> dict[str, str]:
    """Reasons for which rows are set aside, with "1" in place of what differs -> the file that gives them."""
    return {reason: path.name for path in sorted((CODE / "sources").glob("*.py")) for reason in sorted(_reasons(path))}


def _reasons(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    given = [node.args[PLACE[name]] for node in calls if (name := _called(node.func)) in PLACE]
    names = {node.id for node in given if isinstance(node, ast.Name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            targets, values = node.targets[0], node.value
            several = isinstance(targets, ast.Tuple) and isinstance(values, ast.Tuple)
            pairs = zip(targets.elts, values.elts, strict=True) if several else [(targets, values)]  # type: ignore[union-attr]
            given += [value for name, value in pairs if isinstance(name, ast.Name) and name.id in names]
    return {told for node in given for told in _written(node)}


def _called(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))


def _written(node: ast.expr) -> list[str]:
    if isinstance(node, ast.IfExp):
        return [*_written(node.body), *_written(node.orelse)]
    if isinstance(node, ast.JoinedStr):
        return ["".join(str(part.value) if isinstance(part, ast.Constant) else "1" for part in node.values)]
    return [str(node.value)] if isinstance(node, ast.Constant) else []
