"""From tables to the answer: what was known, the fit, the simulations, and what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecast.categories import categories_of, kept_by_category
from forecast.config import Config
from forecast.draws import Scenario, scenario
from forecast.fit import Fit, fit
from forecast.history import Floats, History, as_of, day_of, days
from forecast.kept import Kept
from forecast.levers import what_would_change
from forecast.models.priors import stated
from forecast.models.sampling import Progress
from forecast.next_period import next_of, next_period, target_of
from forecast.parts import kept_apart, parts_of
from forecast.periods import Period
from forecast.question import Question
from forecast.quotas import groupings
from forecast.record import record
from forecast.sources.tables import Tables, named_attributes, usual_attributes
from forecast.summary import summarise
from forecast.what_if import WhatIf, what_if
from simulations import Outcomes, simulate

RECORDED = 1000  # simulations whose open deals are counted by month
DEAL_HORIZON = 24  # months over which P(win) and the closing date of a deal are told


@dataclass(frozen=True, eq=False)
class Answer:
    """`summary`: the answer as plain data (see forecast/schema). `outcomes`: the simulations behind it;
    `months`: labels of their columns, from the origin to the end of the last period. `what_if`: what they were
    simulated from, to be simulated again with something changed.
    """

    question: Question
    summary: dict[str, Any]
    outcomes: Outcomes
    months: tuple[str, ...]
    fit: Fit
    scenario: Scenario
    minor: int
    what_if: WhatIf

    def samples(self) -> pd.DataFrame:
        """One row per simulation and month: simulation, month, won (amount won after the origin)."""
        simulations, months = self.outcomes.won.shape
        return pd.DataFrame(
            {
                "simulation": np.repeat(np.arange(simulations, dtype=np.int32), months),
                "month": np.tile(np.array(self.months, dtype=object), simulations).astype(str),
                "won": self.outcomes.won.ravel() / self.minor,
            }
        )

    def deals(self) -> pd.DataFrame:
        """One row per open deal: its columns, stage, age_days, amount, p_win in each period and within 24
        months, quantiles of the closing date given that it is won, and expected value in the periods.
        """
        counts = self.outcomes.deal_win_days
        if counts is None:
            raise ValueError("deals: ask with deal_detail=True")
        history, n = self.fit.history, self.outcomes.n_simulations
        visit = self.scenario.open_visit
        table = history.deals.iloc[history.visits.deal[visit]].reset_index(drop=True)
        table["stage"] = np.array(history.states, dtype=object)[history.visits.state[visit]]
        table["age_days"] = history.day - history.visits.entered[visit]
        table["amount"] = history.visits.amount[visit]
        by_day = np.cumsum(counts[: len(visit)], axis=1, dtype=np.int64)
        for period, _ in self.question.periods:
            start, end = ((pd.Timestamp(day) - history.origin).days for day in (period.start, period.after))
            table[f"p_win_{period.label}"] = (by_day[:, end] - by_day[:, max(start, 0)]) / n
        won = by_day[:, -1]
        table["p_win"] = won / n
        for share in (10, 50, 90):
            day = (by_day < (won * share / 100)[:, None]).sum(axis=1)
            closing = pd.Series(history.origin + pd.to_timedelta(np.maximum(day - 1, 0), unit="D"))
            table[f"close_p{share}"] = closing.where(won > 0)
        assert self.outcomes.deal_value is not None
        table["expected_value"] = self.outcomes.deal_value[: len(visit)] / n / self.minor
        return table


def ask(
    config: Config,
    tables: Tables,
    question: Question,
    *,
    progress: Progress | None = None,
    threads: int | None = None,
    cluster: str | None = None,
    deal_detail: bool = False,
    past: Mapping[str, Any] | None = None,
    fits: Kept | None = None,
    fitted: Fit | None = None,
    levers: bool = True,
) -> Answer:
    """Fit what was known at the origin, simulate, and answer; FunnelError where that cannot be done.

    cluster: address of a Dask scheduler on whose workers deals are simulated, in place of threads here.
    past: the result of a backtest, whose record is quoted (see forecast/record.py). fits: where a fit is looked for
    and kept, as in kept_for(config); without, it is made anew. The answer is the same. levers: whether to
    say what would change the answer (see forecast/levers.py); else that is None. fitted: the fit to be asked, of the
    history as of the origin (see Fit.with_history), in place of one made here.
    """
    history = as_of(tables, config.funnel, question.origin) if fitted is None else fitted.history
    edges, kept = asked_months(history.origin, question)
    names = groupings(config, history, model_attributes(config, history))
    fitted, prepared, outcomes = simulated(
        config, history, edges, kept, draws=question.draws, seed=question.seed, groupings=names,
        apart=[period for period, _ in question.periods], progress=progress, threads=threads,
        cluster=cluster, deal_detail=deal_detail, fits=fits, fitted=fitted,
    )  # fmt: skip
    minor = 10**config.funnel.minor_digits
    months = month_labels(edges[: kept + 1])
    summary = summarise(config, tables, question, fitted, prepared, outcomes, edges[: kept + 1], names, minor)
    asked = what_if(history, prepared, outcomes, question, edges[: kept + 1], months, minor, threads, cluster)
    summary["levers"] = what_would_change(asked, config.forecast.wanted, progress=progress) if levers else None
    later = next_of(question)
    summary["next_period"] = next_period(
        later,
        target_of(later, config),
        history,
        prepared,
        edges,
        minor,
        seed=question.seed,
        threads=threads,
        cluster=cluster,
    )
    summary["record"] = None if past is None else record(past, config, question)
    return Answer(question, summary, outcomes, months, fitted, prepared, minor, asked)


def simulated(
    config: Config,
    history: History,
    edges: Floats,
    kept: int,
    *,
    draws: int,
    seed: int,
    groupings: Sequence[str] = (),
    apart: Sequence[Period] = (),
    progress: Progress | None = None,
    threads: int | None = None,
    cluster: str | None = None,
    deal_detail: bool = False,
    fits: Kept | None = None,
    fitted: Fit | None = None,
) -> tuple[Fit, Scenario, Outcomes]:
    """The fit of a history and its simulations over the months between `edges` (days since 1970-01-01, the first
    the origin); deals are created, and amounts counted, in the first `kept` of them. apart: periods
    asked about; where given, the groupings of forecast/parts.py and forecast/categories.py are kept apart, too.
    """
    if fitted is None:
        fitted = fitted_to(config, history, edges, draws=draws, seed=seed, progress=progress, fits=fits)
    minor, follow = 10**config.funnel.minor_digits, config.follow_ups
    prepared = scenario(fitted, edges, groupings, minor=minor, seed=seed, follow=follow)
    if apart:
        prepared = kept_apart(history, prepared, parts_of(fitted, prepared, config.funnel.expected_days))
        prepared = kept_by_category(prepared, categories_of(history, prepared.open_visit, apart))
    outcomes = simulate(
        prepared.draws, prepared.open_deals, prepared.templates, seed=seed,
        group_sizes={name: len(names) for name, names in prepared.labels.items()},
        arrival_months=kept, months=kept, deal_detail=deal_detail, threads=threads, cluster=cluster,
        record=RECORDED if apart else 0,
        progress=None if progress is None else lambda done, total: progress("Simulating deals", done, total),
    )  # fmt: skip
    return fitted, prepared, outcomes


def fitted_to(
    config: Config, history: History, edges: Floats, *, draws: int, seed: int, progress: Progress | None = None,
    fits: Kept | None = None,
) -> Fit:  # fmt: skip
    """The fit of a history that reaches to the last of the edges; made, or found among `fits`."""
    end = pd.Timestamp(0) + pd.Timedelta(days=float(edges[-1]) - 1)
    return (fit if fits is None else fits.fit)(
        history, model_attributes(config, history), until=end, fiscal_year_starts=config.funnel.fiscal_year_starts,
        draws=draws, seed=seed, priors=stated(config, history.states[: history.won]), progress=progress,
    )  # fmt: skip


def model_attributes(config: Config, history: History) -> list[str]:
    """The columns that the model uses: those named under [model], else the usual ones; FunnelError."""
    chosen = config.model.attributes
    if chosen is None:
        return list(usual_attributes(history.deals, history.known))
    return named_attributes(chosen, history.deals, history.known, "[model] attributes")


def asked_months(origin: pd.Timestamp, question: Question) -> tuple[Floats, int]:
    """Edges of the simulated months, cut where a period begins or ends, and how many of the months lie within
    the periods; those after them are for the closing dates of single deals, and for the next period.
    """
    last = pd.Timestamp(max(period.after for period, _ in question.periods))
    cuts = [pd.Timestamp(day) for period, _ in question.periods for day in (period.start, period.after)]
    if (later := next_of(question)) is not None:
        cuts.append(pd.Timestamp(later.after))
    horizon = max(origin + pd.DateOffset(months=DEAL_HORIZON), last, *cuts)
    edges = month_edges(origin, horizon, cuts)
    return edges, int(np.searchsorted(edges, day_of(last)))


def month_edges(origin: pd.Timestamp, end: pd.Timestamp, cuts: Sequence[pd.Timestamp] = ()) -> Floats:
    """Days since 1970-01-01 of the origin, the beginnings of months and the cuts after it, and the end."""
    starts = pd.date_range(origin, end, freq="MS")
    return days(pd.Series(sorted({origin, end, *starts, *(cut for cut in cuts if cut > origin)})))


def month_labels(edges: Floats) -> tuple[str, ...]:
    """2017-10 for what is simulated of a month, with its days where a period cuts it."""
    stamps = pd.to_datetime(edges, unit="D")
    names = [f"{stamp:%Y-%m}" for stamp in stamps[:-1]]
    ends = [f"{stamp - pd.Timedelta(days=1):%d}" for stamp in stamps[1:]]
    return tuple(
        name if names.count(name) == 1 else f"{name}-{stamp:%d}..{end}"
        for name, stamp, end in zip(names, stamps[:-1], ends, strict=True)
    )
