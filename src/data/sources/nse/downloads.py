"""Decide which files of NSE are asked for and which are taken from the disk.

What NSE has is asked for again while it may still come or be corrected: once after each of the
next sessions. Where a file cannot be had again, the one on the disk is used.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from src.core.errors import BadInput, SourceNotAsked, SourceUnavailable
from src.data.sources.nse.cache import Cache
from src.data.sources.nse.web import ATTEMPTS, NotDelivered

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.core.calendars.calendar import Calendar
    from src.data.sources.nse.cache import Kept
    from src.data.sources.nse.web import Web
    from src.data.sources.pace import Pace

# What NSE answered when so many later sessions had closed is its last word.
SETTLED = 3

T = TypeVar("T")


def kept_from(web: Web, settings: Settings) -> Cache:
    """The files of a server that are kept below ``var/nse``."""
    return Cache(settings.home / "var" / "nse" / web.host.replace(":", "_"))


class Downloads:
    """The files of one server; after a failure nothing more is asked for. For one thread.

    Attributes:
        failure: Why nothing more is asked for.
        warnings: Sentences about what could not be asked for again.
        asked: The names of the files that were asked for.

    Args:
        lacks_none: Whether a file that is not there is a failure, too.
    """

    def __init__(
        self,
        web: Web,
        cache: Cache,
        calendar: Calendar,
        now: dt.datetime,
        *,
        lacks_none: bool = False,
    ) -> None:
        self._web, self._cache, self._lacks_none = web, cache, lacks_none
        self._calendar, self._now = calendar, now
        self.failure: SourceNotAsked | None = None
        self.warnings: list[str] = []
        self.asked: set[str] = set()

    def get(
        self,
        path: str,
        name: str,
        day: dt.date,
        read: Callable[[bytes], T],
        *,
        pace: Pace | None,
        attempts: int = ATTEMPTS,
    ) -> T | None:
        """What ``read`` makes of the file at a path; None where the server has none.

        Args:
            path: Its path.
            name: Under which it is kept.
            day: The last session that it tells of.
            read: Makes something of its bytes, or raises BadInput.
            pace: Of the server.
            attempts: For one file.

        Raises:
            SourceNotAsked: It is not there, and the server does not deliver or may not be asked.
        """
        kept = self._cache.read(name)
        usable = self._usable(name, kept, read)
        is_there = kept is not None and (kept.packed is None or usable is not None)
        if kept and is_there and not is_due(kept, day, self._now, self._calendar):
            return usable
        try:
            packed = self._ask(path, name, pace, attempts)
            value = None if packed is None else read(packed)
        except SourceNotAsked as error:
            is_first, self.failure = self.failure is None, error
            return self._instead(error, usable, is_told=not is_first)
        except BadInput as error:
            sentence = f"{self._web.url(path)}: {error}".rstrip(".")
            damaged = SourceNotAsked(sentence, None)
            if usable is None:
                self.failure = damaged
            packed, value = None, self._instead(damaged, usable)
        if packed is None and usable is not None and kept is not None:
            packed, value = kept.packed, usable
        self._cache.write(name, packed, self._now)
        return value

    def _instead(self, error: SourceNotAsked, usable: T | None, *, is_told: bool = False) -> T:
        """What was delivered before, where that can be used; says so."""
        if usable is None:
            raise error
        if not is_told:
            self.warnings.append(f"{error}: what it delivered before is used.")
        return usable

    def _usable(self, name: str, kept: Kept | None, read: Callable[[bytes], T]) -> T | None:
        """What is on the disk; a file that was damaged there is gone."""
        if kept is None or kept.packed is None:
            return None
        try:
            return read(kept.packed)
        except BadInput:
            self._cache.drop(name)
            return None

    def _ask(self, path: str, name: str, pace: Pace | None, attempts: int) -> bytes | None:
        """The file; None where the server has none."""
        if self.failure is not None:
            raise self.failure
        self.asked.add(name)
        try:
            return self._web.fetch(path, pace, attempts=attempts)
        except NotDelivered as error:
            if self._lacks_none:
                raise SourceNotAsked(str(error), None) from error
            return None
        except SourceNotAsked:
            raise
        except SourceUnavailable as error:
            raise SourceNotAsked(str(error).rstrip("."), None) from error


def is_due(kept: Kept, day: dt.date, now: dt.datetime, calendar: Calendar) -> bool:
    """Whether a file that was asked for before is asked for again at ``now``, an aware time.

    Args:
        kept: What the server answered.
        day: The last session that the file tells of, which has closed.
        now: An aware time.
        calendar: Of the exchange.
    """
    closed, closed_then = calendar.last_closed(now), calendar.last_closed(kept.asked_at)
    if closed_then > day and calendar.count(day, closed_then) >= SETTLED:
        return False
    return closed_then < closed or (kept.packed is None and day >= closed)
