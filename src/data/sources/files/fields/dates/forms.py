"""The forms in which dates and times are written, and the times that their parts are."""

from __future__ import annotations

import polars as pl

OLDEST_YEAR = 1980
_WEEKDAY = r"^(?:(?i:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,? +)?"
_MONTH = (
    r"(?<name>(?i:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?))\.?"
)
_DAY = r"(?<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?<year>\d{4}|\d{2})"
_CLOCK = (
    r"(?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2})(?:[.,:](?<fraction>\d{1,9}))?)?"
    r"(?: ?(?<half>[AaPp]\.?[Mm]\.?))?"
)
_ZONE = r"Z|IST|(?:UTC|GMT)?[+-](?:\d{4}|\d{1,2}:\d{2}|\d{1,2})|UTC|GMT"
_OFFSET = rf"(?: ?(?<offset>{_ZONE}))?(?: \([A-Za-z ]+\))?"
# A midnight before the time is the date's own, where the time has a column for itself.
_TIME = rf"(?:[T ]00:00:00)?(?:(?:[T, ]+{_CLOCK}|[T ]+(?<compact>\d{{1,6}})){_OFFSET})?$"
_EIGHT = r"^(?<year>(?:19|20)\d{2})(?<month>[01]\d)(?<day>[0-3]\d)"
_YEAR_FIRST = r"(?<year>\d{4})[-/.](?<month>\d{1,2})[-/.](?<day>\d{1,2})"
_NUMBERS = r"(?<first>\d{1,2})[-/.] ?(?<other>\d{1,2})[-/.] ?(?<last>\d{4}|\d{2})"
FORMS: dict[str, str] = {
    "year first": rf"{_WEEKDAY}{_YEAR_FIRST}{_TIME}",
    "numbers": rf"{_WEEKDAY}{_NUMBERS}{_TIME}",
    "month name": rf"{_WEEKDAY}{_DAY}[-/., ]*{_MONTH}[-/,' ]*{_YEAR}{_TIME}",
    "month name first": rf"{_WEEKDAY}{_MONTH}[-/ ]*{_DAY}[-/, ]+{_YEAR}{_TIME}",
    "month name second": rf"^(?<year>\d{{4}})[-/ ]{_MONTH}[-/ ]{_DAY}{_TIME}",
    "year last": rf"{_WEEKDAY}{_MONTH} +{_DAY} {_CLOCK}{_OFFSET} (?<year>\d{{4}})$",
    "eight digits": rf"{_EIGHT}{_TIME}",
    "fourteen digits": rf"{_EIGHT}(?<hour>[0-2]\d)(?<minute>[0-5]\d)(?<second>[0-5]\d)?$",
    "epoch": r"^(?<epoch>\d{9,10}|\d{12,13}|\d{15,16}|\d{18,19})(?:\.\d+)?$",
}
_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: str(number) for number, name in enumerate(_NAMES, start=1)}
_TIME_PARTS = ("hour", "minute", "second", "fraction")
# Digits of an epoch: its unit, and how many units are a microsecond or how many of those it is.
_EPOCH_MICROSECONDS = {10: 1_000_000.0, 13: 1_000.0, 16: 1.0, 19: 0.001}


def most_common_form(at: pl.Series) -> tuple[str, pl.DataFrame]:
    """The form of most rows and the parts it finds in each; empty when no row has any."""
    best, best_parts, most = "", pl.DataFrame(), 0
    for form, pattern in FORMS.items():
        parts = at.str.extract_groups(pattern).struct.unnest()
        matched = parts.height - parts[:, 0].null_count() if parts.width else 0
        if matched > most:
            best, best_parts, most = form, parts, matched
        if matched * 2 > at.len():
            break
    return best, best_parts


def full_year(year: pl.Expr, latest_year: int) -> pl.Expr:
    """A year of two digits as the latest such year up to ``latest_year``."""
    number = year.cast(pl.Int32)
    ending = pl.lit(latest_year) - (pl.lit(latest_year) - number) % 100
    return pl.when(year.str.len_chars() <= 2).then(ending).otherwise(number)


def wall_times(parts: pl.DataFrame, latest_year: int) -> pl.DataFrame:
    """``wall`` (naive, null for a time that does not exist) and ``offset`` in minutes of each row.

    Epochs are in UTC.
    """
    if "epoch" in parts.columns:
        return parts.select(wall=_epoch(), offset=pl.when(pl.col("epoch").is_not_null()).then(0))
    if "name" in parts.columns:
        short = pl.col("name").str.slice(0, 3).str.to_lowercase()
        months = short.replace_strict(_MONTHS, default=None, return_dtype=pl.String)
        parts = parts.with_columns(month=months)
    optional = (*_TIME_PARTS, "offset", "half", "compact")
    missing = [name for name in optional if name not in parts.columns]
    parts = parts.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in missing)
    parts = _with_compact(parts.with_columns(year=full_year(pl.col("year"), latest_year)))
    parts = parts.with_columns(hour=_hour(), offset=_offset())
    filled = parts.with_columns(pl.col(_TIME_PARTS).fill_null("0"))
    text = pl.format("{}-{}-{} {}:{}:{}.{}", "year", "month", "day", *_TIME_PARTS)
    form = "%Y-%m-%d %H:%M:%S%.f"
    return filled.select("offset", wall=text.str.to_datetime(form, time_unit="us", strict=False))


def _epoch() -> pl.Expr:
    digits = pl.col("epoch").str.len_chars()
    number = pl.col("epoch").cast(pl.Int64)
    unit = pl.when(digits <= 10).then(10).when(digits <= 13).then(13).when(digits <= 16).then(16)
    scale = unit.otherwise(19).replace_strict(_EPOCH_MICROSECONDS, return_dtype=pl.Float64)
    whole = pl.when(scale >= 1).then(number * scale.cast(pl.Int64)).otherwise(number // 1000)
    return whole.cast(pl.Datetime("us"))


def _with_compact(parts: pl.DataFrame) -> pl.DataFrame:
    """The parts of times such as 915 and 093000, of which a file has hours and minutes or all."""
    length = parts["compact"].str.len_chars().max()
    if not isinstance(length, int):
        return parts
    compact = pl.col("compact")
    if length <= 2:  # 9 can be an hour or a second
        parts = parts.with_columns(month=pl.when(~compact.str.contains("[1-9]")).then("month"))
    digits = compact.str.zfill(4 if length <= 4 else 6)
    seconds = pl.lit("0") if length <= 4 else digits.str.slice(4, 2)
    return parts.with_columns(
        hour=digits.str.slice(0, 2), minute=digits.str.slice(2, 2), second=seconds
    )


def _hour() -> pl.Expr:
    """The hour of the day as text; 12 AM is 0, and 3 PM is 15."""
    hour = pl.col("hour").cast(pl.Int32)
    is_afternoon = pl.col("half").str.to_lowercase().str.starts_with("p")
    midnight = (hour == 12) & ~is_afternoon
    of_day = pl.when(midnight).then(0).when((hour < 12) & is_afternoon).then(hour + 12)
    return of_day.otherwise(hour).cast(pl.String)


def _offset() -> pl.Expr:
    text = pl.col("offset").str.replace("^(?:UTC|GMT)", "")
    hours, minutes = (
        text.str.extract(r"(\d{1,2}?):?(\d{2})?$", part).cast(pl.Int32) for part in (1, 2)
    )
    sign = pl.when(text.str.starts_with("-")).then(-1).otherwise(1)
    stated = sign * (hours * 60 + minutes.fill_null(0))
    is_utc = text.is_in(["", "Z"])
    total = pl.when(is_utc).then(0).when(text == "IST").then(330).otherwise(stated)
    return pl.when(text.is_not_null()).then(total).cast(pl.Int32)
