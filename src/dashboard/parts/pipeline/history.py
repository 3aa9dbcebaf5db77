"""Show recent runs, the stages and files of a chosen one, and how runs ended for stocks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import streamlit as st

from src.core.calendars.exchanges import calendar_of, exchange_of
from src.dashboard import frame, readers, theme, wording
from src.dashboard.charts import runs as charts
from src.dashboard.parts.pipeline import words
from src.dashboard.parts.pipeline.words import Attempt
from src.db.pages import runs
from src.db.pages.runs import TickerRun

NEWEST = "newest"
RUNS = Path("mlops") / "runs"
# What is shown of stocks that were left out, and in the grid.
LEFT_OUT, GRID_RUNS, GRID_TICKERS, GRID_SESSIONS = 200, 40, 25, 20


def recent(tried: Sequence[Attempt]) -> None:
    """The table of recent runs."""
    st.subheader("Recent runs", anchor=False)
    if not tried:
        st.markdown("Nothing has run yet.")
        return
    rows = [
        {
            "Run": each.run_id or "–",
            "Result": words.RESULTS[each.status],
            "What": each.what,
            "Began": wording.moment(each.began),
            "Took": wording.duration(each.seconds),
            "Stocks": each.stocks,
            "Why": each.sentence or "",
        }
        for each in tried
    ]
    st.dataframe(
        pl.DataFrame(rows),
        hide_index=True,
        key="recent_runs",
        column_config={"Why": st.column_config.TextColumn(width="large")},
        alt=f"The newest {len(rows)} runs: {rows[0]['What']} {rows[0]['Result']}",
    )


def chosen(tried: Sequence[Attempt]) -> None:
    """The stages, left-out stocks and files of the run in the address, or of the newest."""
    ids = [each.run_id for each in tried if each.run_id]
    asked = st.query_params.get("run")
    if asked and asked not in ids and readers.read_recent(runs.run_of, asked):
        ids.append(asked)
    if not ids:
        return
    st.selectbox("Show run", [NEWEST, *ids], key="run", bind="query-params", width=260)
    chosen_id = st.session_state.get("run", NEWEST)
    run_id = ids[0] if chosen_id == NEWEST else str(chosen_id)
    found = readers.read_recent(runs.run_of, run_id)
    if found is None:
        return
    (attempt,) = words.attempts([found], [])
    attempt = next((each for each in tried if each.run_id == run_id), attempt)
    st.subheader(f"Stages of {run_id}", anchor=False)
    took = f" in {wording.duration(attempt.seconds)}" if attempt.seconds is not None else ""
    reason = wording.plain(attempt.sentence or "")
    nothing = "It brought no new prices. " if attempt.brought_nothing else ""
    st.markdown(f"{attempt.what}: {words.RESULTS[attempt.status]}{took}. {nothing}{reason}")
    _timeline(run_id, attempt, found.kind)
    _left_out(run_id)
    _files(run_id)


def _timeline(run_id: str, attempt: Attempt, kind: str | None) -> None:
    stages = readers.read_recent(runs.stages_of, run_id)
    is_over = attempt.status != "running"
    without = "– to come" if not is_over else "– not reached"
    if is_over and attempt.status in ("success", "partial"):
        without = "– forecasts with the stored models" if kind == "data" else "– nothing to do"
    said = ", ".join(
        f"{words.stage_name(each.stage)} {each.status} in {wording.duration(each.seconds)}"
        for each in stages
    )
    figure = charts.timeline(words.STAGES, stages, without, theme.kind())
    theme.show(figure, key="run_stages", alt=f"Stages of run {run_id}: {said or 'none'}")


def _left_out(run_id: str) -> None:
    rows = readers.read_recent(runs.left_out, run_id, LEFT_OUT)
    if not rows:
        return
    more = f", the first {LEFT_OUT}" if len(rows) == LEFT_OUT else ""
    st.markdown(f"**Left out**: {wording.count(len(rows), 'stock')}{more}.")
    table = [
        {
            "Stock": row.ticker,
            "Stage": words.stage_name(row.stage),
            "Why": row.error or row.status,
        }
        for row in rows
    ]
    config = {"Why": st.column_config.TextColumn(width="large")}
    st.dataframe(
        pl.DataFrame(table),
        hide_index=True,
        key="left_out",
        column_config=config,
        alt=f"{len(table)} stocks that run {run_id} left out, and why",
    )


def _files(run_id: str) -> None:
    """Results and reports, to download, and the run's lines of the log."""
    folder = readers.settings().home / RUNS / run_id
    names = ("results.json", "metrics.json", "report*.html")
    paths = [path for name in names for path in sorted(folder.glob(name))]
    if not paths:
        st.markdown(f":small[:gray[This machine has no files of run {run_id}.]]")
    elif not any(path.suffix == ".html" for path in paths):
        st.markdown(":small[:gray[It judged nothing anew, so it has no report of its own.]]")
    with st.container(horizontal=True, key="run_files"):
        for path in paths:
            st.download_button(
                path.name,
                data=path.read_bytes,
                file_name=f"{run_id}_{path.name}",
                icon=":material/download:",
                key=f"download_{path.name}",
                on_click="ignore",
            )
        st.page_link(
            "src/dashboard/pages/monitoring.py",
            label="Its lines of the log",
            icon=":material/list:",
            query_params={"tab": "Logs", "log_run": run_id},
        )


def grid() -> None:
    """How runs ended for the stocks that have most trouble, by the session they were to bring."""
    rows = readers.read_recent(runs.runs_of_tickers, runs=GRID_RUNS, tickers=GRID_TICKERS)
    if not rows:
        return
    st.subheader("Runs by stock and session", anchor=False)
    cells, reasons = _cells(rows)
    tickers = _problems_first(cells)
    shown = counted(tickers, [each.ticker for each in frame.stored()])
    st.markdown(
        f"{' · '.join(words_ for _, _, words_ in charts.CELLS.values())}. Each mark is the newest "
        f"run that was to bring a session; {shown}."
    )
    figure = charts.grid(cells, reasons, tickers, theme.kind())
    failed = sorted({ticker for (ticker, _), kind in cells.items() if kind == "failed"})
    said = ", ".join(failed) or "none"
    theme.show(figure, key="run_grid", alt=f"Runs by stock and session; left out: {said}")


def counted(shown: Sequence[str], stored: Sequence[str]) -> str:
    """How many stocks are shown of all: one whose first file was refused is not stored."""
    total = wording.count(len({*shown, *stored}), "stock")
    return f"{len(shown)} of {total}, those in trouble first"


def _cells(
    rows: Sequence[TickerRun],
) -> tuple[dict[tuple[str, dt.date], str], dict[tuple[str, dt.date], str]]:
    """What the newest run for a session came to, and why, by stock and session."""
    cells, reasons = {}, {}
    for row in rows:
        calendar = calendar_of(exchange_of(row.ticker))
        due = calendar.last_closed(row.told_at)
        kind = "failed" if row.status != "success" else "done"
        if kind == "done" and (row.session is None or row.session < due):
            kind = "behind"
        cells[row.ticker, due] = kind
        reasons[row.ticker, due] = row.error or charts.CELLS[kind][2]
    days = sorted({day for _, day in cells})[-GRID_SESSIONS:]
    return {key: kind for key, kind in cells.items() if key[1] in set(days)}, reasons


def _problems_first(cells: dict[tuple[str, dt.date], str]) -> list[str]:
    def trouble(ticker: str) -> tuple[int, int, str]:
        kinds = [kind for (each, _), kind in cells.items() if each == ticker]
        return -kinds.count("failed"), -kinds.count("behind"), ticker

    return sorted({ticker for ticker, _ in cells}, key=trouble)
