"""Parse columns of written numbers into floats, and name the cells that are not numbers.

All columns of a file are read in one notation; see ``notation``.
"""

from __future__ import annotations

import math

import polars as pl

from src.core.errors import BadInput
from src.core.tables import DAILY_VALUES
from src.data.sources.files.fields.numbers.cells import (
    bare_number,
    is_blank,
    is_foreign,
    split_units,
)
from src.data.sources.files.fields.numbers.notation import (
    COMMA,
    POINT,
    VOLUME,
    Notation,
    decide_notation,
)


def parse_numbers(
    frame: pl.DataFrame, columns: list[str], delimiter: str
) -> tuple[pl.DataFrame, pl.Series | None]:
    """The frame with ``columns`` as floats, and per row the first cell that is not a number.

    The series ``invalid`` has that cell as ``name value``, null where all cells of a row are
    numbers or blank; there is none where all cells are. Infinity is not a number. The frame's
    columns of prices and volume, as text, show the notation; ``delimiter`` separates the file's
    cells, empty where they are not text.

    Raises:
        BadInput: where the notation cannot be decided, and for prices in another currency.
    """
    numbers = frame.select(pl.col(columns).cast(pl.Float64, strict=False))
    if all(_is_plain(frame[name], numbers[name]) for name in columns) and delimiter != ";":
        return frame.with_columns(numbers), None
    notation = _notation(frame, columns, numbers, delimiter)
    invalid_cells = []
    floats = []
    for name in columns:
        text, number = frame[name], numbers[name]
        if notation == "point" and _is_plain(text, number):
            floats.append(number)
            continue
        number = _read(text, number, notation)
        blank = is_blank(text) | number.is_nan().fill_null(value=False)
        is_finite = number.is_finite().fill_null(value=False)
        invalid = ~blank & ~is_finite
        floats.append(_set_null(number, blank | invalid))
        if invalid.any():
            invalid_cells.append(_named_cells(text, invalid))
    parsed = frame.with_columns(floats)
    if not invalid_cells:
        return parsed, None
    first = pl.DataFrame(invalid_cells).select(pl.coalesce(pl.all())).to_series()
    return parsed, first.alias("invalid")


def _is_plain(text: pl.Series, number: pl.Series) -> bool:
    """Whether every cell is empty or a finite number as it stands."""
    # A sum is finite only where every number is.
    return math.isfinite(number.sum()) and number.null_count() == text.null_count()


def _notation(
    frame: pl.DataFrame, columns: list[str], numbers: pl.DataFrame, delimiter: str
) -> Notation:
    odd = [frame[name].filter(numbers[name].is_null()) for name in columns]
    _refuse_foreign(frame, odd)
    # Whatever can only have a decimal comma is no number as it stands, and has one of these.
    has_marks = any(text.str.contains(r",|\..*\.").any() for text in odd)
    if not has_marks and delimiter != ";":
        return "point"
    stated = [name for name in DAILY_VALUES if frame.schema.get(name) == pl.String]
    return decide_notation([frame[name] for name in stated or columns], delimiter)


def _refuse_foreign(frame: pl.DataFrame, odd: list[pl.Series]) -> None:
    for text in odd:
        foreign = text.filter(is_foreign(text))
        if foreign.len() * 2 > frame.height - frame[text.name].null_count():
            raise BadInput(
                f"its {text.name} column has {foreign[0]!r}, in another currency: give prices in "
                "the share's own currency, without a sign."
            )


def _read(text: pl.Series, number: pl.Series, notation: Notation) -> pl.Series:
    """The cells as numbers of the notation, null where they are none."""
    is_point = notation == "point"
    odd = text.is_not_null()
    if is_point:
        odd &= number.is_null()
    values = _values(text.filter(odd), is_point=is_point)
    kept = number if is_point else pl.repeat(None, text.len(), dtype=pl.Float64, eager=True)
    return kept.scatter(odd.arg_true(), values).alias(text.name)


def _values(text: pl.Series, *, is_point: bool) -> pl.Series:
    bare, units = bare_number(text), None
    if text.name == VOLUME:
        bare, units = split_units(bare)
    form, grouping = (POINT, "[, ']") if is_point else (COMMA, "[. ']")
    digits = bare.str.replace_all(grouping, "").str.replace(",", ".", literal=True)
    is_number = bare.str.contains(form).fill_null(value=False)
    values = _set_null(digits.cast(pl.Float64, strict=False), ~is_number)
    if units is None:
        return values
    whole = (values * units).round()  # 1.15M is exactly 1150000
    return whole.zip_with(units > 1, values)


def _set_null(number: pl.Series, where: pl.Series) -> pl.Series:
    return number.to_frame().select(pl.when(~where).then(pl.col(number.name))).to_series()


def _named_cells(text: pl.Series, invalid: pl.Series) -> pl.Series:
    cell = pl.format("{} {}", pl.lit(text.name), pl.col(text.name).str.slice(0, 40))
    named = pl.when(invalid).then(cell).alias(f"invalid_{text.name}")
    return text.to_frame().select(named).to_series()
