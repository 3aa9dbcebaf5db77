"""The page home."""

from __future__ import annotations

import streamlit as st


def page() -> None:
    """Draw the page."""
    st.header("home", anchor=False)


if __name__ == "__main__":
    page()
