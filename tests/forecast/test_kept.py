"""Fits kept on disk: the same answer to the bit, found again only where all that a fit depends on is the same."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from forecast import kept, saving
from forecast.answer import Answer, ask
from forecast.errors import FunnelError
from forecast.fit import Fit
from forecast.kept import Kept, kept_for
from forecast.question import question_from
from forecast.sources import load
from tests.conftest import Asked
from tests.forecast.companies import sample_bytes
from tests.forecast.fitted import ORIGIN, UNTIL, small_fit
from tests.test_reproducible import timeless

Calls = list[dict[str, Any]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """In place of sampling: the small fit, and with what it was asked for."""
    seen: Calls = []

    def fit(history: Any, attributes: Any, **options: Any) -> Fit:
        seen.append(options)
        return small_fit().fit

    fit.__module__ = "forecast.fit"
    monkeypatch.setattr(kept, "fit", fit)
    return seen


def fitted(fits: Kept, **options: Any) -> Fit:
    return fits.fit(small_fit().fit.history, ["segment"], **{"until": UNTIL, "draws": 400, "seed": 7, **options})


def places_of(fits: Kept) -> list[str]:
    return sorted(place.name for place in (fits.folder / kept.FOLDER).iterdir())


def test_the_same_answer_to_the_bit(asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once fitted, once read from disk; the fit itself is the one that the session shares."""
    fit_of_session = asked.answer.fit

    def fit(*_: Any, **__: Any) -> Fit:
        return fit_of_session

    fit.__module__ = "forecast.fit"
    monkeypatch.setattr(kept, "fit", fit)
    config, tables = load(asked.folder)
    fits = kept_for(config)
    assert fits == Kept(asked.folder.resolve() / ".funnel" / "funnel")
    fits = Kept(tmp_path / "kept")

    def answer() -> Answer:
        return ask(config, tables, question_from(config, tables), deal_detail=True, fits=fits)

    made, again = answer(), answer()
    assert (made.fit.kept, again.fit.kept) == (False, True)
    for one in (made, again):
        assert sample_bytes(one, tmp_path) == sample_bytes(asked.answer, tmp_path)
        pd.testing.assert_frame_equal(one.deals(), asked.answer.deals())
    assert again.summary["fit"].pop("kept") is True
    assert timeless(made.summary) == timeless(asked.answer.summary)
    assert timeless(again.summary) == {
        **timeless(made.summary), "fit": {k: v for k, v in timeless(made.summary)["fit"].items() if k != "kept"},
    }  # fmt: skip


def test_found_again_only_for_the_same(calls: Calls, tmp_path: Path) -> None:
    fits, history = Kept(tmp_path), small_fit().fit.history
    assert not fitted(fits).kept
    assert fitted(fits, progress=lambda *_: None).kept
    assert len(calls) == 1
    others: list[dict[str, Any]] = [{"draws": 401}, {"seed": 8}, {"until": UNTIL + pd.Timedelta(days=40)}]
    for changed in others:
        assert not fitted(fits, **changed).kept
    assert not fits.fit(history, [], until=UNTIL, draws=400, seed=7).kept
    dearer = replace(history, deals=history.deals.assign(segment="other"))
    assert not fits.fit(dearer, ["segment"], until=UNTIL, draws=400, seed=7).kept
    assert len(calls) == 6
    assert fitted(fits).kept


def test_fresh_fits_replace_kept_ones(calls: Calls, tmp_path: Path) -> None:
    fitted(Kept(tmp_path))
    (name,) = places_of(Kept(tmp_path))
    before = (tmp_path / kept.FOLDER / name / saving.REST).stat().st_mtime_ns
    assert not fitted(Kept(tmp_path, fresh=True)).kept
    assert len(calls) == 2
    assert places_of(Kept(tmp_path)) == [name]
    assert (tmp_path / kept.FOLDER / name / saving.REST).stat().st_mtime_ns > before


def test_what_was_not_written_whole_is_fitted_anew(calls: Calls, tmp_path: Path) -> None:
    fits = Kept(tmp_path)
    fitted(fits)
    (name,) = places_of(fits)
    arrays = tmp_path / kept.FOLDER / name / saving.ARRAYS
    arrays.write_bytes(arrays.read_bytes()[:-10])
    assert not fitted(fits).kept
    assert fitted(fits).kept
    (tmp_path / kept.FOLDER / name / saving.REST).unlink()
    assert not fitted(fits).kept


def test_the_ones_used_last_are_kept(calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST", 3)
    fits = Kept(tmp_path)
    (tmp_path / kept.FOLDER / "of somebody else").mkdir(parents=True)
    for seed in (1, 2, 3):
        fitted(fits, seed=seed)
        for age, name in enumerate(places_of(fits)):  # of the same moment, on a coarse clock
            os.utime(tmp_path / kept.FOLDER / name, (1000 - age, 1000 - age))
    assert fitted(fits, seed=1).kept
    fitted(fits, seed=4)
    assert len(places_of(fits)) == 4  # three, and what is not ours
    assert fitted(fits, seed=1).kept
    assert fitted(fits, seed=4).kept


def test_where_nothing_can_be_kept_there_is_an_answer(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise FunnelError("cannot be written (No space left on device)")

    monkeypatch.setattr(kept.saving, "save", full)
    assert fitted(Kept(tmp_path)).fitted == ORIGIN
    (tmp_path / "file").write_text("")
    assert fitted(Kept(tmp_path / "file" / "beneath")).fitted == ORIGIN
    assert len(calls) == 2
