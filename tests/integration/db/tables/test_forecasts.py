"""The log of forecasts on a real PostgreSQL: each once, and what came of it."""

import datetime as dt

import psycopg
import pytest
from psycopg.rows import dict_row

from src.core.tables import PREDICTION_OUTCOMES, PREDICTIONS
from src.db.tables.forecasts import ForecastLog

MADE = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)
KEY = {
    "ticker": "TCS.NS",
    "horizon": "short",
    "feature_date": dt.date(2026, 4, 13),
    "version": "a" * 64,
    "data_hash": "d" * 64,
    "kind": "served",
}


def forecast(**changes):
    values = {
        "sessions": 1,
        "target_date": dt.date(2026, 4, 15),
        "target_date_estimated": False,
        "last_close": 3500.0,
        "model": "zero",
        "verdict": "undecided",
        "point": 0.0,
        "baseline": "zero",
        "baseline_point": 0.0,
        "candidate": "ridge",
        "candidate_point": 0.0007,
        "levels": [0.05, 0.5, 0.95],
        "quantiles": [-0.02, 0.0, 0.02],
        "prob_up": 0.51,
        "sigma": 0.012,
        "data_source": "yahoo",
        "return_basis": "total",
        "made_at": MADE,
    }
    return KEY | values | changes


def outcome(**changes):
    values = {
        "matured_at": MADE + dt.timedelta(days=2),
        "label_end": dt.date(2026, 4, 15),
        "realised_return": 0.011,
        "return_basis": "total",
        "note": "",
    }
    return KEY | values | changes


@pytest.fixture
def log(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield ForecastLog(connection)


def stored(url):
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return connection.execute("SELECT * FROM predictions ORDER BY data_hash").fetchall()


def outcomes(url):
    with psycopg.connect(url) as connection:
        query = "SELECT realised_return FROM prediction_outcomes ORDER BY matured_at"
        return [realised for (realised,) in connection.execute(query).fetchall()]


def test_rows_hold_every_declared_column():
    assert set(forecast()) == set(PREDICTIONS.columns)
    assert set(outcome()) == set(PREDICTION_OUTCOMES.columns)


def test_a_forecast_is_logged_once_and_stays_as_first_made(log, database_url):
    assert log.log([forecast()]) == 1
    assert log.log([forecast(point=0.5), forecast(data_hash="e", point=0.5)]) == 1

    first, second = stored(database_url)
    assert first == forecast()
    assert second == forecast(data_hash="e", point=0.5)


def test_another_hash_of_the_data_alone_makes_no_other_forecast(log):
    assert log.log([forecast()]) == 1

    assert log.log([forecast(data_hash="e", made_at=MADE + dt.timedelta(hours=1))]) == 0


@pytest.mark.parametrize(
    "change",
    [{"version": "b" * 64}, {"kind": "shadow"}, {"sigma": None}, {"quantiles": [-0.02, 0.0, 0.03]}],
    ids=lambda change: next(iter(change)),
)
def test_what_another_model_or_another_kind_says_is_logged_and_so_is_another_answer(log, change):
    log.log([forecast()])

    assert log.log([forecast(data_hash="e", **change)]) == 1


def test_an_answer_is_compared_with_the_newest_one(log):
    log.log([forecast()])
    log.log([forecast(data_hash="e", point=0.5, made_at=MADE + dt.timedelta(hours=1))])

    assert log.log([forecast(data_hash="f", made_at=MADE + dt.timedelta(hours=2))]) == 1


def test_a_forecast_without_a_distribution_or_candidate_is_one_too(log):
    bare = {"candidate": None, "candidate_point": None, "prob_up": None, "sigma": None}

    assert log.log([forecast(levels=[], quantiles=[], **bare)]) == 1


@pytest.mark.parametrize(
    "bent",
    [
        {"kind": "guessed"},
        {"horizon": "medium"},
        {"last_close": 0.0},
        {"target_date": KEY["feature_date"]},
        {"quantiles": [0.0]},
        {"prob_up": 1.5},
        {"candidate": None},
    ],
    ids=str,
)
def test_what_cannot_be_a_forecast_is_refused_with_all_beside_it(log, database_url, bent):
    with pytest.raises(psycopg.errors.CheckViolation):
        log.log([forecast(data_hash="e"), forecast(**bent)])

    assert stored(database_url) == []


def test_an_equal_outcome_is_not_stored_again_and_a_restated_one_counts_from_then_on(
    log, database_url
):
    log.log([forecast()])
    later = MADE + dt.timedelta(days=9)

    assert log.record([outcome()]) == 1
    assert log.record([outcome(matured_at=later)]) == 0
    assert log.record([outcome(matured_at=later, realised_return=0.012, note="restated")]) == 1

    assert outcomes(database_url) == [0.011, 0.012]
    assert log.record([outcome(matured_at=later + dt.timedelta(1), realised_return=0.012)]) == 0


def test_an_outcome_belongs_to_a_forecast(log):
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        log.record([outcome()])


def test_nothing_to_write_is_nothing_written(log):
    assert (log.log([]), log.record([])) == (0, 0)
