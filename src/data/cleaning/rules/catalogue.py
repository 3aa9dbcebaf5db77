"""List the cleaning rules in the order in which they are applied."""

from __future__ import annotations

from src.data.cleaning.rules.engine import Rule
from src.data.cleaning.rules.series import (
    bad_adjusted_close,
    before_break,
    before_first_price,
    dead_stretch,
    superseded_vintage,
    unit_error,
)
from src.data.cleaning.rules.single_bar import (
    absurd_price,
    before_calendar,
    before_listing,
    flat_no_trade,
    impossible_bar,
    non_positive_price,
    non_session,
    null_bar,
    outside_hours,
    partial_bar,
)

DAILY_RULES = (
    Rule("superseded_vintage", superseded_vintage),
    Rule("before_calendar", before_calendar),
    Rule("before_listing", before_listing),
    Rule("before_first_price", before_first_price),
    Rule("null_bar", null_bar),
    Rule("non_positive_price", non_positive_price),
    Rule("absurd_price", absurd_price),
    Rule("impossible_bar", impossible_bar),
    Rule("non_session", non_session),
    Rule("partial_bar", partial_bar),
    Rule("dead_stretch", dead_stretch),
    Rule("flat_no_trade", flat_no_trade),
    Rule("unit_error", unit_error),
    Rule("before_break", before_break),
    Rule("bad_adjusted_close", bad_adjusted_close),
)
HOURLY_RULES = (
    Rule("superseded_vintage", superseded_vintage),
    Rule("before_calendar", before_calendar),
    Rule("null_bar", null_bar),
    Rule("non_positive_price", non_positive_price),
    Rule("impossible_bar", impossible_bar),
    Rule("non_session", non_session),
    Rule("outside_hours", outside_hours),
    Rule("unit_error", unit_error),
)

# A row that one of these refuses stands for a session whose true bar another source may have.
BROKEN = (
    "null_bar",
    "non_positive_price",
    "absurd_price",
    "impossible_bar",
    "dead_stretch",
    "flat_no_trade",
    "unit_error",
    "bad_adjusted_close",
)
