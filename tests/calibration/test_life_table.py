"""The life table on deals that follow one exactly: it must be right on average, over the whole and the open part."""

from __future__ import annotations

import numpy as np
import pytest

from tests.forecast.homogeneous import company, life_table_pits

FIRST, LENGTH = 300, 28
SAMPLES = 1000


@pytest.mark.calibration
@pytest.mark.parametrize("timed", [True, False])
def test_pits_are_a_half_on_average(timed: bool) -> None:
    """A PIT of a calibrated forecast has mean 1/2 and variance 1/12, and those of windows that follow each other
    are independent. What the table has not learnt yet errs on both sides.
    """
    total: list[float] = []
    opened: list[float] = []
    for seed in range(20):
        made = company(seed, FIRST + 15 * LENGTH, timed=timed)
        pits = life_table_pits(made, first=FIRST, length=LENGTH, samples=SAMPLES, seed=seed)
        total += pits.total
        opened += pits.open
    se = 1 / np.sqrt(12 * len(total))
    for name, values in (("total", total), ("open", opened)):
        print(
            f"{'times' if timed else 'dates'}, {name}: mean PIT {np.mean(values):.3f} ± {se:.3f}, "
            f"sd {np.std(values):.3f} (0.289 if calibrated), n = {len(values)}",
            flush=True,
        )
    assert abs(np.mean(total) - 0.5) < 4 * se
    assert abs(np.mean(opened) - 0.5) < 4 * se
