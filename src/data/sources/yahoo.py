"""A ticker and two dates in; Yahoo's bars out, as Yahoo gives them.

Close is adjusted for splits, ``adj_close`` also for dividends. What Yahoo does not answer is
asked again, up to ``retries`` times and never for longer than ``retries * timeout`` and the pauses
between; then one sentence says why.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from src.core.errors import BadInput, SourceUnavailable
from src.data.sources.base import Delivery, Kind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import polars as pl

    from src.data.sources.yahoo_transport import Client

log = logging.getLogger(__name__)
YAHOO = "https://query2.finance.yahoo.com"
INTERVALS: dict[Kind, str] = {"daily": "1d", "hourly": "1h"}
HOURLY_REACH = dt.timedelta(days=730)
ONE_DAY = dt.timedelta(days=1)
ADVICE = "try again later, or read the prices from a file"


class YahooSource:
    """Prices from Yahoo; ``base_url`` names another server that answers in Yahoo's place.

    yfinance's cookies are kept in ``cache_dir``, or in memory where it is None or read-only. An
    instance serves one thread.
    """

    name = "yahoo"

    def __init__(  # noqa: PLR0913 - each is a limit or a part that a test replaces
        self,
        *,
        now: dt.datetime,
        base_url: str | None = None,
        timeout: float = 10,
        retries: int = 3,
        backoff: float = 0.5,
        cache_dir: Path | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._now, self._base_url, self._cache_dir = now, base_url, cache_dir
        self._timeout, self._retries, self._backoff = timeout, retries, backoff
        self._sleep = sleep
        self._client: Client | None = None

    def fetch_daily(
        self, ticker: str, since: dt.date | None, until: dt.date | None
    ) -> list[Delivery]:
        return self._fetch(ticker, "daily", since or dt.date(1970, 1, 1), until)

    def fetch_hourly(
        self, ticker: str, since: dt.date | None, until: dt.date | None
    ) -> list[Delivery]:
        """Hourly bars of the last 730 days at most: Yahoo keeps no more."""
        # one day is lost to the margin that _ask takes, another to the hours of the first day
        first = (self._now - HOURLY_REACH).date() + 2 * ONE_DAY
        if until is not None and until < first:
            raise SourceUnavailable(
                f"Yahoo keeps hourly bars for {HOURLY_REACH.days} days only, so none of {ticker} "
                f"before {first}: read the older ones from a file"
            )
        if since is None or since >= first:
            return self._fetch(ticker, "hourly", since or first, until)
        note = (
            f"Yahoo keeps hourly bars for {HOURLY_REACH.days} days only: "
            f"asked since {since}, fetched since {first}"
        )
        return self._fetch(ticker, "hourly", first, until, note)

    def fetch_actions(
        self, ticker: str, since: dt.date | None, until: dt.date | None
    ) -> pl.DataFrame:
        """Splits and dividends as Yahoo states them: ``date, kind, ratio, amount``."""
        from src.data.sources import yahoo_chart

        first, last = since or dt.date(1970, 1, 1), until or self._tomorrow()
        result = self._ask(ticker, "daily", first, last)
        try:
            return yahoo_chart.actions(result, first, last)
        except yahoo_chart.UnreadableAnswer as error:
            raise _unreadable(ticker, error) from error

    def _fetch(
        self, ticker: str, kind: Kind, since: dt.date, until: dt.date | None, *notes: str
    ) -> list[Delivery]:
        from src.data.sources import yahoo_chart
        from src.data.sources.keyed import content_hash

        last = until or self._tomorrow()
        if since > last:
            return []
        try:
            result = self._ask(ticker, kind, since, last)
            frame, rejected = yahoo_chart.bars(result, kind, since, last)
        except yahoo_chart.UnreadableAnswer as error:
            raise _unreadable(ticker, error) from error
        if frame.is_empty():
            raise SourceUnavailable(
                f"Yahoo knows {ticker} but gave no {kind} prices between {since} and {last}"
            )
        return [
            Delivery(
                ticker=ticker,
                kind=kind,
                vendor=self.name,
                layout="yahoo_api",
                price_basis="split",
                frame=frame,
                rejected=rejected,
                content_hash=content_hash(ticker, kind, frame),
                fetched_at=self._now,
                fetched_at_stated=True,
                origin=self._address(ticker),
                notes=notes,
            )
        ]

    def _tomorrow(self) -> dt.date:
        """In UTC: on no exchange is it later than that."""
        return self._now.astimezone(dt.UTC).date() + ONE_DAY

    def _address(self, ticker: str) -> str:
        server = (self._base_url or YAHOO).rstrip("/")
        return f"{server}/v8/finance/chart/{quote(ticker, safe='')}"

    def _ask(self, ticker: str, kind: Kind, since: dt.date, until: dt.date) -> dict[str, Any]:
        """The chart of a range that is a day wider at both ends: the zone is in the answer."""
        from src.data.sources.yahoo_transport import Client, NoAnswer

        self._client = self._client or Client(self._base_url, self._timeout, self._cache_dir)
        params = {
            "period1": str(max(0, _midnight(since - ONE_DAY))),
            "period2": str(_midnight(until + 2 * ONE_DAY)),
            "interval": INTERVALS[kind],
            "includePrePost": "false",
            "events": "div,splits,capitalGains",
        }
        cause = ""
        for attempt in range(self._retries):
            if attempt:
                self._sleep(self._backoff * 2 ** (attempt - 1))
            try:
                status, body = self._client.get(self._address(ticker), params)
            except NoAnswer as error:
                cause = str(error)
            else:
                answer = _json(body)
                _refuse_what_is_final(ticker, status, answer)
                if status < HTTPStatus.BAD_REQUEST and answer is not None:
                    return _result(ticker, answer)
                cause = _cause(status)
            log.debug("try %d of %d for %s: %s", attempt + 1, self._retries, ticker, cause)
        raise SourceUnavailable(
            f"Yahoo did not answer for {ticker}: {cause}, {self._retries} tries: {ADVICE}"
        )
