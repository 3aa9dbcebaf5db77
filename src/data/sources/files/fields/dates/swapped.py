"""Recognise dates of which a spreadsheet has swapped day and month.

A program that takes 03/11/2024 for the third month makes 2024-03-11 of it, and leaves 13/11/2024 as
it is. Such a column is in order, or on sessions, only when the swap is undone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from src.core.errors import BadInput
from src.data.sources.files.fields.dates.forms import FORMS
from src.data.sources.files.fields.dates.order import (
    CLOSE_DAYS,
    are_close_sessions,
    distinct_days,
)

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar

# Rows, which are decades of a share: a file of a whole market is not slowed down.
_SAMPLE = 50_000
_FEWER = 4
_ENOUGH_DATES = 10
_MOST, _NEARLY_ALL = 0.95, 0.99


def refuse_swapped(wall: pl.Series, column: str, calendar: Calendar) -> None:
    """Refuse year-first dates that make sense only with day and month swapped; raises BadInput."""
    if _are_plain(wall, calendar):
        return
    written = wall.head(_SAMPLE).drop_nulls().dt.date()
    written = written.filter((written != written.shift(1)).fill_null(value=True)).alias("day")
    undone = _undone(written)
    if written.equals(undone) or not _are_better(written, undone, calendar):
        return
    changed = (written != undone).arg_true()[0]
    raise BadInput(
        f"its {column} column has day and month swapped, as spreadsheets do: {written[changed]} "
        f"stands for {undone[changed]}: write the dates of the original file as YYYY-MM-DD."
    )


def _are_plain(wall: pl.Series, calendar: Calendar) -> bool:
    """Whether the dates are in order, close to each other and on sessions, as in most files.

    Then nothing is better with the swap undone; see ``_are_better``.
    """
    times = wall.head(_SAMPLE).to_numpy()
    steps = np.diff(times[~np.isnat(times)].astype("datetime64[D]")).astype(np.int64)
    distinct = distinct_days(times)
    if min((steps < 0).sum(), (steps > 0).sum()) >= 2 or not distinct.size:
        return False
    if (np.diff(distinct).astype(np.int64) > CLOSE_DAYS).any():
        return False
    covered = distinct[distinct >= np.datetime64(calendar.covered_from, "D")]
    on_sessions = (calendar.session_ids(covered) >= 0).mean() if covered.size else 1.0
    return bool(distinct.size < _ENOUGH_DATES or on_sessions >= _MOST)


def _undone(written: pl.Series) -> pl.Series:
    day = pl.col("day")
    swapped = pl.date(
        day.dt.year(), day.dt.day().clip(1, 12), pl.min_horizontal(day.dt.month(), 12)
    )
    can_be = day.dt.day() <= 12
    return written.to_frame().select(pl.when(can_be).then(swapped).otherwise(day)).to_series()


def _are_better(written: pl.Series, undone: pl.Series, calendar: Calendar) -> bool:
    """Whether the dates are in order, or on sessions, only when the swap is undone."""
    breaks, remaining = _breaks(written), _breaks(undone)
    if breaks >= 2 and remaining * _FEWER <= breaks:
        return True
    if remaining == 0 and are_close_sessions(undone, calendar, 2):
        return not _is_close(written)
    if written.n_unique() < _ENOUGH_DATES:
        return False
    return _share(written, calendar) < _MOST and _share(undone, calendar) >= _NEARLY_ALL


def _breaks(days: pl.Series) -> int:
    """How often the order turns, in the direction that most rows have."""
    steps = days.diff().drop_nulls().dt.total_days()
    return min(int((steps < 0).sum()), int((steps > 0).sum()))


def _is_close(days: pl.Series) -> bool:
    gaps = days.unique().sort().diff().drop_nulls().dt.total_days()
    return bool((gaps <= CLOSE_DAYS).all())


def _share(days: pl.Series, calendar: Calendar) -> float:
    covered = days.filter(days >= calendar.covered_from).unique().to_numpy()
    return float((calendar.session_ids(covered) >= 0).mean()) if covered.size else 1.0


def half_swapped(at: pl.Series) -> tuple[str, str] | None:
    """A text that was left and a date that was swapped, of a column with both kinds alone."""
    dates = at.str.extract_groups(FORMS["year first"]).struct.unnest()
    texts = at.str.extract_groups(FORMS["numbers"]).struct.unnest()
    is_date, is_text = dates["year"].is_not_null(), texts["first"].is_not_null()
    if not (is_date.any() and is_text.any() and (is_date | is_text | at.is_null()).all()):
        return None
    numbers = texts.filter(is_text).select(pl.col("first", "other").cast(pl.Int32))
    days = dates.filter(is_date)["day"].cast(pl.Int32)
    if (numbers.max_horizontal() > 12).all() and (days <= 12).all():
        return at.filter(is_text)[0], at.filter(is_date)[0]
    return None
