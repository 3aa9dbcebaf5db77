import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.modeling.evaluation import interval_metrics
from src.modeling.intervals import distribution
from src.modeling.intervals.conformal import score_quantiles
from src.modeling.intervals.quantiles import INTERVALS
from src.modeling.panel.panel import Panel

NAN = np.nan


def market(seed, rows, tickers):
    """Bars around a random walk whose volatility doubles every other 100 sessions."""
    random = np.random.default_rng(seed)
    sd = np.where(np.arange(rows) // 100 % 2, 0.02, 0.01)[:, None]
    returns = sd * random.standard_t(6, (rows, tickers)) / np.sqrt(1.5)
    close = 100 * np.exp(np.cumsum(returns, axis=0))
    opened = close * np.exp(-0.5 * returns)
    wick = np.exp(sd * np.abs(random.normal(0, 0.3, (rows, tickers))))
    missing = random.random(close.shape) < 0.01
    bars = (opened, np.maximum(opened, close) * wick, np.minimum(opened, close) / wick, close)
    return panel(*(np.where(missing, NAN, x) for x in bars))


def panel(opened, high, low, close, pending=None):
    return Panel(
        np.datetime64("2015-01-01") + np.arange(len(close)),
        tuple(f"T{n:02}" for n in range(close.shape[1])),
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=np.ones(close.shape),
        pending=np.zeros(close.shape, dtype=bool) if pending is None else pending,
    )


def cut(given, rows):
    parts = (given.open, given.high, given.low, given.close)
    return panel(*(x[:rows].copy() for x in parts), given.pending[:rows].copy())


def ruined(given, row):
    random = np.random.default_rng(row)
    parts = [x.copy() for x in (given.open, given.high, given.low, given.close)]
    for x in parts:
        x[row + 1 :] *= np.exp(random.normal(0, 1, x[row + 1 :].shape))
    pending = given.pending.copy()
    pending[row + 1 :] = True
    return panel(*parts, pending)


FIVE, ONE = market(1, 640, 5), market(2, 640, 1)
MADE = {(n, h): distribution.walk_forward(g, h) for n, g in ((5, FIVE), (1, ONE)) for h in (1, 63)}


@settings(max_examples=25)
@given(st.sampled_from(sorted(MADE)), st.integers(5, 638))
def test_what_is_served_is_the_walk_forward_at_that_row_whatever_comes_after(which, row):
    tickers, horizon = which
    whole = FIVE if tickers == 5 else ONE
    expected = MADE[which].quantiles(np.arange(row + 1))

    then = distribution.walk_forward(cut(whole, row + 1), horizon, since=row)
    changed = distribution.walk_forward(ruined(whole, row), horizon).quantiles(np.arange(row + 1))

    assert np.array_equal(then.quantiles(np.array([row]))[0], expected[-1], equal_nan=True)
    assert np.array_equal(changed, expected, equal_nan=True)


@pytest.mark.parametrize("which", sorted(MADE))
def test_rows_may_be_asked_for_in_parts_and_by_ticker(which):
    made, whole = MADE[which], FIVE if which[0] == 5 else ONE
    every = made.quantiles(np.arange(640))
    later = distribution.walk_forward(whole, which[1], since=437)
    some = np.array([639, 437, 500])

    assert np.array_equal(later.quantiles(some), every[some], equal_nan=True)
    assert np.array_equal(later.quantiles_of(some, -1), every[some, -1], equal_nan=True)
    with pytest.raises(
        IndexError, match="row 436 has no distribution: the first one is of row 437"
    ):
        later.quantiles(np.array([500, 436]))


@pytest.mark.parametrize("which", sorted(MADE))
def test_quantiles_ascend_and_are_there_once_enough_was_seen(which):
    found = MADE[which].quantiles(np.arange(640))
    barred = np.isfinite((FIVE if which[0] == 5 else ONE).close)

    assert (np.diff(found[barred & np.isfinite(found[..., 0])], axis=1) >= 0).all()
    # Volatility, the horizon, and four periods of it or a hundred outcomes.
    enough = {1: 300, 63: 420}[which[1]]
    assert np.isfinite(found[enough:][barred[enough:]]).all()
    assert np.isnan(found[~barred]).all()
    assert np.isnan(found[:60]).all()


@pytest.mark.parametrize("which", sorted(MADE))
def test_quantiles_are_past_simple_returns_over_volatility_times_volatility(which):
    made, whole = MADE[which], FIVE if which[0] == 5 else ONE
    h, row = which[1], 555
    close = whole.close
    past = close[h:] / close[:-h] - 1

    # Refreshed on row 550, when the outcome of row 550 - h is the newest that is realised.
    scores = np.full((551, which[0]), NAN)
    scores[: 551 - h] = past[: 551 - h] / made.sigma[: 551 - h]

    expected = score_quantiles(scores, h, since=550)[0] * made.sigma[row][:, None]
    np.testing.assert_allclose(made.quantiles(np.array([row]))[0], expected, rtol=1e-12)


def test_intervals_hold_what_they_say_in_calm_and_in_wild_times():
    given_ = market(3, 2400, 6)
    made = distribution.walk_forward(given_, 1, since=600)
    rows = np.arange(600, 2400)
    y, forecast = given_.targets(1)[rows], made.quantiles(rows)

    # 10,800 outcomes: the standard error at 90 % is .003.
    for share in INTERVALS:
        held = interval_metrics.inside(y, forecast, share)
        assert np.nanmean(held) == pytest.approx(share, abs=0.015)
    # The first 25 sessions of a new regime are its surprise; after them both must hold.
    settled = (rows % 100 >= 25) & (rows % 100 < 99)
    for wild in (0, 1):
        held = interval_metrics.inside(y, forecast, 0.9)[settled & (rows // 100 % 2 == wild)]
        assert np.nanmean(held) == pytest.approx(0.9, abs=0.03)


def test_a_ticker_without_open_high_and_low_is_forecast_too():
    nothing = np.full(ONE.close.shape, NAN)
    closes = panel(nothing, nothing, nothing, ONE.close)
    found = distribution.walk_forward(closes, 1).quantiles(np.array([639]))[0]

    # Its last 40 sessions had a standard deviation of about .01 a day (rows 600-639).
    assert 0.02 < interval_metrics.width(found, 0.9)[0] < 0.06


def test_no_quantile_loses_more_than_everything():
    random = np.random.default_rng(4)
    close = 100 * np.exp(np.cumsum(random.normal(0, 0.25, (500, 3)), axis=0))
    close = close / close.mean(axis=0)
    made = distribution.walk_forward(panel(close, close * 1.1, close * 0.9, close), 63, since=400)

    found = made.quantiles(np.arange(400, 500))

    assert np.nanmin(found) == -1
    assert np.nanmax(found) > 1


def test_probability_of_a_rise_is_what_lies_above_zero():
    up = np.arange(21.0) - 5.5
    rises = [distribution.rise_probability(q) for q in (up, up + 50, up - 50, up * NAN)]

    # Zero lies half way between the quantiles of .25 and .30.
    np.testing.assert_allclose(rises, [1 - 0.275, 0.975, 0.025, NAN])
