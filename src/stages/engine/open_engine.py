"""Open what runs the tasks of a run, by the number of its workers or the address of a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from src.stages.engine.engine import IN_PROCESS, Engine

if TYPE_CHECKING:
    from src.stages.engine.dask_cluster import DaskCluster
    from src.stages.engine.process_pool import ProcessPool


@contextmanager
def open_engine(workers: int = 1, address: str | None = None) -> Iterator[Engine]:
    """This process for one worker, so many processes for several, or the cluster at an address.

    Processes are ended with the block, whatever they are at; what is not done of a cluster's tasks
    is cancelled.

    Raises:
        UsageError: A cluster needs a package that is not installed.
        ClusterLost: Its scheduler does not answer, or has no worker.
    """
    if address is None and workers == 1:
        yield IN_PROCESS
        return
    opened = _open(workers, address)
    try:
        yield opened
    finally:
        opened.close()


def _open(workers: int, address: str | None) -> ProcessPool | DaskCluster:
    if address is None:
        from src.stages.engine.process_pool import ProcessPool

        return ProcessPool(workers)
    from src.stages.engine.dask_cluster import DaskCluster

    return DaskCluster(address)
