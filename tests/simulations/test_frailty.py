"""Frailty is refused where it cannot be, does nothing where it is one, and is drawn client by client."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simulations import Deals, Frailty, Outcomes, simulate
from tests.simulations.examples import calm_draws, deals, one_stage, rich_case

GOOD: dict[str, Any] = {"shape": [2.0, 3.0], "key": [4, 5, 6], "exits": [0, 1, 2], "exposure": np.ones((2, 3))}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shape": [2.0, -1.0]}, "frailty.shape: expected values"),
        ({"shape": [2.0, np.nan]}, "frailty.shape: expected values"),
        ({"key": [4, 4, 6]}, "frailty.key: expected a different key"),
        ({"exits": [0, 1]}, "frailty.exits: expected shape"),
        ({"exits": [0, -1, 2]}, "frailty.exits: expected values"),
        ({"exposure": np.ones((3, 3))}, r"frailty.exposure: expected 2 rows \(draws\) or 1, got 3"),
        ({"exposure": np.full((2, 3), -1.0)}, "frailty.exposure: expected values"),
    ],
)
def test_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Frailty(**(GOOD | changes))


def by_deal(draws: Any, opened: Deals) -> Outcomes:
    return simulate(draws, opened, Deals.none(), seed=3, arrival_months=0, group_sizes={"deal": 40})


def test_another_client_changes_no_other() -> None:
    """Nor does the order of clients: the draws of a client are keyed by its name alone."""
    case = rich_case(12, n_deals=30, n_draws=30)
    draws, opened = replace(case.draws, follow_ups=None, client_cdf=np.ones((30, 0))), case.open_deals
    known = opened.clients >= 0
    opened = Deals(
        opened.key[known], opened.stage[known], opened.age[known], opened.cell[known], opened.amount[known],
        {"deal": np.arange(known.sum())}, opened.clients[known],
    )  # fmt: skip
    frailty = draws.frailty
    assert frailty is not None
    turned = Frailty(
        frailty.shape, np.append(frailty.key[::-1], np.uint64(77)), np.append(frailty.exits[::-1], 9.0),
        np.pad(frailty.exposure[:, ::-1], ((0, 0), (0, 1))),
    )  # fmt: skip
    after = by_deal(replace(draws, frailty=turned), replace(opened, client=4 - opened.clients))
    before = by_deal(draws, opened)
    assert before.wins.sum() > 20
    assert before.by["deal"].tobytes() == after.by["deal"].tobytes()


def test_one_row_of_exposure_is_the_same_as_equal_rows() -> None:
    case = rich_case(12, n_deals=30, n_draws=30)
    frailty = case.draws.frailty
    assert frailty is not None
    one = replace(frailty, exposure=frailty.exposure[:1])
    all_rows = replace(frailty, exposure=np.repeat(frailty.exposure[:1], 30, axis=0))
    won = [
        simulate(replace(case.draws, frailty=f), case.open_deals, case.templates, seed=1).won.tobytes()
        for f in (one, all_rows)
    ]
    assert won[0] == won[1]


def test_replicates_of_a_draw_share_its_frailties() -> None:
    """A client that all but never moves in a draw never does so in any of its simulations."""
    draws = calm_draws(one_stage(lost=False), [[0.05]], [0.0, 30.0], n_draws=300)
    frail = replace(draws, frailty=Frailty(np.full(300, 0.02), [1], [0], np.zeros((1, 1))))
    outcomes = simulate(frail, replace(deals(), client=[0]), Deals.none(), seed=1, replicates=50)
    wins = outcomes.wins.reshape(300, 50).sum(axis=1)
    assert (wins == 0).mean() > 0.8  # Gamma(0.02, 0.02) is nearly always nearly nothing, and rarely very much
    assert (wins == 50).mean() > 0


def test_frailty_and_clients_have_to_fit() -> None:
    draws = calm_draws(one_stage(), [[0.1], [0.1]], [0.0, 30.0], n_draws=2)
    with pytest.raises(ValueError, match=r"frailty.shape: expected 2 draws, got 1"):
        replace(draws, frailty=Frailty([1.0], [1], [0], [[0.0]]))
    cdf = np.ones((2, 2))
    with pytest.raises(ValueError, match="client_cdf: expected the 3 clients of frailty, got 2"):
        replace(draws, frailty=Frailty(**GOOD), client_cdf=cdf)
    frail = replace(draws, frailty=Frailty(**GOOD))
    with pytest.raises(ValueError, match=r"open_deals: expected clients of -2..2, got 3"):
        simulate(frail, replace(deals(), client=[3]), Deals.none(), seed=1)
    with pytest.raises(ValueError, match="client_cdf: expected the 3 clients of frailty, as some of open_deals"):
        simulate(frail, deals(), Deals.none(), seed=1)
