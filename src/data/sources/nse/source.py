"""Bring sessions of the whole market from NSE, one file and one request a session.

NSE's prices are unadjusted.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import polars as pl

from src.core.errors import SourceUnavailable
from src.core.identities import Identities
from src.data.sources.delivery import Delivery
from src.data.sources.files.parse import ParseOptions
from src.data.sources.nse.actions import Actions, website
from src.data.sources.nse.archive import ARCHIVE, session_path
from src.data.sources.nse.downloads import SETTLED, Downloads, kept_from
from src.data.sources.nse.session import SUFFIX, Session, known_bars, read_session
from src.data.sources.nse.web import Web

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from src.config.settings import Settings
    from src.core.calendars.calendar import Calendar
    from src.data.sources.delivery import Kind
    from src.data.sources.nse.actions import Record
    from src.data.sources.nse.cache import Cache
    from src.data.sources.pace import Pace

# A year. At NSE's pace that is 21 minutes of requests, once: what came is on the disk.
MOST_SESSIONS = 250
NOTHING_STORED = pl.DataFrame(
    schema={"date": pl.Date} | dict.fromkeys(("open", "high", "low", "close", "volume"), pl.Float64)
)


def open_nse(
    settings: Settings,
    *,
    calendar: Calendar,
    now: dt.datetime,
    tickers: Collection[str] | None,
) -> NseSource:
    """NSE's files and actions, kept in ``var/nse``; ``tickers`` are those of a run of many."""
    archive, site = Web(settings.nse_url, ARCHIVE), website(settings)
    listed = Downloads(site, kept_from(site, settings), calendar, now, lacks_none=True)
    return NseSource(
        calendar=calendar,
        now=now,
        archive=archive,
        cache=kept_from(archive, settings),
        actions=Actions(listed, calendar, now),
        tickers=tickers,
    )


class NseSource:
    """NSE's daily files, each read once. For use by one thread.

    Of each file what it has of ``tickers`` is kept in memory; of all, where these are None.

    Attributes:
        pace: Asked for the turn of each request, where there is one.
        identities: Whose the rows under changed symbols are.
    """

    name, title = "nse", "NSE"

    def __init__(
        self,
        *,
        calendar: Calendar,
        now: dt.datetime,
        archive: Web,
        cache: Cache,
        actions: Actions | None = None,
        tickers: Collection[str] | None = None,
    ) -> None:
        self._calendar, self._now, self._cache = calendar, now, cache
        self._archive, self._actions = archive, actions
        self._downloads = Downloads(archive, cache, calendar, now)
        self._tickers = None if tickers is None else frozenset(tickers)
        self._sessions: dict[dt.date, Session | None] = {}
        self._undelivered: list[dt.date] = []
        self.pace: Pace | None = None
        self.identities = Identities()

    def fetch(
        self, kind: Kind, ticker: str, since: dt.date | None, until: dt.date | None
    ) -> list[Delivery]:
        """Daily bars of the sessions from ``since`` on, in one delivery; no hourly ones.

        A session that is not delivered yet is left out, see ``take_warnings``.
        """
        return [] if kind == "hourly" else self.fetch_new(ticker, since, until, NOTHING_STORED)

    def fetch_new(
        self, ticker: str, since: dt.date | None, until: dt.date | None, stored: pl.DataFrame
    ) -> list[Delivery]:
        """Daily bars of the sessions from ``since`` on that differ from those that are stored.

        Args:
            ticker: A share of NSE.
            since: The first session.
            until: The last one; None for the newest.
            stored: Bars of the ticker that NSE delivered before: ``date``, prices and volume.

        Raises:
            SourceUnavailable: These are not in NSE's files, or more than ``MOST_SESSIONS``.
            SourceNotAsked: NSE does not deliver, or may not be asked now.
        """
        known = known_bars(stored)
        sessions = map(self._session, self._days(ticker, since, until))
        news = [each for each in sessions if each is not None and each.adds_to(ticker, known)]
        return [self._delivery(ticker, news)] if news else []

    def _days(self, ticker: str, since: dt.date | None, until: dt.date | None) -> list[dt.date]:
        if not ticker.endswith(SUFFIX):
            raise SourceUnavailable(f"NSE's daily files do not have {ticker}: use --source yahoo")
        if since is None:
            raise SourceUnavailable(
                f"NSE's daily files only continue what is stored, and of {ticker} there is "
                "nothing: bring in its past by --source yahoo or from a file"
            )
        closed = self._calendar.last_closed(self._now)
        days = self._calendar.sessions(since, closed if until is None else min(closed, until))
        if len(days) > MOST_SESSIONS:
            raise SourceUnavailable(
                f"NSE's daily files would be asked for {len(days)} sessions of {ticker} since "
                f"{since}, and are asked for {MOST_SESSIONS} at most: bring these in by --source "
                "yahoo or from a file"
            )
        return days

    def take_warnings(self) -> list[str]:
        """Sentences about what was asked for and not had, each told once."""
        days, self._undelivered = self._undelivered, []
        sentences, self._downloads.warnings = self._downloads.warnings, []
        if self._actions is not None:
            sentences += self._actions.take_warnings()
        if self._cache.problem is not None:
            sentences.append(f"{self._cache.problem}: each run asks for them again.")
            self._cache.problem = None
        return [*map(self._undelivered_sentence, days), *sentences]

    def _undelivered_sentence(self, day: dt.date) -> str:
        later = self._calendar.count(day, self._calendar.last_closed(self._now))
        if later >= SETTLED:
            return (
                f"NSE has no file of {day}, {later} sessions later, and is asked for it no more: "
                "bring in that session by --source yahoo or from a file."
            )
        return f"NSE has not delivered its file of {day} yet: the next run asks for it again."

    def _session(self, day: dt.date) -> Session | None:
        """The session's file; None where NSE has none."""
        if day not in self._sessions:
            path = session_path(day)
            name = path.rpartition("/")[2]
            self._sessions[day] = self._downloads.get(
                path, name, day, lambda packed: self._read(packed, path, day), pace=self.pace
            )
            if self._sessions[day] is None and name in self._downloads.asked:
                self._undelivered.append(day)
        return self._sessions[day]

    def _read(self, packed: bytes, path: str, day: dt.date) -> Session:
        options = ParseOptions(
            self._calendar, None, SUFFIX, self._now.year + 1, self._now, identities=self.identities
        )
        return read_session(packed, self._archive.url(path), day, options, self._tickers)

    def _delivery(self, ticker: str, sessions: Sequence[Session]) -> Delivery:
        """What the files of some sessions have of a ticker."""
        digests = "\n".join(session.digest for session in sessions)
        return Delivery(
            ticker=ticker,
            kind="daily",
            vendor=self.name,
            layout=sessions[-1].layout,
            price_basis="unadjusted",
            frame=pl.concat([each.rows_of(ticker) for each in sessions]).drop("ticker"),
            rejected=pl.concat([each.rejected_of(ticker) for each in sessions]).drop("ticker"),
            content_hash=hashlib.sha256(f"{digests}\n{ticker}".encode()).hexdigest(),
            fetched_at=self._now,
            fetched_at_stated=True,
            origin=_origin(sessions),
            listed=self._listed(ticker, sessions[0].day, sessions[-1].day),
        )

    def _listed(self, ticker: str, first: dt.date, last: dt.date) -> tuple[Record, ...]:
        """The actions of these days and some before; where they cannot be had there are none."""
        if self._actions is None:
            return ()
        symbols = [each.removesuffix(SUFFIX) for each in self.identities.symbols_of([ticker])]
        return tuple(self._actions.of(symbols, first, last, self.pace))


def _origin(sessions: Sequence[Session]) -> str:
    """The address of the first file, and the name of the last one."""
    if len(sessions) == 1:
        return sessions[0].url
    last = urlsplit(sessions[-1].url).path.rpartition("/")[2]
    return f"{sessions[0].url} to {last} ({len(sessions)} files)"
