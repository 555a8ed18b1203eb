"""Recovery of known truth: companies whose deals do not move as the model says they do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from forecast.errors import FunnelError
from forecast.fit import fit
from forecast.history import as_of
from forecast.rates import stage_rates
from forecast.sources import load
from forecast.synthetic import generate, recovery
from tests.forecast.companies import write_company

SEEDS = range(1, 21)
LOWEST, HIGHEST = 0.90, 0.99  # share of 95 % intervals that hold the truth


@pytest.mark.calibration
def test_intervals_hold_the_truth(tmp_path: Path) -> None:
    """Of each stage: the conversion, and the median lead time of the visits that convert, both by the process
    itself and averaged over the visits on record, which is what `stage_rates` estimates.

    With 100 pairs of seed and stage, an exact interval would hold 95 of them, give or take 2. The intervals of a
    plain Aalen-Johansen estimate of the conversion hold 92 of these 100, and 285 of 300 with 60 seeds.
    """
    held: dict[str, list[bool]] = {"conversion": [], "lead time": []}
    z: dict[str, list[float]] = {"conversion": [], "lead time": []}
    refused = []
    for seed in SEEDS:
        company = recovery(seed)
        made = generate(company, seed)
        config, tables = load(write_company(tmp_path / str(seed), company, made))
        history = as_of(tables, config.funnel, tables.recorded_until)
        try:
            fitted = fit(history, ["segment"], until=tables.recorded_until, seed=seed)
        except FunnelError as error:
            refused.append(f"{seed}: {error}")
            print(f"seed {seed}: {error}", flush=True)
            continue
        health = fitted.health
        print(
            f"seed {seed}: {len(made.deals):,} deals, fit {health.seconds:.0f} s, R-hat {health.r_hat:.3f}, "
            f"ESS {health.ess:.0f}, {health.divergences} divergences, "
            f"{health.outside} of {health.checked} counts outside",
            flush=True,
        )
        for index, stage in enumerate(company.stages):
            rates = stage_rates(fitted, index)
            truths = (made.truth.conversion[stage.name], made.truth.median_lead_time[stage.name])
            for name, values, truth in zip(held, (rates.conversion, rates.lead_time), truths, strict=True):
                low, high = np.quantile(values, (0.025, 0.975))
                held[name].append(bool(low <= truth <= high))
                z[name].append((values.mean() - truth) / values.std())
                mark = "" if held[name][-1] else "  <- not held"
                print(f"  {stage.name} {name}: truth {truth:.4f}, 95 % {low:.4f} to {high:.4f}{mark}")
    for name, which in held.items():
        print(
            f"{name}: {sum(which)} of {len(which)} intervals hold the truth "
            f"(standardised errors: mean {np.mean(z[name]):+.2f}, sd {np.std(z[name]):.2f})",
            flush=True,
        )
    assert not refused
    assert all(LOWEST <= np.mean(which) <= HIGHEST for which in held.values())
