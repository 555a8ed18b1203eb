"""Stated ranges of conversion and lead time, turned into priors on hazards, and back."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from forecast import templates
from forecast.exposure import FROM_A_DAY, UNDER_A_DAY
from forecast.models.levels import SAMPLES, draw_profiles, level_prior, rates_of
from forecast.models.priors import NORMAL_95, Priors, Range, log_range, logit_range
from simulations import Funnel, Kind

DRAWS = 10_000
DATED, TIMED = np.array((0.0, *FROM_A_DAY)), np.array((0.0, *UNDER_A_DAY, *FROM_A_DAY))
YOUNG = DATED[:8]  # of a history in which no visit has become old
LINEAR = ((0, 1), (0, 3), (1, 2), (1, 3))
TANGLED = ((0, 1), (0, 2), (0, 3), (1, 0), (1, 2), (1, 3), (3, 0))  # with skips, returns, and deals re-opened
STATED = {
    f"{name}, {stage}": prior for name in templates.names() for stage, prior in templates.template(name).priors.items()
}
# The ends of a range, in sds: the error of the quantile of DRAWS draws, and of those from which the prior was found.
QUANTILE_ERROR = np.sqrt(0.025 * 0.975 * (1 / DRAWS + 1 / SAMPLES)) / norm.pdf(NORMAL_95)


def meant(pairs: tuple[tuple[int, int], ...], edges: np.ndarray, conversion: Range, lead_time: Range) -> np.ndarray:
    """(ends of the range, stages, 2) of log odds of the conversion and log lead time, from the prior alone."""
    funnel = Funnel(("A", "B", "Won", "Lost"), pairs, edges)
    priors = Priors(stages=dict.fromkeys(("A", "B"), (conversion, lead_time)))
    profiles = draw_profiles(level_prior(funnel, priors), DRAWS, np.random.default_rng(1))
    source, onwards = np.array(pairs)[:, 0], np.isin(funnel.kinds, (Kind.ADVANCE, Kind.WON))
    found = [rates_of(profiles[:, source == stage], onwards[source == stage], edges) for stage in (0, 1)]
    return np.quantile(np.stack(found, axis=1), [0.025, 0.975], axis=0)


@pytest.mark.parametrize("name", STATED)
def test_every_template_means_what_it_states(name: str) -> None:
    prior, edges = STATED[name], TIMED if name.startswith("ecommerce") else DATED
    stated = np.array([logit_range(prior.conversion), log_range(prior.lead_time)])
    apart = (meant(LINEAR, edges, prior.conversion, prior.lead_time) - stated[:, 0]) / stated[:, 1]
    np.testing.assert_allclose(apart, np.array([-1, 1])[:, None, None] * NORMAL_95 + 0 * apart, atol=5 * QUANTILE_ERROR)


@pytest.mark.parametrize(("conversion", "lead_time"), [((0.1, 0.9), (3.0, 100.0)), ((0.02, 0.2), (10.0, 120.0))])
def test_returns_and_skips_are_part_of_it(conversion: Range, lead_time: Range) -> None:
    stated = np.array([logit_range(conversion), log_range(lead_time)])
    apart = (meant(TANGLED, DATED, conversion, lead_time) - stated[:, 0]) / stated[:, 1]
    np.testing.assert_allclose(apart, np.array([-1, 1])[:, None, None] * NORMAL_95 + 0 * apart, atol=5 * QUANTILE_ERROR)


def test_in_a_history_without_old_visits() -> None:
    prior = STATED["admissions, Application"]  # from 14 days on, where the last of the bins begins with 10
    stated = np.array([logit_range(prior.conversion), log_range(prior.lead_time)])
    apart = (meant(LINEAR, YOUNG, prior.conversion, prior.lead_time) - stated[:, 0]) / stated[:, 1]
    np.testing.assert_allclose(apart, np.array([-1, 1])[:, None, None] * NORMAL_95 + 0 * apart, atol=5 * QUANTILE_ERROR)


def test_a_lead_time_is_not_taken_to_be_surer_than_ages_allow() -> None:
    """However narrow the range: about a factor of two either way, or an expiry after 30 days could not be learned."""
    low, high = np.exp(meant(LINEAR, DATED, (0.2, 0.7), (19.9, 20.1))[:, 0, 1])
    assert 10 < low < 14
    assert 28 < high < 40
    assert np.sqrt(low * high) == pytest.approx(20, rel=0.05)


def test_conversion_and_lead_time_are_apart() -> None:
    """Known conversions with unknown lead times, and the other way round: hazards of a stage depend on each other."""
    funnel = Funnel(("A", "B", "Won", "Lost"), LINEAR, DATED)
    correlation = []
    for conversion, lead_time in (((0.45, 0.55), (1.0, 200.0)), ((0.02, 0.98), (15.0, 40.0))):
        prior = level_prior(funnel, Priors(stages={"A": (conversion, lead_time)}))
        covariance = np.linalg.inv(prior.factor.T @ prior.factor)
        assert (covariance[:2, 2:] == 0).all()  # stages are apart
        correlation.append(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]))
    assert correlation[0] > 0.9
    assert correlation[1] < -0.5


def test_weights_are_where_visits_end() -> None:
    prior = level_prior(Funnel(("A", "B", "Won", "Lost"), TANGLED, DATED), Priors(lead_time=(5.0, 20.0)))
    np.testing.assert_allclose(prior.weights.sum(axis=1), 1)
    median = np.searchsorted(np.cumsum(prior.weights[0]), 0.5)
    assert DATED[median] <= 10 <= DATED[median + 1]  # the middle of the stated lead time


def test_reopened_deals_have_a_prior_of_their_own() -> None:
    prior = level_prior(Funnel(("A", "B", "Won", "Lost"), TANGLED, DATED), Priors(reopen_days=500.0, reopen_sd=1.5))
    assert np.exp(-prior.mean[6]) == pytest.approx(500)
    assert (prior.factor[6, :6] == 0).all()
    assert prior.factor[6, 6] == pytest.approx(1 / 1.5)
