"""Run one episode in a world: the faults at their times, then a run as it should be."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from subprocess import Popen, TimeoutExpired
from typing import Any

import httpx

from src.monitoring.watch import watch_once
from tests.chaos.episodes.draw import LONGEST, Episode
from tests.chaos.faults.table import FAULTS
from tests.chaos.world import prices
from tests.chaos.world.calm import Calm, Evening, bad_rules, settings_of
from tests.chaos.world.world import World
from tests.support.starter import Started

# Seconds until a run must have ended after the last fault has, and for the API to settle.
PATIENCE = 45.0
SETTLED = 15.0
# A worker that has nothing to do by then will not have.
IDLE = 4.0
_APPEND_ONLY = """
SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger
WHERE tgfoid = 'refuse_change'::regproc ORDER BY 1
"""
_REACHED = (
    "SELECT count(DISTINCT ticker) FROM run_tickers WHERE session = %s AND status = 'success'"
)
_LIVE = (
    "SELECT DISTINCT ON (horizon) horizon, digest FROM model_events WHERE made_live "
    "ORDER BY horizon, event_id DESC"
)

# Tables whose rows say what trials came to where the evenings before it were other ones.
OF_TRIALS = frozenset({"trial_events", "predictions", "prediction_outcomes"})

Rows = dict[str, Counter[str]]


@dataclass
class Record:
    """What was seen of an episode.

    Attributes:
        episode: What was to happen.
        before: The evening before it, undisturbed.
        after: The same evening, undisturbed.
        rows: Hashes of the rows of append-only tables before it.
        excuses: Tables that may differ from the undisturbed evening.
        answers: What the API answered meanwhile; None where it did not.
        code: Of the disturbed run; None where it did not end in time.
        status: Of the disturbed run in the database; None where none began.
        bad: Rules that were bad after the disturbed run.
        good_code: Of the run after it.
        unsettled: What the API lacked when there was time enough.
    """

    episode: Episode
    before: Evening
    after: Evening
    rows: Rows
    excuses: frozenset[str]
    answers: list[httpx.Response | None] = field(default_factory=list)
    code: int | None = None
    status: str | None = None
    bad: set[tuple[str, str]] = field(default_factory=set)
    good_code: int | None = None
    unsettled: str = ""

    @property
    def day(self) -> dt.date:
        """The session of the evening."""
        return prices.DAYS[self.episode.evening]


class Visitor:
    """Asks the API for forecasts without end, one after the other."""

    def __init__(self, world: World) -> None:
        self.answers: list[httpx.Response | None] = []
        self._world, self._stop = world, threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Visitor:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._stop.set()
        self._thread.join()

    def _ask(self) -> None:
        assert self._world.api is not None
        paths = [
            f"/predict/{horizon}?ticker={ticker}"
            for ticker in prices.TICKERS
            for horizon in ("short", "long")
        ]
        turn = 0
        with httpx.Client(base_url=self._world.api.url, timeout=3) as client:
            while not self._stop.wait(0.03):
                turn += 1
                try:
                    self.answers.append(client.get(paths[turn % len(paths)]))
                except httpx.TransportError:
                    self.answers.append(None)


def play(world: World, calm: Calm, episode: Episode, excused: frozenset[str]) -> Record:
    """Run an episode; ``excused`` are tables in which earlier ones of the block left rows."""
    number = episode.evening
    faults = [FAULTS[each.fault] for each in episode.happenings]
    excuses = excused.union(*(fault.excuses for fault in faults))
    if episode.source == "yahoo":
        excuses |= FAULTS["source drops"].excuses
    evenings = calm.evenings[number : number + 2]
    record = Record(episode, *evenings, append_only(world), excuses)
    world.source = episode.source
    _prepare(world, record.day)
    with Visitor(world) as visitor:
        record.code = _disturbed(world, episode)
        world.revive()
        _prepare(world, record.day)
        record.status = _status(world)
        if record.status == "partial":
            # A session that some tickers lack is not complete: the others are answered with zero.
            record.excuses |= OF_TRIALS
        record.bad = bad_rules(world)
        with contextlib.suppress(Exception):
            watch_once(settings_of(world), world.now)
        began = time.monotonic()
        record.good_code = _wait(world, world.start_run(world.now))
        world.set_pace(time.monotonic() - began)
        record.unsettled = _settle(world, record.day)
    record.answers = visitor.answers
    watch_once(settings_of(world), world.now + dt.timedelta(hours=1))
    return record


def append_only(world: World) -> Rows:
    """Hashes of the rows of each append-only table."""
    tables = [table for (table,) in world.query(_APPEND_ONLY)]
    return {
        table: Counter(row for (row,) in world.query(f"SELECT md5(t::text) FROM {table} t"))
        for table in tables
    }


def _prepare(world: World, day: dt.date) -> None:
    """Everything as it should be on the evening of a day, with the prices of it delivered."""
    world.day, world.now = day, prices.evening(day)
    prices.deliver(world.home / "prices", day)
    world.yahoo.charts = prices.charts(day)


def _disturbed(world: World, episode: Episode) -> int | None:
    """The exit code of the run in which the faults happen; None if it did not end."""
    acts: list[tuple[float, int, bool]] = []
    # A worker waits for most of its time, which takes no longer on a busy machine.
    pace = world.pace if episode.by == "hand" else (world.pace + 3) / 4
    for number, each in enumerate(episode.happenings):
        begin = each.after * pace
        end = begin + min(each.lasts * pace, LONGEST)
        acts += [(begin, number, True), (end, number, False)]
    early = [act for act in acts if act[0] == 0 and act[2]]
    for act in early:
        _act(world, episode, act)
    is_worker = episode.by == "worker"
    process: Popen[bytes] | Started
    process = world.start_worker() if is_worker else world.start_run(world.now)
    began = time.monotonic()
    try:
        for act in sorted(set(acts) - set(early)):
            time.sleep(max(0.0, began + act[0] - time.monotonic()))
            _act(world, episode, act)
        if is_worker:
            return _end_worker(world, process)
        return _wait(world, process)
    finally:
        for happening in episode.happenings:
            FAULTS[happening.fault].end(world)
        if process.poll() is None:
            process.kill()
            process.wait()


def _act(world: World, episode: Episode, act: tuple[float, int, bool]) -> None:
    _, number, is_begin = act
    fault = FAULTS[episode.happenings[number].fault]
    if is_begin:
        fault.begin(world, episode.chance(number))
    else:
        fault.end(world)


def _wait(world: World, process: Popen[bytes] | Started) -> int | None:
    try:
        return process.wait(PATIENCE * world.pace)
    except TimeoutExpired:
        process.kill()
        process.wait()
        return None


def _end_worker(world: World, process: Popen[bytes]) -> int | None:
    """Start a worker again that has died, let the session be run, and end it."""
    world.revive()
    if process.poll() is not None:
        process = world.start_worker()
    patience, idle = PATIENCE * world.pace, IDLE * max(1.0, world.pace / 3)
    began, busy = time.monotonic(), time.monotonic()
    while time.monotonic() - began < patience and time.monotonic() - busy < idle:
        if world.runs():
            busy = time.monotonic()
        elif world.query(_REACHED, world.day)[0][0] == len(prices.TICKERS):
            break
        time.sleep(0.1)
    process.terminate()
    return _wait(world, process)


def _status(world: World) -> str | None:
    """How the newest run ended; None where it is not one of this evening."""
    rows = world.query(
        "SELECT status FROM pipeline_runs WHERE started_at >= %s ORDER BY started_at DESC, "
        "run_id DESC LIMIT 1",
        world.now,
    )
    return rows[0][0] if rows else None


def _settle(world: World, day: dt.date) -> str:
    """Wait until the API answers for a day and has logged it; what it lacks when time is over."""
    assert world.api is not None
    deadline, lacks = time.monotonic() + SETTLED * world.pace, "?"
    while lacks and time.monotonic() < deadline:
        time.sleep(0.05)
        lacks = _lacks(world, day)
    return lacks


def _lacks(world: World, day: dt.date) -> str:
    api: Any = world.api
    live = dict(world.query(_LIVE))
    try:
        for ticker in prices.TICKERS:
            for horizon in ("short", "long"):
                answer = api.get(f"/predict/{horizon}", params={"ticker": ticker})
                if answer.status_code != 200 or answer.json()["feature_date"] != str(day):
                    return f"{answer.status_code} {answer.text[:300]}"
                if (version := answer.json()["model"]["version"]) != live[horizon]:
                    return f"the {horizon} model {version} answers, and {live[horizon]} is live"
        if (health := api.get("/health")).status_code != 200:
            return f"/health {health.status_code} {health.text[:300]}"
        backlog = api.metric("forecast_log_backlog")
    except httpx.TransportError as error:
        return f"no answer: {error}"
    return f"{backlog:.0f} forecasts not logged" if backlog else ""
