"""Parse a table of a price file: to its rows, rejected rows and actions of all tickers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import polars as pl

from src.core.calendars.exchanges import exchange_of
from src.core.errors import BadInput
from src.core.identities import Identities
from src.data.sources.files.earlier_symbols import under_todays_tickers, with_earlier_symbols
from src.data.sources.files.fields.actions import read_actions
from src.data.sources.files.fields.dates.parse import parse_dates
from src.data.sources.files.fields.times.resolve import resolve_times
from src.data.sources.files.fields.times.spacing import check_spacing, check_weekdays
from src.data.sources.files.identity.naming import KnownTickers, TickerRules, select_tickers
from src.data.sources.files.layouts.layout import check_volume
from src.data.sources.files.layouts.recognise import recognise_layout
from src.data.sources.files.rows import filters
from src.data.sources.files.rows.arrange import long_rows, with_whole_rows
from src.data.sources.files.rows.by_ticker import FilteredRows, ParsedGrid
from src.data.sources.files.rows.facts import check_currency, check_market, check_units, stated_kind
from src.data.sources.files.rows.second_headers import (
    check_one_share,
    rejected_headers,
    split_second_headers,
)
from src.data.sources.files.rows.stated import read_statements

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from src.core.calendars.calendar import Calendar
    from src.data.sources.delivery import Kind
    from src.data.sources.files.grids.grid import Grid
    from src.data.sources.files.layouts.layout import Layout


@dataclass(frozen=True)
class ParseOptions:
    """What decides how a file is read, beside the file itself.

    Attributes:
        calendar: Of the exchange that the files are of.
        ticker: The one to take; None for all in a file.
        suffix: For bare symbols, None where none is stated.
        latest_year: The last that a date may have.
        read_at: When the files were downloaded, or are read: no bar is of a later time.
        columns: What the columns of files without a header are.
        known: The tickers that are stored or listed.
        identities: Whose the rows under changed symbols are.
        tickers: Those to take from files of many; None for all.
    """

    calendar: Calendar
    ticker: str | None
    suffix: str | None
    latest_year: int
    read_at: dt.datetime
    columns: tuple[str, ...] = ()
    known: KnownTickers = field(default_factory=KnownTickers)
    identities: Identities = field(default_factory=Identities)
    tickers: frozenset[str] | None = None

    @property
    def rules(self) -> TickerRules:
        """How tickers are chosen."""
        return TickerRules(self.ticker, self.suffix, known=self.known)

    def chosen(self, tickers: Sequence[str]) -> list[str]:
        """Those of a file's tickers that may be among the ones to take, by any of their symbols."""
        if self.tickers is None:
            return list(tickers)
        spans = (self.identities.predecessors(t) for t in self.tickers if self.identities.spans)
        earlier = {span.symbol for of_ticker in spans for span in of_ticker}
        return [ticker for ticker in tickers if ticker in self.tickers or ticker in earlier]


def parse_rows(grid: Grid, options: ParseOptions, *, explicit: bool) -> ParsedGrid | None:
    """The table's rows of all tickers together, None when it is another ticker's beside others.

    An ``explicit`` table was given by its own path: neither found in a folder nor one of several in
    its file.

    Raises:
        BadInput: when the table cannot be used; the sentence begins after the path.
    """
    layout, all_cells = _read(grid, options.columns)
    cells, headers = split_second_headers(layout, all_cells)
    kind = stated_kind(layout, cells)
    statements, stated = read_statements(layout, cells, grid, options.rules)
    statements, earlier = with_earlier_symbols(statements, options.identities, options.ticker)
    selection = select_tickers(options.rules, statements, explicit=explicit)
    if selection.reason:
        raise BadInput(selection.reason)
    selection = replace(selection, tickers=options.chosen(selection.tickers))
    if not selection.tickers:
        return None
    check_currency(layout, cells, selection.tickers)
    check_market(grid, layout, selection.tickers)
    check_units(layout, cells)
    rows, notes = long_rows(layout, cells, stated, [*selection.tickers, *earlier])
    kind = kind or statements.kind
    filtered = _filter(layout, rows, selection.tickers, options, grid.delimiter, kind)
    if options.tickers is not None and options.identities.spans:
        filtered = _of_chosen(filtered, options.tickers)
    _check_kind(kind, filtered.kind)
    check_one_share(layout, filtered.rows, headers)
    rejected = filtered.rejected
    if headers.height:
        repeated = rejected_headers(headers, selection.tickers[0])
        rejected = pl.concat([repeated, rejected], how="vertical_relaxed").sort("line")
    # What names no ticker is kept under the first one.
    rejected = rejected.with_columns(pl.col("ticker").fill_null(selection.tickers[0]))
    rejected = with_whole_rows(layout, all_cells, rejected)
    notes = (*selection.notes, *notes, *filtered.notes)
    moved = filtered.rows["ticker"].unique().to_list() if options.identities.spans else []
    tickers = list(dict.fromkeys([*selection.tickers, *sorted(moved)]))
    return ParsedGrid(layout, replace(filtered, rejected=rejected, notes=notes), tickers)


def _read(grid: Grid, columns: Sequence[str]) -> tuple[Layout, pl.DataFrame]:
    layout = recognise_layout(grid.head, columns)
    cells = grid.body(layout.header_lines, len(layout.names))
    if not cells.height:
        raise BadInput("it has a header and no rows: download it again.")
    return layout, cells


def _of_chosen(filtered: FilteredRows, tickers: frozenset[str]) -> FilteredRows:
    """Without rows of others that took up an earlier symbol of a chosen ticker."""
    is_chosen = pl.col("ticker").is_in(list(tickers))
    rows, rejected = filtered.rows.filter(is_chosen), filtered.rejected.filter(is_chosen)
    return replace(filtered, rows=rows, rejected=rejected)


def _check_kind(stated: str | None, kind: Kind) -> None:
    if stated is not None and stated != kind:
        raise BadInput(f"it says that its bars are {stated}, and its times are of {kind} ones.")


def _filter(
    layout: Layout,
    rows: pl.DataFrame,
    selected: Sequence[str],
    options: ParseOptions,
    delimiter: str,
    stated: str | None,
) -> FilteredRows:
    if not rows.height:
        raise BadInput(f"it has no row of {selected[0]}: download it again.")
    rows, ragged = filters.split_ragged(rows)
    rows, unknown = filters.split_unknown_symbols(rows, selected)
    rows, other_instruments = filters.split_other_instruments(rows)
    dates = parse_dates(
        rows["at"],
        rows["file_line"],
        column=layout.date_name,
        latest_year=options.latest_year,
        calendar=options.calendar,
    )
    exchange = exchange_of(selected[0])
    times = resolve_times(dates, rows["ticker"], options.calendar, exchange, stated)
    if times.kind == "daily":
        check_volume(layout)
    rows = rows.with_columns(dates.outside_years, key=times.key)
    rows, undated = filters.split_undated(rows)
    rows = under_todays_tickers(rows, options.identities, options.ticker)
    rows, future = filters.split_future(rows, options.read_at, exchange.zone)
    check_spacing(times.kind, rows)
    if times.kind == "daily":
        check_weekdays(rows["key"])
    actions, action_notes = read_actions(rows, times.kind, delimiter)
    rows, invalid = filters.split_invalid_numbers(rows, delimiter)
    filters.check_closes(rows)
    rows, other_series = filters.split_other_series(rows)
    rows, repeated = filters.split_repeated(rows, times.kind, delimiter)
    parts = [
        *(ragged, unknown, other_instruments, undated, future),
        *(invalid, other_series, repeated),
    ]
    rejected = repeated
    if any(part.height for part in parts):
        rejected = pl.concat(parts, how="vertical_relaxed").sort("line", maintain_order=True)
    notes = (*dates.notes, *times.notes, *action_notes)
    return FilteredRows(times.kind, rows, rejected, notes, actions)
