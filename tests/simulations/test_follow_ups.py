"""Follow-ups: renewals, repeat purchases and referrals, by hand and in closed form."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simulations import Deals, FollowUps, simulate
from tests.simulations.examples import calm_draws, deals, one_stage

AT_ONCE, WORST = 1e6, 4.9


def follow(n_draws: int = 1, **changes: Any) -> FollowUps:
    """At most one renewal, all but certain, ten days after the win."""
    values: dict[str, Any] = {
        "mean": [[50.0]], "most": [1], "log_delay": [[np.log(10.0)]], "delay_sd": [[0.0]], "as_new": [False],
        "stage": [0], "ratio": [[1.0]],
    }  # fmt: skip
    values.update(changes)
    for name in ("mean", "log_delay", "delay_sd", "ratio"):
        values[name] = np.repeat(np.asarray(values[name], dtype=float), n_draws, axis=0)
    return FollowUps(**values)


MONTHS = [0.0, 5.0, 15.0, 25.0, 31.0]


def test_a_renewal_every_ten_days() -> None:
    """Won at once, and again just after days 10, 20 and 30; each worth half of the one before."""
    draws = replace(calm_draws(one_stage(lost=False), [[AT_ONCE]], MONTHS), follow_ups=follow(ratio=[[0.5]]))
    opened = deals([0], amount=800, client=3)
    outcomes = simulate(draws, opened, Deals.none(), seed=1, group_sizes={"client": 4}, deal_detail=True)
    assert outcomes.won.tolist() == [[800, 400, 200, 100]]
    assert outcomes.by["client"][0, :, 3].tolist() == [800, 400, 200, 100]
    assert outcomes.followed is not None
    assert outcomes.followed.tolist() == [[0, 1, 1, 1]]
    assert outcomes.created.tolist() == [[0, 0, 0, 0]]
    assert outcomes.deal_value is not None
    assert outcomes.deal_value.tolist() == [800]  # the open deal's own


def test_follow_ups_count_in_the_group_given_for_them() -> None:
    draws = calm_draws(one_stage(lost=False), [[AT_ONCE]], MONTHS)
    draws = replace(draws, follow_ups=follow(groups={"created": 1}))
    outcomes = simulate(draws, deals([0], created=0), Deals.none(), seed=1, group_sizes={"created": 2})
    assert outcomes.by["created"][0].sum(axis=0).tolist() == [1, 3]


def test_referrals_are_drawn_from_the_templates() -> None:
    draws = calm_draws(one_stage(lost=False), [[AT_ONCE]], MONTHS, template_cdf=[0.0, 1.0])
    draws = replace(draws, follow_ups=follow(as_new=[True]))
    templates = deals([0, 0], amount=[1, 70], owner=[0, 1])
    opened = deals([0], amount=5, owner=0)
    outcomes = simulate(draws, opened, templates, seed=1, group_sizes={"owner": 2})
    assert outcomes.by["owner"][0].tolist() == [[5, 0], [0, 70], [0, 70], [0, 70]]


def test_numbers_follow_their_distribution() -> None:
    """Poisson(0.7) cut at two: E = P(1) + 2 P(>= 2); log-normal delays: half of them above their median."""
    n = 40_000
    draws = calm_draws(one_stage(lost=False), [[AT_ONCE]], [0.0, 3.0, 1000.0], n_draws=n)
    follow_ups = follow(n, mean=[[0.7]], most=[2], log_delay=[[np.log(3.0)]], delay_sd=[[0.5]], stage=[2])  # to Lost
    outcomes = simulate(replace(draws, follow_ups=follow_ups), deals(), Deals.none(), seed=1)
    assert outcomes.followed is not None
    per_win = outcomes.followed.sum(axis=1)
    one, none = 0.7 * np.exp(-0.7), np.exp(-0.7)
    expected = one + 2 * (1 - one - none)
    variance = one + 4 * (1 - one - none) - expected**2
    assert abs(per_win.mean() - expected) < WORST * np.sqrt(variance / n)
    early = outcomes.followed[:, 0].sum() / per_win.sum()
    assert abs(early - 0.5) < WORST * np.sqrt(0.25 / per_win.sum()) + 1e-3  # wins take a second


def test_no_follow_ups_leave_everything() -> None:
    draws = calm_draws(one_stage(), [[0.05], [0.02]], MONTHS, n_draws=50)
    opened = deals([0] * 20)
    without = simulate(draws, opened, Deals.none(), seed=1)
    never = simulate(replace(draws, follow_ups=follow(50, mean=[[0.0]])), opened, Deals.none(), seed=1)
    some = simulate(replace(draws, follow_ups=follow(50)), opened, Deals.none(), seed=1, group_sizes={"deal": 20})
    assert never.won.tobytes() == without.won.tobytes()
    assert (some.won >= without.won).all()
    assert some.won.sum() > without.won.sum()


def test_a_flywheel_without_end_is_an_error() -> None:
    draws = calm_draws(one_stage(lost=False), [[AT_ONCE]], [0.0, 1000.0])
    endless = follow(mean=[[100.0]], most=[1000], log_delay=[[0.0]])
    with pytest.raises(OverflowError, match="follow_ups: they bring about follow-ups without end"):
        simulate(replace(draws, follow_ups=endless), deals([0] * 200), Deals.none(), seed=1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mean": [[-1.0]]}, "follow_ups.mean: expected values"),
        ({"mean": [[np.nan]]}, "follow_ups.mean: expected values"),
        ({"most": [0]}, "follow_ups.most: expected values"),
        ({"delay_sd": [[0.1, 0.2]]}, "follow_ups.delay_sd: expected shape"),
        ({"ratio": [[-0.5]]}, "follow_ups.ratio: expected values"),
    ],
)
def test_bad_values(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        follow(**changes)


def test_bad_follow_ups_for_the_draws() -> None:
    draws = calm_draws(one_stage(lost=False), [[AT_ONCE]], MONTHS)
    for follow_ups, message in (
        (follow(2), "follow_ups.mean: expected 1 draws, got 2"),
        (follow(stage=[1]), "follow_ups.stage: expected states other than the won one"),
        (follow(as_new=[True]), "template_cdf: expected at least one template"),
    ):
        with pytest.raises(ValueError, match=message):
            replace(draws, follow_ups=follow_ups)
