import datetime as dt

import polars as pl

from src.core.errors import SourceNotAsked
from src.stages.stage import (
    StageReport,
    count_by_ticker,
    merge_reports,
    not_fetched_sentence,
)


def test_rows_are_counted_by_ticker_and_a_ticker_without_rows_has_none():
    bars = pl.DataFrame({"ticker": ["TCS.NS", "INFY.NS", "TCS.NS"]})

    assert count_by_ticker(["TCS.NS", "WIPRO.NS"], bars=bars) == {
        "TCS.NS": {"bars": 2},
        "WIPRO.NS": {"bars": 0},
    }


def test_merging_adds_numbers_and_joins_lists():
    first = StageReport(
        2,
        {"n": 1, "rules": {"a": 1}, "notes": ["x"], "source": "csv", "checks": {"T": [1]}},
        ("w",),
        {"f": "1"},
        failed={"A.NS": "refused"},
    )
    second = StageReport(
        3,
        {"n": 2, "rules": {"a": 2, "b": 4}, "notes": ["x", "y"], "source": "csv"},
        ("v",),
        {"g": "2"},
        failed={"B.NS": "refused too"},
    )

    merged = merge_reports([first, second])

    assert (merged.rows, merged.warnings) == (5, ("w", "v"))
    assert merged.details == {
        "n": 3,
        "rules": {"a": 3, "b": 4},
        "notes": ["x", "y"],
        "source": "csv",
        "checks": {"T": [1]},
    }
    assert merged.files == {"f": "1", "g": "2"}
    assert merged.failed == {"A.NS": "refused", "B.NS": "refused too"}


def test_a_time_is_meant_only_where_one_is_named():
    at = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)
    paused, silent = SourceNotAsked("Yahoo refuses requests", at), SourceNotAsked("No answer", None)

    assert not_fetched_sentence({"A.NS": paused}) == (
        "Yahoo refuses requests and may be asked again at 2026-04-13 12:30 UTC. Until then 1 "
        "ticker was not fetched, and what is stored is used: A.NS."
    )
    assert not_fetched_sentence({"A.NS": silent, "B.NS": silent}) == (
        "No answer. 2 tickers were not fetched, and what is stored is used: A.NS, B.NS."
    )
