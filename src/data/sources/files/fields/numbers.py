"""Numbers: columns of written numbers come in, floats and the rows that hold none go out; pure."""

from __future__ import annotations

import polars as pl

_BLANKS = ("null", "nan", "na", "n/a", "#n/a", "none", "-", "--")
# Western and Indian grouping (1,234,567 and 12,34,567), never a decimal comma such as 3748,35.
_GROUPED = r"^[+-]?\d{1,3}(,\d{2,3})*,\d{3}(\.\d*)?$"


def read_numbers(frame: pl.DataFrame, columns: list[str]) -> tuple[pl.DataFrame, pl.Series]:
    """The frame with ``columns`` as floats, and per row the first cell that is no number.

    That text is ``name value``, null where all cells are numbers or blank. Infinity is no number.
    """
    wrong = []
    floats = []
    for name in columns:
        text = frame[name]
        number = text.cast(pl.Float64, strict=False)
        if number.null_count() != text.null_count():
            number = _grouped(text, number)
        blank = text.is_null() | number.is_nan().fill_null(value=False)
        if number.null_count() + int(number.is_infinite().sum() or 0) > int(text.null_count()):
            blank = blank | text.str.to_lowercase().is_in(_BLANKS).fill_null(value=False)
        bad = ~blank & (number.is_null() | number.is_infinite().fill_null(value=False))
        floats.append(_nulled(number, blank | bad))
        if bad.any():
            wrong.append(_named(text, bad))
    first = pl.DataFrame(wrong).select(pl.coalesce(pl.all())).to_series() if wrong else None
    if first is None:
        first = pl.Series("wrong", [None], dtype=pl.String).new_from_index(0, frame.height)
    return frame.with_columns(floats), first.alias("wrong")


def _grouped(text: pl.Series, number: pl.Series) -> pl.Series:
    grouped = text.str.contains(_GROUPED).fill_null(value=False)
    plain = text.str.replace_all(",", "", literal=True).cast(pl.Float64, strict=False)
    return plain.zip_with(grouped, number).alias(text.name)


def _nulled(number: pl.Series, where: pl.Series) -> pl.Series:
    return number.to_frame().select(pl.when(~where).then(pl.col(number.name))).to_series()


def _named(text: pl.Series, bad: pl.Series) -> pl.Series:
    shown = pl.format("{} {}", pl.lit(text.name), pl.col(text.name).str.slice(0, 40))
    return text.to_frame().select(pl.when(bad).then(shown).alias(f"wrong_{text.name}")).to_series()
