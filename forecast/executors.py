"""Where independent work is done: here one by one, in processes, or on a Dask cluster."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

from forecast.errors import FunnelError

PATIENCE = 10  # seconds until a cluster that does not answer counts as absent


@contextmanager
def executor(jobs: int, cluster: str | None) -> Iterator[Executor | None]:
    """What runs the work; None means here, one piece after the other. Raises FunnelError without a cluster."""
    if cluster is None:
        if jobs == 1:
            yield None
            return
        pool = ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"))
        try:
            yield pool
        except BaseException:  # interrupted, say: what is under way would be waited for
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
            raise
        pool.shutdown()
        return
    with _client(cluster) as client:
        yield client.get_executor()


def placed(threads: int | None, cluster: str | None) -> None:
    """FunnelError where both are given, or no Dask cluster answers at this address: now, not after the fit."""
    if cluster is None:
        return
    if threads is not None:
        raise FunnelError("--threads and --cluster were both given", remedy="Give one of them.")
    with _client(cluster):
        pass


def _client(cluster: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        remedy = 'Install it with: pip install "entonnoir[cluster]".'
        raise FunnelError("a Dask cluster needs the package distributed", remedy=remedy) from None
    # No default of the process, which xarray would ask when it writes a fit, though it had failed to connect; for the
    # same reason the error is raised where it does not hold the client that failed.
    try:
        return Client(cluster, timeout=PATIENCE, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        why = str(error)
    remedy = "Start `dask scheduler` and its workers, with the same packages as here, and give its address."
    raise FunnelError(f"there is no Dask cluster at {cluster} ({why})", remedy=remedy)
