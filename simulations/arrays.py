"""The arrays that the compiled code works on: flat tuples of them, as Numba knows no dataclasses."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulations.streams import compiled

BLOCK = 256  # deals walked together: their state fits in the first-level cache
SLOT, STAGE_BITS = BLOCK - 1, 8  # a deal's place in its block and its stage, in one number
GROWN_A, GROWN_B, RATE_A, RATE_B = range(4)  # columns of Rates.bins
WEIGHT_A, WEIGHT_B, BOUND = range(3)  # columns of Rates.cells

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

    client: -1 drawn, -2 a client of its own (see Deals). bin: of the age. used (N,): whether any deal may be of
    that client.
    """

    key: Keys
    stage: Ints
    age: Floats
    cell: Ints
    amount: Ints
    client: Ints
    groups: Ints
    bin: Ints
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
    """One draw, prepared. Bins are padded to a power of two P, exits of a state to the largest number E, so that
    state and bin are one index s * P + b, and state and exit one index s * E + e of flat arrays.

    split: whether the exits that frailty acts on have columns of their own (0: all are in the first).
    bins: by state and bin 4 columns: integrals of both bounding hazards to the lower edge of the bin, then
    these hazards. cells: by state and cell 4 columns: both weights of the bounding hazards, bound, nothing.
    edge (P,). hazard (S * E, P), effect (S * E, C) and calendar (S * E, M) flat. number (S,) of exits;
    target, exit, acts (S * E,): acts is 1 where frailty does. months (M + 2,) edges, the last inf; guide: by
    whole day a month not after the day's. frailty (N,) of the clients.
    """

    split: int
    bins: Floats
    cells: Floats
    edge: Floats
    hazard: Floats
    effect: Floats
    calendar: Floats
    number: Small
    target: Small
    exit: Small
    acts: Small
    months: Floats
    guide: Small
    frailty: Floats


class Block(NamedTuple):
    """Deals that are walked together.

    By slot, fixed: path key; row of the table; cell; frailty, 1 and then the multiplier for each slot; client
    (known, or drawn); amount; origin: 0, or 1 + kind of the follow-up; detail: row of an open deal in
    Sums.win_days, or -1; first: its first state.
    By deal still walking, closing ranks as others end: state of its random numbers at this attempt and at the
    beginning of its visit; tag: slot + BLOCK * stage; age; spent: integral of the bound at that age; time.
    Of the attempt: clock, choice: random numbers; weight_a, weight_b; at: state and cell; bin: state and bin,
    later the exit taken; rate; month.
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
    state: Keys
    visit: Keys
    tag: Small
    age: Floats
    spent: Floats
    time: Floats
    clock: Floats
    choice: Floats
    weight_a: Floats
    weight_b: Floats
    at: Small
    bin: Small
    rate: Floats
    month: Small


class Wins(NamedTuple):
    """The deals of a block that were won."""

    slot: Small
    month: Small
    time: Floats


class Pending(NamedTuple):
    """Follow-ups not walked yet, the last first. row: of the table; time: at which they begin."""

    path: Keys
    row: Ints
    stage: Ints
    client: Ints
    amount: Ints
    origin: Ints
    frailty: Floats
    time: Floats


@compiled
def whole(x: Any) -> Any:
    """A signed integer, to reckon with: Numba makes floats of what mixes signed and unsigned ones."""
    return np.int64(x)


@compiled
def new_block() -> Block:
    keys, small = np.zeros((3, BLOCK), np.uint64), np.zeros((8, BLOCK), np.uint32)
    whole, real = np.zeros((3, BLOCK), np.int64), np.zeros((8, BLOCK))
    return Block(
        keys[0], small[0], small[1], np.ones(2 * BLOCK), whole[0], whole[1], small[2], whole[2], small[3], keys[1],
        keys[2], small[4], real[0], real[1], real[2], real[3], real[4], real[5], real[6], small[5], small[6], real[7],
        small[7],
    )  # fmt: skip


@compiled
def new_pending(room: int) -> Pending:
    whole, real = np.zeros((5, room), np.int64), np.zeros((2, room))
    return Pending(np.zeros(room, np.uint64), whole[0], whole[1], whole[2], whole[3], whole[4], real[0], real[1])


@compiled
def with_room(pending: Pending, used: int, room: int) -> Pending:
    """The same follow-ups with place for `room` more."""
    if used + room <= len(pending.path):
        return pending
    larger = new_pending(2 * (used + room))
    larger.path[:used], larger.row[:used] = pending.path[:used], pending.row[:used]
    larger.stage[:used], larger.client[:used] = pending.stage[:used], pending.client[:used]
    larger.amount[:used], larger.origin[:used] = pending.amount[:used], pending.origin[:used]
    larger.frailty[:used], larger.time[:used] = pending.frailty[:used], pending.time[:used]
    return larger
