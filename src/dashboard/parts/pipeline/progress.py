"""Show what is under way, stage by stage, and draw the page again when something has ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from src.core.errors import ForecastError
from src.dashboard import frame, local_runs, readers, wording
from src.dashboard.login import access
from src.dashboard.parts.pipeline import words
from src.dashboard.parts.pipeline.words import Attempt
from src.db.pages import runs
from src.db.pages.runs import StageRun
from src.db.tables import run_requests
from src.db.tables.run_requests import StoredRequest
from src.stages import request_process

# Seconds between looks.
TICK = 2
# Runs and requests that are looked at.
LISTED = 20
# A process that was started has claimed its request by then, in seconds.
STARTED_WITHIN = 15.0
# Characters of what failed in a stage so far.
LONGEST = 500
# Of the session: a request, and why what was asked for last could not be done with it.
_PROBLEM = "request_problem"
_LINE = "| {} | {} | {} | {} |"


def state() -> tuple[list[StoredRequest], list[Attempt]]:
    """The newest requests, and runs together with requests that never became one.

    Raises:
        DatabaseUnavailable: As in ``readers.read_recent``.
    """
    requests = readers.read_recent(run_requests.newest, LISTED)
    return requests, words.attempts(readers.read_recent(runs.recent_runs, LISTED), requests)


@st.fragment(run_every=TICK)
def draw(drawn: tuple[object, ...]) -> None:
    """Draw what is under way; ``drawn`` is the ``signature`` of what the page shows."""
    try:
        requests, tried = state()
    except ForecastError:
        st.rerun()
    if signature(requests, tried) != drawn:
        st.rerun()
    live = [request for request in requests if request.is_live]
    for request in live:
        with frame.block("What is under way"):
            _request(request)
    for attempt in by_command(requests, tried):
        st.markdown(f"**{attempt.what}** is under way: run {attempt.run_id}.")
        _stages(_stages_of(attempt.run_id), None, "full", part_done=False)


def signature(requests: Sequence[StoredRequest], tried: Sequence[Attempt]) -> tuple[object, ...]:
    """What changes when something begins or ends."""
    return (
        tuple((each.request_id, each.status, each.run_id) for each in requests),
        tuple((each.run_id, each.status) for each in tried),
    )


def by_command(requests: Sequence[StoredRequest], tried: Sequence[Attempt]) -> list[Attempt]:
    """Runs under way that no request asked for."""
    asked_for = {each.run_id for each in requests}
    return [each for each in tried if each.status == "running" and each.run_id not in asked_for]


def _request(request: StoredRequest) -> None:
    """A request: what it is for, how far it is, and the button that cancels it."""
    person, age = wording.plain(request.person), wording.duration(request.seconds)
    is_waiting = request.status == run_requests.WAITING
    st.markdown(
        f"**{words.title(request)}** with {words.SOURCES[request.source]} "
        f"has {'waited' if is_waiting else 'been under way'} for {age}. "
        f":small[:gray[Request {request.request_id}, asked for by {person}.]]"
    )
    if is_waiting:
        _waiting(request)
    else:
        _running(request)
    about, problem = st.session_state.get(_PROBLEM, (None, ""))
    if about == request.request_id:
        st.error(wording.plain(problem), icon=":material/error:")
    _cancel_button(request)


def _cancel_button(request: StoredRequest) -> None:
    is_cancelled = request.cancel_requested_at is not None
    st.button(
        "Cancelling …" if is_cancelled else "Cancel",
        icon=":material/stop_circle:",
        key=f"cancel_{request.request_id}",
        disabled=is_cancelled or not access.allowed(),
        help=None if access.allowed() else access.WHY,
        on_click=_cancel,
        args=(request.request_id,),
    )


def _cancel(request_id: int) -> None:
    act(request_id, lambda: readers.write(run_requests.cancel, request_id))


def act(request_id: int, work: Callable[[], None]) -> None:
    """Do something with a request, if this session may; why it failed is said where the request is.

    It is kept, since what is under way is drawn anew every other second.
    """
    st.session_state.pop(_PROBLEM, None)
    if access.allowed():
        try:
            work()
        except ForecastError as error:
            st.session_state[_PROBLEM] = request_id, str(error)


def _waiting(request: StoredRequest) -> None:
    """Who will run it: this machine, or a worker."""
    settings = readers.settings()
    command = request_process.command_of(request.request_id)
    if request.is_scheduled or not local_runs.runs_here(settings):
        st.info(
            f"It waits for a worker, which takes it up by itself. Without one run `{command}`.",
            icon=":material/hourglass_empty:",
        )
    elif request.seconds > STARTED_WITHIN:
        log = settings.home / request_process.log_of(request.request_id)
        why = f"`{log}` says why." if log.exists() else f"start it again, or run `{command}`."
        st.warning(f"The process that was to run it has not begun: {why}")
        st.button(
            "Start it again",
            key=f"start_{request.request_id}",
            disabled=not access.allowed(),
            on_click=_start,
            args=(request.request_id,),
        )


def _start(request_id: int) -> None:
    act(request_id, lambda: local_runs.start(request_id, readers.settings()))


def _running(request: StoredRequest) -> None:
    total, done = request.tickers_total, request.tickers_done
    if total > 1:
        share = wording.percent(done / total, 0)
        st.progress(done / total, f"Data of {wording.count(total, 'stock')}: {share} done")
    rows = _stages_of(request.run_id)
    _stages(rows, request.stage, request.kind, part_done=total > 1 and done < total)


def _stages_of(run_id: str | None) -> list[StageRun]:
    return readers.read_recent(runs.stages_of, run_id) if run_id else []


def _stages(rows: Sequence[StageRun], stage: str | None, kind: str, *, part_done: bool) -> None:
    """A table of stages: what is done, what is under way, and what is still to come."""
    ended = {row.stage: row for row in rows}
    lines = [_LINE.format("Stage", "State", "Rows", "Time"), _LINE.format("--", "--", "--:", "--:")]
    under_way = (stage or "").partition(" ")[0]
    for name, label in words.STAGES.items():
        row = ended.get(name)
        text = "Forecasts" if kind == "data" and name == "training" else label
        # What is under way is said once a second, later than what has ended.
        if name == under_way and (row is None or part_done):
            state_ = "**● under way**"
        elif row is None:
            state_ = "○ to come"
        elif row.status == "success":
            state_ = "✓ so far" if part_done else "✓ done"
        else:
            state_ = words.RESULTS[row.status]
        counted, took = (f"{row.rows:,}", wording.duration(row.seconds)) if row else ("", "")
        lines.append(_LINE.format(text, state_, counted, took))
    st.markdown("\n".join(lines))
    for row in rows:
        if row.error:
            symbol, name = words.RESULTS[row.status][0], words.stage_name(row.stage)
            st.markdown(f"{symbol} **{name}**: {wording.plain(row.error[:LONGEST])}")
