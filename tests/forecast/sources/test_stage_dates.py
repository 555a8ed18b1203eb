from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from forecast.errors import FunnelError
from forecast.sources import Config, Known, Tables, load

TOML = """
[funnel]
stages = ["A", "B"]
[source]
shape = "stage_dates"
deals = "deals.csv"
[source.stage_dates]
A = "in_a"
B = "in_b"
[source.outcome]
column = "status"
date = "closed"
"""


def loaded(folder: Path, rows: str, toml: str = TOML) -> tuple[Config, Tables]:
    (folder / "deals.csv").write_text(rows, encoding="utf-8")
    (folder / "funnel.toml").write_text(toml, encoding="utf-8")
    return load(folder)


def story(tables: Tables, deal: str) -> list[tuple[str, str]]:
    rows = tables.stage_history[tables.stage_history["deal_id"] == deal]
    return [(stage, str(day.date())) for stage, day in zip(rows["stage"], rows["entered"], strict=True)]


def reasons(tables: Tables) -> dict[str, int]:
    return {entry.reason: entry.count for entry in tables.ledger.entries if entry.set_aside}


def test_a_date_per_stage(tmp_path: Path) -> None:
    rows = """id,client,value,in_a,in_b,status,closed
    3,X,30,2017-01-05,,A,
    1,X,10,2017-01-01,2017-01-03,Won,2017-01-03
    2,Y,,2017-01-02,,Lost,2017-01-09
    4,,,,2017-01-04,B,2018-01-01
    5,Y,5,2017-01-08,2017-01-07,B,
    """.replace("    ", "")
    config, tables = loaded(tmp_path, rows)
    assert tables.deals["deal_id"].tolist() == ["1", "2", "3", "4", "5"]
    # entered and won on one day: in funnel order
    assert story(tables, "1") == [("A", "2017-01-01"), ("B", "2017-01-03"), ("Won", "2017-01-03")]
    assert story(tables, "2") == [("A", "2017-01-02"), ("Lost", "2017-01-09")]
    assert story(tables, "4") == [("B", "2017-01-04")]  # open: its date of closing is only expected
    assert story(tables, "5") == [("B", "2017-01-07"), ("A", "2017-01-08")]  # a return
    assert tables.deals["created"].dt.day.tolist() == [1, 2, 5, 4, 7]
    assert not tables.timed
    assert tables.recorded_until == pd.Timestamp("2017-01-10")
    assert config.source.shape == "stage_dates"
    notes = {entry.reason for entry in tables.ledger.entries if not entry.set_aside}
    assert notes == {"open, yet it has a date of closing", "dates are not in the order of the stages"}


def test_times_of_day_and_zones(tmp_path: Path) -> None:
    rows = "id,in_a,in_b,status,closed\n1,2017-01-01T09:00:00+02:00,2017-01-01,Won,2017-01-02\n"
    _, tables = loaded(tmp_path, rows)
    assert tables.timed
    assert tables.stage_history["entered"].iloc[1] == pd.Timestamp("2017-01-01 07:00")


def test_a_day_of_closing_beside_times_of_entering(tmp_path: Path) -> None:
    rows = "id,in_a,in_b,status,closed\n1,2017-01-01 09:00,,Won,2017-01-01\n"
    _, tables = loaded(tmp_path, rows)
    assert [stage for stage, _ in story(tables, "1")] == ["A", "Won"]


def test_only_created_closed_and_outcome(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(
        "Opportunity ID;Created;Close Date;Status\n"
        "1;01/02/2017;13/02/2017;closed won\n2;2/2/2017;;Talking\n3;2/2/2017;;Waiting\n"
    )
    config, tables = load(path)
    assert config.funnel.states == ("Open", "closed won", "Lost")
    assert story(tables, "1") == [("Open", "2017-02-01"), ("closed won", "2017-02-13")]
    assert story(tables, "2") == [("Open", "2017-02-02")]


def test_columns_named_after_stages(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(
        "id,created,date_entered_offer,date_entered_lead,won_date,lost_date\n"
        "1,2017-01-01,2017-01-05,2017-01-02,2017-01-09,\n"
        "2,2017-01-01,,2017-01-02,,2017-01-03\n"
        "3,2017-01-01,2017-01-08,2017-01-02,,\n"
    )
    config, tables = load(path)
    assert config.funnel.states == ("Lead", "Offer", "Won", "Lost")
    assert story(tables, "1") == [("Lead", "2017-01-02"), ("Offer", "2017-01-05"), ("Won", "2017-01-09")]
    assert story(tables, "2")[-1] == ("Lost", "2017-01-03")
    assert tables.deals["created"].dt.day.tolist() == [1, 1, 1]


HEADER = "id,value,in_a,in_b,status,closed\n"
OUTCOMES = ["A,"] * 10 + ["Won,2017-01-01"] * 10
GOOD = "".join(f"g{number},5,2017-01-01,,{ended}\n" for number, ended in enumerate(OUTCOMES))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",5,2017-01-01,,A,", "no deal id"),
        ("g0,5,2017-01-01,,A,", "repeats another row"),
        ("x,5,someday,,A,", "not a date in 'in_a'"),
        ("x,5,2017-01-01,,Won,2017-02-31", "not a date in 'closed'"),
        ("x,5,,,A,", "no date: when this deal existed cannot be told"),
        ("x,5,,,Elsewhere,", "no date: when this deal existed cannot be told"),
        ("x,5,2017-01-02,,Won,", "won or lost, but no date of closing"),
        ("x,5,2017-01-02,,,2017-01-03", "closed, but neither won nor lost"),
        ("x,5,2017-01-02,2017-01-05,Lost,2017-01-03", "closed before it entered a stage (exit before entry)"),
        ("x,5,2150-01-01,,A,", "begins after the last recorded day (2017-01-01)"),
        ("x,5,2017-01-01,A,", "the number of fields differs from the header's"),
    ],
)
def test_a_bad_row_is_set_aside_with_its_reason(tmp_path: Path, row: str, reason: str) -> None:
    _, tables = loaded(tmp_path, HEADER + GOOD + row + "\n")
    assert reasons(tables) == {reason: 1}
    (rows,) = tables.ledger.files
    assert (rows.read, rows.used, rows.set_aside) == (21, 20, 1)
    assert tables.ledger.entries[0].examples[0].startswith("row 22")


@pytest.mark.parametrize(("value", "reason"), [("-5", "negative amount"), ("much", "not an amount")])
def test_of_a_bad_amount_only_the_amount_is_unknown(tmp_path: Path, value: str, reason: str) -> None:
    _, tables = loaded(tmp_path, HEADER + GOOD + f"x,{value},2017-01-01,,Won,2017-01-01\n")
    assert reasons(tables) == {}
    assert tables.deals.set_index("deal_id")["amount"].isna().sum() == 1
    assert story(tables, "x")[-1][0] == "Won"
    told = {entry.reason: entry for entry in tables.ledger.entries}
    assert told[f"{reason} in 'value'"].doubt
    assert told[f"{reason} in 'value'"].examples == (f"row 22: {value}",)
    assert told["won without an amount"].effect == "counts as zero revenue: 9 % of the wins"


def test_deals_that_differ_are_both_set_aside(tmp_path: Path) -> None:
    _, tables = loaded(tmp_path, HEADER + GOOD + "g0,6,2017-01-01,,A,\n")
    assert reasons(tables) == {"rows with the same deal id differ": 2}


def test_after_the_last_recorded_day_a_deal_counts_as_open(tmp_path: Path) -> None:
    rows = HEADER + "1,5,2017-01-01,,Won,2017-03-01\n2,5,2017-02-01,,A,\n"
    _, tables = loaded(tmp_path, rows, TOML + "[recording]\nuntil = 2017-01-31\n")
    assert story(tables, "1") == [("A", "2017-01-01")]
    assert reasons(tables) == {"begins after the last recorded day (2017-01-31)": 1}
    assert tables.recorded_until == pd.Timestamp("2017-02-01")


@pytest.mark.parametrize(
    ("rows", "toml", "told"),
    [
        ("id,in_a,status,closed\n1,2017-01-01,A,\n", TOML, "there is no column 'in_b' .for entered B"),
        (
            HEADER + "1,5,2017-01-01,,Offr,\n",
            TOML,
            "'status': stages that the funnel does not have\n1 row, .*'Offr'",
        ),
        (HEADER + "1,5,2017-01-02,,Won,2017-01-01\n", TOML, "no usable row is left.*exit before entry"),
        (
            HEADER + "1,5,soon,,A,\n2,5,2017-01-01,,A,\n",
            TOML,
            "'in_a': too many of these are not dates\n1 row.*row 2: soon",
        ),
        (HEADER + "1,5 €,2017-01-01,,A,\n2,$5,2017-01-01,,A,\n", TOML, "several currencies"),
        (
            HEADER + "1,5 €,2017-01-01,,A,\n",
            TOML.replace("[funnel]", '[funnel]\ncurrency = "USD"'),
            "in EUR, the funnel in USD",
        ),
        (HEADER + GOOD, TOML + "[known]\nvalu = 'close'", "valu: there is no such column"),
        (HEADER + GOOD, TOML + "[model]\nattributes = ['ownr']", "there is no column 'ownr'"),
        (
            HEADER + GOOD,
            TOML + "[source.replace.producta]\na = 'b'",
            "producta. names a column that is not there",
        ),
        (
            HEADER + GOOD,
            TOML + "[[source.join]]\nfile = 'no.csv'\non = 'deal_id'\ncolumns = []",
            "no.csv: there is no such file",
        ),
    ],
)
def test_errors(tmp_path: Path, rows: str, toml: str, told: str) -> None:
    with pytest.raises(FunnelError, match=told):
        loaded(tmp_path, rows, toml)


def test_known_late(tmp_path: Path) -> None:
    closed = "".join(f"c{n},7,2017-01-01,,Won,2017-02-01,in,out\n" for n in range(20))
    opened = "".join(f"o{n},,2017-01-01,,A,,,out\n" for n in range(20))
    (tmp_path / "more.csv").write_text("segment,extra\nin,1\n")
    toml = TOML + "[[source.join]]\nfile = 'more.csv'\non = 'segment'\ncolumns = ['extra']\n"
    _, tables = loaded(tmp_path, HEADER.strip() + ",segment,owner\n" + closed + opened, toml)
    late = {name for name, known in tables.known.items() if known is Known.CLOSE}
    assert late == {"amount", "segment", "extra"}  # extra is found through segment


def test_joined_columns(tmp_path: Path) -> None:
    (tmp_path / "teams.csv").write_text("agent,lead\nann,T1\nbob,T2\nbob,T2\neve,T3\neve,T4\n")
    toml = TOML + "[[source.join]]\nfile = 'teams.csv'\non = 'owner'\nkey = 'agent'\ncolumns = { team = 'lead' }\n"
    rows = "id,owner,in_a,in_b,status,closed\n" + "".join(
        f"{number},{name},2017-01-01,,A,\n" for number, name in enumerate(["ann", "bob", "eve", "zoe", ""])
    )
    with pytest.raises(FunnelError, match="rows with the same owner differ"):
        loaded(tmp_path, rows, toml)
    (tmp_path / "teams.csv").write_text("agent,lead\nann,T1\nbob,T2\nbob,T2\n")
    _, tables = loaded(tmp_path, rows, toml)
    assert tables.deals["team"].tolist()[:2] == ["T1", "T2"]
    assert tables.deals["team"].isna().tolist() == [False, False, True, True, True]
    assert reasons(tables) == {"repeats another row": 1}
    assert [entry.count for entry in tables.ledger.entries if not entry.set_aside] == [2]


def test_recording(tmp_path: Path) -> None:
    toml = TOML + "[recording]\nfrom = 2017-01-01\nuntil = 2017-01-31\n"
    config, tables = loaded(tmp_path, HEADER + GOOD, toml)
    assert config.recording.until == date(2017, 1, 31)
    assert tables.recorded_from == pd.Timestamp("2017-01-01")
