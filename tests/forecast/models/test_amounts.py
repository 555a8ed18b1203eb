"""Won amounts: their statistics, their density against the log-normal of SciPy, and revisions by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from scipy.stats import norm

from forecast.models import design
from forecast.models.amounts import (
    LARGEST_SCALE,
    LEVEL_SD,
    USUAL_SCALE,
    Revisions,
    WonAmounts,
    add_amounts,
    amount_terms,
    draw_revisions,
    revisions,
    won_amounts,
)
from forecast.models.priors import Priors
from tests.forecast.histories import history_of, tables
from tests.forecast.models.densities import assert_gradient, assert_whitening_is_free, parts, random_point

CELLS = pd.DataFrame({"owner": ["a", "a", "b", "c"], "region": ["n", "s", "n", "s"]})
DESIGN = design.cells(CELLS)
CELL = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2])  # of nine won deals; none in the last
LOGS = np.random.default_rng(1).normal(9.0, 0.8, len(CELL))
NAMES = ["amounts", "amount_prior", "log_amount", "amount_scatter"]


def statistics() -> WonAmounts:
    groups = [LOGS[cell == CELL] for cell in range(len(CELLS))]
    return WonAmounts(
        count=np.array([float(len(group)) for group in groups]),
        mean=np.array([group.mean() if len(group) else 0.0 for group in groups]),
        squares=np.array([((group - group.mean()) ** 2).sum() if len(group) else 0.0 for group in groups]),
    )


def build() -> None:
    add_amounts(amount_terms(statistics(), DESIGN, len(CELLS.columns), Priors()))


def model() -> pm.Model:
    with pm.Model(check_bounds=False) as made:
        build()
    return made


def test_density_is_that_of_every_amount() -> None:
    made = model()
    evaluate = parts(made, NAMES)
    for seed in range(4):
        found = evaluate(random_point(made, seed))
        beta, scatter = found["log_amount"], float(found["amount_scatter"])
        mean = beta[0] + beta[1:] @ DESIGN.matrix
        expected = norm.logpdf(LOGS, mean[CELL], scatter).sum() + len(LOGS) / 2 * np.log(2 * np.pi)
        assert float(found["amounts"]) == pytest.approx(expected, rel=1e-10)


def test_prior_is_the_stated_one() -> None:
    made = model()
    evaluate = parts(made, NAMES)
    terms = []
    for seed in (1, 2):
        point = random_point(made, seed)
        found = evaluate(point)
        sd = np.exp(point["log_amount_size"])[DESIGN.group]
        expected = norm.logpdf(found["log_amount"][1:], scale=sd).sum()
        expected += norm.logpdf(found["log_amount"][0], LOGS.mean(), LEVEL_SD)
        terms.append(float(found["amount_prior"]) - expected)
    assert terms[0] == pytest.approx(terms[1], abs=1e-9)


def test_gradient() -> None:
    assert_gradient(model(), 1)


def test_whitening_does_not_change_the_density() -> None:
    assert_whitening_is_free(build, "forecast.models.amounts.whitened", 2)


def test_without_wins_or_attributes_the_prior_is_left() -> None:
    nothing = WonAmounts(np.zeros(1), np.zeros(1), np.zeros(1))
    with pm.Model(check_bounds=False) as made:
        add_amounts(amount_terms(nothing, design.cells(pd.DataFrame(index=range(1))), 0, Priors()))
    found = parts(made, NAMES)(random_point(made, 1))
    assert found["log_amount"].shape == (1,)
    assert float(found["amounts"]) == 0


def test_statistics_are_of_wins_on_record_with_positive_amounts() -> None:
    rows = [
        ("1", "Won", "2020-01-05", 100), ("2", "Won", "2020-02-05", 100), ("3", "Won", "2020-02-06", 400),
        ("4", "Won", "2020-02-07", 0), ("5", "Lost", "2020-02-07", 50), ("6", "Won", "2020-02-08"),
        ("7", "Won", "2020-02-08", 30),
    ]  # fmt: skip
    history = history_of(tables(rows, recorded_from="2020-02-01"))
    won = won_amounts(history, np.array([0, 0, 0, 0, 0, 0, 1]), 3)
    np.testing.assert_array_equal(won.count, [2, 1, 0])
    np.testing.assert_allclose(won.mean, [np.log(200), np.log(30), 0], rtol=1e-12)
    np.testing.assert_allclose(won.squares, [2 * np.log(2) ** 2, 0, 0], rtol=1e-12)


def test_revisions_compare_each_stay_with_the_win() -> None:
    rows = [
        ("1", "A", "2020-01-01", 100), ("1", "B", "2020-01-05", 200), ("1", "Won", "2020-01-09", 150),
        ("2", "A", "2020-01-01"), ("2", "C", "2020-01-05", 80), ("2", "Won", "2020-01-09"),
        ("3", "A", "2020-01-01", 100), ("3", "Lost", "2020-01-09", 10),
        ("4", "A", "2020-01-01", 100),
    ]  # fmt: skip
    seen = revisions(history_of(tables(rows)))
    np.testing.assert_array_equal(seen.state, [0, 1, 2])
    np.testing.assert_allclose(seen.log_ratio, [np.log(1.5), np.log(0.75), 0], atol=1e-12)


def drawn(log_ratio: list[float], state: list[int], n_draws: int = 20_000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    seen = Revisions(np.array(log_ratio), np.array(state, dtype=np.int64))
    result = draw_revisions(seen, 3, n_draws, np.random.default_rng(1))
    assert all(values.shape == (n_draws, 3) for values in result)
    return result


def test_without_revisions_amounts_are_kept_but_who_knows() -> None:
    kept, shift, scale = drawn([0.0] * 8, [0] * 6 + [1] * 2)
    assert not shift.any()
    assert (scale == USUAL_SCALE).all()
    rate = 9 / 10  # one prior deal each way
    for state, (same, n) in enumerate([(6, 6), (2, 2), (0, 0)]):
        a, b = same + 2 * rate, n - same + 2 * (1 - rate)
        error = np.sqrt(a * b / (a + b) ** 2 / (a + b + 1) / len(kept))
        assert abs(kept[:, state].mean() - a / (a + b)) < 4 * error


def test_share_kept_by_stage() -> None:
    kept, _, _ = drawn([0.0] * 90 + [0.3] * 10 + [0.0] * 10 + [0.3] * 90, [0] * 100 + [1] * 100)
    for state, same in ((0, 90), (1, 10)):
        a, b = same + 1.0, 100 - same + 1.0  # one half of all were kept
        assert abs(kept[:, state].mean() - a / (a + b)) < 4 * np.sqrt(a * b / (a + b) ** 3 / len(kept))


def test_one_ratio_is_pulled_towards_no_change() -> None:
    """With a single ratio r the weighted median is r: the shift is r / 3, as the prior counts for two."""
    _, shift, scale = drawn([0.6, 0.0], [0, 0])
    np.testing.assert_allclose(shift, 0.2, rtol=1e-12)
    # (w * 0.4 + 2 * 0.2) / (w + 2) = 0.4 * (w + 1) / (w + 2): between 0.2 and 0.4.
    assert 0.2 < scale.min() < scale.max() < 0.4
    assert np.ptp(scale, axis=1).max() == np.ptp(shift, axis=1).max() == 0  # alike in all stages


def test_shift_and_scale_follow_the_ratios() -> None:
    """Laplace ratios of location 0.1 and scale 0.3: estimates of both have the error scale / sqrt(n)."""
    n = 1_500
    ratios = np.random.default_rng(2).laplace(0.1, 0.3, n)
    _, shift, scale = drawn(list(ratios), [0] * n, 400)
    assert abs(shift.mean() - 0.1) < 4 * 0.3 / np.sqrt(n)
    assert abs(scale.mean() - 0.3) < 4 * 0.3 / np.sqrt(n)
    assert scale.std() == pytest.approx(0.3 / np.sqrt(n), rel=0.3)


def test_scale_stays_below_one_and_samples_large_histories() -> None:
    ratios = np.random.default_rng(3).laplace(0.0, 5.0, 5_000)
    _, _, scale = drawn(list(ratios), [0] * 5_000, 50)
    assert (scale == LARGEST_SCALE).all()
    assert LARGEST_SCALE < 1
