"""Phrases that the code tells: what the catalogues have to translate."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path

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
