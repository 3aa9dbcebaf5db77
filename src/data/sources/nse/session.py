"""Read NSE's file of one session, and take out of it what a ticker needs."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import polars as pl

from src.core.calendars.calendar import OutsideCalendar
from src.core.errors import BadInput
from src.core.tables import DAILY_VALUES, OHLCV
from src.data.sources.files.parse import parse_rows
from src.data.sources.files.parse_file import ParsedFile, tables_of
from src.data.sources.files.reader import unpack

if TYPE_CHECKING:
    from collections.abc import Collection

    from src.data.sources.files.parse import ParseOptions
    from src.data.sources.files.rows.by_ticker import ParsedGrid

SUFFIX = ".NS"
# Of rows that are another security of the same symbol, which say nothing of the share's day.
OTHER_SERIES = "other_series"
Spans = Mapping[str, tuple[int, int]]
# Prices and volume of a ticker, by session.
Bars = Mapping[dt.date, tuple[float | None, ...]]


@dataclass(frozen=True)
class Session:
    """NSE's file of one session.

    Attributes:
        day: The session.
        url: Where the file was.
        layout: How it is arranged.
        digest: SHA-256 of its bytes.
        rows: ``ticker``, and columns as of ``Delivery.frame``, in the order of tickers.
        values: Of the same rows prices and volume alone.
        rejected: ``ticker``, and columns as of ``Delivery.rejected``, likewise.
        spans: Where in ``rows`` a ticker's begin, and how many they are.
        rejected_spans: Likewise in ``rejected``.
    """

    day: dt.date
    url: str
    layout: str
    digest: str
    rows: pl.DataFrame
    values: pl.DataFrame
    rejected: pl.DataFrame
    spans: Spans
    rejected_spans: Spans

    def rows_of(self, ticker: str) -> pl.DataFrame:
        """The ticker's bar, or no row."""
        return self.rows.slice(*self.spans.get(ticker, (0, 0)))

    def rejected_of(self, ticker: str) -> pl.DataFrame:
        """The ticker's rows that are no bar of it."""
        return self.rejected.slice(*self.rejected_spans.get(ticker, (0, 0)))

    def adds_to(self, ticker: str, known: Bars) -> bool:
        """Whether it has of a ticker what differs from the bars that are known.

        Rows of other securities alone, such as bonds of its symbol, are nothing of the ticker.
        """
        if ticker in self.spans:
            return self.values.row(self.spans[ticker][0]) != known.get(self.day)
        if ticker not in self.rejected_spans or self.day in known:
            return False
        return bool((self.rejected_of(ticker)["rule"] != OTHER_SERIES).any())


def known_bars(stored: pl.DataFrame) -> Bars:
    """The bars of a ticker by session; ``stored`` has ``date``, prices and volume."""
    return {day: tuple(values) for day, *values in stored.select("date", *OHLCV).iter_rows()}


def read_session(
    packed: bytes,
    url: str,
    day: dt.date,
    options: ParseOptions,
    tickers: Collection[str] | None,
) -> Session:
    """What a session's file has of some tickers, or of all.

    Raises:
        BadInput: It cannot be read, or is of another day or exchange; begins after the address.
    """
    parsed = _parse(packed, Path(urlsplit(url).path), options)
    _check(parsed, day)
    rows = _of(parsed.filtered.rows, tickers).select(
        "ticker", "line", pl.col("key").cast(pl.Date).alias("date"), *DAILY_VALUES
    )
    rejected = _of(parsed.filtered.rejected, tickers).select(
        "ticker", "line", "at", "rule", "reason", "row"
    )
    digest = hashlib.sha256(packed).hexdigest()
    name = parsed.layout.name
    spans = _spans(rows), _spans(rejected)
    return Session(day, url, name, digest, rows, rows.select(OHLCV), rejected, *spans)


def _parse(packed: bytes, path: Path, options: ParseOptions) -> ParsedGrid:
    """The one table of a file, which may be in a zip archive."""
    noted = ParsedFile()
    grids = [grid for grid, _ in tables_of(unpack(packed), path, noted)]
    if noted.failures:
        raise noted.failures[0]
    if len(grids) != 1:
        raise BadInput(f"it has {len(grids)} tables.")
    try:
        parsed = parse_rows(grids[0], options, explicit=True)
    except (OutsideCalendar, pl.exceptions.PolarsError) as error:
        raise BadInput(str(error)) from error
    if parsed is None or parsed.filtered.rows.is_empty():
        raise BadInput("it has no price of any share.")
    return parsed


def _check(parsed: ParsedGrid, day: dt.date) -> None:
    rows = parsed.filtered.rows
    if parsed.layout.vendor != "nse" or not rows["ticker"].str.ends_with(SUFFIX).all():
        raise BadInput("it has prices of another exchange.")
    if parsed.filtered.kind != "daily" or not (rows["key"].cast(pl.Date) == day).all():
        raise BadInput(f"it has prices of another day than {day}.")


def _of(rows: pl.DataFrame, tickers: Collection[str] | None) -> pl.DataFrame:
    rows = rows.drop_nulls("ticker")
    if tickers is not None:
        rows = rows.filter(pl.col("ticker").is_in(list(tickers)))
    return rows.sort("ticker", maintain_order=True)


def _spans(rows: pl.DataFrame) -> Spans:
    """Where the rows of each ticker begin, and how many there are."""
    lengths = rows.group_by("ticker", maintain_order=True).len()
    starts = lengths["len"].cum_sum() - lengths["len"]
    return dict(zip(lengths["ticker"], zip(starts, lengths["len"], strict=True), strict=True))
