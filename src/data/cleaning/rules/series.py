"""Rules about a bar and the bars around it (see ``engine``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from src.core.tables import OHLC
from src.data.cleaning.rules.engine import is_untraded, reasons
from src.data.cleaning.rules.unit_errors import leaping_series, unit_errors
from src.data.history.vintage import is_newest_vintage

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar

# No dividend is a third of the price and reversed the day after.
ADJ_CLOSE_TOLERANCE = 1.5
# A month of sessions without a trade: suspended, or not listed yet.
DEAD_SESSIONS = 20
# After such a stretch the price may be another company's, capital or unit.
INCOMPARABLE = 3.0


def superseded_vintage(bars: pl.DataFrame, _calendar: Calendar) -> pl.Series:
    """Rows on another price basis than the newest delivery, or of an older ``total`` vintage."""
    reason = "not in the newest delivery, whose prices are on another level"
    return reasons(bars, ~is_newest_vintage().over("series"), reason)


def before_first_price(bars: pl.DataFrame, _calendar: Calendar) -> pl.Series:
    """Rows without any price at the start of the series: the days before the listing, filled."""
    is_blank = pl.all_horizontal(pl.col(name).fill_null(0) == 0 for name in OHLC)
    is_first = is_blank.cum_min().over("series")
    return reasons(bars, is_first, "no price yet: zeros from before the listing")


def dead_stretch(bars: pl.DataFrame, _calendar: Calendar) -> pl.Series:
    """Rows of a run of ``DEAD_SESSIONS`` or more flat bars without volume: nothing traded."""
    run = pl.struct("series", is_untraded()).rle_id()
    is_dead = is_untraded() & (pl.len().over(run) >= DEAD_SESSIONS)
    return reasons(bars, is_dead, f"{DEAD_SESSIONS} or more flat bars with no volume in a row")


def before_break(bars: pl.DataFrame, calendar: Calendar) -> pl.Series:
    """Rows before a dead stretch after which the price cannot be compared.

    A dead stretch is ``DEAD_SESSIONS`` without a bar. Where the price is more than
    ``INCOMPARABLE`` times the one before, or less than its inverse, something else traded under
    the same name.
    """
    ids = pl.Series("id", calendar.session_ids(bars["date"].to_numpy()), dtype=pl.Int64)
    level, row = pl.col("level"), pl.int_range(pl.len())
    moves = bars.select("series", "level", ids, row=row).with_columns(
        gap=pl.col("id").diff().over("series"),
        ratio=(level / level.shift(1)).over("series"),
    )
    is_leap = (pl.col("ratio") > INCOMPARABLE) | (pl.col("ratio") < 1 / INCOMPARABLE)
    breaks = moves.filter(pl.col("gap") > DEAD_SESSIONS, is_leap)
    if breaks.is_empty():
        return reasons(bars, pl.lit(value=False), "")
    texts = pl.Series("reason", map(_break_reason, breaks["ratio"]), dtype=pl.String)
    last = breaks.select("series", texts, last="row").unique("series", keep="last")
    joined = moves.join(last, on="series", how="left", maintain_order="left")
    return joined.select(pl.when(pl.col("row") < pl.col("last")).then("reason"))["reason"]


def _break_reason(ratio: float) -> str:
    return f"nothing traded for a long time after it, then at {ratio:.3g} times its price"


def unit_error(bars: pl.DataFrame, _calendar: Calendar) -> pl.Series:
    """A bar with a price in another unit: a hundred times too large or too small."""
    is_wrong = np.zeros(bars.height, dtype=bool)
    for start, end in leaping_series(bars):
        is_wrong[start:end] = unit_errors(bars[start:end])
    wrong = pl.Series(is_wrong, dtype=pl.Boolean)
    return reasons(bars, pl.lit(wrong), "a price in another unit: about 100 times off")


def bad_adjusted_close(bars: pl.DataFrame, _calendar: Calendar) -> pl.Series:
    """An adjusted close that is missing among others, or jumps away from the close and back.

    adj_close / close moves at a dividend and stays there: a ratio far from that of the bar before
    and of the bar after, on the same side, is an error of that one row. A series of which most
    bars have none is one without adjusted closes.
    """
    ratio = pl.col("adj_close") / pl.col("close")
    before = ratio.shift(1).fill_null(ratio.shift(-1))
    after = ratio.shift(-1).fill_null(ratio.shift(1))
    is_above = ratio > ADJ_CLOSE_TOLERANCE * pl.max_horizontal(before, after)
    is_below = ratio * ADJ_CLOSE_TOLERANCE < pl.min_horizontal(before, after)
    is_missing = pl.col("adj_close").is_null() | (pl.col("adj_close") <= 0)
    has_adjusted = pl.col("adj_close").null_count() * 2 <= pl.len()
    is_bad = has_adjusted & (is_missing | (is_above | is_below).fill_null(value=False))
    reason = "the adjusted close is missing or does not belong to the close"
    return reasons(bars, is_bad.over("series"), reason)
