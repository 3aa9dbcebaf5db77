"""Put numbers, dates and verdicts into the words that every page uses."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

IST = ZoneInfo("Asia/Kolkata")
MINUS, NO_BREAK = "\N{MINUS SIGN}", "\N{NO-BREAK SPACE}"
# A symbol and a word for every verdict, so that none rests on its colour.
VERDICTS: Mapping[str, str] = {
    "better": "▲ better",
    "worse": "▼ worse",
    "undecided": "○ no edge",
    "none": "– too early",
}
# What headings of tables mean.
SKILL = "How much smaller the errors were than those of “no change”."
INDEPENDENT = (
    "How many of the outcomes do not overlap (n_eff): sessions divided by the sessions ahead."
)
ADVICE = "This is a forecast, not investment advice."


def number(value: float, digits: int = 2, *, indian: bool = False) -> str:
    """A number with separators for thousands, or for lakh and crore, and a true minus sign."""
    rounded = round(value, digits) + 0.0
    whole, _, decimals = f"{abs(rounded):.{digits}f}".partition(".")
    grouped = _indian(whole) if indian else f"{int(whole):,}"
    sign = MINUS if rounded < 0 else ""
    return f"{sign}{grouped}{'.' + decimals if decimals else ''}"


def _indian(whole: str) -> str:
    """Digits grouped as in 12,34,56,789."""
    head, tail = whole[:-3], whole[-3:]
    groups = []
    while head:
        groups.append(head[-2:])
        head = head[:-2]
    return ",".join([*reversed(groups), tail])


def price(value: float, *, indian: bool = False, digits: int = 2) -> str:
    """A price; with the rupee sign where digits are grouped in the Indian way."""
    return f"{'₹' if indian else ''}{number(value, digits, indian=indian)}"


def price_range(low: float, high: float, *, indian: bool = False) -> str:
    """Such as ``2,229.56 – 2,358.30``, with no more decimals than the width needs."""
    digits = price_digits(high - low)
    return (
        f"{price(low, indian=indian, digits=digits)} – {price(high, indian=indian, digits=digits)}"
    )


def price_digits(width: float) -> int:
    """The decimals of prices that lie so far apart: as many as tell them apart, at most 2."""
    return 2 if width < 100 else 1 if width < 1000 else 0


def percent(share: float | None, digits: int = 2, *, signed: bool = False) -> str:
    """A share as percent: ``−0.12 %``; ``–`` for none."""
    if share is None or not math.isfinite(share):
        return "–"
    text = number(100 * share, digits)
    plus = "+" if signed and not text.startswith(MINUS) and round(100 * share, digits) else ""
    return f"{plus}{text}{NO_BREAK}%"


def percent_range(
    low: float | None, high: float | None, digits: int = 2, *, signed: bool = True
) -> str:
    """Such as ``−2.70 to +4.80 %``; ``–`` where an end is not known."""
    if low is None or high is None:
        return "–"
    start = percent(low, digits, signed=signed).removesuffix(f"{NO_BREAK}%")
    return f"{start} to {percent(high, digits, signed=signed)}"


def periods(n_eff: float) -> str:
    """Outcomes that do not overlap; a decimal where there are few.

    Rounded down, since some conclusions ask for a whole number of them.
    """
    decimals = 0 if n_eff >= 100 else 1
    return number(math.floor(n_eff * 10**decimals) / 10**decimals, decimals)


def day(date: dt.date | str) -> str:
    """A session's date, such as ``Fri 17 Apr 2026``."""
    date = dt.date.fromisoformat(date) if isinstance(date, str) else date
    return f"{date:%a} {date.day} {date:%b %Y}"


def moment(at: dt.datetime | str | None) -> str:
    """A time in India, such as ``Fri 17 Apr 2026, 18:00 IST``; ``never`` for none."""
    if at is None:
        return "never"
    at = dt.datetime.fromisoformat(at) if isinstance(at, str) else at
    local = at.astimezone(IST)
    return f"{day(local.date())}, {local:%H:%M} IST"


def count(number_: int, one: str, many: str = "") -> str:
    """Such as ``1 session`` or ``2,000 sessions``."""
    return f"{number_:,}{NO_BREAK}{one if number_ == 1 else many or one + 's'}"


def ahead(sessions: int) -> str:
    """A horizon, such as ``1 session`` or ``63 sessions``."""
    return count(sessions, "session")


def model(name: str) -> str:
    """A model's name as a person would say it: ``no change`` for the baseline, ``rank tilt``."""
    return "no change" if name in ("", "zero") else name.replace("_", " ")


def plain(text: str) -> str:
    """Text that markdown shows as it is; what stands between backticks stays code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # one of them begins no code
        parts[-2:] = ["'".join(parts[-2:])]
    parts[::2] = [re.sub(r"([\\*_\[\]$:<>~])", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)


def of_ten(level: float) -> str:
    """A level as a frequency: .8 is ``8 in 10``, .95 ``19 in 20``."""
    tenths = round(level * 10, 6)
    if tenths == int(tenths):
        return f"{int(tenths)} in 10"
    return f"{round(level * 20)} in 20"


def interval_of(answer: Mapping[str, Any], level: float) -> Mapping[str, Any]:
    """The interval of an answer at a level.

    Raises:
        KeyError: It has none at that level.
    """
    for interval in answer["intervals"]:
        if math.isclose(interval["level"], level):
            found: Mapping[str, Any] = interval
            return found
    raise KeyError(level)


def duration(seconds: float | None) -> str:
    """Such as ``0.4 s``, ``32 s``, ``2 min 27 s`` or ``1 h 5 min``; ``–`` for none."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{seconds:.1f}{NO_BREAK}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}{NO_BREAK}s"
    if whole < 3600:
        return f"{whole // 60}{NO_BREAK}min {whole % 60}{NO_BREAK}s"
    return f"{whole // 3600:,}{NO_BREAK}h {whole % 3600 // 60}{NO_BREAK}min"
