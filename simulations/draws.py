"""Draws: everything uncertain that the engine needs, one row per posterior draw."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulations.follow_ups import FollowUps
from simulations.frailty import Frailty
from simulations.funnel import Funnel, Kind, check_range, frozen_array

LARGEST = np.finfo(np.float64).max
MOST_RATE = 1e9  # hazards per day and multipliers; the engine's shortest stay is about 0.1 s (see kernel.py)
BY_DRAW = (
    "hazard", "effect", "calendar", "arrival_mean", "arrival_shape", "template_cdf", "client_cdf", "amount_kept",
    "amount_shift", "amount_scale", "amount_log_mean", "amount_log_sd",
)  # fmt: skip
MOST_ARRIVALS = 1e7  # expected new deals of one month; beyond it the input is a mistake


@dataclass(frozen=True, eq=False)
class Draws:
    """Posterior draws of a funnel's parameters (shapes: see `simulations.funnel`).

    In draw d a deal of cell c leaves its state by exit j, at age a and time t, with the hazard per day

        hazard[d, j, bin(a)] * effect[d, j, c] * calendar[d, kind(j), month(t)]

    and, with frailty, times the multiplier of its client in that draw where the exit advances or wins.

    funnel: the graph.
    hazard: (D, J, B) baseline exits per day by age bin.
    effect: (D, J, C) multiplier by cell.
    calendar: (D, 5, M) multiplier by `Kind` and month.
    month_edges: (M + 1,) days since the origin, the first 0, increasing; month m is
        (month_edges[m], month_edges[m + 1]]; the first and the last may be partial; the last edge
        is the horizon.
    arrival_mean: (D, M) expected number of new deals in each (partial) month.
    arrival_shape: (D, M) shape r of their negative binomial, variance mean + mean**2 / r; inf is Poisson.
    template_cdf: (D, T) cumulative probabilities of the templates from which new deals are drawn; T may be
        0 where there are no arrivals.
    client_cdf: (D, N) cumulative probabilities of the clients, for deals whose client is unknown (-1).
    amount_kept: (D, S) probability that a deal is won at its known amount, by its state at the origin (or
        at creation).
    amount_shift, amount_scale: (D, S) otherwise amount * exp(shift + scale * standard Laplace); scale < 1, or
        the expectation would be infinite.
    amount_log_mean, amount_log_sd: (D, C) log-normal won amount, in minor units, of deals of unknown amount.
    frailty: how clients differ (optional); its N clients are those of client_cdf, if that has any.
    follow_ups: deals that won deals bring about (optional).

    Raises ValueError naming the argument when a shape or a value is wrong.
    """

    funnel: Funnel
    hazard: NDArray[np.float64]
    effect: NDArray[np.float64]
    calendar: NDArray[np.float64]
    month_edges: NDArray[np.float64]
    arrival_mean: NDArray[np.float64]
    arrival_shape: NDArray[np.float64]
    template_cdf: NDArray[np.float64]
    client_cdf: NDArray[np.float64]
    amount_kept: NDArray[np.float64]
    amount_shift: NDArray[np.float64]
    amount_scale: NDArray[np.float64]
    amount_log_mean: NDArray[np.float64]
    amount_log_sd: NDArray[np.float64]
    frailty: Frailty | None = None
    follow_ups: FollowUps | None = None

    def __post_init__(self) -> None:
        states, exits, bins = self.funnel.n_states, self.funnel.n_exits, self.funnel.n_bins
        draws = np.shape(self.hazard)[0] if np.ndim(self.hazard) else 0
        if draws == 0:
            raise ValueError("hazard: expected at least one draw")
        cells = np.shape(self.effect)[-1] if np.ndim(self.effect) else 0
        months = max(np.size(self.month_edges) - 1, 0)
        shapes: dict[str, tuple[int | None, ...]] = {
            "hazard": (draws, exits, bins),
            "effect": (draws, exits, cells),
            "calendar": (draws, len(Kind), months),
            "month_edges": (months + 1,),
            "arrival_mean": (draws, months),
            "arrival_shape": (draws, months),
            "template_cdf": (draws, None),
            "client_cdf": (draws, None),
            "amount_kept": (draws, states),
            "amount_shift": (draws, states),
            "amount_scale": (draws, states),
            "amount_log_mean": (draws, cells),
            "amount_log_sd": (draws, cells),
        }
        for name, shape in shapes.items():
            object.__setattr__(self, name, frozen_array(name, getattr(self, name), np.float64, shape))
        self._check_values()
        self._check_parts()

    def _check_values(self) -> None:
        for name in ("hazard", "effect", "calendar"):
            check_range(name, getattr(self, name), 0.0, MOST_RATE, f"values of 0..{MOST_RATE:g}")
        check_range("amount_log_sd", self.amount_log_sd, 0.0, LARGEST, "finite values >= 0")
        for name in ("month_edges", "amount_shift", "amount_log_mean"):
            check_range(name, getattr(self, name), -LARGEST, LARGEST, "finite values")
        check_range("arrival_mean", self.arrival_mean, 0.0, MOST_ARRIVALS, f"values of 0..{MOST_ARRIVALS:g}")
        check_range("arrival_shape", self.arrival_shape, np.nextafter(0, 1), np.inf, "values > 0 (or inf)")
        check_range("amount_kept", self.amount_kept, 0.0, 1.0, "probabilities")
        check_range("amount_scale", self.amount_scale, 0.0, np.nextafter(1, 0), "values of 0..1, 1 excluded")
        edges = self.month_edges
        if edges[0] != 0 or not np.all(np.diff(edges) > 0):
            raise ValueError(f"month_edges: expected increasing days that begin with 0, got {edges}")
        for name in ("template_cdf", "client_cdf"):
            self._check_cdf(name)
        if self.template_cdf.shape[1] == 0 and self.arrival_mean.any():
            raise ValueError("template_cdf: expected at least one template, as arrival_mean is not zero")

    def _check_parts(self) -> None:
        draws, clients = self.n_draws, self.client_cdf.shape[1]
        if self.frailty is not None and len(self.frailty.shape) != draws:
            raise ValueError(f"frailty.shape: expected {draws} draws, got {len(self.frailty.shape)}")
        if self.frailty is not None and clients not in (0, self.frailty.n_clients):
            raise ValueError(f"client_cdf: expected the {self.frailty.n_clients} clients of frailty, got {clients}")
        if self.follow_ups is None:
            return
        stage = self.follow_ups.stage
        if len(self.follow_ups.mean) != draws:
            raise ValueError(f"follow_ups.mean: expected {draws} draws, got {len(self.follow_ups.mean)}")
        if (stage >= self.funnel.n_states).any() or (stage == self.funnel.won).any():
            raise ValueError(f"follow_ups.stage: expected states other than the won one, got {stage}")
        if self.follow_ups.as_new.any() and self.template_cdf.shape[1] == 0:
            raise ValueError("template_cdf: expected at least one template, as follow-ups are drawn from them")

    def _check_cdf(self, name: str) -> None:
        cdf: NDArray[np.float64] = getattr(self, name)
        check_range(name, cdf, 0.0, 1.0 + 1e-6, "cumulative probabilities")
        if cdf.shape[1] and not (np.all(np.diff(cdf, axis=1) >= 0) and np.all(np.abs(cdf[:, -1] - 1) < 1e-6)):
            raise ValueError(f"{name}: expected rows that rise to 1")

    def first(self, number: int) -> Draws:
        """The first so many draws: simulated with one path per draw, the same rows of Outcomes as with all of them."""
        if number >= self.n_draws:
            return self
        by_draw = {name: getattr(self, name)[:number] for name in BY_DRAW}
        frailty, follow = self.frailty, self.follow_ups
        if frailty is not None:
            exposure = frailty.exposure if len(frailty.exposure) == 1 else frailty.exposure[:number]
            frailty = replace(frailty, shape=frailty.shape[:number], exposure=exposure)
        if follow is not None:
            rows = {name: getattr(follow, name)[:number] for name in ("mean", "log_delay", "delay_sd", "ratio")}
            follow = replace(follow, **rows)
        return replace(self, **by_draw, frailty=frailty, follow_ups=follow)

    @property
    def n_draws(self) -> int:
        return len(self.hazard)

    @property
    def n_months(self) -> int:
        return len(self.month_edges) - 1

    @property
    def n_cells(self) -> int:
        return int(self.effect.shape[2])

    @property
    def horizon(self) -> float:
        """Days from the origin to the end of the last month."""
        return float(self.month_edges[-1])
