"""Draw what all pages share: navigation, title, state of the data, the stock that is shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import streamlit as st

from src.core.calendars.exchanges import calendar_of, exchange_of
from src.core.errors import ForecastError
from src.dashboard import readers, theme, wording
from src.dashboard.login import access
from src.db.pages import overview
from src.db.pages.overview import StoredTicker

PAGES = "src/dashboard/pages"
SAMPLE = "sample"
# Seconds between looks at what has changed.
TICK = 4
INDIAN = "₹ 12,34,567"
NUMBERS = ("1,234,567", INDIAN)


@dataclass(frozen=True)
class PageTitle:
    """A page: its file, its name in the navigation, its icon, and the question it answers."""

    file: str
    name: str
    icon: str
    question: str


TITLES = (
    PageTitle("home", "Home", "home", "What is known today, and is everything working?"),
    PageTitle("predictions", "Predictions", "show_chart", "What could happen, and how sure is it?"),
    PageTitle("analytics", "Analytics", "analytics", "Have the forecasts earned trust?"),
    PageTitle("pipeline_control", "Pipeline Control", "account_tree", "What ran, and what to run?"),
    PageTitle("monitoring", "Monitoring", "monitor_heart", "What is wrong, and what to do?"),
)


@dataclass(frozen=True)
class Overview:
    """What is stored: tickers, when forecasts were made, how many alerts fire."""

    tickers: list[StoredTicker]
    made_at: str
    alerts: int
    version: int


def run() -> None:
    """Draw the page that was asked for."""
    st.set_page_config(page_title="tcsns-forecast", page_icon="📈", layout="wide")
    pages = {
        st.Page(
            f"{PAGES}/{title.file}.py",
            title=title.name,
            icon=f":material/{title.icon}:",
            url_path=None if title.file == "home" else title.file,
            default=title.file == "home",
        ): title
        for title in TITLES
    }
    page = st.navigation(list(pages), position="top")
    title = pages[page]
    with st.container(horizontal=True, vertical_alignment="center", key="head"):
        st.title(title.name, anchor=False)
        access.draw()
    st.markdown(f":gray[{title.question}]")
    try:
        state = _overview()
    except ForecastError as error:
        st.error(str(error), icon=":material/database_off:")
        _wait_for_the_database()
        return
    _banner(state)
    _badges(state.version)
    _choosers(state)
    page.run()
    st.markdown(f":small[:gray[{wording.ADVICE}]]")


def stock() -> str | None:
    """The ticker that was chosen; None before anything is stored."""
    chosen = st.session_state.get("stock")
    return str(chosen) if chosen else None


def indian() -> bool:
    """Whether prices are written in rupees, lakh and crore."""
    return bool(st.session_state.get("numbers") == INDIAN)


def stored() -> list[StoredTicker]:
    """Every stored ticker with features."""
    return readers.read(overview.stored_tickers)


def age_in_sessions(ticker: StoredTicker) -> int:
    """Sessions that have closed since the newest features of a ticker."""
    calendar = calendar_of(exchange_of(ticker.ticker))
    return calendar.count(ticker.newest_session, calendar.last_closed(readers.now()))


@contextmanager
def block(thing: str) -> Iterator[None]:
    """A part of a page that may fail alone: one sentence, and the rest is drawn."""
    try:
        yield
    except ForecastError as error:
        st.error(f"{thing} cannot be shown. {error} The rest of the page is not affected.")


def _overview() -> Overview:
    made_at = readers.read(overview.forecasts_made_at)
    return Overview(
        stored(),
        wording.moment(made_at),
        readers.read_recent(overview.firing_alerts),
        readers.version(),
    )


@st.fragment(run_every=TICK)
def _wait_for_the_database() -> None:
    """Draw the page again once the database answers."""
    try:
        readers.version()
    except ForecastError:
        st.markdown(":small[:gray[Trying again every few seconds.]]")
    else:
        st.rerun()


def _banner(state: Overview) -> None:
    if not state.tickers:
        st.info(
            "**No forecasts yet.** No prices are stored. Run `make demo` for a look at synthetic "
            "ones, or bring in files: `python -m mlops.pipeline --all --source csv --path FOLDER`.",
            icon=":material/inbox:",
        )
        return
    if all(ticker.source == SAMPLE for ticker in state.tickers):
        st.warning(
            "**Sample data.** These prices are made up so that you can look around. Nothing here "
            "is a forecast of a real share.",
            icon=":material/science:",
        )
        return
    ages = [age_in_sessions(ticker) for ticker in _real(state)]
    stale_after = readers.settings().data.stale_after_sessions
    if min(ages) >= stale_after:
        newest = max(ticker.newest_session for ticker in _real(state))
        closed = wording.count(min(ages), "session")
        st.warning(
            f"**Prices are {closed} old.** The newest is of {wording.day(newest)}; forecasts below "
            f"were made from it. Run the pipeline in Pipeline Control.",
            icon=":material/history:",
        )


def _real(state: Overview) -> list[StoredTicker]:
    return [ticker for ticker in state.tickers if ticker.source != SAMPLE]


@st.fragment(run_every=TICK)
def _badges(drawn: int) -> None:
    """The state of the data in a line; draws the page again when data or theme have changed."""
    theme_drawn = st.session_state.setdefault("theme_drawn", theme.kind())
    try:
        state = _overview()
    except ForecastError:
        st.rerun()
    if state.version != drawn or theme.kind() != theme_drawn:
        st.session_state["theme_drawn"] = theme.kind()
        st.rerun()
    with st.container(horizontal=True, gap="small", key="badges"):
        for label, icon, color in _labels(state):
            st.badge(label, icon=f":material/{icon}:", color=color)  # type: ignore[arg-type]


def _labels(state: Overview) -> Iterator[tuple[str, str, str]]:
    """Text, icon and colour of each badge."""
    shown = _real(state) or state.tickers
    if shown:
        age = min(map(age_in_sessions, shown))
        newest = wording.day(max(ticker.newest_session for ticker in shown))
        if age < readers.settings().data.stale_after_sessions:
            yield f"Prices to {newest} · up to date", "check", "green"
        else:
            yield f"Prices to {newest} · {wording.count(age, 'session')} old", "history", "orange"
        yield f"Forecasts made {state.made_at}", "schedule", "gray"
        if not _real(state):
            yield "Sample data", "science", "orange"
    if state.alerts:
        yield f"{wording.count(state.alerts, 'alert')} firing", "notifications", "orange"


def _choosers(state: Overview) -> None:
    """The stock and how numbers are written: the same on every page, and in the address."""
    names = [ticker.ticker for ticker in state.tickers]
    if not names:
        return
    usual = readers.settings().data.ticker
    with st.container(horizontal=True, vertical_alignment="bottom", key="choosers"):
        st.selectbox(
            "Stock",
            names,
            index=names.index(usual) if usual in names else 0,
            key="stock",
            bind="query-params",
            width=220,
        )
        st.segmented_control(
            "Numbers",
            NUMBERS,
            default=NUMBERS[0],
            required=True,
            key="numbers",
            bind="query-params",
        )
