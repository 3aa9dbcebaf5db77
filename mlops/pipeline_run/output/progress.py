"""Show how far a run is: a bar on a terminal, lines of the log elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from src.config import logs

log = logs.get(__name__)

Progress = Callable[[str, float, int], None]
# Stages that begin where a block is not through yet.
WITHIN_BLOCK = ("data_cleaning", "feature_engineering", "validation")


@contextmanager
def show_progress() -> Iterator[Progress]:
    """A function to call with what is under way, and how many of how many tickers are done."""
    if not sys.stderr.isatty():
        yield ProgressLines(_log)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    names = ("{task.description:<20}", "{task.fields[count]}")
    columns = (TextColumn(names[0]), BarColumn(), TextColumn(names[1]), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None, count="")
        started = time.monotonic()

        def step(stage: str, done: float, total: int) -> None:
            # All is up to date: how long the forecasts take is not known.
            ends = total if done < total else None
            count = count_sentence(done, total, time.monotonic() - started)
            bar.update(task, description=stage, completed=done, total=ends, count=count)

        yield step


class ProgressLines:
    """Writes a line after each block of a run of many."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._started = time.monotonic()
        self._logged = 0.0

    def __call__(self, stage: str, done: float, total: int) -> None:
        """Write how many tickers are up to date, where that has changed."""
        if total > 1 and done > self._logged and stage not in WITHIN_BLOCK:
            self._logged = done
            self._write(f"{count_sentence(done, total, time.monotonic() - self._started)}.")


def _log(line: str) -> None:
    # Looked up for each line: the log is set up after the progress has begun.
    log.info(line)


def count_sentence(done: float, total: int, seconds: float) -> str:
    """Such as ``25 of 141 tickers, 3.1 a second, 37 s left before training``.

    Empty for one ticker.
    """
    if total <= 1:
        return ""
    sentence = f"{int(done)} of {total} tickers"
    if done and seconds:
        rate = done / seconds
        sentence += f", {rate:.1f} a second"
        if done < total:
            # How long the training takes after the last ticker is not known.
            sentence += f", {max(round((total - done) / rate), 1)} s left before training"
    return sentence
