"""A Dask cluster of two processes gives the bytes that threads give, also when a worker dies half-way."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from simulations import Outcomes, simulate
from tests.simulations.examples import rich_case

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")

# A worker that is killed closes its connections in its own way, and so do event loops at the end.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
        ) as local:
            yield local


def run(n_draws: int = 60, n_deals: int = 40, **options: Any) -> Outcomes:
    case = rich_case(11, n_deals=n_deals, n_draws=n_draws)
    return simulate(
        case.draws, case.open_deals, case.templates, seed=4, replicates=5, deal_detail=True, record=20,
        group_sizes={"deal": n_deals, "client": 5, "later": 2}, **options,
    )  # fmt: skip


def everything(outcomes: Outcomes) -> list[bytes]:
    arrays = [outcomes.won, outcomes.wins, outcomes.created, outcomes.followed, outcomes.draw]
    arrays += [outcomes.deal_win_days, outcomes.deal_value, *(outcomes.by[name] for name in sorted(outcomes.by))]
    assert outcomes.activity is not None
    arrays += [outcomes.activity.exits, outcomes.activity.occupancy, outcomes.activity.simulation]
    return [array.tobytes() for array in arrays if array is not None]


def test_same_bytes_on_threads_shards_and_cluster(cluster: Any) -> None:
    expected = everything(run(threads=1, shards=1))
    for options in ({"threads": 2}, {"shards": 2}, {"threads": 2, "shards": 7}):
        assert everything(run(**options)) == expected
    seen: list[tuple[int, int]] = []
    outcomes = run(cluster=cluster.scheduler_address, shards=5, progress=lambda *now: seen.append(now))
    assert everything(outcomes) == expected
    assert len(seen) == 5
    assert seen[-1] == (300, 300)


@pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")
def test_a_worker_killed_half_way_changes_nothing(cluster: Any) -> None:
    settings: dict[str, Any] = {"n_draws": 400, "n_deals": 2000, "shards": 40}
    expected = everything(run(**settings))
    victim = next(iter(cluster.workers.values()))
    killed: list[int] = []

    def kill(done: int, total: int) -> None:
        if not killed and done >= total / 4:
            killed.append(victim.pid)
            os.kill(victim.pid, signal.SIGKILL)

    pid = victim.pid
    assert everything(run(cluster=cluster.scheduler_address, progress=kill, **settings)) == expected
    assert killed == [pid]


def test_an_address_where_nobody_answers_is_an_error() -> None:
    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}), pytest.raises(OSError, match="Timed out"):
        run(cluster="tcp://127.0.0.1:1")
