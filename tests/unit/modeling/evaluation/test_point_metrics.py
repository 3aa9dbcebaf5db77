import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics

from src.modeling.evaluation import point_metrics

Y = np.array([0.02, -0.01, 0.03, 0.0])
F = np.array([0.01, 0.01, 0.01, 0.01])
DATES = np.datetime64("2025-01-01", "D") + np.arange(4)


def test_hand_worked_errors():
    # Errors .01, -.02, .02, -.01; mean of y .01, so SST = .0001 + .0004 + .0004 + .0001.
    assert point_metrics.mae(Y, F) == pytest.approx(0.015)
    assert point_metrics.rmse(Y, F) == pytest.approx(np.sqrt(0.00025))
    assert point_metrics.r2(Y, F) == pytest.approx(0.0)
    # Zero errs by .02, .01, .03, 0: .015 on average, exactly as much.
    assert point_metrics.skill(Y, F) == pytest.approx(0.0)
    assert point_metrics.skill(Y, Y) == 1.0
    assert point_metrics.share_of_rises(Y) == 0.5


def test_direction_comes_with_what_always_rising_would_have_scored():
    accuracy, base_rate = point_metrics.direction(Y, F)

    # Of the three outcomes that moved, two rose: a forecast that always rises is no better.
    assert accuracy == pytest.approx(2 / 3)
    assert base_rate == pytest.approx(2 / 3)


def test_base_rate_is_of_the_more_common_sign():
    assert point_metrics.direction(-Y, F) == (pytest.approx(1 / 3), pytest.approx(2 / 3))


def test_a_forecast_of_no_change_has_no_direction():
    assert point_metrics.direction(Y, np.zeros(4)) == (None, None)


def test_measures_without_a_meaning_are_none():
    flat = np.zeros(3)

    assert point_metrics.r2(flat, np.ones(3)) is None
    assert point_metrics.skill(flat, np.ones(3)) is None


finite = st.floats(-1, 1).map(lambda value: round(value, 6))


@given(st.integers(2, 50).flatmap(lambda n: st.tuples(*[arrays(float, n, elements=finite)] * 2)))
def test_equals_scikit_learn(pair):
    y, forecast = pair

    assert point_metrics.mae(y, forecast) == pytest.approx(metrics.mean_absolute_error(y, forecast))
    assert point_metrics.rmse(y, forecast) == pytest.approx(
        metrics.root_mean_squared_error(y, forecast)
    )
    if np.ptp(y) > 1e-5:
        assert point_metrics.r2(y, forecast) == pytest.approx(metrics.r2_score(y, forecast))
    moved = (y != 0) & (forecast != 0)
    if moved.any():
        assert point_metrics.direction(y, forecast)[0] == pytest.approx(
            metrics.accuracy_score(y[moved] > 0, forecast[moved] > 0)
        )


@pytest.mark.parametrize(
    ("count", "tickers", "horizon", "expected"),
    [(479, 1, 63, 479 / 63), (126, 36, 63, 2.0), (10, 1, 63, 1.0), (250, 2, 1, 250.0)],
)
def test_n_eff_counts_dates_that_do_not_overlap(count, tickers, horizon, expected):
    dates = np.repeat(np.datetime64("2023-12-01", "D") + np.arange(count), tickers)

    assert point_metrics.effective_n(dates, horizon) == pytest.approx(expected)


def test_table_puts_both_baselines_beside_every_model():
    rows = point_metrics.score_table(
        Y, {"ridge": Y, "mean": F, "zero": np.ones(4)}, horizon=2, dates=DATES
    )

    assert [row["name"] for row in rows] == ["zero", "mean", "ridge"]
    zero, mean, ridge = rows
    assert zero["mae"] == pytest.approx(0.015)  # the true zero, whatever was handed in
    assert zero["skill_vs_zero"] == 0
    assert mean["skill_vs_mean"] == 0
    assert ridge["skill_vs_zero"] == ridge["skill_vs_mean"] == 1
    assert (ridge["directional_accuracy"], ridge["base_rate"]) == (1, pytest.approx(2 / 3))
    assert {(row["n"], row["n_eff"], row["share_of_rises"]) for row in rows} == {(4, 2.0, 0.5)}


def test_table_refuses_to_stand_without_the_mean():
    with pytest.raises(ValueError, match="mean"):
        point_metrics.score_table(Y, {"ridge": F}, horizon=1, dates=DATES)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("measure", ["mae", "rmse", "r2", "direction", "skill"])
def test_refuses_values_that_are_not_finite(measure, bad):
    broken = np.array([0.1, bad, 0.1, 0.1])

    with pytest.raises(ValueError, match="finite"):
        getattr(point_metrics, measure)(broken, F)
    with pytest.raises(ValueError, match="finite"):
        getattr(point_metrics, measure)(Y, broken)


def test_refuses_lengths_that_differ_and_nothing_at_all():
    with pytest.raises(ValueError, match="one length"):
        point_metrics.mae(Y, F[:3])
    with pytest.raises(ValueError, match="empty"):
        point_metrics.mae(Y[:0], F[:0])
    with pytest.raises(ValueError, match="length"):
        point_metrics.score_table(Y, {"mean": F}, horizon=1, dates=DATES[:2])
    with pytest.raises(ValueError, match="at least one date"):
        point_metrics.effective_n(DATES[:0], 1)
