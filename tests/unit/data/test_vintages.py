import datetime as dt

import polars as pl
import pytest
from prices import bar, delivery

from src.core.errors import BadInput
from src.core.sessions import nse
from src.data.vintages import brings_the_last_session, in_order

DAYS = nse().sessions(dt.date(2026, 3, 1), dt.date(2026, 4, 10))[-20:]
EARLIER, LATER = (dt.datetime(2026, 4, day, 12, tzinfo=dt.UTC) for day in (11, 13))


def came(days, basis="total", stated=False, fetched_at=LATER):
    return delivery(
        [bar(day, 100.0) for day in days],
        price_basis=basis,
        fetched_at=fetched_at,
        fetched_at_stated=stated,
        origin="new.csv",
    )


def stored(days=DAYS, basis="total"):
    return pl.DataFrame(
        {
            "date": days,
            "price_basis": basis,
            "batch_id": 1,
            "batch_fetched_at": EARLIER,
        },
        schema_overrides={"batch_fetched_at": pl.Datetime("us", "UTC")},
    )


def test_the_first_delivery_is_what_it_is():
    first = came(DAYS)

    assert in_order(first, stored([]), "date").delivery is first


def test_a_newer_whole_is_taken_without_a_word():
    newer = came(DAYS)

    assert in_order(newer, stored(DAYS[:-1]), "date").warnings == ()


def test_a_vintage_that_ends_earlier_is_the_older_one():
    result = in_order(came(DAYS[:-1]), stored(), "date")

    assert result.delivery.fetched_at < EARLIER
    (said,) = result.warnings
    assert said.startswith(
        "new.csv was taken for an older vintage of TCS.NS, since it ends 2026-04-09"
    )


def test_a_stated_time_is_believed():
    stated = came(DAYS[:-1], stated=True)

    assert in_order(stated, stored(), "date").delivery is stated


def test_a_part_of_a_series_does_not_replace_the_whole():
    with pytest.raises(BadInput, match=r"new\.csv: it would replace 20 .* by 5: "):
        in_order(came(DAYS[-5:]), stored(), "date")


def test_rows_left_on_another_level_are_said():
    (said,) = in_order(came(DAYS[3:]), stored(), "date").warnings

    assert said.startswith("TCS.NS: 3 earlier rows from yahoo stand on another price level")


def test_split_adjusted_deliveries_go_on_with_one_another():
    part = came(DAYS[-3:], basis="split")

    assert in_order(part, stored(basis="split"), "date").delivery is part


@pytest.mark.parametrize(
    ("before", "now", "whole"),
    [((10, 9), (10, 11), True), ((10, 11), (10, 12), False), ((10, 8), (10, 9), False)],
)
def test_the_same_file_fetched_after_the_close_has_its_last_bar(before, now, whole):
    earlier, later = (dt.datetime(2026, 4, *at, tzinfo=dt.UTC) for at in (before, now))

    assert brings_the_last_session(came(DAYS, fetched_at=later), earlier, nse()) is whole
