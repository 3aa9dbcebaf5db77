"""The cleaning rules in the order in which they are applied; pure."""

from __future__ import annotations

import numpy as np

from src.data.cleaning.rules.engine import Rule, Sifted, sift
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

__all__ = [
    "DAILY_RULES",
    "HOURLY_RULES",
    "JUMP_DOWN",
    "JUMP_UP",
    "Rule",
    "Sifted",
    "bad_adjusted_close",
    "impossible_bar",
    "null_bar",
    "pending_jumps",
    "sift",
]

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

# A row refused by one of these stood for a session whose true bar another source may have.
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

# Beyond a move of this size in one session stands a corporate action or a rare event: a person
# decides which, and until then labels across it neither train nor score.
JUMP_DOWN, JUMP_UP = 0.6, 1 / 0.6


def pending_jumps(close: np.ndarray) -> np.ndarray:
    """Sessions whose close is beyond ``JUMP_DOWN .. JUMP_UP`` times the one before; bool (n,)."""
    jumped = np.zeros(close.size, dtype=bool)
    ratio = close[1:] / close[:-1]
    jumped[1:] = (ratio < JUMP_DOWN) | (ratio > JUMP_UP)
    return jumped
