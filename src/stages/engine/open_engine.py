"""Open what runs the tasks of a run, by the number of its workers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from src.stages.engine.engine import IN_PROCESS, Engine


@contextmanager
def open_engine(workers: int = 1) -> Iterator[Engine]:
    """This process for one worker, so many processes for several.

    They are ended with the block, whatever they are at.
    """
    if workers == 1:
        yield IN_PROCESS
        return
    from src.stages.engine.process_pool import ProcessPool

    pool = ProcessPool(workers)
    try:
        yield pool
    finally:
        pool.close()
