"""Every candidate on a pool of 22: repeatable, never ahead, and stored as it forecasts."""

import importlib

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from src.modeling.experiment import leakage
from src.modeling.experiment.run import FeatureCache
from src.modeling.intervals import volatility
from src.modeling.points.candidates import CANDIDATES, RANK_MEAN, Forgetful, Given, volatility_name
from src.modeling.points.fit_cache import FitCache
from src.modeling.points.names import CANDIDATES as TAKING_PART
from src.modeling.points.names import CHALLENGERS, CHALLENGERS_OF_FEW, EXTRAS
from src.modeling.points.walk_forward import Schedule
from src.modeling.serving import newest
from src.registry.formats.models import LinearModel, RankTilt, canonical_hash, pack, unpack
from tests.support.pools import wandering, with_holes
from tests.support.walk_forward_results import panel_of_prices

# Features begin at row 315 and forecasts at 335, with one more fit at 455; a slope needs 126
# sessions with outcomes, so that tilts begin at the refresh of row 462 (at 483 for a horizon of 5).
# The last row, 504, is a refresh itself.
ROWS, TICKERS = 505, 22
SCHEDULE = Schedule(warm_up=20, refit_every=120, embargo=2, min_train=60)
STORED = ("zero", "drift", "ridge", "rank_tilt", "rank_tilt_lightgbm")


def given_of(panel, horizon=1, known=None, schedule=SCHEDULE, **changes):
    shared = known or FeatureCache(panel)
    sigma = volatility.forecast(shared.variances, horizon)
    return Given(horizon, panel.targets(horizon), sigma, shared, schedule, **changes)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Threads that spin beside a busy neighbour make growing small trees ten times slower."""
    # Only what is loaded already can be limited.
    for name in ("sklearn.ensemble", "lightgbm"):
        importlib.import_module(name)
    with threadpool_limits(1, user_api="openmp"):
        yield


@pytest.fixture(scope="module")
def panel():
    """Every other ticker gains on its peers, so that there is something to be learnt."""
    pace = 0.003 * (-1.0) ** np.arange(TICKERS)
    gains = np.exp(np.arange(ROWS)[:, None] * pace)
    wander = wandering(ROWS, TICKERS)
    moved = wander.map(lambda name, values: values if name == "volume" else values * gains)
    return panel_of_prices(with_holes(moved))


@pytest.fixture(scope="module", params=[1, 5], ids=["a day", "a week"])
def pool(panel, request):
    return given_of(panel, request.param)


@pytest.fixture(scope="module")
def said(pool):
    made = {}

    def ask(name):
        if name not in made:
            made[name] = CANDIDATES[name](pool)
        return made[name]

    return ask


def equal(one, other):
    return np.array_equal(one, other, equal_nan=True)


def test_every_name_has_a_candidate_and_every_candidate_a_name():
    assert set(CANDIDATES) == {*TAKING_PART, *EXTRAS}
    assert {*CHALLENGERS.values(), *CHALLENGERS_OF_FEW.values()} <= set(STORED)


@pytest.mark.parametrize("name", CANDIDATES)
def test_the_same_prices_give_the_same_forecasts_and_the_same_model(panel, pool, said, name):
    np.random.seed(7)

    again = CANDIDATES[name](given_of(panel, pool.horizon))

    assert equal(again.points, said(name).points)
    assert (again.model is None) == (said(name).model is None) == (name not in STORED)
    if again.model is not None:
        assert canonical_hash(again.model) == canonical_hash(said(name).model)
        assert pack(again.model) == pack(said(name).model)


@pytest.mark.parametrize("name", CANDIDATES)
def test_every_candidate_forecasts_the_tickers_that_have_a_bar_today(panel, said, name):
    points = said(name).points

    there = np.isfinite(panel.close[-1])
    assert points.shape == panel.close.shape
    assert np.isfinite(points[-1])[there].sum() >= 15
    assert name == "zero" or np.ptp(points[-1][np.isfinite(points[-1])]) > 0


# --- what is stored says what was said


@pytest.mark.parametrize("name", STORED)
def test_a_stored_model_asked_again_says_what_was_said_of_each_tickers_last_row(
    panel, pool, said, name
):
    model = unpack(pack(said(name).model))
    compared = 0

    for column in range(TICKERS):
        row = newest.last_bar(panel, panel.tickers[column])
        point = said(name).points[ROWS - 1, column]
        if row < ROWS - 1 or np.isnan(point):
            continue
        sigma = float(pool.volatility[row, column])
        values = newest.inputs(model, pool.known.features, row, column, sigma, pool.horizon)
        assert list(values) == list(model.features)
        found = model.predict(np.array(list(values.values())))
        assert found == pytest.approx(point, rel=0, abs=1e-12)
        compared += 1

    assert compared >= 15


def test_models_name_the_volatility_and_the_pools_mean_last(pool, said):
    names = said("ridge").model.features

    assert names == pool.known.features.names
    assert said("drift").model.features == (f"volatility_{pool.horizon}",)
    tilted = (*names, volatility_name(pool.horizon), RANK_MEAN)
    assert said("rank_tilt").model.features == tilted
    assert isinstance(said("rank_tilt").model, RankTilt)
    assert isinstance(said("zero").model, LinearModel)
    assert said("zero").model.predict(np.zeros(0)) == 0.0


# --- what is said, by hand


def test_the_drift_is_a_fifth_of_the_mean_score_times_the_volatility(pool, said):
    row = 300
    scores = [
        pool.actual[t, n] / pool.volatility[t, n]
        for t in range(row - pool.horizon + 1)
        for n in range(TICKERS)
    ]
    known = [score for score in scores if np.isfinite(score)]

    expected = 0.2 * sum(known) / len(known) * pool.volatility[row]

    assert said("drift").points[row] == pytest.approx(expected, rel=1e-9, nan_ok=True)


@pytest.mark.parametrize("name", ["rank_tilt", "rank_tilt_lightgbm"])
def test_the_tilts_of_a_session_take_no_side(pool, said, name):
    units = said(name).points / pool.volatility

    told = np.isfinite(units).any(axis=1)
    assert told.sum() > 10
    assert np.nansum(units, axis=1)[told] == pytest.approx(np.zeros(told.sum()), abs=1e-12)


def test_a_tilt_begins_when_a_slope_is_known(pool, said):
    told = np.isfinite(said("rank_tilt").points).any(axis=1)

    # 126 outcomes from row 335 on: that of row 460, known at 461 or 465, and the refresh after.
    assert np.flatnonzero(told)[0] == {1: 462, 5: 483}[pool.horizon]


@pytest.mark.parametrize("name", ["rank_tilt", "rank_tilt_lightgbm"])
def test_a_tilt_learns_the_rank_of_the_return_among_the_tickers_of_its_session(pool, panel, name):
    taught = []

    class Silent:
        def predict(self, X):
            return np.zeros(len(X))

    class Listening(Forgetful):
        def keep(self, asked, fit):
            return lambda X, y, horizon: taught.append((asked, y, horizon)) or Silent()

    said = CANDIDATES[name](given_of(panel, pool.horizon, pool.known, keeper=Listening()))

    features, returns = pool.known.features, pool.actual
    expected = []
    # Labels that ended two sessions before the last fit, at row 455.
    for row, column in zip(features.rows, features.columns, strict=True):
        known = sorted(value for value in returns[row] if np.isfinite(value))
        if row + pool.horizon < 455 - 2 and np.isfinite(returns[row, column]):
            place = known.index(returns[row, column]) / (len(known) - 1) - 0.5
            expected.append(place)
    assert [(asked, horizon) for asked, _, horizon in taught] == [(name, pool.horizon)] * 2
    assert taught[-1][1].tolist() == pytest.approx(expected, abs=1e-12)
    assert said.model is None


# --- never ahead


@pytest.mark.parametrize("cut", [455, 470, 490])
@pytest.mark.parametrize("name", ["mean", "drift", "ridge", "rank_tilt"])
def test_nothing_later_changes_what_is_said(panel, pool, said, name, cut):
    whole = said(name).points[: cut + 1]

    for changed in (leakage.head(panel, cut), leakage.other(panel, cut, seed=3)):
        again = CANDIDATES[name](given_of(changed, pool.horizon))
        assert equal(again.points[: cut + 1], whole)


def test_what_comes_later_does_change_what_is_said_later(panel, pool, said):
    changed = leakage.other(panel, 470, seed=3)

    for name in ("mean", "drift", "ridge"):
        again = CANDIDATES[name](given_of(changed, pool.horizon))
        assert not equal(again.points, said(name).points)


# --- with little to learn from


@pytest.mark.parametrize("name", CANDIDATES)
def test_a_pool_too_young_for_features_is_forecast_nothing_by_what_learns(panel, name):
    young = leakage.head(panel, 200)

    said = CANDIDATES[name](given_of(young))

    if name in ("zero", "mean", "drift"):
        assert np.isfinite(said.points[-1]).any()
    else:
        assert np.isnan(said.points).all()
        assert said.model is None


@pytest.mark.parametrize("name", CANDIDATES)
@pytest.mark.parametrize("rows", [1, 2, 30])
def test_a_panel_of_a_few_sessions_is_borne(panel, name, rows):
    said = CANDIDATES[name](given_of(leakage.head(panel, rows - 1), horizon=5))

    assert said.points.shape == (rows, TICKERS)
    assert name == "zero" or not np.isfinite(said.points[: min(rows, 5)]).any()


def test_a_tilt_without_a_slope_yet_says_nothing_and_is_not_stored(panel):
    said = CANDIDATES["rank_tilt"](given_of(leakage.head(panel, 440)))

    assert np.isnan(said.points).all()
    assert said.model is None


# --- fits that are remembered


def test_a_tilt_is_the_same_from_fits_that_are_remembered(panel, pool, said, tmp_path, monkeypatch):
    keeper = FitCache(tmp_path)
    known = FeatureCache(panel)
    first = CANDIDATES["rank_tilt"](given_of(panel, pool.horizon, known, keeper=keeper))
    stored = {path.name for path in tmp_path.iterdir()}

    def fails(*_):
        raise AssertionError("fitted again")

    monkeypatch.setattr("sklearn.ensemble.HistGradientBoostingRegressor.fit", fails)
    again = CANDIDATES["rank_tilt"](given_of(panel, pool.horizon, known, keeper=keeper))

    # Two fits, and what each of them said.
    assert len(stored) == 4
    assert {path.name for path in tmp_path.iterdir()} == stored
    for one in (first, again):
        assert equal(one.points, said("rank_tilt").points)
        assert canonical_hash(one.model) == canonical_hash(said("rank_tilt").model)
