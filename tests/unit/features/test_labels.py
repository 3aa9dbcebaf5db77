import datetime as dt

import numpy as np
import polars as pl
import pytest

from src.core.calendars.nse import nse
from src.features.labels import label_rows

# Ten consecutive NSE sessions: Mon 3 to Fri 14 November 2025, with Wed 5 a holiday, and Mon 17.
SESSIONS = [dt.date(2025, 11, day) for day in (3, 4, 6, 7, 10, 11, 12, 13, 14, 17)]
PRICES = [100.0, 110.0, 121.0, 60.5, 66.0, 33.0, 99.0, 100.0, 200.0, 150.0]


def features(ticker="TCS.NS", prices=PRICES, pending=()):
    return pl.DataFrame(
        {
            "ticker": ticker,
            "date": SESSIONS,
            "close": prices,
            "adj_close": prices,
            "action_pending": [n in pending for n in range(10)],
            "warm_up": [n < 2 for n in range(10)],
            "source": "test",
            "features_version": "v1",
            "return_lag1": [float(k) for k in range(10)],
            "vol_14": [None, *(k / 10 for k in range(1, 10))],
        }
    )


def labels(frame, horizon=1):
    return label_rows(frame, horizon, nse())


def without(frame, *days):
    return frame.filter(~pl.col("date").is_in([SESSIONS[day] for day in days]))


def test_target_is_the_simple_return_to_the_next_session():
    frame = labels(features())

    assert frame["target"].to_list() == pytest.approx(
        [0.1, 0.1, -0.5, 66 / 60.5 - 1, -0.5, 2.0, 1 / 99, 1.0, -0.25]
    )
    assert frame["label_end"].to_list() == SESSIONS[1:]


def test_label_end_counts_sessions_and_not_bars():
    frame = labels(without(features(), 2), horizon=2)

    # Row 0 ends on the session whose bar is gone; row 1 on the one after it.
    assert frame["date"][0] == SESSIONS[1]
    assert frame["label_end"][0] == SESSIONS[3]
    assert frame["target"][0] == pytest.approx(60.5 / 110 - 1)
    assert frame.height == 6


def test_every_session_with_a_label_has_a_row_whatever_its_features():
    frame = labels(features())

    assert frame.columns == [
        *("ticker", "date", "label_end", "target", "warm_up", "source", "features_version"),
        *("return_lag1", "vol_14"),
    ]
    assert frame["warm_up"].to_list() == [True] * 2 + [False] * 7
    assert frame["vol_14"][0] is None
    assert frame.schema["label_end"] == pl.Date


def test_the_newest_rows_have_no_label_yet():
    assert labels(features(), horizon=3)["date"].to_list() == SESSIONS[:7]


def test_a_missing_bar_at_the_label_is_not_replaced_by_another():
    frame = labels(without(features(), 4))

    # Row 3 has lost its label, row 4 the price it starts from.
    assert frame["date"].to_list() == [SESSIONS[k] for k in (0, 1, 2, 5, 6, 7, 8)]


def test_a_day_without_trading_has_no_label():
    holiday = features().head(1).with_columns(date=pl.lit(dt.date(2025, 11, 5)))
    frame = pl.concat([features().head(2), holiday, features().tail(8)])

    assert dt.date(2025, 11, 5) not in labels(frame)["date"]
    assert labels(frame).equals(labels(features()))


def test_rows_older_than_the_calendar_have_no_label():
    old = features().head(1).with_columns(date=pl.lit(dt.date(1996, 1, 2)))

    assert labels(pl.concat([old, features()])).equals(labels(features()))


@pytest.mark.parametrize(("horizon", "lost"), [(1, [4]), (3, [2, 3, 4])])
def test_a_pending_move_after_a_session_and_up_to_its_label_leaves_it_out(horizon, lost):
    frame = labels(features(pending=[5]), horizon)

    assert frame["date"].to_list() == [SESSIONS[k] for k in range(10 - horizon) if k not in lost]


def test_tickers_do_not_touch_each_other():
    late = without(features(), 9)
    other = features("M&M.NS", [2 * price for price in PRICES], pending=range(10))

    frame = labels(pl.concat([other, late]))

    assert frame["ticker"].unique().to_list() == ["TCS.NS"]
    assert frame["date"].to_list() == SESSIONS[:8]


@pytest.mark.parametrize("rows", [0, 1])
def test_a_series_too_short_for_a_label_has_no_row(rows):
    frame = labels(features().head(rows))

    assert frame.is_empty()
    assert frame.schema["target"] == pl.Float64


def test_no_future_price_changes_a_label_that_was_realised_before_it():
    changed = [*PRICES[:7], 1e6, *PRICES[8:]]

    before, after = (
        labels(features(prices=prices)).filter(pl.col("label_end") < SESSIONS[7])
        for prices in (PRICES, changed)
    )
    assert before.equals(after)


def test_labels_are_those_of_a_loop():
    random, days = np.random.default_rng(7), nse().array[6000:6400]
    parts, expected = [], []
    for ticker in ("A.NS", "B.NS", "C.NS"):
        here = np.sort(random.choice(days, 350, replace=False))
        prices, pending = np.exp(random.normal(size=350)), random.random(350) < 0.02
        place = {day: n for n, day in enumerate(here)}
        parts.append(
            pl.DataFrame(
                {
                    "ticker": ticker,
                    "date": here,
                    "adj_close": prices,
                    "action_pending": pending,
                    "warm_up": False,
                    "source": "test",
                    "features_version": "v1",
                }
            )
        )
        for n, day in enumerate(here):
            ahead = np.searchsorted(days, day) + 5
            end = place.get(days[ahead]) if ahead < 400 else None
            if end is not None and not pending[n + 1 : end + 1].any():
                expected.append((ticker, day, here[end], prices[end] / prices[n] - 1))

    found = labels(pl.concat(parts), horizon=5)

    assert 700 < found.height == len(expected)
    assert found["ticker"].to_list() == [row[0] for row in expected]
    assert (found["date"].to_numpy() == np.array([row[1] for row in expected])).all()
    assert (found["label_end"].to_numpy() == np.array([row[2] for row in expected])).all()
    assert found["target"].to_list() == [row[3] for row in expected]


def test_refuses_a_horizon_below_one():
    with pytest.raises(ValueError, match="at least one session"):
        labels(features(), horizon=0)
