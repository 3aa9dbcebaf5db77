import datetime as dt

import numpy as np
import polars as pl
import pytest

from src.core.calendars.nse import nse
from src.modeling.panel import labels

# Ten consecutive NSE sessions: Mon 3 to Fri 14 November 2025, with Wed 5 a holiday, and Mon 17.
SESSIONS = [dt.date(2025, 11, day) for day in (3, 4, 6, 7, 10, 11, 12, 13, 14, 17)]
PRICES = [100.0, 110.0, 121.0, 60.5, 66.0, 33.0, 99.0, 100.0, 200.0, 150.0]


@pytest.fixture
def clean():
    return pl.DataFrame(
        {"ticker": "TCS.NS", "date": SESSIONS, "adj_close": PRICES, "action_pending": False}
    )


@pytest.fixture
def features():
    return pl.DataFrame(
        {
            "ticker": "TCS.NS",
            "date": SESSIONS,
            "close": PRICES,
            "return_lag1": [float(k) for k in range(10)],
            "warm_up": False,
            "source": "test",
            "features_version": "v1",
            "vol_14": [k / 10 for k in range(10)],
        }
    )


def build(features, clean, *, horizon=1, feature_window=1):
    return labels.build(
        features, clean, horizon=horizon, feature_window=feature_window, calendar=nse()
    )


def with_value(frame, day, column, value):
    return frame.with_columns(
        pl.when(pl.col("date") == SESSIONS[day])
        .then(pl.lit(value))
        .otherwise(pl.col(column))
        .alias(column)
    )


def without(frame, *days):
    return frame.filter(~pl.col("date").is_in([SESSIONS[day] for day in days]))


def excluded(dataset):
    return {
        name: count
        for name, count in dataset.counts.items()
        if count and name not in ("rows", "rows_in")
    }


def test_target_is_the_simple_return_to_the_next_session(features, clean):
    frame = build(features, clean).frame

    assert frame["target"].to_list() == pytest.approx(
        [0.1, 0.1, -0.5, 66 / 60.5 - 1, -0.5, 2.0, 1 / 99, 1.0, -0.25]
    )
    assert frame["label_end"].to_list() == SESSIONS[1:]


def test_label_end_counts_sessions_and_not_bars(features, clean):
    made = build(without(features, 2), without(clean, 2), horizon=2)

    # Row 0 ends on the session whose bar is gone; row 1 on the one after it.
    assert made.frame["date"][0] == SESSIONS[1]
    assert made.frame["label_end"][0] == SESSIONS[3]
    assert made.frame["target"][0] == pytest.approx(60.5 / 110 - 1)
    assert excluded(made) == {"label_missing": 1, "label_open": 2}


def test_columns_lead_with_what_the_table_declares_and_keep_the_features_order(features, clean):
    made = build(features, clean)

    assert made.frame.columns == [
        *("ticker", "date", "label_end", "target", "source", "features_version"),
        *("return_lag1", "vol_14"),
    ]
    assert made.features == ("return_lag1", "vol_14")
    assert made.frame.schema["label_end"] == pl.Date


def test_the_newest_rows_have_no_label_yet(features, clean):
    made = build(features, clean, horizon=3)

    assert excluded(made) == {"label_open": 3}
    assert made.counts["rows"] == 7


def test_a_missing_bar_at_the_label_is_not_replaced_by_another(features, clean):
    made = build(features, without(clean, 4))

    # Row 3 has lost its label, row 4 the price it starts from.
    assert excluded(made) == {"label_missing": 2, "label_open": 1}
    assert SESSIONS[3] not in made.frame["date"]


@pytest.mark.parametrize("price", [None, float("nan"), 0.0, -1.0, float("inf")])
def test_an_unusable_price_counts_as_a_missing_bar(features, clean, price):
    made = build(features, with_value(clean, 4, "adj_close", price))

    assert excluded(made) == {"label_missing": 2, "label_open": 1}


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), float("-inf")])
def test_a_row_with_an_incomplete_feature_is_left_out(features, clean, value):
    made = build(with_value(features, 2, "vol_14", value), clean)

    assert excluded(made) == {"incomplete": 1, "label_open": 1}


def test_warm_up_rows_are_left_out_and_counted_once(features, clean):
    warm = with_value(with_value(features, 0, "warm_up", True), 0, "vol_14", None)

    assert excluded(build(warm, clean)) == {"warm_up": 1, "label_open": 1}


def test_a_day_without_trading_has_no_label(features, clean):
    holiday = features.head(1).with_columns(date=pl.lit(dt.date(2025, 11, 5)))
    phantom = clean.head(1).with_columns(date=pl.lit(dt.date(2025, 11, 5)))

    made = build(pl.concat([features, holiday]), pl.concat([clean, phantom]))

    assert excluded(made) == {"label_missing": 1, "label_open": 1}


def test_rows_older_than_the_calendar_have_no_label(features, clean):
    old = dt.date(1996, 1, 2)
    made = build(
        pl.concat([features, features.head(1).with_columns(date=pl.lit(old))]),
        pl.concat([clean, clean.head(1).with_columns(date=pl.lit(old))]),
    )

    assert excluded(made) == {"label_missing": 1, "label_open": 1}


@pytest.mark.parametrize(
    ("horizon", "window", "lost"),
    [
        (1, 1, [4, 5]),  # the label 4→5 holds the jump; so does the row 5 itself
        (1, 3, [4, 5, 6, 7]),  # rows 5, 6, 7 look back on it
        (3, 1, [2, 3, 4, 5]),
        (3, 2, [2, 3, 4, 5, 6]),
    ],
)
def test_a_pending_jump_in_the_label_or_the_window_excludes(features, clean, horizon, window, lost):
    jump = with_value(clean, 5, "action_pending", True)

    made = build(features, jump, horizon=horizon, feature_window=window)

    kept = [k for k in range(10 - horizon) if k not in lost]
    assert made.frame["date"].to_list() == [SESSIONS[k] for k in kept]
    assert made.counts["pending_jump"] == len(lost)


def test_tickers_do_not_touch_each_other(features, clean):
    other = pl.lit("M&M.NS").alias("ticker")
    doubled = clean.with_columns(other, adj_close=pl.col("adj_close") * 2, action_pending=True)
    late = without(clean, 9)

    made = build(
        pl.concat([features, features.with_columns(other)]),
        pl.concat([late, doubled]),
        feature_window=5,
    )
    tcs = made.frame.filter(pl.col("ticker") == "TCS.NS")

    assert tcs.height == 8
    assert "M&M.NS" not in made.frame["ticker"]
    # TCS has lost its last bar: row 8 is open, row 9 has no price to start from.
    assert excluded(made) == {"label_missing": 1, "label_open": 2, "pending_jump": 9}


def test_a_ticker_without_any_bar_has_no_label(features, clean):
    stranger = features.with_columns(ticker=pl.lit("INFY.NS"))

    assert excluded(build(stranger, clean)) == {"label_missing": 10}
    assert excluded(build(stranger, clean.clear())) == {"label_missing": 10}


def test_order_of_the_rows_given_does_not_matter(features, clean):
    shuffled = build(features.sample(fraction=1, shuffle=True, seed=1), clean.reverse())

    assert shuffled.frame.equals(build(features, clean).frame)


def test_exclusions_and_rows_sum_to_the_rows_that_came_in():
    rng = np.random.default_rng(7)
    days = nse().array[6000:6400]
    frames = []
    for ticker in ("A.NS", "B.NS", "C.NS"):
        here = np.sort(rng.choice(days, 350, replace=False))
        noise = rng.normal(size=350)
        noise[rng.integers(350, size=20)] = np.nan
        frames.append(
            pl.DataFrame(
                {
                    "ticker": ticker,
                    "date": here,
                    "close": np.exp(rng.normal(size=350)),
                    "warm_up": np.arange(350) < 30,
                    "source": "test",
                    "features_version": "v1",
                    "x": noise,
                    "adj_close": np.exp(rng.normal(size=350)),
                    "action_pending": rng.random(350) < 0.01,
                }
            )
        )
    panel = pl.concat(frames)

    made = build(
        panel.drop("adj_close", "action_pending"),
        panel.select("ticker", "date", "adj_close", "action_pending"),
        horizon=5,
        feature_window=21,
    )

    assert all(made.counts[name] for name in (*labels.EXCLUSIONS, "rows"))
    assert made.counts["rows"] == made.frame.height
    assert sum(made.counts[n] for n in (*labels.EXCLUSIONS, "rows")) == 1050
    assert made.counts["rows_in"] == 1050


def test_no_future_price_changes_a_label_that_was_realised_before_it(features, clean):
    changed = with_value(clean, 7, "adj_close", 1e6)

    before = build(features, clean).frame.filter(pl.col("label_end") < SESSIONS[7])
    after = build(features, changed).frame.filter(pl.col("label_end") < SESSIONS[7])

    assert before.equals(after)


@pytest.mark.parametrize("bad", [{"horizon": 0}, {"feature_window": 0}])
def test_refuses_a_horizon_or_window_below_one(features, clean, bad):
    with pytest.raises(ValueError, match="at least 1"):
        build(features, clean, **bad)


def test_refuses_a_frame_without_features(features, clean):
    with pytest.raises(ValueError, match="features"):
        build(features.drop("return_lag1", "vol_14"), clean)
