"""Say that a forecast's target has passed, or that the clock is behind its prices."""

from __future__ import annotations

import datetime as dt


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
