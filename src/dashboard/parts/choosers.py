"""Choose the stock and how numbers are written, the same on every page, and in the address."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from src.dashboard import readers, wording
from src.db.pages.overview import StoredTicker

INDIAN = "₹ 12,34,567"
NUMBERS = ("1,234,567", INDIAN)
# Of the session: a stock that the address named and that is not stored; characters that are shown.
_UNKNOWN = "unknown_stock"
LONGEST = 40


def stock() -> str | None:
    """The ticker that was chosen; None before anything is stored."""
    chosen = st.session_state.get("stock")
    return str(chosen) if chosen else None


def indian() -> bool:
    """Whether prices are written in rupees, lakh and crore."""
    return bool(st.session_state.get("numbers") == INDIAN)


def draw(tickers: Sequence[StoredTicker], *, arrived: bool) -> None:
    """The stock and how numbers are written: the same on every page, and in the address.

    Args:
        tickers: All that are stored.
        arrived: Whether another page was shown before, whose link may have named a stock.
    """
    usual = readers.settings().data.ticker
    # The usual stock first: a default at another place could not be set by a link as well.
    names = sorted((ticker.ticker for ticker in tickers), key=lambda name: name != usual)
    if not names:
        st.session_state.pop("stock", None)  # of before everything was withdrawn
        return
    _take_from_address(names, arrived=arrived)
    place = st.container()
    _warn(place, _draw(names))


def _draw(names: Sequence[str]) -> str:
    """The chosen stock."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="choosers"):
        shown: str = st.selectbox(
            "Stock", names, key="stock", bind="query-params", width=220, on_change=_forget
        )
        st.segmented_control(
            "Numbers",
            NUMBERS,
            default=NUMBERS[0],
            required=True,
            key="numbers",
            bind="query-params",
        )
    return shown


def _warn(place: DeltaGenerator, shown: str) -> None:
    """Say that the stock in the address is not stored, and which is shown."""
    if unknown := st.session_state.get(_UNKNOWN):
        name = wording.plain(unknown)
        place.warning(
            f"{name} is not stored: {shown} is shown instead. For {name} bring in its prices in "
            "Pipeline Control.",
            icon=":material/search_off:",
        )


def _take_from_address(names: Sequence[str], *, arrived: bool) -> None:
    """Make the stock in the address the chosen one, or keep in mind that it is not stored.

    The chooser takes what it does not know out of the address, and the page may be drawn again at
    once: a person must be told for longer, until another stock or page is chosen.
    """
    written = st.query_params.get("stock", "")
    asked = written.strip().upper()
    if asked in names and asked != written:
        # The chooser takes a stock from the address only as it is called.
        st.query_params["stock"] = asked
        st.rerun()
    if asked in names and arrived and stock() is not None:
        st.session_state["stock"] = asked
    if asked and asked not in names:
        st.session_state[_UNKNOWN] = written[:LONGEST]
    elif arrived or st.session_state.get(_UNKNOWN, "").strip().upper() in names:
        _forget()


def _forget() -> None:
    st.session_state.pop(_UNKNOWN, None)
