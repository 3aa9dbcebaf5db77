"""What holds for every input of models, whoever adds one."""

import json

import numpy as np
import pytest

from src.config.sections.results import FeatureSettings
from src.core.calendars.nse import nse
from src.core.tables import FEATURES_DAILY
from src.features.catalogue import features, model_features, time_series_features, version
from src.features.labels import label_rows
from src.features.market import ModelFeature, matrices
from src.features.ticker_features import compute
from tests.support import golden_inputs
from tests.support.pools import clean_rows, pool_of_prices, wandering, with_holes

CUTS = (1, 64, 127, 201, 260, 339)


def made(prices, wanted=None):
    return dict(matrices(pool_of_prices(prices), wanted or model_features()))


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
    def tomorrow(pool):
        return np.vstack([pool.close[1:], np.full((1, 7), np.nan)])

    def on_average(pool):
        return pool.close / np.nanmean(pool.close, axis=0)

    leaky = [
        ModelFeature("tomorrow", tomorrow, 0, "cross_section"),
        ModelFeature("on_average", on_average, 0, "cross_section"),
    ]
    found = seeing_ahead(prices, truncated, 201, made(prices, leaky), leaky)

    assert found == ["tomorrow", "on_average"]


# --- nothing knows the scale


def test_no_feature_knows_the_currency_or_the_size_of_a_share(prices, known):
    random = np.random.default_rng(4)
    price, size = random.uniform(0.01, 90, 7), random.uniform(0.01, 5000, 7)

    scaled = made(prices.map(lambda name, values: values * (size if name == "volume" else price)))

    for name, values in known.items():
        assert np.allclose(scaled[name], values, rtol=1e-5, atol=1e-6, equal_nan=True), name


# --- the list


def test_each_value_is_there_once_its_lookback_is_and_never_before():
    whole = wandering()

    pool = pool_of_prices(whole)
    for one in model_features():
        found = np.isfinite(pool.matrix(one))
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


def test_a_pool_of_four_has_only_what_a_ticker_has_by_itself(prices):
    known = made(prices.columns([0, 3, 4, 5]))

    there = [name for name, values in known.items() if np.isfinite(values).any()]
    assert there == [one.name for one in time_series_features()]
    assert {one.kind for one in model_features()} == {"time_series", "market", "cross_section"}


def test_the_order_of_the_tickers_changes_nothing_but_the_order(prices, known):
    turned = made(prices.columns([6, 5, 4, 3, 2, 1, 0]))

    for name, values in known.items():
        assert np.allclose(turned[name][:, ::-1], values, rtol=1e-6, equal_nan=True), name


# --- the version


def test_a_changed_formula_has_another_version():
    """Raise FORMULAS in the catalogue, then run `python -m tests.support.golden_inputs`."""
    kept = json.loads(golden_inputs.FILE.read_text())

    assert kept["features_version"] == version(), "run `python -m tests.support.golden_inputs`"
    found = golden_inputs.inputs()
    assert list(found) == list(kept["inputs"]) == [one.name for one in model_features()]
    for name, values in kept["inputs"].items():
        assert found[name] == pytest.approx(values, rel=1e-5, abs=1e-7), f"{name}: raise FORMULAS"


def test_no_configured_window_changes_the_version_or_an_input():
    clean = clean_rows(wandering(100, 1))
    here, there = (
        compute(clean, FeatureSettings(sma_periods=windows)) for windows in ((7,), (50,))
    )

    assert here["features_version"].unique().to_list() == [version()]
    columns = list(FEATURES_DAILY.columns)
    assert here.select(columns).drop("warm_up").equals(there.select(columns).drop("warm_up"))
    labels = [label_rows(frame, 1, nse()) for frame in (here, there)]
    assert labels[0].height == labels[1].height == 99
    assert labels[0].select("date", "target").equals(labels[1].select("date", "target"))
