from dataclasses import replace

import numpy as np
import pytest

from src.modeling.evaluation import interval_metrics
from src.modeling.evaluation.forecast_record import read_parquet, to_parquet
from src.modeling.experiment.record import forecast_record
from src.modeling.intervals.quantiles import LEVELS, trailing
from tests.support.walk_forward_results import panel_of, walk_forward_result

ROWS, TICKERS = 300, 6
SCORES = np.broadcast_to(LEVELS - 0.5, (ROWS // 5 + 1, TICKERS, len(LEVELS))).copy()


@pytest.fixture
def result():
    """Six tickers; the first has ended, two have no bar at row 298, and four at row 299."""
    random = np.random.default_rng(3)
    actual = random.normal(0, 0.02, (ROWS, TICKERS))
    close = np.ones((ROWS, TICKERS))
    close[100:, 0] = np.nan
    close[298, 4:] = close[299, 1:5] = np.nan
    made = walk_forward_result(
        np.where(np.isfinite(close), actual, np.nan),
        {"zero": np.zeros(actual.shape), "drift": actual / 3},
        "drift",
        scores=SCORES,
        since=200,
    )
    return replace(made, panel=panel_of(close))


def test_it_holds_the_latest_complete_sessions_that_have_a_distribution(result):
    record = forecast_record(result, sessions=50)

    # Rows 298 and 299 have three tickers and one of five.
    assert np.array_equal(record.sessions, result.panel.sessions[248:298])
    assert len(forecast_record(result).sessions) == 98


def test_tickers_without_a_bar_in_these_sessions_have_no_column(result):
    assert forecast_record(result).tickers == result.panel.tickers[1:]
    whole = replace(result, distributions=replace(result.distributions, since=0))
    assert forecast_record(whole).tickers == result.panel.tickers


def test_values_are_those_of_the_walk_forward_in_single_precision(result):
    record = forecast_record(result)

    assert (record.horizon, list(record.points)) == (1, ["zero", "drift", "served"])
    single = result.actual[200:298, 1:].astype(np.float32)
    assert np.array_equal(record.actual, single)
    assert record.points["drift"] == pytest.approx(single / 3, rel=1e-6)
    assert record.quantiles == pytest.approx(
        np.broadcast_to(LEVELS - 0.5, record.quantiles.shape), abs=1e-7
    )
    assert (record.sigma == 1).all()


def test_where_a_ticker_has_no_bar_nothing_is_recorded(result):
    close = result.panel.close.copy()
    close[250, 3] = np.nan
    record = forecast_record(replace(result, panel=panel_of(close)))

    assert np.isnan(record.points["zero"][50, 2])
    assert np.isnan(record.quantiles[50, 2]).all()
    assert np.isfinite(record.points["zero"][50, 3])


def test_the_reference_knows_the_outcomes_of_sessions_before_the_record(result):
    record = forecast_record(result)

    rows = np.arange(200, 298)
    reference = trailing(result.actual[:, 1:], 1, rows)
    loss = interval_metrics.crps(result.actual[rows, 1:], reference)
    assert np.isfinite(loss).all()
    assert record.reference_crps == pytest.approx(loss, rel=1e-5)


def test_it_is_read_from_its_file_as_it_was(result):
    record = forecast_record(result)

    read = read_parquet(to_parquet(record))

    assert np.array_equal(read.quantiles, record.quantiles)
    assert np.array_equal(read.reference_crps, record.reference_crps)
    assert read.tickers == record.tickers
