"""The page analytics."""

from __future__ import annotations

import streamlit as st


def page() -> None:
    """Draw the page."""
    st.header("analytics", anchor=False)


if __name__ == "__main__":
    page()
