"""Say on every page when forecasts are not to be trusted: sample, old, unhealthy, or none."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from src.core.calendars.exchanges import calendar_of, exchange_of
from src.dashboard import readers, wording
from src.db.pages import overview
from src.db.pages.overview import StoredTicker

SAMPLE = "sample"
RUNS = {
    "success": "it succeeded",
    "partial": "some stocks failed",
    "failed": "it failed",
    "interrupted": "it was interrupted",
}
EMPTY = (
    "**No forecasts yet.** No prices are stored. Run `make demo` for a look at synthetic ones in "
    "a minute, or bring in files of prices: "
    "`python -m mlops.pipeline --all --source csv --path FOLDER`. This page notices by itself."
)
SAMPLE_DATA = (
    "**Sample data.** These prices are made up so that you can look around. Nothing here is a "
    "forecast of a real share. Load real prices in Pipeline Control."
)


def ages(tickers: Sequence[StoredTicker]) -> list[int]:
    """Sessions that have closed since the newest features of each ticker."""
    now = readers.now()
    calendars = {ticker.ticker: calendar_of(exchange_of(ticker.ticker)) for ticker in tickers}
    closed = {calendar: calendar.last_closed(now) for calendar in set(calendars.values())}
    return [
        calendar.count(ticker.newest_session, closed[calendar])
        for ticker in tickers
        for calendar in [calendars[ticker.ticker]]
    ]


def real(tickers: Sequence[StoredTicker]) -> list[StoredTicker]:
    """Those whose prices are not made up."""
    return [ticker for ticker in tickers if ticker.source != SAMPLE]


def draw(tickers: Sequence[StoredTicker], critical: Sequence[str], chosen: str | None) -> None:
    """Draw what is to be said before everything else.

    Args:
        tickers: All that are stored.
        critical: What critical alerts say.
        chosen: The stock that is shown.
    """
    if critical:
        _unhealthy(critical)
    if not tickers:
        st.info(EMPTY, icon=":material/inbox:")
        return
    not_real = {ticker.ticker for ticker in tickers if ticker.source == SAMPLE}
    if not_real and len(not_real) == len(tickers):
        st.warning(SAMPLE_DATA, icon=":material/science:")
        return
    if chosen in not_real:
        st.warning(
            f"**{chosen} is sample data.** Its prices are made up so that you can look around: "
            "choose another stock for a forecast of a real share.",
            icon=":material/science:",
        )
    _stale(real(tickers))


def _unhealthy(critical: Sequence[str]) -> None:
    """What critical alerts say; sentences may hold signs of markdown."""
    sentences = " ".join(wording.plain(sentence) for sentence in critical)
    st.error(
        f"**Unhealthy.** {sentences} What to do stands in Monitoring.",
        icon=":material/emergency_home:",
    )


def _stale(tickers: Sequence[StoredTicker]) -> None:
    """How old prices are, where even the newest are old, and how the last try to get them went."""
    age = min(ages(tickers))
    if age < readers.settings().data.stale_after_sessions:
        return
    newest = wording.day(max(ticker.newest_session for ticker in tickers))
    closed = wording.count(age, "session")
    st.warning(
        f"**Prices are {closed} old.** The newest price is from {newest}; {closed} "
        f"{'has' if age == 1 else 'have'} closed since. The forecasts below were made from that "
        f"price. {_last_try()}Run the pipeline in Pipeline Control.",
        icon=":material/history:",
    )


def _last_try() -> str:
    last = readers.read_recent(overview.last_try)
    if last is None:
        return ""
    at, status, error = last
    why = f", because: {wording.plain(error.rstrip('.'))}" if error else ""
    return f"Last run: {wording.moment(at)}, {RUNS.get(status, status)}{why}. "
