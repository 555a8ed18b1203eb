"""What beliefs in business units mean for hazards; and the coordinates in which they are sampled."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytest
from scipy.stats import norm

from forecast.models.priors import NORMAL_95, Priors
from forecast.models.whiten import standard_normal, whitened, whitening
from simulations import Funnel

FUNNEL = Funnel(
    ("A", "B", "Won", "Lost"), ((0, 1), (0, 2), (0, 3), (1, 0), (1, 2), (1, 3), (3, 0)), np.array([0.0, 7.0])
)


def test_hazards_by_hand() -> None:
    priors = Priors(conversion=(0.2, 0.9), lead_time=(4.0, 100.0), rare_share=0.05, reopen_days=500.0)
    mean, sd = priors.hazard_levels(FUNNEL)
    odds = np.sqrt(0.2 / 0.8 * 0.9 / 0.1)  # 1.5: the middle of the range in logits
    onwards, lost, rate = odds / (1 + odds), 1 / (1 + odds), 1 / np.sqrt(4.0 * 100.0)
    expected = [onwards, 0.05, lost, 0.05, onwards, lost]
    np.testing.assert_allclose(np.exp(mean[:6]), np.array(expected) * rate, rtol=1e-12)
    assert np.exp(mean[6]) == pytest.approx(1 / 500)
    usual = np.hypot(np.log(100 / 4), np.log(0.9 / 0.1) - np.log(0.2 / 0.8)) / (2 * NORMAL_95)
    np.testing.assert_allclose(sd, usual * np.array([1, 1.5, 1, 1.5, 1, 1, 1.5]), rtol=1e-12)


def test_middle_of_the_prior_has_the_middle_conversion_and_lead_time() -> None:
    mean, _ = Priors(conversion=(0.1, 0.9), lead_time=(5.0, 80.0)).hazard_levels(FUNNEL)
    onwards, lost = np.exp(mean[[4, 5]])
    assert onwards / (onwards + lost) == pytest.approx(0.5)
    assert 1 / (onwards + lost) == pytest.approx(20.0)  # the geometric mean


def test_ranges_hold_95_percent() -> None:
    assert norm.cdf(NORMAL_95) - norm.cdf(-NORMAL_95) == pytest.approx(0.95, abs=1e-6)
    narrow, wide = (Priors(lead_time=(10.0, 10.0), conversion=c).hazard_levels(FUNNEL)[1][0] for c in
                    ((0.5, 0.5), (0.1, 0.9)))  # fmt: skip
    assert narrow == 0
    logits = norm.ppf([0.025, 0.975]) * wide
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), [0.1, 0.9], atol=1e-6)


def test_whitened_coordinates_have_the_stated_centre_and_precision() -> None:
    """x = centre + L v with L L^T the inverse of the precision: standard normal v give that normal x."""
    random = np.random.default_rng(1)
    roots = random.standard_normal((2, 3, 3))
    precision = roots @ roots.swapaxes(1, 2) + 0.5 * np.eye(3)
    centre = random.standard_normal((2, 3))
    with pm.Model(check_bounds=False) as model:
        block = pm.Deterministic("block", whitened("x", whitening(centre, precision)))
        pm.Potential("prior", standard_normal(block))
    evaluate = model.compile_fn(
        model.replace_rvs_by_values([model["block"], model["prior"]]),
        inputs=model.value_vars,
        mode="FAST_COMPILE",
    )
    np.testing.assert_allclose(evaluate({"x_white": np.zeros((2, 3))})[0], centre)
    columns = [evaluate({"x_white": np.tile(unit, (2, 1))})[0] - centre for unit in np.eye(3)]
    spread = np.stack(columns, axis=-1)
    np.testing.assert_allclose(spread @ spread.swapaxes(1, 2), np.linalg.inv(precision), rtol=1e-9)
    white = random.standard_normal((2, 3))
    block, prior = evaluate({"x_white": white})
    np.testing.assert_allclose(block, centre + np.einsum("kab,kb->ka", spread, white))
    assert float(prior) == pytest.approx(norm.logpdf(block).sum() + 3 * np.log(2 * np.pi))
    # The variable itself adds nothing to the density.
    logp = model.compile_logp(mode="FAST_COMPILE")
    assert float(logp({"x_white": white})) == pytest.approx(float(prior))
