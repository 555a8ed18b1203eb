"""One real fit of a small company, the gate it has to pass, and what is refused before it is tried."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest

from forecast import fit as module
from forecast.errors import FunnelError
from forecast.fit import Fit, Health, fit
from forecast.models.exits import kinds_present
from forecast.models.sampling import CHAINS, FEWEST_PER_CHAIN
from forecast.reproduced import Reproduced
from simulations import Kind
from tests.forecast.fitted import DRAWS, ORIGIN, SEED, UNTIL, Sampled, sample, small_fit
from tests.forecast.histories import history_of, random_tables, tables

GOOD = Health(r_hat=1.01, ess=800.0, divergences=0, draws=2_000, checked=100, outside=2, seconds=1.0)


@pytest.fixture(scope="module")
def sampled() -> Sampled:
    return small_fit()


# --- a real fit ---


def test_posterior_has_everything_that_is_used_later(sampled: Sampled) -> None:
    fitted = sampled.fit
    # From the first deal in January 2023 to UNTIL; October is two months, before and after the origin.
    funnel, months = fitted.exposure.funnel, 28
    shapes = {
        "log_hazard": (funnel.n_exits, funnel.n_bins),
        "log_calendar": (len(kinds_present(fitted.exposure)), months),
        "effect": (funnel.n_exits, 2),  # three segments that sum to zero
        "calendar_size": (len(kinds_present(fitted.exposure)), 3),
        "log_arrival_rate": (months,),
        "arrival_size": (1,),
        "arrival_effect": (22,),  # the level and 21 steps between 22 months
        "arrival_shape": (),
        "log_amount": (3,),
        "amount_scatter": (),
    }
    assert {name: values.shape for name, values in fitted.posterior.items()} == {
        name: (DRAWS, *shape) for name, shape in shapes.items()
    }
    assert fitted.n_draws == DRAWS
    assert list(fitted.months[[0, 21, 22, 23, -1]]) == [
        pd.Timestamp(day) for day in ("2023-01-01", "2024-10-01", "2024-10-10", "2024-11-01", "2025-03-01")
    ]
    for values in fitted.posterior.values():
        assert np.isfinite(values).all()
        assert values.std(axis=0).min() > 0 or values.shape[1:] == (0,)


def test_a_thinned_fit_has_some_of_the_same_draws(sampled: Sampled) -> None:
    fitted, few = sampled.fit, sampled.fit.thinned(7)
    kept = np.linspace(0, DRAWS - 1, 7).round().astype(int)
    assert few.n_draws == 7
    assert kept[[0, -1]].tolist() == [0, DRAWS - 1]
    for name, values in few.posterior.items():
        np.testing.assert_array_equal(values, fitted.posterior[name][kept])
    assert fitted.thinned(DRAWS) is fitted


def test_fit_is_healthy(sampled: Sampled) -> None:
    health = sampled.fit.health
    assert health.healthy
    assert health.complaints() == []
    assert 0.99 < health.r_hat <= module.LARGEST_R_HAT
    assert health.ess >= module.SMALLEST_ESS
    assert health.draws == CHAINS * FEWEST_PER_CHAIN >= DRAWS  # thinned after the diagnosis
    assert 0 < health.seconds < 300
    assert {stage for stage, _, _ in sampled.told} == {"Preparing the model", "Sampling the posterior"}


def test_posterior_is_near_the_counts(sampled: Sampled) -> None:
    """Each exit's hazard at its average month and cell is what its count says, within its Poisson error."""
    fitted, exposure = sampled.fit, sampled.fit.exposure
    effect, calendar = fitted.cell_effects(), fitted.calendar()
    for index, (here, _) in enumerate(exposure.funnel.exits):
        count = exposure.exits_by_age[index].sum()
        month = slice(len(exposure.month_edges) - 1)
        rate = np.einsum(
            "bmc,db,dm,dc->d", exposure.days_at_risk[here], np.exp(fitted.posterior["log_hazard"][:, index]),
            np.exp(calendar[:, exposure.funnel.kinds[index], month]), np.exp(effect[:, index]),
        )  # fmt: skip
        if count > 30:  # where the data outweigh the prior
            assert abs(rate.mean() - count) < 1.5 * np.sqrt(count)
            assert 0.5 * np.sqrt(count) < rate.std() < 1.5 * np.sqrt(count)


def test_effects_and_calendar_by_cell_and_kind(sampled: Sampled) -> None:
    fitted = sampled.fit
    effect = fitted.cell_effects()
    assert effect.shape == (DRAWS, fitted.exposure.funnel.n_exits, 3)
    np.testing.assert_allclose(effect.sum(axis=2), 0, atol=1e-9)
    calendar = fitted.calendar()
    assert calendar.shape == (DRAWS, 5, len(fitted.months))
    present = set(kinds_present(fitted.exposure))
    assert present == {Kind.ADVANCE, Kind.WON, Kind.LOST}
    for kind in Kind:
        assert calendar[:, kind].any() == (kind in present)


def test_same_seed_same_draws(sampled: Sampled) -> None:
    again = sample()
    other = sample(seed=SEED + 1, draws=200)
    for name, values in sampled.fit.posterior.items():
        assert values.tobytes() == again.posterior[name].tobytes(), name
        assert len(other.posterior[name]) == 200
        assert not np.array_equal(values[:200], other.posterior[name])
    assert replace(again.health, seconds=0.0) == replace(sampled.fit.health, seconds=0.0)


def tried(sampled: Sampled, told: str) -> list[tuple[float, int]]:
    """The attempts until the fit is refused, all with the same draws."""
    attempts = []

    def same_again(terms: Any, draws: int, seed: int, target: float, longer: int, progress: Any, tilted: bool) -> Any:
        assert tilted == bool(attempts)
        attempts.append((target, longer))
        return sampled.points

    with patch.object(module, "sample", same_again), pytest.raises(FunnelError, match=told):
        sample(draws=100)
    return attempts


def test_too_few_draws_are_made_more_before_a_fit_is_refused(sampled: Sampled) -> None:
    with patch.object(module, "SMALLEST_ESS", 10**6):
        attempts = tried(sampled, r"cannot be trusted: too few independent draws .*\n.*--draws")
    assert attempts == list(module.ATTEMPTS)
    assert [longer for _, longer in attempts] == [1, 1, 2, 4]


def test_what_more_draws_would_not_mend_is_not_sampled_for_longer(sampled: Sampled) -> None:
    odd = Reproduced(100, 30, "Offer, wins in 2024-01: 9 seen, 1 to 4 expected")
    with patch.object(module, "reproduced", lambda *_: odd):
        attempts = tried(sampled, "30 of 100 numbers of exits were not reproduced, first of all Offer, wins in 2024-01")
    assert attempts == [(0.9, 1), (0.98, 1)]


# --- the gate ---


@pytest.mark.parametrize(
    ("field", "good", "bad", "told"),
    [
        ("r_hat", 1.05, 1.0501, r"the chains disagree \(R-hat 1.05 > 1.05\)"),
        ("r_hat", 1.0, np.nan, "the chains disagree"),
        ("ess", 100.0, 99.0, r"too few independent draws \(99 < 100\)"),
        ("ess", 100.0, np.nan, "too few independent draws"),
        ("divergences", 20, 21, "21 of 2000 draws diverged"),
        ("outside", 5, 6, "6 of 100 numbers of exits were not reproduced"),
    ],
)
def test_gate(field: str, good: float, bad: float, told: str) -> None:
    changed: dict[str, Any] = {field: good}
    assert replace(GOOD, **changed).healthy
    changed = {field: bad}
    unhealthy = replace(GOOD, **changed)
    assert not unhealthy.healthy
    assert len(unhealthy.complaints()) == 1
    with pytest.raises(FunnelError, match=told):
        raise FunnelError(unhealthy.complaints()[0])


def test_one_surprise_is_always_allowed() -> None:
    assert replace(GOOD, checked=3, outside=1).healthy
    assert len(Health(2.0, 3.0, 2_000, 2_000, 100, 100, 1.0).complaints()) == 4


# --- before sampling ---


def test_too_little_history_is_refused() -> None:
    made = tables(
        [(f"{i:02d}", "A", "2020-01-01") for i in range(50)] + [("x", "A", "2020-01-01"), ("x", "B", "2020-01-05")]
    )
    with pytest.raises(FunnelError, match=r"only 1 changes of stage are on record .* of 0 closed deals") as caught:
        fit(history_of(made), [], until=ORIGIN)
    assert "funnel init --template NAME" in (caught.value.remedy or "")
    late = random_tables(1, timed=False, recorded_from="2021-12-01")
    with pytest.raises(FunnelError, match="only 0 changes of stage"):
        fit(history_of(late, late.recorded_until), [], until=UNTIL)


def test_fit_holds_what_it_was_made_of(sampled: Sampled) -> None:
    fitted: Fit = sampled.fit
    assert len(fitted.cell_of_deal) == len(fitted.history.deals)
    assert list(fitted.exposure.cells.columns) == ["segment"]
    assert fitted.design.matrix.shape == (2, 3)
    assert fitted.history.origin == ORIGIN
