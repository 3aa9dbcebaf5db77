import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.core.tables import OHLCV
from src.data.history.revisions import Batch, revise
from tests.support.prices import bar, delivery

FIELDS = (*OHLCV, "adj_close")
DAYS = [dt.date(2026, 4, day) for day in (6, 7, 8, 9, 10)]
EARLIER, LATER = (dt.datetime(2026, 4, day, 12, tzinfo=dt.UTC) for day in (11, 13))
STORED = {
    "date": pl.Date,
    **dict.fromkeys(FIELDS, pl.Float64),
    "batch_id": pl.Int64,
    "first_seen": pl.Datetime("us", "UTC"),
    "fetched_at": pl.Datetime("us", "UTC"),
}


def stored(*closes, fetched_at=EARLIER, batch_id=1):
    """Raw rows of the days in order; None is a row without prices."""
    rows = [
        {"date": row.pop("at"), **row}
        | {"batch_id": batch_id, "first_seen": EARLIER, "fetched_at": fetched_at}
        for row in bars(closes)
    ]
    return pl.DataFrame(rows, schema=STORED)


def bars(closes):
    nothing = dict.fromkeys(FIELDS)
    return [
        {"at": day, **nothing} if close is None else bar(day, close)
        for day, close in zip(DAYS, closes, strict=False)
    ]


def delivered(*closes):
    return delivery(bars(closes)).frame


def revised(before, frame, *, basis="split", fetched_at=LATER):
    known = before.with_columns(price_basis=pl.lit(basis))
    return revise(known, frame, key="date", batch=Batch(2, basis, fetched_at))


def kept_closes(result):
    return result.rows["close"].to_list()


def after(before, result):
    """The raw rows once the result is stored."""
    new = result.rows.with_columns(fetched_at=pl.lit(LATER).cast(pl.Datetime("us", "UTC")))
    gone = before.join(new, on="date", how="anti")
    return pl.concat([gone, new.select(before.columns)]).sort("date")


def test_rows_that_were_not_there_are_new():
    result = revised(stored(), delivered(100, 101))

    assert kept_closes(result) == [100, 101]
    assert result.rows["batch_id"].to_list() == [2, 2]
    assert result.rows["first_seen"].to_list() == [LATER, LATER]
    assert (result.revisions.height, result.rejected.height) == (0, 0)


def test_the_same_values_are_no_revision_and_keep_when_they_were_first_seen():
    result = revised(stored(100, 101), delivered(100, 101, 102))

    assert kept_closes(result) == [100, 101, 102]
    assert result.rows["first_seen"].to_list() == [EARLIER, EARLIER, LATER]
    assert result.rows["batch_id"].to_list() == [2, 2, 2]
    assert result.revisions.is_empty()


def test_a_difference_below_1e_5_is_noted_as_noise_and_leaves_the_value():
    before = stored(100.0)
    frame = delivered(100.0).with_columns(close=pl.lit(100.0009))

    result = revised(before, frame)

    assert kept_closes(result) == [100.0]
    (row,) = result.revisions.rows(named=True)
    assert (row["field"], row["old_value"], row["new_value"]) == ("close", 100.0, 100.0009)
    assert row["noise"] is True


def test_a_difference_of_more_than_1e_5_is_a_restatement():
    frame = delivered(100.0).with_columns(close=pl.lit(100.0011))

    result = revised(stored(100.0), frame)

    assert kept_closes(result) == [100.0011]
    assert result.revisions["noise"].to_list() == [False]


def test_a_restatement_takes_the_new_values_and_records_each_old_one():
    frame = delivered(100, 101).with_columns(
        close=pl.Series([100.0, 105.0]), volume=pl.Series([1000.0, 1200.0])
    )

    result = revised(stored(100, 101), frame)

    assert kept_closes(result) == [100, 105]
    revisions = result.revisions.sort("field").select(
        "at", "field", "previous_batch_id", "old_value", "new_value", "noise"
    )
    at = dt.datetime(2026, 4, 7, tzinfo=dt.UTC)
    assert revisions.rows() == [
        (at, "close", 1, 101.0, 105.0, False),
        (at, "volume", 1, 1000.0, 1200.0, False),
    ]


def test_a_value_that_comes_for_a_null_is_a_restatement():
    result = revised(stored(None), delivered(100))

    assert kept_closes(result) == [100]
    assert set(result.revisions["field"]) == set(FIELDS)
    assert result.revisions["old_value"].null_count() == len(FIELDS)


def test_a_null_over_a_value_is_refused_with_the_value_that_stays():
    result = revised(stored(100, 101), delivered(100, None))

    assert kept_closes(result) == [100]
    assert result.rejected.select("line", "date", "rule").rows() == [
        (2, DAYS[1], "null_over_value")
    ]
    assert result.rejected["reason"].to_list() == ["a later or fuller delivery has close 101.0"]
    assert result.revisions.is_empty()


def test_an_older_fetch_does_not_overwrite_a_later_one():
    before = stored(100, 101, fetched_at=LATER)

    result = revised(before, delivered(90, 101, 102), fetched_at=EARLIER)

    # The first differs and is refused, the second is known already, only the third is new.
    assert kept_closes(result) == [102]
    assert result.rejected.select("line", "rule").rows() == [(1, "older_vintage")]
    assert result.revisions.is_empty()


def with_last_changed(closes, **fields):
    """A delivery of these closes whose last row has other values in some fields."""
    *first, last = bars(closes)
    return delivery([*first, {**last, **fields}]).frame


@pytest.mark.parametrize("field", ["open", "volume", "adj_close"])
@pytest.mark.parametrize("newer_close", [101.0, 105.0])
def test_both_orders_of_arrival_leave_the_same_values(field, newer_close):
    older, newer = (
        with_last_changed((100, 101.0)),
        with_last_changed((100, newer_close), **{field: None}),
    )
    nothing = stored()

    def arrived(*deliveries):
        rows = nothing
        for number, (frame, at) in enumerate(deliveries, start=1):
            known = rows.with_columns(price_basis=pl.lit("split"))
            new = revise(known, frame, key="date", batch=Batch(number, "split", at)).rows
            whose = pl.when(pl.col("batch_id") == number).then(pl.lit(at)).otherwise(pl.lit(LATER))
            new = new.with_columns(fetched_at=whose.cast(pl.Datetime("us", "UTC")))
            rows = pl.concat([rows.join(new, on="date", how="anti"), new.select(rows.columns)])
        return rows.sort("date").select("date", *FIELDS)

    in_order = arrived((older, EARLIER), (newer, LATER))

    assert in_order.equals(arrived((newer, LATER), (older, EARLIER)))
    assert in_order["close"].to_list() == [100, newer_close]
    assert in_order[field][1] == older[field][1]


def test_a_filled_field_is_recorded_and_the_row_stays_the_later_fetchs():
    before = stored(100, fetched_at=LATER).with_columns(volume=pl.lit(None, dtype=pl.Float64))

    result = revised(before, delivered(99), fetched_at=EARLIER)

    assert result.rows.select("close", "volume", "batch_id").rows() == [(100, 1000, 1)]
    assert result.revisions.select("field", "old_value", "new_value", "noise").rows() == [
        ("volume", None, 1000.0, False)
    ]
    assert result.rejected.is_empty()


def test_an_older_fetch_on_another_basis_fills_nothing():
    before = stored(100, fetched_at=LATER).with_columns(
        volume=pl.lit(None, dtype=pl.Float64), price_basis=pl.lit("split")
    )

    result = revise(before, delivered(100), key="date", batch=Batch(2, "total", EARLIER))

    assert result.rows.is_empty()


def test_noise_in_an_older_fetch_is_passed_over():
    before = stored(100.0, fetched_at=LATER)
    frame = delivered(100.0).with_columns(close=pl.lit(100.0001))

    result = revised(before, frame, fetched_at=EARLIER)

    assert (result.rows.height, result.revisions.height, result.rejected.height) == (0, 0, 0)


def test_a_total_series_is_taken_whole_once_a_real_value_changed():
    frame = delivered(100.0, 101).with_columns(close=pl.Series([100.0001, 90.0]))

    total = revised(stored(100, 101), frame, basis="total")
    split = revised(stored(100, 101), frame, basis="split")

    assert kept_closes(total) == [100.0001, 90.0]
    assert kept_closes(split) == [100.0, 90.0]
    assert total.revisions["noise"].to_list() == [False, False]


def test_a_total_series_that_differs_by_noise_alone_stays():
    frame = delivered(100.0, 101).with_columns(close=pl.Series([100.0001, 101.0]))

    result = revised(stored(100, 101), frame, basis="total")

    assert kept_closes(result) == [100, 101]
    assert result.revisions["noise"].to_list() == [True]


def test_hourly_bars_are_compared_by_their_instant():
    instant = dt.datetime(2026, 4, 10, 3, 45, tzinfo=dt.UTC)
    first = delivery([bar(instant, 100.0)]).frame
    before = first.drop("line").with_columns(
        batch_id=pl.lit(1, dtype=pl.Int64),
        first_seen=pl.lit(EARLIER).cast(pl.Datetime("us", "UTC")),
        fetched_at=pl.lit(EARLIER).cast(pl.Datetime("us", "UTC")),
        price_basis=pl.lit("split"),
    )

    result = revise(
        before,
        first.with_columns(close=pl.lit(99.0)),
        key="ts",
        batch=Batch(2, "split", LATER),
    )

    assert result.revisions.select("at", "field", "new_value").rows() == [(instant, "close", 99.0)]
    assert "adj_close" not in result.rows.columns


SOME = st.lists(st.sampled_from([None, 100.0, 100.0001, 101.0, 55.0]), max_size=5)
BASIS = st.sampled_from(["split", "total"])
WHEN = st.sampled_from([EARLIER, LATER])


@given(old=SOME, new=SOME, basis=BASIS, stored_since=WHEN, fetched_at=WHEN)
def test_every_delivered_row_is_stored_or_known_or_rejected(
    old, new, basis, stored_since, fetched_at
):
    before = stored(*old, fetched_at=stored_since)
    frame = delivered(*new)

    result = revised(before, frame, basis=basis, fetched_at=fetched_at)

    taken, refused = set(result.rows["date"]), set(result.rejected["date"])
    assert result.rows.height + result.rejected.height == len(taken) + len(refused)
    assert not taken & refused
    assert taken | refused <= set(frame["date"])
    assert set(frame["date"]) - refused <= taken | set(before["date"])


@given(old=SOME, new=SOME, basis=BASIS)
def test_what_was_stored_is_no_real_revision_the_second_time(old, new, basis):
    frame = delivered(*new)
    once = after(stored(*old), revised(stored(*old), frame, basis=basis))

    again = revised(once, frame, basis=basis)

    assert not again.revisions.filter(~pl.col("noise")).height
    assert after(once, again).select("date", *FIELDS).equals(once.select("date", *FIELDS))


@given(old=SOME, new=SOME, basis=BASIS)
def test_no_stored_value_is_ever_lost_to_a_null(old, new, basis):
    before = stored(*old)

    later = after(before, revised(before, delivered(*new), basis=basis))

    had = set(before.filter(pl.col("close").is_not_null())["date"])
    assert had <= set(later.filter(pl.col("close").is_not_null())["date"])


@pytest.mark.parametrize("basis", ["split", "total"])
def test_an_empty_delivery_changes_nothing(basis):
    result = revised(stored(100), delivered(), basis=basis)

    assert (result.rows.height, result.revisions.height, result.rejected.height) == (0, 0, 0)


def test_an_older_file_fills_a_row_that_a_later_one_left_empty():
    result = revised(stored(None, 101, fetched_at=LATER), delivered(100, 90), fetched_at=EARLIER)

    assert kept_closes(result) == [100]
    assert result.rejected.select("rule", "reason").rows() == [
        ("older_vintage", "a later or fuller delivery has close 101.0")
    ]


def test_a_null_field_leaves_the_value_it_meets():
    frame = delivered(100).with_columns(adj_close=pl.lit(None, dtype=pl.Float64))

    result = revised(stored(100), frame)

    assert result.rows["adj_close"].to_list() == [100]
    assert result.revisions.is_empty()


def test_a_row_on_a_new_basis_keeps_nothing_of_the_old_one():
    before = stored(100).with_columns(price_basis=pl.lit("split"))
    frame = delivered(90).with_columns(adj_close=pl.lit(None, dtype=pl.Float64))

    result = revise(before, frame, key="date", batch=Batch(2, "total", LATER))

    assert result.rows.select("close", "adj_close").rows() == [(90, None)]
    assert ("adj_close", 100.0, None) in result.revisions.select(
        "field", "old_value", "new_value"
    ).rows()
