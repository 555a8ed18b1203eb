from pathlib import Path

import pandas as pd
import pytest

from forecast.sources import Tables, load
from forecast.sources.ids import as_written, plain

# As a connector's test data have it.
SHORT, LONG = "006q000000HK8jd", "006q000000HK8jdAAD"


@pytest.mark.parametrize(
    ("one", "other"),
    [("7.0", "7"), ("007", "7"), ("0", "0.00"), (LONG, SHORT), ("003D000000QV9n2IAD", "003D000000QV9n2")],
)
def test_ways_to_write_an_id(one: str, other: str) -> None:
    assert plain(one) == plain(other)


@pytest.mark.parametrize("name", ["7.5", "A7.0", "v1.0", "006q000000HK8jdAAA", "006q000000hk8jd", "D0001", ""])
def test_other_ids_are_left_as_they_are(name: str) -> None:
    assert plain(name) == name


def test_only_what_means_one_id_is_rewritten() -> None:
    ids = pd.Series(["1", "2.0", "03", "4.0", None], dtype="str")
    others = pd.Series(["1", "2", "3", "03.0", "5"], dtype="str")
    assert as_written(ids, others).fillna("").tolist() == ["1", "2", "03", "4.0", ""]  # 3 and 03.0 are two ids there


def loaded(folder: Path, **files: str) -> Tables:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    (folder / "funnel.toml").write_text("[source]\n" + "".join(f'{name} = "{name}.csv"\n' for name in files))
    return load(folder)[1]


@pytest.mark.parametrize("swapped", [False, True])
def test_short_and_long_ids_of_salesforce_meet(tmp_path: Path, swapped: bool) -> None:
    mine, other = (SHORT, LONG) if swapped else (LONG, SHORT)
    account = "001D000000IRFma"
    tables = loaded(
        tmp_path,
        deals=f"Id,CreatedDate,AccountId\n{mine},2025-01-01,{account}IAH\n",
        stage_history=f"OpportunityId,StageName,CreatedDate\n{other},A,2025-01-01\n{other},Closed Won,2025-01-09\n",
        accounts=f"Id,Name\n{account},Acme\n",
    )
    assert tables.deals["deal_id"].tolist() == [mine]
    assert tables.deals["client"].tolist() == ["Acme"]
    (entry,) = [entry for entry in tables.ledger.entries if "deal id" in entry.reason]
    assert (entry.reason, entry.count) == ("deal id written differently in deals.csv", 2)
    assert tables.ledger.set_aside == 0


def test_numbers_with_decimals_meet_those_without(tmp_path: Path) -> None:
    tables = loaded(
        tmp_path,
        deals="id,created\n1.0,2025-01-01\n2.0,2025-01-01\n",
        stage_history="deal_id,value,date_entered\n1,77.0,2025-01-01\n2,78,2025-01-02\n",
        stage_labels="stage_id,label\n77,Talk\n78,Offer\n",
        merged="deal_id,merged_deal_id\n1,2\n",
    )
    assert tables.deals["deal_id"].tolist() == ["1.0"]
    assert tables.stage_history["stage"].tolist() == ["Talk"]
