"""The arrays that the compiled code works on: flat tuples of them, as Numba knows no dataclasses."""

from __future__ import annotations

from typing import Any, NamedTuple, get_type_hints

import numpy as np
from numpy.typing import NDArray

from simulations.compiling import compiled

BLOCK = 256  # deals walked together: their state fits in the first-level cache
GROWN_A, GROWN_B, RATE_A, RATE_B, HAZARD = range(5)  # columns of Rates.bins
WEIGHT_A, WEIGHT_B, BOUND, EFFECT = range(4)  # columns of Rates.cells
STUCK, WON = range(2)  # beyond the last state: deals end there

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Small = NDArray[np.uint32]  # unsigned: an index that is known not to be negative costs no check
Keys = NDArray[np.uint64]


class Parameters(NamedTuple):
    """The arrays of Draws and of its Funnel.

    advances (J,): 1 where frailty acts. frailty_* are empty without frailty, follow_* without follow-ups.
    follow_group (R, G): group of a grouping in which a follow-up counts, or -1: that of the won deal.
    client_group (G, N): group of a client, for deals whose client is drawn.
    """

    first_exit: Ints
    targets: Ints
    kinds: Ints
    advances: Ints
    age_edges: Floats
    month_edges: Floats
    hazard: Floats
    effect: Floats
    calendar: Floats
    arrival_mean: Floats
    arrival_shape: Floats
    template_cdf: Floats
    client_cdf: Floats
    amount_kept: Floats
    amount_shift: Floats
    amount_scale: Floats
    amount_log_mean: Floats
    amount_log_sd: Floats
    frailty_shape: Floats
    frailty_key: Keys
    frailty_exits: Floats
    frailty_exposure: Floats
    follow_mean: Floats
    follow_most: Ints
    follow_log_delay: Floats
    follow_delay_sd: Floats
    follow_as_new: NDArray[np.bool_]
    follow_stage: Ints
    follow_ratio: Floats
    follow_group: Ints
    client_group: Ints


class Table(NamedTuple):
    """Columns of the open deals, then of the templates. groups: (rows, G), -1 where the client is drawn.

    hash: of the key (see streams.hashed). client: -1 drawn, -2 a client of its own (see Deals). bin: of the age.
    used (N,): whether any deal may be of that client.
    """

    hash: Keys
    stage: Small
    age: Floats
    cell: Small
    amount: Ints
    client: Ints
    groups: Ints
    bin: Small
    used: NDArray[np.bool_]


class Plan(NamedTuple):
    """What to run: simulations first, first + 1, ..., each `replicates` of them on one draw.

    n_open: rows of the table that are open deals.
    arrival_months: months in which deals are created. open_until, future_until: days to walk.
    offsets: (G,) first column of every grouping in Sums.by. recorded: (rows of Sums.exits,) simulations
    whose activity is recorded, increasing.
    """

    seed: np.uint64
    first: int
    replicates: int
    n_open: int
    arrival_months: int
    open_until: float
    future_until: float
    offsets: Ints
    recorded: Ints


class Sums(NamedTuple):
    """Results of K simulations over the M months kept (see Outcomes).

    won (K, M), wins (K, M), created (K, M), followed (K, M), by (K, M, sum of group sizes), attempts (K,) of the
    walk (each takes two random numbers and a logarithm); for the recorded
    simulations exits (n, M, J) and entered (n, M, S), deals created by state; win_days (n_open, H + 1) and
    value (n_open,) have no rows unless detail of deals is wanted.
    """

    won: Ints
    wins: NDArray[np.int32]
    created: NDArray[np.int32]
    followed: NDArray[np.int32]
    by: Ints
    attempts: Ints
    exits: NDArray[np.int32]
    entered: NDArray[np.int32]
    win_days: NDArray[np.uint32]
    value: Ints


class Rates(NamedTuple):
    """One draw, prepared. Bins are padded to a power of two P, exits of a state to the largest number E.

    split: whether the exits that frailty acts on have columns of their own (0: all are in the first).
    bins: a row by state and bin, s * P + b: integrals of both bounding hazards to the lower edge of the bin, these
    hazards, the hazard of every exit. cells: a row by state and cell, s * C + c: both weights of the bounding
    hazards, bound, the effect on every exit. Rows have 2**bin_bits and 2**cell_bits columns. calendar (S * M, E).
    edge (P,). target (S, E + 1): the state after each exit, and without one; S + STUCK or S + WON where the deal
    ends. exit, acts (S, E): number of the exit; 1 where frailty acts. months (M + 1,): end of every month, then inf;
    guide: by whole day a month that is not after the day's, and at most `late` before any month of the day. frailty
    (N,) of the clients. All are flat.
    """

    split: int
    bin_bits: int
    cell_bits: int
    late: int
    bins: Floats
    cells: Floats
    calendar: Floats
    edge: Floats
    target: Small
    exit: Small
    acts: Small
    months: Floats
    guide: Small
    frailty: Floats


class Block:
    """Deals that are walked together: one record of arrays of BLOCK each, the deals in the first places.

    Of the deal: path key; row of the table; cell; frailty; client (known, or drawn); amount; origin: 0, or
    1 + kind of the follow-up; detail: row of an open deal in Sums.win_days, or -1; first: its first state; until:
    days to walk it.
    Where it stands: state of its random numbers at this attempt and at the beginning of its visit; stage: its
    state, or the number of states + STUCK or WON; age; spent: integral of the bound at that age; time.
    Of the attempt: clock: random number; level: another, then in units of the hazard; weight_a, weight_b; at: state
    and cell; bin: state and bin; month; reached: sum of hazards; taken: exit, or E; gone: 1 if the deal ended, or 0.
    Places: ended, of deals that ended in this attempt; won, of those won among them; stays, of others.
    """

    path: Keys
    row: Small
    cell: Small
    frailty: Floats
    client: Ints
    amount: Ints
    origin: Small
    detail: Ints
    first: Small
    until: Floats
    state: Keys
    visit: Keys
    stage: Small
    age: Floats
    spent: Floats
    time: Floats
    clock: Floats
    level: Floats
    weight_a: Floats
    weight_b: Floats
    at: Small
    bin: Small
    month: Small
    reached: Floats
    taken: Small
    gone: Small
    ended: Small
    won: Small
    stays: Small


class Waiting:
    """A follow-up not walked yet. row: of the table; time: at which it begins."""

    path: np.uint64
    row: int
    stage: int
    client: int
    amount: int
    origin: int
    frailty: float
    time: float


_TYPES = {Keys: np.uint64, Small: np.uint32, Ints: np.int64, Floats: np.float64, int: np.int64, float: np.float64}


def _record(fields: type, *shape: int) -> np.dtype[np.void]:
    return np.dtype([(name, _TYPES.get(hint, hint), shape) for name, hint in get_type_hints(fields).items()])


BLOCK_RECORD, WAITING_RECORD = _record(Block, BLOCK), _record(Waiting)


def new_block() -> Any:
    """One record, which compiled code takes as a single address: its arrays are known not to overlap."""
    return np.zeros(1, BLOCK_RECORD)[0]


@compiled
def whole(x: Any) -> Any:
    """A signed integer, to reckon with: Numba makes floats of what mixes signed and unsigned ones."""
    return np.int64(x)


@compiled
def place(x: Any) -> Any:
    """An index that is not negative, which costs no check."""
    return np.uint64(x)


@compiled
def with_room(pending: Any, used: int, room: int) -> Any:
    """The same follow-ups with place for `room` more."""
    if used + room <= len(pending):
        return pending
    larger = np.empty(2 * (used + room), WAITING_RECORD)
    for i in range(used):
        larger[i] = pending[i]
    return larger
