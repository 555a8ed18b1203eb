"""Compiling with Numba, kept on disk until any file that the machine code may rest on changes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

from numba import njit
from numba.core.caching import FunctionCache
from numba.core.compiler import CompilerBase, DefaultPassBuilder

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile with Numba: no GIL, kept on disk, IEEE arithmetic (1 / 0 is inf, nothing is reordered).

    Sums are not reordered (`fastmath`) as code just compiled and the same code from disk can be inlined differently,
    and would then give other last digits.
    """
    return _kept(njit(nogil=True, error_model="numpy")(function), function)


def compiled_apart(function: Callable[P, R]) -> Callable[P, R]:
    """The same for a function whose arrays do not overlap: it may then work on several elements of them at a time,
    also where it reads one array at places that another tells."""
    return _kept(njit(nogil=True, error_model="numpy", pipeline_class=_Apart)(function), function)


class _Apart(CompilerBase):  # type: ignore[misc]
    def define_pipelines(self) -> list[Any]:
        self.state.flags.noalias = True
        return [DefaultPassBuilder.define_nopython_pipeline(self.state)]


def _kept(dispatcher: Any, function: Callable[P, R]) -> Callable[P, R]:
    if hasattr(dispatcher, "py_func"):  # else compiling is switched off, by NUMBA_DISABLE_JIT
        dispatcher._cache = _Cache(function)
    return cast(Callable[P, R], dispatcher)


class _Cache(FunctionCache):  # type: ignore[misc]
    """Numba renews a function when its own file changes, but functions of other files may be part of its code."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        file = self._cache_file
        file._source_stamp = (file._source_stamp, _stamp(Path(function.__code__.co_filename).parent))


@cache
def _stamp(folder: Path) -> str:
    """A hash of all modules in the folder of a function, and of those here, which it may call."""
    digest = hashlib.sha256()
    for place in sorted({folder.resolve(), Path(__file__).parent.resolve()}):
        for path in sorted(place.glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()
