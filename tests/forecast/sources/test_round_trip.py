"""A made-up company written out in every shape and read back: the visits are the same, to the row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecast.history import History, as_of
from forecast.sources import load
from forecast.synthetic import Generated, generate
from tests.forecast.companies import SMALL
from tests.forecast.histories import company_tables
from tests.forecast.sources.writers import FIELDS, LOST, WON, WRITERS, funnel_of, last_day, write

COMPANY = replace(SMALL, months=9, reopen=0.2, timed=False)
SHAPES = {
    "canonical": "canonical", "parquet": "canonical", "excel": "canonical", "european": "canonical",
    "one_table": "canonical", "event_log": "event_log", "xes": "event_log", "snapshots": "snapshots",
    "versions": "versions", "dlt_versions": "versions", "salesforce_history": "salesforce_history",
    "salesforce_by_connector": "salesforce_history", "salesforce_fields": "field_history",
    "hubspot_history": "hubspot_history", "hubspot_properties": "field_history", "stage_dates": "stage_dates",
    "hubspot_dates": "hubspot_dates", "hubspot_legacy": "hubspot_dates", "closed_only": "closed_only",
}  # fmt: skip
# These hold the last amount only.
WITHOUT_AMOUNTS = ("stage_dates", "hubspot_dates", "hubspot_legacy", "hubspot_history", "closed_only")
# Stage and amount are changes apart, so that several within a day without its hours cannot be told from one another.
TOLD_BY_THE_HOUR = ("salesforce_fields", "hubspot_properties")


def told_by(shape: str, made: Generated) -> Generated:
    """What of the history `shape` can tell: a date per stage is that of the last entering, of the changes within a
    day a snapshot shows the last one, and where there are only days of creation and closing, there is one stage.
    """
    rows = made.stage_history
    if shape == "snapshots":
        rows = rows[~rows.assign(day=rows["entered"].dt.normalize()).duplicated(["deal_id", "day"], keep="last")]
        rows = rows.assign(entered=rows["entered"].dt.normalize())
    elif shape in ("stage_dates", "hubspot_dates", "hubspot_legacy"):
        rows = rows.drop_duplicates(["deal_id", "stage"], keep="last")
    elif shape == "closed_only":
        last = rows.drop_duplicates("deal_id", keep="last")
        first = rows.drop_duplicates("deal_id").assign(stage="Open", entered=made.deals["created"].to_numpy())
        rows = pd.concat([first, last[last["stage"].isin([WON, LOST])]])
        rows = rows.sort_values("deal_id", kind="stable")
    return replace(made, stage_history=rows.reset_index(drop=True))


@pytest.mark.parametrize("timed", [False, True])
@pytest.mark.parametrize("shape", list(WRITERS))
def test_the_same_visits(tmp_path: Path, shape: str, timed: bool) -> None:
    company = replace(COMPANY, timed=timed)
    made = generate(company, 5)
    folder = write(tmp_path, company, made, shape)
    if shape == "closed_only":
        text = (folder / "funnel.toml").read_text()
        (folder / "funnel.toml").write_text(text[: text.index("stages")] + text[text.index("[recording]") :])
    config, tables = load(folder)
    assert config.source.shape == SHAPES[shape]
    if shape == "snapshots":  # the day before all others, which has no deal of the company
        tables = replace(
            tables,
            deals=tables.deals[tables.deals["deal_id"] != "0"].reset_index(drop=True),
            stage_history=tables.stage_history[tables.stage_history["deal_id"] != "0"].reset_index(drop=True),
        )
    for file in tables.ledger.files:
        assert file.read == file.used + file.set_aside
    bad = [entry for entry in tables.ledger.entries if entry.set_aside and not entry.wanted]
    assert bad == []
    expected = told_by(shape, made)
    funnel = config.funnel if shape == "closed_only" else funnel_of(company)
    whole = company_tables(company, 5)
    if shape == "snapshots":
        whole = replace(whole, deals=whole.deals.assign(created=whole.deals["created"].dt.normalize()))
    whole = replace(whole, stage_history=expected.stage_history, timed=tables.timed)
    end = pd.Timestamp(last_day(company)) + pd.Timedelta(days=1)
    read, meant = as_of(tables, funnel, end), as_of(whole, funnel, end)
    same_visits(read, meant, amounts=shape not in WITHOUT_AMOUNTS and (timed or shape not in TOLD_BY_THE_HOUR))
    for name in (*FIELDS, "client"):
        if name in read.deals and shape != "snapshots":
            assert read.deals[name].fillna("").tolist() == meant.deals[name].fillna("").tolist()


def same_visits(read: History, meant: History, amounts: bool) -> None:
    assert read.deals["deal_id"].tolist() == meant.deals["deal_id"].tolist()
    for name in ("deal", "state", "to"):
        np.testing.assert_array_equal(getattr(read.visits, name), getattr(meant.visits, name))
    for name in ("entered", "left"):  # times are written to the microsecond, 1e-11 days
        np.testing.assert_allclose(getattr(read.visits, name), getattr(meant.visits, name), rtol=0, atol=1e-10)
    if amounts:
        np.testing.assert_allclose(read.visits.amount, meant.visits.amount, rtol=1e-12, atol=0.005)
