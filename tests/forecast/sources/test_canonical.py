from pathlib import Path

import pandas as pd
import pytest

from forecast.errors import FunnelError
from forecast.sources import Config, Known, Tables, load

DEALS = "deal_id,client,amount,created,owner\n1,X,10,2017-01-01,ann\n2,Y,,2017-01-01,bob\n"
HISTORY = """deal_id,stage,entered,amount
2,Lead,2017-01-01,
1,Offer,2017-01-02,12
1,Lead,2017-01-02,10
1,Won,2017-01-05,12
2,Lost,2017-01-03,
2,Lead,2017-01-09,7
"""


FILES = '[source]\ndeals = "deals.csv"\nstage_history = "stage_history.csv"\n'


def loaded(folder: Path, deals: str | None, history: str, toml: str = "") -> tuple[Config, Tables]:
    if deals is not None:
        (folder / "deals.csv").write_text(deals, encoding="utf-8")
    (folder / "stage_history.csv").write_text(history, encoding="utf-8")
    if toml:
        (folder / "funnel.toml").write_text(toml, encoding="utf-8")
    return load(folder)


def reasons(tables: Tables) -> dict[tuple[str, str], int]:
    return {(entry.file, entry.reason): entry.count for entry in tables.ledger.entries if entry.set_aside}


def test_the_pair(tmp_path: Path) -> None:
    config, tables = loaded(tmp_path, DEALS, HISTORY)
    assert config.funnel.states == ("Lead", "Offer", "Won", "Lost")
    history = tables.stage_history
    assert list(history["stage"]) == ["Lead", "Offer", "Won", "Lead", "Lost", "Lead"]  # the last reopened
    assert tables.deals["amount"].tolist() == [10.0, 7.0]  # missing in deals: the last of the history
    assert tables.known["amount"] is Known.CHANGE
    assert tables.known["owner"] is Known.CREATION
    assert not tables.timed
    assert {(rows.file, rows.read, rows.used) for rows in tables.ledger.files} == {
        ("deals.csv", 2, 2),
        ("stage_history.csv", 6, 6),
    }


def test_one_file(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        "OpportunityId;StageName;Timestamp;Account Name;Owner\n"
        "a;Offer;2017-01-02 10:00;X;ann\na;Lead;2017-01-02 10:00;X;bob\nb;Lead;2017-01-01 00:00;Y;bob\n"
    )
    config, tables = load(path)
    assert config.source.shape == "canonical"
    assert tables.timed
    # at identical times the order of the file
    assert list(tables.stage_history["stage"]) == ["Offer", "Lead", "Lead"]
    assert tables.deals["owner"].tolist() == ["ann", "bob"]  # the first value: known at creation
    assert tables.deals["created"].tolist() == [pd.Timestamp("2017-01-02 10:00"), pd.Timestamp("2017-01-01")]


def test_parquet_of_any_unit(tmp_path: Path) -> None:
    for unit in ("s", "ms", "us", "ns"):
        frame = pd.DataFrame({"deal_id": [7, 7], "stage": ["Lead", "Won"]})
        frame["entered"] = pd.Series(pd.to_datetime(["2017-01-01", "2017-01-02"])).dt.as_unit(unit)
        frame.to_parquet(tmp_path / "log.parquet")
        _, tables = load(tmp_path / "log.parquet")
        assert tables.deals["deal_id"].tolist() == ["7"]
        assert tables.recorded_until == pd.Timestamp("2017-01-03")


def test_a_row_that_cannot_be_used_takes_its_deal_with_it(tmp_path: Path) -> None:
    more = "".join(f"g{n},Lead,2017-01-01,\n" for n in range(20))
    deals = DEALS + "".join(f"g{n},X,1,,ann\n" for n in range(20))
    _, tables = loaded(tmp_path, deals, HISTORY + more + "1,Offer,once,3\n")
    assert reasons(tables) == {
        ("deals.csv", "no usable stage in stage_history.csv"): 1,
        ("stage_history.csv", "not a date in 'entered'"): 1,
        ("stage_history.csv", "another row of its deal cannot be used"): 3,
    }
    assert "1" not in set(tables.deals["deal_id"])


def test_rows_without_a_partner_and_rows_after_the_win(tmp_path: Path) -> None:
    more = "9,Lead,2017-01-01,\n1,Lead,2017-01-07,\n1,Won,2017-01-05,12\n"
    _, tables = loaded(tmp_path, DEALS + "8,Z,1,2017-01-01,eve\n", HISTORY + more)
    assert reasons(tables) == {
        ("deals.csv", "no usable stage in stage_history.csv"): 1,
        ("stage_history.csv", "its deal is not among those used of deals.csv"): 1,
        ("stage_history.csv", "after the deal was won"): 1,
        ("stage_history.csv", "repeats another row"): 1,
    }


def test_created_after_the_first_stage(tmp_path: Path) -> None:
    deals = DEALS.replace("1,X,10,2017-01-01", "1,X,10,2017-01-03").replace("2017-01-01,bob", "2017-01-01 10:00,bob")
    _, tables = loaded(tmp_path, deals, HISTORY)
    assert reasons(tables) == {
        ("deals.csv", "entered a stage before it was created (exit before entry)"): 1,
        ("stage_history.csv", "its deal is not among those used of deals.csv"): 3,
    }
    assert tables.deals["created"].tolist() == [pd.Timestamp("2017-01-01")]  # the same day: moved to the stage


def test_after_the_last_recorded_day(tmp_path: Path) -> None:
    toml = FILES + "[recording]\nuntil = 2017-01-04\n"
    _, tables = loaded(tmp_path, DEALS, HISTORY, toml)
    assert reasons(tables) == {("stage_history.csv", "after the last recorded day (2017-01-04)"): 2}
    assert list(tables.stage_history["stage"]) == ["Lead", "Offer", "Lead", "Lost"]


def test_stage_names_in_other_spellings(tmp_path: Path) -> None:
    toml = FILES + '[funnel]\nstages = ["Lead", "Offer"]\nwon = "Won"\n'
    _, tables = loaded(tmp_path, DEALS, HISTORY.replace("1,Won", "1,WON").replace("1,Offer", "1, offer "), toml)
    assert list(tables.stage_history["stage"])[:3] == ["Lead", "Offer", "Won"]
    told = {entry.reason: entry.count for entry in tables.ledger.entries}
    assert told["stage name spelled differently"] == 2


@pytest.mark.parametrize(
    ("history", "toml", "told"),
    [
        ("deal_id,when,entered\n1,A,2017-01-01\n", "", "there is no column for stage"),
        ("stage,entered\nA,2017-01-01\n", "", "there is no column for deal_id"),
        (
            HISTORY,
            '[funnel]\nstages = ["Lead", "Offers"]\n',
            "'Offer' .1..\nStages: Lead, Offers, .* mean 'Offers'",
        ),
        (HISTORY.replace("2017-01-0", "day "), "", "'entered': too many of these are not dates\n6 rows"),
        (HISTORY.replace("Lead", "Won").replace("Offer", "Won"), "", "there is no open stage"),
        (HISTORY.replace("2017", "2150"), "", "all dates are in the future"),
        (HISTORY.replace(",12\n", ",12 €\n").replace(",7\n", ",$7\n"), "", "several currencies"),
    ],
)
def test_errors(tmp_path: Path, history: str, toml: str, told: str) -> None:
    with pytest.raises(FunnelError, match=told):
        loaded(tmp_path, DEALS, history, toml + FILES)


def test_many_deals_with_two_rows(tmp_path: Path) -> None:
    with pytest.raises(FunnelError, match=r"deals\.csv, column 'deal_id': rows with the same deal id differ\n2 rows"):
        loaded(tmp_path, DEALS + "1,X,11,2017-01-01,ann\n", HISTORY)


def test_no_funnel_in_the_folder(tmp_path: Path) -> None:
    with pytest.raises(FunnelError, match="there is no funnel in this folder"):
        load(tmp_path)
    (tmp_path / "funnel.toml").write_text("")
    with pytest.raises(FunnelError, match="names no file"):
        load(tmp_path)
