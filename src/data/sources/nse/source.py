"""Fetch sessions of the whole market from NSE, one file and one request a session.

NSE's prices are unadjusted, and the files state no splits and no dividends.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from src.core.errors import BadInput, SourceNotAsked, SourceUnavailable
from src.data.sources.delivery import Delivery
from src.data.sources.files.parse import ParseOptions
from src.data.sources.files.parse_file import parse_file
from src.data.sources.files.reader import PriceFile
from src.data.sources.nse.archive import Archive, NotDelivered

if TYPE_CHECKING:
    from collections.abc import Collection

    from src.core.calendars.calendar import Calendar
    from src.data.sources.delivery import Kind
    from src.data.sources.files.parse import TickerRows
    from src.data.sources.pace import Pace

SUFFIX = ".NS"
# Enough for any outage. A ticker that is further behind is brought by Yahoo or a file: a share that
# no longer trades would have the files of all sessions since asked for in every run.
MOST_SESSIONS = 15


class NseSource:
    """NSE's daily files, each read once. For use by one thread.

    Of each file what it has of ``tickers`` is kept in memory; of all, where these are None.

    Attributes:
        pace: Asked for the turn of each request, where there is one.
    """

    name, title = "nse", "NSE"

    def __init__(
        self,
        *,
        calendar: Calendar,
        now: dt.datetime,
        archive: Archive,
        tickers: Collection[str] | None = None,
    ) -> None:
        self._calendar, self._now, self._archive = calendar, now, archive
        self._tickers = None if tickers is None else frozenset(tickers)
        self._sessions: dict[dt.date, dict[str, Delivery]] = {}
        self._failure: SourceNotAsked | None = None
        self._undelivered: list[dt.date] = []
        self.pace: Pace | None = None

    def fetch(
        self, kind: Kind, ticker: str, since: dt.date | None, until: dt.date | None
    ) -> list[Delivery]:
        """Daily bars of the sessions from ``since`` on, one delivery each; no hourly ones.

        A session that is not delivered yet is left out, see ``take_undelivered``.
        """
        if kind == "hourly":
            return []
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
                f"{ticker} is {len(days)} sessions behind, and NSE's daily files are asked for "
                f"{MOST_SESSIONS} at most: bring it up to date by --source yahoo or from a file"
            )
        delivered = (self._session(day).get(ticker) for day in days)
        return [delivery for delivery in delivered if delivery is not None]

    def take_undelivered(self) -> list[str]:
        """A sentence for each session that was asked for and is not there, told once."""
        days, self._undelivered = self._undelivered, []
        return [
            f"NSE has not delivered its file of {day} yet: the next run asks for it again."
            for day in days
        ]

    def _session(self, day: dt.date) -> dict[str, Delivery]:
        """The deliveries of a session by ticker; after a failure nothing more is asked for."""
        if day not in self._sessions:
            if self._failure is not None:
                raise self._failure
            try:
                self._sessions[day] = self._read(day)
            except NotDelivered:
                self._sessions[day] = {}
                self._undelivered.append(day)
            except SourceNotAsked as error:
                self._failure = error
                raise
            except (SourceUnavailable, BadInput) as error:
                self._failure = SourceNotAsked(str(error).rstrip("."), None)
                raise self._failure from error
        return self._sessions[day]

    def _read(self, day: dt.date) -> dict[str, Delivery]:
        url = self._archive.url(day)
        content = self._archive.fetch(url, self.pace)
        file = PriceFile(Path(urlsplit(url).path), explicit=True)
        options = ParseOptions(self._calendar, None, SUFFIX, self._now.year + 1)
        parsed = parse_file(content, file, options)
        if parsed.failures:
            raise BadInput(f"{url}: {parsed.failures[0]}")
        parts = [part for _, part in parsed.parts]
        wrong = next((part for part in parts if not (part.frame["date"] == day).all()), None)
        if wrong is not None:
            raise BadInput(f"{url}: it has prices of another day than {day}")
        digest = hashlib.sha256(content.packed).hexdigest()
        wanted = [each for each in parts if self._tickers is None or each.ticker in self._tickers]
        return {part.ticker: self._delivery(part, url, digest) for part in wanted}

    def _delivery(self, rows: TickerRows, url: str, digest: str) -> Delivery:
        return Delivery(
            ticker=rows.ticker,
            kind=rows.kind,
            vendor=self.name,
            layout=rows.layout,
            price_basis="unadjusted",
            frame=rows.frame,
            rejected=rows.rejected,
            content_hash=hashlib.sha256(f"{digest}\n{rows.ticker}".encode()).hexdigest(),
            fetched_at=self._now,
            fetched_at_stated=True,
            origin=url,
        )
