"""Tasks for workers of an engine: what they see of themselves, and ways to end badly."""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from src.core.errors import BadInput
from src.modeling.points.ridge import Linear, ridge


def process_id() -> int:
    return os.getpid()


def environment(names: list[str]) -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in names}


def fail(sentence: str) -> None:
    raise BadInput(sentence)


class UnsendableError(Exception):
    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} and {two}")


def fail_unsendably() -> None:
    raise UnsendableError("this", "that")


def end_at_once(marks: str, deaths: int) -> int:
    """Kill this process, unless that has been done so often; how often it was begun."""
    folder = Path(marks)
    begun = len(list(folder.iterdir()))
    (folder / str(begun)).touch()
    if begun < deaths:
        os.kill(os.getpid(), signal.SIGKILL)
    return begun + 1


def wait_for(path: str) -> int:
    while not Path(path).exists():
        time.sleep(0.01)
    return os.getpid()


def describe(values: dict[str, np.ndarray]) -> tuple[int, int, float, bool, bool]:
    """Process, identity, sum and writability of an array, and whether a file is mapped for it."""
    array = values["numbers"]
    mapped = "tcsns-forecast-shared-" in Path("/proc/self/maps").read_text()
    return os.getpid(), id(array), float(array.sum()), array.flags.writeable, mapped


def sleep_marked(folder: str) -> None:
    """Say that this process works, by a file with its number, and work on for a minute."""
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(60)


def work_on(argv: list[str] | None = None) -> int:
    """A command whose two workers are at something that takes long."""
    from src.stages.engine.open_engine import open_engine

    with open_engine(2) as engine:
        shared = engine.share({"numbers": np.arange(1000.0)})
        futures = [engine.submit(sleep_marked, sys.argv[1]), engine.submit(describe, shared)]
        futures.append(engine.submit(sleep_marked, sys.argv[1]))
        for future in futures:
            future.result()
    return 0


def fit_after_a_loss(X: np.ndarray, y: np.ndarray, horizon: int) -> Linear:
    """A ridge; the first process that comes to it is killed."""
    mark = Path(os.environ["TEST_LOSS_MARK"])
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return ridge(X, y, horizon)
