"""Scenarios of finance: named sets of assumptions, each simulated on the random numbers of the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast import sellers
from forecast.coding import clients
from forecast.config import Config
from forecast.config_asked import CapacitySection, ScenarioSection
from forecast.draws import Scenario
from forecast.errors import FunnelError, near
from forecast.fit import Fit
from forecast.history import Floats, Ints
from forecast.models.sampling import Progress
from forecast.new_deals import PER_MONTH
from forecast.tornado import stated_age, usual_effect
from forecast.what_if import Aim, WhatIf
from simulations import Assumptions, answers, levers
from simulations.capacity import backlog
from simulations.pairs import moved_median

BASE = "as it is"


def scenarios(
    asked: WhatIf, fit: Fit, prepared: Scenario, config: Config, progress: Progress | None = None
) -> tuple[dict[str, Any], dict[str, Ints]]:  # fmt: skip
    """Every scenario of the funnel file beside the base, as plain data, and what is won (K, M) by month in each."""
    named = {BASE: ScenarioSection(), **config.scenarios}
    rows, simulations = [], {}
    for number, (name, section) in enumerate(named.items()):
        if progress is not None:
            progress("Simulating scenarios", number, len(named))
        won, wins = played(asked, fit, prepared, config, section)
        simulations[name] = won
        rows.append(
            {
                "name": name,
                "changes": in_words(section, config),
                "periods": [_period(asked, period, won) for period in asked.periods],
                "months": _months(asked, fit, won, wins, config.capacity),
            }
        )
    return {"capacity": _capacity(config.capacity), "scenarios": rows}, simulations


def joint(simulations: Mapping[str, Ints], months: tuple[str, ...], minor: int) -> pd.DataFrame:
    """One row per scenario and simulation, one column per month, in units of currency."""
    tables = []
    for name, won in simulations.items():
        table = pd.DataFrame(won / minor, columns=list(months))
        table.insert(0, "simulation", np.arange(len(won)))
        table.insert(0, "scenario", name)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def played(
    asked: WhatIf, fit: Fit, prepared: Scenario, config: Config, section: ScenarioSection
) -> tuple[Ints, NDArray[np.int32]]:  # fmt: skip
    """(K, M) amounts and numbers of deals won by month; those of the answer itself where nothing is changed."""
    given = assumed(asked, fit, prepared, config, section)
    if given is asked.given:
        return asked.base.won, asked.base.wins
    outcomes = asked.run(given)
    return outcomes.won, outcomes.wins


def assumed(asked: WhatIf, fit: Fit, prepared: Scenario, config: Config, section: ScenarioSection) -> Assumptions:
    """The assumptions of a scenario: first who sells and who buys, then rates and times, then amounts and numbers."""
    given, history, stages = asked.given, fit.history, list(config.funnel.stages)
    edges = asked.given.draws.month_edges + history.day
    effect = usual_effect(given, asked.kept)
    by_age = stated_age(given.draws)
    if section.leave:
        given = sellers.without_sellers(
            fit,
            prepared,
            config.model.seller,
            section.leave,
            edges=edges,
            minor=asked.minor,
            seed=asked.seed,
            follow=config.follow_ups,
        )
    given = _without_clients(given, fit, prepared, section)
    for stage, points in section.conversion.items():
        given = levers.conversion(given, stages.index(stage), points, by_age=by_age, effect=effect)
    given = _priced(given, section, by_age, effect)
    for stage, change in section.lead_time.items():
        given = levers.lead_time(given, change, stages=[stages.index(stage)])
    given = levers.new_deals(levers.amount(given, section.amount), _more(given, asked, section))
    return _joined(given, fit, config, section, edges)


def _without_clients(given: Assumptions, fit: Fit, prepared: Scenario, section: ScenarioSection) -> Assumptions:
    if not section.lost_clients:
        return given
    names = clients(fit.history)
    known = sorted(names.dropna().astype(str).unique())
    for name in section.lost_clients:
        if name not in known:
            raise FunnelError(f"'{name}' is not a client of any deal known at the origin", remedy=near(name, known))
    theirs = names.isin(section.lost_clients).to_numpy()
    given = levers.without(given, theirs[prepared.deal_row])
    return levers.without_templates(given, prepared.templates_of(theirs))


def _priced(given: Assumptions, section: ScenarioSection, by_age: float | None, effect: Floats) -> Assumptions:
    """Prices times 1 + change; the conversion rate p of the last open stage, where price is agreed on, becomes
    p (1 + change) ** elasticity, in every draw.
    """
    last = given.draws.funnel.n_open - 1
    if section.price and section.elasticity:
        p = levers.conversion_rate(given.draws, last, by_age=by_age, effect=effect)
        points = p * ((1 + section.price) ** section.elasticity - 1)
        given = levers.conversion(given, last, points, by_age=by_age, effect=effect)
    return levers.amount(given, section.price)


def _more(given: Assumptions, asked: WhatIf, section: ScenarioSection) -> float:
    if section.new_deals_per_month is None:
        return section.new_deals
    expected = given.draws.arrival_mean[:, : asked.kept].sum(axis=1).mean() / asked.edges[-1] * PER_MONTH
    if expected <= 0:
        raise FunnelError("new_deals_per_month: no new deals are expected, whose number could be changed")
    return float(section.new_deals_per_month / expected - 1)


def _joined(given: Assumptions, fit: Fit, config: Config, section: ScenarioSection, edges: Floats) -> Assumptions:
    """Each who joins adds the deals of an average seller: what all create, by the number of active sellers."""
    if not section.join:
        return given
    active = len(sellers.sellers(fit.history, config.model.seller))
    more = sum(joining.sellers * sellers.ramp(joining, edges) for joining in section.join)
    return levers.new_deals(given, np.asarray(more) / active)


def _period(asked: WhatIf, period: Aim, won: Ints) -> dict[str, Any]:
    revenue, before = period.revenue(won) / asked.minor, period.revenue(asked.base.won) / asked.minor
    moved, _ = asked.moved(period, won)
    quantiles = np.quantile(revenue, answers.P10_P50_P90)
    change = quantiles - np.quantile(before, answers.P10_P50_P90)
    return {
        "period": period.label,
        "p_hit": moved.p.p,
        "p_hit_se": answers.share(period.hits(won), asked.base.draw).se,
        "p_hit_change": moved.change.value,
        "p_hit_change_se": moved.change.se if moved.change.value else 0.0,
        **_named(quantiles, ""),
        **_named(change, "_change"),
        "p50_change_se": moved_median(revenue, before).se,
        "mean": float(revenue.mean()),
        "mean_change": float(revenue.mean() - before.mean()),
    }


def _named(values: Floats, ending: str) -> dict[str, float]:
    return {f"{name}{ending}": float(value) for name, value in zip(("p10", "p50", "p90"), values, strict=True)}


def _months(
    asked: WhatIf, fit: Fit, won: Ints, wins: NDArray[np.int32], capacity: CapacitySection
) -> list[dict[str, Any]]:
    quantiles = np.quantile(won, answers.P10_P50_P90, axis=0) / asked.minor
    before = np.quantile(asked.base.won, answers.P10_P50_P90, axis=0) / asked.minor
    room = month_capacity(capacity, asked.months, asked.edges, fit.history.origin)
    waiting = None
    if room is not None:
        waiting = backlog(wins if capacity.deals is not None else won / asked.minor, room, capacity.backlog)
    return [
        {
            "month": label,
            **_named(quantiles[:, m], ""),
            **_named(quantiles[:, m] - before[:, m], "_change"),
            "mean": float(won[:, m].mean()) / asked.minor,
            "deals": float(wins[:, m].mean()),
            "capacity": None if room is None else float(room[m]),
            "p_backlog": None if waiting is None else float((waiting[:, m] > 0).mean()),
            "mean_backlog": None if waiting is None else float(waiting[:, m].mean()),
        }
        for m, label in enumerate(asked.months)
    ]


def month_capacity(
    section: CapacitySection, labels: tuple[str, ...], edges: Floats, origin: pd.Timestamp
) -> Floats | None:
    """(M,) capacity of the months kept, of a part of a month in proportion to its days; None where none is given."""
    if section.usual is None:
        return None
    days = np.diff(edges)
    first = [(origin + pd.Timedelta(days=float(edge))).days_in_month for edge in edges[:-1]]
    usual = [section.months.get(label[:7], section.usual) for label in labels]
    return np.asarray(np.array(usual) * days / np.array(first), dtype=np.float64)


def _capacity(section: CapacitySection) -> dict[str, Any] | None:
    if section.usual is None:
        return None
    return {
        "of": "deals" if section.deals is not None else "amount",
        "usual": section.usual,
        "backlog": section.backlog,
    }


def in_words(section: ScenarioSection, config: Config) -> list[str]:
    """What a scenario changes."""

    def share(change: float) -> str:
        return f"{100 * change:+.3g} %".replace("+", "+ ").replace("-", "- ")

    told = [f"conversion of {stage} {share(points)[:-1]}points" for stage, points in section.conversion.items()]
    told += [f"lead time of {stage} {share(change)}" for stage, change in section.lead_time.items()]
    plain: Mapping[str, float] = {
        "new deals": section.new_deals, "amounts": section.amount, "price": section.price,
    }  # fmt: skip
    told += [f"{name} {share(change)}" for name, change in plain.items() if change]
    if section.price and section.elasticity:
        told.append(f"elasticity {section.elasticity:g}")
    if section.new_deals_per_month is not None:
        told.append(f"{section.new_deals_per_month:g} new deals a month")
    told += [f"{name} is lost" for name in section.lost_clients]
    told += [f"{name} leaves" for name in section.leave]
    for one in section.join:
        who = "a seller joins" if one.sellers == 1 else f"{one.sellers} sellers join"
        slowly = f", at full speed after {one.ramp_months:g} months" if one.ramp_months else ""
        told.append(f"{who} in {one.month}{slowly}")
    return told
