"""A bank's real queue of loan applications, events as found; benchmarks/bpi2012.toml maps them to six stages."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from forecast.grades import Verdict
from forecast.history import as_of, day_of
from forecast.setup import Understanding, understood
from forecast.sources import load

FUNNEL = Path(__file__).parents[3] / "benchmarks" / "bpi2012.toml"
DATA = Path(os.environ.get("FUNNEL_DATA", "/nowhere")) / "bpi2012"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="FUNNEL_DATA does not lead to bpi2012")


@pytest.fixture(scope="module")
def seen() -> Understanding:
    return understood(*load(FUNNEL))


def test_the_stages_hold_as_many_cases_as_the_log(seen: Understanding) -> None:
    entered = {use.stage: use.entered for use in seen.stages}
    assert entered == {
        "Submitted": 13_087, "Preaccepted": 7_367, "Accepted": 5_113, "Offer sent": 5_015,
        "Offer sent back": 3_254, "Won": 2_246, "Lost": 7_635 + 2_807,
    }  # fmt: skip
    assert (seen.deals, seen.open_deals, seen.timed) == (13_087, 399, True)
    assert seen.won_value == pytest.approx(35.3e6, rel=0.001)


def test_every_event_is_accounted_for(seen: Understanding) -> None:
    rows = {file.file: file for file in seen.ledger.files}
    assert rows["cases.csv"].set_aside == 0
    assert rows["events.csv.gz"].read == 262_200 == rows["events.csv.gz"].used + rows["events.csv.gz"].set_aside
    assert all(entry.wanted for entry in seen.ledger.entries if entry.set_aside)


def test_what_the_log_cannot_answer(seen: Understanding) -> None:
    verdicts = {grade.question: grade.verdict for grade in seen.grades}
    assert verdicts["On which clients does it depend?"] is Verdict.NO
    assert verdicts["Is there a season?"] is Verdict.NO
    assert verdicts["Which deals are overdue?"] is Verdict.YES


def test_the_target_follows_its_rule() -> None:
    """What was won in the four weeks before the origin."""
    config, tables = load(FUNNEL)
    ((_, target),) = config.periods()
    origin = pd.Timestamp(config.forecast.origin)
    history = as_of(tables, config.funnel, origin)
    assert history.won_between(day_of(origin - pd.Timedelta(days=28)), day_of(origin)) == target
