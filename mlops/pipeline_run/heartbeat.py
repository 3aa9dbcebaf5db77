"""Tell the configured heartbeat service how a run goes, by its newest session before and after."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from src.config import logs
from src.monitoring.checks import sessions
from src.monitoring.heartbeat import Heartbeat, Signal, verdict

if TYPE_CHECKING:
    from mlops.pipeline_run.request import RunRequest
    from src.db.database import Database

log = logs.get(__name__)


class RunHeartbeat:
    """The signals of one run; a run that looks back sends none."""

    def __init__(self, request: RunRequest, run_id: str, *, live: bool) -> None:
        self._request = request
        self._heartbeat = Heartbeat.of(request.settings, run_id) if live else None
        self._before: dict[str, dt.date] = {}

    def begins(self, database: Database) -> None:
        """Note what is stored, and say that the run begins."""
        from src.db.watched.data_state import members

        if self._heartbeat is None:
            return
        stored = members(database.control)
        self._before = {row.ticker: row.newest for row in stored if row.newest is not None}
        self._heartbeat.send("start")

    def ended(self, results: Mapping[str, Any]) -> None:
        """Say how it ended, with the sentence of its error if it failed; never raises."""
        if self._heartbeat is None:
            return
        try:
            self._heartbeat.send(*self._verdict(results))
        except Exception as error:
            # A silence is noticed by the service; a run that stands must not fail by it.
            log.error("The heartbeat could not be worked out.", exc_info=error)
        self._heartbeat.wait()

    def _verdict(self, results: Mapping[str, Any]) -> tuple[Signal, str]:
        tickers = list(results["tickers"])
        calendar = sessions.calendar_of_tickers(tickers)
        dates = [row["feature_date"] for row in results["tickers"].values()]
        after = [dt.date.fromisoformat(day) for day in dates if day is not None]
        before = [self._before[ticker] for ticker in tickers if ticker in self._before]
        return verdict(
            results,
            sessions.newest_complete(before, calendar),
            sessions.newest_complete(after, calendar),
            calendar.last_closed(self._request.now),
        )
