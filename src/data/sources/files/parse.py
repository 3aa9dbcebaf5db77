"""One file's parts put together: its content comes in, parsed rows per ticker go out."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from src.core.calendars.exchanges import exchange_of
from src.core.errors import BadInput
from src.data.sources.files import row_filters as steps
from src.data.sources.files.cells import read_grid
from src.data.sources.files.fields.actions import stated_actions
from src.data.sources.files.fields.dates import read_stamps
from src.data.sources.files.fields.tickers import choose, suffix_beside, ticker_of_stem
from src.data.sources.files.fields.timezones import days_apart, minutes_apart, place, session_day
from src.data.sources.files.layouts import VALUES, check_volume, recognise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from src.data.sources.delivery import Basis, Kind
    from src.data.sources.files.fields.timezones import Calendar
    from src.data.sources.files.layouts import Layout
    from src.data.sources.files.reader import Content, PriceFile

_BAR_MINUTES = 60
_WEEKLY_DAYS = 5


@dataclass(frozen=True)
class Judged:
    """A file's rows after all rules: those kept, and those rejected with the reason.

    ``actions`` are those that the rows state, rejected ones with a date among them, by ``ticker``.
    """

    kind: Kind
    rows: pl.DataFrame
    rejected: pl.DataFrame
    notes: tuple[str, ...]
    actions: pl.DataFrame | None


@dataclass(frozen=True)
class Parsed:
    """One ticker's rows of a file; ``rejected_days`` are the days of ``rejected``, where known."""

    ticker: str
    kind: Kind
    layout: str
    vendor: str | None
    basis: Basis | None
    frame: pl.DataFrame
    rejected: pl.DataFrame
    rejected_days: pl.Series
    notes: tuple[str, ...]
    actions: pl.DataFrame | None


def parse(
    content: Content,
    file: PriceFile,
    *,
    calendar: Calendar,
    asked: str | None,
    suffix: str,
    latest_year: int,
) -> list[Parsed]:
    """The file's rows per ticker, none when it is another ticker's; raises BadInput."""
    layout, cells = _read(content)
    beside = suffix_beside(asked, suffix)
    inside = steps.symbols_inside(layout, cells, beside)
    named = ticker_of_stem(file.path.name, beside)
    chosen = choose(asked, list(dict.fromkeys(inside.values())), named, picked=file.picked)
    if not chosen:
        return []
    rows, notes = steps.long_rows(layout, cells, inside, chosen)
    judged = _judge(layout, rows, chosen, calendar, latest_year)
    whole = steps.as_json(layout, cells, judged.rejected["line"])
    rejected = judged.rejected.join(whole, on="line", how="left", maintain_order="left")
    return _per_ticker(layout, replace(judged, rejected=rejected), chosen, notes)


def _read(content: Content) -> tuple[Layout, pl.DataFrame]:
    grid = read_grid(content)
    layout = recognise(grid.head)
    cells = grid.body(layout.header_lines, len(layout.names))
    if not cells.height:
        raise BadInput("it has a header and no rows: download it again.")
    return layout, cells


def _judge(
    layout: Layout, rows: pl.DataFrame, chosen: Sequence[str], calendar: Calendar, latest_year: int
) -> Judged:
    if not rows.height:
        raise BadInput(f"it has no row of {chosen[0]}: download it again.")
    rows, torn = steps.split_torn(rows)
    rows, unnamed = steps.split_unnamed(rows, chosen)
    stamps = read_stamps(
        rows["at"], rows["file_line"], column=layout.date_name, latest_year=latest_year
    )
    placed = place(stamps, chosen[0], calendar)
    if placed.kind == "daily":
        check_volume(layout)
    rows, undated = steps.split_undated(rows.with_columns(key=placed.key, far=stamps.far))
    _check_spacing(placed.kind, rows)
    actions, said = stated_actions(rows, placed.kind)
    rows, numberless = steps.split_numberless(rows)
    steps.check_closes(rows)
    rows, other_series = steps.split_series(rows)
    rows, repeats = steps.split_repeats(rows)
    parts = [torn, unnamed, undated, numberless, other_series, repeats]
    rejected = pl.concat(parts, how="vertical_relaxed").sort("line", maintain_order=True)
    return Judged(placed.kind, rows, rejected, (*stamps.notes, *placed.notes, *said), actions)


def _check_spacing(kind: Kind, rows: pl.DataFrame) -> None:
    """Refuses what is neither daily nor hourly: weekly rows are no days, minutes no hours."""
    if kind == "hourly":
        apart, unit = minutes_apart(rows.select("ticker", ts="key")), "minutes"
        wrong = apart is not None and apart != _BAR_MINUTES
    else:
        apart, unit = days_apart(rows.select("ticker", date="key")), "days"
        wrong = apart is not None and apart >= _WEEKLY_DAYS
    if wrong:
        raise BadInput(f"its rows are {apart:g} {unit} apart: give daily bars or hourly ones.")


def _per_ticker(
    layout: Layout, judged: Judged, chosen: Sequence[str], notes: tuple[str, ...]
) -> list[Parsed]:
    good = judged.rows.partition_by("ticker", as_dict=True)
    bad = judged.rejected.partition_by("ticker", as_dict=True)
    none_good, none_bad = judged.rows.clear(), judged.rejected.clear()
    return [
        _parsed(layout, judged, good.get(key, none_good), bad.get(key, none_bad), notes)
        for key in [(ticker,) for ticker in chosen]
        if key in good or key in bad
    ]


def _parsed(
    layout: Layout,
    judged: Judged,
    good: pl.DataFrame,
    bad: pl.DataFrame,
    notes: tuple[str, ...],
) -> Parsed:
    daily = judged.kind == "daily"
    key = pl.col("key").cast(pl.Date if daily else pl.Datetime("us", "UTC"))
    values = [name for name in VALUES if daily or name != "adj_close"]
    # Yahoo adjusts no intraday bar for dividends: on common bars its closes are a broker's.
    split_only = layout.vendor == "yahoo" and not daily
    ticker = (good if good.height else bad)["ticker"][0]
    actions = judged.actions
    return Parsed(
        ticker=ticker,
        kind=judged.kind,
        layout=layout.name,
        vendor=layout.vendor,
        basis="split" if split_only else layout.basis,
        frame=good.select("line", key.alias("date" if daily else "ts"), *values),
        rejected=bad.select("line", "at", "rule", "reason", "row"),
        rejected_days=_days(bad["key"], ticker),
        notes=(*notes, *judged.notes, *_order_note(good["key"])),
        actions=None if actions is None else actions.filter(ticker=ticker).drop("ticker"),
    )


def _order_note(keys: pl.Series) -> tuple[str, ...]:
    """What to say of rows that do not stand oldest first: the fewest that would have to move."""
    if keys.is_sorted():
        return ()
    if keys.is_sorted(descending=True):
        return ("rows stood newest first",)
    # Patience sorting: ``ends`` grows to the length of the longest run that is in order.
    ends: list[object] = []
    for key in keys:
        place = bisect_right(ends, key)
        ends[place : place + 1] = [key]
    return (f"{keys.len() - len(ends)} rows stood out of date order",)


def _days(key: pl.Series, ticker: str) -> pl.Series:
    if key.dtype == pl.Date or key.null_count() == key.len():
        return key.cast(pl.Date)
    day = session_day(pl.col("ts"), exchange_of(ticker).zone)
    return key.to_frame("ts").select(day).to_series()
