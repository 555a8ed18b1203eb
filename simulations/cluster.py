"""Shards on the workers of a Dask cluster. Dask is imported only when a cluster is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

RETRIES = 3  # of a shard that fails; one whose worker dies is run again by the scheduler in any case


def on_cluster(address: str, run: Callable[..., Any], job: Any, pieces: Sequence[tuple[int, int]]) -> Iterator[Any]:
    """run(job, *piece) for every piece on the cluster at `address`, in the order in which they are done.

    The job travels as the result of a task of its own, not as data scattered to a worker: a worker that dies
    with it is no loss, as the scheduler can make it again from the graph.
    """
    try:
        import distributed
    except ImportError as error:
        raise ImportError("cluster: expected the package distributed; install dask and distributed") from error
    dask: Any = distributed  # typed in part only
    with dask.Client(address, set_as_default=False) as client:
        shared = client.submit(_itself, job, pure=False, retries=RETRIES)
        futures = [client.submit(run, shared, *piece, pure=False, retries=RETRIES) for piece in pieces]
        for future in dask.as_completed(futures, loop=client.loop):
            yield future.result()
            future.release()


def _itself(job: Any) -> Any:
    return job
