"""What is stored of a ticker at its last bar."""

import datetime as dt

import numpy as np
import pytest

from src.modeling.experiment.run import FeatureCache
from src.modeling.intervals import distribution
from src.modeling.serving.inputs import HorizonForecasts, input_rows, newest_values, values_at
from src.modeling.serving.pool_data import PoolMembers
from tests.support.pools import panel_of_prices, wandering

AT = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)
ROWS, TICKERS = 420, 6


def panel_with(*missing):
    """Six tickers; ``missing`` are slices of rows and columns without a bar."""
    holes = np.zeros((ROWS, TICKERS), dtype=bool)
    for rows, column in missing:
        holes[rows, column] = True
    return panel_of_prices(wandering(ROWS, TICKERS).without(holes))


def members_of(panel):
    newest = {
        ticker: {
            "ticker": ticker,
            "pool": "NSE",
            "newest_session": panel.sessions[np.isfinite(panel.close[:, column])][-1].item(),
            "last_close": 100.0,
            "source": "yahoo",
            "return_basis": "total",
            "features_version": "v",
            "data_hash": "h",
        }
        for column, ticker in enumerate(panel.tickers)
    }
    return PoolMembers("NSE", newest, "p" * 64)


def rows_of(panel, since=0):
    cache = FeatureCache(panel)
    forecasts = HorizonForecasts(
        "short",
        distribution.walk_forward(panel, 1, since=since),
        {panel.tickers[0]: [{"name": "zero"}]},
    )
    members = members_of(panel)
    values = newest_values(panel, cache.features, panel.tickers)
    return input_rows(panel, values, forecasts, members, panel.tickers, AT)


def test_a_row_has_every_input_that_is_defined_at_the_last_bar():
    panel = panel_with()
    cache = FeatureCache(panel)

    first = rows_of(panel)[0]

    expected = values_at(cache.features, {0: ROWS - 1})[0]
    assert first["inputs"].keys() == {"volatility_1", *expected}
    assert {"ret_lag1_s", "rank_ret_lag1_s", "market_vol", "beta_126"} <= first["inputs"].keys()
    stored = panel.inputs["ret_lag1_s"][ROWS - 1, 0]
    assert first["inputs"]["ret_lag1_s"] == float(stored)
    assert first["metrics"] == [{"name": "zero"}]
    assert first["note"] is None


def test_a_ticker_beyond_the_last_complete_session_is_explained():
    # Five of six have no bar at the last session.
    panel = panel_with((slice(ROWS - 1, ROWS), slice(1, TICKERS)))

    first, *others = rows_of(panel)

    day = panel.sessions[-1]
    assert first["note"].startswith(f"1 of 6 tickers of the pool have prices of {day}: run")
    assert len(first["quantiles"]) == 21
    assert all(row["note"] is None for row in others)


def test_a_ticker_that_ended_before_what_is_scored_has_no_range_and_a_reason():
    panel = panel_with((slice(300, ROWS), 2))

    ended = rows_of(panel, since=350)[2]

    assert ended["quantiles"] == []
    assert ended["note"].startswith(f"its prices end on {panel.sessions[299]}")


@pytest.mark.parametrize("row", [0, 100])
def test_a_bar_without_its_windows_has_no_inputs(row):
    assert values_at(FeatureCache(panel_with()).features, {0: row}) == {}
