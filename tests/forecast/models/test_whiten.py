"""What is known of coefficients before sampling."""

from __future__ import annotations

import numpy as np

from forecast.models.whiten import poisson_information


def test_information_of_a_poisson_regression() -> None:
    """Second derivatives of sum(counts log p) with p the multinomial share: the level being free."""
    random = np.random.default_rng(1)
    matrix, counts = random.standard_normal((2, 4)), random.integers(1, 9, (1, 4)).astype(float)
    share = counts[0] / counts.sum()
    centred = matrix - (matrix @ share)[:, None]
    expected = counts.sum() * (centred * share) @ centred.T
    np.testing.assert_allclose(poisson_information(matrix, counts)[0], expected, rtol=1e-12)
    assert not poisson_information(matrix, np.zeros((1, 4))).any()
