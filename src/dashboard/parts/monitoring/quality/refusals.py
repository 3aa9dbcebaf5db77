"""Say in plain words why rows of prices were refused, wherever the rule is named."""

from __future__ import annotations

import re
from collections.abc import Mapping

RULES: Mapping[str, str] = {
    "absurd_price": "absurdly high price",
    "bad_adjusted_close": "wrong adjusted close",
    "before_break": "before a break in the prices",
    "before_calendar": "before the calendar begins",
    "before_first_price": "before the first price",
    "before_listing": "before the listing",
    "dead_stretch": "long stretch without trading",
    "duplicate_conflicting": "repeated with other numbers",
    "duplicate_identical": "repeated",
    "duplicate_of_bar": "other trades beside the session's bar",
    "duplicate_undecided": "one of several bars of a session",
    "flat_no_trade": "flat without trading",
    "impossible_bar": "impossible bar",
    "non_positive_price": "price not above zero",
    "non_session": "day without trading",
    "null_bar": "missing prices",
    "other_instrument": "not a share",
    "other_series": "another kind of share",
    "outside_hours": "outside trading hours",
    "partial_bar": "session not over yet",
    "partial_hour": "hour not over yet",
    "repeated_header": "header again",
    "superseded_vintage": "replaced by a later delivery",
    "unit_error": "price in another unit",
    "unreadable_date": "unreadable date",
    "future_bar": "later than the file",
    "unreadable_number": "unreadable number",
    "unreadable_symbol": "unreadable symbol",
    "wrong_cell_count": "wrong number of cells",
}
_NAMED = re.compile(rf"\b({'|'.join(RULES)})\b")


def name_of(rule: str) -> str:
    """A rule in plain words; by its own name where it has no others."""
    return RULES.get(rule, rule.replace("_", " "))


def in_plain_words(text: str) -> str:
    """A sentence in which each rule is named in plain words."""
    return _NAMED.sub(lambda found: f"“{RULES[found[1]]}”", text)
