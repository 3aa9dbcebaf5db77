"""Say that a forecast's target has passed, or that the clock is behind its prices."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from src.stages.stage import RunContext


def clock_warning(ticker: str, feature_date: dt.date, last_closed: dt.date) -> str | None:
    """A sentence where the newest price is of a session that the clock says has not closed yet.

    Args:
        ticker: Whose price.
        feature_date: Its session.
        last_closed: The last session that has closed by the clock.
    """
    if feature_date <= last_closed:
        return None
    return (
        f"The newest price of {ticker} is the close of {feature_date}, but by the clock the last "
        f"session that closed is {last_closed}: correct the clock, or unset FORECAST_NOW."
    )


def target_warning(target_date: dt.date, last_closed: dt.date, advice: str) -> str | None:
    """A sentence where the session that a forecast is about has closed by the clock.

    Args:
        target_date: That session.
        last_closed: The last session that has closed by the clock.
        advice: What to do, the end of the sentence.
    """
    if target_date > last_closed:
        return None
    return f"This forecast is about {target_date}, a session that has closed already: {advice}."


def add_date_warnings(
    context: RunContext, ticker: str, forecasts: Sequence[dict[str, Any]], *, live: bool
) -> list[str]:
    """Give each entry of ``forecasts`` its ``warnings``; returns each warning once.

    A run that looks back has none: its targets have passed, and its clock does not matter.
    """
    closed = context.calendar.last_closed(context.now)
    newest = _newest_complete_session(context, ticker)
    clock = clock_warning(ticker, newest, closed) if newest else None
    for forecast in forecasts:
        target = dt.date.fromisoformat(forecast["target_date"])
        found = (clock, target_warning(target, closed, "bring in newer prices"))
        forecast["warnings"] = [warning for warning in found if warning is not None and live]
    return list(dict.fromkeys(w for forecast in forecasts for w in forecast["warnings"]))


def _newest_complete_session(context: RunContext, ticker: str) -> dt.date | None:
    """The newest stored session; none while it is open and was fetched before its close.

    Cleaning refuses bars of sessions that have not closed by the clock, so the raw ones count.
    """
    from src.core.tables import INGEST_BATCHES, RAW_DAILY

    raw = context.store.load(RAW_DAILY, [ticker]).drop_nulls("close")
    batches = context.store.load(INGEST_BATCHES, [ticker]).select("batch_id", "fetched_at")
    newest = raw["date"].max()
    if not isinstance(newest, dt.date) or not context.calendar.is_session(newest):
        return None
    hours = context.calendar.hours(newest)
    fetched_at = raw.filter(date=newest).join(batches, on="batch_id")["fetched_at"].to_list()
    is_partial = hours.opens <= context.now and all(at < hours.closes for at in fetched_at)
    return None if is_partial else newest
