"""The log of forecasts: what is noted, kept in order, and never lost."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from forecast import runs
from forecast.errors import FunnelError
from forecast.runs import COLUMNS, FILE, note, read
from tests.forecast import summaries

NOON = pd.Timestamp("2017-10-01 12:00", tz="UTC")


def test_a_row_for_each_period() -> None:
    summary = summaries.maven()
    rows = runs.rows(summary, NOON)
    assert tuple(rows.columns) == COLUMNS
    assert list(rows["period"]) == ["2017Q4", "2017"]
    for row, period in zip(rows.to_dict("records"), summary["periods"], strict=True):
        for name in ("target", "p_hit", "p10", "p50", "p90", "won_to_date", "gap", "rtv", "funnel_factor"):
            assert row[name] == period[name]
        assert (row["origin"], row["asked"], row["seed"]) == (date(2017, 10, 1), NOON, summary["seed"])
        assert row["healthy"] is True


def test_runs_are_added_and_read_as_they_were(tmp_path: Path) -> None:
    assert len(read(tmp_path)) == 0
    assert len(read(None)) == 0
    first, second = summaries.maven(), summaries.reached()
    folder = tmp_path / ".funnel" / "funnel"
    note(folder, first, NOON)
    note(folder, second, NOON + pd.Timedelta(hours=1))
    note(None, second)
    log = read(folder)
    made = runs.joined(runs.rows(first, NOON), runs.rows(second, NOON + pd.Timedelta(hours=1)))
    pd.testing.assert_frame_equal(log, made, check_dtype=False)
    assert log["funnel_factor"].isna().any()  # where the target is reached already
    assert [path.name for path in folder.iterdir()] == [FILE]
    assert (tmp_path / ".funnel" / ".gitignore").is_file()


def test_now_is_the_default(tmp_path: Path) -> None:
    before = pd.Timestamp.now("UTC").floor("s")
    note(tmp_path, summaries.maven())
    assert before <= read(tmp_path)["asked"].iloc[0] <= pd.Timestamp.now("UTC")


def test_what_is_no_log_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.write_text("mine")
    with pytest.raises(FunnelError, match="is not Parquet"):
        note(tmp_path, summaries.maven())
    assert path.read_text() == "mine"
    pd.DataFrame({"x": [1]}).to_parquet(path)
    with pytest.raises(FunnelError, match="no column 'asked'"):
        read(tmp_path)


def test_where_nothing_can_be_written_the_log_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    note(tmp_path, summaries.maven(), NOON)
    before = (tmp_path / FILE).read_bytes()

    def full(*_: Any) -> None:
        raise FunnelError("cannot be written (No space left on device)")

    monkeypatch.setattr(runs, "write_parquet", full)
    note(tmp_path, summaries.maven(), NOON)
    assert (tmp_path / FILE).read_bytes() == before
