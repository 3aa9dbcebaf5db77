"""The page monitoring."""

from __future__ import annotations

import streamlit as st


def page() -> None:
    """Draw the page."""
    st.header("monitoring", anchor=False)


if __name__ == "__main__":
    page()
