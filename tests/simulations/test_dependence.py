"""Dependence on cases that can be worked out by hand, by enumeration, and by simulating without the group."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from simulations import Deals, Outcomes, concentration, dependence, least_multiple, simulate, sums_by_group
from simulations.levers import Assumptions, without_group
from tests.simulations.examples import calm_draws, deals, one_stage, rich_case

# Four simulations, one month, three clients.
BY_CLIENT = np.array([[[10, 5, 0]], [[20, 0, 1]], [[30, 5, 0]], [[40, 0, 9]]])


def outcomes(by: np.ndarray) -> Outcomes:
    won = by.sum(axis=2)
    nothing = np.zeros(won.shape, dtype=np.int32)
    return Outcomes(won=won, wins=nothing, created=nothing, by={"client": by}, draw=np.arange(len(by)))


def test_by_hand() -> None:
    """R is 15, 21, 35, 49; with 100 won to date and a target of 125, the last two hit."""
    found = dependence(outcomes(BY_CLIENT), 125, "client", value=[10, 24, 5], won_to_date=100)
    assert found.p_hit.p == 0.5
    assert found.expected.tolist() == [25, 2.5, 2.5]
    assert found.share == pytest.approx([25 / 30, 2.5 / 30, 2.5 / 30])
    # Without each: 5, 1, 5, 9; 10, 21, 30, 49 - 0; 15, 20, 35, 40.
    assert found.p_without.tolist() == [0, 0.5, 0.5]
    # At its value: 15, 11, 15, 19; 34, 44, 54, 64; 20, 25, 40, 45.
    assert found.p_certain.tolist() == [0, 1, 0.75]
    assert found.adds.tolist() == [0, 0.5, 0.25]
    # The first two miss: short of their means by 15 + 5, -2.5 + 2.5 and 2.5 + 1.5, of 15 + 9 in all.
    assert found.shortfall == pytest.approx([20 / 24, 0, 4 / 24])
    assert found.se_without[1] == pytest.approx(math.sqrt(0.25 / 4))


def test_where_none_misses_or_nothing_is_won() -> None:
    assert np.isnan(dependence(outcomes(BY_CLIENT), 1, "client").shortfall).all()
    nothing = dependence(outcomes(0 * BY_CLIENT), 1, "client")
    assert np.isnan(nothing.share).all()
    assert nothing.p_without.tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="grouping: expected one of"):
        dependence(outcomes(BY_CLIENT), 1, "owner")


def test_concentration() -> None:
    assert concentration([0.25] * 4) == pytest.approx(1 / 4)
    assert concentration([0.5, 0.5, 0]) == pytest.approx(1 / 2)
    # One of a half, a rest of 100 equal ones, and so many new ones that none counts.
    assert concentration([0.5, 0.3, 0.2], [1, 100, np.inf]) == pytest.approx(0.25 + 0.09 / 100)


def test_least_multiple() -> None:
    base, part = [0, 5, 12, 3], [4, 1, 7, 0]
    # To reach 10: 2.5, 5, already there, never.
    for wanted, multiple in ((0, 0), (0.25, 0), (0.5, 2.5), (0.51, 5), (0.75, 5), (0.76, np.inf)):
        assert least_multiple(base, part, 10, wanted) == multiple


AMOUNTS = np.array([900, 500, 400, 400, 300, 120, 70, 31])
CHANCES = np.array([0.1, 0.25, 0.5, 0.3, 0.6, 0.8, 0.9, 0.45])


def enumerated(target: int, lost: tuple[int, ...] = (), sure: tuple[int, ...] = ()) -> float:
    """P(sum of independent deals >= target), over all outcomes."""
    total = 0.0
    for fates in itertools.product((0, 1), repeat=len(AMOUNTS)):
        won = np.array(fates)
        weight = float(np.where(won, CHANCES, 1 - CHANCES).prod())
        won[list(lost)], won[list(sure)] = 0, 1
        total += weight * bool(won @ AMOUNTS >= target)
    return total


def test_independent_deals_against_enumeration() -> None:
    """Eight deals, each in a cell with its own hazard of being won, of three clients; all else is lost.

    Every share is over N simulations: within four standard errors of the exact one.
    """
    n, days = 40_000, 30.0
    draws = calm_draws(
        one_stage(), [[1.0], [1.0]], [0.0, days], n_draws=1,
        effect=np.stack([-np.log1p(-CHANCES) / days, np.zeros(len(CHANCES))]), amount_log_mean=np.zeros(8),
        amount_log_sd=np.ones(8),
    )  # fmt: skip
    client = np.array([0, 0, 1, 1, 1, 2, 2, 2])
    opened = deals([0] * 8, cell=np.arange(8), amount=AMOUNTS, client=client)
    sizes = {"client": 3, "deal": 8}
    result = simulate(draws, opened, Deals.none(*sizes), seed=5, replicates=n, group_sizes=sizes)
    target = 1500
    tolerance = 4 * math.sqrt(0.25 / n)
    by_client = dependence(result, target, "client", value=np.bincount(client, AMOUNTS).astype(np.int64))
    assert by_client.p_hit.p == pytest.approx(enumerated(target), abs=tolerance)
    for group in range(3):
        own = tuple(int(i) for i in np.flatnonzero(client == group))
        assert by_client.p_without[group] == pytest.approx(enumerated(target, lost=own), abs=tolerance)
        assert by_client.p_certain[group] == pytest.approx(enumerated(target, sure=own), abs=tolerance)
    by_deal = dependence(result, target, "deal", value=AMOUNTS)
    for deal in range(8):
        assert by_deal.p_without[deal] == pytest.approx(enumerated(target, lost=(deal,)), abs=tolerance)
        assert by_deal.p_certain[deal] == pytest.approx(enumerated(target, sure=(deal,)), abs=tolerance)
    for found in (by_client, by_deal):
        assert found.shortfall.sum() == pytest.approx(1)
        assert found.share.sum() == pytest.approx(1)
        assert found.expected.sum() == pytest.approx(result.won.sum(axis=1).mean())


@pytest.mark.parametrize("seed", range(4))
def test_without_a_client_is_a_fresh_simulation_with_its_deals_removed(seed: int) -> None:
    """To the cent in every simulation, where no client is drawn and none begets follow-ups."""
    case = rich_case(seed, n_deals=30, n_draws=20)
    draws = case.draws
    given = []
    for table in (case.open_deals, case.templates):
        client = np.abs(table.groups["client"])
        groups = {"client": client, "deal": table.groups["deal"]}
        given.append(type(table)(table.key, table.stage, table.age, table.cell, table.amount, groups, client))
    from dataclasses import replace

    draws = replace(draws, follow_ups=None)
    whole = Assumptions(draws, given[0], given[1])
    sizes = {"client": 5}
    result = simulate(*whole, seed=9, group_sizes=sizes)
    own = sums_by_group(result, "client")
    assert own.sum() == result.won.sum() > 0
    for client in range(5):
        fresh = simulate(*without_group(whole, "client", client), seed=9, group_sizes=sizes)
        np.testing.assert_array_equal(result.won.sum(axis=1) - own[:, client], fresh.won.sum(axis=1))
        target = float(np.median(result.won.sum(axis=1)))
        found = dependence(result, target, "client")
        assert found.p_without[client] == (fresh.won.sum(axis=1) >= target).mean()
