"""Keep the requests of this process to a source's pace, which all processes share."""

from __future__ import annotations

import datetime as dt
import math
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from http.client import responses
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from src.core import pace
from src.core.errors import SourceNotAsked

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.core.pace import PaceRules, PaceState, Turn
    from src.data.sources.delivery import Source
    from src.db.database import Database
    from src.db.tables.source_pace import SourcePace

# Called with a source's title and the seconds that a request waits for its turn.
OnWait = Callable[[str, float], None]
# Statuses that say "too many"; 999 is one that Yahoo made up.
REFUSALS = (HTTPStatus.TOO_MANY_REQUESTS, 999)
# These may be a refusal, or the fault of one ticker or of one bad moment.
FAILURES = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class Pace:
    """Waits for the turn of each request, and notes how the source answers. For one thread.

    Args:
        title: The source as sentences name it.
        on_wait: Called before each wait.
    """

    def __init__(
        self,
        table: SourcePace,
        rules: PaceRules,
        title: str,
        *,
        on_wait: OnWait,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._table, self._rules, self._title = table, rules, title
        self._on_wait, self._sleep = on_wait, sleep
        self._turn = pace.Turn(granted=False, wait=0.0)
        self._unpaid = 0

    def take_turn(self) -> None:
        """Return when a request may be sent.

        Raises:
            SourceNotAsked: It would have to wait longer than a run waits.
        """
        waited = 0.0
        while True:
            decide = partial(_take_turn, self._rules, 1 + self._unpaid)
            self._turn, state, at = self._table.change(decide)
            if self._turn.granted:
                self._unpaid = 0
            waited += self._turn.wait
            if not self._turn.granted and waited > self._rules.longest_wait:
                raise self._not_asked(state, at)
            if self._turn.wait:
                self._on_wait(self._title, self._turn.wait)
                self._sleep(self._turn.wait)
            # What was granted to a waiting request ends where the source refuses another meanwhile.
            if self._turn.granted and (not self._turn.wait or not self._is_paused()):
                return

    def note_silence(self) -> None:
        """Note that there was no answer: somebody else may try whether the source answers."""
        is_trial = self._turn.is_trial
        if is_trial:
            self._table.change(
                lambda state, _: (pace.after_silence(state, is_trial=is_trial), None)
            )

    def note(self, status: int, *, retry_after: float | None = None, sent: int = 1) -> None:
        """Note the answer to the request whose turn it was.

        Args:
            status: Of HTTP.
            retry_after: Seconds that the source asks to wait.
            sent: Requests that it took.

        Raises:
            SourceNotAsked: The source has refused: nobody asks for a while.
        """
        self._unpaid += max(0, sent - 1)
        reason = f"HTTP {status} {responses.get(status, '')}".strip()
        is_trial = self._turn.is_trial
        if status in REFUSALS:
            _, state, at = self._table.change(
                lambda state, at: (pace.after_refusal(state, self._rules, at, retry_after), None),
                reason,
            )
            raise self._not_asked(state, at)
        if status in FAILURES or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self._table.change(
                lambda state, at: (
                    pace.after_failure(state, self._rules, at, is_trial=is_trial),
                    None,
                ),
                reason,
            )
        elif self._turn.counts:
            self._table.change(
                lambda state, at: (pace.after_answer(state, at, is_trial=is_trial), None)
            )

    def _is_paused(self) -> bool:
        _, state, _ = self._table.change(lambda state, _: (state, None))
        return state.resumes_at is not None

    def _not_asked(self, state: PaceState, at: dt.datetime) -> SourceNotAsked:
        next_turn = at + dt.timedelta(seconds=self._turn.wait)
        if state.resumes_at is None:
            why = f"{self._title} is sent no more requests for now, lest it refuse them,"
        else:
            why = f"{self._title} refuses requests ({self._table.reason()})"
            next_turn = max(next_turn, state.resumes_at)
        return SourceNotAsked(why, _whole_minute(next_turn))


def _take_turn(
    rules: PaceRules, requests: int, state: PaceState, at: dt.datetime
) -> tuple[PaceState, Turn]:
    return pace.take_turn(state, rules, at, requests)


def _whole_minute(at: dt.datetime) -> dt.datetime:
    """Rounded up, so that what a sentence says is not too early."""
    minutes = math.ceil(at.timestamp() / 60)
    return dt.datetime.fromtimestamp(60 * minutes, dt.UTC)


@runtime_checkable
class NetworkSource(Protocol):
    """A source that is asked over the network."""

    pace: Pace | None

    @property
    def name(self) -> str:
        """See Source."""
        ...

    @property
    def title(self) -> str:
        """The source as sentences name it."""
        ...


def keep_pace(
    source: Source | None,
    database: Database,
    settings: Settings,
    on_wait: OnWait = lambda _title, _seconds: None,
) -> None:
    """Let a source on the network ask no faster than all processes together may."""
    from src.db.tables.source_pace import SourcePace

    if isinstance(source, NetworkSource):
        rules = settings.sources.rules(source.name)
        table = SourcePace(database.control, source.name, rules.burst)
        source.pace = Pace(table, rules, source.title, on_wait=on_wait)
