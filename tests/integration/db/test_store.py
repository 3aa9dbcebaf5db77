"""The store on a real PostgreSQL: what is written, what is left alone, who may see it when."""

import contextlib
import datetime as dt
import json
import os
import subprocess
import sys
import threading
import uuid
from contextlib import closing, contextmanager
from pathlib import Path

import polars as pl
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from src.core import tables
from src.core.errors import DatabaseFull, DatabaseRefused, DatabaseUnavailable, RunLocked
from src.core.tables import (
    CLEAN_DAILY,
    DATASET_LONG,
    DATASET_SHORT,
    FEATURES_DAILY,
    INGEST_BATCHES,
    PRICE_REVISIONS,
    QUARANTINE,
    RAW_DAILY,
    Table,
)
from src.db.connection import (
    bulk_connection,
    control_connection,
    normalise_url,
    one_sentence_errors,
)
from src.db.database import open_database
from src.db.migrate import ensure_schema, newest_revision
from src.db.store import DryRunStore, PostgresStore
from src.db.tables.runs import RunLog, application_name, ticker_locks
from tests.support.prices import NOW, checksums

ROOT = Path(__file__).resolve().parents[3]
DECLARED = [value for value in vars(tables).values() if isinstance(value, Table)]
DAYS = [dt.date(2026, 4, day) for day in (6, 7, 8, 9, 10)]
BATCH = {
    "ticker": "TCS.NS",
    "kind": "daily",
    "source": "yahoo",
    "layout": "yahoo",
    "price_basis": "split",
    "content_hash": "abc",
    "fetched_at": NOW,
    "fetched_at_stated": True,
    "origin": "a test",
    "rows_delivered": 1,
    "rows_rejected": 0,
    "notes": "",
}


def clean(*closes, ticker="TCS.NS", days=DAYS):
    """Rows of the clean table, one a day from 6 April 2026 on."""
    values = pl.Series([float(close) for close in closes], dtype=pl.Float64)
    return (
        pl.DataFrame({"date": pl.Series(days[: len(closes)], dtype=pl.Date)})
        .select(
            "date",
            **dict.fromkeys((*tables.BARS, "adj_close"), values),
            ticker=pl.lit(ticker),
            source=pl.lit("yahoo"),
            return_basis=pl.lit("price"),
            action_pending=pl.lit(False),
            repaired_by=pl.lit(None, dtype=pl.String),
        )
        .select(list(CLEAN_DAILY.columns))
    )


def features(*closes, **columns):
    return pl.DataFrame(
        {
            "ticker": "TCS.NS",
            "date": DAYS[: len(closes)],
            "close": [float(close) for close in closes],
            "warm_up": False,
            "source": "yahoo",
            "features_version": "v1",
            **columns,
        }
    )


def quarantined(stage, *lines, batch_id, row="{}"):
    return pl.DataFrame(
        {
            "ticker": "TCS.NS",
            "stage": stage,
            "kind": "daily",
            "source": "yahoo",
            "at": "2026-04-06",
            "line": list(lines),
            "rule": "null_bar",
            "reason": "null prices",
            "action": "rejected",
            "row": row,
            "batch_id": batch_id,
        }
    )


def closes(store, *tickers):
    return store.load(CLEAN_DAILY, tickers or ("TCS.NS",))["close"].to_list()


def write(store, operation):
    with store.transaction():
        return operation()


@pytest.fixture
def reader(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def empty_url(server):
    """A database of the test's own without any table."""
    name = f"empty_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        yield normalise_url(server.replace("/forecast_db?", f"/{name}?"))
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def python(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
    )


# --- the schema


@pytest.mark.parametrize("table", DECLARED, ids=lambda table: table.name)
def test_the_migrated_table_has_the_declared_columns_types_and_key(reader, table):
    columns = reader.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
        (table.name,),
    ).fetchall()
    key = reader.execute(
        "SELECT a.attname FROM pg_index i, unnest(i.indkey) WITH ORDINALITY k(attnum, place) "
        "JOIN pg_attribute a USING (attnum) WHERE i.indrelid = %s::regclass AND i.indisprimary "
        "AND a.attrelid = i.indrelid ORDER BY place",
        (table.name,),
    ).fetchall()

    assert dict(columns) == dict(table.columns)
    assert tuple(name for (name,) in key) == table.key


@pytest.mark.parametrize(
    ("index", "table"),
    [
        ("idx_features_date", "features_daily"),
        ("idx_dataset_short_date", "dataset_short"),
        ("idx_dataset_long_date", "dataset_long"),
    ],
)
def test_the_guides_index_is_on_the_date(reader, index, table):
    (definition,) = reader.execute(
        "SELECT indexdef FROM pg_indexes WHERE indexname = %s", (index,)
    ).fetchone()

    assert definition == f"CREATE INDEX {index} ON public.{table} USING btree (date)"


def test_the_schema_is_applied_once_and_then_left_alone(empty_url):
    assert ensure_schema(empty_url) is True
    before = checksums(empty_url)

    assert ensure_schema(empty_url) is False
    assert checksums(empty_url) == before
    assert "raw_daily_prices" in before


def test_three_processes_may_bring_the_schema_at_once(empty_url):
    code = (
        "import sys; from src.db.migrate import ensure_schema; "
        "sys.stdin.readline(); ensure_schema(sys.argv[1]); print('done')"
    )
    started = [python(code, empty_url) for _ in range(3)]
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60)[0] for process in started]

    assert said == ["done\n"] * 3
    with psycopg.connect(empty_url) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [
            (newest_revision(),)
        ]


def test_an_open_database_has_its_schema(empty_url, home):
    with open_database(empty_url, home) as database:
        assert database.store.load(CLEAN_DAILY, ["TCS.NS"]).is_empty()
        assert database.store.tickers() == []


# --- replace and upsert


def test_replace_makes_the_frame_the_whole_of_the_ticker(store):
    write(store, lambda: store.replace(CLEAN_DAILY, ["TCS.NS"], clean(1, 2, 3)))
    wanted = clean(5, 6, days=DAYS[1:])

    write(store, lambda: store.replace(CLEAN_DAILY, ["TCS.NS"], wanted))

    assert store.load(CLEAN_DAILY, ["TCS.NS"]).equals(wanted)


def test_replace_leaves_other_tickers_alone(store):
    write(store, lambda: store.replace(CLEAN_DAILY, ["INFY.NS"], clean(9, 9, ticker="INFY.NS")))

    write(store, lambda: store.replace(CLEAN_DAILY, ["TCS.NS"], clean(1)))
    write(store, lambda: store.replace(CLEAN_DAILY, ["TCS.NS"], clean()))

    assert closes(store, "INFY.NS") == [9, 9]
    assert closes(store, "TCS.NS") == []


def test_replace_rewrites_only_the_rows_that_differ(store, reader):
    def written_by():
        rows = reader.execute(
            "SELECT date, xmin::text || ctid::text FROM raw_daily_prices_clean ORDER BY date"
        )
        return dict(rows.fetchall())

    write(store, lambda: store.replace(CLEAN_DAILY, ["TCS.NS"], clean(1, 2, 3, 4)))
    before = written_by()

    # The second row changes, the fourth goes; the first and third stay as they are.
    write(store, lambda: store.replace(CLEAN_DAILY, ["TCS.NS"], clean(1, 7, 3)))

    after = written_by()
    assert (after[DAYS[0]], after[DAYS[2]]) == (before[DAYS[0]], before[DAYS[2]])
    assert after[DAYS[1]] != before[DAYS[1]]
    assert DAYS[3] not in after


def test_replacing_with_the_same_rows_touches_nothing(store, database_url):
    write(store, lambda: store.replace(CLEAN_DAILY, ["TCS.NS"], clean(1, 2, 3)))
    before = checksums(database_url)

    assert write(store, lambda: store.replace(CLEAN_DAILY, ["TCS.NS"], clean(1, 2, 3))) == 0
    assert checksums(database_url) == before


def test_a_null_that_stays_null_is_no_change_and_one_that_comes_or_goes_is(store):
    def repaired(by):
        named = clean(1).with_columns(repaired_by=pl.lit(by, dtype=pl.String))
        return write(store, lambda: store.replace(CLEAN_DAILY, ["TCS.NS"], named))

    assert [repaired(by) for by in (None, None, "a rule", "a rule", None)] == [1, 0, 1, 0, 1]


def test_replace_adds_feature_columns_by_name(store):
    write(
        store, lambda: store.replace(FEATURES_DAILY, ["TCS.NS"], features(1, 2, sma_7=[None, 2.5]))
    )

    frame = store.load(FEATURES_DAILY, ["TCS.NS"])
    assert frame.columns == [*FEATURES_DAILY.columns, "sma_7"]
    assert frame.schema["sma_7"] == pl.Float64
    assert frame["sma_7"].to_list() == [None, 2.5]


def test_replace_clears_feature_columns_that_the_frame_has_no_more(store):
    write(store, lambda: store.replace(FEATURES_DAILY, ["TCS.NS"], features(1, sma_7=[1.5])))

    write(store, lambda: store.replace(FEATURES_DAILY, ["TCS.NS"], features(1, sma_50=[2.5])))

    row = store.load(FEATURES_DAILY, ["TCS.NS"]).row(0, named=True)
    assert (row["sma_7"], row["sma_50"]) == (None, 2.5)


@pytest.mark.parametrize("name", ["Sma_7", "7_sma", "sma 7", 'x" float); --', "a" * 61, "_x", ""])
def test_a_name_that_is_no_feature_becomes_no_column(store, reader, name):
    with pytest.raises(ValueError, match="cannot have a column"):
        write(store, lambda: store.replace(FEATURES_DAILY, ["TCS.NS"], features(1, **{name: [1]})))

    (columns,) = reader.execute(
        "SELECT count(*) FROM information_schema.columns WHERE table_name = 'features_daily'"
    ).fetchone()
    assert columns == len(FEATURES_DAILY.columns)


def test_a_table_that_is_not_open_ended_takes_no_further_column(store):
    with pytest.raises(ValueError, match="raw_daily_prices_clean cannot have a column 'sma_7'"):
        write(
            store,
            lambda: store.replace(CLEAN_DAILY, ["TCS.NS"], clean(1).with_columns(sma_7=1.0)),
        )


def test_replace_within_leaves_rows_with_other_values_alone(store):
    batch_id = write(store, lambda: store.add_batch(BATCH, b"rows"))
    write(
        store,
        lambda: store.upsert(
            QUARANTINE,
            pl.concat(
                [quarantined(stage, 1, 2, batch_id=batch_id) for stage in ("ingest", "cleaning")]
            ),
        ),
    )
    left = quarantined("cleaning", 2, batch_id=batch_id)

    write(
        store,
        lambda: store.replace(QUARANTINE, ["TCS.NS"], left, within={"stage": "cleaning"}),
    )

    kept = store.load(QUARANTINE, ["TCS.NS"]).select("stage", "line").rows()
    assert sorted(kept) == [("cleaning", 2), ("ingest", 1), ("ingest", 2)]


def test_upsert_adds_and_changes_but_removes_nothing(store):
    write(store, lambda: store.upsert(CLEAN_DAILY, clean(1, 2)))

    changed = write(store, lambda: store.upsert(CLEAN_DAILY, clean(8, 3, days=DAYS[1:])))

    assert changed == 2
    assert closes(store) == [1, 8, 3]


def test_upserting_nothing_or_the_same_changes_nothing(store):
    write(store, lambda: store.upsert(CLEAN_DAILY, clean(1, 2)))

    assert write(store, lambda: store.upsert(CLEAN_DAILY, clean())) == 0
    assert write(store, lambda: store.upsert(CLEAN_DAILY, clean(1, 2))) == 0


def test_rows_come_in_key_order_and_up_to_a_date(store):
    write(store, lambda: store.upsert(CLEAN_DAILY, clean(1, 2, 3).reverse()))
    write(store, lambda: store.upsert(CLEAN_DAILY, clean(9, ticker="INFY.NS")))

    frame = store.load(CLEAN_DAILY, ["TCS.NS", "INFY.NS"], DAYS[1])
    assert frame.select("ticker", "date", "close").rows() == [
        ("INFY.NS", DAYS[0], 9.0),
        ("TCS.NS", DAYS[0], 1.0),
        ("TCS.NS", DAYS[1], 2.0),
    ]


def test_both_datasets_take_the_same_rows(store):
    row = features(1).select("ticker", "date", "source", "features_version")
    row = row.with_columns(label_end=DAYS[3], target=0.5, mom_7=0.1)

    for table in (DATASET_SHORT, DATASET_LONG):
        write(store, lambda table=table: store.replace(table, ["TCS.NS"], row))

    short, long = (store.load(table, ["TCS.NS"]) for table in (DATASET_SHORT, DATASET_LONG))
    assert short.equals(long)
    assert short["label_end"].to_list() == [DAYS[3]]


def test_a_row_of_json_comes_back_as_it_went_in(store):
    batch_id = write(store, lambda: store.add_batch(BATCH, b"rows"))
    whole = {"at": "2026-04-06", "close": 39.70000076293945, "note": 'said "null", ₹', "high": None}
    rows = quarantined("cleaning", 0, batch_id=batch_id, row=json.dumps(whole))

    write(store, lambda: store.upsert(QUARANTINE, rows))

    assert json.loads(store.load(QUARANTINE, ["TCS.NS"])["row"][0]) == whole
    assert write(store, lambda: store.upsert(QUARANTINE, rows)) == 0


def test_a_batch_gets_the_next_number_and_keeps_its_facts(store):
    first = write(store, lambda: store.add_batch(BATCH, b"rows"))
    second = write(store, lambda: store.add_batch(BATCH | {"content_hash": "def"}, b"rows"))

    assert second > first > 0
    stored = store.load(INGEST_BATCHES, ["TCS.NS"]).row(0, named=True)
    assert stored == BATCH | {"batch_id": first}
    assert store.tickers() == ["TCS.NS"]


# --- transactions and readers


def test_an_error_undoes_everything_in_the_transaction(store, database_url):
    write(store, lambda: store.upsert(CLEAN_DAILY, clean(1)))
    before = checksums(database_url)

    def fail():
        store.replace(CLEAN_DAILY, ["TCS.NS"], clean(5, 6))
        store.replace(FEATURES_DAILY, ["TCS.NS"], features(1, sma_7=[1.5]))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(store, fail)

    assert checksums(database_url) == before
    assert "sma_7" not in store.load(FEATURES_DAILY, ["TCS.NS"]).columns


def test_a_refused_row_leaves_the_store_usable(store):
    with pytest.raises(Exception, match="null value"):
        write(store, lambda: store.upsert(CLEAN_DAILY, clean(1).with_columns(close=None)))

    write(store, lambda: store.upsert(CLEAN_DAILY, clean(2)))
    assert closes(store) == [2]


def test_another_connection_sees_the_old_rows_until_the_transaction_ends(store, database_url):
    other = PostgresStore(bulk_connection(database_url))
    write(store, lambda: store.upsert(CLEAN_DAILY, clean(1, 2)))
    with store.transaction():
        store.replace(CLEAN_DAILY, ["TCS.NS"], clean(5))
        assert closes(store) == [5]
        assert closes(other) == [1, 2]

    assert closes(other) == [5]
    other.close()


def test_a_reader_never_sees_half_of_a_write(store, database_url):
    seen, stop = set(), threading.Event()
    write(store, lambda: store.replace(CLEAN_DAILY, ["TCS.NS"], clean(0, 0, 0, 0)))

    def read():
        with psycopg.connect(database_url, autocommit=True) as connection:
            while not stop.is_set():
                found = connection.execute("SELECT close FROM raw_daily_prices_clean").fetchall()
                seen.add(tuple(sorted(value for (value,) in found)))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for level in range(1, 30):
            # Between three and five rows, all of one level: a mixture or another count is half.
            rows = clean(*([level] * (3 + level % 3)))
            write(store, lambda rows=rows: store.replace(CLEAN_DAILY, ["TCS.NS"], rows))
    finally:
        stop.set()
        thread.join()

    assert len(seen) > 1
    assert all(found == tuple([found[0]] * _rows_at(found[0])) for found in seen)


def _rows_at(level):
    return 4 if level == 0 else 3 + int(level) % 3


def test_what_is_not_committed_is_gone_when_the_connection_closes(store, database_url):
    other = PostgresStore(bulk_connection(database_url))
    other.upsert(CLEAN_DAILY, clean(1))

    other.close()

    assert closes(store) == []


# --- changes held aside


def test_the_store_aside_never_writes_and_reads_its_own_changes(store, database_url):
    write(store, lambda: store.upsert(CLEAN_DAILY, clean(1, 2)))
    before = checksums(database_url)
    aside = DryRunStore(store)

    with aside.transaction():
        batch_id = aside.add_batch(BATCH, b"rows")
        aside.replace(CLEAN_DAILY, ["TCS.NS"], clean(5))
        aside.upsert(CLEAN_DAILY, clean(6, days=DAYS[1:]))
        aside.upsert(QUARANTINE, quarantined("cleaning", 0, batch_id=batch_id))

    assert closes(aside) == [5, 6]
    assert aside.load(INGEST_BATCHES, ["TCS.NS"])["batch_id"].to_list() == [batch_id] == [-1]
    assert aside.load(QUARANTINE, ["TCS.NS"])["line"].to_list() == [0]
    assert checksums(database_url) == before
    assert closes(store) == [1, 2]


def test_the_store_aside_shows_what_is_stored_of_tickers_it_did_not_change(store):
    write(store, lambda: store.upsert(CLEAN_DAILY, clean(1, ticker="INFY.NS")))
    aside = DryRunStore(store)

    aside.replace(CLEAN_DAILY, ["TCS.NS"], clean(5, 6))

    both = aside.load(CLEAN_DAILY, ["TCS.NS", "INFY.NS"], DAYS[0])
    assert both.select("ticker", "close").rows() == [("INFY.NS", 1.0), ("TCS.NS", 5.0)]


SOME_CLOSES = st.lists(st.integers(1, 3), max_size=4)
STEP = st.tuples(
    st.sampled_from(["replace", "upsert", "replace_within"]),
    st.sampled_from(["TCS.NS", "INFY.NS"]),
    SOME_CLOSES,
)


class _Undo(Exception):
    """Ends an example's transaction."""


@contextmanager
def undone(store):
    with contextlib.suppress(_Undo), store.transaction():
        yield
        raise _Undo


def applied(target, steps):
    """What a reader of ``target`` sees after each step."""
    seen = []
    for what, ticker, some in steps:
        rows = clean(*some, ticker=ticker)
        if what == "upsert":
            target.upsert(CLEAN_DAILY, rows)
        elif what == "replace":
            target.replace(CLEAN_DAILY, [ticker], rows)
        else:
            other = rows.with_columns(source=pl.lit("nse"))
            target.replace(CLEAN_DAILY, [ticker], clean(ticker=ticker), within={"source": "nse"})
            target.upsert(CLEAN_DAILY, other)
        seen.append(target.load(CLEAN_DAILY, ["TCS.NS", "INFY.NS"]))
        seen.append(target.load(CLEAN_DAILY, [ticker], DAYS[1]))
    return seen


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(stored=SOME_CLOSES, steps=st.lists(STEP, min_size=1, max_size=5))
def test_the_store_aside_gives_the_frames_that_postgresql_would(store, stored, steps):
    with undone(store):
        store.replace(CLEAN_DAILY, ["TCS.NS"], clean(*stored))
        aside = applied(DryRunStore(store), steps)

        live = applied(store, steps)

        assert all(one.equals(other) for one, other in zip(aside, live, strict=True))


# --- what may not change


@pytest.mark.parametrize(
    ("statement", "operation"),
    [
        ("UPDATE price_revisions SET new_value = 0", "UPDATE"),
        ("DELETE FROM price_revisions", "DELETE"),
        ("TRUNCATE price_revisions", "TRUNCATE"),
    ],
)
def test_revisions_are_only_ever_added_to(store, reader, statement, operation):
    with store.transaction():
        batch_id = store.add_batch(BATCH, b"rows")
        store.upsert(PRICE_REVISIONS, _revision(batch_id))

    with pytest.raises(psycopg.errors.RaiseException) as refused:
        reader.execute(statement)

    said = str(refused.value).splitlines()[0]
    assert said == f"price_revisions is append-only: {operation} refused"
    assert store.load(PRICE_REVISIONS, ["TCS.NS"])["new_value"].to_list() == [2.0]


def _revision(batch_id):
    return pl.DataFrame(
        {
            "ticker": "TCS.NS",
            "kind": "daily",
            "at": [NOW],
            "source": "yahoo",
            "field": "close",
            "batch_id": batch_id,
            "previous_batch_id": batch_id,
            "old_value": 1.0,
            "new_value": 2.0,
            "known_at": [NOW],
            "noise": False,
        }
    )


def test_a_raw_row_belongs_to_a_stored_batch(reader):
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        reader.execute(
            f"INSERT INTO {RAW_DAILY.name} (ticker, date, source, batch_id, first_seen) "
            "VALUES ('TCS.NS', '2026-04-06', 'yahoo', 99, now())"
        )


# --- one run per ticker


@contextmanager
def connected(url, name="tests"):
    connection = control_connection(url, name)
    try:
        yield connection
    finally:
        connection.close()


def test_a_second_run_is_refused_and_told_of_the_first(database_url):
    first = application_name("20260413_180000")
    with (
        connected(database_url, first) as one,
        connected(database_url) as other,
        ticker_locks(one, ["TCS.NS", "INFY.NS"]),
        pytest.raises(RunLocked) as refused,
        ticker_locks(other, ["HDFC.NS", "TCS.NS"]),
    ):
        pytest.fail("the lock was held")

    assert str(refused.value).startswith(
        f"A run for TCS.NS is already in progress ({first}, since "
    )
    assert str(refused.value).endswith("wait for it to end, then try again.")


def test_a_refused_run_lets_go_of_what_it_had_already(database_url):
    with (
        connected(database_url) as one,
        connected(database_url) as other,
        connected(database_url) as third,
        ticker_locks(one, ["TCS.NS"]),
    ):
        with pytest.raises(RunLocked), ticker_locks(other, ["HDFC.NS", "TCS.NS"]):
            pytest.fail("the lock was held")

        with ticker_locks(third, ["HDFC.NS"]):
            pass


def test_runs_of_different_tickers_do_not_wait_for_each_other(database_url):
    with (
        connected(database_url) as one,
        connected(database_url) as other,
        ticker_locks(one, ["TCS.NS"]),
        ticker_locks(other, ["INFY.NS"]),
    ):
        assert not one.closed


def test_a_lock_is_free_after_the_run_even_when_it_failed(database_url):
    with connected(database_url) as one, connected(database_url) as other:
        with pytest.raises(RuntimeError), ticker_locks(one, ["TCS.NS"]):
            raise RuntimeError
        with ticker_locks(other, ["TCS.NS"]):
            assert not one.closed


def test_a_lock_is_free_when_its_process_was_killed(database_url):
    code = (
        "import sys, time; from src.db.connection import control_connection as c; "
        "from src.db.tables.runs import ticker_locks\n"
        "with ticker_locks(c(sys.argv[1]), ['TCS.NS']): print('held', flush=True); time.sleep(60)"
    )
    process = python(code, database_url)
    assert process.stdout.readline() == "held\n"
    with connected(database_url) as other:
        with pytest.raises(RunLocked), ticker_locks(other, ["TCS.NS"]):
            pytest.fail("the lock was held")
        process.kill()
        process.communicate()

        _until_free(other)


def _until_free(connection):
    for _ in range(100):
        try:
            with ticker_locks(connection, ["TCS.NS"]):
                return
        except RunLocked:
            threading.Event().wait(0.05)
    pytest.fail("the lock outlived its holder")


# --- the run log


STARTED = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)


def run_row(reader, run_id):
    columns = "status, live, started_at, finished_at, data_hash, error"
    return reader.execute(
        f"SELECT {columns} FROM pipeline_runs WHERE run_id = %s", (run_id,)
    ).fetchone()


def begin(reader, run_id, ticker="TCS.NS", live=True):
    log = RunLog(reader, run_id)
    log.started(ticker, command="pipeline", live=live, at=STARTED)
    return log


def test_a_run_is_noted_when_it_begins_and_when_it_ends(reader):
    log = begin(reader, "one")
    assert run_row(reader, "one") == ("running", True, STARTED, None, None, None)
    ended = STARTED + dt.timedelta(seconds=3)

    log.finished({"status": "success", "data_hash": "d", "config_hash": "c"}, ended)

    assert run_row(reader, "one") == ("success", True, STARTED, ended, "d", None)


def test_two_machines_may_begin_a_run_in_the_same_second(reader):
    first, second = begin(reader, "one"), begin(reader, "one", "INFY.NS")

    second.finished({"status": "success"}, STARTED)

    assert first.run_id == "one" != second.run_id
    assert run_row(reader, "one")[0] == "running"
    assert run_row(reader, second.run_id)[0] == "success"


def test_a_run_that_died_without_a_word_is_closed_by_the_next_of_its_ticker(reader):
    for run_id, ticker in (("dead", "TCS.NS"), ("other", "INFY.NS"), ("next", "TCS.NS")):
        begin(reader, run_id, ticker)

    assert [run_row(reader, run_id)[0] for run_id in ("dead", "other", "next")] == [
        *("interrupted", "running", "running"),
    ]
    assert run_row(reader, "dead")[-1] == "the process ended without finishing the run"


def test_a_run_that_ended_is_not_called_interrupted(reader):
    begin(reader, "one").finished({"status": "failed", "error": "no prices"}, STARTED)

    begin(reader, "two")

    assert run_row(reader, "one")[0] == "failed"
    assert run_row(reader, "one")[-1] == "no prices"


def test_a_stage_is_noted_under_its_run(reader):
    log = begin(reader, "one", live=False)
    metric = {
        "timestamp": STARTED.isoformat(),
        "stage": "data_cleaning",
        "status": "failed",
        "rows_processed": 0,
        "duration_seconds": 0.25,
        "error_message": "no prices",
    }

    log.stage_ended(metric)

    row = reader.execute(
        "SELECT stage, status, started_at, rows, duration_seconds, error FROM stage_runs"
    ).fetchone()
    assert row == ("data_cleaning", "failed", STARTED, 0, 0.25, "no prices")


# --- no database


@pytest.mark.parametrize("connect", [control_connection, bulk_connection])
def test_a_database_that_does_not_answer_is_one_sentence_without_the_password(connect):
    with pytest.raises(DatabaseUnavailable) as refused:
        connect(normalise_url("postgresql://me:hunter2@127.0.0.1:1/prices"))

    said = str(refused.value)
    assert said.startswith("The database at 127.0.0.1:1/prices does not answer (")
    assert said.endswith("): start it, or check DATABASE_URL.")
    assert "Connection refused" in said
    assert "hunter2" not in said
    assert "\n" not in said


def test_a_wrong_password_is_not_repeated(server):
    # The server listens on a socket alone and trusts it: an unknown role is refused instead.
    url = server.replace("//postgres@", "//nobody:hunter2@")
    with pytest.raises(DatabaseUnavailable) as refused:
        control_connection(normalise_url(url))

    assert '"nobody" does not exist' in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("mysql://me:hunter2@db/prices", "not mysql."),
        ("sqlite:///prices.db", "not sqlite."),
        ("prices", "not no scheme."),
    ],
)
def test_an_address_of_another_kind_is_refused_by_its_scheme(url, named):
    with pytest.raises(DatabaseUnavailable) as refused:
        normalise_url(url)

    assert str(refused.value).endswith(named)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_usual_spelling_of_the_scheme_is_understood(scheme):
    assert normalise_url(f"{scheme}://me@db/prices?host=/run") == (
        "postgresql://me@db/prices?host=/run&connect_timeout=5"
    )


def test_a_stated_time_limit_is_kept():
    url = "postgresql://me@db/prices?connect_timeout=2"

    assert normalise_url(url) == url


def test_a_database_lost_half_way_is_one_sentence(database_url, server):
    store = PostgresStore(bulk_connection(database_url))
    with psycopg.connect(server, autocommit=True) as admin:
        name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )

    with pytest.raises(DatabaseUnavailable), one_sentence_errors(database_url):
        store.load(CLEAN_DAILY, ["TCS.NS"])
    store.close()


@pytest.mark.parametrize("connect", [control_connection, bulk_connection])
def test_a_server_that_refuses_a_connection_is_told_from_one_that_is_away(database_url, connect):
    with pytest.raises(
        DatabaseUnavailable, match=r"refused the connection \(.*missing_.*\): check"
    ):
        connect(database_url.replace("/test_", "/missing_"))


def test_a_full_disk_is_known_by_its_code(database_url, reader):
    raising = "DO $$ BEGIN RAISE 'kein Platz' USING ERRCODE = 'disk_full'; END $$"
    with closing(bulk_connection(database_url)) as bulk:
        for connection in (reader, bulk):
            with (
                closing(connection.cursor()) as cursor,
                pytest.raises(DatabaseFull, match=r"is full \(.*kein Platz"),
                one_sentence_errors(database_url),
            ):
                cursor.execute(raising)


def test_an_error_of_our_own_stays_what_it_is(database_url):
    with pytest.raises(ValueError, match="connection"), one_sentence_errors(database_url):
        raise ValueError("connection")


def test_a_role_without_rights_is_told_what_it_lacks(database_url):
    role = f"guest_{os.getpid()}"
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {role} LOGIN")
        guest = PostgresStore(bulk_connection(database_url.replace("//postgres@", f"//{role}@")))
        with pytest.raises(DatabaseRefused) as refused, one_sentence_errors(database_url):
            guest.load(CLEAN_DAILY, ["TCS.NS"])
        guest.close()
        admin.execute(f"DROP ROLE {role}")

    assert "permission denied for table raw_daily_prices_clean" in str(refused.value)
    assert "check the role's rights" in str(refused.value)


def test_a_schema_newer_than_the_code_is_left_alone(database_url):
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(DatabaseRefused, match="has schema 9999, but this code only knows"):
        ensure_schema(database_url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hunter2@[::1/db",
        "postgresql://me:hun/ter2@127.0.0.1/db",
        "postgresql://me:hunter2@127.0.0.1:port/db",
        "postgresql://me:hunter2@127.0.0.1/db?bogus=1",
    ],
)
def test_an_address_that_cannot_be_read_is_refused_without_quoting_it(url):
    with pytest.raises(DatabaseUnavailable) as refused:
        normalise_url(url)

    assert str(refused.value).startswith("DATABASE_URL is not of the form postgresql://")
    assert not any(part in str(refused.value) for part in ("hun", "ter2", "bogus"))


def test_a_password_with_a_hash_is_kept_out_of_the_sentence():
    with pytest.raises(DatabaseUnavailable) as refused:
        control_connection(normalise_url("postgresql://me:hun#ter2@127.0.0.1:1/db"))

    assert not any(part in str(refused.value) for part in ("hun", "ter2"))


def test_batches_held_aside_are_those_of_the_tickers_asked_for(store):
    aside = DryRunStore(store)
    aside.add_batch(BATCH, b"rows")

    assert aside.load(INGEST_BATCHES, ["SBIN.NS"]).is_empty()
    assert aside.load(INGEST_BATCHES, [BATCH["ticker"]]).height == 1
