"""What a deal brings when it is won.

Where amounts are known on the way, a deal is won at its current amount with some probability, else at a
heavy-tailed (Laplace) log ratio of it; both are drawn by their own conjugate posterior or Bayesian bootstrap,
by stage. Where amounts are unknown until the close, a log-normal with effects of the attributes is part of
the PyMC model:  log amount ~ Normal(level + effect[c], scatter), through its sufficient statistics by cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from forecast.history import Floats, History, Ints
from forecast.models.design import Design
from forecast.models.priors import LogSizes, Priors, Sizes, log_range, log_sizes, size_variable
from forecast.models.whiten import Whitening, standard_normal, whitened, whitening

UNCHANGED = 1e-6  # log ratios smaller than this are no change
USUAL_REVISIONS = 2.0  # revisions that the prior counts for
USUAL_SCALE = 0.2  # of a log ratio, where nothing was seen
LARGEST_SCALE = 0.9  # the expectation of the ratio is infinite from 1 on
LEVEL_SD = 5.0  # of the log amount, where nothing is stated
STATED_SPREAD = 0.3  # of the sizes that make up a stated range


@dataclass(frozen=True, eq=False)
class WonAmounts:
    """Log won amounts by cell: count, mean and sum of squared deviations, (C,) each."""

    count: Floats
    mean: Floats
    squares: Floats


class AmountTerms(NamedTuple):
    """What the log density of won amounts is made of: their statistics (C,), and coefficients, the level first."""

    counts: Floats
    mean: Floats
    squares: Floats
    coefficients: Whitening  # (1 + coefficients,)
    level: float
    level_sd: float
    matrix: Floats  # (1 + coefficients, C)
    group: Ints  # (coefficients,)
    sizes: LogSizes
    scatter: LogSizes  # of one


@dataclass(frozen=True, eq=False)
class Revisions:
    """Log ratios of the won amount to that at the end of a stay, (n,), and the state of that stay, (n,)."""

    log_ratio: Floats
    state: Ints


def won_amounts(history: History, cell_of_deal: Ints, n_cells: int) -> WonAmounts:
    """Statistics of the won deals whose amount is positive and whose winning was on record."""
    wins = history.wins()
    wins = wins[(wins["amount"] > 0) & (wins["won"] > history.recorded_from)]
    cell, log_amount = cell_of_deal[wins["deal"]], np.log(wins["amount"].to_numpy(dtype=np.float64))
    count = np.bincount(cell, minlength=n_cells).astype(np.float64)
    mean = np.bincount(cell, weights=log_amount, minlength=n_cells) / np.maximum(count, 1)
    squares = np.bincount(cell, weights=(log_amount - mean[cell]) ** 2, minlength=n_cells)
    return WonAmounts(count, mean, squares.astype(np.float64))


def revisions(history: History) -> Revisions:
    """How the amounts of won deals changed between each of their stays and winning."""
    visits, wins = history.visits, history.wins()
    won = np.full(len(history.deals), np.nan)
    won[wins["deal"]] = wins["amount"]
    final = won[visits.deal]
    used = (final > 0) & (visits.amount > 0) & (visits.state < history.won)
    return Revisions(np.log(final[used] / visits.amount[used]), visits.state[used])


def amount_terms(won: WonAmounts, cells: Design, n_attributes: int, priors: Priors) -> AmountTerms:
    """Where the amount of a deal is stated, its variance is a quarter that of the level, as much that of the attributes
    if there are any, and for the rest scatter; else the level is that of the data.
    """
    total = max(won.count.sum(), 1)
    level = float((won.count * won.mean).sum() / total)
    by_level, scatter = priors.amount_level, priors.amount_scatter
    sd_of_level = level_sd(priors)
    if priors.amount is not None:
        level, sd = log_range(priors.amount)
        parts = min(n_attributes, 1)
        by_level = _size(sd**2 / 4 / max(n_attributes, 1))
        scatter = _size(sd**2 * (3 - parts) / 4)
    within = float(won.squares.sum() / total) + (1e-3 if priors.amount is None else scatter.median**2)
    design = np.vstack([np.ones((1, cells.matrix.shape[1])), cells.matrix])
    unit = 1.0 if priors.amount is None else by_level.median
    weak = np.append(sd_of_level**-2.0, np.full(cells.coefficients, unit**-2.0))
    precision = (design * won.count / within) @ design.T + np.diag(weak)
    pull = design @ (won.count * (won.mean - level) / within)
    centre = np.asarray(np.linalg.solve(precision, pull), dtype=np.float64)
    centre[0] += level
    return AmountTerms(
        counts=won.count,
        mean=won.mean,
        squares=won.squares,
        coefficients=whitening(centre, precision),
        level=level,
        level_sd=sd_of_level,
        matrix=design,
        group=cells.group,
        sizes=log_sizes([by_level] * max(n_attributes, 1)),
        scatter=log_sizes([scatter]),
    )


def level_sd(priors: Priors) -> float:
    """Of the prior of the level."""
    return LEVEL_SD if priors.amount is None else log_range(priors.amount)[1] / 2


def _size(variance: float) -> Sizes:
    """A size whose mean square is this."""
    return Sizes(float(np.sqrt(variance) * np.exp(-(STATED_SPREAD**2))), STATED_SPREAD)


_NONE = np.zeros(0)
NO_AMOUNTS = AmountTerms(
    counts=_NONE,
    mean=_NONE,
    squares=_NONE,
    coefficients=Whitening(_NONE, np.zeros((0, 0))),
    level=0.0,
    level_sd=LEVEL_SD,
    matrix=np.zeros((0, 0)),
    group=np.zeros(0, dtype=np.int64),
    sizes=LogSizes(_NONE, _NONE),
    scatter=LogSizes(_NONE, _NONE),
)


def add_amounts(terms: AmountTerms) -> None:
    """Add the log-normal to the PyMC model in context, with the deterministics `log_amount`
    (1 + coefficients,), the level and the attributes' effects, and `amount_scatter`.
    """
    scatter = pm.Deterministic("amount_scatter", pt.exp(size_variable("log_amount_scatter", terms.scatter)[0]))
    log_size = size_variable("log_amount_size", terms.sizes)
    beta = pm.Deterministic("log_amount", whitened("amount", terms.coefficients))
    log_sd = log_size[terms.group]
    pm.Potential(
        "amount_prior",
        standard_normal(beta[1:] * pt.exp(-log_sd)) - log_sd.sum()
        + standard_normal((beta[0] - terms.level) / terms.level_sd),
    )  # fmt: skip
    deviation = terms.mean - pt.dot(beta, terms.matrix)
    squares = terms.squares + terms.counts * deviation**2
    pm.Potential("amounts", (-terms.counts * pt.log(scatter) - squares / (2 * scatter**2)).sum())


def draw_revisions(
    seen: Revisions, n_states: int, n_draws: int, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """(draws, states) each: probability of no change, shift and scale of the Laplace log ratio otherwise.

    Unchanged: Beta, with two prior deals at the rate of all stages. Ratios: Bayesian bootstrap of the Laplace
    fit (weighted median and mean absolute deviation) over all stages, the prior counting for two of 0.2.
    """
    changed = np.abs(seen.log_ratio) > UNCHANGED
    same, moved = (np.bincount(seen.state[pick], minlength=n_states) for pick in (~changed, changed))
    rate = (same.sum() + 1) / (same.sum() + moved.sum() + 2)
    kept = rng.beta(same + 2 * rate, moved + 2 * (1 - rate), size=(n_draws, n_states))
    ratios = np.sort(seen.log_ratio[changed])
    if len(ratios) == 0:
        flat = np.zeros((n_draws, n_states))
        return kept, flat, flat + USUAL_SCALE
    if len(ratios) > 2_000:  # a sample at even ranks; more would not narrow what matters
        ratios = ratios[np.linspace(0, len(ratios) - 1, 2_000).astype(np.int64)]
    weights = rng.exponential(size=(n_draws, len(ratios)))
    median = ratios[(np.cumsum(weights, axis=1) < weights.sum(axis=1, keepdims=True) / 2).sum(axis=1)]
    shift = median * len(ratios) / (len(ratios) + USUAL_REVISIONS)
    deviation = (weights * np.abs(ratios - shift[:, None])).sum(axis=1)
    scale = (deviation + USUAL_REVISIONS * USUAL_SCALE) / (weights.sum(axis=1) + USUAL_REVISIONS)
    scale = np.minimum(scale, LARGEST_SCALE)
    every = np.ones(n_states)
    return kept, shift[:, None] * every, scale[:, None] * every
