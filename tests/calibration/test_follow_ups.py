"""A forecast with learnt follow-ups, from the tables of a company that has them to the range of each quarter."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from forecast.answer import ask
from forecast.question import question_from
from forecast.sources import load
from forecast.synthetic import generate, subscription, true_outcomes, what_happened
from tests.forecast.companies import write_company

SEEDS = range(1, 5)
STARTS = [date(2024, 1, 1), date(2024, 4, 1), date(2024, 7, 1), date(2024, 10, 1), date(2025, 1, 1)]
QUARTERS = [f"2024Q{quarter}" for quarter in range(1, 5)]


@pytest.mark.calibration
@pytest.mark.parametrize("seed", SEEDS)
def test_the_true_middle_lies_within_the_range(seed: int, tmp_path: Path) -> None:
    """The median of the process itself, which knows every parameter, lies between P10 and P90 of one who had two years
    to learn them: that range has all of the former's chance in it, and what is not known besides."""
    company = subscription()
    made = generate(company, seed)
    config, tables = load(write_company(tmp_path, company, made, "[follow_ups]\n"))
    question = question_from(config, tables, as_of=STARTS[0], period=QUARTERS, target=[600_000] * 4, draws=1000)
    answer = ask(config, tables, question)
    futures = true_outcomes(company, made, STARTS[0], STARTS[-1], 1000, seed)
    assert answer.outcomes.followed is not None
    for told, (start, end) in zip(answer.summary["periods"], pairwise(STARTS), strict=True):
        low, middle, high = np.quantile(futures.revenue(start, end), (0.1, 0.5, 0.9))
        print(
            f"seed {seed}, {told['period']}: {told['p10']:,.0f} / {told['p50']:,.0f} / {told['p90']:,.0f}, "
            f"truth {low:,.0f} / {middle:,.0f} / {high:,.0f}, happened {what_happened(company, made, start, end):,.0f}"
        )
        assert told["p10"] <= middle <= told["p90"]
