"""What changes a fingerprint, and what does not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast import fingerprint as module
from forecast.config import Config
from forecast.config_data import Known
from forecast.fingerprint import fingerprint, sources


@dataclass(frozen=True)
class Thing:
    name: str
    numbers: np.ndarray
    rows: pd.DataFrame


THING = Thing("a", np.arange(3.0), pd.DataFrame({"x": [1.5, None], "y": ["ä", None]}))
MADE_BY = "forecast.errors"

DIFFERENT: list[Any] = [
    None, 0, 0.0, False, "0", "None", Known.CLOSE, "close", [0], [[0]], [], {}, {"a": 1}, {"a": 2}, ["a", 1],
    date(2024, 1, 1), pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-02"), np.float64(0), np.zeros(1),
    np.zeros((1, 1)), np.zeros(1, dtype=np.int64), THING, replace(THING, name="b"),
    replace(THING, numbers=np.array([0.0, 1.0, 2.5])), replace(THING, rows=THING.rows.assign(x=[1.5, 2.0])),
    replace(THING, rows=THING.rows.rename(columns={"x": "z"})), Config(), Config().with_funnel(name="A"),
]  # fmt: skip


def test_different_values_differ_and_the_same_do_not() -> None:
    found = [fingerprint(MADE_BY, value) for value in DIFFERENT]
    assert len(set(found)) == len(DIFFERENT)
    copies = Thing("a", np.arange(3.0), THING.rows.copy())
    assert fingerprint(MADE_BY, copies) == fingerprint(MADE_BY, THING)
    assert fingerprint(MADE_BY, {"a": 1, "b": 2}) == fingerprint(MADE_BY, {"b": 2, "a": 1})
    assert fingerprint(MADE_BY, "ab", "c") != fingerprint(MADE_BY, "a", "bc")


def test_what_cannot_be_told_apart_is_refused() -> None:
    with pytest.raises(TypeError, match="a function has no fingerprint"):
        fingerprint(MADE_BY, lambda: 1)


def test_the_code_that_a_fit_comes_from() -> None:
    root = Path(module.__file__).parents[1]
    found = {str(path.relative_to(root)) for path in sources("forecast.fit")}
    assert {"forecast/fit.py", "forecast/saving.py", "forecast/coding.py", "simulations/funnel.py"} <= found
    assert {f"forecast/models/{name}.py" for name in ("density", "contraction", "priors", "whiten")} <= found
    assert not found & {"forecast/terminal.py", "forecast/cli.py", "forecast/summary.py", "forecast/answer.py"}


def test_a_change_of_code_or_of_a_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "forecast" / "part").mkdir(parents=True)
    files = {
        "made": "from forecast import near\ndef late():\n    import forecast.part.far as far\n",
        "near": "from math import pi\n",
        "part/__init__": "",
        "part/far": "x = 1\n",
        "other": "y = 1\n",
    }
    for name, text in files.items():
        (tmp_path / "forecast" / f"{name}.py").write_text(text)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    sources.cache_clear()
    first = fingerprint("forecast.made", 1)
    (tmp_path / "forecast" / "other.py").write_text("y = 2\n")
    assert fingerprint("forecast.made", 1) == first
    (tmp_path / "forecast" / "part" / "far.py").write_text("x = 2\n")
    second = fingerprint("forecast.made", 1)
    monkeypatch.setattr(module, "version", lambda name: "0.0")
    third = fingerprint("forecast.made", 1)
    sources.cache_clear()
    assert len({first, second, third}) == 3
