"""What-if: pure changes of what a simulation is given. Levers compose: apply one to what another returns.

Simulated with the same seed, two sets of assumptions differ only where a lever has changed something, for the
random numbers are keyed by what they are for. A lever of size zero returns its argument itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulations.deals import LARGEST_AMOUNT, Deals
from simulations.draws import Draws
from simulations.funnel import Kind, frozen_array

Floats = NDArray[np.float64]
FORWARD = (Kind.ADVANCE, Kind.WON)


class Assumptions(NamedTuple):
    """The arguments of `simulate` that levers change."""

    draws: Draws
    open_deals: Deals
    templates: Deals


def conversion_rate(
    draws: Draws, stage: int, *, by_age: float | None = None, effect: ArrayLike | None = None
) -> Floats:
    """(D,) probability that a visit to `stage` has ended in an advance or a win by an age in days (default: ever).

    For a calendar of 1 and, of each exit, the effect (D, J) given (default 1).
    """
    forward, _, _ = _incidence(draws, stage, _effect(draws, effect))
    if by_age is None:
        return forward[:, -1]
    return forward[:, _edge(draws, by_age)]


def conversion(
    given: Assumptions, stage: int, points: ArrayLike, *, by_age: float | None = None, effect: ArrayLike | None = None
) -> Assumptions:
    """The conversion rate p of a stage becomes p' = p + points (cut to 0..1) in every draw; points: one, or (D,).

    At every edge of the age bins up to `by_age` (an edge itself; default: to the end) the cumulative incidence
    of the exits that advance or win is multiplied by p'/p, that of the others by (1 - p')/(1 - p); then they
    are turned back into hazards, constant within each bin. Hazards beyond `by_age` stay. Draws with p = 0 or
    p = 1 have nothing to multiply, and stay as they are.

    Left unchanged: the other stages; given an exit forward, its age and its target, at the edges of the bins;
    the same given another exit; arrivals, amounts and clients. Exact for deals of the effect given (default 1);
    hazards of other cells are multiplied by the same factors.
    """
    draws, funnel = given.draws, given.draws.funnel
    _check_stage(draws, stage)
    if not np.any(points):
        return given
    forward, other, left = _incidence(draws, stage, _effect(draws, effect))
    last = funnel.n_bins if by_age is None else _edge(draws, by_age)
    p = forward[:, last]
    wanted = np.clip(p + np.asarray(points, dtype=np.float64), 0.0, 1.0)
    usable = (p > 0) & (1 - p > 1e-12)  # below that, the rounding of a sum
    up = np.where(usable, wanted / np.where(usable, p, 1), 1.0)[:, None]
    down = np.where(usable, (1 - wanted) / np.where(usable, 1 - p, 1), 1.0)[:, None]
    leaves = (up * np.diff(forward, axis=1), down * np.diff(other, axis=1))
    survives = np.maximum(1 - up * forward - down * other, 0.0)
    # Per day: -log(S1 / S0) / width, shared in proportion to what leaves; the open-ended bin keeps its total
    # and only shares it anew.
    with np.errstate(divide="ignore", invalid="ignore"):
        total = -np.log(survives[:, 1:-1] / survives[:, :-2]) / np.diff(funnel.age_edges)
        total = np.concatenate([np.minimum(total, MOST_TOTAL), left[:, -1:]], axis=1)
        both = leaves[0] + leaves[1]
        now = [np.where(both > 0, total * part / both, 0.0) for part in leaves]
        then = _totals(draws, stage, _effect(draws, effect))
        # Where nobody is left at the bin's beginning, 0 / 0 above, hazards stay.
        factors = [np.where((b > 0) & ~np.isnan(a), a / b, 1.0) for a, b in zip(now, then, strict=True)]
    hazard = draws.hazard.copy()
    for j in range(funnel.first_exit[stage], funnel.first_exit[stage + 1]):
        factor = factors[0 if funnel.kinds[j] in FORWARD else 1]
        hazard[:, j, :last] *= np.where(usable[:, None], factor, 1.0)[:, :last]
    return given._replace(draws=replace(draws, hazard=hazard))


MOST_TOTAL = 1e6  # exits per day, where everything left leaves within a bin


def lead_time(given: Assumptions, change: float, *, stages: Iterable[int] | None = None) -> Assumptions:
    """From the origin on, a deal in one of `stages` (default: all) ages 1 / (1 + change) days per day.

    Hazards per day at an age a are those of the age that the deal would otherwise have had, times that speed:
    the age bins shrink by 1 + change, hazards grow by its inverse, and ages at the origin count in the new
    measure. change = -0.1: 10 % shorter.

    Left unchanged: with a calendar that does not change, the probability of every exit, and lead times times
    1 + change have the distribution that they had. The calendar keeps its own time: a deal hurried past a
    quarter end meets another month. Arrivals, amounts and clients stay.
    """
    draws, funnel = given.draws, given.draws.funnel
    chosen = range(funnel.n_states) if stages is None else sorted(set(stages))
    for stage in chosen:
        _check_stage(draws, stage)
    if not -1 < change < np.inf:
        raise ValueError(f"change: expected more than -1, got {change}")
    if change == 0 or not chosen:
        return given
    old, new = funnel.age_edges, funnel.age_edges * (1 + change)
    everywhere = len(chosen) == funnel.n_states
    edges = new if everywhere else np.union1d(old, new)
    quick = np.repeat(np.isin(np.arange(funnel.n_states), chosen), np.diff(funnel.first_exit))
    hazard = np.empty((draws.n_draws, funnel.n_exits, len(edges)))
    hazard[:, ~quick] = draws.hazard[:, ~quick][:, :, np.searchsorted(old, edges, side="right") - 1]
    hazard[:, quick] = draws.hazard[:, quick][:, :, np.searchsorted(new, edges, side="right") - 1] / (1 + change)
    opened = given.open_deals
    age = np.where(np.isin(opened.stage, chosen), opened.age * (1 + change), opened.age)
    return given._replace(
        draws=replace(draws, funnel=replace(funnel, age_edges=edges), hazard=hazard),
        open_deals=replace(opened, age=age),
    )


def new_deals(given: Assumptions, change: ArrayLike) -> Assumptions:
    """New deals per month times 1 + change, by adding to (or taking from) those that came anyway; change: one for
    all months, or (M,).

    Left unchanged: every deal that comes in both cases, its path and amount; open deals.
    """
    by_month = np.asarray(change, dtype=np.float64)
    if by_month.shape not in ((), (given.draws.n_months,)):
        raise ValueError(f"change: expected one or {given.draws.n_months} numbers, got shape {by_month.shape}")
    if not (by_month >= -1).all():
        raise ValueError(f"change: expected at least -1, got {by_month.min()}")
    if not by_month.any():
        return given
    return given._replace(draws=replace(given.draws, arrival_mean=given.draws.arrival_mean * (1 + by_month)))


def amount(given: Assumptions, change: float) -> Assumptions:
    """All amounts times 1 + change: those known, to the cent, and the distribution of those not known.

    Left unchanged: every path: who wins, and when.
    """
    if change <= -1:
        raise ValueError(f"change: expected more than -1, got {change}")
    if change == 0:
        return given

    def scaled(deals: Deals) -> Deals:
        known = np.minimum(np.rint(deals.amount * (1 + change)), LARGEST_AMOUNT).astype(np.int64)
        return replace(deals, amount=np.where(deals.amount < 0, deals.amount, known))

    draws = replace(given.draws, amount_log_mean=given.draws.amount_log_mean + np.log1p(change))
    return Assumptions(draws, scaled(given.open_deals), scaled(given.templates))


def without(given: Assumptions, open_deals: ArrayLike) -> Assumptions:
    """Without the open deals marked in a mask (N,). Left unchanged: every other deal's path and amount."""
    mask = frozen_array("open_deals", open_deals, np.bool_, (len(given.open_deals),))
    return given._replace(open_deals=_rows(given.open_deals, ~mask)) if mask.any() else given


def without_templates(given: Assumptions, templates: ArrayLike) -> Assumptions:
    """Without the new deals that are drawn from the templates marked in a mask (T,).

    They are created, but never move: their cell is one more, in which every hazard is zero. Left unchanged: every
    other deal's path and amount.
    """
    gone = frozen_array("templates", templates, np.bool_, (len(given.templates),))
    if not gone.any():
        return given
    draws = given.draws
    width: Any = ((0, 0), (0, 1))
    return given._replace(
        draws=replace(
            draws, effect=np.pad(draws.effect, ((0, 0), (0, 0), (0, 1))),
            amount_log_mean=np.pad(draws.amount_log_mean, width), amount_log_sd=np.pad(draws.amount_log_sd, width),
        ),
        templates=replace(given.templates, cell=np.where(gone, draws.n_cells, given.templates.cell)),
    )  # fmt: skip


def without_group(given: Assumptions, grouping: str, group: int) -> Assumptions:
    """Without the open and the future deals of a group, for instance a client that is lost (see `without` and
    `without_templates`). Deals whose client is drawn stay.
    """
    for name, deals in (("open_deals", given.open_deals), ("templates", given.templates)):
        if len(deals) and grouping not in deals.groups:
            raise ValueError(f"grouping: expected one of {sorted(deals.groups)} as in {name}, got {grouping!r}")
    rest = given
    if len(given.open_deals):
        rest = without(rest, given.open_deals.groups[grouping] == group)
    if len(given.templates):
        rest = without_templates(rest, given.templates.groups[grouping] == group)
    return rest


def _rows(deals: Deals, mask: NDArray[np.bool_]) -> Deals:
    columns = {name: getattr(deals, name)[mask] for name in ("key", "stage", "age", "cell", "amount", "client")}
    return Deals(**columns, groups={name: index[mask] for name, index in deals.groups.items()})


def _check_stage(draws: Draws, stage: int) -> None:
    if not 0 <= stage < draws.funnel.n_states:
        raise ValueError(f"stage: expected 0..{draws.funnel.n_states - 1}, got {stage}")


def _edge(draws: Draws, age: float) -> int:
    """The number of age bins that end by `age`, which has to be an edge."""
    at = np.flatnonzero(draws.funnel.age_edges == age)
    if len(at) == 0 or at[0] == 0:
        raise ValueError(
            f"by_age: expected one of {draws.funnel.age_edges[1:].tolist()} (edges of age bins), got {age}"
        )
    return int(at[0])


def _effect(draws: Draws, effect: ArrayLike | None) -> Floats:
    shape = (draws.n_draws, draws.funnel.n_exits)
    return np.ones(shape) if effect is None else frozen_array("effect", effect, np.float64, shape)


def _totals(draws: Draws, stage: int, effect: Floats) -> tuple[Floats, Floats]:
    """(D, B) hazards per day of all exits forward, and of all others."""
    _check_stage(draws, stage)
    own = slice(draws.funnel.first_exit[stage], draws.funnel.first_exit[stage + 1])
    hazard = draws.hazard[:, own] * effect[:, own, None]
    forward = np.isin(draws.funnel.kinds[own], FORWARD)
    return hazard[:, forward].sum(axis=1), hazard[:, ~forward].sum(axis=1)


def _incidence(draws: Draws, stage: int, effect: Floats) -> tuple[Floats, Floats, Floats]:
    """(D, B + 1) cumulative incidence of exits forward and of others at the edges of the bins and ever after;
    (D, B) total hazard."""
    forward, other = _totals(draws, stage, effect)
    total = forward + other
    grown = np.cumsum(total[:, :-1] * np.diff(draws.funnel.age_edges), axis=1)
    start = np.exp(-np.concatenate([np.zeros((draws.n_draws, 1)), grown], axis=1))
    end = np.concatenate([start[:, 1:], np.where(total[:, -1:] > 0, 0.0, start[:, -1:])], axis=1)
    share = np.divide(start - end, total, out=np.zeros_like(total), where=total > 0)
    zero = np.zeros((draws.n_draws, 1))
    incidence = [np.concatenate([zero, np.cumsum(share * part, axis=1)], axis=1) for part in (forward, other)]
    return incidence[0], incidence[1], total
