"""Decide which clients of the API get the challenger's answer while a trial is running."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

from src.core.trials import TrialRefused

# What a client was answered with; the last where the challenger had no answer for it.
SERVED, CHALLENGER, FALLBACK = "served", "challenger", "fallback"
# Hexadecimal digits of a client's number: 52 bits, which a float holds exactly.
_DIGITS = 13


@dataclass(frozen=True)
class Assignment:
    """A client's place in the split of a trial.

    Attributes:
        client: SHA-256 of the trial's hash and the client, in hexadecimal digits: it tells clients
            apart within one trial, and not who they are.
        number: In [0, 1), spread evenly over clients.
    """

    client: str
    number: float


@dataclass(frozen=True)
class TrafficSplit:
    """The share of clients that the challenger of a running trial answers.

    Attributes:
        trial: Its hash; ``challenger`` is its name or digest.
        pool: Whose forecasts, at a ``horizon``.
        tickers: Empty for the whole pool.
        share: Above 0, at most 1.
    """

    trial: str
    pool: str
    horizon: str
    challenger: str
    tickers: frozenset[str]
    share: float

    def covers(self, ticker: str) -> bool:
        """Whether forecasts of a ticker of the pool are compared in the trial."""
        return not self.tickers or ticker in self.tickers

    def includes(self, assignment: Assignment) -> bool:
        """Whether the challenger answers a client.

        A client keeps its number, so that no client leaves the challenger when the share grows.
        """
        return assignment.number < self.share


def assign(trial: str, client: bytes) -> Assignment:
    """The place of a client in the split of a trial: the same in every process, at any time.

    Args:
        trial: The hash of the trial.
        client: What tells the client from others, such as ``b"id:shop-17"``.
    """
    digest = hashlib.sha256(trial.encode() + b"\n" + client).hexdigest()
    return Assignment(digest, int(digest[:_DIGITS], 16) / 16**_DIGITS)


def check_share(share: float) -> None:
    """Refuse what is not a share.

    Raises:
        TrialRefused: One sentence with the value.
    """
    if not (math.isfinite(share) and 0 <= share <= 1):
        raise TrialRefused(
            f"The share {share:g} is out of range: give a number from 0 (off) to 1, such as 0.1."
        )
