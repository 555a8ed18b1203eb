"""Good and bad months that several funnels of one company share: how much of them, and futures that do share them.

What a month brings that the months before it do not tell is, of each funnel and kind of exit, a standard normal number
(see `innovations`). Of funnels of one company these are taken to be correlated by r >= 0, the same for all:

    z_f = sqrt(r) c + sqrt(1 - r) e_f

with c common and e_f the funnel's own. r is learnt from the months that the histories have in common, beginning with
each value between 0 and 1 as likely as any other; where they tell nothing, this is what remains, and is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from forecast.fit import Fit, calendar_design
from forecast.history import Floats
from forecast.models.calendar import innovations, moved_by
from forecast.models.exits import kinds_present
from simulations import Kind

GRID = (np.arange(200) + 0.5) / 200
MOST_KNOWN = 1 - 1e-3  # variance of what was hardly seen: more is error of sampling


@dataclass(frozen=True, eq=False)
class Correlation:
    """weight: (grid,) posterior of r at GRID. months, weeks: how many of them told of it (see exposure.py)."""

    weight: Floats
    months: int
    weeks: int = 0

    @property
    def learnt(self) -> float:
        """By what share the data have narrowed the variance of r that there was before looking."""
        return 1 - float(self.weight @ GRID**2 - (self.weight @ GRID) ** 2) / float(GRID.var())

    def quantile(self, shares: Floats) -> Floats:
        return np.asarray(GRID[np.searchsorted(np.cumsum(self.weight)[:-1], shares)])


def correlation(mean: Floats, variance: Floats, weekly: Sequence[bool] | np.ndarray | None = None) -> Correlation:
    """mean, variance: (F, K, M) of the posterior of each innovation, NaN where a funnel has none. weekly: (M,) which
    are weeks, default none.

    A fit that begins with N(0, 1) and ends with N(m, v) has seen y = m / (1 - v), which has the error v / (1 - v). Seen
    values of one month and kind are normal, with covariances r, and variances 1 + error.
    """
    known = ~np.isnan(mean) & ((~np.isnan(mean)).sum(axis=0) > 1)
    left = np.minimum(np.where(known, variance, 0), MOST_KNOWN)
    seen, error = np.where(known, mean, 0) / (1 - left), left / (1 - left)
    r = GRID[:, None, None]
    own = known / (1 - r[:, None] + error)  # (grid, F, K, M)
    total, pulled = own.sum(axis=1), (own * seen).sum(axis=1)
    apart = (own * seen**2 - np.log(np.where(known, own, 1))).sum(axis=1)
    log = -(apart + np.log1p(r * total) - r * pulled**2 / (1 + r * total)).sum(axis=(1, 2)) / 2
    weight = np.exp(log - log.max())
    told = known.any(axis=(0, 1))
    weeks = 0 if weekly is None else int(told[np.asarray(weekly, dtype=bool)].sum())
    return Correlation(weight / weight.sum(), int(told.sum()) - weeks, weeks)


def shared_months(
    fits: Sequence[Fit], pairing: Sequence[np.ndarray], starts: int, seed: int
) -> tuple[list[Fit], Correlation]:
    """The same fits with other months to come, which the funnels share; all as of one day, and as far ahead.

    pairing: for each fit, (draws,) its draw that belongs to each simulation of the company. What the fits tell of
    months that are past stays as it is. starts: month in which fiscal years begin.
    """
    designs = [calendar_design(fit, starts) for fit in fits]
    found = [
        innovations(made, fit.posterior["calendar_size"], fit.posterior["log_calendar"])
        for fit, made in zip(fits, designs, strict=True)
    ]
    learnt = correlation(*_by_month(fits, found))
    ahead = len(fits[0].months) - fits[0].past
    rng = np.random.default_rng([seed, len(fits)])
    r = learnt.quantile(rng.uniform(size=len(pairing[0])))[:, None, None]
    common = rng.standard_normal((len(r), len(Kind), ahead))
    sharing = []
    for fit, made, own, paired in zip(fits, designs, found, pairing, strict=True):
        past, change = own[..., : fit.past], np.zeros_like(own)
        later = own[paired, :, fit.past :]
        change[paired, :, past.shape[-1] :] = (
            np.sqrt(r) * common[:, kinds_present(fit.exposure)] + (np.sqrt(1 - r) - 1) * later
        )
        effects = fit.posterior["log_calendar"] + moved_by(made, fit.posterior["calendar_size"], change)
        sharing.append(replace(fit, posterior={**fit.posterior, "log_calendar": effects}))
    return sharing, learnt


def _by_month(fits: Sequence[Fit], found: Sequence[Floats]) -> tuple[Floats, Floats, np.ndarray]:
    """(F, K, M) mean and variance over draws of past innovations, by kind and month, or week: a week of one funnel is
    no month of another that begins with it. (M,) which are weeks.
    """
    spans = [list(zip(fit.months[: fit.past], fit.months[1 : fit.past + 1], strict=True)) for fit in fits]
    months = sorted({span for of_fit in spans for span in of_fit})
    mean = np.full((len(fits), len(Kind), len(months)), np.nan)
    variance = mean.copy()
    for number, (fit, own) in enumerate(zip(fits, found, strict=True)):
        place = np.array([months.index(span) for span in spans[number]])
        at = np.ix_(np.array([number]), kinds_present(fit.exposure), place)
        past = own[..., : fit.past]
        mean[at], variance[at] = past.mean(axis=0), past.var(axis=0)
    weeks = {span for fit, of_fit in zip(fits, spans, strict=True) if fit.weekly for span in of_fit}
    return mean, variance, np.array([span in weeks for span in months])
