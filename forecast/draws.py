"""From a fit to what the simulator takes: Draws, open deals, and templates of deals not created yet."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast import follow_ups
from forecast.coding import NO, clients, existing_clients
from forecast.config_asked import FollowUpSection
from forecast.config_data import Known
from forecast.errors import FunnelError
from forecast.fit import Fit
from forecast.frailty import frailty
from forecast.history import Floats, History, Ints, day_of, days
from forecast.models.amounts import draw_revisions, revisions
from forecast.models.arrivals import MONTH
from simulations import Deals, Draws, Frailty, Kind
from simulations.deals import OWN, UNKNOWN

TEMPLATE_DAYS = 365  # new deals look like those of the last year ...
FEWEST_TEMPLATES = 30  # ... or like the last thirty, if there are fewer
MOST_TEMPLATES = 2000
MOST_CLIENTS = 500  # clients whose revenue is kept apart; the rest is one group
OTHERS = "(all others)"
NEWCOMERS = "(new clients)"
NOBODY = "(none)"
NO_DEAL = -1
# Of a month's effect, as a logarithm: at 150 times its usual hazard a stage is empty within days, and at a 150th stands
# still. More, where months on record differ without end, would change no answer, and keep the simulator busy for hours.
MOST_OF_A_MONTH = 5.0
OPEN, NEW = 0, 1
FOLLOWING = 1  # sets the random numbers of follow-ups apart: without them, all others stay as they were


@dataclass(frozen=True, eq=False)
class Scenario:
    """Everything that one simulation takes.

    labels: names of the groups of each grouping. open_visit: (N,) index of the visit of each open deal; these are
    the first N of `open_deals`, after which come the lost ones, where lost deals are ever opened again. deal_row,
    template_row: rows of `open_deals` and of `templates` in the deals of the history, -1 for an assumed one.
    """

    draws: Draws
    open_deals: Deals
    templates: Deals
    labels: dict[str, list[str]]
    open_visit: Ints
    deal_row: Ints
    template_row: Ints

    def templates_of(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(templates,) which stand for one of the deals of the history that are `chosen` (deals,)."""
        return np.asarray(chosen[self.template_row] & (self.template_row != NO_DEAL))


def deal_keys(ids: Iterable[str]) -> np.ndarray:
    """(N,) uint64 keys of the random numbers of deals: hashes of their names, the same on every machine."""
    digests = b"".join(hashlib.blake2b(str(name).encode(), digest_size=8).digest() for name in ids)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def scenario(
    fit: Fit, edges: Floats, groupings: Sequence[str], *, minor: int, seed: int, follow: FollowUpSection | None = None
) -> Scenario:
    """The simulator's input. `edges`: (M + 1,) days since 1970-01-01, from the origin on.

    `groupings`: columns of deals whose groups are kept apart besides clients. `minor`: cents per unit. `follow`: how
    won deals bring about further ones (see follow_ups.py); None: they do not.
    Where the fit assumes what a deal brings, among the past deals that new ones are drawn from counts one of which
    nothing is known but that it begins in the first stage: its amount is drawn when it is won (a Dirichlet process
    with this base measure, Ferguson 1973). It has a cell of its own, the last, at the average of all attributes.
    A template stands for a deal as it was when created. Where its client was new then (and is known at creation), so
    is that of every deal drawn from it: new clients come as often as they did, each with a frailty of its own.
    """
    history = fit.history
    after = fit.months[-1] + pd.offsets.MonthBegin()
    if len(edges) > 1 and edges[-2] >= day_of(after):
        raise FunnelError(
            f"the fit reaches to {(after - pd.Timedelta(days=1)).date()}, and not as far as was asked",
            remedy="Fit again, until a later day.",
        )
    rng = np.random.default_rng(seed)
    assumed = fit.assumed
    if assumed:
        matrix = np.hstack([fit.design.matrix, np.zeros((fit.design.coefficients, 1))])
        fit = replace(fit, design=replace(fit.design, matrix=matrix))
    open_visit = history.open_visits()
    at_risk = np.append(open_visit, history.lost_visits()) if _reopens(fit) else open_visit
    followed = None
    if follow is not None:
        own = np.random.default_rng([seed, FOLLOWING])
        followed = follow_ups.followed(history, follow, edges - edges[0], fit.n_draws, NEW, own)
    chosen = _recent(history)
    first = history.first_visits()
    visits, rows_at_risk = history.visits, history.visits.deal[at_risk]
    client, apart = clients(history), fit.coding.clients_apart(history)[1] >= 0
    newcomer = _newcomers(history, chosen)
    known = assumed > 0 and history.known.get("client") is Known.CREATION
    labels = {"client": _client_labels(fit, bool(newcomer.any()) or known), "created": ["before the origin", "later"]}
    differ = frailty(fit, labels["client"], deal_keys(labels["client"]))
    for grouping in groupings:
        labels[grouping] = sorted({*named(history.deals[grouping]), *([NOBODY] if assumed else [])})

    def deals(rows: Ints, at: Ints, age: Floats, created: int) -> Deals:
        table = history.deals.iloc[rows]
        groups = {"client": client_codes(client.iloc[rows], labels["client"])}
        for grouping in groupings:
            groups[grouping] = pd.Index(labels[grouping]).get_indexer(pd.Index(named(table[grouping])))
        own = groups["client"]
        if created == NEW:
            groups["client"] = np.where(newcomer, len(labels["client"]) - 1, own)
            own = np.where(newcomer, np.where(apart[rows], OWN, groups["client"]), own)
        groups["created"] = np.full(len(rows), created, dtype=np.int64)
        return Deals(
            key=deal_keys(table["deal_id"]), stage=visits.state[at], age=age, cell=fit.cell_of_deal[rows],
            amount=minor_units(visits.amount[at], minor), groups=groups, client=None if differ is None else own,
        )  # fmt: skip

    templates, weights = deals(chosen, first[chosen], np.zeros(len(chosen)), NEW), np.ones(len(chosen))
    if assumed:
        nobody = {name: labels[name].index(NOBODY) for name in groupings}
        nobody |= {"client": len(labels["client"]) - 1 if known else UNKNOWN, "created": NEW}
        templates = _with_assumed(templates, nobody, OWN if known and differ is not None else UNKNOWN, fit)
        weights, chosen = np.append(weights, assumed), np.append(chosen, NO_DEAL)
    draws = _draws(fit, edges, weights, _client_counts(history, labels["client"]), differ, minor, rng)
    if followed is not None:
        arrivals = draws.arrival_mean * followed.share[:, None] + followed.waiting
        draws = replace(draws, arrival_mean=arrivals, follow_ups=followed.follow_ups)
    return Scenario(
        draws=draws,
        open_deals=deals(rows_at_risk, at_risk, history.day - visits.entered[at_risk], OPEN),
        templates=templates,
        labels=labels,
        open_visit=open_visit,
        deal_row=rows_at_risk,
        template_row=chosen,
    )


def _with_assumed(templates: Deals, groups: dict[str, int], client: int, fit: Fit) -> Deals:
    """The templates and one more, of which nothing is known."""
    return Deals(
        key=np.append(templates.key, deal_keys(["(assumed)"])),
        stage=np.append(templates.stage, 0),
        age=np.append(templates.age, 0.0),
        cell=np.append(templates.cell, fit.design.matrix.shape[1] - 1),
        amount=np.append(templates.amount, UNKNOWN),
        groups={name: np.append(index, groups[name]) for name, index in templates.groups.items()},
        client=np.append(templates.clients, client),
    )


def _draws(
    fit: Fit, edges: Floats, templates: Floats, client_counts: Floats, differ: Frailty | None, minor: int,
    rng: np.random.Generator,
) -> Draws:  # fmt: skip
    posterior, draws, states = fit.posterior, fit.n_draws, len(fit.history.states)
    month = np.searchsorted(days(pd.Series(fit.months)), edges[:-1], side="right") - 1
    kept, shift, scale = draw_revisions(revisions(fit.history), states, draws, rng)
    log_mean = np.zeros((draws, fit.design.matrix.shape[1]))
    log_sd = np.zeros_like(log_mean)
    if "log_amount" in posterior:
        beta = posterior["log_amount"]
        log_mean = beta[:, :1] + beta[:, 1:] @ fit.design.matrix + np.log(minor)
        log_sd = np.broadcast_to(posterior["amount_scatter"][:, None], log_mean.shape)
    return Draws(
        funnel=fit.exposure.funnel,
        hazard=np.exp(np.minimum(posterior["log_hazard"], 20)),
        effect=np.exp(np.clip(fit.cell_effects(), -20, 20)),
        calendar=np.exp(np.clip(fit.calendar()[:, :, month], -MOST_OF_A_MONTH, MOST_OF_A_MONTH)),
        month_edges=edges - edges[0],
        arrival_mean=np.minimum(np.exp(posterior["log_arrival_rate"][:, month]) * np.diff(edges), 1e6),
        arrival_shape=posterior["arrival_shape"][:, None] * np.diff(edges) / MONTH,
        template_cdf=_bootstrap(templates, draws, rng),
        client_cdf=_bootstrap(client_counts, draws, rng),
        amount_kept=kept,
        amount_shift=shift,
        amount_scale=scale,
        amount_log_mean=log_mean,
        amount_log_sd=log_sd,
        frailty=differ,
    )


def _bootstrap(counts: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """(draws, n) cumulative weights of a Bayesian bootstrap (Rubin 1981): Dirichlet with these counts."""
    weights = rng.gamma(counts, size=(draws, len(counts)))
    total = weights.sum(axis=1, keepdims=True)
    return np.minimum(np.cumsum(weights, axis=1) / np.where(total > 0, total, 1), 1.0)


def _reopens(fit: Fit) -> bool:
    return bool((fit.exposure.funnel.kinds == Kind.REOPEN).any())


def _recent(history: History) -> Ints:
    """Rows of the deals that new deals are drawn from: begun as open ones within a year, after recording began."""
    created = days(history.deals["created"])
    order = np.argsort(-created, kind="stable")
    order = order[history.begun_open()[order]]
    recorded = order[created[order] >= min(history.recorded_from, created.max())]
    recent = int((created[recorded] >= history.day - TEMPLATE_DAYS).sum())
    return np.sort(recorded[: min(max(recent, FEWEST_TEMPLATES), MOST_TEMPLATES)])


def minor_units(amount: Floats, minor: int) -> Ints:
    """Amounts in minor units; -1 where one is not known."""
    return np.where(np.isnan(amount), -1, np.rint(np.nan_to_num(amount) * minor)).astype(np.int64)


def named(column: pd.Series) -> pd.Series:  # type: ignore[type-arg]
    """The group of every deal; those without one are a group."""
    return column.astype(object).where(column.notna(), NOBODY).astype(str)


def _newcomers(history: History, chosen: Ints) -> NDArray[np.bool_]:
    """Which of these deals came from a client never seen before."""
    if history.known.get("client") is not Known.CREATION:
        return np.zeros(len(chosen), dtype=bool)
    return np.asarray(existing_clients(history)[chosen] == NO)


def _client_labels(fit: Fit, newcomers: bool) -> list[str]:
    """Clients whose revenue is kept apart: all, or those with a frailty of their own and then those with most
    value, the rest being one group; and a last group of clients not seen yet, where such come.
    """
    client = clients(fit.history)
    value = fit.history.deals["amount"].fillna(0).groupby(client).sum()
    names = sorted(value.index)
    if len(names) > MOST_CLIENTS:
        first = value[value.index.isin(fit.coding.clients_apart(fit.history)[0])]
        rest = value.drop(first.index)
        ranked = [part.sort_values(ascending=False, kind="stable").index for part in (first, rest)]
        names = [*sorted([*ranked[0], *ranked[1]][: MOST_CLIENTS - 1]), OTHERS]
    return [*(names or [OTHERS]), *([NEWCOMERS] if newcomers else [])]


def _client_counts(history: History, names: list[str]) -> Floats:
    """How many closed deals each client had: unknown clients are drawn in proportion."""
    last = history.last_visits()
    closed = clients(history)[history.visits.state[last] >= history.won]
    counts = np.bincount(client_codes(closed.dropna(), names), minlength=len(names)).astype(np.float64)
    return counts if counts.any() else (np.array(names) != NEWCOMERS).astype(np.float64)


def client_codes(client: pd.Series[Any], names: list[str]) -> Ints:
    """Index of each client in `names`; a missing one is -1, one that is not kept apart is among the others."""
    codes = pd.Index(names).get_indexer(pd.Index(client.astype(object))).astype(np.int64)
    others = names.index(OTHERS) if OTHERS in names else -1
    return np.where((codes < 0) & client.notna().to_numpy(), others, codes)
