import datetime as dt

import polars as pl
import pytest

from src.core.calendars.nse import nse
from src.core.errors import BadInput
from src.data.ingest.checks.vintages import completes_last_bar, place_delivery
from tests.support.prices import bar, delivery

DAYS = nse().sessions(dt.date(2026, 3, 1), dt.date(2026, 4, 10))[-20:]
EARLIER, LATER = (dt.datetime(2026, 4, day, 12, tzinfo=dt.UTC) for day in (11, 13))


def delivered(days, basis="total", stated=False, fetched_at=LATER, closes=None, **bent):
    closes = closes or [100.0] * len(days)
    return delivery(
        [bar(day, close, **bent) for day, close in zip(days, closes, strict=True)],
        price_basis=basis,
        fetched_at=fetched_at,
        fetched_at_stated=stated,
        origin="new.csv",
    )


def stored(days=DAYS, basis="total", close=100.0):
    return pl.DataFrame(
        {
            "date": days,
            "close": close,
            "adj_close": 100.0,
            "price_basis": basis,
            "batch_id": 1,
            "fetched_at": EARLIER,
        },
        schema_overrides={"fetched_at": pl.Datetime("us", "UTC")},
    )


def test_the_first_delivery_is_what_it_is():
    first = delivered(DAYS)

    assert place_delivery(first, stored([])).delivery is first


def test_a_newer_whole_is_taken_without_a_word():
    newer = delivered(DAYS)

    assert place_delivery(newer, stored(DAYS[:-1])).warnings == ()


def test_a_vintage_that_ends_earlier_is_the_older_one():
    result = place_delivery(delivered(DAYS[:-1]), stored())

    assert result.delivery.fetched_at < EARLIER
    (warning,) = result.warnings
    assert warning.startswith(
        "new.csv was taken as an older vintage of TCS.NS, because it ends on 2026-04-09"
    )


def test_a_stated_time_counts():
    stated = delivered(DAYS[:-1], stated=True)

    assert place_delivery(stated, stored()).delivery is stated


def test_a_part_of_a_series_does_not_replace_the_whole():
    with pytest.raises(BadInput, match=r"new\.csv: it would replace 20 .* by 5\. "):
        place_delivery(delivered(DAYS[-5:]), stored())


def test_rows_left_on_another_level_are_a_warning():
    (warning,) = place_delivery(delivered(DAYS[3:]), stored()).warnings

    assert warning.startswith("TCS.NS: 3 earlier rows from yahoo are on another price level")


def test_split_adjusted_deliveries_go_on_with_one_another():
    part = delivered(DAYS[-3:], basis="split")

    assert place_delivery(part, stored(basis="split")).delivery is part


def test_a_stated_part_that_replaces_the_whole_is_a_warning_with_its_numbers():
    (warning,) = place_delivery(delivered(DAYS[-5:], stated=True), stored()).warnings

    assert warning == (
        "TCS.NS: new.csv has 5 rows that replace 20 from yahoo on another price level: 15 of "
        "these are not in it and are left out of the clean prices (another --vendor keeps both)."
    )


def test_five_rows_that_a_stated_delivery_leaves_out_are_a_few():
    assert place_delivery(delivered(DAYS[5:], stated=True), stored()).warnings == ()


def test_a_part_stated_as_older_replaces_nothing():
    before = EARLIER - dt.timedelta(days=1)

    older = delivered(DAYS[-5:], stated=True, fetched_at=before)

    assert place_delivery(older, stored()).warnings == ()


# --- restated history of split-adjusted prices


@pytest.mark.parametrize("stated", [False, True])
def test_a_part_on_the_level_after_a_split_is_no_continuation(stated):
    # Two shares for one: every close before is halved. Ten of twenty days are stored.
    part = delivered([*DAYS[6:], dt.date(2026, 4, 13)], "split", stated, closes=[50.0] * 15)

    with pytest.raises(BadInput) as refused:
        place_delivery(part, stored(DAYS[:10], "split"))

    assert str(refused.value) == (
        "new.csv: its closes are 0.5 times those stored from yahoo on 4 days, so history was "
        "restated, and 6 rows before 2026-03-19 would remain on another price level. Give the "
        "whole series of TCS.NS in one file."
    )


def test_a_part_whose_adjusted_closes_have_a_newer_dividend_in_them_is_no_continuation():
    part = delivered(DAYS[15:], "split", adj_close=99.0)

    with pytest.raises(BadInput, match=r"its adjusted closes are 0\.99 times .* on 5 days"):
        place_delivery(part, stored(basis="split"))


def test_rounded_closes_and_a_partial_last_bar_hide_no_split():
    # A third of 100 in paise, and the last of them fetched before the close.
    part = delivered(DAYS[15:], "split", closes=[33.33, 33.35, 33.3, 33.35, 35.0])

    with pytest.raises(BadInput, match=r"0\.3335 times those stored from yahoo on 4 days"):
        place_delivery(part, stored(basis="split"))


def test_a_whole_series_after_a_split_is_taken():
    whole = delivered(DAYS, "split", closes=[50.0] * 20)

    assert place_delivery(whole, stored(DAYS[:10], "split")).delivery is whole


@pytest.mark.parametrize(
    "closes",
    [
        [100.0, 100.0, 100.0, 97.0, 97.0],
        [98.0, 101.0, 100.0, 103.0, 100.0],
        [97.0, 97.0, 100.0, 100.0, 100.0],
        [100.009, 100.009, 100.009, 100.009, 100.009],
    ],
)
def test_closes_that_were_corrected_are_no_other_level(closes):
    part = delivered(DAYS[15:], "split", closes=closes, adj_close=100.0)

    assert place_delivery(part, stored(basis="split")).delivery is part


def test_two_common_days_tell_no_level():
    part = delivered(DAYS[18:], "split", closes=[50.0, 50.0])

    assert place_delivery(part, stored(basis="split")).delivery is part


def test_a_part_from_before_the_split_that_ends_earlier_is_the_older_vintage():
    older = delivered(DAYS[5:10], "split", closes=[200.0] * 5)

    result = place_delivery(older, stored(basis="split"))

    assert result.delivery.fetched_at < EARLIER
    assert result.warnings[0].startswith("new.csv was taken as an older vintage of TCS.NS")


@pytest.mark.parametrize("stated", [False, True])
def test_an_older_vintage_puts_no_rows_of_its_level_before_the_newer_ones(stated):
    before = EARLIER - dt.timedelta(days=1) if stated else LATER
    older = delivered(DAYS[:10], "split", stated, before, closes=[200.0] * 10)

    with pytest.raises(BadInput, match="and 5 rows before 2026-03-18 would remain on another"):
        place_delivery(older, stored(DAYS[5:], "split"))


@pytest.mark.parametrize(
    ("before", "now", "whole"),
    [((10, 9), (10, 11), True), ((10, 11), (10, 12), False), ((10, 8), (10, 9), False)],
)
def test_the_same_file_fetched_after_the_close_has_its_last_bar(before, now, whole):
    earlier, later = (dt.datetime(2026, 4, *at, tzinfo=dt.UTC) for at in (before, now))

    assert completes_last_bar(delivered(DAYS, fetched_at=later), earlier, nse()) is whole
