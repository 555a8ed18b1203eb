"""What moved the answer between two days: the deals won, lost, moved, aged, re-sized and created, and what was learned.

The median of a sum is no sum of medians, so a bridge is walked step by step, each step a whole forecast of which
one more part is as it is known now, on the same posterior draws and with the same random numbers of every deal:

    start     the answer of the earlier day: its fit, its open deals from the ages they had then, its new deals
    won       deals won in between bring what they brought, in place of what was expected of them
    lost      deals lost in between bring nothing (or what lost ones bring that are opened again)
    moved     deals open in another stage are simulated from there and now on
    aged      deals that stayed where they were are simulated from the age that they have now on
    resized   deals still open have the amount of now (and its band of size); those of the steps before had the old
    created   deals created in between are simulated from now on, or have brought what they brought, in place of those
              that were expected to be created in between; new deals expected from now on stay the very same
    learned   everything else: the fit of now in place of the earlier one, with its view of new deals, of how amounts
              change, and of clients; this step alone is not paired, as its posterior draws are others
    end       the answer of the later day

The effect of a step is the change of P50, or of P(hit); they sum to the move exactly. The order matters: in another
one, parts that act together (lost and created deals, say) would share their joint effect differently; changes of the
mean, but for the last, would be the same in any order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from forecast.answer import Answer
from forecast.draws import OTHERS, Scenario, scenario
from forecast.errors import FunnelError
from forecast.fates import Fate, fates, won_by_fate
from forecast.history import Floats, Ints, day_of
from forecast.periods import Period
from simulations import Deals, Draws, Frailty, Outcomes, answers, simulate

SCHEMA_VERSION = "1.0"
BY_FATE = {"won": Fate.WON, "lost": Fate.LOST, "moved": Fate.MOVED, "aged": Fate.AGED, "created": Fate.CREATED}
FATE = "fate"  # the grouping of the simulations here
EXPECTED = len(Fate)  # its last group: deals that the earlier day expected to be created


def bridge(then: Answer, now: Answer, *, threads: int | None = None) -> dict[str, Any]:
    """The move of each period's answer from `then` to `now`, as plain data (see forecast/schema).

    The two are answers to the same question as of two days, from the same records, with as many draws. Raises
    FunnelError where they are not.
    """
    _check(then, now)
    of = fates(then.fit.history, now.fit.history)
    found = runs(then, now, of, threads)
    return {
        "schema_version": SCHEMA_VERSION,
        "funnel": then.summary["funnel"],
        "currency": then.summary["currency"],
        "from": then.question.origin.isoformat(),
        "to": now.question.origin.isoformat(),
        "draws": then.question.draws,
        "seed": then.question.seed,
        "months_since": now.question.origin.isoformat() if then.fit.weekly and not now.fit.weekly else None,
        "periods": [
            _period(period, target, steps(found, then, now, of, period), found.deals, now.minor)
            for period, target in then.question.periods
        ],
    }


def table(board: dict[str, Any]) -> pd.DataFrame:
    """The same as rows: period, part (the ends are parts `before` and `after`), deals, p50, p_hit, mean."""
    rows = []
    for one in board["periods"]:
        ends = [{"part": name, "deals": None, **one[name]} for name in ("before", "after")]
        rows += [{"period": one["period"], **part} for part in (ends[0], *one["parts"], ends[1])]
    return pd.DataFrame(rows).astype({"deals": "Int64"})


@dataclass(frozen=True, eq=False)
class Runs:
    """The simulations that the steps are put together from, by fate and month, on the same draws.

    expected: from the earlier day on, as it was expected then. later: of that, new deals created from the later day
    on. aged: deals as they are on the later day, but for amounts, as seen with what was known on the earlier;
    resized: with their amounts. deals: how many each part is about.
    """

    expected: Outcomes
    later: Outcomes
    aged: Outcomes
    resized: Outcomes
    deals: dict[str, int]


def runs(then: Answer, now: Answer, of: pd.DataFrame, threads: int | None = None) -> Runs:
    """of: the fates of the deals, see fates.py."""
    fate = pd.Series(of["fate"].to_numpy(), index=of["key"].to_numpy())

    def run(draws: Draws, open_deals: Deals, templates: Deals, months: int, arrivals: int) -> Outcomes:
        return simulate(
            draws, _grouped(open_deals, fate.loc[pd.Index(open_deals.key)].to_numpy()),
            _grouped(templates, np.full(len(templates), EXPECTED)),
            seed=then.question.seed, group_sizes={FATE: EXPECTED + 1}, months=months, arrival_months=arrivals,
            threads=threads,
        )  # fmt: skip

    first, kept, kept_now = then.scenario, len(then.months), len(now.months)
    expected = run(first.draws, first.open_deals, first.templates, kept, kept)
    if not np.array_equal(expected.won, then.outcomes.won):
        raise ValueError("then: its simulations are not those of its scenario and seed")
    arrivals = _later_arrivals(first.draws, now.fit.history.day - then.fit.history.day)
    seen = _old_view(then, now)
    old = _old_amounts(seen.open_deals, first.open_deals)
    changed = (old.amount != seen.open_deals.amount) | (old.cell != seen.open_deals.cell)
    resized = run(seen.draws, seen.open_deals, seen.templates, kept_now, 0)
    counted = of["fate"][of["open"] | (of["fate"] != Fate.AGED)]  # not those that are lost as they were
    counts = np.bincount(counted, minlength=len(Fate))
    return Runs(
        expected=expected,
        later=run(arrivals, Deals.none(), first.templates, kept, kept),
        aged=run(seen.draws, old, seen.templates, kept_now, 0) if changed.any() else resized,
        resized=resized,
        deals={name: int(counts[fate]) for name, fate in BY_FATE.items()} | {"resized": int(changed.sum())},
    )


def steps(found: Runs, then: Answer, now: Answer, of: pd.DataFrame, period: Period) -> dict[str, Ints]:
    """(K,) revenue of the period in every simulation, in minor units: at the start, and after every part."""
    expected = _sums(found.expected, then, period)
    later = _sums(found.later, then, period)[:, EXPECTED]
    won = won_by_fate(now.fit.history, of, period, now.minor)
    aged, resized = (won + _sums(outcomes, now, period)[:, :EXPECTED] for outcomes in (found.aged, found.resized))
    by_fate = won_by_fate(then.fit.history, of, period, then.minor) + expected[:, :EXPECTED]
    new = expected[:, EXPECTED]
    told = {"start": by_fate.sum(axis=1) + new}
    for part in ("won", "lost", "moved", "aged"):
        by_fate[:, BY_FATE[part]] = aged[:, BY_FATE[part]]
        told[part] = by_fate.sum(axis=1) + new
    created = resized[:, Fate.CREATED]
    told["resized"] = resized.sum(axis=1) - created + new
    told["created"] = resized.sum(axis=1) + later
    told["learned"] = answers.revenue(now.outcomes, won_to_date=int(won.sum()), months=_mask(now, period))
    return told


def _period(
    period: Period, target: float, revenue: dict[str, Ints], deals: dict[str, int], minor: int
) -> dict[str, Any]:
    goal = round(target * minor)
    levels = {name: _level(values, goal) for name, values in revenue.items()}
    names = list(levels)
    start, end = levels[names[0]], levels[names[-1]]

    def told(level: Floats) -> dict[str, float]:
        p50, p_hit, mean = level.tolist()
        return {"p50": p50 / minor, "p_hit": p_hit, "mean": mean / minor}

    return {
        "period": period.label,
        "start": period.start.isoformat(),
        "end": period.end.isoformat(),
        "target": target,
        "before": told(start),
        "after": told(end),
        "move": told(end - start),
        "parts": [
            {"part": name, "deals": deals.get(name), **told(levels[name] - levels[before])}
            for before, name in pairwise(names)
        ],
        "learned_se": float(np.hypot(_median_se(revenue[names[-2]]), _median_se(revenue[names[-1]]))) / minor,
    }


def _level(revenue: Ints, goal: int) -> Floats:
    """(3,) P50 (a multiple of half a minor unit), P(hit) and the mean."""
    return np.array([np.quantile(revenue, 0.5), (revenue >= goal).mean(), revenue.mean()])


def _median_se(revenue: Ints) -> float:
    """Standard error of the median of as many independent simulations, from order statistics one of them away."""
    half = 0.5 / np.sqrt(len(revenue))
    low, high = np.quantile(revenue, [0.5 - min(half, 0.5), 0.5 + min(half, 0.5)])
    return float(high - low) / 2


def _mask(answer: Answer, period: Period) -> Any:
    """(M,) the months kept of an answer that lie in the period."""
    edges = answer.scenario.draws.month_edges[: len(answer.months) + 1] + answer.fit.history.day
    return (edges[:-1] >= day_of(period.start)) & (edges[1:] <= day_of(period.after))


def _sums(outcomes: Outcomes, answer: Answer, period: Period) -> Ints:
    """(K, groups) what is simulated of the period, in the months of an answer."""
    return np.asarray(outcomes.by[FATE][:, _mask(answer, period)].sum(axis=1))


def _grouped(deals: Deals, fate: Ints) -> Deals:
    return replace(deals, groups={FATE: fate})


def _later_arrivals(draws: Draws, day: float) -> Draws:
    """The same draws, with new deals from `day` (after the origin) on only: the very same ones where a month begins
    then, as months keep their numbers; of a month cut by the day, as many as its rest makes expect.
    """
    edges = draws.month_edges
    month = int(np.searchsorted(edges, day, side="right")) - 1
    rest = (edges[month + 1] - day) / (edges[month + 1] - edges[month])
    mean = draws.arrival_mean.copy()
    mean[:, :month] = 0
    mean[:, month] *= rest
    shape = draws.arrival_shape.copy()
    shape[:, month] *= rest
    cut = edges.copy()
    cut[month] = day
    return replace(draws, arrival_mean=mean, arrival_shape=shape, month_edges=cut - cut[0])


def _old_view(then: Answer, now: Answer) -> Scenario:
    """The deals that are open now, in the months of now, as seen with what was known then."""
    edges = now.scenario.draws.month_edges[: len(now.months) + 1] + now.fit.history.day
    known = then.fit.with_history(now.fit.history)
    seen = scenario(known, edges, (), minor=now.minor, seed=now.question.seed)
    before = then.scenario.draws
    revised = {name: getattr(before, name) for name in ("amount_kept", "amount_shift", "amount_scale")}
    differ = _old_frailty(seen.draws.frailty, seen.labels["client"], before.frailty, then.scenario.labels["client"])
    return replace(seen, draws=replace(seen.draws, **revised, frailty=differ, follow_ups=before.follow_ups))


def _old_frailty(now: Frailty | None, names: list[str], then: Frailty | None, names_then: list[str]) -> Frailty | None:
    """What was known then of the clients known then; of others, what is known now."""
    if now is None or then is None:
        return now
    place = pd.Index(names_then).get_indexer(pd.Index(names))
    place[[name == OTHERS for name in names]] = -1
    old = place >= 0
    exits = np.where(old, then.exits[place], now.exits)
    return replace(now, exits=exits, exposure=np.where(old, then.exposure[:, place], now.exposure))


def _old_amounts(deals: Deals, before: Deals) -> Deals:
    """The deals with the amount, and the cell that it puts them in, that they had before; new ones as they are."""
    place = pd.Index(before.key).get_indexer(pd.Index(deals.key))
    old = place >= 0
    return replace(
        deals,
        amount=np.where(old, before.amount[place], deals.amount),
        cell=np.where(old, before.cell[place], deals.cell),
    )


def _check(then: Answer, now: Answer) -> None:
    if not then.question.origin < now.question.origin:
        raise FunnelError(
            f"a bridge leads to a later day, not from {then.question.origin} to {now.question.origin}",
            remedy="Name the earlier day first.",
        )
    if (then.question.periods, then.question.draws, then.question.seed) != (
        now.question.periods, now.question.draws, now.question.seed,
    ):  # fmt: skip
        raise FunnelError(
            "the two answers are to different questions",
            remedy="Ask both with the same periods, targets, draws and seed.",
        )
    if then.fit.history.states != now.fit.history.states:
        raise FunnelError("the two answers are about different stages", remedy="Ask both of the same funnel.")
