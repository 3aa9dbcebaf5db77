"""Whatever a file holds, its rows are delivered or rejected: none is lost, none is invented."""

import datetime as dt
import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from src.core.errors import BadInput
from tests.support.price_files import all_deliveries, file_source

DAYS = st.dates(dt.date(2022, 1, 1), dt.date(2022, 1, 20)).map(str)
CELLS = st.sampled_from(["1", "2.5", "", "null", "1000", "abc", "inf", "-"])
ODD = st.sampled_from(["Total", "2022-02-30", "soon", "-"])
SYMBOLS = st.sampled_from(["TCS", "INFY", "NSE:TCS-EQ", "?", ""])
SERIES = st.sampled_from(["EQ", "BE", "BL", ""])
# Rows that are wholly blank are no rows, so one cell always says something.
ROWS = st.lists(
    st.tuples(st.one_of(DAYS, DAYS, DAYS, DAYS, ODD), SYMBOLS, SERIES, *[CELLS] * 5), min_size=1
)


def deliveries(text):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "TCS.NS.csv"
        path.write_bytes(text)
        return all_deliveries(file_source(path))


@settings(max_examples=150, deadline=None)
@given(ROWS, st.lists(DAYS, min_size=30, max_size=30))
def test_rows_delivered_are_rows_kept_and_rows_rejected(odd_rows, days):
    good = [(day, "TCS", "EQ", "1", "2", "1", "2", "9") for day in days]
    rows = [*good, *odd_rows]
    lines = [",".join(row) for row in rows]
    text = "\n".join(["Date,Symbol,Series,Open,High,Low,Close,Volume", *lines])

    try:
        found = deliveries(text.encode())
    except BadInput:
        return

    kept = [line for d in found for line in d.frame["line"]]
    rejected = [line for d in found for line in d.rejected["line"]]
    assert sorted([*kept, *rejected]) == list(range(1, len(rows) + 1))


@settings(max_examples=100, deadline=None)
@given(ROWS, st.lists(DAYS, min_size=30, max_size=30))
def test_kept_rows_are_unique_and_rejected_ones_are_whole(odd_rows, days):
    rows = [*((day, "TCS", "EQ", "1", "2", "1", "2", "9") for day in days), *odd_rows]
    text = "\n".join(["Date,Symbol,Series,Open,High,Low,Close,Volume", *map(",".join, rows)])

    try:
        found = deliveries(text.encode())
    except BadInput:
        return

    for delivery in found:
        assert delivery.frame["date"].is_unique().all()
        for line, row in delivery.rejected.select("line", "row").iter_rows():
            assert [cell or "" for cell in json.loads(row).values()] == list(rows[line - 1])


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(), st.text().map(str.encode)), st.booleans())
def test_garbage_is_refused_and_nothing_else_happens(garbage, below_a_header):
    header = b"Date,Open,High,Low,Close,Volume\n2022-01-03,1,2,1,2,9\n" if below_a_header else b""

    try:
        found = deliveries(header + garbage)
    except BadInput:
        return

    assert all(delivery.ticker == "TCS.NS" for delivery in found)
