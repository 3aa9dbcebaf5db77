"""Obey what a file's columns say of its rows: exchange, currency, period, segment, instrument."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from src.core.errors import BadInput
from src.data.sources.files.fields import segments
from src.data.sources.files.identity.tickers import BSE, NSE, suffix_of_exchange
from src.data.sources.files.layouts.words import foreign_currency

if TYPE_CHECKING:
    from src.data.sources.files.grids.grid import Grid
    from src.data.sources.files.layouts.layout import Layout

_RUPEES = ("INR", "RS", "RS.", "₹", "RUPEE", "RUPEES", "INDIAN RUPEE")
_PERIODS = {
    "daily": ("D", "1D", "DAILY", "DAY", "1DAY", "ONE_DAY"),
    "hourly": ("60", "1H", "60M", "H1", "HOURLY", "60MINUTE", "ONE_HOUR"),
}
_NOTHING = ("-", "--", "0", "0.0", "0.00", "XX", "NA", "N/A", "NAN", "NULL", "NONE")
# Of a contract, each alone.
_TERMS = {"expiry": "expires on", "option": "is an option", "strike": "has a strike of"}
_OPEN_INTEREST = "a contract with open interest, which shares do not have"

_WORDS_OF_UNITS = r"(lakhs?|lacs?|crores?|cr|millions?|mn|thousands?|'?000'?s?|paise)"
_UNIT = re.compile(rf"\W*(in )?(rs\.? ?|inr ?|₹ ?)?(in )?{_WORDS_OF_UNITS}\W*", re.IGNORECASE)
_UNIT_IN_TITLE = re.compile(
    rf"\b(volumes?|vol\.?|quantity|qty\.?|shares|prices?)( traded)?[ :(]+in[ :]+{_WORDS_OF_UNITS}\b"
    r"|\bin paise\b",
    re.IGNORECASE,
)
_LINES_OF_UNITS = 2
# MCX alone is a share of NSE's, of which a file may be.
_ELSEWHERE = re.compile(
    r"(?<![A-Za-z0-9])(NYSE|NASDAQ|AMEX|LSE|NCDEX|ADR)(?![A-Za-z0-9])"
    r"|(?<![A-Za-z0-9])MCX[_:](?=[A-Z]{2,}\d*!?(,|$))|(?<=[A-Za-z])\.US(?![A-Za-z])",
    re.IGNORECASE,
)
_INDIA = re.compile(r"(?<![A-Za-z])(NSE|BSE)(?![A-Za-z])")


def suffixes_of_rows(layout: Layout, cells: pl.DataFrame) -> list[str]:
    """The suffixes of the exchanges that a column names; none where no column does.

    Raises:
        BadInput: for an exchange other than NSE and BSE.
    """
    words = _distinct(layout, cells, "exchange")
    suffixes = []
    for word in words:
        suffix = suffix_of_exchange(word)
        if suffix is None:
            raise BadInput(
                f"its {_name(layout, 'exchange')} column says {word[:40]}, which is neither NSE "
                "nor BSE: keep the rows of one of these."
            )
        suffixes.append(suffix)
    return list(dict.fromkeys(suffixes))


def check_currency(layout: Layout, cells: pl.DataFrame, tickers: Sequence[str]) -> None:
    """Refuse prices of an Indian exchange in another currency than rupees."""
    if not any(ticker.endswith((NSE, BSE)) for ticker in tickers):
        return
    for word in _distinct(layout, cells, "currency"):
        if word.upper() not in _RUPEES:
            raise BadInput(_foreign(f"its {_name(layout, 'currency')} column says {word[:40]}"))
    prices = [
        layout.names[column]
        for columns in layout.values.values()
        for field, column in columns.items()
        if field != "volume"
    ]
    for text in (*prices, *layout.titles):
        currency = foreign_currency(text)
        if currency is not None:
            raise BadInput(_foreign(f"{text[:40]!r} says {currency}"))


def check_market(grid: Grid, layout: Layout, tickers: Sequence[str]) -> None:
    """Refuse a name or a title that says another market, for a ticker of NSE or BSE."""
    if not any(ticker.endswith((NSE, BSE)) for ticker in tickers):
        return
    places = {"name": (grid.file_name,), "title": layout.titles}
    for place, text in ((place, text) for place, texts in places.items() for text in texts):
        match = _ELSEWHERE.search(text)
        if match and not _INDIA.search(text):
            raise BadInput(
                f"its {place} says {match[0].strip(' _:.')}, which is neither NSE nor BSE: give "
                "prices of these, or remove that word."
            )


def check_units(layout: Layout, cells: pl.DataFrame) -> None:
    """Refuse units other than rupees and shares: in a title, or in a line of units.

    Raises:
        BadInput: for volumes in lakhs and the like, and for prices in paise.
    """
    for title in layout.titles:
        if match := _UNIT_IN_TITLE.search(title):
            raise BadInput(_other_units(f"its title says {match[0]!r}"))
    columns = {column for values in layout.values.values() for column in values.values()}
    top = cells.head(_LINES_OF_UNITS).select(f"c{column}" for column in sorted(columns))
    for text in (text for row in top.iter_rows() for text in row if text):
        if _UNIT.fullmatch(text):
            raise BadInput(_other_units(f"a line below its header says {text!r}"))


def _other_units(statement: str) -> str:
    return f"{statement}: give prices in rupees, and volumes in shares."


def _foreign(statement: str) -> str:
    return f"{statement}, but prices of NSE and BSE are in rupees: give such prices."


def stated_kind(layout: Layout, cells: pl.DataFrame) -> str | None:
    """The kind of bars, ``daily`` or ``hourly``, that a column states; None where none does.

    Raises:
        BadInput: for bars of another period, or of several.
    """
    words = [word.upper() for word in _distinct(layout, cells, "period")]
    kinds = {kind for kind, names in _PERIODS.items() for word in words if word in names}
    wrong = [word for word in words if not any(word in names for names in _PERIODS.values())]
    if wrong or len(kinds) > 1:
        raise BadInput(
            f"its {_name(layout, 'period')} column says {', '.join((wrong or words)[:3])}: give "
            "daily (D) or hourly (60) bars, one of them a file."
        )
    return kinds.pop() if kinds else None


def is_not_share(rows: pl.DataFrame) -> pl.Expr | None:
    """Rows that a segment, an instrument, an expiry or open interest marks as no share."""
    marks = []
    if "segment" in rows.columns:
        marks.append(~_is_in("segment", segments.cash_segments()))
    if "instrument" in rows.columns:
        marks.append(~_is_in("instrument", segments.share_types()))
    marks += [~_is_in(term, _NOTHING) for term in _TERMS if term in rows.columns]
    if "open_interest" in rows.columns:
        marks.append(_has_open_interest())
    return pl.any_horizontal(marks) if marks else None


def what_rows_are(rows: pl.DataFrame) -> pl.Expr:
    """Of rows that are no shares, what they are in the file's words."""
    none = pl.lit(None, dtype=pl.String)
    instrument, segment = (
        pl.col(name).str.to_uppercase() if name in rows.columns else none
        for name in ("instrument", "segment")
    )
    terms = [
        pl.when(~_is_in(term, _NOTHING)).then(
            pl.format("a contract that {} {}", pl.lit(text), term)
        )
        for term, text in _TERMS.items()
        if term in rows.columns
    ]
    is_share = instrument.is_in(list(segments.share_types()))
    return (
        pl.when(~is_share)
        .then(
            pl.format("instrument {}", _named(instrument, segments.type_name, rows, "instrument"))
        )
        .when(~_is_in("segment", segments.cash_segments()) if "segment" in rows.columns else False)
        .then(pl.format("segment {}", _named(segment, segments.segment_name, rows, "segment")))
        .otherwise(pl.coalesce(*terms, pl.lit(_OPEN_INTEREST)))
    )


def _has_open_interest() -> pl.Expr:
    number = pl.col("open_interest").str.replace_all(",", "").cast(pl.Float64, strict=False)
    return (number > 0).fill_null(value=False)


def _named(word: pl.Expr, naming: object, rows: pl.DataFrame, column: str) -> pl.Expr:
    if column not in rows.columns:
        return word
    words = rows[column].drop_nulls().str.to_uppercase().unique().to_list()
    names = {text: naming(text) for text in words}  # type: ignore[operator]
    return word.replace_strict(names, default=None, return_dtype=pl.String)


def _is_in(column: str, words: Sequence[str]) -> pl.Expr:
    """Whether a cell is one of the words, or blank."""
    return pl.col(column).str.to_uppercase().is_in(list(words)).fill_null(value=True)


def _distinct(layout: Layout, cells: pl.DataFrame, fact: str) -> list[str]:
    column = layout.facts.get(fact)
    if column is None:
        return []
    if cells["ragged"].null_count() < cells.height:  # cells of such rows may be shifted
        cells = cells.filter(pl.col("ragged").is_null())
    return cells[f"c{column}"].drop_nulls().unique(maintain_order=True).to_list()


def _name(layout: Layout, fact: str) -> str:
    return layout.names[layout.facts[fact]]
