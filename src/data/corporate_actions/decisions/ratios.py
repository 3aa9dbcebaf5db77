"""Read the ratio that a person writes for a corporate action."""

from __future__ import annotations

import argparse
import re
from math import isfinite

from src.core.errors import UsageError
from src.data.corporate_actions.action import SHARE_KINDS

_PAIR = re.compile(r"(\d+(?:\.\d+)?)\s*[:/]\s*(\d+(?:\.\d+)?)")
_MEANING = "--ratio is shares after / before"


def ratio_text(text: str) -> str:
    """A number, or two of them as ``1:2``: an argument whose meaning depends on the kind."""
    if not _PAIR.fullmatch(text.strip()):
        try:
            float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a ratio such as 2, or 1:2 for a bonus"
            ) from None
    return text.strip()


def ratio_of(text: str, kind: str | None) -> float:
    """By what earlier prices are divided, from what ``ratio_text`` took.

    NSE's words have a bonus of a:b as a new shares for b held, which makes (a + b) / b. Of other
    kinds a pair has two readings.

    Raises:
        UsageError: it has two readings, or is a ratio that a bonus or split cannot have.
    """
    pair = _PAIR.fullmatch(text)
    if pair is None:
        ratio = float(text)
    elif kind == "bonus":
        ratio = _of_bonus(text, *map(float, pair.groups()))
    else:
        raise UsageError(_readings(text, kind, *map(float, pair.groups())))
    if kind == "bonus" and isfinite(ratio) and 0 < ratio <= 1:
        raise UsageError(
            f"A bonus leaves more shares than before, and a ratio of {ratio:g} does not: {_MEANING}"
            ", so a 1:1 bonus is 2 and a 1:2 bonus 1.5 (or write --ratio 1:1, 1:2)."
        )
    if kind in SHARE_KINDS and ratio == 1:
        raise UsageError(f"A {kind} of ratio 1 changes nothing: {_MEANING}.")
    return ratio


def _of_bonus(text: str, new: float, held: float) -> float:
    if not (new > 0 and held > 0):
        raise UsageError(f"A bonus of {text} cannot be: write new shares : shares held, as 1:2.")
    return (new + held) / held


def _readings(text: str, kind: str | None, first: float, second: float) -> str:
    if kind in SHARE_KINDS and first > 0 and second > 0:
        return (
            f"A {kind} of {text} may be read both ways: {_MEANING}, so write {second / first:g} if "
            f"{first:g} became {second:g}, or {first / second:g} if {second:g} became {first:g}."
        )
    if kind is None:
        return (
            f"{text} is understood for a bonus alone: say --kind bonus, or write the ratio as one "
            "number."
        )
    return (
        f"The ratio of {kind} is one number, not {text}: the value of a share before it over the "
        "value after it, such as 1.05."
    )
