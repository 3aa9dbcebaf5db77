import numpy as np
import polars as pl

from src.data.report.charts import coverage_figure, day_marks, price_figure
from tests.support.report_rows import (
    AFTER,
    MONDAY,
    THURSDAY,
    TUESDAY,
    WEDNESDAY,
    clean,
    quarantine,
    refused,
)

LEDGER = pl.DataFrame(
    {
        "date": [TUESDAY, WEDNESDAY, THURSDAY],
        "kind": ["split", "dividend", "split"],
        "ratio": [2.0, None, 3.0],
        "amount": [None, 29.0, None],
        "status": ["applied", "pending", "rejected"],
        "origin": ["stated"] * 3,
        "source": ["yahoo"] * 3,
    }
)
NO_DIFFERENCES = pl.DataFrame(
    schema={
        "date": pl.Date,
        "field": pl.String,
        "other": pl.String,
        "value": pl.Float64,
        "other_value": pl.Float64,
    }
)


def test_each_touched_day_is_marked_with_its_reason():
    rows = quarantine(refused("2024-03-28", "null_bar"), refused("2024-03-28", "non_session"))

    marks = day_marks(clean(TUESDAY, pending=[TUESDAY]), rows, LEDGER, [MONDAY], NO_DIFFERENCES)

    assert marks.rows() == [
        (TUESDAY, "action", "split 2.0 for 1, stated by yahoo"),
        (TUESDAY, "pending", "a move that no action explains"),
        (WEDNESDAY, "pending", "dividend 29.0 a share, stated by yahoo"),
        (THURSDAY, "refused", "null_bar: because\nnon_session: because"),
        (MONDAY, "missing", "a session without a bar"),
    ]


def test_a_mark_stands_at_the_height_of_the_bar_before_it_and_shows_no_tags():
    bars = clean(WEDNESDAY, MONDAY).with_columns(close=pl.Series([10.0, 20.0]))
    marks = pl.DataFrame(
        {
            "date": [TUESDAY, THURSDAY, AFTER],
            "kind": ["refused"] * 3,
            "reason": ["<b>M&M</b>", "x", "y"],
        }
    )

    line, marked = price_figure(bars, marks).data

    assert np.array_equal(line.y, [10.0, 20.0])
    assert np.array_equal(marked.y, [10.0, 10.0, 20.0])
    assert marked.customdata[0] == "&lt;b&gt;M&amp;M&lt;/b&gt;"


def test_a_years_bars_are_split_into_delivered_repaired_and_missing():
    years = pl.DataFrame(
        [(2023, 0, 0, 0, 0, 4), (2024, 5, 3, 2, 1, 0)],
        schema=["year", "sessions", "bars", "missing", "repaired", "quarantined"],
        orient="row",
    )

    stacks = {trace.name: (list(trace.x), list(trace.y)) for trace in coverage_figure(years).data}

    assert stacks == {
        "as delivered": ([2024], [2]),
        "repaired": ([2024], [1]),
        "missing": ([2024], [2]),
    }
