"""Answers on cases that can be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simulations import (
    Outcomes,
    expected_by_group,
    mean_by_month,
    p_hit,
    p_hit_without,
    quantiles,
    quantiles_by_month,
    revenue,
    share,
    top_shares,
)

# Four simulations, two months, three clients.
BY_CLIENT = np.array(
    [
        [[10, 0, 0], [0, 5, 0]],
        [[20, 0, 1], [0, 0, 0]],
        [[0, 0, 0], [30, 5, 0]],
        [[40, 0, 0], [0, 0, 9]],
    ]
)
WON = BY_CLIENT.sum(axis=2)


def outcomes(draw: list[int]) -> Outcomes:
    nothing = np.zeros(WON.shape, dtype=np.int32)
    return Outcomes(won=WON, wins=nothing, created=nothing, by={"client": BY_CLIENT}, draw=np.array(draw))


CASE = outcomes([0, 1, 2, 3])
FIRST = np.array([True, False])


def test_revenue() -> None:
    assert revenue(CASE).tolist() == [15, 21, 35, 49]
    assert revenue(CASE, won_to_date=100, months=FIRST).tolist() == [110, 121, 100, 140]


def test_p_hit_with_one_simulation_per_draw_has_the_binomial_error() -> None:
    assert p_hit(CASE, 35) == (0.5, pytest.approx(math.sqrt(0.25 / 4)))
    assert p_hit(CASE, 35.5).p == 0.25
    assert p_hit(CASE, 121, won_to_date=100, months=FIRST).p == 0.5


def test_error_is_clustered_by_draw() -> None:
    """Draw 0 never hits, draw 1 always: two observations, not four."""
    assert p_hit(outcomes([0, 0, 1, 1]), 35) == (0.5, pytest.approx(math.sqrt(0.25 / 2)))


def test_clusters_of_different_size() -> None:
    """Draw 0 hits in 1 of 3, draw 1 in 1 of 1: residuals 1 - 1.5 and 1 - 0.5."""
    assert share([True, False, False, True], [0, 0, 0, 1]) == (0.5, pytest.approx(math.sqrt(0.5) / 4))


@pytest.mark.parametrize(("target", "p"), [(0, 1.0), (1000, 0.0)])
def test_certainty_has_an_error(target: float, p: float) -> None:
    """(4 p + 1/2) / 5 is 0.1 or 0.9: sqrt(0.09 / 4)."""
    assert p_hit(CASE, target) == (p, pytest.approx(0.15))


def test_draws_that_agree_claim_no_certainty() -> None:
    """One hit in each of two draws of two: p = 1/2 of D = 2."""
    assert share([1, 0, 0, 1], [0, 0, 1, 1]) == (0.5, pytest.approx(math.sqrt(0.25 / 2)))


def test_error_of_the_clustered_share_is_that_seen_in_repetitions() -> None:
    random = np.random.default_rng(0)
    draws, replicates, repeats = 200, 5, 400
    p = random.beta(2, 2, (repeats, draws, 1))
    hits = random.random((repeats, draws, replicates)) < p
    answers = [share(row.ravel(), np.repeat(np.arange(draws), replicates)) for row in hits]
    seen = np.std([answer.p for answer in answers])
    assert np.mean([answer.se for answer in answers]) == pytest.approx(seen, rel=4 / math.sqrt(2 * repeats))


def test_without_a_group() -> None:
    assert p_hit_without(CASE, 15, "client", 0).p == 0
    assert p_hit_without(CASE, 5, "client", 0).p == 0.75
    assert p_hit_without(CASE, 105, "client", 0, won_to_date=100).p == 0.75
    assert p_hit_without(CASE, 20, "client", 2, months=FIRST).p == 0.5


def test_quantiles() -> None:
    assert quantiles(CASE, [0, 0.5, 1]).tolist() == [15, 28, 49]
    assert quantiles(CASE, [0.5], won_to_date=7, months=FIRST).tolist() == [22.5]
    assert quantiles(CASE).shape == (3,)
    assert np.all(np.diff(quantiles(CASE)) > 0)
    np.testing.assert_array_equal(quantiles_by_month(CASE, [0.5, 1]), [[15.5, 40], [7, 35]])
    assert mean_by_month(CASE).tolist() == [17.75, 12.25]


def test_shares_of_the_largest() -> None:
    assert expected_by_group(CASE, "client").tolist() == [25, 2.5, 2.5]
    assert top_shares(CASE, "client") == pytest.approx([25 / 30, 1, 1])
    assert top_shares(CASE, "client", [0, 2], months=FIRST) == pytest.approx([0, 1])
    assert expected_by_group(CASE, "client", won_to_date=[0, 70, 0]).tolist() == [25, 72.5, 2.5]
    assert top_shares(CASE, "client", [1], won_to_date=[0, 70, 0]) == pytest.approx([0.725])
    assert np.isnan(top_shares(CASE, "client", [1], months=[False, False])).all()


def test_bad_questions() -> None:
    with pytest.raises(ValueError, match="months: expected 2 booleans"):
        p_hit(CASE, 1, months=[0, 1])
    with pytest.raises(ValueError, match="months: expected 2 booleans"):
        quantiles(CASE, months=[True])
    with pytest.raises(ValueError, match=r"grouping: expected one of \['client'\], got 'owner'"):
        top_shares(CASE, "owner")
    with pytest.raises(ValueError, match=r"group: expected 0\.\.2, got 3"):
        p_hit_without(CASE, 1, "client", 3)
    with pytest.raises(ValueError, match="hits: expected at least one"):
        share([], [])
