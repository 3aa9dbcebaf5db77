"""Say that a forecast's target has passed, or that the clock is behind its prices."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
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
    context: RunContext, forecasts: Sequence[dict[str, Any]], *, live: bool
) -> list[str]:
    """Give each entry of ``forecasts`` its ``warnings``; returns each warning once.

    A run that looks back has none: its targets have passed, and its clock does not matter.
    """
    closed = context.calendar.last_closed(context.now)
    newest = _sessions_not_closed(context, forecasts, closed) if live else {}
    for forecast in forecasts:
        ticker, target = forecast["ticker"], dt.date.fromisoformat(forecast["target_date"])
        found = (
            clock_warning(ticker, newest.get(ticker, closed), closed),
            target_warning(target, closed, "bring in newer prices"),
        )
        forecast["warnings"] = [warning for warning in found if warning is not None and live]
    return list(dict.fromkeys(w for forecast in forecasts for w in forecast["warnings"]))


def _sessions_not_closed(
    context: RunContext, forecasts: Sequence[Mapping[str, Any]], closed: dt.date
) -> dict[str, dt.date]:
    """By ticker the newest stored session, where by the clock it has not closed yet.

    A session that is open and was fetched before its close is no sign of a wrong clock. Cleaning
    refuses bars of sessions that have not closed by the clock, so the raw ones count.
    """
    from src.core.tables import INGEST_BATCHES, RAW_DAILY
    from src.data.history.raw_rows import load_raw

    tickers = sorted({forecast["ticker"] for forecast in forecasts})
    after = closed + dt.timedelta(days=1)
    raw = load_raw(context.store, RAW_DAILY, tickers, since=after).drop_nulls("close")
    if raw.is_empty():
        return {}
    batches = context.store.load(INGEST_BATCHES, raw["ticker"].unique().to_list())
    fetched = raw.join(batches.select("batch_id", "fetched_at"), on="batch_id").sort("date")
    newest = {}
    for ticker, day, fetched_at in fetched.select("ticker", "date", "fetched_at").iter_rows():
        if context.calendar.is_session(day):
            hours = context.calendar.hours(day)
            if hours.opens > context.now or fetched_at >= hours.closes:
                newest[ticker] = day
    return newest
