"""The synthetic prices of DEMO.NS: what they promise to be, and which defects they hold."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.core.calendars.nse import nse
from src.core.errors import UsageError
from src.data.sources.sample.source import FIRST_DAILY, SampleSource

NOW = dt.datetime(2026, 11, 23, 6, 0, tzinfo=dt.UTC)
UNTIL = dt.date(2026, 11, 20)
DEFECTIVE = [
    dt.date(2016, 5, 18),
    dt.date(2017, 3, 15),
    dt.date(2018, 10, 2),
    dt.date(2019, 7, 17),
    dt.date(2020, 9, 16),
    dt.date(2021, 8, 11),
]


def source(until=UNTIL):
    return SampleSource(calendar=nse(), until=until, now=NOW)


def one(deliveries):
    (delivery,) = deliveries
    return delivery


@pytest.fixture(scope="module")
def daily():
    return one(source().fetch("daily", "DEMO.NS", None, None))


@pytest.fixture(scope="module")
def hourly():
    return one(source().fetch("hourly", "DEMO.NS", None, None))


def row_of(delivery, day):
    return delivery.frame.row(by_predicate=pl.col("date") == day, named=True)


def ordinary(delivery):
    return delivery.frame.filter(~pl.col("date").is_in(DEFECTIVE)).sort("date")


def test_says_that_it_is_synthetic(daily):
    assert (daily.vendor, daily.layout, daily.origin) == ("sample", "sample", "synthetic")
    assert (daily.ticker, daily.price_basis, daily.fetched_at) == ("DEMO.NS", "split", NOW)


def test_has_the_columns_of_a_daily_delivery(daily):
    assert daily.frame.schema == {
        "line": pl.Int64,
        "date": pl.Date,
        **dict.fromkeys(["open", "high", "low", "close", "volume", "adj_close"], pl.Float64),
    }


def test_has_the_columns_of_an_hourly_delivery(hourly):
    assert hourly.frame.schema == {
        "line": pl.Int64,
        "ts": pl.Datetime("us", "UTC"),
        **dict.fromkeys(["open", "high", "low", "close", "volume"], pl.Float64),
    }


@pytest.mark.parametrize("ticker", ["TCS.NS", "demo.ns", "DEMO", ""])
@pytest.mark.parametrize("kind", ["daily", "hourly"])
def test_has_no_other_ticker(ticker, kind):
    with pytest.raises(UsageError, match=r"DEMO\.NS"):
        source().fetch(kind, ticker, None, None)


def test_covers_every_session_since_2014_and_ends_at_until(daily):
    dates = set(daily.frame["date"])

    assert dates - {dt.date(2018, 10, 2)} == set(nse().sessions(FIRST_DAILY, UNTIL))
    assert max(dates) == UNTIL


def test_ends_at_the_last_session_before_a_weekend():
    assert one(source(dt.date(2026, 11, 22)).fetch("daily", "DEMO.NS", None, None)).frame["date"][
        -1
    ] == dt.date(2026, 11, 20)


@settings(max_examples=25)
@given(until=st.dates(dt.date(2014, 1, 3), UNTIL))
def test_asking_until_another_day_changes_no_bar(daily, until):
    shorter = one(source(until).fetch("daily", "DEMO.NS", None, None))

    common = daily.frame.filter(pl.col("date") <= until)
    assert shorter.frame.drop("line").equals(common.drop("line"))


@settings(max_examples=10)
@given(until=st.dates(dt.date(2024, 1, 2), UNTIL))
def test_asking_until_another_day_changes_no_hour(hourly, until):
    shorter = one(source(until).fetch("hourly", "DEMO.NS", None, None))

    assert shorter.frame.equals(hourly.frame.filter(pl.col("ts").dt.date() <= until))


def test_since_and_until_cut_a_piece_out(daily):
    first, last = dt.date(2019, 7, 15), dt.date(2019, 7, 18)
    piece = one(source().fetch("daily", "DEMO.NS", first, last)).frame

    whole = daily.frame.filter(pl.col("date").is_between(first, last))
    assert piece.drop("line").equals(whole.drop("line"))
    assert piece["line"].to_list() == [1, 2, 3, 4]


@pytest.mark.parametrize("kind", ["daily", "hourly"])
def test_delivers_nothing_before_its_first_day(kind):
    assert source().fetch(kind, "DEMO.NS", None, dt.date(2013, 12, 31)) == []


@pytest.mark.parametrize("kind", ["daily", "hourly"])
def test_two_generations_say_the_same(kind):
    first, second = (one(source().fetch(kind, "DEMO.NS", None, None)) for _ in range(2))

    assert first.content_hash == second.content_hash
    assert first.frame.equals(second.frame)


def test_a_new_process_says_the_same(daily):
    code = (
        "import datetime as dt;from src.core.calendars.nse import nse;"
        "from src.data.sources.sample.source import SampleSource as S;"
        f"s=S(calendar=nse(),until=dt.date({UNTIL:%Y,%-m,%-d}),now=dt.datetime.now(dt.UTC));"
        "print(s.fetch('daily','DEMO.NS',None,None)[0].content_hash)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == daily.content_hash


def test_a_holiday_learnt_later_changes_no_other_bar(daily):
    class Revised:
        def sessions(self, start, end):
            return [day for day in nse().sessions(start, end) if day != dt.date(2025, 6, 11)]

    late = one(
        SampleSource(calendar=Revised(), until=UNTIL, now=NOW).fetch("daily", "DEMO.NS", None, None)
    )
    others = daily.frame.filter(pl.col("date") != dt.date(2025, 6, 11))
    assert late.frame.drop("line").equals(others.drop("line"))


def test_prices_are_sensible_bars_in_steps_of_five_paise(daily):
    bars = ordinary(daily)
    ticks = bars.select(pl.col("open", "high", "low", "close") * 20).to_numpy()

    assert np.abs(ticks - np.rint(ticks)).max() < 1e-6
    assert (bars["low"] <= bars.select(pl.min_horizontal("open", "close")).to_series()).all()
    assert (bars["high"] >= bars.select(pl.max_horizontal("open", "close")).to_series()).all()
    assert bars["low"].min() > 100
    assert bars["volume"].min() > 0
    assert bars["adj_close"].equals(bars["close"])


def returns(delivery):
    close = ordinary(delivery)["close"].to_numpy()
    return close[1:] / close[:-1] - 1


def test_volatility_comes_in_clusters(daily):
    size = np.abs(returns(daily))

    for lag in range(1, 6):
        assert np.corrcoef(size[lag:], size[:-lag])[0, 1] > 0.05, lag


def test_returns_have_fat_tails_and_a_plausible_size(daily):
    found = returns(daily)
    kurtosis = ((found - found.mean()) ** 4).mean() / found.var() ** 2

    assert kurtosis > 4
    assert 0.15 < found.std() * 252**0.5 < 0.35
    assert np.abs(found).max() < 0.2
    assert abs(np.corrcoef(found[1:], found[:-1])[0, 1]) < 0.06


def test_the_exchange_opens_away_from_the_last_close(daily):
    bars = ordinary(daily)
    gaps = bars["open"].to_numpy()[1:] / bars["close"].to_numpy()[:-1] - 1

    assert 0.002 < gaps.std() < 0.02


def test_volume_rises_with_the_size_of_the_move(daily):
    volume = ordinary(daily)["volume"].to_numpy()[1:]

    assert np.corrcoef(volume, np.abs(returns(daily)))[0, 1] > 0.3


def test_hours_add_up_to_their_day_exactly(daily, hourly):
    local = pl.col("ts").dt.convert_time_zone("Asia/Kolkata").dt.date()
    added = hourly.frame.group_by(local.alias("date"), maintain_order=True).agg(
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum(),
    )

    days = daily.frame.filter(pl.col("date") >= dt.date(2024, 1, 1)).select(added.columns)
    assert added.equals(days)


def test_every_hour_is_a_sensible_bar(hourly):
    bars = hourly.frame
    assert (bars["low"] <= bars.select(pl.min_horizontal("open", "close")).to_series()).all()
    assert (bars["high"] >= bars.select(pl.max_horizontal("open", "close")).to_series()).all()
    assert bars["volume"].min() > 0


def test_an_ordinary_session_has_seven_hours_from_a_quarter_past_nine():
    day = dt.date(2026, 11, 18)
    starts = one(source().fetch("hourly", "DEMO.NS", day, day)).frame["ts"]

    assert [f"{ts:%H:%M}" for ts in starts.dt.convert_time_zone("Asia/Kolkata")] == [
        "09:15", "10:15", "11:15", "12:15", "13:15", "14:15", "15:15",
    ]  # fmt: skip


def test_a_muhurat_evening_has_one_hour():
    evening = dt.date(2024, 11, 1)
    starts = one(source().fetch("hourly", "DEMO.NS", evening, evening)).frame["ts"].to_list()

    assert starts == [dt.datetime(2024, 11, 1, 12, 30, tzinfo=dt.UTC)]


def test_a_row_delivered_twice_is_rejected_once(daily):
    rejected = daily.rejected.row(by_predicate=pl.col("rule") == "duplicate_identical", named=True)
    kept = row_of(daily, dt.date(2016, 5, 18))

    assert (rejected["at"], rejected["line"] + 1) == ("2016-05-18", kept["line"])
    assert f'"close": {kept["close"]}' in rejected["row"]


def test_of_two_conflicting_rows_the_first_is_rejected(daily):
    conflicting = pl.col("rule") == "duplicate_conflicting"
    rejected = daily.rejected.row(by_predicate=conflicting, named=True)
    kept = row_of(daily, dt.date(2021, 8, 11))

    assert (rejected["at"], rejected["line"] + 1) == ("2021-08-11", kept["line"])
    assert f'"close": {kept["close"]}' not in rejected["row"]
    assert "close" in rejected["reason"]


def test_every_row_delivered_is_kept_or_rejected(daily):
    lines = [*daily.frame["line"], *daily.rejected["line"]]

    assert sorted(lines) == list(range(1, len(lines) + 1))
    assert daily.frame["date"].is_unique().all()
    assert len(daily.rejected) == 2


@pytest.mark.parametrize(
    ("day", "before", "is_session"),
    [
        (dt.date(2018, 10, 2), dt.date(2018, 10, 1), False),
        (dt.date(2020, 9, 16), dt.date(2020, 9, 15), True),
    ],
)
def test_a_flat_row_repeats_the_previous_close_without_volume(daily, day, before, is_session):
    row, close = row_of(daily, day), row_of(daily, before)["close"]

    assert [row[name] for name in ("open", "high", "low", "close")] == [close] * 4
    assert row["volume"] == 0
    assert nse().is_session(day) is is_session


def test_a_session_in_mid_history_has_no_values(daily):
    row = row_of(daily, dt.date(2019, 7, 17))

    assert all(row[name] is None for name in ("open", "high", "low", "close", "volume"))
    assert nse().is_session(dt.date(2019, 7, 17))


def test_one_bar_is_impossible(daily):
    upside_down = daily.frame.filter(pl.col("high") < pl.col("low"))

    assert upside_down["date"].to_list() == [dt.date(2017, 3, 15)]


def test_rows_stand_out_of_order_at_one_place(daily):
    steps = daily.frame["date"].diff().dt.total_days()
    (place,) = (steps < 0).arg_true()

    assert daily.frame["date"][place - 1 : place + 1].to_list() == [
        dt.date(2022, 11, 16),
        dt.date(2022, 11, 15),
    ]
