"""Deliver synthetic prices of DEMO.NS, with the defects that real files have.

Daily bars since 2014-01-01, hourly bars since 2024-01-01. A bar depends on its date alone, not on
the range that is fetched. Hourly bars add up to the daily bar exactly. The daily bars contain these
defects, all before the first hourly bar:

==========  =================================================================================
2016-05-18  delivered twice with the same values (the first is in ``rejected``)
2017-03-15  impossible: high and low are exchanged
2018-10-02  phantom bar on a holiday: flat at the previous close, no volume
2019-07-17  a session with every value null
2020-09-16  a session that is flat at the previous close, no volume
2021-08-11  delivered twice, the first time with another close (the first is in ``rejected``)
2022-11-16  delivered before 2022-11-15
==========  =================================================================================
"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

import polars as pl

from src.core.errors import UsageError
from src.core.tables import OHLCV
from src.data.sources.delivery import KEY_COLUMNS, SAMPLE_TICKER, Delivery, Kind
from src.data.sources.duplicates import content_hash, keep_last
from src.data.sources.sample.market import TICKS, Bar, daily_bars, hourly_bars

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar

FIRST_DAILY, FIRST_HOURLY = dt.date(2014, 1, 1), dt.date(2024, 1, 1)
ONE_HOUR = dt.timedelta(hours=1)

TWICE_IDENTICAL = dt.date(2016, 5, 18)
IMPOSSIBLE = dt.date(2017, 3, 15)
PHANTOM = dt.date(2018, 10, 2)
ALL_NULL = dt.date(2019, 7, 17)
FLAT = dt.date(2020, 9, 16)
TWICE_CONFLICTING = dt.date(2021, 8, 11)
TOO_EARLY = dt.date(2022, 11, 16)

Row = tuple[Any, ...]  # date or ts, open, high, low, close, volume


class SampleSource:
    """Prices of DEMO.NS for the sessions of ``calendar`` up to ``until``."""

    name = "sample"

    def __init__(self, *, calendar: Calendar, until: dt.date, now: dt.datetime) -> None:
        self._calendar, self._until, self._now = calendar, until, now

    def fetch(
        self, kind: Kind, ticker: str, since: dt.date | None, until: dt.date | None
    ) -> list[Delivery]:
        """Daily bars, defects included, or seven hourly ones of an ordinary session."""
        if ticker != SAMPLE_TICKER:
            raise UsageError(
                f"The sample source has no prices of {ticker}, only synthetic ones of "
                f"{SAMPLE_TICKER}: use --ticker {SAMPLE_TICKER} or another --source."
            )
        last = min(self._until, until or self._until)
        if kind == "hourly":
            days = self._true_bars(max(FIRST_HOURLY, since or FIRST_HOURLY), last)
            rows = [row for day, bar in days for row in self._hours(day, bar)]
        else:
            true_rows = [_row(day, bar) for day, bar in self._true_bars(FIRST_DAILY, last)]
            delivered = _with_defects(true_rows, last)
            rows = [row for row in delivered if since is None or row[0] >= since]
        return self._deliveries(kind, rows)

    def _true_bars(self, first: dt.date, last: dt.date) -> list[tuple[dt.date, Bar]]:
        if first > last:
            return []
        bars = daily_bars(FIRST_DAILY, last)
        return [(day, bars[day]) for day in self._calendar.sessions(first, last)]

    def _hours(self, day: dt.date, bar: Bar) -> list[Row]:
        hours = self._calendar.hours(day)
        count = math.ceil((hours.closes - hours.opens) / ONE_HOUR)
        parts = hourly_bars(day, bar, count)
        return [_row(hours.opens + hour * ONE_HOUR, part) for hour, part in enumerate(parts)]

    def _deliveries(self, kind: Kind, rows: list[Row]) -> list[Delivery]:
        if not rows:
            return []
        frame, rejected = keep_last(_frame(kind, rows), KEY_COLUMNS[kind])
        return [
            Delivery(
                ticker=SAMPLE_TICKER,
                kind=kind,
                vendor=self.name,
                layout="sample",
                price_basis="split",
                frame=frame,
                rejected=rejected,
                content_hash=content_hash(SAMPLE_TICKER, kind, frame),
                fetched_at=self._now,
                origin="synthetic",
            )
        ]


def _row(key: dt.date | dt.datetime, bar: Bar) -> Row:
    prices = (price / TICKS for price in (bar.open, bar.high, bar.low, bar.close))
    return (key, *prices, float(bar.volume))


def _with_defects(rows: list[Row], last: dt.date) -> list[Row]:
    """The rows in the order of delivery; ``rows`` are true, one per session, by date."""
    delivered: list[Row] = []
    previous_close = math.nan
    for row in rows:
        if delivered and delivered[-1][0] < PHANTOM < row[0]:
            delivered.append(_flat(PHANTOM, previous_close))
        delivered += _as_delivered(row, previous_close)
        previous_close = row[4]
    if delivered[-1:] and delivered[-1][0] < PHANTOM <= last:
        delivered.append(_flat(PHANTOM, previous_close))
    _exchange_two(delivered)
    return delivered


def _exchange_two(delivered: list[Row]) -> None:
    for place in range(1, len(delivered)):
        if delivered[place][0] == TOO_EARLY:
            delivered[place - 1 : place + 1] = delivered[place], delivered[place - 1]


def _as_delivered(row: Row, previous_close: float) -> list[Row]:
    day, opened, high, low, close, volume = row
    if day == IMPOSSIBLE:
        return [(day, opened, low, high, close, volume)]
    if day == ALL_NULL:
        return [(day, None, None, None, None, None)]
    if day == FLAT:
        return [_flat(day, previous_close)]
    if day == TWICE_IDENTICAL:
        return [row, row]
    if day == TWICE_CONFLICTING:
        return [(day, opened, high, low, opened, volume), row]
    return [row]


def _flat(day: dt.date, price: float) -> Row:
    return (day, price, price, price, price, 0.0)


def _frame(kind: Kind, rows: list[Row]) -> pl.DataFrame:
    key_type = pl.Date() if kind == "daily" else pl.Datetime("us", "UTC")
    schema = {KEY_COLUMNS[kind]: key_type, **dict.fromkeys(OHLCV, pl.Float64())}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    if kind == "daily":
        frame = frame.with_columns(adj_close="close")
    numbered = frame.with_row_index("line", 1)
    return numbered.cast({"line": pl.Int64})
