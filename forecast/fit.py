"""Fitting: one model of exits, arrivals and amounts, sampled, and trusted only if it passes the gate."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import arviz
import numpy as np
import pandas as pd
import xarray

from forecast.coding import Coding, code, combined
from forecast.errors import FunnelError
from forecast.exposure import WEEK, Exposure, combinations, expose, month_starts
from forecast.history import Floats, History, Ints, days
from forecast.models import design
from forecast.models.amounts import NO_AMOUNTS, amount_terms, won_amounts
from forecast.models.arrivals import MONTH, ArrivalTerms, arrival_terms, count_arrivals
from forecast.models.calendar import CalendarTerms
from forecast.models.clients import NO_CLIENTS, ClientTerms, client_terms
from forecast.models.definition import check, define, expand, with_future
from forecast.models.density import Terms
from forecast.models.exits import ExitTerms, exit_terms, kinds_present
from forecast.models.priors import Priors
from forecast.models.sampling import CHAINS, Progress, sample
from forecast.reproduced import reproduced

# Target acceptance and times as long: tried in this order, the longer runs only where draws are what is short.
ATTEMPTS = ((0.9, 1), (0.98, 1), (0.98, 2), (0.98, 4))
LARGEST_R_HAT = 1.05
SMALLEST_ESS = 100
MOST_DIVERGENCES = 0.01  # of the draws
MOST_SURPRISES = 0.05  # of the checks outside their 99 % predictive range
SEASONAL_DAYS = 2 * 365  # on record, from which on the month of the year is told from drift and from shocks
FEWEST_EXITS = 10  # where not every stage has a prior that was stated
ASSUMED_DEALS = 2.0
FEWEST_DAYS = 7  # on record, for the number of new deals to be told: with every day of the week


@dataclass(frozen=True)
class Health:
    """Diagnostics of a fit, the worst over everything that the simulator uses.

    checked: numbers of exits by stage, kind and month or age, of which `outside` are outside their 99 % predictive
    range; worst: the furthest of these in words.
    """

    r_hat: float
    ess: float
    divergences: int
    draws: int
    checked: int
    outside: int
    seconds: float
    worst: str = ""

    @property
    def healthy(self) -> bool:
        return not self.complaints()

    def complaints(self) -> list[str]:
        """What keeps the fit from being trusted."""
        found = self.shortages()
        if self.divergences > MOST_DIVERGENCES * self.draws:
            found.append(f"{self.divergences} of {self.draws} draws diverged")
        if self.outside > max(MOST_SURPRISES * self.checked, 1):
            found.append(
                f"{self.outside} of {self.checked} numbers of exits were not reproduced, first of all {self.worst}"
            )
        return found

    def told(self) -> str:
        """All of it in one line."""
        sampled = f"sampled well (R-hat {self.r_hat:.2f}, {self.ess:.0f} independent draws)"
        seen = f"{self.checked - self.outside} of {self.checked} numbers of exits within their 99 % range"
        return f"{sampled}; {seen}" + (f"; furthest off: {self.worst}" if self.worst else "")

    def shortages(self) -> list[str]:
        """What more draws would mend."""
        found = []
        if not self.r_hat <= LARGEST_R_HAT:
            found.append(f"the chains disagree (R-hat {self.r_hat:.2f} > {LARGEST_R_HAT})")
        if not self.ess >= SMALLEST_ESS:
            found.append(f"too few independent draws ({self.ess:.0f} < {SMALLEST_ESS})")
        return found


@dataclass(frozen=True, eq=False)
class Fit:
    """Posterior of a history: `posterior` by name, (draws, ...); months: first days of the T months of the calendar,
    past and future, what is left of the origin's month being one of its own; cells and design: what the coefficients
    of `effect` and `log_amount` mean; coding: how deals come to be in cells. fitted: the first day that the fit has
    not seen. chains: how many the draws come from in turn. kept: whether it was read from disk. The history may be a
    later one than that of the fit (see `with_history`), with more cells.
    """

    history: History
    exposure: Exposure
    cell_of_deal: Ints
    design: design.Design
    months: pd.DatetimeIndex
    posterior: Mapping[str, Floats]
    health: Health
    coding: Coding
    fitted: pd.Timestamp
    chains: int
    assumed: float = 0.0
    kept: bool = False

    @property
    def n_draws(self) -> int:
        return len(self.posterior["log_hazard"])

    def save(self, folder: Path) -> None:
        """Write the fit into a folder, from which `forecast.saving.load` reads it; FunnelError."""
        from forecast.saving import save  # which needs this class

        save(self, folder)

    def with_history(self, history: History) -> Fit:
        """The same posterior, asked about the deals of a later history of the same funnel.

        Their cells are coded as those of the fit were; an attribute's level that was not seen is at the average.
        Raises FunnelError where the stages are others, or where the history ends before that of the fit did.
        """
        if history.states != self.exposure.funnel.stages:
            raise FunnelError(
                f"the fit is of the stages {', '.join(self.exposure.funnel.stages)}, "
                f"not of {', '.join(history.states)}",
                remedy="Fit the other funnel on its own history.",
            )
        if history.origin < self.fitted:
            raise FunnelError(
                f"the fit has seen the days before {self.fitted.date()}: "
                f"asked as of {history.origin.date()}, it would know what had not happened yet",
                remedy=f"Ask as of {self.fitted.date()} or later, or fit again.",
            )
        cells, cell_of_deal = combined(self.coding.levels(history), self.exposure.cells)
        seen = len(self.exposure.cells)
        unseen = design.cells(cells.iloc[seen:], self.exposure.cells).matrix
        matrix = np.hstack([self.design.matrix[:, :seen], unseen])
        return replace(self, history=history, cell_of_deal=cell_of_deal, design=replace(self.design, matrix=matrix))

    def thinned(self, draws: int) -> Fit:
        """The same fit with fewer draws, evenly taken from its own: for a first look, or for what has to be quick."""
        if draws >= self.n_draws:
            return self
        posterior = {name: _evenly(values, draws) for name, values in self.posterior.items()}
        return replace(self, posterior=posterior, chains=1)

    def cell_effects(self) -> Floats:
        """(draws, J, C) log effects."""
        return np.asarray(self.posterior["effect"] @ self.design.matrix)

    def calendar(self) -> Floats:
        """(draws, 5, T) log effects by `Kind`, zero for kinds that the funnel has not."""
        effects = np.zeros((self.n_draws, 5, len(self.months)))
        effects[:, kinds_present(self.exposure)] = self.posterior["log_calendar"]
        return effects

    @property
    def past(self) -> int:
        """How many of the months the fit has seen."""
        return len(self.exposure.month_edges) - 1

    @property
    def weekly(self) -> bool:
        """Whether what it has seen is told in weeks, for want of months."""
        return _spans(_ended(self.months), self.past)[1] is not None


def fit(
    history: History,
    attributes: Sequence[str],
    *,
    until: pd.Timestamp,
    fiscal_year_starts: int = 1,
    draws: int = 2000,
    seed: int = 1,
    priors: Priors | None = None,
    clients_differ: bool = True,
    progress: Progress | None = None,
) -> Fit:
    """Sample the posterior given a history; the calendar reaches to the month that holds `until`.

    clients_differ: whether clients may have a frailty, and existing ones be told from new ones (see coding.py).

    Raises FunnelError when too little is known for a fit, or the fit fails the gate.
    """
    started = time.monotonic()
    priors = priors or Priors()
    coding = code(history, attributes, clients_differ=clients_differ)
    levels = coding.levels(history)
    cells, cell_of_deal = combinations(levels) if len(levels.columns) else combined(levels, pd.DataFrame(index=[0]))
    exposure = expose(history, cells, cell_of_deal, weekly=history.short_record)
    unknown = bool(np.isnan(history.visits.amount[history.visits.state < history.won]).any())
    _check_enough(exposure, history, priors, unknown)
    months = _months(exposure, history.origin, until)
    cell_design = design.cells(cells)
    exits, arrivals = _month_terms(history, exposure, months, cell_design, fiscal_year_starts, priors)
    if priors.new_deals is None and arrivals.days.sum() < FEWEST_DAYS:
        raise FunnelError(
            f"how many deals are created cannot be told from {arrivals.days.sum():.0f} days on record",
            remedy="State how many there are in a month in the funnel file: new_deals = [5, 20] under [priors], say.",
        )
    progress = progress or (lambda *_: None)
    progress("Preparing the model", 0, 1)
    amounts = NO_AMOUNTS
    if unknown or priors.amount is not None:
        won = won_amounts(history, cell_of_deal, len(cells))
        amounts = amount_terms(won, cell_design, len(cells.columns), priors)
    names, client = coding.clients_apart(history)
    differing = client_terms(history, client, len(names), cell_of_deal, exposure.funnel, exposure.month_edges, priors)
    terms = Terms(exits, arrivals, amounts, differing)
    check(define(terms), terms)
    progress("Preparing the model", 1, 1)
    for target, longer in ATTEMPTS:
        again = (target, longer) != ATTEMPTS[0]
        points, divergences = sample(terms, draws, seed, target, longer, progress, tilted=again)
        values = expand(terms, points)
        posterior = {name: _stacked(value, draws) for name, value in values.items()}
        health = _diagnose(values, divergences, posterior, exposure, exits.calendar, differing, seed, started)
        if health.healthy or (target == ATTEMPTS[-1][0] and not health.shortages()):
            break
    if not health.healthy:
        raise FunnelError(
            "the fit cannot be trusted: " + "; ".join(health.complaints()),
            remedy="Give more draws (--draws), fewer attributes under [model], or check the stages with "
            "`funnel check`.",
        )
    posterior = with_future(terms, posterior, seed)
    chains = CHAINS if draws == health.draws else 1
    return Fit(
        history, exposure, cell_of_deal, cell_design, months[:-1], posterior, health, coding, history.origin, chains,
        0.0 if priors.amount is None else ASSUMED_DEALS,
    )  # fmt: skip


def _month_terms(
    history: History, exposure: Exposure, months: pd.DatetimeIndex, cells: design.Design, fiscal_year_starts: int,
    priors: Priors,
) -> tuple[ExitTerms, ArrivalTerms]:  # fmt: skip
    """Terms of exits and of new deals, both by month; months: first days, with the end of the last."""
    past = len(exposure.month_edges) - 1
    number, spans = _spans(months, past)
    arrivals = count_arrivals(history, months[: past + 1])
    by_month = design.arrivals(number - 1, past - 1, arrivals.days.sum() >= SEASONAL_DAYS, spans)
    calendar = _calendar(history.origin, months, past, fiscal_year_starts)
    return exit_terms(exposure, calendar, cells, priors), arrival_terms(arrivals, by_month, priors)


def calendar_design(fit: Fit, fiscal_year_starts: int) -> design.Design:
    """Of all T months, as the fit took them."""
    return _calendar(fit.fitted, _ended(fit.months), fit.past, fiscal_year_starts)


def _ended(months: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """First days of months, with the end of the last."""
    return pd.DatetimeIndex([*months, months[-1] + pd.offsets.MonthBegin()])


def _calendar(origin: pd.Timestamp, months: pd.DatetimeIndex, past: int, fiscal_year_starts: int) -> design.Design:
    """months: first days, `past` of them before the origin, with the end of the last."""
    number, spans = _spans(months, past)
    begun = spans is None and months[past - 1] == origin.to_period("M").to_timestamp() < origin
    season = number - 1 if _seasonal(months, past) else None
    return design.calendar((number - fiscal_year_starts) % 3, past - 1, begun, spans, season)


def _seasonal(months: pd.DatetimeIndex, past: int) -> bool:
    """Whether so much is on record that the month of the year can be told from drift and from shocks."""
    return bool((months[past] - months[0]).days >= SEASONAL_DAYS)


def _spans(months: pd.DatetimeIndex, past: int) -> tuple[Ints, design.Spans | None]:
    """The number of the month in which the middle of each span lies, and how long spans are where the past is told in
    weeks. months: first days, `past` of them before the origin, with the end of the last.
    """
    edges = days(pd.Series(months))
    length = np.diff(edges) / MONTH
    middles = pd.to_datetime(edges[:-1] + np.diff(edges) / 2, unit="D")
    distance = (length + np.append(length[0], length[:-1])) / 2
    weekly = (np.diff(edges[: past + 1]) <= WEEK).all()
    return np.asarray(middles.month, dtype=np.int64), design.Spans(length, distance) if weekly else None


def other_future(fit: Fit, fiscal_year_starts: int, seed: int) -> Fit:
    """The same posterior of all that the history tells of, with the months after it drawn once more, given it."""
    if fit.history.origin != fit.fitted:
        raise ValueError(
            f"history: expected that of the fit, as of {fit.fitted.date()}, got {fit.history.origin.date()}"
        )
    months = _ended(fit.months)
    seen = len(fit.exposure.cells)
    cells = replace(fit.design, matrix=fit.design.matrix[:, :seen])
    exits, arrivals = _month_terms(fit.history, fit.exposure, months, cells, fiscal_year_starts, Priors())
    known = {**fit.posterior, "log_calendar": fit.posterior["log_calendar"][..., : fit.past]}
    return replace(fit, posterior=with_future(Terms(exits, arrivals, NO_AMOUNTS, NO_CLIENTS), known, seed))


def _months(exposure: Exposure, origin: pd.Timestamp, until: pd.Timestamp) -> pd.DatetimeIndex:
    """First days of the calendar's months, with the end of the last, which holds `until`. A month begins anew at the
    origin: the days on record of the origin's month do not say what the rest of it is like.
    """
    known = pd.to_datetime(exposure.month_edges[:-1], unit="D")
    after = month_starts(origin, max(until, origin))
    return pd.DatetimeIndex([*known, origin, *after[after > origin]])


def _check_enough(exposure: Exposure, history: History, priors: Priors, unknown: bool) -> None:
    """unknown: whether there are deals whose amount is not known before they are closed."""
    exits = int(exposure.exits_by_age.sum())
    silent = [stage for stage in history.states[: history.won] if stage not in priors.stages]
    if exits < FEWEST_EXITS and silent:
        raise FunnelError(
            f"only {exits} changes of stage are on record before the as-of date, of "
            f"{len(history.deals) - len(history.open_visits())} closed deals: too few to learn from",
            remedy="Ask as of a later date, give more history, or state what you assume of every stage under "
            "[priors.stages] in the funnel file: `funnel init --template NAME` drafts it for common kinds of funnels.",
        )
    if priors.amount is not None:
        return
    wins = history.wins()["amount"]
    if not (wins > 0).any() and (unknown or not (history.visits.amount > 0).any()):
        raise FunnelError(
            f"none of the {len(wins)} deals won before the as-of date has an amount: revenue cannot be told",
            remedy="Name the column under [source.columns] amount, and under [known] when it is known (an amount "
            "that is overwritten cannot be told for a past day); or state amount = [2000, 40000] under [priors], the "
            "range of what a won deal brings.",
        )


def _stacked(values: Floats, draws: int) -> Floats:
    """(draws, ...) of a variable (chains, draws, ...), chains interleaved, evenly thinned to this number."""
    stacked = np.swapaxes(values, 0, 1).reshape(values.shape[0] * values.shape[1], *values.shape[2:])
    return _evenly(stacked, draws)


def _evenly(values: Floats, draws: int) -> Floats:
    """So many draws of (n, ...)."""
    return np.ascontiguousarray(values[np.linspace(0, len(values) - 1, draws).round().astype(np.int64)])


def _diagnose(
    values: Mapping[str, Floats],
    divergences: int,
    posterior: Mapping[str, Floats],
    exposure: Exposure,
    calendar: CalendarTerms,
    clients: ClientTerms,
    seed: int,
    started: float,
) -> Health:
    """values: (chains, draws, ...) of everything that the simulator uses."""
    chains, draws = values["log_hazard"].shape[:2]
    every = np.concatenate([value.reshape(chains, draws, -1) for value in values.values()], axis=2)
    used = xarray.Dataset({"every": (("chain", "draw", "value"), every)})
    worst, least = float(arviz.rhat(used)["every"].max()), float(arviz.ess(used)["every"].min())
    seen = reproduced(posterior, exposure, calendar, clients, np.random.default_rng(seed))
    seconds = time.monotonic() - started
    return Health(worst, least, divergences, chains * draws, seen.checked, seen.outside, seconds, seen.worst)
