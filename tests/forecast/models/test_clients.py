"""The term of frailty against its integral, and the days at risk of every client against the stays of its deals."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from scipy.integrate import quad
from scipy.special import logsumexp
from scipy.stats import gamma, norm

from forecast.exposure import Exposure, cell_table, expose
from forecast.history import History, Ints
from forecast.models import design
from forecast.models.clients import (
    NO_CLIENTS,
    ClientTerms,
    add_clients,
    added_exits,
    client_terms,
    expected_by_client,
)
from forecast.models.contraction import compressed, expected_exits
from forecast.models.exits import ExitTerms, add_exits, exit_terms
from forecast.models.priors import Priors
from simulations import Kind
from tests.forecast.histories import Stay, history_of, plain_pieces, plain_stays, random_tables
from tests.forecast.models.densities import parts, random_point

N = 5


class Example:
    """A history of which most deals have one of N clients."""

    def __init__(self, seed: int, timed: bool, recorded_from: str | None = None) -> None:
        made = random_tables(seed, timed=timed, deals=25, recorded_from=recorded_from)
        self.history: History = history_of(made)
        cells, self.cell = cell_table(self.history, ["owner"])
        self.exposure: Exposure = expose(self.history, cells, self.cell)
        self.client: Ints = np.random.default_rng(seed).integers(-1, N, len(self.history.deals))
        months = len(self.exposure.month_edges) - 1
        self.terms: ClientTerms = client_terms(
            self.history, self.client, N, self.cell, self.exposure.funnel, self.exposure.month_edges, Priors()
        )
        self.exits: ExitTerms = exit_terms(
            self.exposure, design.calendar(np.arange(months) % 3, months - 1), design.cells(cells), Priors()
        )
        self.stays: list[Stay] = plain_stays(made, self.history.origin)
        self.row = {name: row for row, name in enumerate(self.history.deals["deal_id"])}

    def tables(self, seed: int) -> list[np.ndarray]:
        """base (J, B), calendar (J, M), effect (J, C)"""
        random, shape = np.random.default_rng(seed), self.exposure.exits_by_age.shape
        sizes = (shape[1], self.exposure.exits_by_month.shape[1], len(self.exposure.cells))
        return [random.normal(level, 0.5, (shape[0], n)) for level, n in zip((-3, 0, 0), sizes, strict=True)]


@pytest.fixture(scope="module", params=[(2, False), (3, True)])
def example(request: pytest.FixtureRequest) -> Example:
    return Example(*request.param)


def test_expected_and_seen_of_each_client_are_those_of_its_stays(example: Example) -> None:
    """Exit by exit and piece by piece of every stay, in plain Python with exact days."""
    base, calendar, effect = example.tables(1)
    funnel, edges = example.exposure.funnel, list(example.exposure.funnel.age_edges)
    first = pd.Timestamp(example.exposure.month_edges[0], unit="D").to_period("M")
    expected, seen = np.zeros(N), np.zeros(N)

    def advances(here: int, there: int) -> bool:
        return here < there < funnel.won or there == funnel.won

    for stay, age, month, days in plain_pieces(example.stays, edges, None):
        row = example.row[stay.deal]
        for j, (here, there) in enumerate(funnel.exits):
            if here == stay.state and advances(here, there) and example.client[row] >= 0:
                number = min((month - first).n, calendar.shape[1] - 1)  # a month just begun is joined to the one before
                log_rate = base[j, age] + calendar[j, number] + effect[j, example.cell[row]]
                expected[example.client[row]] += float(days) * np.exp(log_rate)
    for stay in example.stays:
        row = example.row[stay.deal]
        if advances(stay.state, stay.to) and example.client[row] >= 0:
            seen[example.client[row]] += 1
    assert seen.sum() > 10
    np.testing.assert_array_equal(example.terms.exits, seen)
    np.testing.assert_allclose(expected_by_client(example.terms, base, calendar, effect), expected, rtol=1e-9)


def test_days_before_recording_count_for_no_client() -> None:
    """What is expected of all clients and of the deals without one is what is expected of all deals."""
    example = Example(4, False, recorded_from="2020-03-01")
    tables, funnel = example.tables(1), example.exposure.funnel
    nobody = client_terms(
        example.history, np.where(example.client < 0, 0, -1), 1, example.cell, funnel, example.exposure.month_edges,
        Priors(),
    )  # fmt: skip
    onwards = np.isin(funnel.kinds, (Kind.ADVANCE, Kind.WON))
    found = expected_by_client(example.terms, *tables).sum() + expected_by_client(nobody, *tables).sum()
    assert found == pytest.approx(expected_exits(compressed(example.exposure), *tables)[1][onwards].sum(), rel=1e-11)
    seen = example.terms.exits.sum() + nobody.exits.sum()
    assert seen == example.exposure.exits_by_age[onwards].sum()


def test_frailties_add_the_exits_of_their_clients_by_month(example: Example) -> None:
    tables, frailty = example.tables(2), np.random.default_rng(2).gamma(2.0, 0.5, N)
    found = added_exits(example.terms, frailty, *tables)[1]
    expected = np.zeros_like(found)
    for c in range(N):
        alone = client_terms(
            example.history, np.where(example.client == c, 0, -1), 1, example.cell, example.exposure.funnel,
            example.exposure.month_edges, Priors(),
        )  # fmt: skip
        twice = added_exits(alone, np.array([2.0]), *tables)[1]  # as many again
        assert twice.sum() == pytest.approx(expected_by_client(alone, *tables)[0], rel=1e-12)
        expected += (frailty[c] - 1) * twice
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)


def test_density_is_the_integral_over_every_frailty(example: Example) -> None:
    """log of the integral of z^D exp(-z L) over the gamma distribution, less -L, which is in the term of the exits."""
    with pm.Model(check_bounds=False) as model:
        add_exits(example.exits)
        add_clients(example.terms, example.exits)
    names = ["frailty", "log_hazard", "log_calendar", "effect", "frailty_shape"]
    evaluate = parts(model, [*names, "log_frailty_variance"])
    for seed in range(3):
        found = evaluate(random_point(model, seed))
        shape = float(found["frailty_shape"])
        assert shape == pytest.approx(np.exp(-found["log_frailty_variance"][0]))
        tables = (found["log_hazard"], found["log_calendar"][example.exits.kind],
                  found["effect"] @ example.exits.effect_matrix)  # fmt: skip
        total = 0.0
        for count, mean in zip(example.terms.exits, expected_by_client(example.terms, *tables), strict=True):
            peak = max((shape + count - 1) / (shape + mean), 1e-3)

            def log_integrand(z: float) -> float:
                return gamma.logpdf(z, shape, scale=1 / shape) + count * np.log(z) - z * mean  # noqa: B023

            top, width = log_integrand(peak), np.sqrt(shape + count + 1) / (shape + mean)
            cuts = [
                0,
                *(peak + k * width for k in (-2, -1, 0, 1, 2, 4, 8, 16) if peak + k * width > 0),
                peak + 40 * width,
            ]
            pieces = [
                quad(lambda z: np.exp(log_integrand(z) - top), low, high, epsabs=0, epsrel=1e-10)[0]  # noqa: B023
                for low, high in pairwise(cuts)
            ]
            total += top + logsumexp(np.log(np.maximum(pieces, 1e-300))) + mean
        assert float(found["frailty"]) == pytest.approx(total, rel=1e-7, abs=1e-7)


def test_prior_of_the_variance_is_wide() -> None:
    """Median 0.15; 90 % from a twentieth of it to one or more."""
    sizes = Priors().frailty_variance
    low, high = sizes.median * np.exp(sizes.spread * norm.ppf([0.05, 0.95]))
    assert low < 0.03
    assert high > 0.7


def test_no_clients_no_term(example: Example) -> None:
    none = client_terms(
        example.history, np.full(len(example.history.deals), -1), 0, example.cell, example.exposure.funnel,
        example.exposure.month_edges, Priors(),
    )  # fmt: skip
    assert none is NO_CLIENTS
