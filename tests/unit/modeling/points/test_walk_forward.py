"""Walk-forward fits over a panel: which rows train for which."""

from dataclasses import dataclass

import numpy as np
import pytest

from src.modeling.points import folds
from src.modeling.points.feature_rows import FeatureRows
from src.modeling.points.folds import Fitting
from src.modeling.points.splits import Schedule
from src.modeling.points.walk_forward import WalkInputs, begin, begin_all

ROWS, TICKERS = 60, 4
SCHEDULE = Schedule(warm_up=30, refit_every=7, embargo=2, min_train=10)


@dataclass
class Counted:
    """Forecasts how many rows it was trained on."""

    rows: int

    def predict(self, X):
        return np.full(len(X), float(self.rows))


def fit_predict(fit, features, y, horizon, schedule, *, walk=begin):
    return walk(WalkInputs(features, features, horizon, schedule), Fitting(fit), y)()


def count_rows(X, y, horizon):
    return Counted(len(y))


class Last:
    """Forecasts the largest first feature that it was trained on."""

    def __init__(self, X):
        self.largest = X[:][:, 0].max()

    def predict(self, X):
        return np.full(len(X), self.largest)


def panel(seed=2, holes=0.1):
    random = np.random.default_rng(seed)
    one = random.normal(size=(ROWS, TICKERS))
    one[random.random(one.shape) < holes] = np.nan
    y = random.normal(size=(ROWS, TICKERS))
    y[random.random(y.shape) < holes] = np.nan
    number = np.repeat(np.arange(ROWS, dtype=float)[:, None], TICKERS, axis=1)
    return [number, one], y


def rows_of(features, pooled=()):
    """Rows of (T, N) inputs of tickers by themselves, and of those that need a pool."""
    known = np.isfinite(features).all(axis=0)
    rows, columns = np.nonzero(known)
    count = len(features)
    stored, others = (
        np.array([one[rows, columns] for one in kind], dtype=np.float32).reshape(-1, rows.size).T
        for kind in (features, pooled)
    )
    names = tuple(str(n) for n in range(count + len(pooled)))
    places = np.arange(rows.size)
    return FeatureRows(
        rows,
        columns,
        names=names,
        complete=np.isfinite(others).all(axis=1),
        stored_names=names[:count],
        stored=stored,
        bars=places,
        pooled_names=names[count:],
        pooled=others.T,
        ranks=None,
    )


@pytest.mark.parametrize("horizon", [1, 5])
def test_each_refit_trains_on_the_rows_whose_labels_were_known_by_then(horizon):
    features, y = panel()

    found, *_ = fit_predict(count_rows, rows_of(features), y, horizon, SCHEDULE)

    for row in range(ROWS):
        refit = 30 + (row - 30) // 7 * 7
        known = [
            (t, n)
            for t in range(ROWS)
            for n in range(TICKERS)
            if t + horizon + 2 < refit and not np.isnan(features[1][t, n]) and not np.isnan(y[t, n])
        ]
        for ticker in range(TICKERS):
            lacks = row < 30 or np.isnan(features[1][row, ticker])
            expected = np.nan if lacks else float(len(known))
            assert found[row, ticker] == pytest.approx(expected, nan_ok=True)


def test_the_newest_training_row_lies_before_the_embargo():
    features, y = panel(holes=0)

    found, *_ = fit_predict(lambda X, y, horizon: Last(X), rows_of(features), y, 5, SCHEDULE)

    # The refit of row 37 knows labels that ended before row 35: those of rows up to 29.
    assert (found[30], found[37]) == (pytest.approx([22.0] * 4), pytest.approx([29.0] * 4))


@pytest.mark.parametrize("cut", [33, 44, 55])
def test_what_comes_later_changes_no_forecast(cut):
    features, y = panel()

    def fit(X, y, horizon):
        weights, *_ = np.linalg.lstsq(X[:], y, rcond=None)
        return type("Line", (), {"predict": lambda self, X: X @ weights})()

    later_y = y.copy()
    later_y[cut - 5 + 1 :] = 99.0
    later = [one.copy() for one in features]
    later[1][cut + 1 :] = -7.0

    here, *_ = fit_predict(fit, rows_of(features), y, 5, SCHEDULE)
    there, *_ = fit_predict(fit, rows_of(later), later_y, 5, SCHEDULE)
    assert np.array_equal(here[: cut + 1], there[: cut + 1], equal_nan=True)


def test_too_few_rows_to_train_on_give_no_forecast():
    features, y = panel()
    eager = Schedule(warm_up=30, refit_every=7, embargo=2, min_train=10_000)

    found, newest_model, fitted_through, _ = fit_predict(count_rows, rows_of(features), y, 5, eager)

    assert np.isnan(found).all()
    assert newest_model is fitted_through is None


def test_a_model_waits_until_there_are_sessions_to_learn_from():
    features, y = panel(holes=0)
    features[1][:20] = np.nan

    late = Schedule(warm_up=15, refit_every=7, embargo=2, min_train=10)
    found, *_ = fit_predict(count_rows, rows_of(features), y, 1, late)

    # Sessions with features begin at row 20; fifteen of them go by.
    assert np.isnan(found[:35]).all()
    assert found[35].tolist() == [(35 - 20 - 1 - 2) * 4] * 4


@pytest.mark.parametrize("warm_up", [60, 100])
def test_a_schedule_that_leaves_nothing_to_test_gives_no_forecast(warm_up):
    features, y = panel()

    late = Schedule(warm_up=warm_up, min_train=1)
    found, *_ = fit_predict(count_rows, rows_of(features), y, 5, late)

    assert np.isnan(found).all()


def test_the_newest_model_is_that_of_the_last_refit():
    features, y = panel(holes=0)

    found, newest_model, fitted_through, _ = fit_predict(
        count_rows, rows_of(features), y, 1, SCHEDULE
    )

    # Refits fall on rows 30, 37, 44, 51 and 58; the last knows labels that ended before row 56.
    assert (newest_model.rows, fitted_through) == (55 * TICKERS, 55)
    assert found[59].tolist() == [55.0 * TICKERS] * TICKERS


# --- inputs of a pool that are not always there


def joined_late(first):
    """Inputs of tickers by themselves, and one that needs a pool, known from a row on."""
    features, y = panel(holes=0)
    market = np.full((ROWS, TICKERS), np.nan)
    market[first:] = np.random.default_rng(3).normal(size=(ROWS - first, TICKERS))
    return rows_of(features, [market]), y


class Named:
    """Forecasts how many inputs it was trained on."""

    def __init__(self, X):
        self.inputs = X.shape[1]

    def predict(self, X):
        assert X.shape[1] == self.inputs
        return np.full(len(X), float(self.inputs))


def name_inputs(X, y, horizon):
    assert np.isfinite(X[:]).all()
    return Named(X)


def test_a_session_without_a_fit_on_all_inputs_is_forecast_by_one_on_a_tickers_own():
    features, y = joined_late(first=5)

    points, model, _, names = fit_predict(name_inputs, features, y, 1, SCHEDULE, walk=begin_all)

    # Of the rows with all inputs, 30 sessions go by before the first forecast; of all rows as well.
    assert np.isnan(points[:30]).all()
    assert points[30:35].tolist() == [[2.0] * TICKERS] * 5
    assert points[35:].tolist() == [[3.0] * TICKERS] * 25
    assert (model.inputs, names) == (3, ("0", "1", "2"))


def test_a_pool_whose_market_begins_or_ends_late_keeps_its_forecasts():
    features, y = joined_late(first=50)

    points, model, _, names = fit_predict(name_inputs, features, y, 1, SCHEDULE, walk=begin_all)

    assert points[30:].tolist() == [[2.0] * TICKERS] * 30
    assert (model.inputs, names) == (2, ("0", "1"))


def test_inputs_by_name_are_those_that_are_taken():
    features, _ = joined_late(first=5)

    taken = features.take(np.arange(features.rows.size))

    assert [name for name, _ in features.by_name()] == ["0", "1", "2"]
    for n, (_, values) in enumerate(features.by_name()):
        assert np.array_equal(values, taken[:, n], equal_nan=True)
    assert features.rows[features.complete].min() == 5
    assert features.without_pool.take(np.array([0])).shape == (1, 2)


def test_a_large_fit_takes_every_second_session(monkeypatch):
    monkeypatch.setattr(folds, "MOST_ROWS", 120)
    features, y = panel(holes=0)

    points, *_ = fit_predict(count_rows, rows_of(features), y, 1, SCHEDULE)

    # At row 30 there are 27 sessions of four; at 37 34, of which every second remains.
    assert points[30].tolist() == [27.0 * TICKERS] * TICKERS
    assert points[37].tolist() == [17.0 * TICKERS] * TICKERS


@pytest.mark.parametrize("since", [0, 31, 40, 59])
def test_earlier_refits_that_no_wanted_session_needs_are_left_out(since):
    """Refits are those of rows 30, 37, 44, 51 and 58, of all rows and of those without a pool."""
    features, y = panel()
    fitted = []

    def count(X, y, horizon):
        fitted.append(len(y))
        return Counted(len(y))

    rows = rows_of(features[:1], pooled=features[1:])
    whole = fit_predict(count, rows, y, 1, SCHEDULE, walk=begin_all)
    of_all, fitted[:] = len(fitted), []
    inputs = WalkInputs(rows, rows, 1, SCHEDULE, since=since)
    found = begin_all(inputs, Fitting(count), y)()

    refits = sum(refit + 7 > since for refit in (30, 37, 44, 51, 58))
    assert len(fitted) == of_all * refits // 5
    assert found.model == whole.model
    assert found.fitted_through == whole.fitted_through
    np.testing.assert_array_equal(found.points[since:], whole.points[since:])
