"""Deals that follow won ones: seen, learnt with their posterior, stated, and never counted twice."""

from __future__ import annotations

import tomllib
from itertools import count, pairwise
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.config import config_from
from forecast.config_asked import FollowUpSection
from forecast.drafting import draft
from forecast.draws import NEW, scenario
from forecast.errors import FunnelError
from forecast.follow_ups import TENTH, Followed, followed
from forecast.history import History
from forecast.sources.tables import Known
from simulations import simulate
from tests.forecast.fitted import small_fit
from tests.forecast.histories import FIRST, FUNNEL, history_of, tables
from tests.forecast.test_draws import EDGES

LEARNT = FollowUpSection()
AHEAD = np.array([0.0, 30.0, 365.0])


def history(deals: list[tuple[str, float, float | None]], until: float, **options: Any) -> History:
    """Deals as (client, day created, day won or None), at noon of these days, as of the morning of day `until`."""
    rows, names = [], []
    for number, (client, created, won) in enumerate(deals):
        name = f"D{number:05}"
        names.append(client)
        rows.append((name, "A", FIRST + pd.Timedelta(days=created + 0.5)))
        if won is not None:
            rows.append((name, "Won", FIRST + pd.Timedelta(days=won + 0.5)))
    end = FIRST + pd.Timedelta(days=until)
    made = tables(rows, client=pd.Series(names, dtype="str"), until=str(end), timed=True, **options)
    return history_of(made, end)


def learnt(past: History, section: FollowUpSection = LEARNT, draws: int = 4000) -> Followed:
    return followed(past, section, AHEAD, draws, NEW, np.random.default_rng(3))


def branching(mean: float, median: float, spread: float, *, first: int, until: float, seed: int) -> History:
    """First deals of `first` clients on random days; each deal is won five days on and brings Poisson(mean) others."""
    random, names = np.random.default_rng(seed), count()
    waiting = [(f"client {next(names)}", day) for day in random.uniform(0, until - 0.5, first)]
    deals: list[tuple[str, float, float | None]] = []
    while waiting:
        client, created = waiting.pop()
        won = created + 5
        deals.append((client, created, won if won < until - 0.5 else None))
        delays = median * np.exp(spread * random.standard_normal(random.poisson(mean)))
        waiting += [(client, won + delay) for delay in delays if won + delay < until - 0.5]
    return history(deals, until)


@pytest.mark.parametrize("seed", range(5))
def test_learns_how_many_follow_and_when(seed: int) -> None:
    """Within five posterior deviations of the truth, though half of the wins have not shown yet what they bring."""
    mean, median, spread = 0.6, 120.0, 0.5
    found = learnt(branching(mean, median, spread, first=400, until=360, seed=seed)).follow_ups
    for draws, true in (
        (found.mean, mean),
        (found.log_delay, np.log(median)),
        (np.log(found.delay_sd), np.log(spread)),
    ):
        assert abs(draws.mean() - true) < 5 * draws.std()
    assert found.mean.std() < 0.2


def test_clients_who_buy_at_a_steady_rate_bring_no_follow_ups() -> None:
    """Each of 40 clients creates deals all the time, and won once, long ago."""
    random = np.random.default_rng(2)
    deals: list[tuple[str, float, float | None]] = []
    for client in range(40):
        deals.append((f"c{client}", 0.0, 5.0))
        deals += [(f"c{client}", float(day), None) for day in random.uniform(6, 599, 12)]
    with pytest.raises(FunnelError, match=r"keep coming whatever was won.*\n?.*Leave \[follow_ups\] out"):
        learnt(history(deals, 600))


def test_which_deals_follow() -> None:
    """Those of a client with a win before, or at the same time; other clients and open deals do not count."""
    deals = [("a", 0, 10), ("a", 5, None), ("a", 10, None), ("a", 40, 50), ("b", 20, None), ("b", 60, None)]
    with pytest.raises(FunnelError, match="only 2 deals of clients that had won before"):
        learnt(history(deals, 100))
    stated = learnt(history(deals, 100), FollowUpSection(per_win=0.5, after=(10, 90)))
    assert stated.share.mean() == pytest.approx(4.5 / 7, abs=4 * 0.17 / np.sqrt(4000))  # Beta(4.5, 2.5)


def test_as_stated() -> None:
    """80 % of delays lie between both days of `after`; the stage, and what one is worth, as the file says."""
    section = FollowUpSection(per_win=0.8, after=(30, 400), stage="B", worth=1.1)
    found = learnt(history([("a", 0, 10)], 100), section, draws=3).follow_ups
    low, high = (np.exp(found.log_delay + z * found.delay_sd) for z in (-TENTH, TENTH))
    np.testing.assert_allclose(low, 30)
    np.testing.assert_allclose(high, 400)
    assert found.mean.tolist() == [[0.8]] * 3
    assert (found.stage.tolist(), found.ratio.tolist()) == ([1], [[1.1]] * 3)


def test_at_most_one_comes_with_the_probability_stated() -> None:
    section = FollowUpSection(per_win=0.8, after=(30, 400), once=True)
    found = learnt(history([("a", 0, 10)], 100), section, draws=2).follow_ups
    assert found.most.tolist() == [1]
    np.testing.assert_allclose(1 - np.exp(-found.mean), 0.8)


@pytest.mark.parametrize(("language", "stage"), [("en", "Subscription"), ("fr", "Abonnement")])
def test_a_drafted_subscription_renews(language: str, stage: str, tmp_path: Path) -> None:
    config = config_from(tomllib.loads(draft(tmp_path, "subscription", language).text))
    assert config.follow_ups == FollowUpSection(per_win=0.95, after=(0.3, 3), once=True, stage=stage)
    assert config_from(tomllib.loads(draft(tmp_path, "sales", language).text)).follow_ups is None


def test_without_clients_the_expected_follow_ups_are_taken_off_the_arrivals() -> None:
    """Ten wins, a hundred deals, seen for 99.5 days of a delay whose median is 100."""
    deals: list[tuple[str, float, float | None]] = [("a", 0.0, 10.0)] * 10 + [("b", 50.0, None)] * 90
    past = history(deals, 110, known={"client": Known.CLOSE})
    found = learnt(past, FollowUpSection(per_win=2, after=(50, 200)), draws=2)
    seen = NormalDist(np.log(100), np.log(200 / 50) / (2 * TENTH)).cdf(np.log(99.5))
    np.testing.assert_allclose(found.share, 1 - 2 * 10 * seen / 100)
    with pytest.raises(FunnelError, match=r"shows no client when a deal is created.*\n?.*per_win"):
        learnt(past)


def test_wins_before_the_origin_go_on_to_bring_deals() -> None:
    """Two wins, 90 days old: 2 * 0.8 of the share of the delay between 90 + a and 90 + b days."""
    section = FollowUpSection(per_win=0.8, after=(30, 400))
    found = learnt(history([("a", 0, 9.75), ("b", 0, 9.75)], 100.25), section, draws=2)
    delay = NormalDist(np.log(30 * 400) / 2, np.log(400 / 30) / (2 * TENTH))
    expected = [1.6 * (delay.cdf(np.log(90 + b)) - delay.cdf(np.log(90 + a))) for a, b in pairwise(AHEAD)]
    np.testing.assert_allclose(found.waiting, [expected, expected])


def test_arrivals_stay_what_they_were_where_nothing_changes() -> None:
    """In a company that has been as it is for long, deals to come in the next days are as many as of late: those that
    follow nothing and those that past wins bring about. Of the latter there are about 40, hence the tolerance."""
    past = branching(0.5, 60.0, 0.4, first=800, until=1200, seed=9)
    found = followed(past, LEARNT, np.array([0.0, 20.0]), 400, NEW, np.random.default_rng(3))
    begun = past.visits.entered[past.first_visits()]
    recent = float((begun > past.day - 400).sum()) / 20
    expected = found.share.mean() * recent + found.waiting.mean()
    assert abs(expected - recent) < 5 * np.sqrt(recent / 20 + found.waiting.var())


def test_the_scenario_has_them_only_where_asked() -> None:
    """All other draws stay as they were; new deals become fewer by those that follow wins."""
    fit = small_fit().fit
    section = FollowUpSection(per_win=0.3, after=(10, 60))
    without = scenario(fit, EDGES, ["segment"], minor=100, seed=3)
    with_them = scenario(fit, EDGES, ["segment"], minor=100, seed=3, follow=section)
    assert without.draws.follow_ups is None
    assert with_them.draws.template_cdf.tobytes() == without.draws.template_cdf.tobytes()
    assert (with_them.draws.arrival_mean != without.draws.arrival_mean).all()
    outcomes = simulate(
        with_them.draws, with_them.open_deals, with_them.templates, seed=1,
        group_sizes={name: len(names) for name, names in with_them.labels.items()},
    )  # fmt: skip
    assert outcomes.followed is not None
    assert outcomes.followed.sum() > 0


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"per_win": 0.5}, "given together, or neither"),
        ({"per_win": 0.5, "after": [90, 30]}, "after must go from low to high"),
        ({"per_win": 1.5, "after": [1, 2], "once": True}, "below 1 where once is true"),
        ({"stage": "D"}, "'D' is not an open stage"),
        ({"worth": 0}, "worth"),
    ],
)
def test_what_the_file_cannot_say(section: dict[str, Any], told: str) -> None:
    with pytest.raises(FunnelError, match=told):
        config_from({"funnel": {"stages": list(FUNNEL.stages)}, "follow_ups": section})
