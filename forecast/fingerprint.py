"""A fingerprint of all that a result depends on: what it was made from, the code that made it, the libraries."""

from __future__ import annotations

import ast
import hashlib
import platform
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import BaseModel

ROOT = Path(__file__).parents[1]
OURS = ("forecast", "simulations")
LIBRARIES = ("numba", "numpy", "nutpie", "pandas", "scipy", "statsmodels")  # whose numbers end up in results


def fingerprint(made_by: str, *values: object) -> str:
    """16 hexadecimal digits that change with any of the values, with the source of the module `made_by` and of what
    it imports of ours, with the libraries and with the kind of machine.

    Values: plain ones, collections, dates, arrays, tables, dataclasses and pydantic models of these; TypeError for
    any other, of which it could not be told whether it changed.
    """
    digest = hashlib.blake2b(digest_size=8)
    machine = (*sys.version_info[:2], platform.machine(), *(version(name) for name in LIBRARIES))
    for part in _parts((machine, values)):
        digest.update(part)
    for path in sources(made_by):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _parts(value: object) -> Iterator[bytes]:
    """The value as bytes, each kind and length told, so that no two values give the same ones."""
    if value is None or isinstance(value, (bool, int, float, str, np.generic, date, pd.Timedelta, Enum)):
        yield f"{type(value).__name__} {value!r};".encode()
    elif isinstance(value, np.ndarray):
        yield f"array {value.dtype.str} {value.shape};".encode()
        yield np.ascontiguousarray(value).tobytes()
    elif isinstance(value, pd.DataFrame):
        yield f"table {len(value)} {[(str(name), str(kind)) for name, kind in value.dtypes.items()]};".encode()
        yield pd.util.hash_pandas_object(value, index=False).to_numpy().tobytes()
    elif isinstance(value, BaseModel):
        yield from _parts(value.model_dump(mode="json"))
    elif is_dataclass(value):
        yield from _parts({"": type(value).__name__} | {one.name: getattr(value, one.name) for one in fields(value)})
    elif isinstance(value, Mapping):
        yield f"mapping {len(value)};".encode()
        for key in sorted(value, key=str):
            yield from _parts(key)
            yield from _parts(value[key])
    elif isinstance(value, (list, tuple, set, frozenset)):
        yield f"list {len(value)};".encode()
        for item in sorted(value, key=repr) if isinstance(value, (set, frozenset)) else value:
            yield from _parts(item)
    else:
        raise TypeError(f"a {type(value).__name__} has no fingerprint")


@cache
def sources(module: str) -> tuple[Path, ...]:
    """The files of a module of ours and of all others of ours that it imports, directly or not, sorted."""
    found: dict[Path, None] = {}
    waiting = [module]
    while waiting:
        path = _file(waiting.pop())
        if path is not None and path not in found:
            found[path] = None
            waiting += _imported(ast.parse(path.read_bytes()))
    return tuple(sorted(found))


def _imported(tree: ast.AST) -> Iterator[str]:
    """Names of modules of ours that are imported anywhere in a file; some may be names within a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _file(module: str) -> Path | None:
    """The file of a module of ours, if it is one."""
    first, *rest = module.split(".")
    if first not in OURS:
        return None
    place = ROOT.joinpath(first, *rest)
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)
