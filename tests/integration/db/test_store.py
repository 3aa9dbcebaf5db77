"""The store on a real PostgreSQL: what is written, what is left alone, who may see it when."""

import contextlib
import datetime as dt
import json
import math
import threading
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import polars as pl
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from src.core import tables
from src.core.tables import (
    BATCH_CONTENTS,
    CLEAN_DAILY,
    DATASET_LONG,
    DATASET_SHORT,
    FEATURE_SETS,
    FEATURES_DAILY,
    INGEST_BATCHES,
    PRICE_REVISIONS,
    QUARANTINE,
    RAW_DAILY,
)
from src.db.bulk import cursors, reading, writing
from src.db.connection import (
    bulk_connection,
)
from src.db.dry_run import DryRunStore
from src.db.store import PostgresStore
from tests.support.prices import NOW, checksums

ROOT = Path(__file__).resolve().parents[3]
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
    "file_hash": "",
    "file_parts": 0,
}


def add_batch(store, batch):
    """Store a batch with what was delivered; its number."""
    (number,) = store.reserve_batches(1)
    kinds = {"batch_id": number, **{name: batch[name] for name in ("ticker", "kind", "source")}}
    contents = [kinds | {"content": b"rows", "actions": b""}]
    store.insert(INGEST_BATCHES, pl.DataFrame([{"batch_id": number, **batch}]))
    store.insert(BATCH_CONTENTS, pl.DataFrame(contents).select(list(BATCH_CONTENTS.columns)))
    return number


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
            "adj_close": [float(close) for close in closes],
            "action_pending": False,
            "warm_up": False,
            "source": "yahoo",
            "return_basis": "price",
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


def test_where_most_rows_change_all_are_written_anew(store):
    write(store, lambda: store.replace(CLEAN_DAILY, ["TCS.NS"], clean(1, 2, 3, 4)))
    write(store, lambda: store.replace(CLEAN_DAILY, ["INFY.NS"], clean(9, ticker="INFY.NS")))

    touched = write(store, lambda: store.replace(CLEAN_DAILY, ["TCS.NS"], clean(5, 6, 7, 4, 8)))

    # Three differ and one is new; that the fourth is written again is no change.
    assert touched == 4
    assert (closes(store), closes(store, "INFY.NS")) == ([5, 6, 7, 4, 8], [9])


def test_replace_with_known_rows_does_not_read_them(store, monkeypatch):
    write(store, lambda: store.replace(CLEAN_DAILY, ["TCS.NS"], clean(1, 2, 3)))
    stored = store.load(CLEAN_DAILY, ["TCS.NS"])
    monkeypatch.setattr(writing, "read_packed", None)

    touched = write(
        store, lambda: store.replace(CLEAN_DAILY, ["TCS.NS"], clean(1, 2, 5), stored=stored)
    )

    monkeypatch.undo()
    assert (touched, closes(store)) == (1, [1, 2, 5])


@pytest.mark.parametrize("rows", [1, 3])
def test_prices_of_a_batch_that_is_not_stored_are_refused(store, rows):
    prices = clean(*range(1, rows + 1)).select(
        "ticker",
        "date",
        "source",
        *tables.DAILY_VALUES,
        batch_id=pl.lit(7, dtype=pl.Int64),
        first_seen=pl.lit(NOW).cast(pl.Datetime("us", "UTC")),
    )

    with pytest.raises(Exception, match="raw_daily_prices: no batch 7"):
        write(store, lambda: store.replace(RAW_DAILY, ["TCS.NS"], prices))


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
    batch_id = write(store, lambda: add_batch(store, BATCH))
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


def test_insert_writes_new_rows_and_refuses_keys_that_are_there(store):
    write(store, lambda: store.upsert(CLEAN_DAILY, clean(1, 2)))

    assert write(store, lambda: store.insert(CLEAN_DAILY, clean(3, days=DAYS[2:]))) == 1
    assert write(store, lambda: store.insert(CLEAN_DAILY, clean())) == 0
    assert closes(store) == [1, 2, 3]
    with pytest.raises(Exception, match="duplicate key"):
        write(store, lambda: store.insert(CLEAN_DAILY, clean(8)))
    assert closes(DryRunStore(store)) == closes(store) == [1, 2, 3]


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


def test_rows_come_in_key_order_however_the_server_sorts(store, monkeypatch):
    """A server's own order of texts may be another: in most languages ACCELYA comes before ACC."""
    write(store, lambda: store.upsert(CLEAN_DAILY, clean(1, 2, ticker="ACC.NS")))
    write(store, lambda: store.upsert(CLEAN_DAILY, clean(3, 4, ticker="ACCELYA.NS")))
    query = reading.query
    monkeypatch.setattr(reading, "query", lambda *given: query(*given).reverse())

    frame = store.load(CLEAN_DAILY, ["ACC.NS", "ACCELYA.NS"], columns=("close",))

    assert frame.columns == ["close"]
    assert frame["close"].to_list() == [1.0, 2.0, 3.0, 4.0]


def test_only_the_columns_asked_for_are_read(store):
    write(store, lambda: store.replace(FEATURES_DAILY, ["TCS.NS"], features(1, 2, sma_7=[1, 2])))

    for reader in (store, DryRunStore(store)):
        frame = reader.load(FEATURES_DAILY, ["TCS.NS"], DAYS[0], ("sma_7", "date"))
        assert frame.columns == ["sma_7", "date"]
        assert frame.rows() == [(1.0, DAYS[0])]
    with pytest.raises(ValueError, match="features_daily has no column 'sma_50'"):
        store.load(FEATURES_DAILY, ["TCS.NS"], columns=("sma_50",))


def test_only_rows_of_the_dates_asked_for_are_read(store):
    write(store, lambda: store.replace(FEATURES_DAILY, ["TCS.NS"], features(1, 2, sma_7=[1, 2])))

    def days(**dates):
        frames = [each.load(FEATURES_DAILY, ["TCS.NS"], **dates) for each in (store, aside)]
        assert frames[0]["date"].equals(frames[1]["date"])
        return frames[0]["date"].to_list()

    aside = DryRunStore(store)
    aside.replace(FEATURES_DAILY, ["TCS.NS"], store.load(FEATURES_DAILY, ["TCS.NS"]))
    assert days() == DAYS[:2]
    assert days(since=DAYS[1]) == days(since=DAYS[1], until=DAYS[1]) == [DAYS[1]]
    assert days(until=DAYS[0]) == [DAYS[0]]
    assert days(since=DAYS[1], until=DAYS[0]) == []


def test_lists_come_back_as_they_went_in(store, reader):
    inputs = pl.Series([[0.1, float("nan")], [-2.5, 1e-30]], dtype=pl.List(pl.Float32))
    names = pl.DataFrame({"features_version": ["v1"], "names": [["ret_lag1_s", "mom_5_s"]]})

    def written():
        rows = features(1, 2, inputs=inputs)
        touched = store.replace(FEATURES_DAILY, ["TCS.NS"], rows)
        return touched + store.upsert(FEATURE_SETS, names)

    assert [write(store, written), write(store, written)] == [3, 0]
    found = store.load(FEATURES_DAILY, ["TCS.NS"])["inputs"]
    assert found.dtype == inputs.dtype
    assert found.explode().equals(inputs.explode())
    by_name = reader.execute(
        "SELECT name, value FROM model_inputs WHERE date = %s ORDER BY name", (DAYS[0],)
    ).fetchall()
    assert by_name == [("mom_5_s", None), ("ret_lag1_s", pytest.approx(0.1))]


def test_a_dry_run_counts_rows_with_lists_and_leaves_out_what_has_no_ticker(store):
    inputs = pl.Series([[0.1]], dtype=pl.List(pl.Float32))
    dry_run = DryRunStore(store)

    assert dry_run.replace(FEATURES_DAILY, ["TCS.NS"], features(1, inputs=inputs)) == 1
    assert dry_run.replace(FEATURES_DAILY, ["TCS.NS"], features(1, inputs=inputs)) == 0
    names = pl.DataFrame({"features_version": ["v1"], "names": [["ret_lag1_s"]]})
    assert dry_run.upsert(FEATURE_SETS, names) == 0


def test_both_datasets_take_the_same_rows(store):
    row = features(1).select("ticker", "date", "warm_up", "source", "features_version")
    row = row.with_columns(label_end=DAYS[3], target=0.5, mom_7=0.1)

    for table in (DATASET_SHORT, DATASET_LONG):
        write(store, lambda table=table: store.replace(table, ["TCS.NS"], row))

    short, long = (store.load(table, ["TCS.NS"]) for table in (DATASET_SHORT, DATASET_LONG))
    assert short.equals(long)
    assert short["label_end"].to_list() == [DAYS[3]]


def test_a_row_of_json_comes_back_as_it_went_in(store):
    batch_id = write(store, lambda: add_batch(store, BATCH))
    whole = {"at": "2026-04-06", "close": 39.70000076293945, "note": 'said "null", ₹', "high": None}
    rows = quarantined("cleaning", 0, batch_id=batch_id, row=json.dumps(whole))

    write(store, lambda: store.upsert(QUARANTINE, rows))

    assert json.loads(store.load(QUARANTINE, ["TCS.NS"])["row"][0]) == whole
    assert write(store, lambda: store.upsert(QUARANTINE, rows)) == 0


def test_a_batch_gets_the_next_number_and_keeps_its_facts(store):
    first = write(store, lambda: add_batch(store, BATCH))
    second = write(store, lambda: add_batch(store, BATCH | {"content_hash": "def"}))

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


def test_a_read_only_transaction_sees_one_moment_and_writes_nothing(store, database_url):
    other = PostgresStore(bulk_connection(database_url))
    write(store, lambda: store.upsert(CLEAN_DAILY, clean(1, 2)))
    for close, reader in ((5, store), (6, DryRunStore(store))):
        with reader.transaction(read_only=True):
            before = closes(reader)
            write(other, partial(other.replace, CLEAN_DAILY, ["TCS.NS"], clean(close)))
            assert closes(reader) == before
        assert closes(store) == [close]
    other.close()

    with pytest.raises(Exception, match="read-only"), store.transaction(read_only=True):
        store.upsert(CLEAN_DAILY, clean(7))
    write(store, lambda: store.upsert(CLEAN_DAILY, clean(8)))
    assert closes(store) == [8]


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


# --- dry runs


def test_a_dry_run_never_writes_and_reads_its_own_changes(store, database_url):
    write(store, lambda: store.upsert(CLEAN_DAILY, clean(1, 2)))
    before = checksums(database_url)
    dry_run = DryRunStore(store)

    with dry_run.transaction():
        batch_id = add_batch(dry_run, BATCH)
        dry_run.replace(CLEAN_DAILY, ["TCS.NS"], clean(5))
        dry_run.upsert(CLEAN_DAILY, clean(6, days=DAYS[1:]))
        dry_run.upsert(QUARANTINE, quarantined("cleaning", 0, batch_id=batch_id))

    assert closes(dry_run) == [5, 6]
    assert dry_run.load(INGEST_BATCHES, ["TCS.NS"])["batch_id"].to_list() == [batch_id]
    assert batch_id == 2**62
    assert dry_run.load(QUARANTINE, ["TCS.NS"])["line"].to_list() == [0]
    assert checksums(database_url) == before
    assert closes(store) == [1, 2]


def test_a_dry_run_shows_what_is_stored_of_tickers_it_did_not_change(store):
    write(store, lambda: store.upsert(CLEAN_DAILY, clean(1, ticker="INFY.NS")))
    dry_run = DryRunStore(store)

    dry_run.replace(CLEAN_DAILY, ["TCS.NS"], clean(5, 6))

    both = dry_run.load(CLEAN_DAILY, ["TCS.NS", "INFY.NS"], DAYS[0])
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
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(stored=SOME_CLOSES, steps=st.lists(STEP, min_size=1, max_size=5))
def test_a_dry_run_gives_the_frames_that_postgresql_would(store, stored, steps):
    with undone(store):
        store.replace(CLEAN_DAILY, ["TCS.NS"], clean(*stored))
        dry_run = applied(DryRunStore(store), steps)

        live = applied(store, steps)

        assert all(one.equals(other) for one, other in zip(dry_run, live, strict=True))


def test_batches_of_a_dry_run_are_those_of_the_tickers_that_are_loaded(store):
    dry_run = DryRunStore(store)
    add_batch(dry_run, BATCH)

    assert dry_run.load(INGEST_BATCHES, ["SBIN.NS"]).is_empty()
    assert dry_run.load(INGEST_BATCHES, [BATCH["ticker"]]).height == 1


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
        batch_id = add_batch(store, BATCH)
        store.upsert(PRICE_REVISIONS, _revision(batch_id))

    with pytest.raises(psycopg.errors.RaiseException) as refused:
        reader.execute(statement)

    message = str(refused.value).splitlines()[0]
    assert message == f"price_revisions is append-only: {operation} refused"
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


# --- what rows lack


def test_what_rows_lack_is_counted_alike_in_the_database_and_in_a_dry_run(store):
    bent = features(
        *range(1, 6),
        warm_up=[True, False, False, False, False],
        mom_7=[math.inf, None, 1.0, -math.inf, 2.0],
        vol_14=[None, None, math.nan, 0.2, None],
    )
    other = features(1, 2, ticker="INFY.NS", mom_7=1.0, vol_14=0.0)
    tickers, names = ["TCS.NS", "INFY.NS", "NONE.NS"], ["mom_7", "vol_14"]
    with store.transaction():
        store.replace(FEATURES_DAILY, tickers, pl.concat([bent, other], how="diagonal"))
    dry_run = DryRunStore(store)

    for until in (None, DAYS[3]):
        counted = store.count_lacking(FEATURES_DAILY, tickers, names, 3, until)

        assert counted.equals(dry_run.count_lacking(FEATURES_DAILY, tickers, names, 3, until))
    assert counted.rows() == [
        ("INFY.NS", 2, 2, 0, 0, DAYS[0]),
        ("TCS.NS", 4, 3, 1, 3, DAYS[1]),
    ]
    assert store.count_lacking(FEATURES_DAILY, ["NONE.NS"], names, 3).is_empty()


def test_a_long_transaction_holds_no_more_locks_than_a_short_one(database_url):
    connection = bulk_connection(database_url)
    store = PostgresStore(connection)
    locks = []
    for close in range(1, 31):
        store.upsert(CLEAN_DAILY, clean(close))
        held = "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid()"
        locks.append(cursors.query(connection, held).item())
    connection.rollback()

    assert locks[-1] == locks[1]
    # What was staged is gone, and so is the table that it was staged in.
    assert write(store, lambda: store.upsert(CLEAN_DAILY, clean(1, 2))) == 2
    assert closes(store) == [1, 2]
    store.close()
