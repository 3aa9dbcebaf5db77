"""Faults put into a clean series: cleaning takes out each of them and nothing else."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from src.core.calendars.nse import nse
from src.core.tables import CLEAN_DAILY, CORPORATE_ACTIONS, QUARANTINE
from src.data.cleaning import stage as cleaning
from src.data.ingest import stage as ingest
from src.features import features_daily
from src.features.ticker_features import compute
from tests.support.prices import (
    TCS,
    StubSource,
    clean_walk,
    context,
    delivery,
    features_of,
    rows,
    run,
    sessions,
)

FIRST = dt.date(2021, 1, 4)
DAYS = sessions(FIRST, 1150)
# The longest feature looks back on 21 bars; a lost bar touches those and its own day.
REACH = 22
BONUS, FLAT, HUNDREDFOLD = 402, range(700, 730), 1000
PRICES = ("open", "high", "low", "close", "adj_close")


def walk():
    bars = clean_walk(TCS, DAYS, seed=5).select("date", *PRICES, "volume")
    # Few prices have more than two decimals.
    return bars.with_columns(pl.col(PRICES).round(2))


def real(data, symbol):
    """A broker's split-adjusted series without a fault: as many sessions."""
    (path,) = (data / "nse_daily_upstox").glob(f"{symbol}_*.csv")
    raw = pl.read_csv(path, infer_schema_length=None).rename({"timestamp": "date"})
    bars = raw.select(
        pl.col("date").str.slice(0, 10).str.to_date(),
        *(pl.col(name).cast(pl.Float64) for name in ("open", "high", "low", "close")),
        adj_close=pl.col("close").cast(pl.Float64),
        volume=pl.col("volume").cast(pl.Float64),
    )
    return bars.filter(pl.col("date") >= FIRST).head(len(DAYS))


def closed_days(count):
    calendar = nse()
    day, result = DAYS[100], []
    while len(result) < count:
        day += dt.timedelta(days=37)
        if not calendar.is_session(day):
            result.append(day)
    return result


def with_bonus(bars):
    """Prices before the bonus as they were traded: twice as high, half the volume."""
    before = pl.col("date") < DAYS[BONUS]
    factor = pl.when(before).then(2.0).otherwise(1.0)
    return bars.with_columns(pl.col(PRICES) * factor, volume=pl.col("volume") / factor)


def with_flat_rows(bars):
    rows = bars.rows(named=True)
    last = rows[FLAT[0] - 1]["close"]
    for at in FLAT:
        rows[at] |= dict.fromkeys(PRICES, last) | {"volume": 0.0}
    return pl.DataFrame(rows, schema=bars.schema)


def with_phantoms(bars):
    calendar = nse()
    result = []
    for day in closed_days(5):
        last = bars.filter(date=calendar.previous_session(day))["close"][0]
        result.append({"date": day, **dict.fromkeys(PRICES, last), "volume": 0.0})
    return pl.concat([bars, pl.DataFrame(result, schema=bars.schema)]).sort("date")


def with_hundredfold_bar(bars):
    wrong = pl.col("date") == DAYS[HUNDREDFOLD]
    return bars.with_columns(
        pl.when(wrong).then(pl.col(name) * 100).otherwise(name).alias(name) for name in PRICES
    )


def features_from(store, run_context, bars, **facts):
    kept = bars.rename({"date": "at"}).rows(named=True)
    run(ingest.stage(StubSource([delivery(kept, **facts)])), run_context)
    report = run(cleaning.STAGE, run_context)
    run(features_daily.STAGE, run_context)
    return report, features_of(store)


def untouched(features, lost):
    """Rows whose every window is free of the lost days."""
    touched = {at + step for at in lost for step in range(REACH)}
    return features.filter(
        ~pl.col("date").is_in([DAYS[at] for at in sorted(touched) if at < len(DAYS)])
    )


def numbers(features):
    names = [n for n, kind in features.schema.items() if kind == pl.Float64]
    return features.select("date", *names)


@pytest.fixture
def run_context(store, home):
    return context(store, home, now=dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC))


def faulty_of(bars):
    return with_hundredfold_bar(with_phantoms(with_flat_rows(with_bonus(bars))))


def features_without_cleaning(run_context, bars):
    windows = run_context.settings.features
    clean = bars.with_columns(
        ticker=pl.lit(TCS),
        source=pl.lit("yahoo"),
        return_basis=pl.lit("price"),
        action_pending=pl.lit(value=False),
    )
    return compute(clean, windows)


def check_that_the_rest_stands(store, run_context, bars, basis):
    lost = [*FLAT, HUNDREDFOLD]

    report, result = features_from(store, run_context, faulty_of(bars), price_basis=basis)

    assert result["date"].to_list() == [day for n, day in enumerate(DAYS) if n not in lost]
    clean = features_without_cleaning(run_context, bars)
    ours, theirs = (numbers(untouched(each, lost)) for each in (result, clean))
    assert ours["date"].equals(theirs["date"])
    assert ours.height == len(DAYS) - len(FLAT) - (REACH - 1) - REACH
    for name in ours.columns[1:]:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-12, atol=1e-15, err_msg=name)
    assert report.details["quarantined"] == {"dead_stretch": 30, "non_session": 5, "unit_error": 1}
    inferred = rows(store, CORPORATE_ACTIONS)
    assert inferred.select("date", "ratio", "status").rows() == [(DAYS[BONUS], 2.0, "applied")]


@pytest.mark.parametrize("basis", ["split", "unadjusted"])
def test_all_faults_at_once_leave_every_other_feature_as_it_was(store, run_context, basis):
    check_that_the_rest_stands(store, run_context, walk(), basis)


@pytest.mark.parametrize("symbol", ["TCS", "RELIANCE", "HDFCBANK", "TATASTEEL"])
def test_all_faults_at_once_leave_every_other_feature_of_a_real_series(
    data, store, run_context, symbol
):
    check_that_the_rest_stands(store, run_context, real(data, symbol), "split")


def test_what_the_faults_hid_is_taken_from_a_second_source(store, home):
    both = context(store, home, data={"source_precedence": ["yahoo", "upstox"]})
    bars = walk()
    _, clean = features_from(store, both, bars, vendor="upstox", price_basis="split")

    report, result = features_from(
        store, both, with_hundredfold_bar(with_flat_rows(bars)), vendor="yahoo"
    )

    assert report.details["repaired"] == {"second_source": 31}
    stored = rows(store, CLEAN_DAILY)
    assert stored.filter(repaired_by="second_source")["date"].to_list() == [
        DAYS[at] for at in (*FLAT, HUNDREDFOLD)
    ]
    quarantine = rows(store, QUARANTINE).group_by("action").len().sort("action")
    assert quarantine.rows() == [("rejected", 31), ("repaired", 31)]
    for name in numbers(clean).columns:
        assert numbers(result)[name].equals(numbers(clean)[name], null_equal=True), name


def test_cleaning_a_second_time_changes_nothing(store, run_context):
    faulty = faulty_of(walk())
    features_from(store, run_context, faulty)
    before = rows(store, CLEAN_DAILY), rows(store, QUARANTINE), rows(store, CORPORATE_ACTIONS)

    run(cleaning.STAGE, run_context)

    after = rows(store, CLEAN_DAILY), rows(store, QUARANTINE), rows(store, CORPORATE_ACTIONS)
    assert all(each.equals(other) for each, other in zip(before, after, strict=True))


def test_clean_bars_ingested_as_raw_ones_stay_as_they_are(store, run_context):
    faulty = faulty_of(walk())
    features_from(store, run_context, faulty)
    once = rows(store, CLEAN_DAILY).select("date", *PRICES, "volume")

    report, _ = features_from(store, run_context, once, vendor="yahoo", fetched_at=run_context.now)

    assert rows(store, CLEAN_DAILY).select("date", *PRICES, "volume").equals(once)
    assert report.details["actions_inferred"] == 0
