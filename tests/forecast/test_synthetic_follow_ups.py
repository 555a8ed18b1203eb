"""Made-up companies whose won deals bring further ones: as stated, found again in the tables, carried on from a day."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtr

from forecast.config import FollowUpSection
from forecast.follow_ups import followed
from forecast.history import as_of
from forecast.sources import load
from forecast.synthetic import Company, Generated, Segment, generate, subscription, true_outcomes, what_happened
from forecast.synthetic.days import day_of
from tests.forecast.companies import write_company

COMPANY = subscription()


@pytest.fixture(scope="module")
def made() -> Generated:
    return generate(COMPANY, 1)


def test_wins_bring_as_many_deals_as_stated(made: Generated) -> None:
    """Follow-ups stand behind all other deals. Their number, less what the wins lead to expect by the end of the
    record, is a martingale of which that expectation is the variance."""
    deals, visits = made.world.deals, made.world.visits
    won = visits.take(visits.stage == len(COMPANY.stages))
    later = np.arange(len(deals.created)) > np.flatnonzero(np.diff(deals.created) < 0)[0]
    passed = np.log((COMPANY.end_day - won.entered) / COMPANY.follow_median) / COMPANY.follow_sigma
    expected = COMPANY.follow_ups * float(ndtr(passed).sum())
    assert expected > 100
    assert abs(later.sum() - expected) < 4 * math.sqrt(expected)
    winners = {
        (deals.client[deal], deals.seller[deal], amount) for deal, amount in zip(won.deal, won.amount, strict=True)
    }
    of = zip(deals.client[later], deals.seller[later], deals.amount[later], strict=True)
    assert set(of) <= winners


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rate_and_delay_are_learnt_from_the_tables(seed: int, tmp_path: Path) -> None:
    """Within five posterior deviations: also with a record that shows but a part of what wins have brought."""
    config, tables = load(write_company(tmp_path, COMPANY, generate(COMPANY, seed), "[follow_ups]\n"))
    assert config.follow_ups == FollowUpSection()
    history = as_of(tables, config.funnel, tables.recorded_until)
    found = followed(history, config.follow_ups, np.array([0.0, 30.0]), 2000, 0, np.random.default_rng(seed)).follow_ups
    for draws, true in (
        (found.mean, COMPANY.follow_ups),
        (found.log_delay, math.log(COMPANY.follow_median)),
        (np.log(found.delay_sd), math.log(COMPANY.follow_sigma)),
    ):
        assert abs(draws.mean() - true) < 5 * draws.std()
    assert found.mean.std() < 0.1 * COMPANY.follow_ups
    assert found.stage.tolist() == [0]


def test_carried_on_from_a_day_they_bring_what_they_do_in_the_history() -> None:
    """Over companies: what happened after the day, less the mean of its futures, is nought. The calendar and the first
    half of each company are known to its futures, so that differences are of chance, and independent."""
    company = replace(
        COMPANY, months=18, arrivals=15.0, clients=1_000, follow_median=60.0, amount_log_sd=0.01, revision=0.0,
        segments=(Segment("All", 1.0, 10_000.0),),
    )  # fmt: skip
    origin, end = date(2023, 1, 1), date(2023, 7, 1)
    without = replace(company, follow_ups=0.0)
    differences, missing = [], []
    for seed in range(30):
        one = generate(company, seed)
        happened = what_happened(company, one, origin, end)
        differences.append(happened - true_outcomes(company, one, origin, end, 20, seed).revenue().mean())
        missing.append(happened - true_outcomes(without, one, origin, end, 20, seed).revenue().mean())
    error = float(np.std(differences)) / math.sqrt(len(differences))
    assert abs(np.mean(differences)) < 4 * error
    assert np.mean(missing) > 4 * error  # what the test would find if wins brought nothing


def test_without_follow_ups_there_are_none() -> None:
    plain = replace(COMPANY, follow_ups=0.0, months=6)
    made = generate(plain, 1)
    assert (np.diff(made.world.deals.created) >= 0).all()
    assert made.world.deals.created.max() < day_of(plain.start + timedelta(days=plain.end_day - plain.first_day))


@pytest.mark.parametrize(("field", "value"), [("follow_ups", 1.5), ("follow_median", 0.0), ("follow_sigma", -1.0)])
def test_what_has_no_meaning_is_refused(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=field):
        Company("A company", COMPANY.stages, **{field: value})  # type: ignore[arg-type]
