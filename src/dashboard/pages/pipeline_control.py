"""The page pipeline_control."""

from __future__ import annotations

import streamlit as st


def page() -> None:
    """Draw the page."""
    st.header("pipeline_control", anchor=False)


if __name__ == "__main__":
    page()
