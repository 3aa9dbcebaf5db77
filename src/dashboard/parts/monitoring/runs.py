"""The tab of all runs: how each ended, its stages, and what failed in it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from src.dashboard import frame, readers, wording
from src.dashboard.parts.monitoring.links import to_tab
from src.dashboard.parts.monitoring.paging import page_of
from src.dashboard.parts.pipeline import words
from src.db.pages import run_history
from src.db.pages import runs as recent
from src.db.pages.run_history import Place
from src.db.pages.runs import RecentRun

PAGE = 25
ALL, FAILED = "All runs", "With failures"
# Tickers that a run left out, of which some are named.
NAMED = 10


def draw() -> None:
    """Draw the tab."""
    failed, ticker = _choose()
    rows = page_of(
        "runs",
        (failed, ticker),
        lambda before: readers.read_recent(
            run_history.history, before, failed=failed, ticker=ticker, limit=PAGE + 1
        ),
        _place,
        PAGE,
    )
    if not rows and not failed and ticker is None:
        st.info(
            "No run is logged yet: run `python -m mlops.pipeline`, or press Run in Pipeline "
            "Control."
        )
    elif not rows:
        st.info("There is no such run. Choose other ones above.")
    else:
        _table(rows)
        _details([row.run_id for row in rows])


def _choose() -> tuple[bool, str | None]:
    """Whether only failed runs are wanted, and of which ticker alone."""
    stock = frame.stock()
    with st.container(horizontal=True, vertical_alignment="bottom", key="choose_runs"):
        which = st.segmented_control(
            "Show", (ALL, FAILED), default=ALL, required=True, key="runs_shown"
        )
        alone = bool(stock) and st.toggle(f"Only those that worked on {stock}", key="runs_of_stock")
    return which == FAILED, stock if alone else None


def _place(row: RecentRun) -> Place:
    return row.told_at, row.run_id


def _table(rows: Sequence[RecentRun]) -> None:
    st.dataframe(
        {
            "Began": [wording.moment(row.began) for row in rows],
            "Result": [words.RESULTS.get(row.status, row.status) for row in rows],
            "Of": [_of(row) for row in rows],
            "Took": [wording.duration(row.seconds) for row in rows],
            "What went wrong": [_wrong(row) for row in rows],
            "For the time": [wording.moment(row.told_at) for row in rows],
            "Run": [row.run_id for row in rows],
        },
        hide_index=True,
        column_config={"What went wrong": st.column_config.TextColumn(width="large")},
        key="runs_table",
        alt=f"The {len(rows)} runs of this page, the newest first",
    )


def _of(row: RecentRun) -> str:
    past = "" if row.live else ", looking back"
    total = row.succeeded + row.failed
    return f"{row.ticker or wording.count(total, 'stock')}{past}"


def _wrong(row: RecentRun) -> str:
    if row.sentence:
        return row.sentence.replace("`", "")
    total = row.succeeded + row.failed
    return f"{row.failed:,} of {total:,} stocks were left out" if row.failed else ""


def _details(run_ids: Sequence[str]) -> None:
    run_id = st.selectbox("Look closer at", run_ids, key="run_shown", width=320)
    if run_id is None:
        return
    _stages(run_id)
    _left_out(run_id)
    with st.container(horizontal=True, vertical_alignment="center"):
        to_tab("See its log", "Logs", "to_log", icon="article", log_run=run_id)
        st.page_link(
            frame.file_of("pipeline_control"),
            label="See its report",
            icon=":material/account_tree:",
            query_params={"run": run_id},
        )


def _stages(run_id: str) -> None:
    stages = readers.read_recent(recent.stages_of, run_id)
    if not stages:
        return
    st.dataframe(
        {
            "Stage": [words.STAGES.get(row.stage, row.stage) for row in stages],
            "Result": [words.RESULTS.get(row.status, row.status) for row in stages],
            "Took": [wording.duration(row.seconds) for row in stages],
            "Rows": [row.rows for row in stages],
            "Error": [row.error or "" for row in stages],
        },
        hide_index=True,
        column_config={
            "Rows": st.column_config.NumberColumn(format="localized"),
            "Error": st.column_config.TextColumn(width="large"),
        },
        key="monitored_stages",
        alt=f"The stages of run {run_id}",
    )


def _left_out(run_id: str) -> None:
    rows = readers.read_recent(recent.left_out, run_id, NAMED + 1)
    for row in rows[:NAMED]:
        stage = words.STAGES.get(row.stage or "", row.stage or "the run")
        why = wording.plain(row.error or "no reason was given")
        st.markdown(f"✕ **{wording.plain(row.ticker)}** was left out at {stage}: {why}")
    if len(rows) > NAMED:
        st.markdown("More are named in the results of the run.")
