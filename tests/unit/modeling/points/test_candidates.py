"""Every candidate on a pool of 22: repeatable, never ahead, and stored as it forecasts."""

import importlib
from dataclasses import dataclass

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from src.core.calendars.nse import nse
from src.modeling.experiment import leakage
from src.modeling.experiment.run import FeatureCache
from src.modeling.intervals import volatility
from src.modeling.points.candidate_names import CANDIDATES as NAMES
from src.modeling.points.candidate_names import (
    CHALLENGERS,
    OPTIONAL_CANDIDATES,
    SMALL_POOL_CHALLENGERS,
)
from src.modeling.points.candidates import (
    CANDIDATES,
    RANK_MEAN,
    CandidateInputs,
    FitInputs,
    begin_forecast,
    volatility_name,
)
from src.modeling.points.fit_cache import DiskFitCache, FitCache
from src.modeling.points.folds import FoldForecast
from src.modeling.points.splits import Schedule
from src.registry.formats.models import LinearModel, RankTilt, describe, pack, same_model, unpack
from tests.support.pools import WINDOWS, clean_rows, wandering, with_holes

# Features begin at row 315 and forecasts at 335, with one more fit at 455; a slope needs 126
# sessions with outcomes, so that tilts begin at the refresh of row 462 (at 483 for a horizon of 5).
# The last row, 504, is a refresh itself.
ROWS, TICKERS = 505, 22
SCHEDULE = Schedule(warm_up=20, refit_every=120, embargo=2, min_train=60)
STORED = ("zero", "drift", "ridge", "rank_tilt", "rank_tilt_lightgbm")


@dataclass(frozen=True, eq=False)
class PoolInputs:
    """What candidates of a pool are fitted to, and forecast from."""

    fits: FitInputs
    inputs: CandidateInputs

    def forecast(self, name):
        return begin_forecast(name, self.fits)(self.inputs)

    @property
    def features(self):
        return self.fits.shared.features

    @property
    def horizon(self):
        return self.inputs.horizon

    @property
    def actual(self):
        return self.inputs.actual

    @property
    def volatility(self):
        return self.inputs.volatility


def inputs_of(panel, horizon=1, known=None, **changes):
    shared = known or FeatureCache(panel)
    sigma = volatility.forecast(shared.variances, horizon)
    actual = np.where(panel.complete[:, None], panel.targets(horizon), np.nan)
    return PoolInputs(
        FitInputs(shared, actual, horizon, SCHEDULE, **changes),
        CandidateInputs(horizon, panel.last_complete, actual, sigma),
    )


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Threads that spin beside a busy neighbour make growing small trees ten times slower."""
    # Only what is loaded already can be limited.
    for name in ("sklearn.ensemble", "lightgbm"):
        importlib.import_module(name)
    with threadpool_limits(1, user_api="openmp"):
        yield


@pytest.fixture(scope="module")
def road():
    """Every other ticker gains on its peers, so that there is something to be learnt."""
    pace = 0.003 * (-1.0) ** np.arange(TICKERS)
    gains = np.exp(np.arange(ROWS)[:, None] * pace)
    wander = wandering(ROWS, TICKERS)
    moved = wander.map(lambda name, values: values if name == "volume" else values * gains)
    return leakage.Road(clean_rows(with_holes(moved)), WINDOWS, (1, 5), nse())


@pytest.fixture(scope="module")
def panel(road):
    return road.panel


def as_of(panel, row):
    """The panel as it was at a row."""
    return panel.select(slice(row + 1))


@pytest.fixture(scope="module", params=[1, 5], ids=["a day", "a week"])
def pool(panel, request):
    return inputs_of(panel, request.param)


@pytest.fixture(scope="module")
def forecast_of(pool):
    cached = {}

    def forecast(name):
        if name not in cached:
            cached[name] = pool.forecast(name)
        return cached[name]

    return forecast


def equal(one, other):
    return np.array_equal(one, other, equal_nan=True)


def test_every_name_has_a_candidate_and_every_candidate_a_name():
    assert set(CANDIDATES) == {*NAMES, *OPTIONAL_CANDIDATES}
    assert {*CHALLENGERS.values(), *SMALL_POOL_CHALLENGERS.values()} <= set(STORED)


@pytest.mark.parametrize("name", CANDIDATES)
def test_the_same_prices_give_the_same_forecasts_and_the_same_model(panel, pool, forecast_of, name):
    np.random.seed(7)

    again = inputs_of(panel, pool.horizon).forecast(name)

    assert equal(again.points, forecast_of(name).points)
    assert (again.model is None) == (forecast_of(name).model is None) == (name not in STORED)
    if again.model is not None:
        assert same_model(again.model, forecast_of(name).model)


@pytest.mark.parametrize("name", CANDIDATES)
def test_every_candidate_forecasts_the_tickers_that_have_a_bar_today(panel, forecast_of, name):
    points = forecast_of(name).points

    there = np.isfinite(panel.close[-1])
    assert points.shape == panel.close.shape
    assert np.isfinite(points[-1])[there].sum() >= 15
    assert name == "zero" or np.ptp(points[-1][np.isfinite(points[-1])]) > 0


# --- stored models repeat the forecasts


def newest_values(model, pool, column):
    """The inputs of a model at a ticker's newest bar, in the model's order."""
    features = pool.features
    session = np.flatnonzero(features.rows == ROWS - 1)
    values = {volatility_name(pool.horizon): pool.volatility[-1, column]}
    if isinstance(model, RankTilt):
        values[RANK_MEAN] = model.trees.predict(features.take(session)).mean()
    (own,) = session[features.columns[session] == column] if model.features[1:] else [session[0]]
    values |= dict(zip(features.names, features.take(np.array([own]))[0].tolist(), strict=True))
    return np.array([values[name] for name in model.features])


@pytest.mark.parametrize("name", STORED)
def test_a_stored_model_repeats_each_tickers_newest_forecast(panel, pool, forecast_of, name):
    model = unpack(describe(forecast_of(name).model), pack(forecast_of(name).model))
    compared = 0

    for column in range(TICKERS):
        point = forecast_of(name).points[ROWS - 1, column]
        if np.isnan(point):
            continue
        found = model.predict(newest_values(model, pool, column))
        assert found == pytest.approx(point, rel=0, abs=1e-12)
        compared += 1

    assert compared >= 15


def test_models_name_the_volatility_and_the_pools_mean_last(pool, forecast_of):
    names = forecast_of("ridge").model.features

    assert names == pool.features.names
    assert forecast_of("drift").model.features == (f"volatility_{pool.horizon}",)
    tilted = (*names, volatility_name(pool.horizon), RANK_MEAN)
    assert forecast_of("rank_tilt").model.features == tilted
    assert isinstance(forecast_of("rank_tilt").model, RankTilt)
    assert isinstance(forecast_of("zero").model, LinearModel)
    assert forecast_of("zero").model.predict(np.zeros(0)) == 0.0


# --- forecasts by hand


def test_the_drift_is_a_fifth_of_the_mean_score_times_the_volatility(pool, forecast_of):
    row = 300
    scores = [
        pool.actual[t, n] / pool.volatility[t, n]
        for t in range(row - pool.horizon + 1)
        for n in range(TICKERS)
    ]
    known = [score for score in scores if np.isfinite(score)]

    expected = 0.2 * sum(known) / len(known) * pool.volatility[row]

    assert forecast_of("drift").points[row] == pytest.approx(expected, rel=1e-9, nan_ok=True)


@pytest.mark.parametrize("name", ["rank_tilt", "rank_tilt_lightgbm"])
def test_the_tilts_of_a_session_take_no_side(pool, forecast_of, name):
    units = forecast_of(name).points / pool.volatility

    known = np.isfinite(units).any(axis=1)
    assert known.sum() > 10
    assert np.nansum(units, axis=1)[known] == pytest.approx(np.zeros(known.sum()), abs=1e-12)


def test_a_tilt_begins_when_a_slope_is_known(pool, forecast_of):
    known = np.isfinite(forecast_of("rank_tilt").points).any(axis=1)

    # 126 outcomes from row 335 on: that of row 460, known at 461 or 465, and the refresh after.
    assert np.flatnonzero(known)[0] == {1: 462, 5: 483}[pool.horizon]


@pytest.mark.parametrize("name", ["rank_tilt", "rank_tilt_lightgbm"])
def test_a_tilt_learns_the_rank_of_the_return_among_the_tickers_of_its_session(pool, panel, name):
    fits = []

    class Silent:
        pass

    class Recording(FitCache):
        def find(self, fitting, fold):
            fits.append((fitting.name, fold.targets[fold.train], fold.horizon))
            return FoldForecast(Silent(), np.zeros(fold.test.size))

    forecast = inputs_of(panel, pool.horizon, pool.fits.shared, fit_cache=Recording()).forecast(
        name
    )

    features, returns = pool.features, pool.actual
    expected = []
    # Labels that ended two sessions before the last fit, at row 455.
    complete = features.complete
    for row, column in zip(features.rows[complete], features.columns[complete], strict=True):
        known = sorted(value for value in returns[row] if np.isfinite(value))
        if row + pool.horizon < 455 - 2 and np.isfinite(returns[row, column]):
            place = known.index(returns[row, column]) / (len(known) - 1) - 0.5
            expected.append(place)
    # The newest fold is begun first.
    assert [(fitted, horizon) for fitted, _, horizon in fits] == [(name, pool.horizon)] * 2
    assert fits[0][1].tolist() == pytest.approx(expected, abs=1e-12)
    assert forecast.model is None


# --- never ahead


@pytest.mark.parametrize("cut", [455, 470, 490])
@pytest.mark.parametrize("name", ["mean", "drift", "ridge", "rank_tilt"])
def test_nothing_later_changes_a_forecast(road, pool, forecast_of, name, cut):
    whole = forecast_of(name).points[: cut + 1]
    day = road.panel.sessions[cut].item()

    for changed in (leakage.cut_off(road, day), leakage.replace_future(road, day, seed=3)):
        again = inputs_of(changed.panel, pool.horizon).forecast(name)
        assert equal(again.points[: cut + 1], whole)


def test_what_comes_later_does_change_later_forecasts(road, pool, forecast_of):
    changed = leakage.replace_future(road, road.panel.sessions[470].item(), seed=3).panel

    for name in ("mean", "drift", "ridge"):
        again = inputs_of(changed, pool.horizon).forecast(name)
        assert not equal(again.points, forecast_of(name).points)


# --- with little to learn from


@pytest.mark.parametrize("name", CANDIDATES)
def test_a_pool_too_young_for_features_is_forecast_nothing_by_what_learns(panel, name):
    young = as_of(panel, 200)

    forecast = inputs_of(young).forecast(name)

    if name in ("zero", "mean", "drift"):
        assert np.isfinite(forecast.points[-1]).any()
    else:
        assert np.isnan(forecast.points).all()
        assert forecast.model is None


@pytest.mark.parametrize("name", CANDIDATES)
@pytest.mark.parametrize("rows", [1, 2, 30])
def test_a_panel_of_a_few_sessions_is_borne(panel, name, rows):
    forecast = inputs_of(as_of(panel, rows - 1), horizon=5).forecast(name)

    assert forecast.points.shape == (rows, TICKERS)
    assert name == "zero" or not np.isfinite(forecast.points[: min(rows, 5)]).any()


def test_a_tilt_without_a_slope_yet_has_no_forecast_and_is_not_stored(panel):
    forecast = inputs_of(as_of(panel, 440)).forecast("rank_tilt")

    assert np.isnan(forecast.points).all()
    assert forecast.model is None


# --- fits that are remembered


def test_a_tilt_is_the_same_from_cached_fits(panel, pool, forecast_of, tmp_path, monkeypatch):
    fit_cache = DiskFitCache(tmp_path)
    known = FeatureCache(panel)
    first = inputs_of(panel, pool.horizon, known, fit_cache=fit_cache).forecast("rank_tilt")
    stored = {path.name for path in tmp_path.iterdir()}

    def fails(*_):
        raise AssertionError("fitted again")

    monkeypatch.setattr("sklearn.ensemble.HistGradientBoostingRegressor.fit", fails)
    again = inputs_of(panel, pool.horizon, known, fit_cache=fit_cache).forecast("rank_tilt")

    # Two fits, and what each of them forecast.
    assert len(stored) == 4
    assert {path.name for path in tmp_path.iterdir()} == stored
    for one in (first, again):
        assert equal(one.points, forecast_of("rank_tilt").points)
        assert same_model(one.model, forecast_of("rank_tilt").model)
