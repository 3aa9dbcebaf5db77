import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.modeling.evaluation import interval_metrics
from src.modeling.intervals import distribution, quantiles
from src.modeling.intervals.conformal import LONG_MEMORY, SHORT_MEMORY, score_quantiles
from src.modeling.intervals.quantiles import INTERVALS
from tests.support.price_panels import Prices

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
    return Prices(*(np.where(missing, NAN, x) for x in bars))


def late_fifth():
    """Five tickers of whom one joins the others at session 400."""
    prices = market(1, 640, 5)
    for bar in prices.bars:
        bar[:400, 4] = NAN
    return prices


# By how many tickers there are, and with a fifth that comes late.
POOLS = {"five": market(1, 640, 5), "one": market(2, 640, 1), "late": late_fifth()}
FORECASTS = {
    (name, horizon): distribution.walk_forward(prices.panel(), horizon)
    for name, prices in POOLS.items()
    for horizon in (1, 63)
}


@settings(max_examples=25)
@given(st.sampled_from(sorted(FORECASTS)), st.integers(5, 638))
def test_what_is_served_is_the_walk_forward_at_that_row_whatever_comes_after(which, row):
    prices, horizon = POOLS[which[0]], which[1]
    expected = FORECASTS[which].quantiles(np.arange(row + 1))

    then = distribution.walk_forward(prices.until(row + 1).panel(), horizon, since=row)
    ruined = distribution.walk_forward(prices.ruined_after(row).panel(), horizon)
    changed = ruined.quantiles(np.arange(row + 1))

    assert np.array_equal(then.quantiles(np.array([row]))[0], expected[-1], equal_nan=True)
    assert np.array_equal(changed, expected, equal_nan=True)


@pytest.mark.parametrize("which", sorted(FORECASTS))
def test_rows_may_be_asked_for_in_parts_and_by_ticker(which):
    every = FORECASTS[which].quantiles(np.arange(640))
    later = distribution.walk_forward(POOLS[which[0]].panel(), which[1], since=437)
    some = np.array([639, 437, 500])

    assert np.array_equal(later.quantiles(some), every[some], equal_nan=True)
    assert np.array_equal(later.quantiles_of(some, -1), every[some, -1], equal_nan=True)
    with pytest.raises(
        IndexError, match="row 436 has no distribution: the first one is of row 437"
    ):
        later.quantiles(np.array([500, 436]))


@pytest.mark.parametrize("which", sorted(FORECASTS))
def test_quantiles_ascend_and_are_there_once_enough_was_seen(which):
    found = FORECASTS[which].quantiles(np.arange(640))
    barred = np.isfinite(POOLS[which[0]].close)

    assert (np.diff(found[barred & np.isfinite(found[..., 0])], axis=1) >= 0).all()
    # Volatility, the horizon, and four periods of it or a hundred outcomes.
    enough = {1: 300, 63: 420}[which[1]]
    newest = 4 if which[0] == "late" else 5
    assert np.isfinite(found[enough:, :newest][barred[enough:, :newest]]).all()
    assert np.isnan(found[~barred]).all()
    assert np.isnan(found[:60]).all()


@pytest.mark.parametrize(
    ("which", "memory", "log_scores"),
    [
        (("five", 1), SHORT_MEMORY, False),
        (("five", 63), LONG_MEMORY, True),
        (("one", 1), LONG_MEMORY, False),
        (("one", 63), LONG_MEMORY, False),
    ],
)
def test_quantiles_are_past_returns_over_volatility_times_volatility(which, memory, log_scores):
    forecasts, panel = FORECASTS[which], POOLS[which[0]].panel()
    close = panel.close
    h, row = which[1], 555
    past = close[h:] / close[:-h] - 1

    # Refreshed on row 550, when the outcome of row 550 - h is the newest that is realised.
    scores = np.full((551, close.shape[1]), NAN)
    outcome = np.log(1 + past) if log_scores else past
    scores[: 551 - h] = outcome[: 551 - h] / forecasts.sigma[: 551 - h]

    if which[0] == "five":
        scores[~panel.complete[:551]] = NAN

    expected = score_quantiles(scores, h, memory, since=550)[0] * forecasts.sigma[row][:, None]
    expected = np.exp(expected) - 1 if log_scores else expected
    np.testing.assert_allclose(forecasts.quantiles(np.array([row]))[0], expected, rtol=1e-10)


@pytest.mark.parametrize("horizon", [1, 63])
def test_four_tickers_are_forecast_alike_until_a_fifth_makes_a_market(horizon):
    four = distribution.walk_forward(POOLS["late"].of(slice(4)).panel(), horizon)
    rows = np.arange(640)

    later = FORECASTS["late", horizon].quantiles(rows)[:, :4]

    expected = four.quantiles(rows)
    # A market is known at session 401, and scores are refreshed at session 410.
    assert np.array_equal(later[:400], expected[:400], equal_nan=True)
    assert not np.array_equal(later[410:], expected[410:], equal_nan=True)


def test_a_session_of_few_tickers_is_no_score_of_a_pool():
    prices = market(5, 600, 6)
    for bar in prices.bars:
        bar[301, 2:] = NAN
    panel = prices.panel()
    assert not panel.complete[301]

    forecasts = distribution.walk_forward(panel, 1, since=310)

    scores = panel.targets(1) / forecasts.sigma
    assert np.isfinite(scores[301]).any()
    scores[~panel.complete] = NAN
    expected = score_quantiles(scores, 1, SHORT_MEMORY, since=310)
    assert np.array_equal(forecasts.scores, expected, equal_nan=True)


def test_intervals_hold_what_they_say_in_calm_and_in_wild_times():
    given_ = market(3, 2400, 6).panel()
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
    close = POOLS["one"].close
    nothing = np.full(close.shape, NAN)
    closes = Prices(nothing, nothing, nothing, close).panel()
    found = distribution.walk_forward(closes, 1).quantiles(np.array([639]))[0]

    # Its last 40 sessions had a standard deviation of about .01 a day (rows 600-639).
    assert 0.02 < interval_metrics.width(found, 0.9)[0] < 0.06


def test_no_quantile_loses_more_than_everything():
    random = np.random.default_rng(4)
    close = 100 * np.exp(np.cumsum(random.normal(0, 0.25, (500, 3)), axis=0))
    close = close / close.mean(axis=0)
    prices = Prices(close, close * 1.1, close * 0.9, close)
    made = distribution.walk_forward(prices.panel(), 63, since=400)

    found = made.quantiles(np.arange(400, 500))

    assert np.nanmin(found) == -1
    assert np.nanmax(found) > 1


def test_probability_of_a_rise_is_what_lies_above_zero():
    up = np.arange(21.0) - 5.5
    rises = [distribution.rise_probability(q.tolist()) for q in (up, up + 50, up - 50)]

    # Zero lies half way between the quantiles of .25 and .30.
    np.testing.assert_allclose(rises, [1 - 0.275, 0.975, 0.025])


@given(st.lists(st.floats(-1, 5) | st.sampled_from([-0.01, 0.0, 0.01]), min_size=21, max_size=21))
def test_probability_of_a_rise_is_that_of_the_distribution_function_bit_for_bit(numbers):
    forecast = sorted(numbers)

    (below,) = quantiles.cdf(np.array([forecast]), np.zeros(1))

    assert distribution.rise_probability(forecast) == 1 - below


def test_nothing_is_said_of_a_distribution_that_is_not_known():
    unknown = distribution.UNKNOWN_DISTRIBUTION

    assert (unknown.prob_up, unknown.intervals(100.0)) == (None, [])
