"""Draw what all pages share: navigation, title, state of the data, the stock that is shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from src.core.errors import ForecastError
from src.dashboard import banner, readers, theme, wording
from src.dashboard.login import access
from src.dashboard.parts import choosers
from src.dashboard.parts.monitoring.alerts import alert_board
from src.db.pages import overview
from src.db.pages.overview import StoredTicker

PAGES = "src/dashboard/pages"
# Seconds between looks at what has changed.
TICK = 3


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
    """What is stored: tickers, when forecasts were made, what alerts fire, and how old prices are.

    Attributes:
        alerts: How many causes of alerts fire.
        critical: What critical ones say.
        age: Sessions since the newest price; None before there is one.
        version: Of the data.
    """

    tickers: list[StoredTicker]
    made_at: str
    alerts: int
    critical: tuple[str, ...]
    age: int | None
    version: int

    @property
    def seen(self) -> tuple[object, ...]:
        """What is drawn once a run of the page: it is drawn again when this has changed."""
        return self.version, self.critical, self.age


def run() -> None:
    """Draw the page that was asked for."""
    st.set_page_config(page_title="tcsns-forecast", page_icon="📈", layout="wide")
    pages = {_page(title): title for title in TITLES}
    page = st.navigation(list(pages), position="top")
    theme.mend_buttons()
    title = pages[page]
    head = st.container(horizontal=True, vertical_alignment="center", key="head")
    head.title(title.name, anchor=False)
    st.markdown(f":gray[{title.question}]")
    try:
        with head:
            access.draw()
        _draw(title, page.run)
    except ForecastError as error:
        st.error(wording.plain(str(error)), icon=":material/error:")
        _try_again(time.monotonic())


def _page(title: PageTitle) -> StreamlitPage:
    return st.Page(
        file_of(title.file),
        title=title.name,
        icon=f":material/{title.icon}:",
        url_path=None if title.file == "home" else title.file,
        default=title.file == "home",
    )


def _draw(title: PageTitle, page: Callable[[], None]) -> None:
    """What all pages begin with, and the page.

    Raises:
        ForecastError: The settings are wrong, the database does not answer, or what the page rests
            on cannot be read.
    """
    state = _overview()
    place = st.container(key="banner")
    _badges(state.seen)
    choosers.draw(state.tickers, arrived=st.session_state.get("page") != title.file)
    st.session_state["page"] = title.file
    with place:
        banner.draw(state.tickers, state.critical, stock())
    page()
    st.markdown(f":small[:gray[{wording.ADVICE}]]")


def file_of(page: str) -> str:
    """The file of a page, for links to it."""
    return f"{PAGES}/{page}.py"


def first_run() -> None:
    """A link to where the first forecasts are asked for."""
    label = "Get prices and the first forecasts in Pipeline Control"
    st.page_link(file_of("pipeline_control"), label=label, icon=":material/play_arrow:")


def stock() -> str | None:
    """The ticker that was chosen; None before anything is stored."""
    return choosers.stock()


def indian() -> bool:
    """Whether prices are written in rupees, lakh and crore."""
    return choosers.indian()


def stored() -> list[StoredTicker]:
    """Every stored ticker with features."""
    return readers.read(overview.stored_tickers)


@contextmanager
def block(thing: str) -> Iterator[None]:
    """A part of a page that may fail alone: one sentence, and the rest is drawn."""
    try:
        yield
    except ForecastError as error:
        why = wording.plain(str(error))
        st.error(f"{thing} cannot be shown. {why} The rest of the page is not affected.")


def _overview() -> Overview:
    made_at, tickers = readers.read(overview.forecasts_made_at), stored()
    board = alert_board.current()
    return Overview(
        tickers,
        wording.moment(made_at),
        alert_board.count_firing(board, readers.now()),
        alert_board.critical(board, readers.now()),
        min(banner.ages(banner.real(tickers) or tickers), default=None),
        readers.version(),
    )


@st.fragment(run_every=TICK)
def _try_again(failed_at: float) -> None:
    """Draw the page again once the database answers, but not at once: it may fail again.

    ``failed_at`` is in monotonic seconds.
    """
    if time.monotonic() - failed_at > TICK / 2:
        with suppress(ForecastError):
            readers.version()
            st.rerun()
    st.markdown(":small[:gray[Trying again every few seconds.]]")


@st.fragment(run_every=TICK)
def _badges(drawn: tuple[object, ...]) -> None:
    """The state of the data in a line; draws the page again when data or theme have changed."""
    theme_drawn = st.session_state.setdefault("theme_drawn", theme.kind())
    try:
        state = _overview()
    except ForecastError:
        st.rerun()
    if state.seen != drawn or theme.kind() != theme_drawn:
        st.session_state["theme_drawn"] = theme.kind()
        st.rerun()
    with st.container(horizontal=True, gap="small", key="badges"):
        for label, icon, color in _labels(state):
            st.badge(label, icon=f":material/{icon}:", color=color)  # type: ignore[arg-type]


def _labels(state: Overview) -> Iterator[tuple[str, str, str]]:
    """Text, icon and colour of each badge."""
    shown = banner.real(state.tickers) or state.tickers
    if state.age is not None:
        newest = wording.day(max(ticker.newest_session for ticker in shown))
        if state.age < readers.settings().data.stale_after_sessions:
            yield f"Prices to {newest} · up to date", "check", "green"
        else:
            old = wording.count(state.age, "session")
            yield f"Prices to {newest} · {old} old", "history", "orange"
        yield f"Forecasts made {state.made_at}", "schedule", "gray"
        if not banner.real(state.tickers):
            yield "Sample data", "science", "orange"
    if state.alerts:
        yield f"{wording.count(state.alerts, 'alert')} firing", "notifications", "orange"
