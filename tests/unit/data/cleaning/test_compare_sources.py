"""Two sources compared, by hand."""

import datetime as dt

import polars as pl
import pytest

from src.data.cleaning.compare_sources import find_differences
from tests.support.prices import sessions

DAYS = sessions(dt.date(2026, 1, 5), 6)


def bars(closes, source="yahoo", basis="split", volume=1000.0, days=DAYS):
    return pl.DataFrame(
        {
            "ticker": "TCS.NS",
            "date": days,
            "open": closes,
            "high": [c * 1.01 for c in closes],
            "low": [c * 0.99 for c in closes],
            "close": closes,
            "volume": [volume] * len(closes),
            "source": source,
            "price_basis": basis,
        }
    )


CALM = [100.0, 101.0, 102.0, 103.0, 104.0, 105.0]


def differing(ours, others):
    return find_differences(ours, others).select("date", "compared", "field").rows()


def test_sources_that_agree_have_no_find_differences():
    assert differing(bars(CALM), bars(CALM, "nse")) == []


def test_a_close_that_differs_is_named_with_both_values():
    other = bars(CALM, "nse").with_columns(
        close=pl.when(pl.col("date") == DAYS[2]).then(102.204).otherwise("close")
    )

    (row,) = find_differences(bars(CALM), other).rows(named=True)

    assert row == {
        "ticker": "TCS.NS",
        "date": DAYS[2],
        "source": "yahoo",
        "other": "nse",
        "compared": "prices",
        "field": "close",
        "value": 102.0,
        "other_value": 102.204,
        "relative": pytest.approx(0.002, rel=1e-9),
    }


def test_a_tenth_of_a_percent_is_no_difference():
    assert differing(bars(CALM), bars([c * 1.0009 for c in CALM], "nse")) == []


def test_every_field_is_compared():
    other = bars([100.0, 101.0, 103.0, 103.0, 104.0, 105.0], "nse", volume=1000.0)

    assert [field for _, _, field in differing(bars(CALM), other)] == [
        "close",
        "high",
        "low",
        "open",
    ]
    doubled = bars(CALM, "nse", volume=1002.0)
    assert differing(bars(CALM), doubled) == [(day, "prices", "volume") for day in DAYS]


def test_series_on_two_levels_are_compared_by_returns():
    adjusted = bars([c * 0.8 for c in CALM], "nse", basis="total")

    assert differing(bars(CALM), adjusted) == []
    # 2 of 102 paid on the fourth day: their return there is that much higher.
    paid = [98.0, 98.98, 99.96, 103.0, 104.0, 105.0]
    days = differing(bars(CALM), bars(paid, "nse", basis="total"))
    assert {(day, compared) for day, compared, _ in days} == {(DAYS[3], "returns")}


def test_a_split_that_one_lacks_is_one_day_and_not_all_before_it():
    halved = [c / 2 if day < DAYS[3] else c for day, c in zip(DAYS, CALM, strict=True)]

    days = differing(bars(CALM), bars(halved, "nse"))

    assert {day for day, _, field in days if field == "close"} == {DAYS[3]}


def test_only_common_days_are_compared():
    assert differing(bars(CALM), bars(CALM[2:4], "nse", days=DAYS[2:4])) == []


def test_a_volume_that_only_one_has_is_a_difference():
    ours = bars(CALM).with_columns(
        volume=pl.when(pl.col("date") == DAYS[1]).then(0.0).otherwise("volume")
    )

    (row,) = find_differences(ours, bars(CALM, "nse")).rows(named=True)

    assert (row["date"], row["field"], row["relative"]) == (DAYS[1], "volume", None)


@pytest.mark.parametrize("empty", [0, 1])
def test_nothing_to_compare_is_no_difference(empty):
    pair = [bars(CALM), bars(CALM, "nse")]
    pair[empty] = pair[empty].clear()

    assert find_differences(*pair).is_empty()
