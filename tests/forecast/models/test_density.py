"""The compiled log density and its gradient against the PyMC definition, which other tests hold against SciPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy.special import psi

from forecast.exposure import cell_table, combinations, expose, month_starts
from forecast.history import Floats
from forecast.models import definition, density, design
from forecast.models.amounts import NO_AMOUNTS, amount_terms, won_amounts
from forecast.models.arrivals import arrival_terms, count_arrivals
from forecast.models.clients import NO_CLIENTS, client_terms
from forecast.models.definition import (
    DENSITIES,
    by_name,
    check,
    define,
    density_of_all,
    expand,
    flat,
    initial_point,
)
from forecast.models.density import Terms, digamma
from forecast.models.exits import exit_terms
from forecast.models.priors import Priors
from tests.forecast.histories import history_of, random_tables
from tests.forecast.models.densities import MODE, parts

STRUCTURES = {
    "plain": {"seed": 2, "attributes": []},
    "attribute": {"seed": 3, "attributes": ["owner"]},
    "attribute and size, timed": {"seed": 4, "attributes": ["owner"], "sized": True, "timed": True},
    "size, seasons, amounts": {"seed": 5, "sized": True, "seasonal": True, "amounts": True},
    "some calendars as they are": {"seed": 4, "attributes": ["owner"], "timed": True, "centred": True},
    "clients": {"seed": 7, "clients": 6},
    "clients, some calendars as they are": {"seed": 7, "clients": 6, "centred": True},
    "all": {
        "seed": 6,
        "attributes": ["owner"],
        "sized": True,
        "seasonal": True,
        "amounts": True,
        "future": 5,
        "clients": 4,
    },
}


def made_of(
    *, seed: int, attributes: list[str] | None = None, sized: bool = False, timed: bool = False, seasonal: bool = False,
    amounts: bool = False, future: int = 2, centred: bool = False, clients: int = 0,
) -> Terms:  # fmt: skip
    """Terms of a random history with skips, returns and re-opened deals."""
    history = history_of(random_tables(seed, timed=timed, deals=25))
    cells, cell_of_deal = cell_table(history, attributes or [])
    if sized:
        score = np.round(np.random.default_rng(seed).standard_normal(3), 2)[np.arange(len(history.deals)) % 3]
        cells, cell_of_deal = combinations(
            cells.iloc[cell_of_deal].reset_index(drop=True).assign(**{design.SIZE: score})
        )
    exposure = expose(history, cells, cell_of_deal)
    past = len(exposure.month_edges) - 1
    number = np.arange(past + future)
    calendar = design.calendar(number % 3, past - 1, month_of_year=number % 12 if seasonal else None)
    first = pd.Timestamp(exposure.month_edges[0], unit="D")
    months = month_starts(first, first + pd.DateOffset(months=past + future - 1))
    by_cell, priors = design.cells(cells), Priors()
    arrivals = design.arrivals(number % 12, past - 1, seasonal)
    client = np.random.default_rng(seed).integers(-1, clients, len(history.deals))
    differing = client_terms(history, client, clients, cell_of_deal, exposure.funnel, exposure.month_edges, priors)
    won = won_amounts(history, cell_of_deal, len(cells))
    exits = exit_terms(exposure, calendar, by_cell, priors)
    if centred:  # what only many exits would bring about
        every_second = (np.arange(len(exits.calendar.centred)) % 2).astype(float)
        exits = exits._replace(calendar=exits.calendar._replace(centred=every_second))
    return Terms(
        exits,
        arrival_terms(count_arrivals(history, months[: past + 1]), arrivals, priors),
        amount_terms(won, by_cell, len(cells.columns), priors) if amounts else NO_AMOUNTS,
        differing,
    )


@pytest.fixture(scope="module", params=STRUCTURES)
def terms(request: pytest.FixtureRequest) -> Terms:
    return made_of(**STRUCTURES[request.param])


def points_beside(terms: Terms, number: int, scale: float = 0.7) -> Floats:
    centre = flat(initial_point(terms))
    return centre + scale * np.random.default_rng(1).standard_normal((number, centre.size))


def test_equals_the_definition(terms: Terms) -> None:
    """Thousands of terms of up to some thousands, each rounded to 1e-16."""
    model, evaluate = define(terms), density_of_all(terms)
    value, gradient = model.compile_logp(mode=MODE), model.compile_dlogp(mode=MODE)
    for point in points_beside(terms, 3):
        named = {name: values[0] for name, values in by_name(terms, point[None]).items()}
        found, slope = evaluate(point)
        assert found == pytest.approx(float(value(named)), rel=1e-11)
        expected = gradient(named)
        np.testing.assert_allclose(slope, expected, rtol=1e-11, atol=1e-13 * np.abs(expected).sum())


def test_gradient_is_that_of_differences(terms: Terms) -> None:
    """Central differences along random directions: off by h^2 / 6 times the third derivative, which is like the
    density itself (counts times products of exponentials), and by the rounding of the density over h.
    """
    evaluate, step = density_of_all(terms), 1e-4
    random = np.random.default_rng(2)
    for point in points_beside(terms, 5, 0.3):
        direction = random.standard_normal(point.size)
        direction /= np.linalg.norm(direction)
        value, slope = evaluate(point)
        sides = [evaluate(point + sign * step * direction)[0] for sign in (1, -1)]
        size = abs(value) + np.linalg.norm(slope)
        tolerance = step**2 * size + 1e-13 * size / step
        assert abs((sides[0] - sides[1]) / (2 * step) - slope @ direction) <= tolerance


def test_expand_equals_the_deterministics(terms: Terms) -> None:
    model = define(terms)
    names = [variable.name for variable in model.deterministics]
    evaluate, points = parts(model, names), points_beside(terms, 6).reshape(2, 3, -1)
    found = expand(terms, points)
    assert set(found) == set(names)
    for index in np.ndindex(2, 3):
        expected = evaluate({name: values[0] for name, values in by_name(terms, points[index][None]).items()})
        for name in names:
            np.testing.assert_allclose(found[name][index], expected[name], rtol=1e-11, atol=1e-11)


def test_initial_point_is_that_of_the_definition(terms: Terms) -> None:
    defined = define(terms).initial_point()
    found = initial_point(terms)
    assert list(found) == list(defined)
    for name, value in found.items():
        np.testing.assert_array_equal(value, defined[name])


def test_every_history_has_the_same_compiled_code() -> None:
    """Of another number of stages, months, cells and with read-only and transposed arrays."""
    for name in STRUCTURES:
        density_of_all(made_of(**STRUCTURES[name]))(flat(initial_point(made_of(**STRUCTURES[name]))))
    before = {function: len(function.signatures) for function in (*DENSITIES, density._bind)}
    again = made_of(seed=9, attributes=["owner"], amounts=True, future=9)
    matrix = np.asfortranarray(again.exits.effect_matrix)
    matrix.flags.writeable = False
    again = again._replace(exits=again.exits._replace(effect_matrix=matrix))
    value, slope = density_of_all(again)(flat(initial_point(again)))
    assert np.isfinite(value)
    assert np.isfinite(slope).all()
    assert set(before.values()) == {1}
    assert all(len(function.signatures) == number for function, number in before.items())


def test_digamma() -> None:
    x = np.geomspace(1e-3, 1e7, 200)
    np.testing.assert_allclose([digamma(float(value)) for value in x], psi(x), rtol=1e-13, atol=1e-14)


# --- the guard ---


def test_the_guard_passes(terms: Terms) -> None:
    check(define(terms), terms)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            lambda terms: terms._replace(
                exits=terms.exits._replace(levels=terms.exits.levels._replace(step=terms.exits.levels.step + 0.01))
            ),
            "the compiled density is",
        ),
        (
            lambda terms: terms._replace(arrivals=terms.arrivals._replace(level_sd=1.0)),
            "the compiled density is",
        ),
        (
            lambda terms: terms._replace(clients=terms.clients._replace(exits=terms.clients.exits + 1)),
            "the compiled density is",
        ),
        (lambda terms: terms._replace(amounts=NO_AMOUNTS), "has the parameters"),
        (lambda terms: terms._replace(clients=NO_CLIENTS), "has the parameters"),
    ],
)
def test_the_guard_notices_another_prior(changed: Callable[[Terms], Terms], told: str) -> None:
    terms = made_of(**STRUCTURES["all"])
    with pytest.raises(RuntimeError, match=told):
        check(define(changed(terms)), terms)


def test_the_guard_notices_another_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    terms = made_of(**STRUCTURES["all"])
    original = definition.expand

    def other(terms: Terms, points: Floats) -> dict[str, Floats]:
        values = original(terms, points)
        return {**values, "effect": values["effect"] * (1 + 1e-7)}

    monkeypatch.setattr(definition, "expand", other)
    with pytest.raises(RuntimeError, match="effect is expanded to other values"):
        check(define(terms), terms)
