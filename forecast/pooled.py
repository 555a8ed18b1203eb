"""What the model expects of a new deal of a group: a group with few deals is drawn towards what is usual."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecast.coding import clients
from forecast.draws import Scenario, client_codes, deal_keys, minor_units
from forecast.fit import Fit
from forecast.history import Floats, Ints
from forecast.indicators import UNTOLD, Estimate
from forecast.rates import STATED_AGE
from simulations import Deals, Draws, simulate

DRAWS = 200  # of the posterior
PATHS = 1000  # of each group in every draw, at least, and at most twice as many
DAILY = 60  # days that are told apart from one another; later on, weeks
INTERVAL = (0.025, 0.5, 0.975)


@dataclass(frozen=True, eq=False)
class Pooled:
    """Of G groups, in two runs of every draw, (draws, 2, G): p_win, the chance that a new deal is won within STATED_AGE
    days; days, by which half of those are, NaN where none is; value, what a new deal brings, won or not, in minor
    units.
    """

    p_win: Floats
    days: Floats
    value: Floats


def pooled(
    fit: Fit, prepared: Scenario, groups: Sequence[Ints], minor: int, *, seed: int, threads: int | None = None
) -> Pooled:
    """groups: rows of the deals of the history.

    New deals are the group's deals as they were when created, played anew in the average month on record, in DRAWS
    draws; clients have the frailty that they have. Deals that follow won ones are not counted.
    """
    deals = _as_created(fit, prepared, groups, minor)
    sizes = np.bincount(deals.groups["group"], minlength=len(groups))
    edges = np.unique([*np.arange(DAILY), *np.arange(DAILY, STATED_AGE, 7), STATED_AGE]).astype(np.float64)
    draws = prepared.draws.first(DRAWS)

    def run(draws: Draws, deals: Deals, edges: Floats) -> Floats:
        """(draws, 2, groups, times) cumulated sums of the deals of each group, over the number of deals."""
        outcomes = simulate(
            _usual_month(fit, draws, edges), deals, Deals.none("group"), seed=seed, replicates=2,
            group_sizes={"group": len(groups)}, arrival_months=0, threads=threads,
        )  # fmt: skip
        by_run = outcomes.by["group"].reshape(draws.n_draws, 2, len(edges) - 1, len(groups))
        return np.asarray(np.cumsum(by_run, axis=2).transpose(0, 1, 3, 2) / sizes[:, None])

    # Each deal worth one, for sure: the sums are numbers of wins.
    ones = replace(draws, amount_kept=np.ones_like(draws.amount_kept))
    wins = run(ones, replace(deals, amount=np.ones_like(deals.amount)), edges)
    return Pooled(wins[..., -1], _median(wins, edges), run(draws, deals, edges[[0, -1]])[..., 0])


def _as_created(fit: Fit, prepared: Scenario, groups: Sequence[Ints], minor: int) -> Deals:
    """The deals of each group as they were when they were created, as often as it takes to have PATHS of them; of very
    many, an even choice by amount.
    """
    history, first, chosen = fit.history, fit.history.first_visits(), []
    amount = minor_units(history.visits.amount[first], minor)
    for group in groups:
        by_amount = group[np.argsort(amount[group], kind="stable")]
        even = (np.arange(2 * PATHS) + 0.5) * len(group) / (2 * PATHS)
        many = len(group) > 2 * PATHS
        chosen.append(by_amount[even.astype(np.int64)] if many else np.tile(by_amount, -(-PATHS // len(group))))
    rows, number = np.concatenate(chosen), np.repeat(np.arange(len(groups)), [len(group) for group in chosen])
    differ = prepared.draws.frailty is not None
    return Deals(
        key=deal_keys(f"{group}/{place}" for place, group in enumerate(number)),
        stage=history.visits.state[first[rows]],
        age=np.zeros(len(rows)),
        cell=fit.cell_of_deal[rows],
        amount=amount[rows],
        groups={"group": number},
        client=client_codes(clients(history).iloc[rows], prepared.labels["client"]) if differ else None,
    )


def _usual_month(fit: Fit, draws: Draws, edges: Floats) -> Draws:
    """The draws with every month like the average one on record, weighted by the days that deals were open in it."""
    days = fit.exposure.days_at_risk.sum(axis=(0, 1, 3))
    calendar = np.exp(fit.calendar()[: draws.n_draws, :, : len(days)]) @ (days / days.sum())
    times = len(edges) - 1
    return replace(
        draws,
        calendar=np.repeat(calendar[:, :, None], times, axis=2),
        month_edges=edges,
        arrival_mean=np.zeros((draws.n_draws, times)),
        arrival_shape=np.ones((draws.n_draws, times)),  # of no deals
        follow_ups=None,
    )


def _median(wins: Floats, edges: Floats) -> Floats:
    """(draws, 2, G) day by which half of the wins (draws, 2, G, times) are there; NaN where there is none."""
    half = wins[..., -1:] / 2
    place = (wins < half).sum(axis=3, keepdims=True)
    done = np.take_along_axis(wins, place, axis=3)
    before = np.where(place > 0, np.take_along_axis(wins, np.maximum(place - 1, 0), axis=3), 0.0)
    part = (half - before) / np.where(done > before, done - before, 1.0)
    found = edges[place] + part * (edges[place + 1] - edges[place])
    return np.asarray(np.where(half > 0, found, np.nan)[..., 0])


def worth_pooled(found: Pooled, amounts: Sequence[Floats], rng: np.random.Generator) -> Floats:
    """(draws, 2, G) value of a new deal where what a win brings is drawn to that of the first group, all deals.

    amounts: of the deals of each group when they were created; where one is not known, the model has pooled them
    already. Deals that bring as much as if c of all deals were among the n of the group (a Dirichlet process, Ferguson
    1973): for the mean of logs that is the best linear prediction with c the variance within groups over that between
    them, by the analysis of variance (Searle 1971); at most all others. Their mean is unsure by its variance over the
    number of deals.
    """
    if any((np.isnan(of_group) | (of_group <= 0)).any() for of_group in amounts):
        return found.value
    everyone, *groups = amounts
    count = np.array([len(of_group) for of_group in amounts], dtype=np.float64)
    counted_for = np.minimum(count + _usual_deals([np.log(of_group) for of_group in groups]), len(everyone))
    own = np.where(np.arange(len(amounts)) == 0, 1.0, count / np.maximum(counted_for, count))
    with np.errstate(invalid="ignore"):  # no win: nothing is brought
        worth = np.nan_to_num(found.value / found.p_win)
    mean = own * worth + (1 - own) * worth[..., :1]
    spread = np.array([own.var() / own.mean() ** 2 for own in amounts])
    spread = (own * spread + (1 - own) * spread[0]) / np.maximum(counted_for, count)
    shape = 1 / np.maximum(spread, 1e-12)
    return np.asarray(found.p_win * mean * (rng.gamma(shape, size=(len(mean), 1, len(amounts))) / shape))


def _usual_deals(logs: Sequence[Floats]) -> float:
    """For how many deals the usual ones count: variance within groups over variance between them."""
    count = np.array([len(of_group) for of_group in logs], dtype=np.float64)
    total, groups = count.sum(), len(logs)
    if groups < 2 or total <= groups:
        return 0.0
    mean = np.array([of_group.mean() for of_group in logs])
    within = sum(float(((of_group - of_group.mean()) ** 2).sum()) for of_group in logs) / (total - groups)
    between = float((count * (mean - (count * mean).sum() / total) ** 2).sum()) / (groups - 1)
    apart = (between - within) / ((total - (count**2).sum() / total) / (groups - 1))
    return within / apart if apart > 0 else np.inf


def estimate(pair: Floats) -> Estimate:
    """Quantiles of what the two runs (draws, 2) of each draw have in common: that is knowledge, the rest luck of the
    simulation. Their means, with deviations scaled to the covariance of the two, which is taken higher by its own error
    so that no interval is too short.
    """
    pair = pair[np.isfinite(pair).all(axis=1)]
    if len(pair) < 2:
        return UNTOLD
    mean, (both, (_, second)) = pair.mean(axis=1), np.cov(pair.T)
    first, common = both
    common = max(common, 0.0) + np.sqrt((first * second + common**2) / (len(pair) - 1))
    spread = mean.var(ddof=1)
    scale = np.sqrt(min(common / spread, 1.0)) if spread > 0 else 0.0
    low, middle, high = np.quantile(mean.mean() + scale * (mean - mean.mean()), INTERVAL)
    return {"p50": float(middle), "low": float(low), "high": float(high)}
