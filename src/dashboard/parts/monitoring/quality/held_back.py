"""Rows of prices that were held back: counts, a page of them, and all as a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import polars as pl
import streamlit as st

from src.dashboard import readers, wording
from src.dashboard.parts.monitoring.paging import page_of
from src.dashboard.parts.monitoring.quality.refusals import name_of
from src.dashboard.spreadsheets import csv_file, harmless
from src.db.pages import held_back
from src.db.pages.held_back import HeldBackRow, RuleCount

PAGE, EXPORTED_AT_ONCE, MOST_EXPORTED = 50, 10_000, 500_000
ANY = "Any reason"
# Rules that the sentence names.
NAMED = 3
STATES = {"rejected": "✕ held back", "repaired": "◆ filled from elsewhere"}
PRICES = ("open", "high", "low", "close", "adj_close", "volume")
HEADINGS = ("Session", "Stock", "Field", "Seen", "Why", "State", "Rule", "Source", "Kind")


def draw(ticker: str | None) -> None:
    """Draw the rows of one stock, or of all."""
    found = readers.read_recent(held_back.counts, ticker)
    st.subheader("Rows held back", anchor=False)
    st.markdown(sentence(found, ticker, readers.read_recent(held_back.checked_rows)))
    if not found:
        return
    rules = {_label(row): row.rule for row in found}
    chosen = st.selectbox("Why", [ANY, *rules], key="held_back_rule", width=320)
    rule = rules.get(chosen or ANY)
    rows = page_of(
        "held_back",
        (ticker, rule),
        lambda after: readers.read_recent(
            held_back.rows, after, ticker=ticker, rule=rule, limit=PAGE + 1
        ),
        lambda row: row.place,
        PAGE,
    )
    _table(rows)
    _download(ticker, rule)


def _download(ticker: str | None, rule: str | None) -> None:
    st.download_button(
        "Download these rows",
        data=partial(_export, ticker, rule),
        file_name=f"held_back_{ticker or 'all'}.csv",
        mime="text/csv",
        on_click="ignore",
        icon=":material/download:",
        key="held_back_download",
        help=f"All of them as CSV, {MOST_EXPORTED:,} at most.",
    )


def sentence(counts: Sequence[RuleCount], ticker: str | None, checked: int) -> str:
    """How many rows are held back, by which rules, and of when the newest is."""
    of = f" of {wording.plain(ticker)}" if ticker else ""
    rejected = [row for row in counts if row.action == "rejected"]
    total = sum(row.rows for row in rejected)
    if not total:
        text = f"No row{of} is held back. {checked:,} rows were checked in the last run."
    else:
        verb = f"row{of} is" if total == 1 else f"rows{of} are"
        rules = ", ".join(map(_label, rejected[:NAMED]))
        more = " and others" if len(rejected) > NAMED else ""
        newest = _day(max(row.newest for row in rejected))
        text = f"**{total:,} {verb} held back:** {rules}{more}. The newest is of {newest}."
    filled = sum(row.rows for row in counts if row.action == "repaired")
    return f"{text} {filled:,} were filled from elsewhere." if filled else text


def _label(row: RuleCount) -> str:
    return f"{name_of(row.rule)} ({row.rows:,})"


def _table(rows: Sequence[HeldBackRow]) -> None:
    st.dataframe(
        harmless(_as_table(rows)).select(HEADINGS[:6]),  # its own button saves it as CSV, too
        hide_index=True,
        column_config={
            "Seen": st.column_config.TextColumn(width="large"),
            "Why": st.column_config.TextColumn(width="medium"),
        },
        key="held_back_table",
        alt=f"{len(rows)} rows that were held back, the newest session first",
    )


def as_cells(row: HeldBackRow) -> tuple[str, ...]:
    """The texts of a row under ``HEADINGS``."""
    field, seen = _field_and_seen(row.values)
    state = STATES.get(row.action, row.action)
    hour = row.at[10:19] if row.kind == "hourly" else ""
    kinds = (row.rule, row.source, row.kind)
    return (f"{_day(row.at)}{hour}", row.ticker, field, seen, row.reason, state, *kinds)


def _field_and_seen(values: Mapping[str, Any]) -> tuple[str, str]:
    """Which fields were missing, or that the row counts as a whole; and what was delivered."""
    there = [name for name in PRICES if name in values]
    # Few sources have an adjusted close.
    fields = [name for name in there if name != "adj_close"]
    missing = [name for name in fields if values[name] is None]
    field = ", ".join(missing) if 0 < len(missing) < len(fields) else "whole row"
    known = [f"{name} {_value(values[name])}" for name in there if values[name] is not None]
    if not there:  # it never became a bar: what the file said
        known = [f"{name} {value}" for name, value in values.items()]
    return field, ", ".join(known) or "nothing"


def _value(value: Any) -> str:
    if not isinstance(value, (int, float)):
        return str(value)
    return f"{value:,.4f}".rstrip("0").rstrip(".")


def _day(at: str) -> str:
    """The day of a row, or what stands in its place."""
    try:
        return wording.day(at[:10])
    except ValueError:
        return at


def _export(ticker: str | None, rule: str | None) -> bytes:
    """All of the rows as CSV, read a part at a time."""
    return csv_file(_as_table(_all_rows(ticker, rule)))


def _as_table(rows: Iterable[HeldBackRow]) -> pl.DataFrame:
    return pl.DataFrame(map(as_cells, rows), dict.fromkeys(HEADINGS, pl.String), orient="row")


def _all_rows(ticker: str | None, rule: str | None) -> Iterator[HeldBackRow]:
    after = None
    for _ in range(MOST_EXPORTED // EXPORTED_AT_ONCE):
        rows = readers.uncached(
            held_back.rows, after, ticker=ticker, rule=rule, limit=EXPORTED_AT_ONCE
        )
        yield from rows
        if len(rows) < EXPORTED_AT_ONCE:
            return
        after = rows[-1].place
