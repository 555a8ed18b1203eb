import csv
from collections import Counter
from pathlib import Path

import pytest

from forecast.drafting import draft
from forecast.errors import FunnelError
from forecast.periods import parse_period
from forecast.setup import understood
from forecast.sources import load

MAVEN = Path(__file__).parents[2] / "forecast" / "samples" / "maven"


def test_the_sample_is_understood() -> None:
    seen = understood(*load(MAVEN))
    assert (seen.deals, seen.won_deals, seen.lost_deals, seen.open_deals) == (8300, 4238, 2473, 1589)
    assert seen.won_value == 10_005_534
    engaging = seen.stages[0]
    assert (engaging.stage, engaging.entered, engaging.now) == ("Engaging", 8300, 1589)
    assert (seen.shape, seen.timed, seen.currency, seen.viable_from) == (
        "stage_dates",
        False,
        "USD",
        "Engaging",
    )
    known = {use.name: (use.known, use.how) for use in seen.columns if use.known}
    assert known["client"] == known["amount"] == ("close", "declared")
    assert known["parent_client"] == known["segment"] == ("close", "with client")
    assert known["owner"] == known["product"] == known["region"] == ("creation", "usual")
    assert (str(seen.first_event), str(seen.last_event)) == ("2016-10-20", "2017-12-31")
    assert (str(seen.first_recorded), str(seen.last_recorded)) == ("2017-03-01", "2017-12-31")
    pipeline = seen.ledger.files[0]
    assert (pipeline.read, pipeline.used, pipeline.set_aside) == (8800, 8300, 500)
    (entry,) = seen.ledger.entries
    assert (entry.reason, entry.count) == ("no date: when this deal existed cannot be told", 500)


def test_the_traps_of_the_sample_are_dealt_with() -> None:
    _, tables = load(MAVEN)
    assert tables.deals["product"].nunique() == 7
    assert "GTXPro" not in set(tables.deals["product"])
    assert tables.deals["series"].notna().all()
    assert tables.deals["region"].notna().all()
    assert "technolgy" not in set(tables.deals["segment"])
    assert tables.deals["parent_client"].nunique() == 7


def test_the_targets_of_the_sample_follow_their_rule() -> None:
    """1.1 x value won per recorded month before the origin x months of the period on record."""
    config, _ = load(MAVEN)
    won: Counter[str] = Counter()
    with (MAVEN / "sales_pipeline.csv").open() as file:
        for row in csv.DictReader(file):
            if row["deal_stage"] == "Won":
                won[row["close_date"][:7]] += int(row["close_value"])
    origin, recording = config.forecast.origin, config.recording
    assert origin is not None
    assert recording.from_ is not None
    assert recording.until is not None
    before = [month for month in sorted(won) if month < f"{origin:%Y-%m}"]
    assert len(before) == 7
    for period, target in config.periods():
        first, last = max(period.start, recording.from_), min(period.end, recording.until)
        on_record = 12 * (last.year - first.year) + last.month - first.month + 1
        chosen = before[-on_record:]
        assert target == round(1.1 * sum(won[month] for month in chosen) / len(chosen) * on_record, 2)
    assert [period for period, _ in config.periods()] == [parse_period("2017Q4"), parse_period("2017")]


def test_a_draft_loads_as_the_bare_file_does(tmp_path: Path) -> None:
    rows = (MAVEN / "sales_pipeline.csv").read_bytes()
    (tmp_path / "sales pipeline.csv").write_bytes(rows)
    bare, bare_tables = load(tmp_path / "sales pipeline.csv")
    (tmp_path / "funnel.toml").write_text(draft(tmp_path / "sales pipeline.csv").text)
    config, tables = load(tmp_path)
    assert config.funnel.stages == bare.funnel.stages == ("Engaging",)
    assert tables.known == bare_tables.known
    assert tables.known["client"] == "close"  # often missing on open deals, never on closed ones
    assert tables.stage_history.equals(bare_tables.stage_history)
    assert tables.deals[bare_tables.deals.columns].equals(bare_tables.deals)
    assert config.model.attributes == ("owner", "product")


def test_a_draft_of_the_pair(tmp_path: Path) -> None:
    (tmp_path / "deals.csv").write_text('id,customer,value,"odd ""name"""\n1,X,5 €,a\n')
    (tmp_path / "stage_history.csv").write_text('id,stage,date\n1,Lead,2017-01-01\n1,"Call, first",2017-01-02\n')
    (tmp_path / "funnel.toml").write_text(draft(tmp_path).text)
    config, tables = load(tmp_path)
    assert config.funnel.stages == ("Lead", "Call, first")
    assert config.funnel.currency == "EUR"
    assert tables.unused == ('odd "name"',)


def test_a_draft_says_what_has_to_be_mended(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,created,closed,status\n1,1/2/2017,,Open\n")
    text = draft(path).text
    assert "# To be mended before a forecast is possible:\n#   a.csv: these dates may be day first" in text
    assert 'created = "created"' in text
    path.write_text("a,b\n1,2\n")
    assert "there is no column for deal_id" in draft(path).text
    (tmp_path / "funnel.toml").write_text(draft(path).text)
    with pytest.raises(FunnelError, match="there is no column for deal_id"):
        load(tmp_path)


def test_nothing_to_draft_from(tmp_path: Path) -> None:
    with pytest.raises(FunnelError, match="no such file"):
        draft(tmp_path / "a.csv")
    with pytest.raises(FunnelError, match="this is a funnel file already"):
        draft(MAVEN / "funnel.toml")
    with pytest.raises(FunnelError, match="there is no funnel in this folder"):
        draft(MAVEN)
