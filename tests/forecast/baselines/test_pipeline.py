from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecast.baselines.pipeline import crm_probability, from_new_deals, stage_weighted, time_before_wins
from forecast.config_data import Known
from tests.forecast.baselines.streams import day, history


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


# Dated stays last from the end of a day to the end of another: ten days, won; twenty, lost; still open.
THREE = [(0, 10, "Won", 1.0), (0, 20, "Lost", 1.0), (0, None, "", 1.0)]


def test_chances_are_shares_of_days_in_the_stage() -> None:
    won, spent, seen = time_before_wins(history(THREE, origin=61), 4)
    # Settled are 57 days: 56 of the open deal, and all of the others; 4 of them are within 4 days of the win.
    assert won.tolist() == [4.0, 0.0, 0.0]
    assert spent.tolist() == [10 + 20 + 56, 0.0, 0.0]
    assert seen.tolist() == [3, 0, 0]


def test_a_short_record_has_only_closed_deals() -> None:
    won, spent, seen = time_before_wins(history(THREE, origin=30), 4)
    assert (won[0], spent[0], seen[0]) == (4.0, 30.0, 2)


def test_days_before_the_record_are_left_out() -> None:
    won, spent, _ = time_before_wins(history(THREE, origin=61, recorded_from=9), 4)
    assert (won[0], spent[0]) == (2.0, 2 + 12 + 48)


def test_new_deals_bring_what_past_ones_brought_in_the_time_left() -> None:
    weekly = [(number, number + 2, "Won", 100.0) for number in range(0, 140, 7)]
    told = history(weekly, origin=140)
    for length, expected in ((14, 200.0), (1, 0.0), (9, 100.0), (3, 100.0), (10, 200.0), (300, 4300.0)):
        amounts = from_new_deals(told, length, 25, rng())
        assert amounts is not None
        np.testing.assert_allclose(amounts, expected)
    assert from_new_deals(history(weekly, origin=13), 7, 25, rng()) is None


def test_stage_weighted_wins_open_deals_at_the_rate_of_the_stage() -> None:
    """100 deals of which each second one was won after 20 days, the others lost: on all their days, half are won
    within 21 days. Of 40 open deals of 7 each, 20 are expected; the rate is that of a Beta of 100 deals.
    """
    past = [(0, 20, "Won" if number % 2 else "Lost", 7.0) for number in range(100)]
    told = history([*past, *[(60, None, "", 7.0)] * 40], origin=61)
    samples = stage_weighted(told, day(61 + 21), 4000, rng())
    assert samples is not None
    assert samples.open is not None
    # The open deals were there for no settled day. Beta(50.5, 50.5) by one deal of the chance of all stages.
    variance = 40 * 0.25 * (1 + 39 / (101 + 1))
    assert abs(samples.open.mean() / 7 - 20) < 4 * np.sqrt(variance / 4000)
    assert abs((samples.open / 7).var() - variance) < 4 * variance * np.sqrt(2 / 4000)
    np.testing.assert_array_equal(samples.total, samples.open)  # no deal was created and won within 21 days


def test_unknown_amounts_are_those_of_past_wins() -> None:
    past = [(0, 20, "Won", 3.0), (0, 20, "Won", 5.0)]
    told = history([*past, (55, None, "", 99.0)], origin=61, amount=Known.CLOSE, probability=[0.5, 0.5, 1.0])
    samples = crm_probability(told, day(90), 200, rng())
    assert samples is not None
    assert samples.open is not None
    assert set(samples.open.tolist()) == {3.0, 5.0}


def test_crm_counts_what_is_expected_to_close_in_the_window() -> None:
    deals = [(0, None, "", value) for value in (1.0, 10.0, 100.0, 1000.0, 10000.0)]
    close = pd.Series([day(59), day(60), day(69), day(70), pd.NaT])
    told = history(deals, origin=60, probability=1.0, expected_close=close)
    samples = crm_probability(told, day(70), 10, rng())
    assert samples is not None
    assert samples.open is not None
    assert set(samples.open.tolist()) == {110.0}


@pytest.mark.parametrize(("entered", "expected"), [([1.0, 0.0, 1.0], 101.0), (["1", None, "0"], 1.0)])
def test_crm_counts_all_deals_where_no_close_is_expected(entered: list[object], expected: float) -> None:
    told = history([(0, None, "", v) for v in (1.0, 10.0, 100.0)], origin=60, probability=entered)
    samples = crm_probability(told, day(70), 10, rng())
    assert samples is not None
    assert samples.open is not None
    assert set(samples.open.tolist()) == {expected}


def test_crm_cannot_be_asked_without_probabilities() -> None:
    told = history([(0, None, "", 1.0)], origin=60)
    assert crm_probability(told, day(70), 10, rng()) is None
    assert crm_probability(history([(0, None, "", 1.0)], origin=60, probability=np.nan), day(70), 10, rng()) is None
