"""What rows that can be read may yet be wrong about: told, set aside or refused, never passed over."""

from pathlib import Path

import pandas as pd
import pytest

from forecast.config_data import FunnelSection
from forecast.errors import FunnelError
from forecast.history import as_of, day_of
from forecast.setup import understood
from forecast.sources import Config, Known, Tables, load


def loaded(folder: Path, rows: str, toml: str = "") -> tuple[Config, Tables]:
    (folder / "rows.csv").write_text(rows, encoding="utf-8")
    if not toml:
        return load(folder / "rows.csv")
    (folder / "funnel.toml").write_text(toml + '\n[source]\ndeals = "rows.csv"\n', encoding="utf-8")
    return load(folder)


def notes(tables: Tables) -> dict[str, int]:
    return {entry.reason: entry.count for entry in tables.ledger.entries if not entry.set_aside}


def asides(tables: Tables) -> dict[str, int]:
    return {entry.reason: entry.count for entry in tables.ledger.entries if entry.set_aside}


CLOSED = "id,created,closed,status,value\n"


def deals(count: int, status: str, closed: str = "2017-02-01") -> str:
    return "".join(f"{status}{n},2017-01-{n % 28 + 1:02d},{closed},{status},5\n" for n in range(count))


# --- words ---


@pytest.mark.parametrize(("won", "lost"), [("Gewonnen", "Verloren"), ("Gagné", "Perdu"), ("Sold", "Dead")])
def test_usual_words_for_won_and_lost(tmp_path: Path, won: str, lost: str) -> None:
    config, tables = loaded(tmp_path, CLOSED + deals(6, won) + deals(6, lost) + deals(6, "Open", ""))
    assert (config.funnel.won, config.funnel.lost) == (won, lost)
    assert tables.stage_history["stage"].value_counts().to_dict() == {"Open": 18, won: 6, lost: 6}


def test_unusual_words_of_deals_with_a_day_of_closing_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(FunnelError, match=r"whether they mean open, won or lost\n6 rows.*'Kaput' .6"):
        loaded(tmp_path, CLOSED + deals(6, "Won") + deals(6, "Kaput") + deals(6, "Talking", ""))


def test_unusual_words_of_open_deals_are_a_guess_that_is_told(tmp_path: Path) -> None:
    rows = CLOSED + deals(6, "Won") + deals(3, "Talking", "") + deals(4, "Waiting", "2031-01-01")
    _, tables = loaded(tmp_path, rows)
    assert notes(tables)["neither a stage nor won or lost"] == 7


def test_several_words_for_lost_are_read_as_one(tmp_path: Path) -> None:
    config, tables = loaded(tmp_path, CLOSED + deals(6, "Won") + deals(6, "Lost") + deals(2, "Disqualified"))
    assert tables.stage_history["stage"].value_counts()[config.funnel.lost] == 8
    assert notes(tables)["other words for lost"] == 2


def test_two_spellings_of_won_are_one_and_told(tmp_path: Path) -> None:
    rows = "id,stage,entered\n" + "".join(
        f"{n},Lead,2017-01-05\n{n},{('Won', 'WON', 'closed won', 'Lost')[n % 4]},2017-02-05\n" for n in range(40)
    )
    config, tables = loaded(tmp_path, rows)
    assert config.funnel.states == ("Lead", "Won", "Lost")
    assert tables.stage_history["stage"].value_counts()["Won"] == 30
    assert notes(tables) == {"stage name spelled differently": 10, "other words for won": 10}


def test_two_spellings_of_a_stage_are_one_and_told(tmp_path: Path) -> None:
    rows = "id,stage,entered\n1,Lead,2017-01-01\n2,LEAD,2017-01-01\n3,Lead,2017-01-02\n3,First  Offer,2017-01-03\n"
    config, tables = loaded(tmp_path, rows + "2,first offer,2017-01-03\n1,First  Offer,2017-01-04\n")
    assert config.funnel.stages == ("Lead", "First  Offer")
    assert notes(tables) == {"stage name spelled differently": 2}


def test_an_end_beside_won_and_lost_is_a_doubt(tmp_path: Path) -> None:
    ends = ("Won", "Lost", "Kaput")
    rows = "id,stage,entered\n" + "".join(
        f"{n},Lead,2017-01-05\n{n},Offer,2017-01-09\n{n},{ends[n % 3]},2017-02-05\n" for n in range(30)
    )
    config, tables = loaded(tmp_path, rows)
    assert config.funnel.stages == ("Lead", "Offer", "Kaput")
    (entry,) = [entry for entry in tables.ledger.entries if entry.doubt]
    assert (entry.reason, entry.count) == ("'Kaput' is hardly ever left", 10)
    assert '[source.replace.stage] "Kaput" = "Lost"' in entry.effect
    replaced = '[funnel]\nname = "x"\n[source.replace.stage]\nKaput = "Lost"\n'
    config, tables = loaded(tmp_path, rows, replaced)
    assert (config.funnel.stages, notes(tables)) == (("Lead", "Offer"), {})
    said = '[funnel]\nstages = ["Lead", "Offer", "Kaput"]\n'
    assert notes(loaded(tmp_path, rows, said)[1]) == {}


def test_a_stage_that_nobody_leaves_is_an_error_where_none_is_called_lost(tmp_path: Path) -> None:
    moved = "".join(
        f"{n},Lead,2017-01-{n + 1:02d}\n{n},{'Won' if n % 2 else 'Kaput'},2017-02-{n + 1:02d}\n" for n in range(20)
    )
    with pytest.raises(FunnelError, match=r"no stage is called lost, but some.*\n.*'Kaput' \(10\)"):
        loaded(tmp_path, "id,stage,entered\n" + moved)
    config, _ = loaded(tmp_path, "id,stage,entered\n" + moved, '[funnel]\nlost = "Kaput"')
    assert config.funnel.stages == ("Lead",)


# --- what is counted, and how ---


def test_deals_recorded_only_when_won_and_wins_without_an_amount(tmp_path: Path) -> None:
    rows = "id,stage,entered,amount\n1,Lead,2017-01-01,5\n1,Won,2017-01-02,5\n2,Won,2017-01-03,\n3,Won,2017-01-04,7\n"
    _, tables = loaded(tmp_path, rows)
    assert notes(tables)["recorded only when won or lost"] == 2
    (entry,) = [e for e in tables.ledger.entries if e.reason == "won without an amount"]
    assert (entry.count, entry.effect) == (1, "counts as zero revenue: 33 % of the wins")


def test_deals_that_wait_for_their_first_stage_arrive_when_they_enter_it(tmp_path: Path) -> None:
    (tmp_path / "deals.csv").write_text("id,created\n1,2017-01-01\n2,2017-01-20\n3,2017-01-25\n")
    (tmp_path / "stage_history.csv").write_text("id,stage,entered\n1,A,2017-01-01\n2,A,2017-02-10\n3,A,2017-01-25\n")
    _, tables = load(tmp_path)
    assert notes(tables)["created before the first stage on record"] == 1
    funnel = FunnelSection(stages=("A",))
    before, after = (as_of(tables, funnel, pd.Timestamp(origin)) for origin in ("2017-02-01", "2017-02-11"))
    assert before.deals["deal_id"].tolist() == ["1", "3"]
    assert after.deals["created"].dt.strftime("%m-%d").tolist() == ["01-01", "02-10", "01-25"]


def test_amounts_of_deals_without_dated_ones_are_known_from_the_beginning(tmp_path: Path) -> None:
    (tmp_path / "deals.csv").write_text("id,amount\n1,10\n2,20\n3,30\n")
    rows = "id,stage,entered,amount\n1,A,2017-01-01,\n1,B,2017-02-01,12\n2,A,2017-01-02,\n3,A,2017-01-03,\n"
    (tmp_path / "stage_history.csv").write_text(rows)
    config, tables = load(tmp_path)
    assert tables.known["amount"] is Known.CHANGE
    history = as_of(tables, config.funnel, pd.Timestamp("2017-01-10"))
    assert history.deals["amount"].isna().tolist() == [True, False, False]
    assert notes(tables)["amount without a date, though other deals have dated ones"] == 2


# --- dates ---


WIDE = "id,created,lead_date,offer_date,won_date\n"
MONTH_FIRST = "1,1/2/2017,1/2/2017,1/15/2017,2/20/2017\n2,1/3/2017,1/3/2017,1/25/2017,\n"


def test_the_order_of_day_and_month_is_told_by_the_rows(tmp_path: Path) -> None:
    config, tables = loaded(tmp_path, WIDE + MONTH_FIRST)
    assert config.funnel.states == ("Lead", "Offer", "Won", "Lost")
    assert tables.stage_history["entered"].dt.strftime("%m-%d").tolist() == [
        "01-02",
        "01-15",
        "02-20",
        "01-03",
        "01-25",
    ]
    other = "1,2/1/2017,2/1/2017,15/1/2017,20/2/2017\n2,3/1/2017,3/1/2017,25/1/2017,\n"
    assert loaded(tmp_path, WIDE + other)[1].stage_history.equals(tables.stage_history)


def test_where_the_rows_do_not_tell_day_from_month_one_has_to_say_so(tmp_path: Path) -> None:
    rows = WIDE + "1,1/2/2017,1/2/2017,1/5/2017,2/6/2017\n2,1/3/2017,1/3/2017,,\n"
    with pytest.raises(FunnelError, match="these dates may be day first or month first\nfor instance 1/2/2017"):
        loaded(tmp_path, rows)
    for day_first, month in (("true", 2), ("false", 1)):
        (tmp_path / "funnel.toml").write_text(f'[source]\ndeals = "rows.csv"\nday_first = {day_first}\n')
        config, tables = load(tmp_path)
        assert config.funnel.stages == ("Lead", "Offer")
        assert tables.deals["created"].dt.month.iloc[0] == month
    with pytest.raises(FunnelError, match="some dates can only be day first, others only month first"):
        loaded(tmp_path, WIDE + MONTH_FIRST + "3,25/1/2017,25/1/2017,,\n")


def test_a_mistyped_year_is_set_aside(tmp_path: Path) -> None:
    good = "".join(f"{n},Lead,2024-01-{n % 28 + 1:02d}\n{n},Won,2024-03-01\n" for n in range(30))
    _, tables = loaded(tmp_path, "id,stage,entered\n" + good + "x,Lead,1924-01-05\nx,Won,2024-02-01\n")
    assert asides(tables) == {
        "a date that lies years before all others": 1,
        "another row of its deal cannot be used": 1,
    }
    wide = "".join(f"{n},2024-01-{n % 28 + 1:02d},2024-03-01,Won\n" for n in range(30))
    _, tables = loaded(tmp_path, "id,created,closed,status\n" + wide + "x,1924-01-05,2024-02-01,Won\n")
    assert asides(tables) == {"a date that lies years before all others": 1}


def test_a_history_of_a_century_is_refused_unless_it_is_declared(tmp_path: Path) -> None:
    rows = "id,stage,entered\n1,A,1924-01-05\n2,A,2024-01-05\n"
    with pytest.raises(FunnelError, match="the history would be 100 years long\nfor instance 1924-01-05"):
        loaded(tmp_path, rows)
    _, tables = loaded(tmp_path, rows, "[recording]\nfrom = 2023-01-01\n")
    assert len(tables.deals) == 2


def test_a_fresh_export_may_be_asked_about_a_week_after_its_last_event(tmp_path: Path) -> None:
    rows = "id,stage,entered\n1,A,2017-01-01\n1,B,2017-01-05\n"
    config, tables = loaded(tmp_path, rows)
    assert as_of(tables, config.funnel, pd.Timestamp("2017-01-13")).day == day_of(pd.Timestamp("2017-01-13"))
    with pytest.raises(FunnelError, match=r"later than the records reach .2017-01-05.\nAsk as of 2017-01-13"):
        as_of(tables, config.funnel, pd.Timestamp("2017-01-14"))
    config, tables = loaded(tmp_path, rows, "[recording]\nuntil = 2017-01-06\n")
    with pytest.raises(FunnelError, match="later than the records reach"):
        as_of(tables, config.funnel, pd.Timestamp("2017-01-08"))


def test_recording_that_begins_late_is_suspected(tmp_path: Path) -> None:
    late = "".join(f"a{n},2017-01-0{n + 1},2017-07-0{n + 1},Won\n" for n in range(5))
    late += "".join(f"b{n},2017-07-{n + 1:02d},2017-08-{n + 1:02d},Lost\n" for n in range(25))
    _, tables = loaded(tmp_path, "id,created,closed,status\n" + late)
    assert notes(tables)["begun before 2017-07-01, the day of the first deal won or lost"] == 5


# --- what is known when ---


def test_where_lost_deals_are_reopened_only_the_win_tells_what_is_known_at_close(tmp_path: Path) -> None:
    rows = "id,stage,entered,client\n"
    rows += "1,A,2017-01-01,X\n1,Lost,2017-01-10,X\n1,A,2017-02-01,X\n1,Won,2017-02-10,X\n"
    rows += "2,A,2017-01-01,Y\n2,Won,2017-01-10,Y\n3,A,2017-01-01,Z\n3,Lost,2017-01-10,Z\n"
    config, tables = loaded(tmp_path, rows, '[known]\nclient = "close"\n')
    assert tables.known["client"] is Known.WIN
    history = as_of(tables, config.funnel, pd.Timestamp("2017-01-20"))
    assert history.deals["client"].fillna("").tolist() == ["", "Y", ""]
    without = "".join(line for line in rows.splitlines(True) if not line.startswith("1,"))
    config, tables = loaded(tmp_path, without, '[known]\nclient = "close"\n')
    assert as_of(tables, config.funnel, pd.Timestamp("2017-01-15")).deals["client"].tolist() == ["Y", "Z"]


OUTCOMES = ("Won", "Lost", "Open")


def priced(won: str, lost: str, opened: str) -> str:
    """Thirty deals of each outcome, with these amounts (a number in {} goes up)."""
    rows = "id,created,closed,status,value\n"
    for n in range(90):
        value = (won, lost, opened)[n % 3].format(n)
        rows += f"{n},2017-01-{n % 28 + 1:02d},{'2017-03-01' if n % 3 < 2 else ''},{OUTCOMES[n % 3]},{value}\n"
    return rows


@pytest.mark.parametrize(
    ("won", "lost", "opened", "known", "because"),
    [
        ("{}1.37", "0", "0", Known.CLOSE, "guessed: missing or zero on 100 % of open deals, 0 % of won ones"),
        ("{}1.37", "", "", Known.CLOSE, "guessed: missing or zero on 100 % of open deals, 0 % of won ones"),
        ("{}1.37", "{}00", "5000", Known.WIN, "guessed: hundreds on 100 % of deals not won, 0 % of those won"),
        ("{}00", "{}00", "5000", Known.CREATION, "assumed: no row dates it"),
        ("{}1.37", "{}2.50", "{}3", Known.CREATION, "assumed: no row dates it"),
    ],
)
def test_amounts_that_are_set_at_the_end_are_guessed_where_the_data_tell(
    tmp_path: Path, won: str, lost: str, opened: str, known: Known, because: str
) -> None:
    config, tables = loaded(tmp_path, priced(won, lost, opened))
    assert tables.known["amount"] is known
    (use,) = [use for use in understood(config, tables).columns if use.name == "amount"]
    assert use.how == because


# --- too much of it ---


def test_when_most_rows_are_set_aside_it_is_an_error(tmp_path: Path) -> None:
    good, bad = deals(9, "Won"), "".join(f"x{n},2017-01-05,,Won,5\n" for n in range(10))
    with pytest.raises(FunnelError, match=r"most rows cannot be used \(10 of 19\); most often: won or lost"):
        loaded(tmp_path, CLOSED + good + bad)
    _, tables = loaded(tmp_path, CLOSED + good + good)  # every row twice is one table
    assert asides(tables) == {"repeats another row": 9}


def test_messages_hold_no_control_characters(tmp_path: Path) -> None:
    (tmp_path / "rows.parquet").write_bytes(b"PAR1\x1b[2Jx\x00\x07" * 20)
    with pytest.raises(FunnelError) as caught:
        load(tmp_path / "rows.parquet")
    assert all(line.isprintable() for line in str(caught.value).splitlines())
    (tmp_path / "rows.csv").write_bytes(b"\x7fELF\x02\x01\x1b[31m,\x00\x07\n" * 4)
    with pytest.raises(FunnelError) as caught:
        load(tmp_path / "rows.csv")
    assert all(line.isprintable() for line in str(caught.value).splitlines())


def test_at_midnight_of_the_first_the_new_month_has_begun(tmp_path: Path) -> None:
    rows = "id,stage,entered\n1,A,2017-01-10 09:00\n1,B,2017-02-01 00:00\n2,A,2017-01-31 10:00\n"
    config, tables = loaded(tmp_path, rows)
    visits = as_of(tables, config.funnel, pd.Timestamp("2017-02-02")).visits
    assert visits.left[0] > day_of(pd.Timestamp("2017-02-01"))


# --- stages that change ---


def walks(names: list[tuple[str, ...]], first: str, count: int = 20) -> str:
    begin = pd.Timestamp(first)
    return "".join(
        f"{first}-{n},{name},{(begin + pd.Timedelta(days=3 * n + 5 * place)).date()}\n"
        for n in range(count)
        for place, name in enumerate(names[n % len(names)])
    )


def test_a_renamed_stage_is_suspected(tmp_path: Path) -> None:
    rows = "id,stage,entered\n" + walks([("Lead", "Quote", "Won")], "2017-01-01")
    rows += walks([("Lead", "Offer", "Won"), ("Lead", "Offer", "Lost")], "2017-03-05")
    _, tables = loaded(tmp_path, rows)
    assert notes(tables)["'Quote' is entered until 2017-03-04, 'Offer' only after that"] == 20
    replace = '[source.replace.stage]\n"Quote" = "Offer"\n'
    (tmp_path / "funnel.toml").write_text('[source]\ndeals = "rows.csv"\n' + replace)
    config, _ = load(tmp_path)
    assert config.funnel.stages == ("Lead", "Offer")


def test_stages_that_change_places_are_told(tmp_path: Path) -> None:
    rows = "id,stage,entered\n" + walks([("Call", "Demo", "Won"), ("Call", "Demo", "Lost")], "2017-01-01", 30)
    rows += walks([("Demo", "Call", "Won")], "2017-05-01", 20)
    config, tables = loaded(tmp_path, rows)
    assert config.funnel.stages == ("Call", "Demo")
    assert notes(tables)["'Call' and 'Demo' change places in the course of time"] == 50
