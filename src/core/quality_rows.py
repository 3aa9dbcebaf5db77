"""What the tables say about the quality of stored prices, as rows."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple


class Span(NamedTuple):
    """The clean bars of a ticker: their dates, how many, and how many of them are doubtful."""

    ticker: str
    first: dt.date
    newest: dt.date
    bars: int
    repaired: int
    pending: int


class Refusal(NamedTuple):
    """A daily row that was refused; ``day`` is text and may be no date."""

    ticker: str
    rule: str
    day: str


class Bar(NamedTuple):
    """A clean bar and the row of features of its session; the last two are None without one."""

    ticker: str
    date: dt.date
    open: float
    high: float
    low: float
    close: float
    volume: float
    source: str
    repaired_by: str | None
    action_pending: bool
    has_features: bool
    features_close: float | None
    warm_up: bool | None
    unknown_inputs: int


class NewestFeatures(NamedTuple):
    """The newest row of features, and how many of the configured ones are unknown in it."""

    ticker: str
    date: dt.date
    unknown: int


class Step(NamedTuple):
    """Two bars with none between them."""

    ticker: str
    before: dt.date
    after: dt.date
