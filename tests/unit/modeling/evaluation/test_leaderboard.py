"""The table of worth, worked out by hand on a few rows."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from src.modeling.evaluation import leaderboard
from src.modeling.evaluation.leaderboard import BOUNDS

FIRST = dt.date(2024, 1, 1)


def rows(model, points, actuals, ticker="A.NS", horizon=1, half=(0.01, 0.02, 0.03, 0.04)):
    """One row a day: a point, its outcome, and intervals of given half widths around the point."""
    widths = dict(zip((50, 80, 90, 95), half, strict=True))
    return pl.DataFrame(
        {
            "ticker": ticker,
            "made": [FIRST + dt.timedelta(days=n) for n in range(len(points))],
            "horizon": horizon,
            "model": model,
            "point": pl.Series(points, dtype=pl.Float64),
            "actual": pl.Series(actuals, dtype=pl.Float64),
            **{f"lo{share}": -width for share, width in widths.items()},
            **{f"hi{share}": width for share, width in widths.items()},
        }
    )


def test_errors_and_skills_by_hand():
    actual = [0.01, -0.02, 0.03, None]
    given = pl.concat(
        [
            rows("mean", [None, 0.01, -0.005, 0.0], actual),
            rows("ridge", [0.005, 0.01, 0.01, 0.01], actual),
        ]
    )

    mean, ridge = leaderboard.point_leaderboard(given)

    # |.01-.005| + |-.02-.01| + |.03-.01| = .055 against .06; the mean errs .03 + .035 on the last
    # two, where ridge errs .05.
    assert (ridge["model"], ridge["tickers"], ridge["n"], ridge["n_eff"]) == ("ridge", 1, 3, 3)
    assert ridge["mae"] == pytest.approx(0.055 / 3)
    assert ridge["skill_vs_zero"] == pytest.approx(1 - 0.055 / 0.06)
    assert ridge["skill_vs_mean"] == pytest.approx(1 - 0.05 / 0.065)
    # The mean has no forecast of the first day, so that it is compared on the other two.
    assert mean["n"] == 2
    assert mean["skill_vs_zero"] == pytest.approx(1 - 0.065 / 0.05)
    assert mean["skill_vs_mean"] == 0


def test_tickers_count_by_their_rows_and_dates_but_once():
    given = pl.concat(
        [
            rows("zero", [0.0] * 4, [0.01, 0.02, 0.03, 0.04], "A.NS", horizon=2),
            rows("zero", [0.0] * 2, [0.10, 0.20], "B.NS", horizon=2),
        ]
    )

    (one,) = leaderboard.point_leaderboard(given)

    assert (one["tickers"], one["n"], one["n_eff"]) == (2, 6, 2.0)
    assert one["mae"] == pytest.approx(0.40 / 6)


def test_horizons_are_apart_and_the_short_one_first():
    given = pl.concat(
        [rows("zero", [0.0], [0.5], horizon=63), rows("zero", [0.0], [0.01], horizon=1)]
    )

    assert [(one["horizon"], one["mae"]) for one in leaderboard.point_leaderboard(given)] == [
        (1, 0.01),
        (63, 0.5),
    ]


def test_without_the_mean_there_is_no_skill_against_it():
    (one,) = leaderboard.point_leaderboard(rows("zero", [0.0, 0.0], [0.01, -0.01]))

    assert one["skill_vs_mean"] is None
    assert one["skill_vs_zero"] == 0


def test_a_model_right_or_wrong_every_day_shows_in_t_and_in_the_tickers():
    random = np.random.default_rng(1)
    actual = random.normal(0, 0.02, 300)
    given = pl.concat(
        [
            rows("good", actual / 2, actual, "A.NS"),
            rows("bad", -actual / 2, actual, "A.NS"),
        ]
    )

    bad, good = sorted(leaderboard.point_leaderboard(given), key=lambda one: one["model"])

    assert good["t"] == pytest.approx(-bad["t"])
    assert good["t"] > good["limit"] > 1.645
    assert (good["tickers_worse"], bad["tickers_worse"]) == (0, 1)
    assert (good["worst_ticker"], bad["worst_ticker"]) == (pytest.approx(0.5), pytest.approx(-0.5))


def test_prices_that_never_move_have_no_skill():
    (one,) = leaderboard.point_leaderboard(rows("zero", [0.0] * 5, [0.0] * 5))

    assert one["mae"] == 0
    assert (one["skill_vs_zero"], one["worst_ticker"]) == (None, None)


def test_nothing_realised_is_an_empty_table():
    given = rows("served", [0.0, 0.0], [None, None])

    assert leaderboard.point_leaderboard(given) == []
    (one,) = leaderboard.interval_leaderboard(given, "served")
    assert (one["n"], one["crps_skill"]) == (0, None)


def test_coverage_by_hand():
    # Half widths of 1, 2, 3 and 4 %; bounds belong to their interval.
    outcomes = [0.0, 0.01, -0.015, 0.025, -0.035, 0.05, None, -0.05]

    (one,) = leaderboard.interval_leaderboard(rows("served", [0.0] * 8, outcomes), "served")

    assert one["n"] == 7
    shares = [one[f"coverage_{share}%"] for share in (50, 80, 90, 95)]
    assert shares == pytest.approx([2 / 7, 3 / 7, 4 / 7, 5 / 7])


def test_intervals_stand_beside_the_last_outcomes_of_the_ticker():
    # Outcomes in the order in which they repeat: the past holds each of -5 % … +5 % alike.
    outcomes = np.tile(np.arange(-50, 51) / 1000, 7)
    wide = rows("served", [0.0] * len(outcomes), outcomes, half=(0.025, 0.04, 0.045, 0.0475))
    exact = wide.with_columns(pl.lit(0.001).alias(n) + pl.col("actual") for n in BOUNDS)

    (alike,) = leaderboard.interval_leaderboard(wide, "served")
    (sharp,) = leaderboard.interval_leaderboard(exact, "served")

    # Those are the quantiles of the past themselves, but for its being finite.
    assert alike["width_ratio"] == pytest.approx(1, abs=0.02)
    assert alike["crps_skill"] == pytest.approx(0, abs=0.01)
    assert sharp["width_ratio"] == pytest.approx(0, abs=1e-12)
    assert 0.9 < sharp["crps_skill"] < 1
    assert sharp["t"] > 10


def test_a_forecast_given_twice_is_refused():
    once = rows("zero", [0.0], [0.01])

    with pytest.raises(ValueError, match="one forecast a date"):
        leaderboard.point_leaderboard(pl.concat([once, once]))


def test_the_rank_ic_is_the_mean_of_scipys_spearman_over_dates_with_enough_tickers():
    random = np.random.default_rng(4)
    point, actual = random.normal(size=(6, 24)), random.normal(size=(6, 24))
    actual[0, 5:] = np.nan  # five tickers are no ranking
    point[1, :3] = np.nan
    point[2] = 0.01  # says the same of all
    actual[3, 4] = actual[3, 7]

    found = leaderboard.rank_ic(actual, point)

    expected = []
    for row in (1, 3, 4, 5):
        both = np.isfinite(actual[row]) & np.isfinite(point[row])
        expected.append(spearmanr(actual[row][both], point[row][both]).statistic)
    assert found == pytest.approx(np.mean(expected), rel=1e-12)


def test_forecasts_that_are_all_the_same_rank_nothing():
    assert leaderboard.rank_ic(np.ones((3, 30)), np.zeros((3, 30))) is None
