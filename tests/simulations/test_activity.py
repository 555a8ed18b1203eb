"""What is recorded of paths: every deal stands somewhere at the end of every month, and moves by the exits told."""

from __future__ import annotations

import numpy as np

from simulations import Deals, Funnel, simulate
from tests.simulations.examples import calm_draws, deals, rich_case

AT_ONCE = 1e6


def test_a_path_known_by_hand() -> None:
    """A until day 10, B until day 30 of the path, then won; a second deal begins in B, ten days old."""
    funnel = Funnel(("A", "B", "Won", "Lost"), ((0, 1), (1, 2)), np.array([0.0, 10.0, 20.0]))
    draws = calm_draws(funnel, [[0, AT_ONCE, AT_ONCE], [0, 0, AT_ONCE]], [0.0, 5.0, 15.0, 25.0, 60.0])
    outcomes = simulate(draws, deals([0, 1], age=[0.0, 10.0]), Deals.none(), seed=1, record=1)
    activity = outcomes.activity
    assert activity is not None
    assert activity.simulation.tolist() == [0]
    assert activity.exits[0].tolist() == [[0, 0], [1, 1], [0, 0], [0, 1]]
    assert activity.occupancy[0].tolist() == [[1, 1, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 2, 0]]


def test_occupancy_adds_up_and_agrees_with_the_sums() -> None:
    case = rich_case(8, n_deals=30, n_draws=20)
    options = {"seed": 2, "replicates": 3, "months": case.draws.n_months}
    outcomes = simulate(case.draws, case.open_deals, case.templates, record=7, shards=4, **options)  # type: ignore[arg-type]
    activity, won = outcomes.activity, case.draws.funnel.won
    assert activity is not None
    assert outcomes.followed is not None
    at = activity.simulation
    assert at.tolist() == [0, 8, 17, 25, 34, 42, 51]  # spread over all 60
    deals_so_far = len(case.open_deals) + np.cumsum(outcomes.created[at] + outcomes.followed[at], axis=1)
    np.testing.assert_array_equal(activity.occupancy.sum(axis=2), deals_so_far)
    np.testing.assert_array_equal(activity.occupancy[:, :, won], np.cumsum(outcomes.wins[at], axis=1))
    to_won = case.draws.funnel.targets == won
    np.testing.assert_array_equal(activity.exits[:, :, to_won].sum(axis=2), outcomes.wins[at])
    assert outcomes.created[at].sum() > 0
    assert (activity.occupancy >= 0).all()


def test_recording_changes_nothing_else() -> None:
    case = rich_case(8, n_deals=30, n_draws=20)
    plain = simulate(case.draws, case.open_deals, case.templates, seed=2)
    told = simulate(case.draws, case.open_deals, case.templates, seed=2, record=1000)
    assert plain.activity is None
    assert told.activity is not None
    assert len(told.activity.simulation) == 20
    assert plain.won.tobytes() == told.won.tobytes()
