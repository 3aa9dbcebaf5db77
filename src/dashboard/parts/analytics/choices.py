"""Let one of a few things be chosen; the choice stays in the address."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st


def choice(
    label: str, options: Sequence[str], key: str, usual: str = "", help: str | None = None
) -> str:
    """The one of ``options`` that is chosen; ``usual``, or the first, before anything is."""
    default = usual or options[0]
    chosen = st.segmented_control(
        label, options, default=default, required=True, key=key, bind="query-params", help=help
    )
    return str(chosen or default)
