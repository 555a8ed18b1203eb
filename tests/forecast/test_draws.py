"""From a fit to the simulator's input: keys, amounts in cents, templates, clients."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecast import draws as module
from forecast.draws import NEW, NOBODY, OPEN, OTHERS, Scenario, deal_keys, scenario
from forecast.fit import Fit
from forecast.history import Floats, days
from forecast.models.arrivals import MONTH
from simulations import Kind
from tests.forecast.fitted import DRAWS, ORIGIN, small_fit
from tests.forecast.histories import history_of, tables

EDGES = days(pd.Series([ORIGIN, *pd.to_datetime(["2024-11-01", "2024-11-15", "2024-12-01", "2025-03-01"])]))


@pytest.fixture(scope="module")
def fit() -> Fit:
    return small_fit().fit


@pytest.fixture(scope="module")
def made(fit: Fit) -> Scenario:
    return scenario(fit, EDGES, ["segment"], minor=100, seed=3)


def test_keys_are_the_same_everywhere() -> None:
    """BLAKE2b of eight bytes, lowest first: written down once."""
    keys = deal_keys(["D00001", "Zoë & Söhne"])
    assert keys.dtype == np.uint64
    assert [int(key) for key in keys] == [984125442450273383, 13893078948709431527]
    assert deal_keys(pd.Series(["D00001"]))[0] == keys[0]
    assert len(np.unique(deal_keys([str(i) for i in range(10_000)]))) == 10_000
    assert len(deal_keys([])) == 0


def test_draws_are_the_posterior_by_simulated_month(fit: Fit, made: Scenario) -> None:
    draws, posterior = made.draws, fit.posterior
    assert (draws.n_draws, draws.n_months, draws.n_cells) == (DRAWS, 4, 3)
    np.testing.assert_array_equal(draws.month_edges, [0, 22, 36, 52, 142])
    np.testing.assert_allclose(draws.hazard, np.exp(posterior["log_hazard"]))
    np.testing.assert_allclose(draws.effect, np.exp(fit.cell_effects()))
    of_month = list(fit.months).index
    calendar_months = [of_month(pd.Timestamp(day)) for day in ("2024-10-10", "2024-11-01", "2024-11-01", "2024-12-01")]
    np.testing.assert_allclose(draws.calendar, np.exp(fit.calendar()[:, :, calendar_months]))
    assert (draws.calendar[:, [Kind.BACK, Kind.REOPEN]] == 1).all()
    rate = np.exp(posterior["log_arrival_rate"][:, calendar_months])
    np.testing.assert_allclose(draws.arrival_mean, rate * [22, 14, 16, 90])
    shape = posterior["arrival_shape"][:, None] * [22, 14, 16, 90] / MONTH  # that of a month, as of independent days
    np.testing.assert_allclose(draws.arrival_shape, shape)


def test_months_differ_by_no_more_than_empties_a_stage(fit: Fit) -> None:
    """The simulator's time is bounded, whatever months on record were like."""
    wild = {**fit.posterior, "log_calendar": 30.0 * np.sign(fit.posterior["log_calendar"])}
    found = scenario(replace(fit, posterior=wild), EDGES, [], minor=100, seed=3).draws.calendar
    assert {round(float(value), 3) for value in np.unique(np.log(found))} == {-5.0, 0.0, 5.0}


def test_unknown_amounts_are_in_cents(fit: Fit, made: Scenario) -> None:
    beta = fit.posterior["log_amount"]
    expected = beta[:, :1] + beta[:, 1:] @ fit.design.matrix + np.log(100)
    np.testing.assert_allclose(made.draws.amount_log_mean, expected)
    np.testing.assert_array_equal(made.draws.amount_log_sd, np.repeat(fit.posterior["amount_scatter"][:, None], 3, 1))
    assert (made.open_deals.amount == -1).all()  # known at the close only
    assert (made.draws.amount_scale < 1).all()


def test_open_deals_are_those_of_the_origin(fit: Fit, made: Scenario) -> None:
    history, deals = fit.history, made.open_deals
    visits = history.visits
    np.testing.assert_array_equal(made.open_visit, history.open_visits())
    np.testing.assert_array_equal(deals.stage, visits.state[made.open_visit])
    np.testing.assert_allclose(deals.age, history.day - visits.entered[made.open_visit])
    rows = visits.deal[made.open_visit]
    np.testing.assert_array_equal(deals.cell, fit.cell_of_deal[rows])
    np.testing.assert_array_equal(deals.key, deal_keys(history.deals["deal_id"].iloc[rows]))
    named = np.array(made.labels["segment"])[deals.groups["segment"]]
    np.testing.assert_array_equal(named, history.deals["segment"].iloc[rows])
    assert set(deals.groups) == set(made.templates.groups) == {"client", "created", "segment"}
    assert (deals.groups["created"] == OPEN).all()
    assert (made.templates.groups["created"] == NEW).all()
    assert (deals.groups["client"] == -1).all()


def test_new_deals_look_like_those_of_the_last_year(fit: Fit, made: Scenario) -> None:
    history, templates = fit.history, made.templates
    recent = np.flatnonzero(days(history.deals["created"]) >= history.day - 365)
    np.testing.assert_array_equal(templates.key, deal_keys(history.deals["deal_id"].iloc[recent]))
    np.testing.assert_array_equal(templates.stage, 0)
    assert not templates.age.any()
    assert made.draws.template_cdf.shape == (DRAWS, len(recent))


def weights_of(cdf: Floats) -> Floats:
    return np.diff(cdf, axis=1, prepend=0)


def test_templates_are_drawn_by_a_bayesian_bootstrap(made: Scenario) -> None:
    """Dirichlet weights: mean 1 / n, variance (1 - 1 / n) / n / (n + 1)."""
    weights = weights_of(made.draws.template_cdf)
    n = weights.shape[1]
    np.testing.assert_allclose(made.draws.template_cdf[:, -1], 1, rtol=1e-12)
    variance = (1 - 1 / n) / n / (n + 1)
    assert np.abs(weights.mean(axis=0) - 1 / n).max() < 5 * np.sqrt(variance / DRAWS)
    assert weights.var() == pytest.approx(variance, rel=0.05)


def test_unknown_clients_are_drawn_like_past_ones(fit: Fit, made: Scenario) -> None:
    names = made.labels["client"]
    assert names == sorted(fit.history.deals["client"].dropna().unique())
    counts = fit.history.deals["client"].value_counts().reindex(names).to_numpy()  # all of them are closed
    weights, total = weights_of(made.draws.client_cdf), counts.sum()
    share = counts / total
    error = np.sqrt(share * (1 - share) / (total + 1) / DRAWS)
    assert (np.abs(weights.mean(axis=0) - share) < 4 * error).all()


def test_same_seed_same_scenario(fit: Fit, made: Scenario) -> None:
    again, other = (scenario(fit, EDGES, ["segment"], minor=100, seed=seed).draws for seed in (3, 4))
    for name in ("template_cdf", "client_cdf", "amount_kept"):
        np.testing.assert_array_equal(getattr(again, name), getattr(made.draws, name))
        assert not np.array_equal(getattr(other, name), getattr(made.draws, name))


def test_most_clients_are_kept_apart_and_the_rest_is_one_group(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    history = fit.history
    monkeypatch.setattr(module, "MOST_CLIENTS", 4)
    pooled = scenario(fit, EDGES, (), minor=100, seed=3)
    names = pooled.labels["client"]
    value = history.deals.groupby("client")["amount"].sum().nlargest(3)
    assert names == [*sorted(value.index), OTHERS]
    assert pooled.draws.client_cdf.shape == (DRAWS, 4)
    codes = pooled.templates.groups["client"]
    recent = days(history.deals["created"]) >= history.day - 365
    clients = history.deals["client"][recent]
    expected = [-1 if pd.isna(c) else names.index(c) if c in names else 3 for c in clients]
    np.testing.assert_array_equal(codes, expected)
    assert set(codes) == {-1, 0, 1, 2, 3}
    assert set(pooled.open_deals.groups) == {"client", "created"}


def with_history(fit: Fit, rows: list[tuple[object, ...]], **options: object) -> Fit:
    """The posterior of another funnel with three stages, on a history written by hand."""
    history = history_of(tables(rows, until="2024-10-10", **options))
    cell = np.zeros(len(history.deals), dtype=np.int64)
    return replace(fit, history=history, cell_of_deal=cell)


def test_known_amounts_are_in_minor_units_and_missing_owners_have_a_name(fit: Fit) -> None:
    rows = [
        ("1", "A", "2024-10-01", 12.345), ("2", "A", "2024-10-01", 0.1), ("3", "A", "2024-10-01"),
        ("4", "A", "2024-10-01", 70), ("4", "B", "2024-10-02", 80),
    ]  # fmt: skip
    owner = pd.Series(["x", None, "y", "x"], dtype="str")
    fitted = with_history(fit, rows, owner=owner)
    cents = scenario(fitted, EDGES, ["owner"], minor=100, seed=1)
    assert list(cents.open_deals.amount) == [1234, 10, -1, 8000]  # to the even cent
    assert list(cents.templates.amount) == [1234, 10, -1, 7000]  # as they were when created
    assert list(scenario(fitted, EDGES, (), minor=1, seed=1).open_deals.amount) == [12, 0, -1, 80]
    assert cents.labels["owner"] == [NOBODY, "x", "y"]
    assert list(cents.open_deals.groups["owner"]) == [1, 0, 2, 1]
    assert cents.labels["client"] == [OTHERS]  # none is known
    assert (cents.open_deals.groups["client"] == -1).all()


def test_templates_reach_back_for_thirty_but_not_before_recording(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    old = [(f"{i:02d}", "A", f"2022-01-{1 + i % 28:02d}") for i in range(40)]
    new = [(f"n{i}", "B", "2024-09-01") for i in range(5)]
    templates = scenario(with_history(fit, old + new), EDGES, (), minor=1, seed=1).templates
    assert len(templates) == module.FEWEST_TEMPLATES
    assert (templates.stage == 1).sum() == 5
    recorded = with_history(fit, old + new, recorded_from="2022-01-20")
    assert len(scenario(recorded, EDGES, (), minor=1, seed=1).templates) == 5 + 9
    monkeypatch.setattr(module, "MOST_TEMPLATES", 3)
    assert len(scenario(recorded, EDGES, (), minor=1, seed=1).templates) == 3
