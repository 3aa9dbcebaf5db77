"""Strip written numbers of what is around their digits: signs of rupees, units, odd spaces."""

from __future__ import annotations

import polars as pl

BLANKS = (
    *("null", "nan", "na", "n/a", "n.a", "n.a.", "nil", "none", "<na>", "nat"),
    *("#n/a", "#na", "#n/a n/a", "-", "--", "—", "–"),
)
_UNITS = {
    **dict.fromkeys(("k", "thousand"), 1e3),
    **dict.fromkeys(("l", "lac", "lacs", "lakh", "lakhs"), 1e5),
    **dict.fromkeys(("m", "mn", "mln", "million"), 1e6),
    **dict.fromkeys(("cr", "crs", "crore", "crores"), 1e7),
    **dict.fromkeys(("b", "bn", "billion"), 1e9),
}
_UNIT = rf"(?i)^(.*\d[.,]?)\s*({'|'.join(sorted(_UNITS, key=len, reverse=True))})\.?$"
_RUPEES_BEFORE = r"(?i)^([+-]?)\s*(?:₹|rs\.?|inr)\s*"
_RUPEES_AFTER = r"(?i)(\d)\s*(?:₹|rs\.?|inr|/-)$"
_FOREIGN = r"[$€£¥]|(?i:\b(?:usd|eur|gbp|jpy)\b)"


def is_blank(text: pl.Series) -> pl.Series:
    """Whether a cell is empty or one of the words for no value."""
    return text.is_null() | text.str.to_lowercase().is_in(list(BLANKS)).fill_null(value=False)


def is_foreign(text: pl.Series) -> pl.Series:
    """Whether a cell has the sign of a currency other than the rupee."""
    return text.str.contains(_FOREIGN).fill_null(value=False)


def bare_number(text: pl.Series) -> pl.Series:
    """The digits with their signs and separators: ``(₹ 1 234.50)`` becomes -1 234.50."""
    return (
        text.str.replace_all(r"[\u00a0\u2000-\u200a\u202f]", " ")
        .str.replace_all("[’‘ʼ`´]", "'")
        .str.replace(r"^[−–]", "-")
        .str.replace(r'^=?"(.*)"$', "$1")
        .str.replace(r"^'", "")
        .str.replace(r"^\((.*)\)$", "-$1")
        .str.replace(_RUPEES_BEFORE, "$1")
        .str.replace(_RUPEES_AFTER, "$1")
        .str.strip_chars()
    )


def split_units(text: pl.Series) -> tuple[pl.Series, pl.Series]:
    """The numbers without units such as K, M, Cr and lakh, and how many each unit is, else 1."""
    parts = text.str.extract_groups(_UNIT).struct.unnest()
    number, unit = parts.get_columns()
    many = unit.str.to_lowercase().replace_strict(_UNITS, default=1.0, return_dtype=pl.Float64)
    return pl.select(pl.coalesce(number, text)).to_series().alias(text.name), many
