"""simulate: paths of open and future deals in every posterior draw, in shards, summed to Outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from joblib import Parallel, cpu_count, delayed
from numpy.typing import ArrayLike, NDArray

from simulations.arrays import Parameters, Plan, Sums, Table, new_block
from simulations.cluster import on_cluster
from simulations.deals import CLIENT_GROUPINGS, OWN, UNKNOWN, Deals
from simulations.draws import Draws
from simulations.follow_ups import FollowUps
from simulations.frailty import Frailty
from simulations.funnel import Kind, frozen_array
from simulations.outcomes import Activity, Outcomes
from simulations.paths import FINE, TOO_LARGE, simulate_rows
from simulations.rates import new_rates
from simulations.streams import hashed_all

SHARDS_PER_THREAD = 8  # enough for a smooth progress bar and an even load
SMALL = 2**20  # bytes: one draw's rates, blocks, messages
LARGE_DETAIL = 2**24  # counts per shard; beyond it, one shard per thread

Progress = Callable[[int, int], None]


def simulate(
    draws: Draws,
    open_deals: Deals,
    templates: Deals,
    *,
    seed: int,
    group_sizes: Mapping[str, int] | None = None,
    client_groups: Mapping[str, ArrayLike] | None = None,
    arrival_months: int | None = None,
    months: int | None = None,
    replicates: int = 1,
    deal_detail: bool = False,
    record: int = 0,
    threads: int | None = None,
    shards: int | None = None,
    cluster: str | None = None,
    memory_limit: int | None = None,
    progress: Progress | None = None,
) -> Outcomes:
    """Simulate every deal `replicates` times in every draw; simulation k runs on draw k // replicates.

    open_deals: deals at their age at the origin; their keys must differ.
    templates: what new deals look like; draws.template_cdf is over its rows. Ages must be 0.
    seed: 0..2**64 - 1. The result is a pure function of the arguments; `threads`, `shards`, `cluster` and
        `memory_limit` change nothing in it.
    group_sizes: groupings to sum by, with their number of groups; each must be a grouping of both tables
        (of `templates` only if there are any).
    client_groups: by grouping ("client", "parent_client"), the group of each of the N clients of the draws, in
        which deals whose client is drawn are counted (default: group i for client i).
    months: sums are kept for the first `months` months (default: all of them).
    arrival_months: new deals are created in the first `arrival_months` months only (default: all of them).
    deal_detail: also count wins of every open deal by day, over the whole horizon.
    record: number of simulations, spread evenly over all, whose exits and occupancy are kept.
    threads: default all cores. shards: pieces of work, default a few per thread.
    cluster: address of a Dask scheduler ("tcp://host:8786") whose workers run the shards in place of threads
        here; it needs the package distributed, and this package installed on the workers.
    memory_limit: bytes; a run that needs more (see `memory_needed`) is refused before it begins.
    progress: called with (simulations done, simulations in all) from the calling thread.

    Raises ValueError naming the argument; OverflowError if the amounts won exceed 64-bit integers, or if
    follow-ups bring about follow-ups without end.
    """
    job = Job(
        draws, open_deals, templates, seed, dict(group_sizes or {}),
        {name: np.asarray(groups) for name, groups in (client_groups or {}).items()},
        draws.n_months if arrival_months is None else arrival_months,
        draws.n_months if months is None else months, replicates, deal_detail, record,
    )  # fmt: skip
    workers = cpu_count() if threads is None else threads
    pieces = workers * SHARDS_PER_THREAD if shards is None else shards
    _check_number("threads", workers, 1)
    _check_number("shards", pieces, 1)
    pieces = min(pieces, job.total)
    if deal_detail and len(open_deals) * job.days > LARGE_DETAIL:
        pieces = min(pieces, workers)
    needed = job.memory(min(workers, pieces), pieces)
    if memory_limit is not None and needed > memory_limit:
        raise ValueError(
            f"memory_limit: the run needs {needed:,} bytes, more than {memory_limit:,}; ask for fewer draws, "
            "replicates, months or groups, or for no deal_detail"
        )
    cuts = [int(cut) for cut in np.linspace(0, job.total, pieces + 1)]
    shards_of_work = list(pairwise(cuts))
    sums = job.empty(0, job.total)
    if cluster is None:
        job.arrays  # noqa: B018 - made here, once, not by several threads at the same time
        runner = Parallel(n_jobs=workers, prefer="threads", return_as="generator_unordered")
        parts = runner(delayed(run_shard)(job, *cut, sums) for cut in shards_of_work)
    else:
        parts = on_cluster(cluster, run_shard, job, shards_of_work)
    job.add_up(parts, sums, progress)
    return job.outcomes(sums)


def memory_needed(
    draws: Draws,
    open_deals: int,
    templates: int = 0,
    *,
    group_sizes: Mapping[str, int] | None = None,
    months: int | None = None,
    replicates: int = 1,
    deal_detail: bool = False,
    record: int = 0,
    threads: int | None = None,
    shards: int | None = None,
) -> int:
    """Bytes that `simulate` will take with so many deals, beyond those of the draws and deals given to it."""
    sizes = dict(group_sizes or {})
    kept, total = draws.n_months if months is None else months, draws.n_draws * replicates
    days = int(np.ceil(draws.horizon)) + 1
    workers = cpu_count() if threads is None else threads
    pieces = min(workers * SHARDS_PER_THREAD if shards is None else shards, total)
    if deal_detail and open_deals * days > LARGE_DETAIL:
        pieces = min(pieces, workers)
    return _memory(
        draws, open_deals, templates, len(sizes), sum(sizes.values()), kept, total, days if deal_detail else 0,
        record, min(workers, pieces), pieces,
    )  # fmt: skip


def _memory(
    draws: Draws, n_open: int, n_templates: int, groupings: int, groups: int, months: int, total: int, days: int,
    record: int, workers: int, pieces: int,
) -> int:  # fmt: skip
    table = (n_open + n_templates) * 8 * (7 + groupings)
    sort_of_keys = 16 * n_open
    row = months * (8 + 4 + 4 + 4 + 8 * groups) + 16 + months * 8  # and the check that groups sum to the total
    detail = n_open * (4 * days + 8) if days else 0
    recorded = record * draws.n_months * 4 * (draws.funnel.n_exits + 2 * draws.funnel.n_states)
    details = min(pieces, 2 * workers + 2) + 1  # shards at work, or done and not yet added up; the sum
    return SMALL + table + sort_of_keys + total * row + details * detail + 3 * recorded


@dataclass(frozen=True, eq=False)
class Job:
    """All that a shard needs to know, checked. See `simulate` for the fields."""

    draws: Draws
    open_deals: Deals
    templates: Deals
    seed: int
    sizes: Mapping[str, int]
    client_groups: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    arrival_months: int = 0
    months: int = 0
    replicates: int = 1
    detail: bool = False
    record: int = 0

    def __post_init__(self) -> None:
        draws, templates = self.draws, self.templates
        _check_number("months", self.months, 0, draws.n_months)
        _check_number("arrival_months", self.arrival_months, 0, draws.n_months)
        _check_number("replicates", self.replicates, 1)
        _check_number("record", self.record, 0)
        if not 0 <= self.seed < 2**64:
            raise ValueError(f"seed: expected 0..2**64 - 1, got {self.seed}")
        for name, deals in (("open_deals", self.open_deals), ("templates", templates)):
            _check_deals(name, draws, deals, self.sizes)
        if len(np.unique(self.open_deals.key)) < len(self.open_deals):
            raise ValueError("open_deals: expected a different key for every deal")
        if templates.age.any():
            raise ValueError("templates: expected ages of 0")
        wanted = draws.template_cdf.shape[1]
        drawn = draws.follow_ups is not None and draws.follow_ups.as_new.any()
        if wanted != len(templates) and (drawn or draws.arrival_mean[:, : self.arrival_months].any()):
            raise ValueError(f"templates: expected {wanted} as in template_cdf, got {len(templates)}")
        clients = draws.client_cdf.shape[1]
        for name, groups in self.client_groups.items():
            if name not in CLIENT_GROUPINGS or name not in self.sizes:
                raise ValueError(
                    f"client_groups: expected groupings of {CLIENT_GROUPINGS} in group_sizes, got {name!r}"
                )
            if groups.shape != (clients,) or (clients and (groups.min() < 0 or self.sizes[name] <= groups.max())):
                raise ValueError(f"client_groups[{name!r}]: expected {clients} groups of 0..{self.sizes[name] - 1}")
        for name in self.sizes:
            self._check_drawn(name)
        if draws.follow_ups is not None:
            for name, group in draws.follow_ups.groups.items():
                if not 0 <= group < self.sizes.get(name, group + 1):
                    raise ValueError(f"follow_ups.groups: expected {name} of 0..{self.sizes[name] - 1}, got {group}")

    def _check_drawn(self, grouping: str) -> None:
        """Deals without a group get that of a client drawn for them: there must be one."""
        clients, most = self.draws.client_cdf.shape[1], self.sizes[grouping]
        for name, deals in (("open_deals", self.open_deals), ("templates", self.templates)):
            unknown = deals.groups[grouping] == UNKNOWN if len(deals) else np.zeros(0, dtype=bool)
            if (unknown & (deals.clients == OWN)).any():
                raise ValueError(f"{name}: expected a known {grouping} where client is {OWN}")
            if unknown.any() and not (clients > 0 and (grouping in self.client_groups or clients <= most)):
                raise ValueError(f"client_cdf: expected 1..{most} clients for unknown ones, got {clients}")

    @property
    def total(self) -> int:
        return self.draws.n_draws * self.replicates

    @property
    def days(self) -> int:
        return int(np.ceil(self.draws.horizon)) + 1

    @property
    def recorded(self) -> NDArray[np.int64]:
        """Numbers of the simulations that are recorded."""
        number = min(self.record, self.total)
        return (np.arange(number) * self.total) // max(number, 1)

    @property
    def offsets(self) -> NDArray[np.int64]:
        """(G,) first column of each grouping in Sums.by."""
        return np.cumsum([0, *self.sizes.values()])[:-1].astype(np.int64)

    def memory(self, workers: int, pieces: int) -> int:
        return _memory(
            self.draws, len(self.open_deals), len(self.templates), len(self.sizes), sum(self.sizes.values()),
            self.months, self.total, self.days if self.detail else 0, self.record, workers, pieces,
        )  # fmt: skip

    @cached_property
    def arrays(self) -> tuple[Parameters, Table]:
        """Draws and deals as flat, read-only arrays; made once in each process."""
        return _parameters(self.draws, self.sizes, self.client_groups), _table(self)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "arrays"}

    def empty(self, first: int, last: int) -> Sums:
        """Sums of nothing for simulations first..last - 1."""
        rows, n_open = last - first, len(self.open_deals) if self.detail else 0
        recorded = int(((self.recorded >= first) & (self.recorded < last)).sum())
        funnel, months = self.draws.funnel, self.draws.n_months

        def zeros(*shape: int, dtype: Any = np.int64) -> NDArray[Any]:
            return np.zeros(shape, dtype=dtype)

        return Sums(
            won=zeros(rows, self.months), wins=zeros(rows, self.months, dtype=np.int32),
            created=zeros(rows, self.months, dtype=np.int32), followed=zeros(rows, self.months, dtype=np.int32),
            by=zeros(rows, self.months, sum(self.sizes.values())), attempts=zeros(rows),
            exits=zeros(recorded, months, funnel.n_exits, dtype=np.int32),
            entered=zeros(recorded, months, funnel.n_states, dtype=np.int32),
            win_days=zeros(n_open, self.days, dtype=np.uint32), value=zeros(n_open),
        )  # fmt: skip

    def part(self, sums: Sums, first: int, last: int) -> Sums:
        """The rows of simulations first..last - 1, to be written in place; detail of deals is apart."""
        a, b = (int((self.recorded < number).sum()) for number in (first, last))
        rows = slice(first, last)
        return Sums(
            sums.won[rows], sums.wins[rows], sums.created[rows], sums.followed[rows], sums.by[rows],
            sums.attempts[rows], sums.exits[a:b], sums.entered[a:b], np.zeros_like(sums.win_days),
            np.zeros_like(sums.value),
        )  # fmt: skip

    def add_up(self, parts: Iterator[tuple[int, Sums, int]], sums: Sums, progress: Progress | None) -> None:
        """Bring the sums of all shards together, in whatever order they come; those of threads are in place."""
        done = 0
        for first, part, state in parts:
            if state == TOO_LARGE or (part.value > np.iinfo(np.int64).max - sums.value).any():
                raise OverflowError("amounts: their sums exceed 64-bit integers; check amounts and their spread")
            if state != FINE:
                raise OverflowError("follow_ups: they bring about follow-ups without end; check mean and log_delay")
            rows = slice(first, first + len(part.won))
            sums.won[rows], sums.wins[rows], sums.by[rows] = part.won, part.wins, part.by
            sums.created[rows], sums.followed[rows] = part.created, part.followed
            at = int((self.recorded < first).sum())
            sums.exits[at : at + len(part.exits)] = part.exits
            sums.entered[at : at + len(part.entered)] = part.entered
            sums.win_days[:] += part.win_days
            sums.value[:] += part.value
            done += len(part.won)
            if progress is not None:
                progress(done, self.total)

    def outcomes(self, sums: Sums) -> Outcomes:
        return Outcomes(
            won=sums.won,
            wins=sums.wins,
            created=sums.created,
            by={n: sums.by[:, :, a : a + self.sizes[n]] for n, a in zip(self.sizes, self.offsets, strict=True)},
            draw=np.arange(self.total) // self.replicates,
            deal_win_days=sums.win_days if self.detail else None,
            deal_value=sums.value if self.detail else None,
            followed=sums.followed if self.draws.follow_ups is not None else None,
            activity=self._activity(sums) if self.record else None,
        )

    def _activity(self, sums: Sums) -> Activity:
        """Occupancy follows from what entered and left: deals at the origin, plus those created, plus moves."""
        funnel = self.draws.funnel
        change = sums.entered.astype(np.int64)
        for j, (here, there) in enumerate(funnel.exits):
            change[:, :, here] -= sums.exits[:, :, j]
            change[:, :, there] += sums.exits[:, :, j]
        at_origin = np.bincount(self.open_deals.stage, minlength=funnel.n_states)
        occupancy = (at_origin + np.cumsum(change, axis=1)).astype(np.int32)
        return Activity(self.recorded, sums.exits[:, : self.months], occupancy[:, : self.months])


def run_shard(job: Job, first: int, last: int, into: Sums | None = None) -> tuple[int, Sums, int]:
    """Simulations first..last - 1 of a job: the first, their sums (rows of `into`, if given), and how it went."""
    draws = job.draws
    end = float(draws.month_edges[job.months])
    recorded = job.recorded[(job.recorded >= first) & (job.recorded < last)]
    plan = Plan(
        seed=np.uint64(job.seed), first=first, replicates=job.replicates, n_open=len(job.open_deals),
        # Deals created after the months kept cannot be won within them.
        arrival_months=min(job.arrival_months, job.months),
        open_until=draws.horizon if job.detail else end, future_until=end, offsets=job.offsets, recorded=recorded,
    )  # fmt: skip
    sums = job.empty(first, last) if into is None else job.part(into, first, last)
    parameters, table = job.arrays
    return first, sums, simulate_rows(parameters, plan, table, sums, new_rates(parameters), new_block())


def _check_number(name: str, value: int, low: int, high: int | None = None) -> None:
    if value < low or (high is not None and value > high):
        raise ValueError(f"{name}: expected {f'at least {low}' if high is None else f'{low}..{high}'}, got {value}")


def _check_deals(name: str, draws: Draws, deals: Deals, sizes: Mapping[str, int]) -> None:
    """ValueError unless the deals fit the funnel, the cells, the clients and the groups."""
    if len(deals) == 0:
        return
    states = draws.funnel.n_states
    if deals.stage.max() >= states or (deals.stage == draws.funnel.won).any():
        raise ValueError(f"{name}: expected stages of 0..{states - 1}, but not the won state")
    if deals.cell.max() >= draws.n_cells:
        raise ValueError(f"{name}: expected cells of 0..{draws.n_cells - 1}, got {deals.cell.max()}")
    clients = draws.client_cdf.shape[1] if draws.frailty is None else draws.frailty.n_clients
    if deals.clients.max() >= clients:
        raise ValueError(f"{name}: expected clients of -2..{clients - 1}, got {deals.clients.max()}")
    if draws.frailty is not None and (deals.clients == UNKNOWN).any() and not draws.client_cdf.shape[1]:
        raise ValueError(f"client_cdf: expected the {clients} clients of frailty, as some of {name} are unknown (-1)")
    for grouping, size in sizes.items():
        if grouping not in deals.groups:
            raise ValueError(f"{name}: expected a grouping {grouping!r}, got {sorted(deals.groups)}")
        highest = deals.groups[grouping].max()
        if highest >= size:
            raise ValueError(f"{name}: expected {grouping} of 0..{size - 1}, got {highest}")


def _parameters(draws: Draws, sizes: Mapping[str, int], client_groups: Mapping[str, NDArray[Any]]) -> Parameters:
    funnel, clients = draws.funnel, draws.client_cdf.shape[1]
    advances = np.isin(funnel.kinds, (Kind.ADVANCE, Kind.WON)).astype(np.int64)
    nobody = np.zeros(0)
    frailty = draws.frailty or Frailty(nobody, np.zeros(0, np.uint64), nobody, np.zeros((0, 0)))
    whole, none = np.zeros(0, np.int64), np.zeros((draws.n_draws, 0))
    follow = draws.follow_ups or FollowUps(none, whole, none, none, whole.astype(bool), whole, none)
    same_group = np.array([follow.groups.get(name, -1) for name in sizes], dtype=np.int64)
    by_client = np.zeros((len(sizes), clients), dtype=np.int64)
    for g, name in enumerate(sizes):
        by_client[g] = client_groups.get(name, np.arange(clients))
    plain = [getattr(draws, name) for name in Parameters._fields[5:18]]
    frailties = [getattr(frailty, name) for name in ("shape", "key", "exits", "exposure")]
    follows = [getattr(follow, name.removeprefix("follow_")) for name in Parameters._fields[22:29]]
    arrays = [
        funnel.first_exit, funnel.targets, funnel.kinds, advances, funnel.age_edges, *plain, *frailties, *follows,
        np.tile(same_group, (follow.n_kinds, 1)), by_client,
    ]  # fmt: skip
    return Parameters._make(_read_only(array) for array in arrays)


def _table(job: Job) -> Table:
    tables = (job.open_deals, job.templates)
    names = list(job.sizes)
    groups = np.zeros((sum(map(len, tables)), len(names)), dtype=np.int64)
    for g, name in enumerate(names):
        groups[:, g] = np.concatenate([deals.groups[name] if len(deals) else deals.stage for deals in tables])
    columns = [np.concatenate([getattr(deals, name) for deals in tables]) for name in ("key", *Table._fields[1:6])]
    columns[0] = hashed_all(columns[0])
    clients = columns[-1]
    bins = np.searchsorted(job.draws.funnel.age_edges, columns[2], side="right") - 1
    used = np.zeros(0 if job.draws.frailty is None else job.draws.frailty.n_clients, dtype=bool)
    if len(used):
        used[clients[clients >= 0]] = True
        used |= (clients == UNKNOWN).any()
    for i in (1, 3):  # stage and cell
        columns[i] = columns[i].astype(np.uint32)
    return Table._make(_read_only(array) for array in (*columns, groups, bins.astype(np.uint32), used))


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    """The same type of array for the compiled code, however it came to this process."""
    return frozen_array("array", array, array.dtype.type, array.shape)
