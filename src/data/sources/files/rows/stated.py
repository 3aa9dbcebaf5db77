"""Collect what a table states of its tickers: in its columns, its titles, its sheet's name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from src.core.errors import BadInput
from src.data.sources.files.fields import nse_series
from src.data.sources.files.fields.segments import is_no_share
from src.data.sources.files.identity.file_names import NamedTicker, is_a_period, name_of
from src.data.sources.files.identity.naming import Statements, TickerRules
from src.data.sources.files.identity.tickers import (
    BSE,
    NSE,
    is_bare,
    names_country,
    suffix_of_exchange,
    ticker_of_cell,
)
from src.data.sources.files.identity.titles import names_in_titles, suffix_in_titles
from src.data.sources.files.layouts.words import INDEX_NAMES, SHARE_NUMBERS, STOCK_CODES, canonical
from src.data.sources.files.rows.facts import suffixes_of_rows

if TYPE_CHECKING:
    from src.data.sources.files.grids.grid import Grid
    from src.data.sources.files.layouts.layout import Layout

# Vendors to whom a symbol without an exchange is New York's.
_OF_NEW_YORK = ("yahoo", "alphavantage", "tiingo")
# ASCII's unit separator, which no text has.
_BEHIND = "\x1f"
# The characters of an ISIN that are of the company and of its kind of share.
_OF_SHARE = 9


def read_statements(
    layout: Layout, cells: pl.DataFrame, grid: Grid, rules: TickerRules
) -> tuple[Statements, dict[str, str]]:
    """What the table says of its tickers, and those in its columns by how they are written there.

    Where a column names the exchange, the key is that column's cell and the symbol, as in
    ``symbol_with_exchange``.

    Raises:
        BadInput: for an unknown exchange, names of several companies without symbols, or a symbol
            that names India and no exchange where none is requested.
    """
    names = [*_names_of_grid(grid), *names_in_titles(layout.titles)]
    names += _names_in_column(layout, cells)
    statements = Statements(
        names=names, suffix=_suffix(layout, cells), is_yahoo=layout.vendor in _OF_NEW_YORK
    )
    bare = rules.for_bare(statements)
    written = _written(layout, cells)
    stated = {text: ticker for text in written if (ticker := _ticker(text, bare))}
    if layout.vendor in ("nse", "bse"):  # there a dot may be part of a bond's name
        stated = {text: ticker for text, ticker in stated.items() if ticker.endswith((NSE, BSE))}
    _check_country(written, rules)
    columns = _shares(stated)
    return Statements(columns, names, statements.suffix, is_yahoo=statements.is_yahoo), stated


def _shares(stated: dict[str, str]) -> list[str]:
    """The tickers in the columns without those of futures, options and indices."""
    tickers = dict.fromkeys(stated.values())
    shares = [ticker for ticker in tickers if not _is_no_share(ticker)]
    if tickers and not shares:
        symbols = ", ".join(text.rpartition(_BEHIND)[2] for text in list(stated)[:3])
        raise BadInput(
            f"it has no shares, only {symbols} (futures, options, indices or rights): give the "
            "file of the cash market."
        )
    return shares


def _is_no_share(ticker: str) -> bool:
    return is_no_share(ticker.removesuffix(NSE).removesuffix(BSE))


def symbol_with_exchange(layout: Layout) -> pl.Expr:
    """The cell of the symbol, behind that of the exchange where there is one."""
    symbol = cell(layout.symbol)
    if layout.symbol is None or "exchange" not in layout.facts:
        return symbol
    exchange = cell(layout.facts["exchange"]).fill_null("")
    return pl.concat_str([exchange, symbol], separator=_BEHIND)


def cell(column: int | None) -> pl.Expr:
    """The text of a column by its number, null for none."""
    return pl.lit(None, dtype=pl.String) if column is None else pl.col(f"c{column}")


def _suffix(layout: Layout, cells: pl.DataFrame) -> str | None:
    """The suffix of the one exchange that the table names, None where symbols tell it."""
    suffixes = suffixes_of_rows(layout, cells)
    if len(suffixes) > 1 and layout.symbol is None:
        raise BadInput("it has prices of NSE and of BSE: keep the rows of one of them.")
    if len(suffixes) == 1:
        return suffixes[0]
    if not suffixes and layout.series is not None:
        return _suffix_of_series(layout, cells) or layout.suffix
    return layout.suffix or (None if suffixes else suffix_in_titles(layout.titles))


def _suffix_of_series(layout: Layout, cells: pl.DataFrame) -> str | None:
    """BSE's where all series are groups of BSE's, which NSE does not have; else None."""
    series = set(cells[f"c{layout.series}"].drop_nulls().str.to_uppercase().unique())
    groups = series & set(nse_series.BSE_GROUPS)
    if groups and series & set(nse_series.NSE_RANKS):
        raise BadInput(
            f"its {layout.names[layout.series or 0]} column has series of NSE and groups of BSE "
            f"({', '.join(sorted(groups)[:3])}), and no column names the exchange: keep the rows "
            "of one of them."
        )
    return BSE if groups else None


def _written(layout: Layout, cells: pl.DataFrame) -> list[str]:
    if layout.symbol is None:
        return [text for text in layout.values if text is not None]
    # A total or a footer may stand below the symbols, and is none.
    is_row = pl.col("ragged").is_null() & cell(layout.dates[0]).is_not_null()
    rows = cells.filter(is_row)
    symbols = (rows if rows.height else cells).select(symbol=symbol_with_exchange(layout))
    return symbols.to_series().drop_nulls().unique(maintain_order=True).to_list()


def _ticker(text: str, suffix: str) -> str | None:
    exchange, mark, symbol = text.rpartition(_BEHIND)
    if mark:
        suffix = suffix_of_exchange(exchange) or suffix
    return ticker_of_cell(symbol, suffix)


def _check_country(written: Sequence[str], rules: TickerRules) -> None:
    if rules.requested is not None or rules.suffix is not None:
        return
    text = next((text for text in written if "." in text and names_country(text)), None)
    if text is not None:
        symbol = text[: text.rindex(".")].upper()
        raise BadInput(
            f"its ticker {text} names India, but neither NSE nor BSE: add --ticker {symbol}.NS, or "
            f"--ticker {symbol}.BO."
        )


def _names_of_grid(grid: Grid) -> list[NamedTicker]:
    """The names of the file and of its sheet; of several sheets each is named by itself alone.

    Sheets named by years are parts of the file's share.
    """
    sheet = grid.sheet or ""
    in_sheet = name_of(sheet, "its sheet's name")
    is_one_of_many = bool(sheet) and f"sheet {sheet}" in grid.place
    is_whole = not is_one_of_many or is_a_period(sheet)
    in_file = name_of(grid.file_name, "its name") if is_whole else None
    return [name for name in (in_file, in_sheet) if name]


def _names_in_column(layout: Layout, cells: pl.DataFrame) -> list[NamedTicker]:
    """The one name in a column that may have symbols, names of companies or vendors' codes."""
    if layout.share_name is None:
        return []
    column = layout.names[layout.share_name]
    title = canonical(column)
    texts = cells[f"c{layout.share_name}"].drop_nulls().unique(maintain_order=True).to_list()
    if title == "isin":  # a split gives a share another number, behind the same beginning
        texts = list(dict.fromkeys(text[:_OF_SHARE] for text in texts))
    if len(texts) > 1:
        raise BadInput(
            f"its {column} column has {', '.join(text[:20] for text in texts[:3])}: if these are "
            "symbols, name it Symbol, else keep the rows of one share."
        )
    return _name_in_column(texts[0], title, f"its {column} column") if texts else []


def _name_in_column(text: str, title: str, place: str) -> list[NamedTicker]:
    if title in INDEX_NAMES:
        return [NamedTicker(text[:40], None, place, is_upper=False, is_index=True)]
    ticker = None if title in SHARE_NUMBERS else ticker_of_cell(text, "")
    if ticker is None:
        return []
    symbol, dot, suffix = ticker.partition(".")
    # ICICI's stock_code is its own: RELIND is RELIANCE.
    is_upper = text.isupper() and title not in STOCK_CODES
    return [NamedTicker(symbol, None if is_bare(text) else dot + suffix, place, is_upper=is_upper)]
