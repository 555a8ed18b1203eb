"""Sellers who leave and join."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from forecast.config_asked import Joining
from forecast.errors import FunnelError
from forecast.history import day_of
from forecast.sellers import ramp, sellers, without_sellers
from simulations import Assumptions, simulate
from tests.conftest import Asked


def edges(asked: Asked) -> np.ndarray:
    return asked.answer.scenario.draws.month_edges + asked.answer.fit.history.day


def left(asked: Asked, *names: str) -> Assumptions:
    answer = asked.answer
    return without_sellers(
        answer.fit, answer.scenario, "owner", names, edges=edges(asked), minor=answer.minor, seed=answer.question.seed
    )


def test_who_leaves_leaves_others_alone(asked: Asked) -> None:
    answer, history = asked.answer, asked.answer.fit.history
    name = sellers(history, "owner")[0]
    given, scenario = left(asked, name), answer.scenario
    theirs = history.deals["owner"].eq(name).to_numpy()[scenario.deal_row]
    assert 0 < theirs.sum() < len(theirs)
    detail = {"seed": 1, "deal_detail": True, "months": 2, "arrival_months": 2}
    before = simulate(scenario.draws, scenario.open_deals, scenario.templates, **detail)
    after = simulate(*given, **detail)
    np.testing.assert_array_equal(after.deal_win_days[~theirs], before.deal_win_days[~theirs])
    np.testing.assert_array_equal(after.created, before.created)
    assert (after.deal_win_days[theirs] != before.deal_win_days[theirs]).any()
    # Alone, the new deals of the others bring what they did.
    alone = [simulate(one.draws, type(one.open_deals).none(), one.templates, **detail).won.sum() for one in (
        given, Assumptions(scenario.draws, scenario.open_deals, scenario.templates))]  # fmt: skip
    assert alone[0] < alone[1]
    gone = history.deals["owner"].eq(name).to_numpy()[scenario.template_row]
    assert (given.templates.cell[gone] == given.draws.n_cells - 1).all()
    assert not given.draws.effect[:, :, -1].any()
    np.testing.assert_array_equal(given.templates.cell[~gone], scenario.templates.cell[~gone])


def test_reassigned_deals_are_at_the_average_of_sellers(asked: Asked) -> None:
    """Their cell has the effects of all other attributes, and none of a seller's."""
    answer, fit = asked.answer, asked.answer.fit
    name = sellers(fit.history, "owner")[0]
    given = left(asked, name)
    theirs = np.flatnonzero(fit.history.deals["owner"].eq(name).to_numpy()[answer.scenario.deal_row])
    owner = list(fit.exposure.cells.columns).index("owner")
    kept = fit.design.group != owner
    for row in theirs[:5]:
        own = fit.design.matrix[:, answer.scenario.open_deals.cell[row]]
        expected = np.exp(fit.posterior["effect"][:, :, kept] @ own[kept])
        np.testing.assert_allclose(given.draws.effect[:, :, given.open_deals.cell[row]], expected)


def test_who_is_not_there(asked: Asked) -> None:
    with pytest.raises(FunnelError, match="'Nobody' has no deals"):
        left(asked, "Nobody")
    with pytest.raises(FunnelError, match="no column 'rep' that names sellers"):
        sellers(asked.answer.fit.history, "rep")
    history = asked.answer.fit.history
    nobody = replace(history, deals=history.deals.assign(owner=None))
    with pytest.raises(FunnelError, match="no seller"):
        sellers(nobody, "owner")


def test_a_ramp_by_hand() -> None:
    """From 1 February on, in two months of 30.4375 days: nothing in January, then a straight line, then all."""
    days = np.array([day_of(f"2024-0{month}-01") for month in range(1, 6)])  # type: ignore[arg-type]
    share = ramp(Joining(month="2024-02", ramp_months=2), days)
    length = 2 * 30.4375
    assert share[:2] == pytest.approx([0, 29 / (2 * length)])  # 29 days: from 0 to 29 / length
    assert share[2] == pytest.approx((29 + 60) / 2 / length)
    full = ((60.875**2 - 60**2) / 2 / length + 90 - 60.875) / 30
    assert share[3] == pytest.approx(full)
    assert ramp(Joining(month="2024-02"), days).tolist() == [0, 1, 1, 1]
