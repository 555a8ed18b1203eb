"""What sellers enter and change, as it stood on each day."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecast.baselines.pipeline import crm_probability
from forecast.history import as_of
from forecast.sources import Config, Known, Tables, load
from forecast.synthetic import generate
from forecast.synthetic.crm import crm_fields
from tests.forecast.companies import SMALL
from tests.forecast.sources.writers import funnel_of, last_day, salesforce_history, toml


def loaded(folder: Path, more: str = "", **files: str) -> tuple[Config, Tables]:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    named = "".join(f'{name} = "{name}.csv"\n' for name in files)
    (folder / "funnel.toml").write_text(f"{more}\n[source]\n{named}")
    return load(folder)


def on(config: Config, tables: Tables, day: str) -> list[tuple]:
    deals = as_of(tables, config.funnel, pd.Timestamp(day)).deals
    close = deals["expected_close"].dt.strftime("%m-%d").fillna("")
    return list(zip(deals["probability"].fillna(-1), close, deals["forecast_category"].fillna(""), strict=True))


OPPORTUNITY = "Id,CreatedDate,StageName,Amount,CloseDate,Probability,ForecastCategory\n"
OPPORTUNITY += "1,2025-01-01,Won,5,2025-03-01,100,Closed\n2,2025-01-05,A,5,2025-09-09,20,Pipeline\n"
HISTORY = "OpportunityId,StageName,Amount,CloseDate,Probability,ForecastCategory,CreatedDate\n"
HISTORY += "1,A,5,2025-02-01,10,Pipeline,2025-01-01\n1,A,5,2025-04-01,10,Best Case,2025-01-10\n"
HISTORY += "1,B,5,2025-04-01,60,Commit,2025-01-20\n1,Won,5,2025-03-01,100,Closed,2025-03-01\n"
HISTORY += "2,A,5,2025-02-01,10,Pipeline,2025-01-05\n2,A,5,soon,20,Pipeline,2025-02-05\n"


def test_salesforces_history_dates_what_sellers_expect(tmp_path: Path) -> None:
    config, tables = loaded(tmp_path, deals=OPPORTUNITY, stage_history=HISTORY)
    assert {tables.known[name] for name in ("probability", "expected_close", "forecast_category")} == {Known.CHANGE}
    assert on(config, tables, "2025-01-10") == [(0.1, "02-01", "Pipeline"), (0.1, "02-01", "Pipeline")]
    assert on(config, tables, "2025-01-11") == [(0.1, "04-01", "Best Case"), (0.1, "02-01", "Pipeline")]
    assert on(config, tables, "2025-01-21") == [(0.6, "04-01", "Commit"), (0.1, "02-01", "Pipeline")]
    assert on(config, tables, "2025-03-02") == [(1.0, "03-01", "Closed"), (0.2, "02-01", "Pipeline")]
    assert {entry.reason for entry in tables.ledger.entries if entry.doubt} == {"not a date in 'CloseDate'"}
    assert tables.ledger.set_aside == 0


@pytest.mark.parametrize("day", ["2025-01-06", "2025-01-10", "2025-01-11", "2025-01-21", "2025-03-02"])
def test_the_past_is_what_a_copy_of_that_day_would_give(tmp_path: Path, day: str) -> None:
    config, tables = loaded(tmp_path, deals=OPPORTUNITY, stage_history=HISTORY)
    head, *rows = HISTORY.splitlines()
    before = [row for row in rows if row.rsplit(",", 1)[1] < day]
    last = {row.split(",")[0]: row.split(",") for row in before}
    created = {"1": "2025-01-01", "2": "2025-01-05"}
    copied = [",".join([deal, created[deal], *row[1:-1]]) for deal, row in last.items()]
    (tmp_path / "then").mkdir()
    then = {"deals": [OPPORTUNITY.splitlines()[0], *copied], "stage_history": [head, *before]}
    files = {name: "\n".join([*lines, ""]) for name, lines in then.items()}
    old_config, old_tables = loaded(tmp_path / "then", **files)
    assert on(config, tables, day) == on(old_config, old_tables, day)


def test_a_history_of_fields_dates_them_from_the_old_value_on(tmp_path: Path) -> None:
    fields = "OpportunityId,Field,OldValue,NewValue,CreatedDate\n1,StageName,A,B,2025-01-20\n"
    fields += "1,Probability,10,60,2025-01-20\n1,CloseDate,2025-02-01,2025-04-01,2025-01-10\n"
    fields += "1,ForecastCategoryName,Pipeline,Commit,2025-01-25\n1,StageName,B,Won,2025-03-01\n"
    config, tables = loaded(tmp_path, deals=OPPORTUNITY, stage_history=fields)
    assert config.source.shape == "field_history"
    assert on(config, tables, "2025-01-09") == [(0.1, "02-01", "Pipeline"), (0.2, "09-09", "Pipeline")]
    assert on(config, tables, "2025-01-21") == [(0.6, "04-01", "Pipeline"), (0.2, "09-09", "Pipeline")]
    assert on(config, tables, "2025-02-01") == [(0.6, "04-01", "Commit"), (0.2, "09-09", "Pipeline")]
    # The amount is never changed in the file, so that nothing tells since when it is what it is.
    assert tables.known["amount"] is Known.CREATION
    assert tables.recorded_from == pd.Timestamp("2025-01-20")  # the first change of a stage


def test_snapshots_date_them(tmp_path: Path) -> None:
    rows = "deal_id,snapshot_date,stage,close_date,probability,forecast_category\n"
    for day, chance, close in ((1, "10 %", "02-01"), (2, "10 %", "03-01"), (3, "50 %", "03-01"), (4, "50 %", "03-01")):
        rows += f"1,2025-01-0{day},A,2025-{close},{chance},Commit\n2,2025-01-0{day},A,,5 %,Omitted\n"
    config, tables = loaded(tmp_path, deals=rows)
    assert on(config, tables, "2025-01-03") == [(0.1, "03-01", "Commit"), (0.05, "", "Omitted")]
    assert on(config, tables, "2025-01-04") == [(0.5, "03-01", "Commit"), (0.05, "", "Omitted")]


def test_values_that_rows_repeat_are_no_history(tmp_path: Path) -> None:
    rows = "deal_id,stage,entered,probability\n1,A,2025-01-01,90\n1,B,2025-01-05,90\n2,A,2025-01-02,20\n"
    config, tables = loaded(tmp_path, deals=rows)
    assert tables.known["probability"] is Known.OVERWRITTEN
    assert as_of(tables, config.funnel, pd.Timestamp("2025-01-06")).deals["probability"].isna().all()
    _, tables = loaded(tmp_path, deals=rows.replace("01,90", "01,30"))
    assert tables.known["probability"] is Known.CHANGE
    _, tables = loaded(tmp_path, '[known]\nprobability = "overwritten"\n', deals=rows.replace("01,90", "01,30"))
    assert tables.known["probability"] is Known.OVERWRITTEN


@pytest.fixture(scope="module")
def fortnights(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tables, list[tuple[pd.Timestamp, pd.DataFrame]]]:
    """A company whose CRM is filled in every second week, from its files; and what the CRM held on each such day."""
    folder = tmp_path_factory.mktemp("fortnights")
    company = replace(SMALL, months=12)
    made = generate(company, 3)
    days = pd.Timestamp(company.start) + pd.Timedelta(days=100) + pd.timedelta_range("0D", periods=10, freq="14D")
    truth = [crm_fields(made, day.date(), 1) for day in days]
    source = salesforce_history(folder, made, tuple(stage.name for stage in company.stages), last_day(company))
    history = pd.read_csv(folder / "OpportunityHistory.csv", dtype=str)
    history[["CloseDate", "Probability"]] = ""
    stages = made.stage_history
    filled = []
    for day, held in zip(days, truth, strict=True):
        evening = day - pd.Timedelta(minutes=1)
        last = stages[stages["entered"] < evening].drop_duplicates("deal_id", keep="last").set_index("deal_id")
        held = held[held["deal_id"].isin(last.index)]
        filled.append(
            pd.DataFrame(
                {
                    "OpportunityId": held["deal_id"],
                    "StageName": last.loc[held["deal_id"], "stage"].to_numpy(),
                    "Amount": last.loc[held["deal_id"], "amount"].to_numpy(),
                    "CloseDate": held["expected_close"].dt.strftime("%Y-%m-%d"),
                    "Probability": 100 * held["probability"],
                    "CreatedDate": evening,
                }
            )
        )
    pd.concat([history, *filled]).to_csv(folder / "OpportunityHistory.csv", index=False)
    (folder / "funnel.toml").write_text(toml(company, source, last_day(company)))
    config, tables = load(folder)
    assert config.funnel.stages == funnel_of(company).stages
    return tables, list(zip(days, truth, strict=True))


def test_the_baseline_of_the_crm_from_files_is_that_from_the_program(
    fortnights: tuple[Tables, list[tuple[pd.Timestamp, pd.DataFrame]]],
) -> None:
    tables, truth = fortnights
    funnel = funnel_of(SMALL)
    answered = 0
    for day, held in truth:
        history = as_of(tables, funnel, day)
        fields = held.set_index("deal_id").reindex(history.deals["deal_id"]).reset_index(drop=True)
        opened = history.visits.deal[history.open_visits()]
        given = fields["probability"].notna().to_numpy()[opened]
        assert given.mean() > 0.9  # deals created in the last minute are not filled in yet
        opened = opened[given]
        read, meant = history.deals.iloc[opened], fields.iloc[opened]
        np.testing.assert_allclose(read["probability"], meant["probability"], rtol=1e-12)  # written in percent
        assert read["expected_close"].tolist() == meant["expected_close"].tolist()
        held = fields[["probability", "expected_close"]]
        handed = replace(history, deals=history.deals.assign(**dict(held.items())))
        after = day + pd.Timedelta(days=28)
        samples = [crm_probability(one, after, 50, np.random.default_rng(1)) for one in (history, handed)]
        if samples[0] is not None and samples[1] is not None:
            answered += 1
            np.testing.assert_allclose(samples[0].total, samples[1].total)
    assert answered > 5
