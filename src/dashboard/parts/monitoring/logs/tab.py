"""The tab of the log: its newest lines by level, text and run, followed and downloaded."""

from __future__ import annotations

import html
from contextlib import suppress
from functools import partial
from pathlib import Path

import streamlit as st

from src.config.logs import LOG_FILE
from src.dashboard import readers
from src.dashboard.parts.monitoring.logs import log_file
from src.dashboard.parts.monitoring.logs.log_file import LEVELS, LogFilter
from src.db.pages import run_history

LINES, EVERY = 200, 5
DOWNLOADED = 20_000_000
RUNS = 30
ALL_RUNS = "All runs"
STYLE = (
    "height:26rem;overflow:auto;margin:0;padding:.6rem .75rem;font-size:.8rem;line-height:1.5;"
    "white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid;border-radius:.3rem;"
    "font-family:'Source Code Pro',monospace;background:transparent;color:inherit"
)

# When each file was last written, and how long it is: what the lines depend on.
Stamp = tuple[tuple[str, int, int], ...]


def draw() -> None:
    """Draw the tab."""
    home = readers.settings().home
    wanted, follow = _choose()
    if not log_file.log_files(home):
        st.info(f"There is no log yet at `{home / LOG_FILE}`: every command writes to it.")
        return
    # In the body of the page: in a fragment with a timer, the timer would outlive the toggle.
    st.fragment(_lines, run_every=EVERY if follow else None)(home, wanted)
    st.download_button(
        "Download matching lines",
        data=partial(log_file.export, home, wanted, DOWNLOADED),
        file_name="tcs-stock.log",
        mime="text/plain",
        on_click="ignore",
        icon=":material/download:",
        key="log_download",
        help=f"As they are stored, the oldest first; the newest {DOWNLOADED // 10**6} MB of them.",
    )


def _choose() -> tuple[LogFilter, bool]:
    """Which lines are wanted, and whether new ones are followed."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="choose_lines"):
        level = st.segmented_control(
            "Level", list(LEVELS), default="All", required=True, key="lv", bind="query-params"
        )
        text = st.text_input(
            "Contains", key="q", bind="query-params", placeholder="text, stage or run", width=240
        )
        run = st.selectbox("Run", _runs(), key="log_run", bind="query-params", width=240)
        follow = st.toggle(
            "Follow", key="log_follow", help=f"Looks for new lines every {EVERY} seconds."
        )
    return LogFilter(str(level), (text or "").strip(), "" if run == ALL_RUNS else str(run)), follow


def _runs() -> list[str]:
    """The newest runs, and the one that somebody came here for."""
    runs = [ALL_RUNS, *readers.read_recent(run_history.newest_run_ids, RUNS)]
    asked = st.session_state.get("log_run") or st.query_params.get("log_run")
    return runs if not asked or asked in runs else [*runs, str(asked)]


def _lines(home: Path, wanted: LogFilter) -> None:
    lines = _newest(home, wanted, _stamp(home))
    if not lines:
        none = "Nothing has been logged yet."
        st.info(none if wanted == LogFilter() else "No line matches. Clear the text or choose All.")
        return
    many = f"Newest {LINES}" if len(lines) == LINES else f"All {len(lines)}"
    st.markdown(f":small[:gray[{many} matching lines, the newest first. Times are IST.]]")
    text = html.escape("\n".join(lines))
    st.html(f'<pre tabindex="0" role="log" aria-label="Log" style="{STYLE}">{text}</pre>')


@st.cache_data(max_entries=20, show_spinner="Searching the log …")
def _newest(home: Path, wanted: LogFilter, stamp: Stamp) -> list[str]:
    return [log_file.as_text(line) for line in log_file.search(home, wanted, LINES)]


def _stamp(home: Path) -> Stamp:
    files = []
    for path in log_file.log_files(home):
        with suppress(FileNotFoundError):  # it may be rotated away just now
            state = path.stat()
            files.append((path.name, state.st_size, state.st_mtime_ns))
    return tuple(files)
