"""Data flows one way: the simulations know arrays only."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SIMULATIONS = Path(__file__).parents[1] / "simulations"
ALLOWED = {*sys.stdlib_module_names, "numpy", "numba", "joblib", "simulations"}
ON_DEMAND = {"cluster.py": {"distributed"}}  # imported by a function, when it is called
IMPORTS = (ast.Import, ast.ImportFrom)


def imported(tree: ast.AST) -> Iterator[str]:
    """Top-level names of all modules imported anywhere in the file; "." for relative imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." if node.level else str(node.module).split(".")[0]


@pytest.mark.parametrize("path", sorted(SIMULATIONS.rglob("*.py")), ids=lambda path: path.name)
def test_simulations_import_only_numerical_libraries(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = set(imported(tree)) - ON_DEMAND.get(path.name, set())
    assert names <= ALLOWED, f"{path}: {sorted(names - ALLOWED)} may not be imported here"
    at_import = set(imported(ast.Module([node for node in tree.body if isinstance(node, IMPORTS)], [])))
    assert at_import <= ALLOWED


def test_the_test_sees_imports() -> None:
    source = "import pandas as pd\ndef f():\n    from forecast.fit import Fit\n    from . import x"
    assert set(imported(ast.parse(source))) == {"pandas", "forecast", "."}
    assert len(list(SIMULATIONS.rglob("*.py"))) > 5
