"""Answer the scoreboard from memory until forecasts or outcomes have been added."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

import orjson

from src.db.reconnect import Connection
from src.db.tables.scores import ScoreLog
from src.modeling.evaluation.scoreboard import scoreboard

# Answers kept, of some 200 kB for all tickers of a pool and some 2 kB for one.
ANSWERS = 64


class _Answer(NamedTuple):
    """An answer, and what the database held when it was computed or was last still true."""

    snapshot: str
    counts: tuple[int, int, int]
    body: bytes


class ScoreCache:
    """Answers of ``/scoreboard`` by ticker; for one thread at a time."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str | None, _Answer] = OrderedDict()

    def answer(self, ticker: str | None, connection: Connection) -> bytes:
        """The scores of one ticker, or of all, as JSON."""
        log = ScoreLog(connection)
        cached = self._answers.pop(ticker, None)
        # The snapshot costs nothing to compare; counting takes some milliseconds. Both are read
        # before the scores, so that an answer is never older than they say.
        snapshot = log.snapshot_id()
        if cached is None or cached.snapshot != snapshot:
            counts = log.counts(ticker)
            if cached is not None and cached.counts == counts:
                cached = cached._replace(snapshot=snapshot)
            else:
                cached = _Answer(snapshot, counts, _body(log, ticker, counts[0]))
        self._answers[ticker] = cached
        if len(self._answers) > ANSWERS:
            self._answers.popitem(last=False)
        return cached.body


def _body(log: ScoreLog, ticker: str | None, logged: int) -> bytes:
    return orjson.dumps({"logged": logged, "rows": scoreboard(log, ticker)})
