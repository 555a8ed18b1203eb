"""Whether forecasts keep what they promise, over companies of several kinds that nobody fitted the model to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks._companies import BEST, ORIGINS, SEEDS, Asked, against, coverage, others, study, table
from forecast.backtest import LEVELS
from forecast.executors import executor
from forecast.record import OURS
from forecast.synthetic import KINDS

KEPT = Path(__file__).parents[2] / "benchmarks" / "results" / "companies"
FEWEST = 100  # questions
SURE = 2.6  # standard errors: a right forecast is found wrong once in a hundred times


@pytest.mark.calibration
def test_ranges_hold_what_they_promise_and_no_baseline_is_closer(capsys: pytest.CaptureFixture[str]) -> None:
    """Over all companies; each baseline on the questions that it can answer. A kind has too few companies to be judged
    alone: the table shows it.
    """
    with capsys.disabled(), executor(2, None) as processes:
        asked = study(tuple(KINDS), SEEDS, KEPT, processes, lambda line: print(line, flush=True))
        print(table(asked), flush=True)
    assert len(asked) == len(KINDS) * len(SEEDS) * sum(map(len, ORIGINS.values())) >= FEWEST
    assert not [one.refused for one in asked if one.refused]
    found = [coverage(asked, level) for level in LEVELS]
    assert all(abs(one.z) < SURE for one in found), found
    names = {name for one in asked for name in one.crps} - {OURS, BEST}
    assert names >= {"run-rate", "stage-weighted", "life table", "ETS", "seasonal naive"}
    closer = [against([one for one in asked if name in one.crps], name) for name in names]
    assert all(one is not None and one.gain > 0 for one in closer), closer


def made(seed: int, held: bool, ours: float, other: float) -> Asked:
    crps = {OURS: ours, "run-rate": other, BEST: 0.1}
    return Asked("smooth", seed, "4w", "2023-06-05", crps, (held,) * len(LEVELS), 0.5, None)


def test_questions_of_one_company_count_as_one() -> None:
    """Two companies of which every question ends alike say no more than two questions."""
    asked = [made(seed, held=seed == 1, ours=0.2 + seed / 10, other=0.5) for seed in (1, 2) for _ in range(8)]
    half = coverage(asked, 0.5)
    assert (half.share, half.questions) == (0.5, 16)
    assert half.binomial == pytest.approx(np.sqrt(0.25 / 16))
    assert half.by_company == pytest.approx(0.5)  # the standard error of the mean of 0 and 1
    assert half.z == 0
    (gain,) = others(asked)
    assert gain.gain == pytest.approx(1 - 0.35 / 0.5)
    assert gain.se == pytest.approx(0.1 * 12.706 / 1.96, rel=1e-4)  # of 0.6 and 0.8, by Student's t on one degree
    refused = Asked("smooth", 3, "4w", "2023-06-05", {"run-rate": 0.4}, (), np.nan, "too little on record")
    assert coverage([*asked, refused], 0.5) == half
    assert "| smooth | 16 | 0.350 | run-rate 0.500 | +30 % ± 65 | 0.100 | 50 ± 50 |" in table([*asked, refused])
