"""Walk-forwards over a panel: nothing later may enter, and the gate decides what is served."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from purgedcv import WalkForwardSplit

from src.modeling.experiment.run import (
    CANDIDATES,
    ExperimentConfig,
    needed_outcomes,
    run_walk_forward,
    scored_outcomes,
)
from src.modeling.gate.rules import rules_for
from src.modeling.points import splits
from src.modeling.points.splits import Schedule
from tests.support.pools import panel_of_clean
from tests.support.prices import clean_walk, sessions

DAYS = sessions(pd.Timestamp("2021-01-04").date(), 640)
TICKERS = ("A.NS", "B.NS", "C.NS", "D.NS", "E.NS", "F.NS")
# Refits at rows 272, 342, 412, …: 252 sessions of features, then a warm-up of 20.
SCHEDULE = Schedule(warm_up=20, refit_every=70, embargo=2, min_train=60)
PRICES = ["open", "high", "low", "close", "adj_close"]


def bars(trend=0.0, turn=0):
    """Six tickers; two are listed later, one is delisted, one lacks bars here and there."""
    step = np.where(np.arange(len(DAYS)) < turn, trend, -trend)
    rising = pl.Series(np.exp(np.cumsum(step)))
    parts = [
        clean_walk(ticker, DAYS, seed=n).with_columns(pl.col(PRICES) * rising)
        for n, ticker in enumerate(TICKERS)
    ]
    parts[1] = parts[1][35:]
    parts[2] = parts[2][100:]
    parts[3] = parts[3].filter(~pl.int_range(pl.len()).is_in([300, 301, 477, 555]))
    parts[4] = parts[4][:600]
    return pl.concat(parts)


def config(challenger, horizon):
    return ExperimentConfig(challenger, rules_for(horizon, 0.0, repeated=True), SCHEDULE)


def outputs(result):
    """Every output of a walk-forward, by name; sessions first."""
    rows = np.arange(len(result.panel.sessions))
    return {
        **result.series(),
        "sigma": result.distributions.sigma,
        "quantiles": result.distributions.quantiles(rows),
    }


@pytest.fixture(scope="module", params=[1, 5], ids=["a day", "a week"])
def whole(request):
    return run_walk_forward(panel_of_clean(bars()), config("ridge", request.param))


# On a refit, one session after it, and amid.
@pytest.mark.parametrize("last", [411, 412, 413, 510])
def test_no_output_changes_when_later_bars_are_not_stored(whole, last):
    stored = bars().filter(pl.col("date") <= DAYS[last])

    cut = outputs(run_walk_forward(panel_of_clean(stored), config("ridge", whole.horizon)))

    assert set(cut) == {*CANDIDATES, "served", "sigma", "quantiles"}
    for name, values in outputs(whole).items():
        assert np.array_equal(cut[name], values[: last + 1], equal_nan=True), name
        # The slope of the ranks is known only half a year after the first was predicted.
        assert np.isfinite(cut[name][-1]).all() == (name != "rank_tilt" or last > 503), name


def test_no_output_changes_with_other_prices_after_it(whole):
    after = pl.when(pl.col("date") > DAYS[450])
    other = bars().with_columns(after.then(pl.col(PRICES) * 1.7).otherwise(pl.col(PRICES)))

    bent = outputs(run_walk_forward(panel_of_clean(other), config("ridge", whole.horizon)))

    for name, values in outputs(whole).items():
        assert np.array_equal(bent[name][:451], values[:451], equal_nan=True), name
    assert not np.array_equal(bent["ridge"][451:], whole.points["ridge"][451:], equal_nan=True)


def test_the_same_panel_gives_the_same_result(whole):
    again = outputs(run_walk_forward(panel_of_clean(bars()), config("ridge", whole.horizon)))

    for name, values in outputs(whole).items():
        assert np.array_equal(again[name], values, equal_nan=True), name


def test_each_candidate_forecasts_something_else(whole):
    distinct = {
        name: np.nan_to_num(points).round(12).tobytes() for name, points in whole.points.items()
    }

    assert tuple(whole.points) == CANDIDATES
    assert len(set(distinct.values())) == len(CANDIDATES)


def test_zero_is_served_until_the_gate_promotes_and_after_it_demotes():
    # Prices rise by half their volatility a day, then fall as much.
    rising = panel_of_clean(bars(trend=0.0075, turn=320))
    result = run_walk_forward(rising, config("drift", 1), names=("zero", "mean", "drift"))

    promoted = result.replay.promoted
    assert promoted.any()
    # A verdict needs 250 outcomes, and comes every 21 sessions.
    assert np.flatnonzero(promoted)[0] >= 250
    assert not promoted[-1]
    served = result.series()["served"]
    drift = result.points["drift"]
    assert np.array_equal(served[promoted], np.nan_to_num(drift[promoted]))
    assert (served[~promoted] == 0).all()
    stored = bars(trend=0.0075, turn=320).filter(pl.col("date") <= DAYS[500])
    cut = run_walk_forward(panel_of_clean(stored), config("drift", 1), names=("zero", "drift"))
    assert promoted[500]
    assert np.array_equal(cut.series()["served"], served[:501])


def test_only_the_candidates_named_take_part():
    result = run_walk_forward(panel_of_clean(bars()), config("zero", 1), names=("zero", "mean"))

    assert list(result.series()) == ["zero", "mean", "served"]
    assert not result.replay.promoted.any()


def test_computing_the_newest_distributions_alone_gives_the_same(whole):
    late = run_walk_forward(whole.panel, config("zero", whole.horizon), names=("zero",), since=583)

    rows = np.arange(583, len(DAYS))
    assert np.array_equal(
        late.distributions.quantiles(rows), outputs(whole)["quantiles"][583:], equal_nan=True
    )


def test_the_gate_counts_only_sessions_with_a_market():
    actual = np.full((3, 30), 0.01)
    actual[1, 4:] = np.nan
    actual[2, 5:] = np.nan

    scored = scored_outcomes(actual)

    assert np.isfinite(scored).sum(axis=1).tolist() == [30, 0, 5]


def test_of_a_small_pool_the_gate_counts_sessions_with_a_fifth_of_the_tickers():
    actual = np.full((3, 6), 0.01)
    actual[1, 2:] = np.nan
    actual[2, 1:] = np.nan

    scored = scored_outcomes(actual)

    assert np.isfinite(scored).sum(axis=1).tolist() == [6, 2, 0]


def test_who_is_listed_later_does_not_change_what_a_session_needed():
    actual = np.full((6, 30), 0.01)
    actual[:2, 1:] = np.nan
    actual[2, 8:] = np.nan

    # Of one ticker 1; of eight a fifth is 2, known two sessions after; of thirty 5 are enough.
    assert needed_outcomes(actual, 2).tolist() == [0, 0, 1, 1, 2, 5]
    assert needed_outcomes(actual[:5], 2).tolist() == [0, 0, 1, 1, 2]


def test_a_pool_too_small_for_a_market_is_judged_on_all_it_has():
    actual = np.array([[0.01, np.nan], [np.nan, np.nan], [0.02, 0.03]])

    assert np.array_equal(scored_outcomes(actual), actual, equal_nan=True)


@pytest.mark.parametrize(("horizon", "embargo"), [(1, 5), (5, 0), (63, 5)])
def test_the_folds_of_a_panel_are_those_of_a_purging_library(horizon, embargo):
    rows, tickers, refit, folds = 300, 3, 20, 4
    epoch = np.datetime64("2000-01-01")
    dates = np.repeat(epoch + np.arange(rows), tickers)
    times = pd.Series(dates.astype("datetime64[ns]"))
    # Its labels end before their end, and ours must end embargo + 1 sessions before the cutoff.
    library = WalkForwardSplit(
        folds,
        refit * tickers,
        prediction_times=times,
        evaluation_times=times + pd.Timedelta(days=horizon),
        purge_horizon=pd.Timedelta(days=embargo + 1),
    )

    found = splits.folds(
        np.repeat(np.arange(rows), tickers),
        horizon,
        Schedule(rows - refit * folds, refit_every=refit, embargo=embargo, min_train=1),
    )

    expected = list(library.split(np.zeros((rows * tickers, 1))))
    assert len(found) == len(expected) == folds
    for ours, (train, test) in zip(found, expected, strict=True):
        assert np.array_equal(ours.train, train)
        assert np.array_equal(ours.test, test)
