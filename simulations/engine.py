"""simulate: paths of open and future deals in every posterior draw, in shards, summed to Outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from joblib import Parallel, cpu_count, delayed
from numpy.typing import NDArray

from simulations.deals import UNKNOWN, Deals
from simulations.draws import Draws
from simulations.funnel import frozen_array
from simulations.kernel import Parameters, Plan, Sums, Table, simulate_rows
from simulations.outcomes import Outcomes

SHARDS_PER_THREAD = 8  # enough for a smooth progress bar and an even load
LARGE_DETAIL = 2**24  # counts per shard; beyond it, one shard per thread

Progress = Callable[[int, int], None]


def simulate(
    draws: Draws,
    open_deals: Deals,
    templates: Deals,
    *,
    seed: int,
    group_sizes: Mapping[str, int] | None = None,
    arrival_months: int | None = None,
    months: int | None = None,
    replicates: int = 1,
    deal_detail: bool = False,
    threads: int | None = None,
    shards: int | None = None,
    progress: Progress | None = None,
) -> Outcomes:
    """Simulate every deal `replicates` times in every draw; simulation k runs on draw k // replicates.

    open_deals: deals at their age at the origin; their keys must differ.
    templates: what new deals look like; draws.template_cdf is over its rows. Ages must be 0.
    seed: 0..2**64 - 1. The result is a pure function of the arguments, `threads` and `shards` apart.
    group_sizes: groupings to sum by, with their number of groups; each must be a grouping of both tables
        (of `templates` only if there are any). Clients drawn for deals without one count in "client" too.
    months: sums are kept for the first `months` months (default: all of them).
    arrival_months: new deals are created in the first `arrival_months` months only (default: all of them).
    deal_detail: also count wins of every open deal by day, over the whole horizon.
    threads: default all cores. shards: pieces of work, default a few per thread.
    progress: called with (simulations done, simulations in all) from the calling thread.

    Raises ValueError naming the argument, and OverflowError if the amounts won exceed 64-bit integers.
    """
    kept = draws.n_months if months is None else months
    creating = draws.n_months if arrival_months is None else arrival_months
    sizes = dict(group_sizes or {})
    workers = cpu_count() if threads is None else threads
    shards = workers * SHARDS_PER_THREAD if shards is None else shards
    _check_run(draws, seed, kept, creating, replicates=replicates, threads=workers, shards=shards)
    _check_deals("open_deals", draws, open_deals, sizes)
    _check_deals("templates", draws, templates, sizes)
    if len(np.unique(open_deals.key)) < len(open_deals):
        raise ValueError("open_deals: expected a different key for every deal")
    if templates.age.any():
        raise ValueError("templates: expected ages of 0")
    wanted = draws.template_cdf.shape[1]
    if wanted != len(templates) and draws.arrival_mean[:, :creating].any():
        raise ValueError(f"templates: expected {wanted} as in template_cdf, got {len(templates)}")
    creating = min(creating, kept)  # deals created later cannot be won within the months kept
    end = float(draws.month_edges[kept])
    total = draws.n_draws * replicates
    days = int(np.ceil(draws.horizon)) + 1
    if deal_detail and len(open_deals) * days > LARGE_DETAIL:
        shards = workers
    cuts = np.linspace(0, total, min(shards, total) + 1).astype(np.int64)

    def shard(first: int, last: int) -> tuple[int, Sums, bool]:
        plan = Plan(
            seed=np.uint64(seed), first=first, replicates=replicates, n_open=len(open_deals),
            arrival_months=creating, open_until=draws.horizon if deal_detail else end, future_until=end,
            offsets=offsets,
        )  # fmt: skip
        sums = _empty(last - first, kept, sum(sizes.values()), len(open_deals) if deal_detail else 0, days)
        return first, sums, simulate_rows(parameters, plan, table, sums)

    offsets = frozen_array("offsets", np.cumsum([0, *sizes.values()])[:-1], np.int64, (len(sizes),))
    parameters = _parameters(draws)
    table = _table(open_deals, templates, list(sizes))
    sums = _empty(total, kept, sum(sizes.values()), len(open_deals) if deal_detail else 0, days)
    runner = Parallel(n_jobs=workers, prefer="threads", return_as="generator_unordered")
    done = 0
    for first, part, fine in runner(delayed(shard)(int(a), int(b)) for a, b in pairwise(cuts)):
        if not fine or (part.value > np.iinfo(np.int64).max - sums.value).any():
            raise OverflowError("amounts: their sums exceed 64-bit integers; check amounts and their spread")
        rows = slice(first, first + len(part.won))
        sums.won[rows], sums.wins[rows], sums.created[rows], sums.by[rows] = part[:4]
        sums.win_days[:] += part.win_days
        sums.value[:] += part.value
        done += len(part.won)
        if progress is not None:
            progress(done, total)
    return Outcomes(
        won=sums.won,
        wins=sums.wins,
        created=sums.created,
        by={name: sums.by[:, :, a : a + sizes[name]] for name, a in zip(sizes, offsets, strict=True)},
        draw=np.arange(total) // replicates,
        deal_win_days=sums.win_days if deal_detail else None,
        deal_value=sums.value if deal_detail else None,
    )


def _check_run(draws: Draws, seed: int, months: int, arrival_months: int, **counts: int) -> None:
    for name, value in (("months", months), ("arrival_months", arrival_months)):
        if not 0 <= value <= draws.n_months:
            raise ValueError(f"{name}: expected 0..{draws.n_months}, got {value}")
    for name, value in counts.items():
        if value < 1:
            raise ValueError(f"{name}: expected at least 1, got {value}")
    if not 0 <= seed < 2**64:
        raise ValueError(f"seed: expected 0..2**64 - 1, got {seed}")


def _check_deals(name: str, draws: Draws, deals: Deals, sizes: Mapping[str, int]) -> None:
    """ValueError unless the deals fit the funnel, the cells and the groups."""
    if len(deals) == 0:
        return
    states = draws.funnel.n_states
    if deals.stage.max() >= states or (deals.stage == draws.funnel.won).any():
        raise ValueError(f"{name}: expected stages of 0..{states - 1}, but not the won state")
    if deals.cell.max() >= draws.n_cells:
        raise ValueError(f"{name}: expected cells of 0..{draws.n_cells - 1}, got {deals.cell.max()}")
    for grouping, size in sizes.items():
        if grouping not in deals.groups:
            raise ValueError(f"{name}: expected a grouping {grouping!r}, got {sorted(deals.groups)}")
        highest = deals.groups[grouping].max()
        if highest >= size:
            raise ValueError(f"{name}: expected {grouping} of 0..{size - 1}, got {highest}")
    if "client" in sizes and (deals.groups["client"] == UNKNOWN).any():
        clients = draws.client_cdf.shape[1]
        if not 0 < clients <= sizes["client"]:
            most = sizes["client"]
            raise ValueError(f"client_cdf: expected 1..{most} clients for unknown ones, got {clients}")


def _parameters(draws: Draws) -> Parameters:
    funnel = draws.funnel
    arrays = [getattr(draws, name) for name in Parameters._fields[4:]]
    return Parameters(funnel.first_exit, funnel.targets, funnel.kinds, funnel.age_edges, *arrays)


def _table(open_deals: Deals, templates: Deals, groupings: list[str]) -> Table:
    def stacked(*columns: NDArray[Any]) -> NDArray[Any]:
        column = np.concatenate(columns)
        column.flags.writeable = False
        return column

    groups = np.zeros((len(open_deals) + len(templates), len(groupings)), dtype=np.int64)
    for g, name in enumerate(groupings):
        if len(open_deals):
            groups[: len(open_deals), g] = open_deals.groups[name]
        if len(templates):
            groups[len(open_deals) :, g] = templates.groups[name]
    columns = [stacked(getattr(open_deals, name), getattr(templates, name)) for name in Table._fields[:-1]]
    return Table._make([*columns, frozen_array("groups", groups, np.int64, groups.shape)])


def _empty(rows: int, months: int, groups: int, deals: int, days: int) -> Sums:
    def zeros(*shape: int, dtype: Any = np.int64) -> NDArray[Any]:
        return np.zeros(shape, dtype=dtype)

    return Sums(
        won=zeros(rows, months), wins=zeros(rows, months, dtype=np.int32),
        created=zeros(rows, months, dtype=np.int32), by=zeros(rows, months, groups),
        win_days=zeros(deals, days, dtype=np.uint32), value=zeros(deals),
    )  # fmt: skip
