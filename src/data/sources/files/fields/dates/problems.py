"""Word why a column of dates cannot be read."""

from __future__ import annotations

import re

import polars as pl

from src.data.sources.files.fields.dates.forms import OLDEST_YEAR
from src.data.sources.files.fields.dates.swapped import half_swapped


def outside_years(
    at: pl.Series, outside: pl.Series, lines: pl.Series, column: str, latest_year: int
) -> str:
    """Why dates outside the allowed years refuse a file."""
    return (
        f"its {column} column has {at.filter(outside)[0]!r} (line {lines.filter(outside)[0]}), "
        f"outside the years {OLDEST_YEAR} to {latest_year}: correct the date."
    )


def unreadable(at: pl.Series, bad: pl.Series, lines: pl.Series, column: str) -> str:
    """Why dates of no form, or of another form than most, refuse a file."""
    bad = bad if bad.any() else pl.repeat(value=True, n=at.len(), eager=True)
    value, line = at.filter(bad)[0], lines.filter(bad)[0]
    kind = _number_kind(value or "")
    if kind:
        return (
            f"its {column} column has {kind} such as {value} (line {line}), not dates: "
            "write them as YYYY-MM-DD."
        )
    swapped = half_swapped(at)
    if swapped:
        return (
            f"its {column} column has texts such as {swapped[0]} beside dates such as "
            f"{swapped[1]}, of which a spreadsheet has swapped day and month: write the dates of "
            "the original file as YYYY-MM-DD."
        )
    return (
        f"its {column} column has {value or ''!r} (line {line}), which is not a date "
        f"({int(bad.sum())} of {at.len()} rows): write the dates as YYYY-MM-DD."
    )


def _number_kind(value: str) -> str | None:
    if not re.fullmatch(r"\d+(\.\d+)?", value):
        return None
    digits = len(value.split(".", maxsplit=1)[0])
    return "day numbers (a spreadsheet's serial dates)" if digits <= 7 else "numbers"
