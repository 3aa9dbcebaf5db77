"""Fetch a ticker's bars from Yahoo, as Yahoo delivers them.

Close is adjusted for splits, ``adj_close`` also for dividends. A request is attempted up to
``attempts`` times, and never for longer than ``attempts * timeout`` and the pauses in between; the
error then says why in one sentence.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import time
from http import HTTPStatus
from http.client import responses
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from src.core.errors import BadInput, SourceNotAsked, SourceUnavailable
from src.data.sources.delivery import Delivery, Kind
from src.data.sources.pace import REFUSALS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import polars as pl

    from src.data.sources.pace import Pace
    from src.data.sources.yahoo.transport import Client

log = logging.getLogger(__name__)
YAHOO = "https://query2.finance.yahoo.com"
INTERVALS: dict[Kind, str] = {"daily": "1d", "hourly": "1h"}
HOURLY_HISTORY = dt.timedelta(days=730)
ONE_DAY = dt.timedelta(days=1)
# In seconds; each pause between two attempts is twice the one before.
FIRST_PAUSE = 0.5
# After so many tickers without any answer the others are not asked for by the same run.
MOST_UNANSWERED = 3
ADVICE = "try again later, or read the prices from a file"


class YahooSource:
    """Prices from Yahoo, or from another server at ``base_url`` that answers like Yahoo.

    yfinance's cookies are kept in ``cache_dir``, or in memory where it is None or read-only. For
    use by one thread.

    Attributes:
        pace: Asked for the turn of each request, where there is one.
    """

    name, title = "yahoo", "Yahoo"

    def __init__(
        self,
        *,
        now: dt.datetime,
        base_url: str | None = None,
        timeout: float = 10,
        attempts: int = 3,
        cache_dir: Path | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._now, self._base_url, self._cache_dir = now, base_url, cache_dir
        self._timeout, self._attempts, self._sleep = timeout, attempts, sleep
        self._client: Client | None = None
        self._unanswered = 0
        self.pace: Pace | None = None

    def fetch(
        self, kind: Kind, ticker: str, since: dt.date | None, until: dt.date | None
    ) -> list[Delivery]:
        """Bars by the exchange's own dates; a bar of a session under way is among them.

        Hourly bars are of the last 730 days at most: Yahoo keeps no more.
        """
        if kind == "daily":
            return self._fetch(ticker, "daily", since or dt.date(1970, 1, 1), until)
        # One day is lost to the margin of _request_chart, another to the hours of the first day.
        first = (self._now - HOURLY_HISTORY).date() + 2 * ONE_DAY
        if until is not None and until < first:
            raise SourceUnavailable(
                f"Yahoo keeps hourly bars for {HOURLY_HISTORY.days} days only, so it has none of "
                f"{ticker} before {first}: read older ones from a file"
            )
        if since is None or since >= first:
            return self._fetch(ticker, "hourly", since or first, until)
        note = (
            f"Yahoo keeps hourly bars for {HOURLY_HISTORY.days} days only: "
            f"requested from {since}, fetched from {first}"
        )
        return self._fetch(ticker, "hourly", first, until, note)

    def _fetch(
        self, ticker: str, kind: Kind, since: dt.date, until: dt.date | None, *notes: str
    ) -> list[Delivery]:
        from src.data.sources.duplicates import content_hash
        from src.data.sources.yahoo import chart as yahoo_chart

        # In UTC: no exchange is later than that.
        tomorrow = self._now.astimezone(dt.UTC).date() + ONE_DAY
        last = until or tomorrow
        if since > last:
            return []
        # Dividends are divided by every later split: these are needed up to now.
        reach = max(last, tomorrow) if kind == "daily" else last
        try:
            result = self._request_chart(ticker, kind, since, reach)
            frame, rejected = yahoo_chart.bars(result, kind, since, last)
        except yahoo_chart.InvalidChart as error:
            raise _invalid(ticker, error) from error
        if frame.is_empty():
            raise SourceUnavailable(
                f"Yahoo knows {ticker} but has no {kind} prices between {since} and {last}"
            )
        actions = None
        if kind == "daily":
            actions, problems = _actions(ticker, result, since, reach)
            notes = (*notes, *problems)
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
                origin=(self._base_url or YAHOO).rstrip("/") + _path(ticker),
                notes=notes,
                actions=actions,
            )
        ]

    def _request_chart(
        self, ticker: str, kind: Kind, since: dt.date, until: dt.date
    ) -> dict[str, Any]:
        """The chart of a range a day wider at both ends, as only the answer states the zone."""
        params = {
            "period1": str(max(0, _midnight(since - ONE_DAY))),
            "period2": str(_midnight(until + 2 * ONE_DAY)),
            "interval": INTERVALS[kind],
            "includePrePost": "false",
            "events": "div,splits,capitalGains",
        }
        if self._unanswered >= MOST_UNANSWERED:
            raise SourceNotAsked(
                f"Yahoo has not answered for {MOST_UNANSWERED} tickers one after another", None
            )
        cause = ""
        for number in range(1, self._attempts + 1):
            if number > 1:
                self._sleep(FIRST_PAUSE * 2 ** (number - 2))
            answer, cause = self._get_chart(ticker, params)
            if answer is not None:
                return _result(ticker, answer)
            log.debug("Attempt %d of %d for %s failed: %s", number, self._attempts, ticker, cause)
        self._unanswered += 1
        raise SourceUnavailable(
            f"Yahoo did not answer for {ticker} in {self._attempts} attempts ({cause}): {ADVICE}"
        )

    def _get_chart(self, ticker: str, params: dict[str, str]) -> tuple[dict[str, Any] | None, str]:
        """The chart, or None and why there is none; raises where another attempt cannot help."""
        from src.data.sources.yahoo.transport import Client, NoAnswer

        self._client = self._client or Client(self._base_url, self._timeout, self._cache_dir)
        if self.pace:
            self.pace.take_turn()
        try:
            answer = self._client.get(f"{YAHOO}{_path(ticker)}", params)
        except NoAnswer as error:
            if self.pace:
                self.pace.note_silence()
            return None, str(error)
        if self.pace:
            self.pace.note(answer.status, retry_after=answer.retry_after, sent=answer.sent)
        self._unanswered = 0
        chart = _chart(answer.text)
        _raise_if_final(ticker, answer.status, chart)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            return None, f"HTTP {answer.status} {responses.get(answer.status, '')}".strip()
        return chart, "the answer is not a chart"


def _path(ticker: str) -> str:
    return f"/v8/finance/chart/{quote(ticker, safe='')}"


def _midnight(day: dt.date) -> int:
    return int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp())


def _chart(body: str) -> dict[str, Any] | None:
    """The value of ``chart``; None for a proxy's page, half an answer or another service."""
    try:
        chart = json.loads(body)["chart"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return chart if isinstance(chart, dict) else None


def _raise_if_final(ticker: str, status: int, chart: dict[str, Any] | None) -> None:
    stated = (chart or {}).get("error")
    error = stated if isinstance(stated, dict) else {}
    reason = " ".join(str(error.get("description") or "").split())
    if status == HTTPStatus.NOT_FOUND or error.get("code") == "Not Found":
        raise BadInput(
            f"Yahoo does not know the ticker {ticker} ({reason or f'HTTP {status}'}): "
            "NSE tickers are written like TCS.NS, M&M.NS or BAJAJ-AUTO.NS"
        )
    final = (HTTPStatus.OK, HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)
    if status in REFUSALS:
        cause = f"HTTP {status} {responses.get(status, '')}".strip()
        raise SourceUnavailable(f"Yahoo refuses requests ({cause}): {ADVICE}")
    if reason and status in final:
        raise SourceUnavailable(f"Yahoo returned no prices for {ticker}: {reason}")


def _result(ticker: str, chart: dict[str, Any]) -> dict[str, Any]:
    results = chart.get("result")
    if not results:
        raise SourceUnavailable(f"Yahoo returned an empty answer for {ticker}: {ADVICE}")
    try:
        result: dict[str, Any] = results[0]
        symbol = str(result["meta"]["symbol"])
    except (LookupError, TypeError) as error:
        raise _invalid(ticker, error) from error
    if symbol.upper() != ticker.upper():
        raise BadInput(f"Yahoo returned {symbol} instead of {ticker}: nothing was stored")
    return result


def _actions(
    ticker: str, result: dict[str, Any], since: dt.date, until: dt.date
) -> tuple[pl.DataFrame | None, tuple[str, ...]]:
    """The actions of an answer, or None and why: the bars are useful without them."""
    from src.data.sources.yahoo import chart as yahoo_chart

    try:
        return yahoo_chart.actions(result, since, until), ()
    except yahoo_chart.InvalidChart as error:
        return None, (f"Yahoo's splits and dividends of {ticker} cannot be read ({error})",)


def _invalid(ticker: str, error: Exception) -> SourceUnavailable:
    return SourceUnavailable(f"Yahoo's answer for {ticker} cannot be read ({error}): {ADVICE}")
