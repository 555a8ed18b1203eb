"""Several funnels of one company: simulated on months that they share, and added up simulation by simulation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from forecast.answer import asked_months, fitted_to, month_labels, simulated
from forecast.asked import AskedPeriod, asked_about
from forecast.config import Config
from forecast.config_asked import ForecastSection, PeriodTarget
from forecast.draws import deal_keys
from forecast.errors import FunnelError
from forecast.history import Floats, History, actual, as_of, day_of
from forecast.kept import kept_for
from forecast.models.sampling import Progress
from forecast.options import Asking
from forecast.parts import open_value
from forecast.periods import Period
from forecast.question import Question
from forecast.shared_months import Correlation, shared_months
from forecast.sources.tables import Tables
from forecast.summary import by_month
from simulations import Outcomes, answers

SCHEMA_VERSION = "1.0"
FUNNEL = "funnel"  # the grouping of the simulations here
INTERVAL = (0.1, 0.5, 0.9)


@dataclass(frozen=True, eq=False)
class Funnel:
    """One of the funnels. outcomes: in the order of the company's simulations. rtv: minor units."""

    config: Config
    history: History
    recorded: History
    outcomes: Outcomes
    rtv: int

    @property
    def name(self) -> str:
        return called(self.config)


@dataclass(frozen=True, eq=False)
class Company:
    """`summary`: the answer as plain data (see forecast/schema). `outcomes`: what all funnels bring, by FUNNEL."""

    summary: dict[str, Any]
    outcomes: Outcomes
    names: tuple[str, ...]
    months: tuple[str, ...]
    minor: int

    def samples(self) -> pd.DataFrame:
        """One row per simulation, month and funnel: simulation, month, funnel, won (after the origin)."""
        own = self.outcomes.by[FUNNEL]
        index = pd.MultiIndex.from_product(
            [np.arange(len(own), dtype=np.int32), self.months, self.names], names=["simulation", "month", "funnel"]
        )
        return pd.DataFrame({"won": own.ravel() / self.minor}, index).reset_index()


def called(config: Config) -> str:
    """The name of a funnel, or of its file."""
    return config.funnel.name or (config.path.stem if config.path is not None else "")


def question_of(funnels: Sequence[tuple[Config, Tables]], asked: Asking) -> Question:
    """What is asked of all funnels together; `asked`: as it was typed.

    As of the day that funnel files name, else the earliest at which one's records end; about the periods that all files
    name; targets that are not typed are the sums of theirs. FunnelError where the funnels do not go together.
    """
    configs = [config for config, _ in funnels]
    _alike("name", [called(config) for config in configs], differ=True)
    _alike("currency", [config.funnel.currency for config in configs])
    _alike("fiscal_year_starts", [config.funnel.fiscal_year_starts for config in configs])
    origins = [config.forecast.origin for config in configs if config.forecast.origin is not None]
    if asked.as_of is None and len(set(origins)) > 1:
        days = ", ".join(str(day) for day in origins)
        raise FunnelError(f"the funnel files ask as of different days: {days}", remedy="Say --as-of DATE.")
    earliest = min((tables for _, tables in funnels), key=lambda tables: tables.recorded_until)
    first = configs[0].forecast
    everywhere = [p for p, _ in configs[0].periods() if all(p in dict(config.periods()) for config in configs)]
    together = ForecastSection(
        origin=origins[0] if origins else None, draws=first.draws, seed=first.seed,
        periods=tuple(PeriodTarget(period=p.label, target=_summed(configs, p)) for p in everywhere),
    )  # fmt: skip
    return asked.question(configs[0].model_copy(update={"forecast": together}), earliest)


def _summed(configs: Sequence[Config], period: Period) -> float | None:
    targets = [dict(config.periods())[period] for config in configs]
    return sum(target for target in targets if target is not None) if None not in targets else None


def _alike(key: str, values: Sequence[Any], *, differ: bool = False) -> None:
    if len(set(values)) == (len(values) if differ else 1):
        return
    shown = ", ".join(str(value) or "none" for value in values)
    what = "must have different names" if differ else f"must have one {key}"
    raise FunnelError(f"funnels that are added up {what}, got {shown}", remedy=f"Write {key} under [funnel] in each.")


def ask_together(
    funnels: Sequence[tuple[Config, Tables]], question: Question, *, progress: Progress | None = None,
    threads: int | None = None, cluster: str | None = None, fresh: bool = False,
) -> Company:  # fmt: skip
    """Fit every funnel, simulate them on shared months, and add up; FunnelError where one cannot be answered for.

    Draws of different funnels are paired at random (in an order that a funnel's name decides on), so that nothing is
    shared but the months to come: parameters are learnt apart, and deals have their own luck.
    """
    origin = pd.Timestamp(question.origin)
    edges, kept = asked_months(origin, question)
    pairing, histories, fits = [], [], []
    for number, (config, tables) in enumerate(funnels):
        history = as_of(tables, config.funnel, question.origin)
        own = _of(progress, f"{number + 1} of {len(funnels)}")
        made = kept_for(config, fresh=fresh)
        fits.append(
            fitted_to(config, history, edges, draws=question.draws, seed=question.seed, progress=own, fits=made)
        )
        rng = np.random.default_rng([question.seed, int(deal_keys([called(config)])[0])])
        pairing.append(rng.permutation(question.draws))
        histories.append(history)
    sharing, learnt = shared_months(fits, pairing, funnels[0][0].funnel.fiscal_year_starts, question.seed)
    found = []
    for (config, tables), history, fitted, paired in zip(funnels, histories, sharing, pairing, strict=True):
        _, prepared, outcomes = simulated(
            config, history, edges, kept, draws=question.draws, seed=question.seed, fitted=fitted, progress=progress,
            threads=threads, cluster=cluster,
        )  # fmt: skip
        viable = history.visits.state[prepared.open_visit] >= history.viable_from
        recorded = as_of(tables, config.funnel, tables.recorded_until)
        rtv = int(open_value(prepared)[viable].sum())
        found.append(Funnel(config, history, recorded, _reordered(outcomes, paired), rtv))
    return add_up(found, question, edges[: kept + 1], learnt)


def _of(progress: Progress | None, which: str) -> Progress | None:
    return None if progress is None else lambda stage, done, total: progress(f"{stage} ({which})", done, total)


def _reordered(outcomes: Outcomes, order: np.ndarray) -> Outcomes:
    """Simulations in another order, without groups."""
    return Outcomes(
        outcomes.won[order], outcomes.wins[order], outcomes.created[order], {}, np.arange(len(order))
    )  # fmt: skip


def add_up(funnels: Sequence[Funnel], question: Question, edges: Floats, learnt: Correlation) -> Company:
    """The sum of funnels whose simulations belong together, row by row. edges: (M + 1,) days since 1970-01-01."""
    won = np.stack([one.outcomes.won for one in funnels], axis=2)
    wins, created = (sum(getattr(one.outcomes, name) for one in funnels) for name in ("wins", "created"))
    total = Outcomes(won.sum(axis=2), wins, created, {FUNNEL: won}, funnels[0].outcomes.draw)  # type: ignore[arg-type]
    funnel = funnels[0].config.funnel
    minor = 10**funnel.minor_digits
    low, middle, high = learnt.quantile(np.array(INTERVAL)).tolist()
    summary = {
        "schema_version": SCHEMA_VERSION,
        "origin": question.origin.isoformat(),
        "currency": funnel.currency,
        "seed": question.seed,
        "draws": question.draws,
        "funnels": [one.name for one in funnels],
        "shared": {
            "p10": low,
            "p50": middle,
            "p90": high,
            "months": learnt.months,
            "weeks": learnt.weeks,
            "learnt": learnt.learnt,
        },
        "periods": [_period(funnels, period, target, total, edges, minor) for period, target in question.periods],
        "files": {},
    }
    return Company(summary, total, tuple(one.name for one in funnels), month_labels(edges), minor)


def _period(
    funnels: Sequence[Funnel], period: Period, target: float, total: Outcomes, edges: Floats, minor: int
) -> dict[str, Any]:
    own = [asked_about(period, _own_target(one, period), one.history, edges, minor, wanted=1.0) for one in funnels]
    every = replace(own[0], target=round(target * minor), won=np.concatenate([asked.won for asked in own]))
    rows = [
        {"funnel": one.name, **_told(asked, one.outcomes, one.rtv)} for one, asked in zip(funnels, own, strict=True)
    ]
    start, after = day_of(period.start), day_of(period.after)
    happened = [actual(start, after, 0.0, one.history, one.recorded) for one in funnels]
    revenue = sum(one["revenue"] for one in happened if one is not None)
    return {
        "period": period.label,
        "start": period.start.isoformat(),
        "end": period.end.isoformat(),
        **_told(every, total, sum(one.rtv for one in funnels)),
        "sums_of_funnels": {name: sum(row[name] for row in rows) for name in ("p10", "p50", "p90", "mean")},
        "funnels": rows,
        "by_month": by_month(period, [one.history for one in funnels], total, edges, every.months, minor),
        "actual": None if None in happened else {"revenue": revenue, "hit": revenue >= target},
    }


def _told(asked: AskedPeriod, outcomes: Outcomes, rtv: int) -> dict[str, Any]:
    """What is told of a funnel and of all; without a target there is no chance and no gap."""
    aimed = bool(np.isfinite(asked.target))
    hit = answers.p_hit(outcomes, asked.target, **asked.terms)
    gap = asked.money(asked.gap) if aimed else None
    return {
        "target": asked.money(asked.target) if aimed else None,
        "p_hit": hit.p if aimed else None,
        "p_hit_se": hit.se if aimed else None,
        **asked.spread(outcomes),
        "won_to_date": asked.money(asked.won_to_date),
        "gap": gap,
        "rtv": asked.money(rtv),
        "funnel_factor": asked.money(rtv) / gap if gap is not None and gap > 0 else None,
    }


def _own_target(one: Funnel, period: Period) -> float | None:
    return dict(one.config.periods()).get(period)
