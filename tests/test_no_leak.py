"""Nothing after the origin is used: whatever is changed there, the answer stays the same, byte for byte.

For a small company with a real fit. For the sample with one in which the sampler is replaced by a stand-in
that draws from a seed made of all the numbers in the model: the answer is the same only where all that the
model and the simulator are told is the same.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast import fit
from forecast.answer import Answer, ask
from forecast.models.definition import flat, initial_point
from forecast.models.density import Terms
from forecast.outputs import finite
from forecast.question import question_from
from forecast.sources import load
from forecast.synthetic import Generated
from tests.conftest import Asked
from tests.forecast.companies import KNOWN, ORIGIN, SMALL, answered, sample_bytes, write_company

MAVEN = Path(__file__).parents[1] / "forecast" / "samples" / "maven"
UNTIL = pd.Timestamp("2024-06-30")


def untold(summary: dict[str, Any]) -> dict[str, Any]:
    """The summary without what may tell of later rows (the rows read, what really happened) and of time."""
    kept = {key: value for key, value in summary.items() if key != "quality"}
    kept["fit"] = {**summary["fit"], "seconds": None}
    kept["periods"] = [{**period, "actual": None} for period in summary["periods"]]
    return dict(finite(kept))  # nothing equals what could not be told (NaN), not even itself


def assert_same(answer: Answer, other: Answer, folder: Path) -> None:
    assert sample_bytes(other, folder) == sample_bytes(answer, folder)
    assert untold(other.summary) == untold(answer.summary)
    pd.testing.assert_frame_equal(other.deals(), answer.deals())


# --- a small company ---


def rewritten(made: Generated) -> Generated:
    """Another future from ORIGIN on; and for the columns that tell of it, another content throughout."""
    random = np.random.default_rng(0)
    origin = pd.Timestamp(ORIGIN)
    deals, rows = made.deals.copy(), made.stage_history.copy()
    other = {SMALL.won: SMALL.lost, SMALL.lost: SMALL.won}

    later = rows["entered"] >= origin
    fate = rows["deal_id"].str[-1].astype(int) % 4  # of what happens to a deal later: dropped, delayed, flipped
    rows.loc[later, "amount"] *= 3
    rows.loc[later & (fate == 1), "entered"] += pd.Timedelta(days=9)
    rows["entered"] = rows["entered"].clip(upper=UNTIL)
    rows.loc[later & (fate == 2), "stage"] = rows.loc[later & (fate == 2), "stage"].replace(other)
    rows = rows[~(later & (fate == 0))]

    last = rows.drop_duplicates("deal_id", keep="last").set_index("deal_id")
    idle = last.index[~last["stage"].isin(other) & (last["entered"] < origin)]
    wins = pd.DataFrame({"deal_id": idle, "stage": SMALL.won, "entered": origin, "amount": 123_400.0})
    rows = pd.concat([rows, wins])  # on the very day of the origin, of which nothing is known in its morning

    new = deals["created"] >= origin
    deals.loc[new, "created"] = rows.groupby("deal_id")["entered"].min().reindex(deals.loc[new, "deal_id"]).array
    deals = deals[deals["deal_id"].isin(rows["deal_id"])]
    created = pd.date_range(origin, UNTIL)
    names = [f"A{number}" for number in range(len(created))]
    more = pd.DataFrame({"deal_id": names, "client": "A new client", "amount": 9e5, "created": created})
    deals = pd.concat([more.assign(owner="A new seller", segment="A new segment"), deals])
    entries = pd.DataFrame({"deal_id": names, "stage": "Talk", "entered": created, "amount": 9e5})
    rows = pd.concat([entries, rows])

    ends = made.stage_history.drop_duplicates("deal_id", keep="last")
    closed = ends[ends["stage"].isin(other) & (ends["entered"] < origin)]["deal_id"]
    unknown = ~deals["deal_id"].isin(closed)
    deals.loc[unknown, "client"] = np.where(random.random(unknown.sum()) < 0.5, "A client made up", None)
    deals["segment"] = random.choice(["Large", "Small", "Other"], len(deals))
    deals.loc[deals.index[::3], "segment"] = None
    return replace(made, deals=deals, stage_history=rows)


def test_a_small_company(asked: Asked, tmp_path: Path) -> None:
    changed = rewritten(asked.made)
    before = asked.made.stage_history["entered"] < pd.Timestamp(ORIGIN)
    now = changed.stage_history["entered"] < pd.Timestamp(ORIGIN)
    pd.testing.assert_frame_equal(changed.stage_history[now], asked.made.stage_history[before], check_dtype=False)
    other = answered(write_company(tmp_path / "changed", SMALL, changed, KNOWN))
    assert other.summary["quality"]["read"] != asked.answer.summary["quality"]["read"]
    for one, another in zip(asked.answer.summary["periods"][:2], other.summary["periods"][:2], strict=True):
        assert one["actual"]["revenue"] != another["actual"]["revenue"]
    assert_same(asked.answer, other, tmp_path)


# --- the sample ---


def numbers_in(terms: Iterable[Any]) -> Iterator[bytes]:
    """All numbers that the log density and what is read off its draws are made of."""
    for term in terms:
        if isinstance(term, tuple):
            yield from numbers_in(term)
        else:
            yield repr(np.shape(term)).encode()
            yield np.ascontiguousarray(term).tobytes()


def stand_in(terms: Terms, draws: int, seed: int, *_: object, **__: object) -> tuple[np.ndarray, int]:
    """Draws around the model's initial point, in place of its posterior."""
    digest = hashlib.sha256(b"".join(numbers_in(terms))).digest()
    centre = flat(initial_point(terms))
    random = np.random.default_rng([*digest, seed])
    return centre + 0.1 * random.standard_normal((1, draws, centre.size)), 0


@pytest.fixture
def without_sampling() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "sample", stand_in)
        patch.setattr(fit, "_diagnose", lambda *_: fit.Health(1.0, 1e3, 0, 1, 1, 0, 0.0))
        yield


def sample_answer(folder: Path, deals: pd.DataFrame | None = None, origin: date | None = None) -> Answer:
    """The answer for the sample in `folder`, with other rows of deals."""
    if deals is not None:
        shutil.copytree(MAVEN, folder)
        deals.to_csv(folder / "sales_pipeline.csv", index=False)
    config, tables = load(folder)
    question = question_from(config, tables, draws=40, as_of=origin)
    return ask(config, tables, question, deal_detail=True)


def other_future(deals: pd.DataFrame, origin: str) -> pd.DataFrame:
    """Every row changed that is of `origin` or later, and the columns that are known at the close."""
    random = np.random.default_rng(0)
    closes = deals["close_date"] >= origin
    kind = random.integers(0, 4, len(deals))
    deals = deals.copy()
    deals.loc[closes, "deal_stage"] = deals.loc[closes, "deal_stage"].replace({"Won": "Lost", "Lost": "Won"})
    won = deals["deal_stage"] == "Won"
    deals.loc[closes, "close_value"] = np.where(won[closes], random.integers(1, 90_000, closes.sum()), 0)
    moved = closes & (kind == 1)
    deals.loc[moved, "close_date"] = deals.loc[moved, "engage_date"].where(
        deals.loc[moved, "engage_date"] > origin, origin
    )
    undone = closes & (kind == 2)
    deals.loc[undone, "deal_stage"] = "Engaging"
    deals.loc[undone, ["close_date", "close_value"]] = None

    known = deals["close_date"] < origin
    accounts = deals["account"].dropna().unique()
    deals.loc[~known, "account"] = random.choice(accounts, (~known).sum())
    deals.loc[~known & (kind == 3), "account"] = None
    new = ~known & ~(deals["engage_date"] < origin)  # of deals not engaged in yet as well
    deals.loc[new, "product"] = "GTK 500"
    deals.loc[new, "sales_agent"] = "Darcel Schlecht"
    more = deals[new & (kind == 1)]
    left = deals[~(new & (kind == 0))]
    return pd.concat([more.assign(opportunity_id="0" + more["opportunity_id"]), left])


@pytest.mark.usefixtures("without_sampling")
@pytest.mark.parametrize("origin", ["2017-10-01", "2017-07-12"])
def test_the_sample(origin: str, tmp_path: Path) -> None:
    rows = pd.read_csv(MAVEN / "sales_pipeline.csv")
    answer = sample_answer(MAVEN, origin=date.fromisoformat(origin))
    changed = other_future(rows, origin)
    other = sample_answer(tmp_path / "maven", changed, origin=date.fromisoformat(origin))
    assert other.summary["periods"][0]["actual"] != answer.summary["periods"][0]["actual"]
    assert_same(answer, other, tmp_path)


LAST_DAY: dict[str, object] = {
    "close_date": "2017-10-01",
    "deal_stage": "Lost",
    "engage_date": "2017-10-01",
    "account": "Zotware",
    "close_value": 1.0,
}


@pytest.mark.usefixtures("without_sampling")
@pytest.mark.parametrize("change", LAST_DAY)
def test_the_day_before_is_used(change: str, tmp_path: Path) -> None:
    """The test above would be empty if the stand-in saw nothing: here one deal of the last day is changed."""
    rows = pd.read_csv(MAVEN / "sales_pipeline.csv")
    column = "engage_date" if change == "engage_date" else "close_date"
    row = rows.index[(rows[column] == "2017-09-30") & (rows["deal_stage"] == "Won")][0]
    changed = rows.copy()
    changed.loc[row, change] = LAST_DAY[change]
    answer, other = sample_answer(MAVEN), sample_answer(tmp_path / "maven", changed)
    if change != "account":  # who buys changes how the revenue is shared, not what it is
        assert sample_bytes(other, tmp_path) != sample_bytes(answer, tmp_path)
    assert untold(other.summary)["periods"] != untold(answer.summary)["periods"]
