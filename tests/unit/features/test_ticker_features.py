import datetime as dt
import math
import statistics

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.config.sections.results import FeatureSettings
from src.core.hashing import rows_hash
from src.core.tables import FEATURES_DAILY, OHLCV
from src.features.bars import Bars
from src.features.catalogue import features, lookback, time_series_features, version
from src.features.features_daily import STAGE
from src.features.ticker_features import Earlier, compute
from tests.support.prices import clean_walk, sessions

DEFAULT = FeatureSettings()
GUIDE = (
    *("return_lag1", "return_lag2", "return_lag3", "return_lag4", "return_lag5"),
    *("sma_7", "sma_21", "mom_7", "vol_14", "volume"),
)
DAYS = sessions(dt.date(2025, 1, 1), 60)


def computed(clean, windows=DEFAULT):
    return compute(clean, windows)


@pytest.fixture(scope="module")
def real(data):
    """Real bars of TCS without the rows that have no price."""
    frame = pl.read_csv(data / "tcs_daily" / "yahoo_2026-04-13.csv", try_parse_dates=True)
    named = frame.rename(str.lower).rename({"adj close": "adj_close"})
    return named.drop_nulls().with_columns(
        pl.col("volume").cast(pl.Float64),
        ticker=pl.lit("TCS.NS"),
        source=pl.lit("yahoo"),
        return_basis=pl.lit("total"),
        action_pending=False,
    )


@pytest.fixture(scope="module")
def real_features(real):
    return computed(real)


def by_the_contract(name, c, v, t):
    """A guide feature at row t as it is defined, in plain Python; None while it has none."""
    kind, _, size = name.replace("return_lag", "lag_").partition("_")
    k = int(size or 0)
    if kind == "volume":
        return v[t]
    if kind == "sma":
        return statistics.fmean(c[t - k + 1 : t + 1]) if t >= k - 1 else None
    if t < k:
        return None
    if kind == "lag":
        return c[t - k + 1] / c[t - k] - 1
    if kind == "mom":
        return c[t] / c[t - k] - 1
    return statistics.stdev([c[i] / c[i - 1] - 1 for i in range(t - k + 1, t + 1)])


@pytest.mark.parametrize("name", GUIDE)
def test_each_feature_of_the_guide_is_its_formula_on_real_prices(name, real, real_features):
    closes, volumes = real["close"].to_list(), real["volume"].to_list()

    expected = [by_the_contract(name, closes, volumes, t) for t in range(len(closes))]

    assert len(expected) > 5800
    found = real_features[name].to_list()
    assert [value is None for value in found] == [value is None for value in expected]
    pairs = [pair for pair in zip(found, expected, strict=True) if pair[1] is not None]
    assert all(abs(f - e) <= 1e-12 * abs(e) for f, e in pairs)


def test_the_guides_columns_come_first_and_in_its_order(real_features):
    own = [name for name in real_features.columns if name not in FEATURES_DAILY.columns]

    assert tuple(own[:10]) == GUIDE


def test_one_row_a_clean_row_with_its_own_close(real, real_features):
    assert real_features.select("ticker", "date", "close").equals(
        real.select("ticker", "date", "close")
    )


# --- nothing looks ahead

CATALOGUE = features(
    FeatureSettings(
        lag_periods=(1, 2, 9),
        sma_periods=(5, 21),
        momentum_periods=(1, 7),
        volatility_periods=(2, 14),
    )
)


def arrays(clean):
    return {name: clean[name].to_numpy().copy() for name in OHLCV}


@pytest.mark.parametrize("feature", CATALOGUE, ids=lambda feature: feature.name)
def test_no_feature_sees_the_future(feature):
    now = arrays(clean_walk("TCS.NS", DAYS))
    other = {name: values.copy() for name, values in now.items()}
    for values in other.values():
        values[40:] *= 7

    before, after = feature.compute(Bars(**now)), feature.compute(Bars(**other))

    np.testing.assert_array_equal(before[:40], after[:40])
    assert np.isfinite(before[39])


@pytest.mark.parametrize("feature", CATALOGUE, ids=lambda feature: feature.name)
def test_a_feature_is_the_same_when_the_series_ends_there(feature):
    whole = arrays(clean_walk("TCS.NS", DAYS))
    cut = {name: values[:40] for name, values in whole.items()}

    np.testing.assert_array_equal(feature.compute(Bars(**whole))[:40], feature.compute(Bars(**cut)))


@pytest.mark.parametrize("feature", CATALOGUE, ids=lambda feature: feature.name)
def test_a_feature_looks_back_as_far_as_it_says(feature):
    values = feature.compute(Bars(**arrays(clean_walk("TCS.NS", DAYS))))

    assert np.isnan(values[: feature.lookback]).all()
    assert np.isfinite(values[feature.lookback :]).all()


@pytest.mark.parametrize(
    "feature", [one for one in CATALOGUE if one.scale_free], ids=lambda feature: feature.name
)
def test_a_scale_free_feature_does_not_know_the_price_level(feature):
    now = arrays(clean_walk("TCS.NS", DAYS))
    halved = {name: values * (1 if name == "volume" else 0.5) for name, values in now.items()}

    np.testing.assert_allclose(
        feature.compute(Bars(**now)), feature.compute(Bars(**halved)), rtol=1e-9, atol=1e-12
    )


# --- warm-up, windows, tickers


def test_the_rows_before_the_longest_window_is_full_are_warm_up():
    frame = computed(clean_walk("TCS.NS", DAYS))

    # sma_21 needs 20 rows before its own, everything else fewer.
    assert frame["warm_up"].to_list() == [True] * 20 + [False] * 40
    usable = frame.filter(~pl.col("warm_up"))
    assert usable.null_count().row(0) == (0,) * frame.width


def test_other_windows_give_other_columns_and_another_warm_up():
    windows = FeatureSettings(
        lag_periods=(1, 30), sma_periods=(5,), momentum_periods=(3, 10), volatility_periods=(10,)
    )

    frame = computed(clean_walk("TCS.NS", DAYS), windows)

    assert {"return_lag30", "sma_5", "mom_3", "mom_10", "vol_10"} <= set(frame.columns)
    assert not {"return_lag2", "sma_7", "mom_7", "vol_14"} & set(frame.columns)
    assert frame["warm_up"].sum() == 30


@pytest.mark.parametrize("windows", [DEFAULT, FeatureSettings(sma_periods=(3, 200))])
def test_the_version_is_of_the_model_inputs_and_not_of_the_windows(windows):
    frame = computed(clean_walk("TCS.NS", DAYS), windows)

    assert set(frame["features_version"]) == {version()}


def test_tickers_do_not_touch_each_other():
    alone = clean_walk("TCS.NS", DAYS, seed=1)
    beside = clean_walk("INFY.NS", DAYS[:33], seed=2)

    both = computed(pl.concat([beside, alone]))

    assert both.filter(ticker="TCS.NS").equals(computed(alone))
    assert both.filter(ticker="INFY.NS").equals(computed(beside))


@pytest.mark.parametrize("rows", [0, 1, 2, 20])
def test_a_series_shorter_than_the_windows_is_all_warm_up(rows):
    frame = computed(clean_walk("TCS.NS", DAYS[:rows]))

    assert frame.height == rows
    assert frame["warm_up"].all()
    assert frame.schema["sma_21"] == pl.Float64
    assert frame["sma_21"].null_count() == rows


def test_what_is_not_defined_is_null_and_never_not_a_number():
    still = clean_walk("TCS.NS", DAYS).with_columns(
        pl.lit(100.0).alias(name) for name in ("open", "high", "low", "close")
    )

    frame = computed(still)

    assert frame["vol_14"][14:].to_list() == [0.0] * 46
    numbers = frame.select(pl.selectors.float())
    assert numbers.select(pl.all().is_nan().any()).row(0) == (False,) * numbers.width


def test_no_feature_takes_a_name_that_the_table_uses_already():
    names = [feature.name for feature in features(DEFAULT)]

    assert len(set(names)) == len(names)
    assert not set(names) & set(FEATURES_DAILY.columns)


def test_price_levels_are_marked_as_not_scale_free():
    levels = {feature.name for feature in features(DEFAULT) if not feature.scale_free}

    assert levels == {"sma_7", "sma_21", "volume"}


# --- what pools need


def test_returns_and_variances_are_of_prices_adjusted_for_dividends_alike():
    clean = clean_walk("TCS.NS", DAYS[:3]).with_columns(
        pl.Series("open", [99.0, 102.0, 103.0]),
        pl.Series("high", [101.0, 104.0, 104.0]),
        pl.Series("low", [98.0, 101.0, 102.0]),
        pl.Series("close", [100.0, 103.0, 103.0]),
        # Five paid before the second session: the bar before it is adjusted by 1 - 5/100.
        pl.Series("adj_close", [95.0, 103.0, 103.0]),
    )

    frame = computed(clean)

    assert frame["log_return"].to_list() == pytest.approx(
        [None, math.log(103 / 95), 0.0], abs=1e-12
    )
    # Overnight ln(102/95) = .07109598; range ln(104/101) = .02927037; body ln(103/102) = .00975617:
    # .00505464 + .5 x .00085675 - .38629436 x .00009518.
    assert frame["variance"][1] == pytest.approx(0.00544625, abs=2e-8)
    assert frame["variance"][0] is None


def test_a_session_whose_action_is_pending_has_no_return_and_no_variance():
    pending = pl.Series([n == 7 for n in range(60)])
    clean = clean_walk("TCS.NS", DAYS).with_columns(action_pending=pending)

    frame = computed(clean)

    for name in ("log_return", "variance"):
        assert [n for n, value in enumerate(frame[name]) if value is None] == [0, 7]


def test_inputs_are_single_numbers_in_the_order_of_their_names():
    frame = computed(clean_walk("TCS.NS", sessions(dt.date(2024, 1, 1), 300)))

    assert frame.schema["inputs"] == pl.List(pl.Float32)
    assert set(frame["inputs"].list.len()) == {33}
    names = [feature.name for feature in time_series_features()]
    newest = dict(zip(names, frame["inputs"][-1], strict=True))
    close = frame["close"].to_list()
    assert newest["drawdown_252"] == pytest.approx(
        math.log(close[-1] / max(close[-252:])), abs=1e-6
    )
    assert math.isnan(frame["inputs"][250][names.index("drawdown_252")])
    assert not any(map(math.isnan, frame["inputs"][252]))


def test_the_stage_reads_clean_prices_and_writes_features():
    assert [table.name for table in STAGE.reads] == [
        *("raw_daily_prices_clean", "clean_series", "pool_members")
    ]
    assert [table.name for table in STAGE.writes] == [
        *("features_daily", "feature_sets", "feature_series"),
        *("dataset_short", "dataset_long", "pool_members"),
    ]


# --- the last rows alone


def broken_walk(rows, seed):
    """A walk with standstills, sessions without a trade, dividends and moves that wait."""
    random = np.random.default_rng(seed)
    walk = clean_walk("TCS.NS", sessions(dt.date(2010, 1, 1), rows), seed=seed)
    still = random.random(rows) < random.choice([0.0, 0.02, 0.5])
    untraded = random.random(rows) < random.choice([0.0, 0.02, 0.5])
    untraded[: random.integers(0, 5)] = True
    prices = ("open", "high", "low", "close")
    paid = np.cumprod(1 - 0.01 * (random.random(rows) < 0.01)[::-1])[::-1]
    return walk.with_columns(
        *(pl.when(pl.Series(still)).then(100.0).otherwise(name).alias(name) for name in prices),
        volume=pl.when(pl.Series(untraded)).then(0.0).otherwise("volume"),
        action_pending=pl.Series(random.random(rows) < 0.01),
    ).with_columns(adj_close=pl.col("close") * pl.Series(paid))


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(st.integers(1, 900), st.integers(900, 3000)),
    st.one_of(st.integers(1, 100), st.integers(100, 2000)),
    st.integers(0, 2**32 - 1),
    st.sampled_from([DEFAULT, FeatureSettings(sma_periods=(3, 250), volatility_periods=(200,))]),
)
def test_the_last_rows_alone_are_those_of_the_whole_series_to_the_last_bit(
    rows, wanted, seed, windows
):
    clean = broken_walk(rows, seed)
    beside = clean_walk("INFY.NS", DAYS, seed=2)
    both = pl.concat([beside, clean])

    last = compute(both, windows, {"TCS.NS": wanted, "INFY.NS": 2})

    whole = compute(both, windows)
    expected = pl.concat(
        [whole.filter(ticker="INFY.NS").tail(2), whole.filter(ticker="TCS.NS").tail(wanted)]
    )
    assert rows_hash([last]) == rows_hash([expected])
    kept = min(wanted, rows) + lookback(windows)
    if rows > kept:
        volumes = clean["volume"].filter(clean["volume"] > 0)
        before = {"TCS.NS": Earlier(rows - kept, volumes[0] if volumes.len() else 0.0)}
        read = compute(clean.tail(kept), windows, {"TCS.NS": wanted}, before)
        assert rows_hash([read]) == rows_hash([whole.filter(ticker="TCS.NS").tail(wanted)])
