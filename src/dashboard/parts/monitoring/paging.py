"""Go through a long table page by page, each found by where the one before ended."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

import streamlit as st

T = TypeVar("T")


def page_of(
    key: str,
    shown: Hashable,
    read: Callable[[Any], Sequence[T]],
    place_of: Callable[[T], Any],
    size: int,
) -> Sequence[T]:
    """The rows of the page that is chosen, above its two buttons.

    Args:
        key: Of this table, for the session.
        shown: What the table shows; another begins with its first page.
        read: Reads ``size + 1`` rows after a place, None for the first.
        place_of: Where a row is.
        size: Rows of a page.
    """
    state = st.session_state.setdefault(f"pages_{key}", {"shown": shown, "places": [None]})
    if state["shown"] != shown:
        state.update(shown=shown, places=[None])
    places: list[Any] = state["places"]
    rows = read(places[-1])
    if len(places) > 1 or len(rows) > size:
        _buttons(key, places, place_of(rows[size - 1]) if len(rows) > size else None)
    return rows[:size]


def _buttons(key: str, places: list[Any], after: Any) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"paging_{key}"):
        st.button(
            "Newer",
            icon=":material/chevron_left:",
            key=f"newer_{key}",
            disabled=len(places) == 1,
            on_click=places.pop,
        )
        st.markdown(f"Page {len(places)}", width="content")
        st.button(
            "Older",
            icon=":material/chevron_right:",
            icon_position="right",
            key=f"older_{key}",
            disabled=after is None,
            on_click=places.append,
            args=(after,),
        )
