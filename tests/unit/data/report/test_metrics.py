import datetime as dt

import polars as pl
import pytest

from src.core.calendars.nse import nse
from src.data.report import metrics
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


def revisions(*rows):
    """Rows of (known_at, field, old, new, noise)."""
    names = ("known_at", "field", "old_value", "new_value", "noise")
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(
        source=pl.lit("yahoo"), kind=pl.lit("daily")
    )


def test_sessions_missing_in_a_row_are_one_run_across_a_weekend():
    rows = quarantine(refused("2024-03-28", "null_bar"), refused("2024-03-28", "x", kind="hourly"))

    result = metrics.missing_ranges(clean(TUESDAY, AFTER), rows, nse())

    assert result.rows() == [(WEDNESDAY, MONDAY, 3, "null_bar")]


def test_missing_sessions_with_a_bar_between_them_are_two_runs():
    result = metrics.missing_ranges(clean(TUESDAY, THURSDAY, AFTER), quarantine(), nse())

    assert result.rows() == [(WEDNESDAY, WEDNESDAY, 1, ""), (MONDAY, MONDAY, 1, "")]


def test_a_year_counts_its_sessions_from_the_first_bar_to_the_last():
    rows = quarantine(
        refused("2024-03-28", "null_bar"),
        refused("2023-01-02", "before_listing"),
        refused("2024-04-02 03:45:00+00", "outside_hours", kind="hourly"),
        refused("no date", "bad_date", stage="data_ingest"),
        ("data_cleaning", "daily", "2024-03-27", "hourly", "repaired"),
    )

    result = metrics.coverage(clean(TUESDAY, WEDNESDAY, AFTER, repaired=[WEDNESDAY]), rows, nse())

    # year, sessions, bars, missing, repaired, quarantined
    assert result.rows() == [(2023, 0, 0, 0, 0, 1), (2024, 5, 3, 2, 1, 1)]


def test_rules_that_refused_nothing_are_counted_too():
    rows = quarantine(
        refused("2024-03-28", "null_bar"),
        refused("2024-03-27", "null_bar"),
        refused("line 7", "bad_date", stage="data_ingest"),
        ("data_cleaning", "daily", "2024-03-27", "hourly", "repaired"),
    )

    result = metrics.rule_counts(rows)

    assert result.row(0) == ("data_ingest", "daily", "bad_date", 1)
    counts = {(kind, rule): rows for _, kind, rule, rows in result.iter_rows()}
    assert (counts["daily", "null_bar"], counts["hourly", "null_bar"]) == (2, 0)
    assert counts["daily", "before_listing"] == 0
    assert ("daily", "hourly") not in counts


def test_a_repair_says_what_had_stood_there():
    rows = quarantine(("data_cleaning", "daily", "2024-03-27", "hourly", "repaired"))

    (row,) = metrics.repairs(rows, clean(WEDNESDAY, repaired=[WEDNESDAY])).to_dicts()

    assert (row["date"], row["kind"], row["reason"]) == (WEDNESDAY, "hourly", "because")
    assert (row["close"], row["was_close"], row["was_open"]) == (100.0, 7.5, None)


def test_revisions_are_counted_by_fetch_and_noise_apart():
    first, second = (dt.datetime(2024, 4, day, 12, tzinfo=dt.UTC) for day in (1, 2))
    result = metrics.revisions_by_day(
        revisions(
            (first, "close", 100.0, 101.0, False),
            (first, "close", 100.0, 98.0, False),
            (first, "close", 100.0, 100.0001, True),
            (second, "close", None, 100.0, False),
        )
    )

    # day, source, kind, field, restated, filled, noise, largest
    assert result.row(0)[:7] == (dt.date(2024, 4, 1), "yahoo", "daily", "close", 2, 0, 1)
    assert result["largest"][0] == pytest.approx(-0.02)
    assert result.row(1)[4:] == (0, 1, 0, None)


def test_the_largest_revision_comes_first_and_noise_not_at_all():
    at = dt.datetime(2024, 4, 1, tzinfo=dt.UTC)
    result = metrics.largest_revisions(
        revisions(
            (at, "open", 100.0, 101.0, False),
            (at, "high", 0.0, 5.0, False),
            (at, "low", 100.0, 50.0, False),
            (at, "close", 100.0, 100.0001, True),
        )
    )

    assert result["field"].to_list() == ["low", "open", "high"]


def test_sources_are_compared_on_their_common_days():
    raw = pl.DataFrame(
        {
            "date": [TUESDAY, WEDNESDAY, THURSDAY, TUESDAY],
            "source": ["nse", "nse", "nse", "yahoo"],
            "close": [1.0, 2.0, None, 1.0],
        }
    )
    differences = pl.DataFrame(
        {
            "date": [TUESDAY, TUESDAY, WEDNESDAY],
            "other": ["nse"] * 3,
            "compared": ["prices"] * 3,
            "field": ["open", "volume", "open"],
            "relative": [0.01, -0.5, 0.02],
        }
    )

    result = metrics.agreement(differences, raw, clean(TUESDAY, WEDNESDAY, THURSDAY))

    # other, compared, common, days, open, high, low, close, volume, largest
    assert result.rows() == [("nse", "prices", 2, 2, 2, 0, 0, 0, 1, -0.5)]
