"""What a stored model is asked with: a ticker's own last bar, and the pool beside it."""

import numpy as np
import pytest
from contests import panel_of, panel_of_prices
from pools import wandering, with_holes
from trees import small

from src.modeling import contest
from src.modeling.newest import ENOUGH, inputs, last_bar, recent
from src.modeling.panel import MATRICES
from src.modeling.walked import Stacked
from src.registry.model_file import LinearModel, RankTilt

nan = np.nan
# Row 7 has two tickers, row 8 three; the trees of ``small`` say 110.5, 120.5 and 130.5 of row 8.
STACKED = Stacked(
    rows=np.array([7, 7, 8, 8, 8]),
    columns=np.array([0, 2, 0, 1, 2]),
    inputs=np.array(
        [[5.0, 5.0, 5.0], [6.0, 6.0, 6.0], [9.0, 1.0, 0.0], [-4.0, 2.0, 2.0], [0.0, 3.0, 2.0]]
    ),
    names=("a", "b", "c"),
)
TILT = RankTilt(("a", "b", "c", "volatility_1", "rank_mean"), small(), 0.5)
LINE = LinearModel(("c", "a"), np.array([1.0, 2.0]), 0.0)


# --- the last bar


def test_the_last_bar_is_the_tickers_own():
    panel = panel_of(np.array([[1.0, 1.0], [nan, 2.0], [3.0, nan], [nan, nan]]))

    assert [last_bar(panel, ticker) for ticker in panel.tickers] == [2, 1]


# --- the sessions that are enough


@pytest.mark.parametrize(("row", "first"), [(0, 0), (1198, 0), (1199, 0), (1200, 1), (1400, 201)])
def test_the_recent_sessions_end_at_the_row_and_are_enough(row, first):
    panel = panel_of(np.arange(1.0, 1451.0)[:, None])

    found = recent(panel, row)

    assert ENOUGH == 1200
    assert found.sessions.tolist() == panel.sessions[first : row + 1].tolist()
    assert found.tickers == panel.tickers
    for name in MATRICES:
        assert np.array_equal(getattr(found, name), getattr(panel, name)[first : row + 1])


def test_the_recent_sessions_forget_what_was_worked_out_of_all():
    panel = panel_of(np.arange(1.0, 1451.0)[:, None])
    assert panel.log_returns.shape == (1450, 1)

    assert recent(panel, 1400).log_returns.shape == (1200, 1)


def test_the_recent_sessions_have_the_same_features_at_their_last_row_as_all():
    panel = panel_of_prices(with_holes(wandering(1500, 6)))

    whole, cut = contest.inputs_of(panel), contest.inputs_of(recent(panel, 1490))

    here, there = whole.rows == 1490, cut.rows == ENOUGH - 1
    assert whole.columns[here].tolist() == cut.columns[there].tolist()
    assert len(whole.columns[here]) >= 4
    assert np.array_equal(cut.inputs[there], whole.inputs[here])


# --- what is asked


@pytest.mark.parametrize(("column", "own"), [(0, [9, 1, 0]), (1, [-4, 2, 2]), (2, [0, 3, 2])])
def test_a_tilt_is_asked_with_the_tickers_features_the_volatility_and_the_pools_mean(column, own):
    found = inputs(TILT, STACKED, 8, column, 0.02, 1)

    assert list(found) == ["a", "b", "c", "volatility_1", "rank_mean"]
    assert list(found.values()) == [*own, 0.02, pytest.approx(120.5)]


def test_only_what_a_model_wants_is_given_in_its_order():
    assert inputs(LINE, STACKED, 8, 1, 0.02, 1) == {"c": 2.0, "a": -4.0}
    assert list(inputs(LINE, STACKED, 8, 1, 0.02, 1)) == ["c", "a"]


def test_a_drift_is_asked_with_the_volatility_of_its_own_horizon():
    drift = LinearModel(("volatility_63",), np.ones(1), 0.0)

    assert inputs(drift, STACKED, 8, 1, 0.2, 63) == {"volatility_63": 0.2}
    assert inputs(drift, STACKED, 8, 1, 0.2, 1) == {}


def test_a_model_of_nothing_is_asked_nothing():
    assert inputs(LinearModel((), np.zeros(0), 0.0), STACKED, 8, 1, 0.02, 1) == {}


def test_a_ticker_without_features_at_its_last_bar_lacks_them():
    # It has no row 7; the pool has.
    found = inputs(TILT, STACKED, 7, 1, 0.02, 1)

    assert list(found) == ["volatility_1", "rank_mean"]
    assert inputs(LINE, STACKED, 7, 1, 0.02, 1) == {}


def test_a_session_without_any_features_has_no_mean_either():
    assert inputs(TILT, STACKED, 3, 1, 0.02, 1) == {"volatility_1": 0.02}


@pytest.mark.parametrize("volatility", [nan, float("inf")])
def test_a_volatility_that_is_not_known_lacks(volatility):
    assert "volatility_1" not in inputs(TILT, STACKED, 8, 1, volatility, 1)
