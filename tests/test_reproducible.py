"""The same seed gives the same bytes, on one thread or two; another seed gives others."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tests.conftest import Asked
from tests.forecast.companies import answered, sample_bytes


def test_same_seed_same_bytes_on_one_thread(asked: Asked, tmp_path: Path) -> None:
    """`asked` was sampled and simulated on two."""
    again = answered(asked.folder, threads=1)
    assert sample_bytes(again, tmp_path) == sample_bytes(asked.answer, tmp_path)
    pd.testing.assert_frame_equal(again.deals(), asked.answer.deals())
    assert timeless(again.summary) == timeless(asked.answer.summary)


def test_another_seed_another_answer(asked: Asked, tmp_path: Path) -> None:
    other = answered(asked.folder, seed=2)
    assert sample_bytes(other, tmp_path) != sample_bytes(asked.answer, tmp_path)
    for one, another in zip(asked.answer.summary["periods"], other.summary["periods"], strict=True):
        assert one["mean"] != another["mean"]
        assert abs(one["p_hit"] - another["p_hit"]) < 0.2


def timeless(summary: dict[str, object]) -> dict[str, object]:
    """The summary but for the seconds that it took."""
    fit = summary["fit"]
    assert isinstance(fit, dict)
    return {**summary, "fit": {**fit, "seconds": None}}
