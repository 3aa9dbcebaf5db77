"""Draw what starts a run: for which stocks, with which prices, and the two buttons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from src.core.errors import ForecastError
from src.core.tickers import normalise_ticker
from src.dashboard import banner, frame, local_runs, readers, wording
from src.dashboard.login import access
from src.dashboard.parts.pipeline import progress
from src.dashboard.parts.pipeline.words import Attempt, stocks
from src.data.sources.delivery import SAMPLE_TICKER
from src.data.sources.price_folder import path_inside, price_folder
from src.db.tables import run_requests
from src.db.tables.run_requests import NewRequest, StoredRequest

ALL, OTHER = "All stocks", "Another stock"
SUFFIX = ".NS"
STORED, YAHOO, FILES, SYNTHETIC = "Stored", "Yahoo", "Files", "Synthetic"
NAMES = {STORED: "stored", YAHOO: "yahoo", FILES: "csv", SYNTHETIC: "sample"}
# Text and icon of the button for each kind of run.
BUTTONS = {"full": ("Run full pipeline", "play_arrow"), "data": ("Refresh data", "refresh")}
_EXPLAINED = (
    "A **full run** brings prices in, cleans and checks them, trains, and forecasts. A **data "
    "refresh** does the same but forecasts with the stored models: quicker, and nothing is judged "
    "anew. **Stored** prices are those already here: choose another source for newer ones."
)


@dataclass(frozen=True)
class Choice:
    """What a press of a button asks for, or why it cannot be pressed.

    Attributes:
        tickers: None for all.
        source: As the pipeline calls it.
        problem: A sentence; None where a button may be pressed.
    """

    tickers: list[str] | None
    source: str
    path: str | None
    problem: str | None


def draw(requests: Sequence[StoredRequest], tried: Sequence[Attempt]) -> None:
    """Draw the choosers and the buttons, which are disabled with the reason where it must be."""
    choice = _choose()
    problem = choice.problem or _under_way(choice, requests, tried)
    if not access.allowed():
        problem = access.WHY
    newest = max((request.request_id for request in requests), default=0)
    with st.container(horizontal=True, vertical_alignment="center", key="run_buttons"):
        for kind in BUTTONS:
            _button(kind, choice, newest, problem)
    if problem:
        st.markdown(f":small[:gray[{problem}]]")
    for message in st.session_state.pop("run_problem", ()):
        st.error(wording.plain(message))
    st.markdown(f":small[:gray[{_EXPLAINED}]]")


def _button(kind: str, choice: Choice, newest: int, problem: str | None) -> None:
    label, icon = BUTTONS[kind]
    st.button(
        label,
        icon=f":material/{icon}:",
        type="primary" if kind == "full" else "secondary",
        key=f"run_{kind}",
        disabled=problem is not None,
        help=problem,
        on_click=_press,
        args=(kind, choice, newest),
    )


def _choose() -> Choice:
    with st.container(horizontal=True, vertical_alignment="bottom", key="run_choosers"):
        tickers, problem = _for_what()
        sources = _sources(tickers)
        source = st.segmented_control(
            "Prices",
            sources,
            default=sources[0],
            required=True,
            key=f"run_prices_{'_'.join(sources)}",
            persist_state="session",
        )
        path, wrong = _files() if source == FILES else (None, None)
        problem = problem or wrong
    return Choice(tickers, NAMES[source], path, problem)


def _for_what() -> tuple[list[str] | None, str | None]:
    """The chosen stock or another one, None for all; and why that is none."""
    chosen = frame.stock()
    scopes = [*([chosen, ALL] if chosen else []), OTHER]
    scope = st.segmented_control(
        "Run for",
        scopes,
        default=scopes[0],
        required=True,
        # Its options change with the stock.
        key=f"run_scope_{chosen}",
        persist_state="session",
    )
    if scope == ALL:
        return None, None
    ticker, problem = (chosen, None) if scope != OTHER else _other_stock()
    return [ticker] if ticker else None, problem


def _files() -> tuple[str | None, str | None]:
    """The file or folder that was typed, or why it cannot be taken."""
    folder = price_folder(readers.settings())
    typed = st.text_input(
        "File or folder",
        key="run_path",
        placeholder="such as TCS.NS.csv",
        help=f"In {folder}, on the machine that runs it; a dot stands for all files there.",
    ).strip()
    if not typed:
        return None, f"Name a file or folder in {wording.plain(str(folder))} first."
    try:
        path_inside(typed, readers.settings())
    except ForecastError as error:
        return None, wording.plain(str(error))
    return typed, None


def _other_stock() -> tuple[str | None, str | None]:
    """The stock that was typed, or why it is none."""
    typed = st.text_input("Its name", key="run_stock", placeholder="such as INFY.NS", width=220)
    if not typed.strip():
        return None, "Name a stock first, such as INFY.NS, or DEMO.NS for synthetic prices."
    try:
        return normalise_ticker(typed, SUFFIX), None
    except ForecastError as error:
        return None, wording.plain(str(error))


def _sources(tickers: Sequence[str] | None) -> list[str]:
    """Where prices may come from: those of all stocks are of real ones."""
    stored = {each.ticker: each.source for each in frame.stored()}
    if tickers is None:
        is_real = any(source != banner.SAMPLE for source in stored.values())
        return [STORED, YAHOO, FILES] if is_real else [FILES]
    is_stored = set(stored).issuperset(tickers)
    if list(tickers) == [SAMPLE_TICKER]:
        return [SYNTHETIC, *([STORED] if is_stored else [])]
    return [*([STORED] if is_stored else []), YAHOO, FILES]


def _under_way(
    choice: Choice, requests: Sequence[StoredRequest], tried: Sequence[Attempt]
) -> str | None:
    """Why nothing can be started now: one run works on a stock at a time."""
    wanted = set(choice.tickers or ())
    for request in requests:
        overlaps = not wanted or not request.tickers or wanted.intersection(request.tickers)
        if request.is_live and overlaps:
            state = "waits" if request.status == run_requests.WAITING else "is under way"
            return f"Request {request.request_id} for {stocks(request.tickers)} {state}: see above."
    asked_for = {request.run_id for request in requests}
    for attempt in tried:
        if attempt.status == "running" and attempt.run_id not in asked_for:
            return f"Run {attempt.run_id} is under way, started by a command."
    return None


def _press(kind: str, choice: Choice, newest: int) -> None:
    """Store the request, and start it where no worker will.

    Its key is what was pressed after which request, so that a second click, in this browser or in
    another, is the same request. One that was on its way when the choice became incomplete is none.
    """
    if choice.problem or not access.allowed():
        return
    names = ",".join(choice.tickers or ["*"])
    person = access.person() or str(st.context.ip_address or "this machine")
    key = f"page:{newest}:{kind}:{names}:{choice.source}"
    try:
        request_id, is_new = readers.write(
            run_requests.submit,
            NewRequest(key, kind, choice.tickers, choice.source, choice.path, person),
        )
    except ForecastError as error:
        st.session_state["run_problem"] = [str(error)]
        return
    if is_new and local_runs.runs_here(readers.settings()):
        progress.act(request_id, lambda: local_runs.start(request_id, readers.settings()))
