"""What tables of the real world do, and how it is handled; docs/sources.md has a line on each."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from forecast.errors import FunnelError
from forecast.history import as_of
from forecast.sources import Config, Known, Tables, load


def loaded(folder: Path, source: str, more: str = "", **files: str) -> tuple[Config, Tables]:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    named = "".join(f'{name} = "{name}.csv"\n' for name in files if name in ROLES)
    (folder / "funnel.toml").write_text(f"{more}\n[source]\n{named}{source}\n", encoding="utf-8")
    return load(folder)


ROLES = ("deals", "stage_history", "stage_labels", "pipelines", "accounts", "merged")
HISTORY = "id,stage,entered\n1,A,2017-01-01\n1,B,2017-01-05\n1,Won,2017-01-09\n"
HISTORY += "2,A,2017-01-02\n2,Lost,2017-01-08\n3,A,2017-01-03\n"


def entries(tables: Tables) -> dict[str, int]:
    return {entry.reason: entry.count for entry in tables.ledger.entries}


def story(tables: Tables, deal: str) -> list[str]:
    return tables.stage_history.loc[tables.stage_history["deal_id"] == deal, "stage"].tolist()


def test_stage_ids_are_joined_to_labels(tmp_path: Path) -> None:
    labels = "stage_id,label,display_order,closed_won,is_closed\n12,Talk,0,false,false\n7,Offer,1,false,false\n"
    labels += "99,Signed,2,true,true\n4,Gone,3,false,true\n"
    rows = "deal_id,value,date_entered\n1,12,2017-01-01\n1,7,2017-01-02\n1,99,2017-01-03\n"
    rows += "2,7,2017-01-01\n2,4,2017-01-09\n"
    config, tables = loaded(tmp_path, "", stage_history=rows, stage_labels=labels)
    assert config.funnel.states == ("Talk", "Offer", "Signed", "Gone")
    assert story(tables, "1") == ["Talk", "Offer", "Signed"]


def test_merged_and_deleted_deals_are_left_out(tmp_path: Path) -> None:
    deals = "id,created,is_deleted\n1,2017-01-01,false\n2,2017-01-02,false\n3,2017-01-03,true\n"
    merged = "deal_id,merged_deal_id\n1,2\n1,77\n"
    _, tables = loaded(tmp_path, "", deals=deals, stage_history=HISTORY, merged=merged)
    assert tables.deals["deal_id"].tolist() == ["1"]
    assert entries(tables) == {"merged into another deal": 2, "deleted": 1} | {"deleted": 1}
    assert tables.ledger.read == tables.ledger.used + tables.ledger.set_aside == 9
    _, tables = loaded(tmp_path, "keep_deleted = true", deals=deals, stage_history=HISTORY)
    assert len(tables.deals) == 3
    inside = "id,created,hs_merged_object_ids\n1,2017-01-01,2;77\n2,2017-01-02,\n3,2017-01-03,\n"
    _, tables = loaded(tmp_path, "", deals=inside, stage_history=HISTORY)
    assert tables.deals["deal_id"].tolist() == ["1", "3"]


def test_several_pipelines_have_to_be_chosen_from(tmp_path: Path) -> None:
    deals = "id,created,pipeline\n1,2017-01-01,default\n2,2017-01-02,p2\n3,2017-01-03,default\n"
    names = "pipeline_id,label\ndefault,New business\np2,Renewals\n"
    with pytest.raises(FunnelError, match=r"several pipelines\nfor instance 'New business' \(2 rows\); 'Renewals' \(1"):
        loaded(tmp_path, "", deals=deals, stage_history=HISTORY, pipelines=names)
    for chosen in ("New business", "default"):
        _, tables = loaded(tmp_path, f'pipeline = "{chosen}"', deals=deals, stage_history=HISTORY, pipelines=names)
        assert tables.deals["deal_id"].tolist() == ["1", "3"]
    assert {(e.file, e.count) for e in tables.ledger.entries} == {("deals.csv", 1), ("stage_history.csv", 2)}
    _, tables = loaded(tmp_path, 'pipeline = "*"', deals=deals, stage_history=HISTORY)
    assert len(tables.deals) == 3
    with pytest.raises(FunnelError, match=r"no pipeline 'Renewal'.*\n.*\nDid you mean 'Renewals'"):
        loaded(tmp_path, 'pipeline = "Renewal"', deals=deals, stage_history=HISTORY, pipelines=names)


def test_two_changes_on_one_day_are_in_funnel_order(tmp_path: Path) -> None:
    rows = "id,stage,entered\n1,B,2017-01-01\n1,A,2017-01-01\n1,Won,2017-01-02\n2,A,2017-01-01\n2,B,2017-01-03\n"
    _, tables = loaded(tmp_path, "", deals=rows)
    assert story(tables, "1") == ["A", "B", "Won"]


def test_the_same_stage_twice_in_a_row_is_one_visit(tmp_path: Path) -> None:
    rows = "id,stage,entered\n1,A,2017-01-01\n1,A,2017-01-03\n1,B,2017-01-05\n"
    config, tables = loaded(tmp_path, "", deals=rows)
    assert as_of(tables, config.funnel, tables.recorded_until).visits.state.tolist() == [0, 1]


def test_skips_returns_and_reopened_deals_are_kept(tmp_path: Path) -> None:
    rows = "id,stage,entered\n" + "".join(f"{n},{s},2017-01-0{d}\n" for n in "456" for d, s in enumerate("ABC", 1))
    for deal, stages in (("1", "A C A B"), ("2", "A Lost B Won")):
        rows += "".join(f"{deal},{stage},2017-02-0{day}\n" for day, stage in enumerate(stages.split(), 1))
    config, tables = loaded(tmp_path, "", deals=rows)
    visits = as_of(tables, config.funnel, tables.recorded_until).visits
    assert config.funnel.stages == ("A", "B", "C")
    assert visits.state[visits.deal == 0].tolist() == [0, 2, 0, 1]
    assert visits.state[visits.deal == 1].tolist() == [0, 4, 1, 3]


def test_history_that_starts_later_than_the_deals_is_late_entry(tmp_path: Path) -> None:
    deals = "Id,CreatedDate,StageName,Amount\n1,2016-01-01,B,5\n2,2016-02-01,A,6\n3,2017-03-01,Closed Won,7\n"
    rows = "OpportunityId,Field,OldValue,NewValue,CreatedDate\n1,StageName,A,B,2017-01-10\n"
    rows += "3,StageName,A,B,2017-03-05\n3,StageName,B,Closed Won,2017-03-09\n3,Owner,x,y,2017-03-09\n"
    config, tables = loaded(tmp_path, "", deals=deals, stage_history=rows)
    assert config.source.shape == "field_history"
    assert tables.recorded_from == pd.Timestamp("2017-01-10")
    assert story(tables, "1") == ["A", "B"]
    assert story(tables, "2") == ["A"]
    assert tables.stage_history["entered"].iloc[0] == pd.Timestamp("2016-01-01")
    assert entries(tables) == {"a change of another field": 1}


def test_fields_that_are_overwritten_are_unknown_as_of_the_past(tmp_path: Path) -> None:
    deals = "id,created,forecast,expected_close\n1,2017-01-01,yes,2017-09-09\n2,2017-01-02,no,\n3,2017-01-03,no,\n"
    known = '[known]\nforecast = "overwritten"\n'
    config, tables = loaded(tmp_path, "", known, deals=deals, stage_history=HISTORY)
    assert tables.known["expected_close"] is Known.OVERWRITTEN  # by itself
    history = as_of(tables, config.funnel, pd.Timestamp("2017-01-06"))
    assert history.deals[["forecast", "expected_close"]].isna().all(axis=None)


def test_days_are_those_of_the_funnels_time_zone(tmp_path: Path) -> None:
    rows = "id,stage,entered\n1,A,2017-12-01T10:00:00Z\n1,Won,2018-01-01T04:30:00Z\n2,A,2017-12-05 10:00\n"
    _, tables = loaded(tmp_path, "", deals=rows)
    assert tables.stage_history["entered"].iloc[1] == pd.Timestamp("2018-01-01 04:30")
    _, tables = loaded(tmp_path, 'timezone = "America/New_York"', deals=rows)
    assert tables.stage_history["entered"].astype(str).tolist() == [
        "2017-12-01 05:00:00",
        "2017-12-31 23:30:00",
        "2017-12-05 10:00:00",
    ]
    assert entries(tables)["'entered' has times with and without a zone"] == 1
    with pytest.raises(FunnelError, match=r"'Europe/Pari' is not a time zone. Did you mean 'Europe/Paris'"):
        loaded(tmp_path, 'timezone = "Europe/Pari"', deals=rows)


def test_currencies_are_converted_by_a_table_of_rates_or_refused(tmp_path: Path) -> None:
    deals = "id,created,amount,currency\n1,2017-01-01,100,USD\n2,2017-01-02,200,EUR\n3,2017-01-03,300,\n"
    history = HISTORY.replace("\n", ",\n").replace("entered,", "entered,amount").replace("01-09,", "01-09,110")
    with pytest.raises(FunnelError, match=r"several currencies\n.*\nWrite \[source.rates\]"):
        loaded(tmp_path, "", deals=deals, stage_history=history)
    euro = '[funnel]\ncurrency = "EUR"\n'
    rates = "[source.rates]\nUSD = 0.5\n"
    config, tables = loaded(tmp_path, rates, euro, deals=deals, stage_history=history)
    assert config.funnel.currency == "EUR"
    assert tables.deals["amount"].tolist() == [50, 200, 300]
    assert tables.stage_history["amount"].dropna().iloc[0] == 55
    assert entries(tables)["amount converted to EUR"] == 1
    assert entries(tables)["no currency"] == 1
    with pytest.raises(FunnelError, match=r"currency without a rate\n1 row, for instance USD"):
        loaded(tmp_path, "[source.rates]\nGBP = 1.2\n", euro, deals=deals, stage_history=history)
    with pytest.raises(FunnelError, match="needs the currency that they lead to"):
        loaded(tmp_path, rates, deals=deals, stage_history=history)


def test_accounts_are_named_and_rolled_up_to_the_topmost_parent(tmp_path: Path) -> None:
    deals = "id,created,AccountId\n1,2017-01-01,a3\n2,2017-01-02,a1\n3,2017-01-03,zz\n"
    accounts = "Id,Name,ParentId\na1,Top,\na2,Middle,a1\na3,Shop,a2\n"
    _, tables = loaded(tmp_path, "", deals=deals, stage_history=HISTORY, accounts=accounts)
    assert tables.deals["client"].tolist() == ["Shop", "Top", "zz"]
    assert tables.deals["parent_client"].fillna("").tolist() == ["Top", "", ""]
    assert entries(tables) == {"'client' is not in accounts.csv": 1}
    assert tables.columns["parent_client"] == "accounts.csv: parent"
    around = "Id,Name,ParentId\na1,Top,a3\na2,Middle,a1\na3,Shop,a2\n"  # accounts above one another in a circle
    _, tables = loaded(tmp_path, "", deals=deals, stage_history=HISTORY, accounts=around)
    assert tables.deals["parent_client"].notna().sum() == 2


def test_client_names_that_differ_in_case_or_blanks_only(tmp_path: Path) -> None:
    deals = "id,created,client\n1,2017-01-01,Acme  Ltd\n2,2017-01-02,ACME Ltd\n3,2017-01-03,ACME Ltd\n"
    _, tables = loaded(tmp_path, "", deals=deals, stage_history=HISTORY)
    assert tables.deals["client"].nunique() == 2
    assert entries(tables)["client names differ in case or blanks only"] == 3
    _, tables = loaded(tmp_path, "merge_clients = true", deals=deals, stage_history=HISTORY)
    assert tables.deals["client"].unique().tolist() == ["ACME Ltd"]


def test_activities_that_enter_no_stage_are_set_aside_and_only_completions_count(tmp_path: Path) -> None:
    rows = "case:concept:name,concept:name,lifecycle:transition,time:timestamp\n"
    rows += "1,Submit,complete,2017-01-01\n1,Check,start,2017-01-02\n1,Check,complete,2017-01-03\n"
    rows += "1,Phone,complete,2017-01-03\n1,Approve,complete,2017-01-04\n2,Submit,complete,2017-01-05\n"
    funnel = '[funnel]\nstages = ["In", "Seen"]\n'
    stages = '[source.activities]\nSubmit = "In"\nCheck = "Seen"\nApprove = "Won"\n'
    _, tables = loaded(tmp_path, stages, funnel, deals=rows)
    assert story(tables, "1") == ["In", "Seen", "Won"]
    assert entries(tables) == {
        "no activity that [source.activities] names, in 'concept:name'": 1,
        "not the completion of its activity, by 'lifecycle:transition'": 1,
    }
    starts = stages.replace("Check =", '"Check:START" =')
    _, tables = loaded(tmp_path, starts, funnel, deals=rows)
    assert tables.stage_history["entered"].iloc[1] == pd.Timestamp("2017-01-02")
    again = rows + "1,Submit,complete,2017-01-04\n"
    _, tables = loaded(tmp_path, stages, funnel, deals=again)
    assert story(tables, "1") == ["In", "Seen", "In", "Won"]
    _, tables = loaded(tmp_path, 'once = ["In"]\n' + stages, funnel, deals=again)
    assert story(tables, "1") == ["In", "Seen", "Won"]
    with pytest.raises(FunnelError, match=r"\[source.activities\] 'Sen' is not a stage. Did you mean 'Seen'"):
        loaded(tmp_path, stages.replace('"Seen"', '"Sen"'), funnel, deals=rows)


def test_deals_that_vanish_from_snapshots_are_lost_on_that_day(tmp_path: Path) -> None:
    rows = "deal_id,snapshot_date,stage,amount\n"
    for day in range(1, 6):
        rows += f"1,2017-01-0{day},{'A' if day < 4 else 'Won'},5\n2,2017-01-0{day},A,7\n"
        rows += f"3,2017-01-0{day},A,9\n" if day in (2, 3) else ""
    config, tables = loaded(tmp_path, "", deals=rows)
    assert config.source.shape == "snapshots"
    assert story(tables, "3") == ["A", "Lost"]
    assert tables.stage_history["entered"].astype(str).tolist() == [
        "2017-01-01", "2017-01-04", "2017-01-01", "2017-01-02", "2017-01-04",
    ]  # fmt: skip
    assert tables.recorded_from == pd.Timestamp("2017-01-02")
    assert (tables.ledger.read, tables.ledger.used) == (12, 12)
    assert entries(tables) == {"in the first snapshot already": 2, "missing from later snapshots while open": 1}
    with pytest.raises(FunnelError, match="deals vanish from the snapshots, and none is ever shown as won"):
        loaded(tmp_path, "", deals=rows.replace("Won", "A"))


def test_deals_older_than_the_first_versions_were_there_when_copying_began(tmp_path: Path) -> None:
    rows = "id,stage_name,created_date,_fivetran_start,_fivetran_end\n"
    rows += "1,A,2016-05-01,2017-01-01 10:00,2017-01-05 09:00\n1,B,2016-05-01,2017-01-05 09:00,9999-12-31\n"
    rows += "2,A,2016-07-01,2017-01-01 10:00,9999-12-31\n3,A,2017-01-09,2017-01-09 08:00,9999-12-31\n"
    config, tables = loaded(tmp_path, "", deals=rows)
    assert config.source.shape == "versions"
    assert tables.recorded_from == pd.Timestamp("2017-01-02")
    assert entries(tables)["older than the first versions"] == 2
    history = as_of(tables, config.funnel, tables.recorded_until)
    assert (history.deals["created"] >= tables.recorded_from).tolist() == [False, False, True]  # no arrivals but one


def test_a_shape_can_be_forced(tmp_path: Path) -> None:
    rows = "id,stage,created,closed,date\n1,Won,2017-01-01,2017-01-05,2017-02-01\n2,A,2017-01-02,,2017-02-01\n"
    config, _ = loaded(tmp_path, "", deals=rows)
    assert config.source.shape == "canonical"
    config, tables = loaded(tmp_path, 'shape = "closed_only"', deals=rows)
    assert config.source.shape == "closed_only"
    assert story(tables, "1") == ["A", "Won"]
    with pytest.raises(FunnelError, match="names no file of deals"):
        loaded(tmp_path, 'shape = "closed_only"', stage_history=rows)


def test_tables_are_found_in_a_folder_by_the_names_that_crms_give_them(tmp_path: Path) -> None:
    (tmp_path / "Opportunity.csv").write_text("Id,CreatedDate\n1,2017-01-01\n")
    text = "OpportunityId,StageName,CreatedDate,Amount\n1,A,2017-01-01,\n1,Closed Won,2017-01-02,5\n"
    (tmp_path / "OpportunityHistory.csv").write_text(text)
    (tmp_path / "other.csv").write_text("x\n1\n")
    config, tables = load(tmp_path)
    assert config.source.shape == "salesforce_history"
    assert story(tables, "1") == ["A", "Closed Won"]


@pytest.mark.parametrize(
    ("name", "rows", "shape"),
    [
        (
            "deal_stage.csv",
            "deal_id,value,date_entered\n1,A,1735812000000\n1,closedwon,1738490400000\n",
            "hubspot_history",
        ),
        (
            "x.csv",
            "OpportunityId,StageName,CreatedDate\n1,A,2025-01-02\n1,Closed Won,2025-02-02\n",
            "salesforce_history",
        ),
        ("y.csv", "deal_id,value,stage,date_entered\n1,5,A,2025-01-02\n1,5,Won,2025-02-02\n", "canonical"),
    ],
)
def test_a_history_alone_is_enough(tmp_path: Path, name: str, rows: str, shape: str) -> None:
    (tmp_path / name).write_text(rows)
    config, tables = load(tmp_path / name)
    assert config.source.shape == shape
    assert tables.stage_history["entered"].dt.strftime("%Y-%m-%d").tolist() == ["2025-01-02", "2025-02-02"]


def test_a_report_of_opportunities_is_no_history(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_text("Opportunity ID,Stage Name,Created Date,Close Date\n1,Closed Won,2025-01-02,2025-02-02\n")
    assert load(path)[0].source.shape == "closed_only"


def test_hubspots_own_export_of_dates(tmp_path: Path) -> None:
    head = '"Record ID","Deal Stage","Pipeline","Create Date","Close Date","Amount",'
    head += ",".join(f'"Date entered ""{stage} (Sales)"""' for stage in ("Qualified", "Offer", "Closed won")) + "\n"
    rows = "1,Closed won,Sales,2017-01-01,2017-01-09,5,2017-01-01,2017-01-04,2017-01-09\n"
    rows += "2,Offer,Sales,2017-01-02,2017-05-09,6,2017-01-02,2017-01-05,\n"
    config, tables = loaded(tmp_path, "", deals=head + rows)
    assert config.source.shape == "hubspot_dates"
    assert config.funnel.states == ("Qualified", "Offer", "Closed won", "Lost")
    assert story(tables, "1") == ["Qualified", "Offer", "Closed won"]
    assert story(tables, "2") == ["Qualified", "Offer"]


SHOTS = "deal_id,snapshot_date,stage,amount\n"


def test_rows_that_a_snapshot_holds_twice_are_told(tmp_path: Path) -> None:
    rows = SHOTS + "".join(f"{n},2017-01-0{day},A,5\n" for day in range(1, 5) for n in range(1, 9))
    rows += "1,2017-01-04,A,5\n2,2017-01-03,A,6\n"  # the same again; another amount on a day before
    _, tables = loaded(tmp_path, "", deals=rows)
    assert {e.reason: (e.count, e.wanted) for e in tables.ledger.entries if e.set_aside} == {
        "repeats another row": (1, True),
        "another row of the deal on this day, by 'snapshot_date'": (1, False),
    }
    amounts = tables.stage_history.loc[tables.stage_history["deal_id"] == "2", ["entered", "amount"]]
    assert [(str(day.date()), amount) for day, amount in amounts.to_numpy()] == [
        ("2017-01-01", 5), ("2017-01-03", 6), ("2017-01-04", 5),
    ]  # fmt: skip


def test_a_snapshot_that_takes_its_time_is_one_day(tmp_path: Path) -> None:
    rows = SHOTS + "".join(f"{n},2017-01-0{day} 06:00:{n:02d},A,5\n" for day in range(1, 4) for n in range(1, 6))
    _, tables = loaded(tmp_path, "", deals=rows)
    assert set(entries(tables)) == {"in the first snapshot already"}  # none vanishes
    assert (len(tables.stage_history), tables.timed) == (5, False)


def test_what_was_closed_before_the_first_snapshot_is_told_apart(tmp_path: Path) -> None:
    rows = SHOTS + "1,2017-01-01,Won,5\n1,2017-01-02,Won,5\n2,2017-01-01,A,5\n2,2017-01-02,Lost,5\n"
    _, tables = loaded(tmp_path, "", deals=rows)
    told = {entry.reason: entry.effect for entry in tables.ledger.entries}
    assert told["in the first snapshot already"].startswith("how long it had been in its stage")
    assert told["closed in the first snapshot already"].startswith("when it was closed is not known: counted as won")
    assert story(tables, "1") == ["Won"]
