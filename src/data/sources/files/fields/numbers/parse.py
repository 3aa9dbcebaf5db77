"""Parse columns of written numbers into floats, and name the cells that are not numbers."""

from __future__ import annotations

import math

import polars as pl

_BLANKS = ("null", "nan", "na", "n/a", "#n/a", "none", "-", "--")
# Western and Indian grouping (1,234,567 and 12,34,567), never a decimal comma such as 3748,35.
_GROUPED = r"^[+-]?\d{1,3}(,\d{2,3})*,\d{3}(\.\d*)?$"


def parse_numbers(
    frame: pl.DataFrame, columns: list[str], delimiter: str
) -> tuple[pl.DataFrame, pl.Series | None]:
    """The frame with ``columns`` as floats, and per row the first cell that is not a number.

    The series ``invalid`` has that cell as ``name value``, null where all cells of a row are
    numbers or blank; there is none where all cells are. Infinity is not a number.
    """
    numbers = frame.select(pl.col(columns).cast(pl.Float64, strict=False))
    invalid_cells = []
    floats = []
    for name in columns:
        text, number = frame[name], numbers[name]
        # A sum is finite only where every number is.
        if math.isfinite(number.sum()) and number.null_count() == text.null_count():
            floats.append(number)
            continue
        if number.null_count() != text.null_count():
            number = _with_grouped(text, number)
        blank = text.is_null() | number.is_nan().fill_null(value=False)
        if number.null_count() + int(number.is_infinite().sum() or 0) > int(text.null_count()):
            blank = blank | text.str.to_lowercase().is_in(_BLANKS).fill_null(value=False)
        invalid = ~blank & (number.is_null() | number.is_infinite().fill_null(value=False))
        floats.append(_set_null(number, blank | invalid))
        if invalid.any():
            invalid_cells.append(_named_cells(text, invalid))
    parsed = frame.with_columns(floats)
    if not invalid_cells:
        return parsed, None
    first = pl.DataFrame(invalid_cells).select(pl.coalesce(pl.all())).to_series()
    return parsed, first.alias("invalid")


def _with_grouped(text: pl.Series, number: pl.Series) -> pl.Series:
    grouped = text.str.contains(_GROUPED).fill_null(value=False)
    ungrouped = text.str.replace_all(",", "", literal=True).cast(pl.Float64, strict=False)
    return ungrouped.zip_with(grouped, number).alias(text.name)


def _set_null(number: pl.Series, where: pl.Series) -> pl.Series:
    return number.to_frame().select(pl.when(~where).then(pl.col(number.name))).to_series()


def _named_cells(text: pl.Series, invalid: pl.Series) -> pl.Series:
    cell = pl.format("{} {}", pl.lit(text.name), pl.col(text.name).str.slice(0, 40))
    named = pl.when(invalid).then(cell).alias(f"invalid_{text.name}")
    return text.to_frame().select(named).to_series()
