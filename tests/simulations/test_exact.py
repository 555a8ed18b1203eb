"""The engine against the exact solution, within the Monte Carlo error of its number of paths."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import roots_genlaguerre

from simulations import Deals, Draws, Frailty, Funnel, Kind, Outcomes, simulate
from tests.simulations.exact import extrapolated, win_by_month
from tests.simulations.examples import calm_draws, deals, one_stage

PATHS = 200_000
AGES, MONTHS = np.array([0.0, 2.0, 5.0, 14.0, 40.0]), np.array([0.0, 10.0, 40.0, 70.0])
OPEN = {"stage": [0, 0, 1, 1, 2], "age": [0.0, 9.0, 3.0, 100.0, 20.0]}


def case(exits: tuple[tuple[int, int], ...], seed: int) -> tuple[Draws, Deals]:
    random = np.random.default_rng(seed)
    funnel = Funnel(("A", "B", "C", "Won", "Lost"), exits, AGES)
    return calm_draws(
        funnel,
        0.03 * np.exp(0.8 * random.standard_normal((len(exits), len(AGES)))),
        MONTHS,
        effect=np.exp(0.4 * random.standard_normal((len(exits), 1))),
        calendar=np.exp(0.5 * random.standard_normal((5, 3))),
    ), deals(**OPEN)


NUMBER, WORST = 30, 4.9  # |z| of a standard normal exceeded once in a million
ACTED = (Kind.ADVANCE, Kind.WON)


def random_exits(seed: int) -> tuple[tuple[int, int], ...]:
    """Any graph of A, B, C, Won and Lost in which something can be won."""
    random = np.random.default_rng([seed, 1])
    pairs = [(s, t) for s in (0, 1, 2, 4) for t in range(5) if s != t]
    while True:
        exits = tuple(pair for pair in pairs if random.random() < 0.5)
        if any(there == 3 for _, there in exits):
            return exits


def traits(exits: tuple[tuple[int, int], ...]) -> set[str]:
    found = {"a stage nobody leaves" for s in range(3) if all(here != s for here, _ in exits)}
    found |= {"re-opening" for here, _ in exits if here == 4}
    return found | {"returns" for here, there in exits if there < here < 3}


def test_the_random_funnels_have_what_is_to_be_tested() -> None:
    counts = Counter(trait for seed in range(NUMBER) for trait in traits(random_exits(seed)))
    assert min(counts[trait] for trait in ("returns", "re-opening", "a stage nobody leaves")) >= 3


@pytest.mark.parametrize("seed", range(NUMBER))
def test_engine_matches_exact_solution(seed: int) -> None:
    """Every month's win probability of deals in every stage, at several ages, within derived error."""
    draws, opened = case(random_exits(seed), seed)
    exact, grid_error = extrapolated(draws, opened, h=0.25)
    outcomes = simulate(draws, opened, Deals.none(), seed=3, replicates=PATHS, group_sizes={"deal": len(opened)})
    compare(outcomes, exact, grid_error)


def compare(outcomes: Outcomes, exact: np.ndarray, numerical_error: float) -> None:
    """Seen and exact differ by at most the Monte Carlo error, that of the number 1 / PATHS of one path, and that
    of the exact solution itself, which is small beside them."""
    error = np.sqrt(exact * (1 - exact) / PATHS)
    assert numerical_error < 5e-4
    seen = outcomes.by["deal"].mean(axis=0).T  # amounts are 1
    assert np.all(np.abs(seen - exact) <= WORST * error + numerical_error + 1 / PATHS), (seen, exact, error)


@pytest.mark.parametrize("seed", [2, 11])
@pytest.mark.parametrize("theta", [3.0])
def test_frailty_matches_the_exact_mixture(seed: int, theta: float) -> None:
    """Win probabilities averaged over the gamma frailty by Gauss-Laguerre quadrature, whose error is the change
    from fewer nodes; a client with history has the gamma of its posterior."""
    draws, opened = case(random_exits(seed), seed)
    exits, exposure = 2, 3.5
    for shape, rate, client in ((theta, theta, -2), (theta + exits, theta + exposure, 0)):
        few, many = (mixture(draws, opened, shape, rate, nodes) for nodes in (16, 22))
        grid_error = extrapolated(draws, opened, h=0.5)[1]
        frail = replace(draws, frailty=Frailty(shape=[theta], key=[5], exits=[exits], exposure=[[exposure]]))
        # Of a known client there is one frailty per draw: many draws of one path each.
        wide = repeated(frail, PATHS)
        outcomes = simulate(
            wide, replace(opened, client=np.full(len(opened), client)), Deals.none(), seed=3,
            group_sizes={"deal": len(opened)},
        )  # fmt: skip
        compare(outcomes, many, float(np.abs(many - few).max()) + grid_error)


def mixture(draws: Draws, opened: Deals, shape: float, rate: float, nodes: int) -> np.ndarray:
    """Average of the exact solution over Gamma(shape, rate) frailties."""
    points, weights = roots_genlaguerre(nodes, shape - 1)
    acted = np.isin(draws.funnel.kinds, ACTED)[None, :, None]
    total = np.zeros((len(opened), draws.n_months))
    for z, weight in zip(points / rate, weights / weights.sum(), strict=True):
        if weight > 1e-9:
            total += (
                weight * extrapolated(replace(draws, effect=np.where(acted, z, 1) * draws.effect), opened, h=0.5)[0]
            )
    return total


def repeated(draws: Draws, n: int) -> Draws:
    """The same draw n times."""
    fixed = ("funnel", "month_edges", "frailty", "follow_ups")
    arrays = {
        name: np.repeat(getattr(draws, name), n, axis=0) for name in Draws.__dataclass_fields__ if name not in fixed
    }
    assert draws.frailty is not None
    return replace(draws, **arrays, frailty=replace(draws.frailty, shape=np.repeat(draws.frailty.shape, n)))


def test_deals_of_one_client_share_its_frailty() -> None:
    """Two deals won at hazard z t: E(1 - exp(-z t))**2 = 1 - 2 L(t) + L(2 t), L(t) = (1 + t / theta)**-theta."""
    theta, t = 0.8, 1.5
    draws = calm_draws(one_stage(lost=False), [[0.05]], [0.0, 30.0], n_draws=PATHS)
    frail = replace(draws, frailty=Frailty(np.full(PATHS, theta), [7], [0], np.zeros((1, 1))))

    def transform(x: float) -> float:
        return float((1 + x / theta) ** -theta)

    for client, exact in ((0, 1 - 2 * transform(t) + transform(2 * t)), (-2, (1 - transform(t)) ** 2)):
        opened = replace(deals([0, 0]), client=[client, client])
        both = (simulate(frail, opened, Deals.none(), seed=1).wins[:, 0] == 2).mean()
        assert abs(both - exact) < WORST * np.sqrt(exact * (1 - exact) / PATHS)


@pytest.mark.parametrize("theta", [0.02, 0.3])
def test_frailty_of_a_wide_spread(theta: float) -> None:
    """One stage, won at z h and lost at l: E of the integral of z h exp(-(z h + l) t), z ~ Gamma(shape, rate), has the
    density h shape / rate * (1 + h t / rate)**-(shape + 1) * exp(-l t). At 0.02 most multipliers are nearly nothing."""
    h, lost, exits, exposure = 0.05, 0.02, 1, 0.4
    draws = calm_draws(one_stage(), [[h], [lost]], [0.0, 10.0, 60.0], n_draws=PATHS)
    frail = replace(draws, frailty=Frailty(np.full(PATHS, theta), [7], [exits], [[exposure]]))
    for client, shape, rate in ((-2, theta, theta), (0, theta + exits, theta + exposure)):
        opened = replace(deals(), client=[client])
        seen = simulate(frail, opened, Deals.none(), seed=1).wins.mean(axis=0)

        def density(t: float, shape: float = shape, rate: float = rate) -> float:
            return float(h * shape / rate * (1 + h * t / rate) ** -(shape + 1) * np.exp(-lost * t))

        for share, (begin, end) in zip(seen, ((0.0, 10.0), (10.0, 60.0)), strict=True):
            exact, error = quad(density, begin, end)
            assert abs(share - exact) < WORST * np.sqrt(exact * (1 - exact) / PATHS) + error


def test_days_of_wins_add_up_to_the_same_months() -> None:
    draws, opened = case(((0, 1), (0, 2), (0, 3), (1, 0), (1, 2), (2, 0), (2, 1), (2, 3), (2, 4)), seed=1)
    outcomes = simulate(
        draws,
        opened,
        Deals.none(),
        seed=3,
        replicates=500,
        group_sizes={"deal": len(opened)},
        deal_detail=True,
    )
    running = np.concatenate([np.zeros((len(opened), 1)), np.cumsum(outcomes.deal_win_days, axis=1)], axis=1)
    by_month = np.diff(running[:, MONTHS.astype(int) + 1], axis=1)
    np.testing.assert_array_equal(by_month, outcomes.by["deal"].sum(axis=0).T)
    np.testing.assert_array_equal(outcomes.deal_value, outcomes.by["deal"].sum(axis=(0, 1)))


def test_the_exact_solution_is_exact_where_a_formula_exists() -> None:
    """Two competing exits at constant hazards: 0.02 / 0.05 * (1 - exp(-0.05 t))."""
    draws = calm_draws(one_stage(), [[0.02], [0.03]], MONTHS)
    by_end = 0.4 * (1 - np.exp(-0.05 * MONTHS))
    np.testing.assert_allclose(win_by_month(draws, deals(), 0.5)[0], np.diff(by_end), rtol=1e-12)


def test_the_grid_converges_as_stated() -> None:
    """Two stages in a row with hazard r each: 1 - exp(-r t) (1 + r t), beyond the grid's first two orders."""
    funnel = Funnel(("A", "B", "Won", "Lost"), ((0, 1), (1, 2)), np.array([0.0]))
    draws = calm_draws(funnel, [[0.1], [0.1]], [0.0, 20.0])
    truth = 1 - np.exp(-2.0) * 3
    coarse, fine = (abs(win_by_month(draws, deals(), h)[0, 0] - truth) for h in (0.5, 0.25))
    assert coarse / fine == pytest.approx(2, rel=0.05)
    value, bound = extrapolated(draws, deals(), 0.5)
    assert abs(value[0, 0] - truth) < bound < 1e-4
