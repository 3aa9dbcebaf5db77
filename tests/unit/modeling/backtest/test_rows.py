"""A walk-forward as rows of a file."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from src.core.calendars.nse import nse
from src.modeling.backtest.rows import forecast_rows
from src.modeling.experiment.run import ExperimentConfig, run_walk_forward
from src.modeling.gate.rules import rules_for
from src.modeling.points.splits import Schedule
from tests.support.pools import panel_of_clean
from tests.support.prices import clean_walk, sessions

DAYS = sessions(dt.date(2023, 1, 2), 400)
BOUNDS = ["lo50", "hi50", "lo80", "hi80", "lo90", "hi90", "lo95", "hi95"]


def walk_forward(horizon=5, since=0):
    first = clean_walk("A.NS", DAYS, seed=1).filter(pl.col("date") != DAYS[200])
    bars = pl.concat([first, clean_walk("B.NS", DAYS, seed=2)])
    config = ExperimentConfig("zero", rules_for(horizon, 0.0), Schedule())
    names = ("zero", "mean")
    return run_walk_forward(panel_of_clean(bars), config, names=names, since=since), bars


def test_one_row_per_model_and_bar_with_the_columns_in_order():
    result, _ = walk_forward()

    found = forecast_rows(result, "A.NS", nse())

    assert found.columns == [
        *("ticker", "made", "target", "horizon", "model", "point", "actual"),
        *BOUNDS,
    ]
    assert found["model"].unique(maintain_order=True).to_list() == ["zero", "mean", "served"]
    assert found.height == 3 * 399
    for _, own in found.group_by("model"):
        assert own["made"].to_list() == [day for day in DAYS if day != DAYS[200]]
    assert found.select("ticker", "horizon").unique().rows() == [("A.NS", 5)]


def test_the_target_is_five_sessions_on_by_the_calendar():
    result, _ = walk_forward()

    found = forecast_rows(result, "A.NS", nse()).filter(model="zero")

    # A missing bar moves no target, and the last targets lie beyond the data.
    targets = dict(found.select("made", "target").rows())
    assert targets[DAYS[198]] == DAYS[203]
    assert targets[DAYS[399]] == nse().ahead(DAYS[399], 5)


def test_outcomes_are_simple_returns_and_empty_where_there_is_none():
    result, bars = walk_forward()
    close = dict(bars.filter(ticker="A.NS").select("date", "close").rows())

    found = forecast_rows(result, "A.NS", nse()).filter(model="mean")

    actual = dict(found.select("made", "actual").rows())
    assert actual[DAYS[10]] == pytest.approx(close[DAYS[15]] / close[DAYS[10]] - 1)
    assert actual[DAYS[195]] is None
    assert [actual[day] for day in DAYS[395:]] == [None] * 5
    assert actual[DAYS[394]] is not None


def test_points_are_what_was_known_at_the_bar():
    result, bars = walk_forward()
    close = bars.filter(ticker="B.NS")["close"].to_numpy()
    past = close[5:] / close[:-5] - 1

    found = forecast_rows(result, "B.NS", nse())

    mean = found.filter(model="mean")["point"].to_list()
    assert mean[:5] == [None] * 5
    assert mean[100] == pytest.approx(past[:96].mean())
    assert set(found.filter(model="zero")["point"]) == {0.0}
    assert set(found.filter(model="served")["point"]) == {0.0}


def test_intervals_are_the_same_for_every_model_and_lie_in_one_another():
    result, _ = walk_forward()

    found = forecast_rows(result, "A.NS", nse())

    zero, mean, served = (found.filter(model=n).select(BOUNDS) for n in ("zero", "mean", "served"))
    assert zero.equals(mean)
    assert zero.equals(served)
    known = zero.drop_nulls().to_dict(as_series=False)
    assert len(known["lo50"]) > 200
    order = ["lo95", "lo90", "lo80", "lo50", "hi50", "hi80", "hi90", "hi95"]
    assert (np.diff(np.array([known[name] for name in order]), axis=0) >= 0).all()


def test_eight_of_ten_outcomes_lie_within_their_interval():
    result, _ = walk_forward()

    found = pl.concat([forecast_rows(result, name, nse()) for name in ("A.NS", "B.NS")])

    judged = found.filter(model="zero").drop_nulls("actual").drop_nulls("lo80")
    inside = (judged["lo80"] <= judged["actual"]) & (judged["actual"] <= judged["hi80"])
    # Some 50 weeks of two tickers: one standard error is four points.
    assert inside.mean() == pytest.approx(0.8, abs=0.12)


def test_a_first_day_leaves_the_others_as_they_are():
    every = forecast_rows(walk_forward()[0], "A.NS", nse())

    late = forecast_rows(walk_forward(since=350)[0], "A.NS", nse(), since=DAYS[353])

    assert late.equals(every.filter(pl.col("made") >= DAYS[353]))
    assert forecast_rows(walk_forward(since=350)[0], "A.NS", nse()).equals(
        every.filter(pl.col("made") >= DAYS[350])
    )
