"""Lead from one tab of the page to another, and choose there what is to be seen."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st


def to_tab(label: str, tab: str, key: str, *, icon: str = "arrow_forward", **chosen: str) -> None:
    """A button that leads to a tab; ``chosen`` are values of widgets there, by their keys.

    A link to the page that is shown would change its address, and not what is chosen on it.
    """
    st.button(
        label,
        icon=f":material/{icon}:",
        type="tertiary",
        key=key,
        on_click=_choose,
        args=({"tab": tab, **chosen},),
    )


def _choose(values: Mapping[str, str]) -> None:
    for name, value in values.items():
        st.session_state[name] = value
