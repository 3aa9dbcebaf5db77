import datetime as dt
import json

import numpy as np
import polars as pl
import pytest

from src.core.calendars.nse import nse
from src.data.history.deliveries import pack
from src.data.report import metrics, row_counts
from src.data.report.charts import coverage_figure, marks, price_figure
from src.data.report.formatting import bar, exact, percent, values

# The week of Holi 2024: Monday 25 March was a holiday, Friday 29 March was Good Friday.
TUESDAY, WEDNESDAY, THURSDAY = (dt.date(2024, 3, day) for day in (26, 27, 28))
MONDAY, AFTER = dt.date(2024, 4, 1), dt.date(2024, 4, 2)
FIELDS = ("open", "high", "low", "close", "volume", "adj_close")


def clean(*days, repaired=(), pending=()):
    return pl.DataFrame(
        {
            "date": pl.Series(days, dtype=pl.Date),
            **{name: pl.Series([100.0] * len(days), dtype=pl.Float64) for name in FIELDS},
            "source": pl.Series(["yahoo"] * len(days), dtype=pl.String),
            "action_pending": pl.Series([day in pending for day in days], dtype=pl.Boolean),
            "repaired_by": pl.Series(
                ["hourly" if day in repaired else None for day in days], dtype=pl.String
            ),
        }
    )


def quarantine(*rows):
    """Rows of (stage, kind, at, rule, action)."""
    schema = {name: pl.String() for name in ("stage", "kind", "at", "rule", "action")}
    held = pl.DataFrame(rows, schema=schema, orient="row")
    return held.with_columns(
        source=pl.lit("yahoo"),
        reason=pl.lit("because"),
        row=pl.lit(json.dumps({"at": "x", "close": 7.5, "volume": None})),
        batch_id=pl.lit(1, dtype=pl.Int64),
    )


def refused(at, rule, kind="daily", stage="data_cleaning"):
    return (stage, kind, at, rule, "rejected")


def revisions(*rows):
    """Rows of (known_at, field, old, new, noise)."""
    names = ("known_at", "field", "old_value", "new_value", "noise")
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(
        source=pl.lit("yahoo"), kind=pl.lit("daily")
    )


def test_holidays_and_weekends_are_not_missing():
    found = metrics.missing_sessions(clean(TUESDAY, THURSDAY, AFTER), nse())

    assert found == [WEDNESDAY, MONDAY]


def test_no_bars_miss_no_session():
    assert metrics.missing_sessions(clean(), nse()) == []


def test_sessions_missing_in_a_row_are_one_run_across_a_weekend():
    held = quarantine(refused("2024-03-28", "null_bar"), refused("2024-03-28", "x", kind="hourly"))

    found = metrics.missing_ranges(clean(TUESDAY, AFTER), held, nse())

    assert found.rows() == [(WEDNESDAY, MONDAY, 3, "null_bar")]


def test_missing_sessions_with_a_bar_between_them_are_two_runs():
    found = metrics.missing_ranges(clean(TUESDAY, THURSDAY, AFTER), quarantine(), nse())

    assert found.rows() == [(WEDNESDAY, WEDNESDAY, 1, ""), (MONDAY, MONDAY, 1, "")]


def test_a_year_counts_its_sessions_from_the_first_bar_to_the_last():
    held = quarantine(
        refused("2024-03-28", "null_bar"),
        refused("2023-01-02", "before_listing"),
        refused("2024-04-02 03:45:00+00", "outside_hours", kind="hourly"),
        refused("no date", "bad_date", stage="data_ingest"),
        ("data_cleaning", "daily", "2024-03-27", "hourly", "repaired"),
    )

    found = metrics.coverage(clean(TUESDAY, WEDNESDAY, AFTER, repaired=[WEDNESDAY]), held, nse())

    # year, sessions, bars, missing, repaired, quarantined
    assert found.rows() == [(2023, 0, 0, 0, 0, 1), (2024, 5, 3, 2, 1, 1)]


def test_rules_that_refused_nothing_are_counted_too():
    held = quarantine(
        refused("2024-03-28", "null_bar"),
        refused("2024-03-27", "null_bar"),
        refused("line 7", "bad_date", stage="data_ingest"),
        ("data_cleaning", "daily", "2024-03-27", "hourly", "repaired"),
    )

    found = metrics.rule_counts(held)

    assert found.row(0) == ("data_ingest", "daily", "bad_date", 1)
    counts = {(kind, rule): rows for _, kind, rule, rows in found.iter_rows()}
    assert (counts["daily", "null_bar"], counts["hourly", "null_bar"]) == (2, 0)
    assert counts["daily", "before_listing"] == 0
    assert ("daily", "hourly") not in counts


def test_a_repair_says_what_had_stood_there():
    held = quarantine(("data_cleaning", "daily", "2024-03-27", "hourly", "repaired"))

    (row,) = metrics.repairs(held, clean(WEDNESDAY, repaired=[WEDNESDAY])).to_dicts()

    assert (row["date"], row["kind"], row["reason"]) == (WEDNESDAY, "hourly", "because")
    assert (row["close"], row["was_close"], row["was_open"]) == (100.0, 7.5, None)


def test_revisions_are_counted_by_fetch_and_noise_apart():
    first, second = (dt.datetime(2024, 4, day, 12, tzinfo=dt.UTC) for day in (1, 2))
    found = metrics.revisions_by_day(
        revisions(
            (first, "close", 100.0, 101.0, False),
            (first, "close", 100.0, 98.0, False),
            (first, "close", 100.0, 100.0001, True),
            (second, "close", None, 100.0, False),
        )
    )

    # day, source, kind, field, restated, filled, noise, largest
    assert found.row(0)[:7] == (dt.date(2024, 4, 1), "yahoo", "daily", "close", 2, 0, 1)
    assert found["largest"][0] == pytest.approx(-0.02)
    assert found.row(1)[4:] == (0, 1, 0, None)


def test_the_largest_revision_comes_first_and_noise_not_at_all():
    at = dt.datetime(2024, 4, 1, tzinfo=dt.UTC)
    found = metrics.largest_revisions(
        revisions(
            (at, "open", 100.0, 101.0, False),
            (at, "high", 0.0, 5.0, False),
            (at, "low", 100.0, 50.0, False),
            (at, "close", 100.0, 100.0001, True),
        )
    )

    assert found["field"].to_list() == ["low", "open", "high"]


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

    found = metrics.agreement(differences, raw, clean(TUESDAY, WEDNESDAY, THURSDAY))

    # other, compared, common, days, open, high, low, close, volume, largest
    assert found.rows() == [("nse", "prices", 2, 2, 2, 0, 0, 0, 1, -0.5)]


def test_versions_of_a_clean_table_differ_where_a_value_or_a_row_does():
    stored = clean(TUESDAY, WEDNESDAY, THURSDAY)
    made = clean(TUESDAY, WEDNESDAY, MONDAY).with_columns(
        close=pl.when(pl.col("date") == WEDNESDAY).then(101.0).otherwise(100.0)
    )

    assert metrics.differing_rows(stored, stored, "date") == 0
    assert metrics.differing_rows(stored, made, "date") == 3


def batches(*rows):
    """Rows of (batch_id, delivered, rejected)."""
    schema = {"batch_id": pl.Int64, "rows_delivered": pl.Int64, "rows_rejected": pl.Int64}
    held = pl.DataFrame(rows, schema=schema, orient="row")
    return held.with_columns(kind=pl.lit("daily"), source=pl.lit("yahoo"))


def archived(batch_id, *days):
    frame = pl.DataFrame({"line": range(len(days)), "date": days, "close": [1.0] * len(days)})
    return {"batch_id": batch_id, "kind": "daily", "source": "yahoo", "content": pack(frame)}


# Two deliveries share a day; of the second one row had no date and one was an older vintage.
TWO = batches((1, 2, 0), (2, 3, 1))
CONTENTS = [archived(1, TUESDAY, WEDNESDAY), archived(2, WEDNESDAY, TUESDAY)]
REFUSED = (
    refused("", "bad_date", stage="data_ingest"),
    refused("2024-03-27", "older_vintage", stage="data_ingest"),
)


def ingest_sum(raw_days, contents, refused_rows):
    raw = pl.DataFrame({"date": raw_days, "source": ["yahoo"] * len(raw_days)})
    delivered = metrics.delivered(pl.DataFrame(contents))
    held = quarantine(*refused_rows)
    return row_counts.at_ingest("daily", raw, TWO, delivered, held).row(0, named=True)


def test_each_row_that_was_delivered_is_stored_repeated_or_refused():
    found = ingest_sum([TUESDAY, WEDNESDAY], CONTENTS, REFUSED)

    counts = [found[name] for name in ("came", "kept", "repeated", "refused")]
    assert counts == [5, 2, 1, 2]
    assert found["holds"] is True


def test_a_raw_row_that_vanished_breaks_the_sum():
    assert ingest_sum([TUESDAY], CONTENTS, REFUSED)["holds"] is False


def test_a_refused_row_that_vanished_breaks_the_sum():
    assert ingest_sum([TUESDAY, WEDNESDAY], CONTENTS, REFUSED[1:])["holds"] is False


def test_a_sum_cannot_be_told_where_a_delivery_was_not_archived():
    assert ingest_sum([TUESDAY, WEDNESDAY], CONTENTS[:1], REFUSED)["holds"] is None


@pytest.mark.parametrize(("refused_rows", "holds"), [(1, True), (0, False), (2, False)])
def test_raw_rows_are_clean_bars_or_refused(refused_rows, holds):
    raw = pl.DataFrame({"source": ["yahoo", "yahoo", "nse"]})
    held = quarantine(*[refused("2024-03-27", "null_bar")] * refused_rows)
    bars = clean(TUESDAY, WEDNESDAY, repaired=[WEDNESDAY])

    found = row_counts.at_cleaning("daily", "yahoo", raw, bars, held)

    assert found["holds"].to_list() == [holds]


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
    held = quarantine(refused("2024-03-28", "null_bar"), refused("2024-03-28", "non_session"))

    found = marks(clean(TUESDAY, pending=[TUESDAY]), held, LEDGER, [MONDAY], NO_DIFFERENCES)

    assert found.rows() == [
        (TUESDAY, "action", "split 2.0 for 1, stated by yahoo"),
        (TUESDAY, "pending", "a jump that no action explains"),
        (WEDNESDAY, "pending", "dividend 29.0 a share, stated by yahoo"),
        (THURSDAY, "refused", "null_bar: because\nnon_session: because"),
        (MONDAY, "missing", "a session without a bar"),
    ]


def test_a_mark_stands_at_the_height_of_the_bar_before_it_and_shows_no_tags():
    bars = clean(WEDNESDAY, MONDAY).with_columns(close=pl.Series([10.0, 20.0]))
    told = pl.DataFrame(
        {
            "date": [TUESDAY, THURSDAY, AFTER],
            "kind": ["refused"] * 3,
            "told": ["<b>M&M</b>", "x", "y"],
        }
    )

    line, marked = price_figure(bars, told).data

    assert np.array_equal(line.y, [10.0, 20.0])
    assert np.array_equal(marked.y, [10.0, 10.0, 20.0])
    assert marked.customdata[0] == "&lt;b&gt;M&amp;M&lt;/b&gt;"


def test_a_years_bars_are_split_into_delivered_repaired_and_missing():
    years = pl.DataFrame(
        [(2023, 0, 0, 0, 0, 4), (2024, 5, 3, 2, 1, 0)],
        schema=["year", "sessions", "bars", "missing", "repaired", "quarantined"],
        orient="row",
    )

    stacks = {one.name: (list(one.x), list(one.y)) for one in coverage_figure(years).data}

    assert stacks == {
        "as delivered": ([2024], [2]),
        "repaired": ([2024], [1]),
        "missing": ([2024], [2]),
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3497.699951171875, "3,497.7"),
        (38.72499847, "38.725"),
        (12345678.25, "12,345,678"),
        (0.0, "0"),
        (None, "-"),
    ],
)
def test_values_are_shown_with_the_digits_that_tell_them_apart(value, text):
    assert exact(value) == text


def test_relative_changes_are_percent_and_large_ones_are_times():
    # Half as much again, and a thousand times as much.
    assert [percent(one) for one in (0.5, 999.0, None)] == ["+50.000%", "1,000 times", "-"]


def test_the_values_of_a_bar_are_one_line_in_their_usual_order():
    assert bar({"close": 2.5, "open": 1.0, "volume": None}) == "O 1 C 2.5"
    assert values('{"at": "x", "low": null, "close": null}') == "nothing"
    assert values('{"Date": "13/45", "Close": "n/a"}') == "Date 13/45, Close n/a"
    assert values("no json") == "no json"
