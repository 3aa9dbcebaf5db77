"""Arrays as bytes: the bytes that PostgreSQL itself has for them, and back."""

import datetime as dt
import math
import struct

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from src.core.tables import FEATURES_DAILY
from src.db.bulk import arrays

# Of NaN with a sign psycopg sends none.
SINGLE = st.floats(width=32, allow_nan=False) | st.just(math.nan)
SAME_LENGTH = st.integers(1, 5).flatmap(
    lambda n: st.lists(st.lists(SINGLE, min_size=n, max_size=n), min_size=1, max_size=6)
)
ANY_LENGTH = st.lists(st.none() | st.lists(st.none() | SINGLE, max_size=4), max_size=6)


def bits(value):
    """What tells NaN from NaN, and -0 from 0."""
    return None if value is None else struct.pack(">f", value)


def lists(values):
    return pl.Series("inputs", values, dtype=pl.List(pl.Float32))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=SAME_LENGTH | ANY_LENGTH)
def test_packed_arrays_have_the_bytes_that_postgresql_sends(reader, values):
    packed = arrays.pack(lists(values))

    sent = [reader.execute("SELECT array_send(%s::real[])", (row,)).fetchone() for row in values]

    assert packed.to_list() == [row for (row,) in sent]


@settings(max_examples=60)
@given(values=SAME_LENGTH | ANY_LENGTH)
def test_what_was_packed_comes_back_to_the_last_bit(values):
    back = arrays.unpack(arrays.pack(lists(values))).to_list()

    assert [row and [*map(bits, row)] for row in back] == [
        row and [*map(bits, row)] for row in values
    ]


@pytest.mark.parametrize("write", ["insert", "upsert", "replace"])
@pytest.mark.parametrize(
    "values",
    [
        {(1.0, math.nan): "{1,NaN}", (-0.0, math.inf): "{-0,Infinity}"},
        # As of two versions of the code, and of a row from before there were inputs.
        {(1.0, 2.5): "{1,2.5}", (3.0,): "{3}", None: None, (): "{}"},
    ],
)
def test_arrays_of_a_frame_reach_the_table_and_come_back(store, reader, values, write):
    inputs = lists([row if row is None else list(row) for row in values])
    days = [dt.date(2026, 4, day) for day in range(6, 6 + len(values))]
    same = {"ticker": "TCS.NS", "close": 1.0, "warm_up": False, "source": "yahoo"}
    frame = pl.DataFrame({**same, "date": days, "features_version": "v1", "inputs": inputs})
    whole = (["TCS.NS"],) if write == "replace" else ()

    with store.transaction():
        getattr(store, write)(FEATURES_DAILY, *whole, frame)

    stored = reader.execute("SELECT inputs::text FROM features_daily ORDER BY date").fetchall()
    assert [text for (text,) in stored] == list(values.values())
    assert store.load(FEATURES_DAILY, ["TCS.NS"])["inputs"].equals(inputs, null_equal=True)
