"""The log density of exits against the definition, stay by stay."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from scipy.stats import logistic, norm

from forecast.exposure import Exposure, cell_table, expose
from forecast.models import design
from forecast.models.exits import _effects, add_exits, exit_terms, kinds_present
from forecast.models.priors import Priors
from tests.forecast.histories import (
    Stay,
    history_of,
    plain_age_bin,
    plain_pieces,
    plain_stays,
    random_tables,
)
from tests.forecast.models.densities import assert_gradient, assert_whitening_is_free, parts, random_point

FUTURE = 2
SCORES = {"x": -0.5, "y": 1.1, "": 0.3}  # a size that goes with the owner
NAMES = ["exits", "level", "steps", "effect_prior", "log_hazard", "log_calendar", "effect"]


class Example:
    """A history's exposure by owner and size, its designs, and its stays."""

    def __init__(self, seed: int, timed: bool = False) -> None:
        made = random_tables(seed, timed=timed, deals=25)
        history = history_of(made)
        cells, cell_of_deal = cell_table(history, ["owner"])
        self.cells = cells.assign(**{design.SIZE: cells["owner"].map(SCORES)})
        self.exposure: Exposure = expose(history, self.cells, cell_of_deal)
        self.cell_of = dict(zip(history.deals["deal_id"], cell_of_deal, strict=True))
        self.stays: list[Stay] = plain_stays(made, history.origin)
        self.first_month = pd.Timestamp(self.exposure.month_edges[0], unit="D").to_period("M")
        self.months = len(self.exposure.month_edges) - 1
        self.calendar = design.calendar(np.arange(self.months + FUTURE) % 3, self.months - 1)
        self.design = design.cells(self.cells)

    def build(self) -> None:
        add_exits(exit_terms(self.exposure, self.calendar, self.design, Priors()))

    def model(self) -> pm.Model:
        with pm.Model(check_bounds=False) as model:
            self.build()
        return model


@pytest.fixture(scope="module")
def example() -> Example:
    return Example(2)


@pytest.mark.parametrize(("seed", "timed"), [(2, False), (3, True)])
def test_density_is_that_of_every_stay(seed: int, timed: bool) -> None:
    """Log hazard at each exit, minus the integral of the hazards of all exits over the days at risk."""
    example = Example(seed, timed)
    model, funnel, edges = example.model(), example.exposure.funnel, list(example.exposure.funnel.age_edges)
    evaluate = parts(model, NAMES)
    for point_seed in range(3):
        found = evaluate(random_point(model, point_seed))
        kind = list(np.searchsorted(kinds_present(example.exposure), funnel.kinds))
        effect = found["effect"] @ example.design.matrix

        def log_hazard(exit_index: int, age: int, month: pd.Period, deal: str) -> float:
            place = min((month - example.first_month).n, example.months - 1)  # one just begun belongs to the one before
            calendar = found["log_calendar"][kind[exit_index], place]  # noqa: B023
            return found["log_hazard"][exit_index, age] + calendar + effect[exit_index, example.cell_of[deal]]  # noqa: B023

        total = 0.0
        for stay in example.stays:
            if stay.to >= 0:
                age = plain_age_bin(stay.left - stay.entered, edges)
                total += log_hazard(funnel.exits.index((stay.state, stay.to)), age, stay.month, stay.deal)
        for stay, age, month, days in plain_pieces(example.stays, edges, None):
            for index, (here, _) in enumerate(funnel.exits):
                if here == stay.state:
                    total -= float(days) * np.exp(log_hazard(index, age, month, stay.deal))
        # Days at risk are held to 1e-9 (see bin_of) of days and more.
        assert float(found["exits"]) == pytest.approx(total, rel=1e-8)


def test_priors_are_the_stated_ones(example: Example) -> None:
    """Differences of each term between two points, against the densities of SciPy."""
    model, priors, funnel = example.model(), Priors(), example.exposure.funnel
    evaluate = parts(model, NAMES)
    terms_of = exit_terms(example.exposure, example.calendar, example.design, priors)
    kind = np.searchsorted(kinds_present(example.exposure), funnel.kinds)
    slope = example.design.group == 1
    terms = []
    for seed in (1, 2):
        point = random_point(model, seed)
        found = evaluate(point)
        base, effect = found["log_hazard"], found["effect"]
        by_month, by_cell = found["log_calendar"][kind], effect @ example.design.matrix
        average = (terms_of.month_weights * by_month).sum(axis=1) + (terms_of.cell_weights * by_cell).sum(axis=1)
        levels = ((base + average[:, None]) * terms_of.levels.weights).sum(axis=1)
        log_sd = point["log_effect_size"][kind][:, example.design.group]
        log_sd = np.where(slope, np.log(priors.size_slope), log_sd)
        # Coefficients sampled in units of their size have the Jacobian of that unit in their density.
        z = 1 - terms_of.centred
        expected = {
            "level": norm.logpdf(terms_of.levels.factor @ (levels - terms_of.levels.mean)).sum(),
            "steps": logistic.logpdf(np.diff(base, axis=1), scale=terms_of.levels.step[:, None]).sum(),
            "effect_prior": (norm.logpdf(effect, scale=np.exp(log_sd)) + z * log_sd).sum(),
        }
        terms.append({name: float(found[name]) - value for name, value in expected.items()})
    for name in terms[0]:
        assert terms[0][name] == pytest.approx(terms[1][name], abs=1e-8)


def sellers(exits_each: int, teams: int) -> tuple[Exposure, design.Design]:
    """An exposure of which only the exits by cell are looked at: 60 sellers, each in one of the teams, or in none."""
    table = pd.DataFrame({"owner": [f"S{i:02d}" for i in range(60)]})
    if teams:
        table["team"] = [f"T{i % teams}" for i in range(60)]
    counts = np.full((1, 60), float(exits_each))
    return SimpleNamespace(exits_by_cell=counts), design.cells(table)  # type: ignore[return-value]


def test_coefficients_are_centred_as_far_as_the_data_tell_of_them() -> None:
    """Of n exits a seller tells n; its prior 1 / size^2."""
    size = 0.3
    for exits in (0, 9, 100):
        exposure, made = sellers(exits, teams=0)
        _, centred = _effects(exposure, made, np.full(made.coefficients, size))
        np.testing.assert_allclose(centred, exits / (exits + size**-2), rtol=1e-9, atol=1e-12)


def test_what_a_team_has_beside_its_sellers_is_told_by_how_many_they_are() -> None:
    """Ten sellers tell their team's effect as ten draws of its size, however many exits they have: it is never sampled
    as if it were known, nor are their own. A team's coordinate and the ten of its sellers have one sum, of which the
    data tell n exits, with priors of variance size^2 and size^2 / 10.
    """
    size, each = 0.3, 1_000_000
    exposure, made = sellers(each, teams=6)
    _, centred = _effects(exposure, made, np.full(made.coefficients, size))
    np.testing.assert_allclose(centred[:, made.group == 1], 1 - (1 / 10) / (1 + 1 / 10), rtol=1e-4)
    assert (centred[:, made.group == 0] < 1 - 1 / 60).all()


def test_gradient(example: Example) -> None:
    assert_gradient(example.model(), 1)


def test_whitening_does_not_change_the_density(example: Example) -> None:
    assert_whitening_is_free(example.build, "forecast.models.exits.whitened", 3)


def test_without_attributes() -> None:
    history = history_of(random_tables(5, timed=False))
    cells, cell_of_deal = cell_table(history, [])
    exposure = expose(history, cells, cell_of_deal)
    months = len(exposure.month_edges) - 1
    with pm.Model(check_bounds=False) as model:
        calendar = design.calendar(np.arange(months) % 3, months - 1)
        add_exits(exit_terms(exposure, calendar, design.cells(cells), Priors()))
    found = parts(model, NAMES)(random_point(model, 1))
    assert found["effect"].shape == (exposure.funnel.n_exits, 0)
    assert np.isfinite(found["exits"])
