"""A corporate action of one share: its kind, its ex-date, and what it does to count and price."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Literal

from src.core.errors import ForecastError

# An ``event`` is a scheme of arrangement, a capital reduction or an amalgamation; what is
# ``unclear`` was stated in words that nobody understood, and changes nothing.
Kind = Literal["split", "bonus", "dividend", "rights", "demerger", "event", "unclear"]

SHARE_KINDS = ("split", "bonus")
# What these take from the price does not follow from counting shares: they are applied only with a
# ratio that a person accepted.
VALUE_KINDS = ("rights", "demerger", "event")
# Kinds after which the price cannot be compared with the price before.
PRICE_KINDS = (*SHARE_KINDS, *VALUE_KINDS)


class BadAction(ForecastError):
    """A corporate action has an impossible ratio or amount."""

    def __init__(self, action: Action, reason: str) -> None:
        super().__init__(f"The {action.kind} of {action.date} cannot be applied: {reason}.")


@dataclass(frozen=True, slots=True)
class Action:
    """A corporate action on its ex-date.

    Attributes:
        ratio: By what earlier prices are divided. Of a split or bonus, shares after / before: 2.0
            for a 1:1 bonus. Of ``VALUE_KINDS``, the value of a share before / after; None where
            nobody has said it.
        amount: Dividend as paid for a share held the evening before: with a split on the same
            date, a share of the old count (TCS on 2018-05-31: 29 rupees and a 1:1 bonus).

    Raises:
        BadAction: a ratio that is not finite and above zero, an amount below zero or not finite.
    """

    date: dt.date
    kind: Kind
    ratio: float | None = None
    amount: float | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.divisor) and self.divisor > 0):
            raise BadAction(self, f"its ratio must be a number above zero, not {self.ratio}")
        if not (math.isfinite(self.cash) and self.cash >= 0):
            raise BadAction(self, f"its amount must be zero or more, not {self.amount}")

    @property
    def divisor(self) -> float:
        """By what prices before it are divided: 1 for a dividend, and where nobody has said."""
        if self.kind in VALUE_KINDS and self.ratio is not None:
            return self.ratio
        return self.shares

    @property
    def shares(self) -> float:
        """Shares that one share becomes: the volume before it is multiplied by that."""
        if self.kind not in SHARE_KINDS:
            return 1.0
        return math.nan if self.ratio is None else self.ratio

    @property
    def cash(self) -> float:
        """Money that a share pays out; 0 for everything but a dividend."""
        if self.kind != "dividend":
            return 0.0
        return math.nan if self.amount is None else self.amount
