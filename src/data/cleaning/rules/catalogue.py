"""List the cleaning rules in the order in which they are applied.

The quarantine has each refused row under the name of the function that refused it.
"""

from __future__ import annotations

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
    partial_hour,
)

DAILY_RULES = (
    superseded_vintage,
    before_calendar,
    before_listing,
    before_first_price,
    null_bar,
    non_positive_price,
    absurd_price,
    impossible_bar,
    non_session,
    partial_bar,
    dead_stretch,
    flat_no_trade,
    unit_error,
    before_break,
    bad_adjusted_close,
)
HOURLY_RULES = (
    superseded_vintage,
    before_calendar,
    null_bar,
    non_positive_price,
    impossible_bar,
    non_session,
    outside_hours,
    partial_hour,
    unit_error,
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
