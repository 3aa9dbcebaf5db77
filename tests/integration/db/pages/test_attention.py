"""What the first page is told of rows that were held back."""

import datetime as dt

import psycopg
import pytest

from src.db.pages import attention

BEGAN = dt.datetime(2026, 4, 17, 12, 30, tzinfo=dt.UTC)


@pytest.fixture
def connection(database_url):
    """An open one."""
    with psycopg.connect(database_url, autocommit=True) as opened:
        yield opened


def test_rows_that_nobody_lacks_are_not_told(connection):
    (batch,) = connection.execute(
        "INSERT INTO ingest_batches (ticker, kind, source, layout, price_basis, content_hash, "
        "fetched_at, fetched_at_stated, origin, rows_delivered, rows_rejected, notes) VALUES "
        "('TCS.NS', 'daily', 'yahoo', 'x', 'unadjusted', 'x', %s, true, 'x', 2, 2, '') "
        "RETURNING batch_id",
        (BEGAN,),
    ).fetchone()
    for rule in ("partial_bar", "null_bar"):
        connection.execute(
            "INSERT INTO quarantine (ticker, stage, kind, source, at, line, rule, reason, action, "
            "\"row\", batch_id) VALUES ('TCS.NS', 'data_cleaning', 'daily', 'yahoo', "
            "'2026-04-17', 0, %s, %s, 'rejected', '{}', %s)",
            (rule, rule, batch),
        )
    found = attention.refused_rows(connection, BEGAN.date(), ["partial_bar"])
    assert found == [("TCS.NS", 1, "2026-04-17", "null_bar")]
