"""Stored rows as matrices, which sessions are complete, and what is left of a panel cut off."""

import numpy as np
import polars as pl
import pytest

from src.modeling.panel.assemble import matrix
from src.modeling.panel.panel import BAR_COLUMNS, mean_by_date, pivot_wide
from tests.support.pools import clean_rows, panel_of_clean, wandering
from tests.support.walk_forward_results import panel_of

nan = np.nan


@pytest.fixture(scope="module")
def clean():
    """Three tickers; the last is listed late and lacks two bars."""
    rows, late = clean_rows(wandering(320, 3)), pl.col("ticker") == "T02.NS"
    number = pl.int_range(pl.len()).over("ticker")
    return rows.filter(~late | (number >= 50) & ~number.is_in([70, 300]))


@pytest.fixture(scope="module")
def panel(clean):
    return panel_of_clean(clean)


def test_each_bar_stands_in_its_session_and_column(clean, panel):
    assert panel.tickers == ("T00.NS", "T01.NS", "T02.NS")
    assert panel.sessions.tolist() == clean["date"].unique().sort().to_list()
    for n, ticker in enumerate(panel.tickers):
        bars = dict(clean.filter(ticker=ticker).select("date", "adj_close").rows())
        closes = dict(zip(panel.sessions.tolist(), panel.close[:, n].tolist(), strict=True))
        assert {day: close for day, close in closes.items() if not np.isnan(close)} == bars


def test_a_return_is_since_the_bar_before(panel):
    close = panel.close[:, 2]

    assert panel.log_returns[71, 2] == pytest.approx(np.log(close[71] / close[69]), rel=1e-12)
    assert np.isnan(panel.log_returns[[50, 70], 2]).all()
    assert np.isfinite(panel.variance[51:70]).all()


def test_days_are_counted_to_the_next_session_by_the_calendar(panel):
    steps = np.diff(panel.sessions).astype(int)

    assert panel.days_ahead[:-1].tolist() == steps.tolist()
    assert 1 <= panel.days_ahead[-1] <= 5


def test_labels_count_sessions_and_not_bars(panel):
    for horizon, labels in panel.labels.items():
        close = panel.close
        expected = np.full(close.shape, nan)
        expected[:-horizon] = close[horizon:] / close[:-horizon] - 1
        assert np.array_equal(labels, expected, equal_nan=True)
        assert panel.targets(horizon) is labels


def test_inputs_by_name_are_matrices_with_the_bars_values(panel):
    values = panel.inputs["ret_lag1_s"]

    assert list(panel.inputs)[:2] == ["ret_lag1_s", "ret_lag2_s"]
    assert (values.shape, values.dtype) == (panel.close.shape, np.float32)
    assert np.isnan(values[np.isnan(panel.close)]).all()
    assert np.isfinite(values[115:, :2]).all()


# --- complete sessions


def test_a_session_is_complete_with_four_of_five_recent_tickers():
    close = np.full((14, 5), 100.0)
    close[3, 0] = nan  # four of five
    close[5, :2] = nan  # three of five
    close[8:, 4] = nan  # one has left: four of five, then four of four
    close[12, 3] = nan  # three of four

    assert np.flatnonzero(~panel_of(close).complete).tolist() == [5, 12]
    assert panel_of(close).last_complete == 13


def test_a_ticker_counts_for_five_sessions_after_its_last_bar():
    close = np.full((12, 2), 100.0)
    close[4:, 1] = nan

    # The second had its last bar at row 3, which is among the last five up to row 7.
    assert np.flatnonzero(~panel_of(close).complete).tolist() == [4, 5, 6, 7]


def test_a_session_without_any_bar_is_not_complete():
    close = np.full((9, 2), 100.0)
    close[1:8] = nan

    assert np.flatnonzero(panel_of(close).complete).tolist() == [0, 8]


def test_one_ticker_alone_is_complete_wherever_it_has_a_bar():
    close = np.array([[100.0], [nan], [100.0]])

    assert panel_of(close).complete.tolist() == [True, False, True]


# --- selections


@pytest.mark.parametrize("rows", [1, 64, 200, 319])
def test_the_first_sessions_are_as_if_nothing_later_were_stored(clean, panel, rows):
    day = panel.sessions[rows - 1].item()
    then = panel_of_clean(clean.filter(pl.col("date") <= day))

    cut = panel.select(slice(rows), np.arange(len(then.tickers)))

    assert cut.tickers == then.tickers
    for name in ("sessions", "close", "log_returns", "variance", "days_ahead", "complete"):
        assert np.array_equal(getattr(cut, name), getattr(then, name), equal_nan=name != "complete")
    for horizon in panel.labels:
        assert np.array_equal(cut.targets(horizon), then.targets(horizon), equal_nan=True)
    assert np.array_equal(cut.inputs.per_bar, then.inputs.per_bar, equal_nan=True)
    assert np.array_equal(cut.inputs.rows, then.inputs.rows)
    assert np.array_equal(cut.inputs.columns, then.inputs.columns)


def test_some_tickers_of_the_last_sessions(panel):
    tail = panel.select(slice(60, None), np.array([0, 2]))

    assert tail.tickers == ("T00.NS", "T02.NS")
    assert np.array_equal(tail.close, panel.close[60:, [0, 2]], equal_nan=True)
    assert np.array_equal(tail.targets(5), panel.targets(5)[60:, [0, 2]], equal_nan=True)
    assert np.array_equal(
        tail.inputs["rsi_14"], panel.inputs["rsi_14"][60:, [0, 2]], equal_nan=True
    )


def test_sessions_with_gaps_between_them_cannot_be_selected(panel):
    with pytest.raises(ValueError, match="next to each other"):
        panel.select(slice(None, None, 2))


def test_a_panel_without_a_bar_is_refused(clean):
    with pytest.raises(ValueError, match="at least one bar"):
        panel_of_clean(clean.clear())


def test_a_column_of_rows_is_a_matrix(clean, panel):
    assert BAR_COLUMNS[0] == "adj_close"
    assert np.array_equal(matrix(clean, "adj_close", panel), panel.close, equal_nan=True)


# --- means


def test_a_mean_is_over_the_tickers_that_have_a_value():
    values = np.array([[0.1, nan, 0.3], [nan, nan, nan], [nan, -0.5, nan]])

    assert mean_by_date(values).tolist() == pytest.approx([0.2, nan, -0.5], nan_ok=True)


def test_a_date_with_too_few_values_has_no_mean():
    values = np.array([[0.1, nan, 0.3], [nan, -0.5, nan]])

    found = mean_by_date(values, at_least=2)

    assert found.tolist() == pytest.approx([0.2, nan], nan_ok=True)


def test_no_dates_have_no_means():
    assert mean_by_date(np.empty((0, 3))).shape == (0,)


def test_long_columns_become_matrices_by_date_and_ticker():
    days = np.array(["2025-01-02", "2025-01-01", "2025-01-02"], dtype="datetime64[D]")
    names = np.array(["TCS.NS", "TCS.NS", "INFY.NS"])

    made, doubled = pivot_wide(days, names, np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0]))

    np.testing.assert_array_equal(made, [[np.nan, 2.0], [3.0, 1.0]])
    np.testing.assert_array_equal(doubled, 2 * made)
    with pytest.raises(ValueError, match="one forecast a date"):
        pivot_wide(days[[0, 0]], names[[0, 0]], np.array([1.0, 2.0]))
