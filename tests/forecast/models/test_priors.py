"""Beliefs in business units; and the coordinates in which they are sampled."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytest
from scipy.special import expit
from scipy.stats import norm

from forecast.config import config_from
from forecast.config_data import FunnelSection
from forecast.errors import FunnelError
from forecast.models.priors import NORMAL_95, Priors, log_range, logit_range, stated
from forecast.models.whiten import standard_normal, whitened, whitening

FUNNEL = FunnelSection(stages=("A", "B"))


def test_ranges_hold_95_percent() -> None:
    assert norm.cdf(NORMAL_95) - norm.cdf(-NORMAL_95) == pytest.approx(0.95, abs=1e-6)
    middle, sd = log_range((4.0, 100.0))
    np.testing.assert_allclose(np.exp(norm.ppf([0.025, 0.975], middle, sd)), [4, 100], rtol=1e-6)
    middle, sd = logit_range((0.1, 0.6))
    np.testing.assert_allclose(expit(norm.ppf([0.025, 0.975], middle, sd)), [0.1, 0.6], rtol=1e-6)


def test_what_the_funnel_file_states() -> None:
    said = {"new_deals": [5, 20], "stages": {"B": {"conversion": [0.2, 0.4], "lead_time": [3, 9]}}}
    priors = stated(config_from({"priors": said}), FUNNEL.stages)
    assert priors.of_stage("B") == ((0.2, 0.4), (3, 9))
    assert priors.of_stage("A") == (Priors().conversion, Priors().lead_time)
    assert priors.new_deals == (5, 20)
    assert priors.amount is None
    assert stated(config_from({}), FUNNEL.stages) == Priors()
    with pytest.raises(FunnelError, match="'Beta' is not an open stage") as caught:
        stated(config_from({"priors": {"stages": {"Beta": said["stages"]["B"]}}}), ("Alpha", "Better"))
    assert "Better" in (caught.value.remedy or "")


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
