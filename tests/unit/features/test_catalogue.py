"""What holds for every input of models, whoever adds one."""

import numpy as np
import pytest

from src.config.settings import FeatureSettings
from src.features.catalogue import features, model_features, time_series_features
from src.features.panel import ModelFeature, build_pool, matrices
from tests.support.pools import wandering, with_holes

CUTS = (1, 64, 127, 201, 260, 339)


def made(prices, wanted=None):
    return dict(matrices(build_pool(prices), wanted or model_features()))


@pytest.fixture(scope="module")
def prices():
    return with_holes(wandering())


@pytest.fixture(scope="module")
def known(prices):
    return made(prices)


# --- nothing sees the future


def truncated(prices, row):
    return prices.until(row)


def disturbed(prices, row, columns=slice(None)):
    """Other bars from ``row`` on: prices and volumes changed, bars lost and won."""
    random = np.random.default_rng(row)
    size = prices.close[row:, columns].shape
    factor, more = np.exp(random.normal(0, 0.1, size)), random.uniform(0.1, 9, size)
    lost, won = random.random(size) < 0.2, np.nanmedian(prices.close)

    def change(name, values):
        ahead = np.where(np.isnan(values[row:, columns]), won, values[row:, columns])
        values[row:, columns] = np.where(
            lost, np.nan, ahead * (more if name == "volume" else factor)
        )
        return values

    return prices.map(change)


def others_disturbed(prices, row):
    return disturbed(prices, row, slice(1, None))


def seeing_ahead(prices, bend, row, known, wanted=None):
    """Names of the features with a value before ``row`` that is not the same to the last bit."""
    bent = made(bend(prices, row), wanted)
    return [
        name
        for name, values in known.items()
        if values[:row].tobytes() != np.ascontiguousarray(bent[name][:row]).tobytes()
    ]


@pytest.mark.parametrize("row", CUTS)
@pytest.mark.parametrize("bend", [truncated, disturbed, others_disturbed])
def test_no_feature_knows_what_comes_later(prices, known, bend, row):
    assert seeing_ahead(prices, bend, row, known) == []


@pytest.mark.parametrize("bend", [disturbed, others_disturbed])
def test_what_is_bent_ahead_does_reach_the_features_there(prices, known, bend):
    bent = made(bend(prices, 260))

    unmoved = [
        n for n, v in known.items() if np.array_equal(v[260:], bent[n][260:], equal_nan=True)
    ]
    assert unmoved == []


def test_one_that_does_look_ahead_is_caught(prices):
    def tomorrow(bars):
        return np.append(bars.close[1:], np.nan)

    def on_average(bars):
        return bars.close / bars.close.mean()

    leaky = [
        ModelFeature("tomorrow", tomorrow, 0, "time_series"),
        ModelFeature("on_average", on_average, 0, "time_series"),
    ]
    found = seeing_ahead(prices, truncated, 201, made(prices, leaky), leaky)

    assert found == ["tomorrow", "on_average"]


# --- nothing knows the scale


def test_no_feature_knows_the_currency_or_the_size_of_a_share(prices, known):
    random = np.random.default_rng(4)
    price, size = random.uniform(0.01, 90, 7), random.uniform(0.01, 5000, 7)

    scaled = made(prices.map(lambda name, values: values * (size if name == "volume" else price)))

    for name, values in known.items():
        assert np.allclose(scaled[name], values, rtol=1e-7, atol=1e-9, equal_nan=True), name


# --- the list


def test_each_value_is_there_once_its_lookback_is_and_never_before():
    whole = wandering()

    for one in model_features():
        found = np.isfinite(build_pool(whole).matrix(one))
        assert found[one.lookback :].all(), one.name
        assert not found[: one.lookback].any(), one.name


def test_ranks_lie_within_a_half(known):
    ranked = np.stack([values for name, values in known.items() if name.startswith("rank_")])

    assert np.nanmin(ranked) == -0.5
    assert np.nanmax(ranked) == 0.5


def test_names_are_new_and_given_once():
    names = [one.name for one in model_features()]

    assert len(set(names)) == len(names) == 79
    assert not set(names) & {one.name for one in features(FeatureSettings())}


def test_a_pool_of_four_has_only_what_a_ticker_has_by_itself():
    assert [one.name for one in model_features(4)] == [one.name for one in time_series_features()]
    assert {one.kind for one in model_features(5)} == {"time_series", "market", "cross_section"}


def test_the_order_of_the_tickers_changes_nothing_but_the_order(prices, known):
    turned = made(prices.columns([6, 5, 4, 3, 2, 1, 0]))

    for name, values in known.items():
        assert np.allclose(turned[name][:, ::-1], values, rtol=1e-9, equal_nan=True), name
