"""Deals that won deals bring about, such as renewals: how many, after how long, and which arrivals they were.

A won deal of a client is followed by further deals of that client at the rate m f(d) on day d after the win, f the
log-normal density of the delay. With N deals created by clients that had won before, K_n the wins of its client before
deal n, and E_i the share of f that falls within the record after win i (F, its integral, between two ages of the win),

    log L(m, f) = sum_n log sum_(i in K_n) m f(d_ni)  -  m sum_i E_i,

a Poisson process per win: none of several wins has to be named as the cause of a deal, and wins of late, of which
little can have followed yet, count for what they could have shown. Given the delay, m has the posterior
Gamma(N + 1/2, sum_i E_i); the two parameters of the delay are drawn from the Gaussian at their mode. Where clients buy
at a steady rate, and not because of what they bought, the delay grows beyond all bounds: that is refused.

Deals of clients that have won are arrivals too. So that none is counted twice, arrivals are thinned to the share of
those that followed nothing; and what wins before the origin will still bring about, m sum_i (F(b - w_i) - F(a - w_i))
between days a and b, is added to them, as the simulator lets only wins after the origin have follow-ups. These are
drawn from the same recent deals as all others, old clients and new ones as they came.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import ndtr, ndtri

from forecast.coding import clients
from forecast.config_asked import FollowUpSection
from forecast.config_data import Known
from forecast.errors import FunnelError
from forecast.history import SAME_DAY_STAY, Floats, History, Ints
from simulations import FollowUps

FEWEST = 10  # deals that follow wins, below which the history does not tell how often and when they do
MOST_PER_WIN, MOST_RENEWED, MOST_AGES = 1000, 0.999, 1000
# Before looking, 95 % of median delays lie between about ten days and nine years, of log-scatters between 0.2 and 3.
MEDIAN_DELAY, MEDIAN_SD, SCATTER, SCATTER_SD = 180.0, 1.5, 0.8, 0.7
LEAST_SHARE = 1e-3  # of arrivals that followed nothing
TENTH = float(ndtri(0.9))


@dataclass(frozen=True, eq=False)
class Followed:
    """follow_ups: by draw, of wins after the origin. share (D,): of the arrivals that follow no win. waiting (D, M):
    deals to come by month, expected from wins before the origin."""

    follow_ups: FollowUps
    share: Floats
    waiting: Floats


def followed(
    history: History, section: FollowUpSection, edges: Floats, draws: int, later: int, rng: np.random.Generator
) -> Followed:
    """Follow-ups as the funnel file states them, or else as the history shows them; FunnelError where it does not.

    edges: (M + 1,) days since the origin. later: the group "created" in which they count.
    """
    seen = _Seen.of(history)
    if section.per_win is not None and section.after is not None:
        low, high = np.log(section.after)
        mean = np.full(draws, section.per_win)
        centre, spread = np.full(draws, (low + high) / 2), np.full(draws, (high - low) / (2 * TENTH))
    else:
        if not seen.known or len(seen.follows) < FEWEST:
            told = f"only {len(seen.follows)} deals of clients that had won before"
            raise FunnelError(
                f"the history shows {told if seen.known else 'no client when a deal is created'}: too little to learn "
                "how deals follow won ones",
                remedy="State per_win and after under [follow_ups], or leave [follow_ups] out.",
            )
        mean, centre, spread = seen.posterior(draws, rng)
        median, record = float(np.exp(centre.mean())), float((seen.old - seen.young).max())
        if median > record / 2:
            raise FunnelError(
                "deals of clients that had won keep coming whatever was won, and when (half of them "
                f"{median:,.0f} days or more after a win, of which the record shows {record:,.0f} at most)",
                remedy="Leave [follow_ups] out: these are among the new deals. Or state per_win and after.",
            )
    stage = seen.stage if section.stage is None else history.states.index(section.stage)
    one = np.ones((draws, 1))
    drawn = -np.log1p(-np.minimum(mean, MOST_RENEWED)) if section.once else mean  # one comes with probability `mean`
    return Followed(
        FollowUps(
            mean=drawn[:, None],
            most=np.array([1 if section.once else MOST_PER_WIN]),
            log_delay=centre[:, None],
            delay_sd=spread[:, None],
            as_new=np.array([False]),
            stage=np.array([stage]),
            ratio=section.worth * one,
            groups={"created": later},
        ),
        seen.share(mean, centre, spread, rng),
        seen.waiting(mean, centre, spread, edges),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Seen:
    """What a history shows. known: whether the client is known when a deal is created. arrivals: deals created while
    arrivals were recorded. follows (N,): rows of those that follow a win. gap: (pairs,) days from a win to one of them,
    deal: (pairs,) which of the N. young, old: (wins,) ages of each win between which the record shows what followed.
    stage: where most of them begin, or the first."""

    known: bool
    arrivals: int
    follows: Ints
    gap: Floats
    deal: Ints
    young: Floats
    old: Floats
    stage: int

    @classmethod
    def of(cls, history: History) -> _Seen:
        first, open_ = history.first_visits(), history.begun_open()
        begun = history.visits.entered[first]
        since = max(history.recorded_from, float(begun.min()))
        wins = history.wins()
        row, won = wins["deal"].to_numpy(), wins["won"].to_numpy(dtype=np.float64)
        known = history.known.get("client") is Known.CREATION
        gaps, deals = [np.zeros(0)], [np.zeros(0, dtype=np.int64)]
        follows: list[int] = []
        if known:
            client = clients(history)
            told = client.iloc[row].notna().to_numpy()  # of the others nothing that follows could be seen
            row, won = row[told], won[told]
            winner = client.iloc[row].reset_index(drop=True)
            of_client = {name: won[rows] for name, rows in winner.groupby(winner).indices.items()}
            for n in np.flatnonzero(open_ & client.notna().to_numpy() & (begun >= since)):
                before = of_client.get(client.iloc[n], np.zeros(0))
                before = before[before <= begun[n]]
                if len(before):
                    gaps.append(np.maximum(begun[n] - before, SAME_DAY_STAY))
                    deals.append(np.full(len(before), len(follows)))
                    follows.append(int(n))
        starts = np.bincount(history.visits.state[first[follows]], minlength=1) if follows else np.ones(1)
        return cls(
            known, int((open_ & (begun >= since)).sum()), np.array(follows, dtype=np.int64),
            np.concatenate(gaps), np.concatenate(deals), np.maximum(since - won, 0.0), history.day - won,
            int(starts.argmax()),
        )  # fmt: skip

    def exposure(self, centre: float, spread: float) -> float:
        """Sum over wins of the share of what follows that falls within the record."""
        with np.errstate(divide="ignore"):
            old, young = ((np.log(age) - centre) / spread for age in (self.old, self.young))
        return float((ndtr(old) - ndtr(young)).sum())

    def posterior(self, draws: int, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
        """(draws,) number per win, and mean and deviation of the log delay."""
        prior = np.array([np.log(MEDIAN_DELAY), np.log(SCATTER)])
        width = np.array([MEDIAN_SD, SCATTER_SD])
        order = np.flatnonzero(np.diff(self.deal, prepend=-1))

        def cost(point: Floats) -> float:
            """Minus the log posterior of the delay, the number per win integrated out."""
            centre, spread = point[0], float(np.exp(point[1]))
            z = (np.log(self.gap) - centre) / spread
            density = -0.5 * z**2 - np.log(spread) - np.log(self.gap)
            top = np.maximum.reduceat(density, order)
            each = top + np.log(np.add.reduceat(np.exp(density - top[self.deal]), order))
            n, exposed = len(self.follows), max(self.exposure(centre, spread), 1e-300)
            return float(-each.sum() + (n + 0.5) * np.log(exposed) + 0.5 * (((point - prior) / width) ** 2).sum())

        mode = minimize(cost, prior, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9, "maxiter": 2000}).x
        step = 1e-3 * np.eye(2)
        signs = ((1, 1), (1, -1), (-1, 1), (-1, -1))  # a second difference, of which a product is the sign
        curvature = [[sum(p * q * cost(mode + p * a + q * b) for p, q in signs) for b in step] for a in step]
        values, vectors = np.linalg.eigh(np.array(curvature) / (4 * step[0, 0] ** 2))
        scale = vectors / np.sqrt(np.maximum(values, 1 / width.max() ** 2))
        points = mode + rng.standard_normal((draws, 2)) @ scale.T
        centre, spread = np.clip(points[:, 0], -3, 10), np.clip(np.exp(points[:, 1]), 0.01, 5)
        exposed = np.array([self.exposure(a, b) for a, b in zip(centre, spread, strict=True)])
        mean = rng.gamma(len(self.follows) + 0.5, size=draws) / np.maximum(exposed, 1e-9)
        return np.minimum(mean, 100.0), centre, spread

    def share(self, mean: Floats, centre: Floats, spread: Floats, rng: np.random.Generator) -> Floats:
        """(draws,) share of arrivals that follow no win: as counted where the client is known when a deal is created
        (with its Beta posterior), else what the wins on record must have brought about is taken off."""
        if self.known:
            number = len(self.follows)
            return rng.beta(self.arrivals - number + 0.5, number + 0.5, size=len(mean))
        brought = mean * [self.exposure(a, b) for a, b in zip(centre, spread, strict=True)]
        return np.clip(1 - brought / max(self.arrivals, 1), LEAST_SHARE, 1.0)

    def waiting(self, mean: Floats, centre: Floats, spread: Floats, edges: Floats) -> Floats:
        """(draws, M) expected number of deals between the edges that follow the wins on record."""
        age = self.old
        if len(np.unique(age)) > MOST_AGES:  # ages within half a per cent of each other are one
            age = np.exp(np.round(np.log(np.maximum(age, SAME_DAY_STAY)), 2))
        age, wins = np.unique(age, return_counts=True)
        reached = np.zeros((len(mean), len(edges)))
        with np.errstate(divide="ignore"):
            for k, edge in enumerate(edges):
                reached[:, k] = ndtr((np.log(age + edge) - centre[:, None]) / spread[:, None]) @ wins
        return np.asarray(mean[:, None] * np.diff(reached, axis=1))
