"""What must be true after every episode, whatever happened in it; each yields what is not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator

from src.data.report.row_counts import REFUSED_BY_COMPARISON
from tests.chaos.episodes.decisions import is_decided_otherwise
from tests.chaos.episodes.evening import OF_TRIALS, Record, append_only
from tests.chaos.faults.table import FAULTS
from tests.chaos.world import prices
from tests.chaos.world.calm import NUMBERED, Answer, bad_rules, trial_events
from tests.chaos.world.models import Weights, weights_by_digest
from tests.chaos.world.pages import PAGES, problems_of
from tests.chaos.world.world import World
from tests.support.many_tickers import contents

Check = Callable[[World, Record], Iterator[str]]

# Of what monitoring and the worker did; the rest must be as after an undisturbed evening.
OF_EVENTS = {
    *("alerts", "alert_groups", "alert_messages", "alert_deliveries", "alert_attempts"),
    *("run_requests", "workers", "missed_sessions"),
    "trial_events",  # see trials_are_sound
    "drift_measures",  # of which forecasts are the first to be logged depends on the API's clock
}
# What may be bad for some time after something was put right.
LINGERING = frozenset({"worker_restarts", "worker_dead", "clock_wrong"})
# Kinds whose faults the API does not meet.
FAR_FROM_API = frozenset({"source", "clock", "deliveries"})
ADVICE_LENGTH = 20
# In the note of an answer that is zero because not all stocks have prices of the session.
INCOMPLETE = "have prices of"
# Tables in which the promoted model is named.
OF_PROMOTION = {"predictions", "prediction_outcomes", "model_events", "pool_inputs"} | {
    "trial_challengers"
}


def run_ends(world: World, record: Record) -> Iterator[str]:
    """The disturbed run ends, and so does each after it, which succeeds."""
    if record.code is None:
        yield "the disturbed run, or its worker, did not end"
    if record.good_code != 0:
        yield f"the run after it ended with {record.good_code}: {world.said()['run.err'][-600:]}"


def one_sentence(world: World, record: Record) -> Iterator[str]:
    """No traceback is printed."""
    for name, text in world.said().items():
        if "Traceback" in text:
            at = text.index("Traceback")
            yield f"a traceback in {name}: {text[max(0, at - 300) : at + 1500]}"


def tables_are_whole(world: World, record: Record) -> Iterator[str]:
    """Every table is as after an undisturbed evening."""
    now = contents(world.url, NUMBERED)
    measured = world.query(_MEASURED, record.day)[0][0]
    if "drift_measures" not in record.excuses and not measured:
        yield f"the drift of {record.day} was not measured"
    excused = OF_EVENTS | record.excuses
    if is_decided_otherwise(world, record):
        excused |= OF_PROMOTION
    for table, expected in record.after.tables.items():
        if table not in excused and now[table] != expected:
            yield f"{table} differs: {_difference(world, table, record.after.database)}"


_MEASURED = "SELECT count(*) FROM drift_measures WHERE session = %s"


def _difference(world: World, table: str, database: str) -> str:
    """How many rows differ, and in which columns, with an example of each."""
    sql = f"SELECT to_jsonb(whole) - %s::text[] FROM {table} whole"
    here, there = (
        {json.dumps(row) for (row,) in world.query(sql, list(NUMBERED), database=name)}
        for name in (None, database)
    )
    more, less = ([json.loads(row) for row in rows] for rows in (here - there, there - here))
    told = [f"{len(more)} other rows, {len(less)} missing"]
    for column in (more or less or [{}])[0]:
        values, wanted = (sorted(json.dumps(row[column]) for row in rows) for rows in (more, less))
        if values != wanted:
            told.append(f"{column}: {values[:1]} for {wanted[:1]}"[:200])
    return "; ".join(told)


def rows_are_conserved(world: World, record: Record) -> Iterator[str]:
    """Every delivered row is in the raw table, or in quarantine with a reason."""
    kept = {
        (ticker, day)
        for ticker, day in world.query(
            "SELECT ticker, date::text FROM raw_daily_prices UNION "
            "SELECT ticker, left(at, 10) FROM quarantine WHERE reason <> ''"
        )
    }
    for ticker in prices.TICKERS:
        lost = {(ticker, str(day)) for day, _ in prices.bars(ticker, record.day)} - kept
        if lost:
            yield f"rows delivered and nowhere: {sorted(lost)[:5]}"
    unequal = world.query(
        "SELECT b.batch_id, rows_rejected, count(q) FROM ingest_batches b LEFT JOIN quarantine q "
        "ON q.batch_id = b.batch_id AND q.stage = 'data_ingest' AND q.action = 'rejected' "
        "AND q.rule <> ALL(%s) "  # they could be read
        "GROUP BY b.batch_id, rows_rejected HAVING count(q) <> rows_rejected",
        list(REFUSED_BY_COMPARISON),
    )
    if unequal:
        yield f"batches whose rejected rows are not in quarantine: {unequal[:5]}"


def logs_only_grow(world: World, record: Record) -> Iterator[str]:
    """Append-only tables have all rows that they had, unchanged."""
    for table, rows in append_only(world).items():
        if gone := record.rows[table] - rows:
            yield f"{sum(gone.values())} rows of {table} are gone or changed"


def answers_are_true(world: World, record: Record) -> Iterator[str]:
    """Every answer is what tables said before or after; every refusal is a sentence.

    Where not all stocks have a session, zero is the answer, and says so.
    """
    faults = [FAULTS[each.fault] for each in record.episode.happenings]
    is_spoilt = any(fault.spoils_answers for fault in faults)
    models = weights_by_digest(world)
    allowed = (200, 503)
    if not {fault.kind for fault in faults} - FAR_FROM_API:
        allowed = (200,)
    for answer in filter(None, record.answers):
        if answer.status_code not in allowed:
            yield f"{answer.status_code} for {answer.url}: {answer.text[:300]}"
            return
        body = answer.json()
        if answer.status_code != 200:
            if len(body.get("detail", "")) < ADVICE_LENGTH:
                yield f"a refusal without a sentence: {answer.text[:300]}"
            continue
        told = (body["data_hash"], body["last_close"], body["pred_return"])
        model = models.get(body["model"]["version"])
        horizon = answer.url.path.rpartition("/")[2]
        key = body["ticker"], horizon, body["feature_date"]
        expected = record.after.answers.get(key)
        if is_spoilt or (told[2] == 0 and INCOMPLETE in (body["note"] or "")):
            continue
        if model is None or expected is None or not _is_equal(told, model, expected):
            yield f"answered {told} by {body['model']} for {key}; the tables say {expected}"
            return


def _is_equal(told: tuple[str, float, float], model: Weights, expected: Answer) -> bool:
    *facts, inputs = expected
    return list(told[:2]) == facts and abs(told[2] - model.forecast(inputs)) < 1e-12


def forecasts_are_logged(world: World, record: Record) -> Iterator[str]:
    """Every forecast that was answered is in the prediction log, with the same numbers."""
    if record.unsettled:
        yield f"the API does not come to rest: {record.unsettled}"
    logged = {
        tuple(row)
        for row in world.query(
            "SELECT ticker, horizon, feature_date::text, version, data_hash, point, last_close "
            "FROM predictions WHERE kind = 'served'"
        )
    }
    for answer in filter(None, record.answers):
        if answer.status_code == 200:
            body = answer.json()
            row = (
                body["ticker"],
                answer.url.path.rpartition("/")[2],
                body["feature_date"],
                body["model"]["version"],
                body["data_hash"],
                body["pred_return"],
                body["last_close"],
            )
            if row not in logged:
                yield f"answered and not logged: {row}"
                return


def one_model_is_live(world: World, record: Record) -> Iterator[str]:
    """At each pool and horizon one model is live, its files whole, and none else has answered."""
    live = world.query(
        "SELECT DISTINCT ON (pool, horizon) pool, horizon, digest FROM model_events "
        "WHERE made_live ORDER BY pool, horizon, event_id DESC"
    )
    for pool, horizon, digest in live:
        folder = world.home / "models" / pool / horizon / digest
        manifest = folder / "manifest.json"
        if not manifest.is_file():
            yield f"the live {horizon} model of {pool} has no manifest"
            continue
        content = manifest.read_bytes()
        if hashlib.sha256(content).hexdigest() != digest:
            yield f"the manifest of the live {horizon} model of {pool} is another"
        for name, facts in json.loads(content)["files"].items():
            if hashlib.sha256((folder / name).read_bytes()).hexdigest() != facts["sha256"]:
                yield f"{name} of the live {horizon} model of {pool} is another"
    versions = weights_by_digest(world).keys()
    answered = {a.json()["model"]["version"] for a in record.answers if a and a.status_code == 200}
    if answered - versions:
        yield f"answers of models that were never live: {answered - versions}"


def trials_are_sound(world: World, record: Record) -> Iterator[str]:
    """Each trial ends once, and is promoted with it or never; shadows are complete, and no answers.

    Append-only tables, which those of trials are, are looked at by ``logs_only_grow``.
    """
    for problem, sql in _UNSOUND.items():
        if rows := world.query(sql):
            yield f"{problem}: {rows[:5]}"
    missing = world.query(_WITHOUT_SHADOW, record.day, record.day)
    if missing:
        yield f"answered on {record.day} and no forecast of a challenger: {missing}"
    happened = trial_events(world)
    is_same = not record.excuses & OF_TRIALS and not is_decided_otherwise(world, record)
    if is_same and happened != record.after.trials:
        differs = [row for row in happened if row not in record.after.trials]
        yield f"{len(happened)} events of trials, not {len(record.after.trials)}: {differs[:3]}"


_UNSOUND = {
    "trials that ended twice": "SELECT hash FROM trial_events WHERE kind IN "
    "('better', 'equivalent', 'worse', 'ran_out', 'stopped') GROUP BY hash HAVING count(*) > 1",
    "trials that were promoted twice, or without being better": "SELECT p.hash FROM trial_events p "
    "LEFT JOIN trial_events e ON e.hash = p.hash AND e.kind = 'better' "
    "WHERE p.kind = 'promoted' GROUP BY p.hash HAVING count(*) > 1 OR count(e) = 0",
    "trials that were better and are not promoted as registered": "SELECT hash FROM trials t "
    "WHERE promotes AND EXISTS (SELECT FROM trial_events e WHERE e.hash = t.hash AND kind = "
    "'better') AND NOT EXISTS (SELECT FROM model_events WHERE kind = 'promoted' AND made_live "
    "AND starts_with(reason, 'trial ' || left(t.hash, 12)))",
    "forecasts that are both served and a challenger's": "SELECT s.version FROM predictions s "
    "JOIN predictions p USING (version) WHERE s.kind = 'shadow' AND p.kind = 'served'",
    "challengers' forecasts of no trial": "SELECT p.version FROM predictions p WHERE "
    "kind = 'shadow' AND version <> ALL (SELECT encode(sha256(convert_to(hash || chr(10) || "
    "challenger, 'UTF8')), 'hex') FROM trials)",
}
# Whoever runs after a fault forecasts with the challengers of all trials that are not over.
_WITHOUT_SHADOW = """
SELECT DISTINCT s.ticker, t.hash FROM predictions s JOIN trials t ON t.horizon = s.horizon
WHERE s.kind = 'served' AND s.feature_date = %s AND NOT EXISTS (
    SELECT FROM trial_events e WHERE e.hash = t.hash AND e.kind = 'better'
) AND NOT EXISTS (
    SELECT FROM predictions p WHERE p.kind = 'shadow' AND p.ticker = s.ticker
    AND p.feature_date = %s AND p.version =
        encode(sha256(convert_to(t.hash || chr(10) || t.challenger, 'UTF8')), 'hex')
)
"""


def alerts_come_and_go(world: World, record: Record) -> Iterator[str]:
    """A run that did not succeed is told of, and is told to be over after the next good one."""
    new = {rule for rule, _ in record.bad - record.after.bad}
    if record.status not in (None, "success") and not new:
        yield f"a run ended as {record.status}, and no rule tells of it"
    left = {key for key in bad_rules(world) - record.after.bad if key[0] not in LINGERING}
    if left:
        yield f"still bad after a good run: {left}"
    firing = {
        (rule, subject)
        for rule, subject in world.query("SELECT rule, subject FROM alerts WHERE state = 'firing'")
        if rule not in LINGERING
    }
    if firing - record.after.bad - left:
        yield f"alerts that fire on after a good run: {firing - record.after.bad}"


def pages_are_drawn(world: World, record: Record) -> Iterator[str]:
    """A page of the dashboard, another one after each episode, is drawn without an exception."""
    if world.dashboard is not None:
        page = PAGES[record.episode.number % len(PAGES)]
        yield from (f"/{page}: {each}" for each in problems_of(world.dashboard.url, page))


def nothing_is_left(world: World, record: Record) -> Iterator[str]:
    """No process is left but the services, no run is under way, and no lock is held."""
    services = {s.process.pid for s in (world.api, world.dashboard) if s is not None}
    left = [p for p in world.processes() if p.pid not in services]
    if left:
        yield f"processes left: {[' '.join(p.cmdline()) for p in left]}"
    running = world.query("SELECT run_id FROM pipeline_runs WHERE status = 'running'")
    if running:
        yield f"runs that are said to be under way: {running}"
    locks = world.query("SELECT classid, objid FROM pg_locks WHERE locktype = 'advisory'")
    if locks:
        yield f"locks left: {locks}"


INVARIANTS: tuple[Check, ...] = (
    run_ends,
    one_sentence,
    tables_are_whole,
    rows_are_conserved,
    logs_only_grow,
    answers_are_true,
    forecasts_are_logged,
    one_model_is_live,
    trials_are_sound,
    alerts_come_and_go,
    pages_are_drawn,
    nothing_is_left,
)
