"""Made-up companies: repeatable, valid, true to their stated truth, and carried on exactly from any day."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from forecast.periods import parse_period
from forecast.synthetic import (
    KINDS,
    Company,
    Generated,
    Segment,
    Stage,
    b2b,
    generate,
    recovery,
    true_outcomes,
    what_happened,
)
from forecast.synthetic.calendar import Clock, draw_calendar
from forecast.synthetic.generate import true_lead_time
from forecast.synthetic.sample import FOLDER, sample_files
from forecast.synthetic.walk import ADVANCE_QUICK, STALL, draw_exits, prospects


@pytest.fixture(scope="module")
def company() -> Company:
    return b2b()


@pytest.fixture(scope="module")
def generated(company: Company) -> Generated:
    return generate(company, 7)


def kinds(history: pd.DataFrame, states: tuple[str, ...]) -> pd.Series:
    """Return what each row of a stage history is, seen from the row before it of the same deal."""
    at = history["stage"].map({s: i for i, s in enumerate(states)})
    before = at.groupby(history["deal_id"]).shift()
    lost = len(states) - 1
    kind = pd.Series("advance", index=history.index)
    kind[(at - before > 1) & (at < lost - 1)] = "skip"
    kind[at < before] = "back"
    kind[at == lost - 1] = "won"
    kind[at == lost] = "lost"
    kind[before == lost] = "reopen"
    kind[before.isna()] = "created"
    return kind


# --- the tables ---


def test_same_seed_same_company(company: Company, generated: Generated) -> None:
    again, other = generate(company, np.random.default_rng(7)), generate(company, 8)
    pd.testing.assert_frame_equal(again.deals, generated.deals)
    pd.testing.assert_frame_equal(again.stage_history, generated.stage_history)
    assert again.truth == generated.truth
    assert not other.stage_history.equals(generated.stage_history)


@pytest.mark.parametrize("timed", [False, True])
def test_tables_are_valid(company: Company, timed: bool) -> None:
    company = replace(company, timed=timed, parents=5)
    made = generate(company, 3)
    deals, history = made.deals, made.stage_history
    assert deals["deal_id"].is_unique
    assert set(history["deal_id"]) == set(deals["deal_id"])
    assert set(history["stage"]) <= set(company.states)
    assert deals["amount"].between(5_000, 1_500_000).all()
    assert history["amount"].between(5_000, 1_500_000).all()
    assert not deals.drop(columns="parent_client").isna().any(axis=None)
    assert deals["parent_client"].isna().any()
    assert deals["parent_client"].nunique() == 5

    by_deal = history.groupby("deal_id", sort=False)
    assert (by_deal["entered"].min() >= deals.set_index("deal_id")["created"]).all()
    assert by_deal["entered"].apply(lambda s: s.is_monotonic_increasing).all()
    assert (history["stage"] != by_deal["stage"].shift()).all()
    assert not (history["stage"] == "Won")[by_deal["stage"].shift(-1).notna()].any()
    assert history["entered"].max() < pd.Timestamp("2026-07-01")
    assert ((history["entered"] == history["entered"].dt.normalize()).all()) != timed
    for child, parent in (("owner", "team"), ("team", "region"), ("client", "segment"), ("client", "region")):
        assert (deals.groupby(child)[parent].nunique() == 1).all()


def test_deals_return_skip_and_come_back(company: Company, generated: Generated) -> None:
    count = kinds(generated.stage_history, company.states).value_counts()
    assert count["back"] > 50
    assert count["skip"] > 50
    assert count["reopen"] > 20


def test_amounts_change_with_the_stage_only(company: Company, generated: Generated) -> None:
    history = generated.stage_history
    first = history.groupby("deal_id")["amount"].first()
    pd.testing.assert_series_equal(first, generated.deals.set_index("deal_id")["amount"])
    changed = history["amount"] != history.groupby("deal_id")["amount"].shift().fillna(history["amount"])
    kind = kinds(history, company.states)
    assert not changed[kind.isin(["lost", "reopen", "created"])].any()
    moves = changed[kind.isin(["advance", "skip", "back", "won"])]
    # An amount may be revised to itself (rounded, or at the end of the range): a lower share.
    assert company.revision - 0.03 < moves.mean() < company.revision + 4 * math.sqrt(0.25 / len(moves))


def test_winning_bunches_at_quarter_ends_and_deals_created_are_overdispersed(company: Company) -> None:
    histories = [generate(company, seed) for seed in range(4)]
    wins = pd.concat([h.stage_history for h in histories]).query("stage == 'Won'")["entered"]
    assert (wins.dt.month % 3 == 0).mean() > 0.4
    assert (wins.dt.day_of_week >= 5).mean() < 0.1
    plain = replace(company, arrival_trend=0.0, arrival_season=(1.0,) * 12, arrival_shape=10.0, months=120)
    created = generate(plain, 1).deals["created"]
    monthly = created.groupby(created.dt.to_period("M")).size()
    # Negative binomial: variance mean + mean^2 / 10, excess kurtosis 6 / 10 + 1 / variance. The variance of n
    # months has the relative standard deviation sqrt((2 + excess kurtosis) / n).
    expected = plain.arrivals + plain.arrivals**2 / 10
    assert abs(monthly.var() / expected - 1) < 4 * math.sqrt((2 + 0.6 + 1 / expected) / 120)


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_companies_show_what_they_are_for(kind: str) -> None:
    companies = [KINDS[kind](seed) for seed in (1, 2)]
    histories = [generate(company, seed) for seed, company in enumerate(companies)]
    company, made = companies[0], histories[0]
    wins = pd.concat([one.stage_history for one in histories]).query("stage == 'Won'")
    created = made.deals["created"]
    assert company.recorded_from == date(2022, 1, 1)
    assert company.end_day == (date(2025, 1, 1) - date(1970, 1, 1)).days
    by_client = made.deals["client"].value_counts(normalize=True)
    last = (wins["entered"] + pd.Timedelta(days=12)).dt.quarter != wins["entered"].dt.quarter
    assert (last.mean() > 0.3) == (kind == "quarter ends")  # 12 of 91 days are 0.13
    assert (by_client.iloc[:3].sum() > 0.5) == (kind == "few large clients")
    assert (len(made.deals) < 300) == (kind == "thin")
    august = (created.dt.month == 8).mean()  # a twelfth else; with 120 deals, give or take a third of it
    assert (august < 0.055) == (kind == "seasonal") or kind == "thin"
    by_year = [one.deals["created"].dt.year.value_counts() for one in histories]
    growth = [years[2024] / years[2022] for years in by_year]
    assert (growth[0] > 1.7 and growth[1] < 0.6) == (kind == "drifting")
    early = made.deals[created < pd.Timestamp(company.recorded_from)]["deal_id"]
    assert (len(early) > 20) == (kind == "recorded late")
    closed = made.stage_history[made.stage_history["stage"].isin(["Won", "Lost"])]
    assert (closed["entered"] >= pd.Timestamp(company.recorded_from)).all()
    assert set(made.stage_history["deal_id"]) == set(made.deals["deal_id"])


def test_parameters_without_meaning_are_refused(company: Company) -> None:
    with pytest.raises(ValueError, match=r"conversion: 1\.2 is not within"):
        Stage("A", 1.2, 3.0)
    with pytest.raises(ValueError, match="shares do not sum to one"):
        replace(company, segments=(Segment("A", 0.4, 10.0),))
    with pytest.raises(ValueError, match="42 of 42 leave nothing on record"):
        replace(company, unrecorded_months=42)
    with pytest.raises(ValueError, match="not the first of a month"):
        replace(company, start=date(2023, 1, 2))
    with pytest.raises(ValueError, match="origin, end"):
        true_outcomes(company, generate(company, 1), date(2026, 1, 1), date(2025, 1, 1), 10, 1)


# --- the truth ---


@pytest.mark.parametrize("make", [b2b, lambda: recovery(4, deals=3_000)], ids=["b2b", "recovery"])
def test_truth_is_what_visits_do_when_drawn_again(make: Callable[[], Company]) -> None:
    company = make()
    made = generate(company, 5)
    world, rng = made.world, np.random.default_rng(6)
    for i, stage in enumerate(company.stages):
        visits = world.visits.take(world.visits.stage == i)
        again = np.repeat(np.arange(len(visits.deal)), 40)
        ahead = prospects(company, world.calendar, world.deals, visits)
        how, day = draw_exits(ahead, again, world.calendar, visits.row[again], rng)
        advanced = how <= ADVANCE_QUICK
        # Each visit is drawn with its own probability, so the variance is below that of a common one.
        p = made.truth.conversion[stage.name]
        assert abs(advanced.mean() - p) < 4 * math.sqrt(p * (1 - p) / len(how))
        days = (day - visits.entered[again])[advanced]
        assert abs((days <= made.truth.median_lead_time[stage.name]).mean() - 0.5) < 4 * 0.5 / math.sqrt(len(days))


def test_truth_is_what_the_tables_show() -> None:
    """Counted from the tables alone, where visits are so short that all of the first months have ended."""
    stages = (Stage("A", 0.6, 4.0, 0.5, 5.0, 0.6), Stage("B", 0.5, 6.0, 0.5, 3.0, 0.6))
    company = Company("Quick", stages, months=24, timed=True, arrivals=400.0, client_logit=0.5, conversion_shock=0.2)
    made = generate(company, 2)
    history = made.stage_history
    following = history.groupby("deal_id")[["stage", "entered"]].shift(-1)
    early = history["entered"] < pd.Timestamp("2024-07-01")
    for stage, target in (("A", "B"), ("B", "Won")):
        visits = early & (history["stage"] == stage)
        assert following.loc[visits, "stage"].notna().all()
        advanced = following.loc[visits, "stage"] == target
        # The truth averages over 24 months, the count over 18; a month moves conversion by 0.25 x 0.2.
        variance = 0.25 / len(advanced) + (0.25 * 0.2) ** 2 * (1 / 18 - 1 / 24)
        assert abs(advanced.mean() - made.truth.conversion[stage]) < 4 * math.sqrt(variance)
        days = (following["entered"] - history["entered"]).loc[visits][advanced] / pd.Timedelta(days=1)
        below = (days <= made.truth.median_lead_time[stage]).mean()
        assert abs(below - 0.5) < 4 * 0.5 / math.sqrt(len(days))


@pytest.mark.parametrize("seed", [1, 2])
def test_recovery_has_an_exact_truth(seed: int) -> None:
    company = recovery(seed, deals=3_000)
    made = generate(company, seed)
    for stage in company.stages:
        assert made.truth.median_lead_time[stage.name] == pytest.approx(stage.median, rel=1e-6)
        for segment in company.segments:
            exact = expit(logit(stage.conversion) + segment.logit)
            assert made.truth.conversion_by_segment[segment.name][stage.name] == pytest.approx(exact)
    assert recovery(seed).stages != recovery(seed + 1).stages
    assert len(made.deals) == pytest.approx(3_000, abs=4 * math.sqrt(3_000))
    assert list(made.deals.columns) == ["deal_id", "client", "amount", "created", "segment"]


def test_lead_time_is_slower_where_the_pace_is(company: Company, generated: Generated) -> None:
    visits = generated.world.visits.take(generated.world.visits.stage == 0)
    begun = pd.to_datetime(np.floor(visits.entered), unit="D").month
    august = true_lead_time(company, generated.world, visits.take(np.asarray(begun == 8)))
    march = true_lead_time(company, generated.world, visits.take(np.asarray(begun == 3)))
    assert august > 1.15 * march


# --- carrying on from a day ---


def test_clocks_can_be_read_both_ways(company: Company) -> None:
    rng = np.random.default_rng(1)
    calendar = draw_calendar(company, rng, 12, rows=5)
    day = company.first_day + rng.uniform(0, 700, 2_000)  # also past the end of the calendar
    row, clock = rng.integers(0, 5, 2_000), rng.integers(0, len(Clock), 2_000)
    np.testing.assert_allclose(calendar.day(row, clock, calendar.read(row, clock, day)), day, rtol=0, atol=1e-6)


def test_the_past_is_the_same_in_every_calendar(company: Company) -> None:
    known = draw_calendar(company, np.random.default_rng(1), 12)
    later = draw_calendar(company, np.random.default_rng(2), 18, rows=3, known=known, known_months=8)
    days = int((known.month < 8).sum())
    for name in ("drift", "shock", "arrival"):
        np.testing.assert_allclose(getattr(later, name)[:, :8], np.tile(getattr(known, name)[:, :8], (3, 1)))
        assert np.ptp(getattr(later, name)[:, 8:], axis=0).min() > 0
    np.testing.assert_array_equal(later.clock[:, :, : days + 1], np.tile(known.clock[:, :, : days + 1], (3, 1, 1)))
    assert np.ptp(later.clock[:, :, -1], axis=0).min() > 0


def test_a_visit_of_some_age_goes_on_as_those_that_lasted(company: Company, generated: Generated) -> None:
    """Against rejection: drawn from their beginning, and thrown away where they ended too early."""
    world, rng = generated.world, np.random.default_rng(3)
    one = world.visits.take(np.flatnonzero(world.visits.stage == len(company.stages) - 1)[40:41])
    now = one.entered[0] + 25.0
    n = 200_000
    which, row = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    fresh = prospects(company, world.calendar, world.deals, one)
    how, day = draw_exits(fresh, which, world.calendar, row, rng)
    how, day = how[day > now], day[day > now]
    aged = prospects(company, world.calendar, world.deals, one, now)
    how_2, day_2 = draw_exits(aged, which, world.calendar, row, rng)
    assert day_2.min() >= now - 1e-6
    for option in range(STALL + 1):
        p = (how == option).mean()
        error = math.sqrt(max(p * (1 - p), 1e-5) * (1 / len(how) + 1 / n))
        assert abs(p - (how_2 == option).mean()) < 4 * error
        for days in (5, 20, 60):
            p = ((how == option) & (day <= now + days)).mean()
            error = math.sqrt(max(p * (1 - p), 1e-5) * (1 / len(how) + 1 / n))
            assert abs(p - ((how_2 == option) & (day_2 <= now + days)).mean()) < 4 * error


def test_true_probabilities_come_true() -> None:
    """Over many companies: as many hits as the conditional probabilities say, and uniform ranks."""
    shocks = {"pace_shock": 0.3, "conversion_shock": 0.3, "client_quarter_logit": 0.6, "arrival_shape": 5.0}
    company = replace(b2b(), arrivals=15.0, months=15, **shocks)
    origin, end, goal, n = date(2024, 1, 17), date(2024, 4, 1), 600_000.0, 120
    surprise, variance, ranks = 0.0, 0.0, []
    rng = np.random.default_rng(11)
    for seed in range(70):
        made = generate(company, seed)
        futures = true_outcomes(company, made, origin, end, n, 1_000 + seed)
        p, error = futures.p_hit(goal)
        won = what_happened(company, made, origin, end)
        surprise += (won >= goal) - p
        variance += p * (1 - p) + error**2
        revenue = futures.revenue()
        ranks.append(((revenue < won).sum() + rng.random() * ((revenue == won).sum() + 1)) / (n + 1))
    assert variance > 5  # the probabilities are not all near zero or one
    assert abs(surprise) < 4 * math.sqrt(variance)
    assert abs(np.mean(ranks) - 0.5) < 4 * math.sqrt(1 / 12 / len(ranks))
    assert abs(np.var(ranks) - 1 / 12) < 4 * math.sqrt(1 / 180 / len(ranks))  # Var (U - 1/2)^2 = 1/180


def test_futures_differ_by_seed_only_and_sum_by_period(company: Company, generated: Generated) -> None:
    origin, end = date(2026, 1, 1), date(2026, 7, 1)
    futures = true_outcomes(company, generated, origin, end, 60, 1, block=20)
    again = true_outcomes(company, generated, origin, end, 60, 1, block=20)
    np.testing.assert_array_equal(futures.won, again.won)
    assert futures.won.shape == (60, 181)
    middle = date(2026, 4, 1)
    np.testing.assert_allclose(futures.revenue(end=middle) + futures.revenue(middle), futures.revenue())
    with pytest.raises(ValueError, match="not within the days simulated"):
        futures.revenue(date(2025, 12, 1))


# --- the sample ---


def test_sample_is_what_the_command_writes() -> None:
    for name, text in sample_files().items():
        assert (FOLDER / name).read_bytes() == text.encode(), name
    assert sum(f.stat().st_size for f in FOLDER.iterdir()) < 1_500_000


def test_sample_targets_follow_the_rule_and_truth_says_what_happened(company: Company) -> None:
    history = pd.read_csv(FOLDER / "stage_history.csv", parse_dates=["entered"])
    funnel = tomllib.loads((FOLDER / "funnel.toml").read_text())
    truth = json.loads((FOLDER / "truth.json").read_text())
    wins = history[history["stage"] == "Won"].set_index("entered")["amount"].sort_index()
    origin = pd.Timestamp(funnel["forecast"]["origin"])
    assert funnel["funnel"]["stages"] == [s.name for s in company.stages]
    for asked, answer, months in zip(funnel["forecast"]["periods"], truth["periods"], (3, 6), strict=True):
        period = parse_period(asked["period"])
        assert period.label == answer["period"]
        assert pd.Timestamp(period.after) == origin + pd.DateOffset(months=months)
        before = wins[(wins.index >= origin - pd.DateOffset(months=months)) & (wins.index < origin)]
        after = wins[(wins.index >= origin) & (wins.index < pd.Timestamp(period.after))]
        assert asked["target"] == answer["target"] == pytest.approx(1.1 * before.sum())
        assert answer["won"] == after.sum()
        assert answer["hit"] == (after.sum() >= asked["target"])


def test_sample_shows_what_it_is_for() -> None:
    deals = pd.read_csv(FOLDER / "deals.csv", parse_dates=["created"])
    history = pd.read_csv(FOLDER / "stage_history.csv", parse_dates=["entered"])
    assert 1_500 <= len(deals) <= 2_000
    assert list(deals.columns) == [
        "deal_id",
        "client",
        "amount",
        "created",
        "owner",
        "team",
        "region",
        "segment",
    ]
    wins = history[history["stage"] == "Won"].merge(deals.drop(columns="amount"), on="deal_id")
    share = wins.groupby("client")["amount"].sum().nlargest(3).sum() / wins["amount"].sum()
    assert 0.3 < share < 0.6
    assert 110 < (wins["entered"] - wins["created"]).dt.days.median() < 190
    old = deals.loc[deals["created"] < "2025-07-01", "deal_id"]
    assert 0.15 < old.isin(wins["deal_id"]).mean() < 0.25
