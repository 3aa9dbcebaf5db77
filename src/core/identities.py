"""Tell whose the prices and actions under a symbol are, where symbols were changed.

Everything is stored under the ticker that it came under. A company that changed its symbol left the
old one on a day: what came under it before that day is of the new one's ticker, what comes under it
from then on is of another company that took the symbol up again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Span:
    """Days on which a symbol was that of a ticker of today.

    Attributes:
        symbol: In the form of a ticker, such as ``INFOSYSTCH.NS``.
        since: The first day; None where it is not known.
        until: The day after the last one; None where there is none.
        ticker: Of today, after every later change.
    """

    symbol: str
    since: dt.date | None
    until: dt.date | None
    ticker: str

    def covers(self, day: dt.date) -> bool:
        """Whether a day is one of them."""
        return (self.since is None or day >= self.since) and (
            self.until is None or day < self.until
        )


@dataclass(frozen=True)
class Identities:
    """The spans of every symbol that was changed once; all other symbols are their own ticker."""

    spans: Sequence[Span] = ()
    _of_symbol: dict[str, list[Span]] = field(init=False, repr=False, compare=False)
    _of_ticker: dict[str, list[Span]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Arrange the spans by symbol and by ticker."""
        of_symbol: dict[str, list[Span]] = {}
        of_ticker: dict[str, list[Span]] = {}
        for span in self.spans:
            of_symbol.setdefault(span.symbol, []).append(span)
            of_ticker.setdefault(span.ticker, []).append(span)
        object.__setattr__(self, "_of_symbol", of_symbol)
        object.__setattr__(self, "_of_ticker", of_ticker)

    def resolve(self, ticker: str, day: dt.date) -> str:
        """The ticker of today of what came under a ticker on a day."""
        spans = self._of_symbol.get(ticker, ())
        return next((span.ticker for span in spans if span.covers(day)), ticker)

    def was_changed(self, ticker: str) -> bool:
        """Whether a company left this symbol for another one."""
        return ticker in self._of_symbol

    def successors(self, ticker: str) -> list[Span]:
        """The spans in which a symbol was that of another ticker of today, in order."""
        return [span for span in self._of_symbol.get(ticker, ()) if span.ticker != ticker]

    def predecessors(self, ticker: str) -> list[Span]:
        """The spans of other symbols that were this ticker's, in order."""
        return [span for span in self._of_ticker.get(ticker, ()) if span.symbol != ticker]

    def moved_sentence(self, ticker: str) -> str:
        """Under which ticker to look for a changed symbol; empty where it was never changed."""
        spans = self.successors(ticker)
        if not spans:
            return ""
        new = spans[-1].ticker
        return f"{ticker} is {new} from {spans[-1].until} on: use --ticker {new}."

    def symbols_of(self, tickers: Iterable[str]) -> list[str]:
        """The tickers, then the other symbols under which something of theirs may be stored."""
        chosen = list(dict.fromkeys(tickers))
        others = (span.symbol for ticker in chosen for span in self.predecessors(ticker))
        return list(dict.fromkeys([*chosen, *others]))

    def concern(self, tickers: Collection[str]) -> bool:
        """Whether any of the tickers was changed, or is the new one of another."""
        return any(t in self._of_symbol or t in self._of_ticker for t in tickers)

    def resolve_rows(
        self, rows: pl.DataFrame, day: str | pl.Expr = "date", ticker: str = "ticker"
    ) -> pl.DataFrame:
        """The rows with the ticker of today in the place of the one that they came under.

        Args:
            rows: With the column ``ticker`` and what ``day`` needs, in any order, which is kept.
            day: The column with the day of each row, or an expression for it.
            ticker: The name of the column with the ticker.
        """
        import polars as pl

        moved = [span for t in rows[ticker].unique() for span in self.successors(t)]
        if not moved:
            return rows
        spans = pl.DataFrame(
            [(span.symbol, span.since, span.until, span.ticker) for span in moved],
            schema={"symbol": pl.String, "since": pl.Date, "until": pl.Date, "today": pl.String},
            orient="row",
        )
        numbered = rows.with_row_index("row_of_all")
        dates = pl.col(day) if isinstance(day, str) else day
        days = numbered.select("row_of_all", symbol=ticker, day=dates)
        is_inside = pl.col("since").is_null() | (pl.col("day") >= pl.col("since"))
        is_inside &= pl.col("until").is_null() | (pl.col("day") < pl.col("until"))
        found = days.join(spans, on="symbol").filter(is_inside).select("row_of_all", "today")
        named = numbered.join(found, on="row_of_all", how="left", maintain_order="left")
        today = pl.coalesce("today", ticker).alias(ticker)
        return named.with_columns(today).drop("row_of_all", "today")

    def rows_of(
        self,
        rows: pl.DataFrame,
        tickers: Collection[str],
        key: Sequence[str],
        day: str | pl.Expr = "date",
    ) -> pl.DataFrame:
        """The rows that are of the tickers today, under these, each key once and in order.

        Where a ticker and its earlier symbol have a row of one key, the ticker's own is taken.

        Args:
            rows: With ``ticker``, the columns of ``key`` and what ``day`` needs.
            tickers: Of today.
            key: The columns of the rows' key.
            day: The column with the day of each row, or an expression for it.
        """
        import polars as pl

        named = self.resolve_rows(rows.with_columns(symbol="ticker"), day)
        sorted_rows = named.filter(pl.col("ticker").is_in(list(tickers))).sort(
            *key, pl.col("symbol") != pl.col("ticker"), maintain_order=True
        )
        return sorted_rows.unique(key, keep="first", maintain_order=True).drop("symbol")
