"""The page Analytics in a real browser, against what the test computes from stored rows itself."""

import numpy as np
import polars as pl
import psycopg
import pytest
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from src.dashboard.wording import MINUS, NO_BREAK
from src.db.database import DATA_DIR
from src.db.embedded.lease import acquire

TICKER = "ACE.NS"
HORIZONS = {"short": "1+session", "long": "63+sessions"}
# Of each forecast that was answered, the first for its session, with its newest outcome.
REALISED = """
SELECT DISTINCT ON (p.ticker, p.feature_date) p.ticker, p.feature_date, p.point,
    o.realised_return AS actual, p.quantiles[array_position(p.levels, 0.1::float8)] AS low,
    p.quantiles[array_position(p.levels, 0.9::float8)] AS high
FROM predictions p JOIN prediction_outcomes o
    USING (ticker, horizon, feature_date, version, data_hash, kind)
WHERE p.horizon = %s AND p.kind = 'served'
ORDER BY p.ticker, p.feature_date, p.made_at, o.matured_at DESC
"""
# A table is drawn on a canvas; its cells as text follow a moment later.
DRAWN = """() => [...document.querySelectorAll('[data-testid=stDataFrame]')]
    .every(table => table.querySelector('tbody tr td'))"""


@pytest.fixture(scope="module")
def database(dashboard_home):
    with acquire(dashboard_home / DATA_DIR) as lease, psycopg.connect(lease.url) as connection:
        yield connection


def plain(text):
    return text.replace(NO_BREAK, " ").replace(MINUS, "-")


def tables(page):
    """Every table of the page as rows of texts by their first cell; without its head."""
    page.wait_for_function(DRAWN)
    return [
        {
            cells[0]: cells[1:]
            for row in frame.query_selector_all("tbody tr")
            if (cells := [plain(c.text_content()) for c in row.query_selector_all("td")])
        }
        for frame in page.query_selector_all("[data-testid=stDataFrame]")
    ]


def errors(actual, point):
    """MAE, RMSE and R² as scikit-learn has them, as the page writes them."""
    return [
        f"{100 * mean_absolute_error(actual, point):.3f} %",
        f"{100 * root_mean_squared_error(actual, point):.3f} %",
        f"{r2_score(actual, point):.4f}",
    ]


@pytest.mark.parametrize("horizon", HORIZONS)
def test_errors_of_the_walk_forward_are_those_of_its_file(visit, database, dashboard_home, horizon):
    (file,) = (dashboard_home / "models" / "NSE" / horizon).glob("*/forecasts.parquet")
    rows = pl.read_parquet(file).drop_nulls("actual")
    candidate, verdict, reason = database.execute(
        "SELECT evidence ->> 'candidate', verdict, reason FROM model_events "
        "WHERE kind = 'trained' AND horizon = %s ORDER BY event_id DESC LIMIT 1",
        (horizon,),
    ).fetchone()
    points = [name for name in rows.columns if name.startswith("point_")]
    common = rows.drop_nulls(points)
    model = f"{candidate.replace('_', ' ')} (the model)"

    visitor = visit()
    page = visitor.open(f"analytics?ahead={HORIZONS[horizon]}")
    scores, board = tables(page)

    for label, name in (("“no change” (baseline)", "point_zero"), (model, f"point_{candidate}")):
        assert scores[label][:3] == errors(common["actual"].to_numpy(), common[name].to_numpy())
        assert scores[label][7] == f"{common.height:,}"
    # A stock has one forecast a session: its gain is the ratio of its errors.
    ticker = next(iter(board))
    own = rows.filter(pl.col("ticker") == ticker).drop_nulls(f"point_{candidate}")
    actual, point = own["actual"].to_numpy(), own[f"point_{candidate}"].to_numpy()
    gain = 100 * (1 - np.abs(actual - point).mean() / np.abs(actual).mean())
    assert float(board[ticker][1].removesuffix(" %")) == pytest.approx(gain, abs=0.006)
    held = own.drop_nulls("q100").select(
        (pl.col("actual").is_between(pl.col("q100"), pl.col("q900"))).mean()
    )
    assert board[ticker][4] == f"{100 * held.item():.0f} %"
    assert verdict == "undecided"
    assert reason.startswith("Undecided")
    assert plain(page.inner_text("h2")).startswith("No demonstrated edge at ")


def test_errors_of_answered_forecasts_are_those_of_the_log(visit, database):
    rows = pl.read_database(
        REALISED, database, execute_options={"params": ("short",)}, infer_schema_length=None
    )
    visitor = visit()
    page = visitor.open("analytics?ahead=1+session&evidence=Realised")

    scores, board = tables(page)

    actual, point = rows["actual"].to_numpy(), rows["point"].to_numpy()
    assert scores["what was answered"][:3] == errors(actual, point)
    assert scores["what was answered"][7] == f"{rows.height:,}"
    of_ticker = rows.filter(ticker=TICKER)
    inside = of_ticker["actual"].is_between(of_ticker["low"], of_ticker["high"])
    assert board[TICKER][4] == f"{100 * inside.mean():.0f} %"
    assert "no model has been served" in visitor.text()
    share = 100 * rows["actual"].is_between(rows["low"], rows["high"]).mean()
    assert f"80 % band held {share:.1f} %" in plain(
        page.get_by_role("figure").last.get_attribute("aria-label")
    )


def test_the_history_counts_the_outcomes_outside_its_band(visit, database):
    rows = pl.read_database(
        REALISED, database, execute_options={"params": ("long",)}, infer_schema_length=None
    ).filter(ticker=TICKER)
    outside = int((~rows["actual"].is_between(rows["low"], rows["high"])).sum())
    visitor = visit(width=390)

    visitor.open(f"analytics?stock={TICKER}&ahead=63+sessions&view=Predictions+History")

    aim = round(0.2 * rows.height)
    said = f"{outside} of {rows.height} outcomes fell outside the 80 % band; about {aim} should"
    assert said in plain(visitor.text())


def test_features_are_described_and_placed_and_their_parts_add_up(visit, database):
    ticker, forecast = database.execute(
        "SELECT ticker, candidate_point FROM predictions WHERE horizon = 'short' "
        "AND candidate = 'rank_tilt' ORDER BY abs(candidate_point) DESC LIMIT 1"
    ).fetchone()
    history = [
        value
        for (value,) in database.execute(
            "SELECT sma_7 FROM features_daily WHERE ticker = %s ORDER BY date DESC LIMIT 504",
            (ticker,),
        )
    ]
    visitor = visit(dark=True)
    page = visitor.open(f"analytics?stock={ticker}&ahead=1+session&view=Feature+Analysis")

    (stored,) = tables(page)

    assert float(stored["sma_7"][0].replace(",", "")) == pytest.approx(history[0], rel=1e-3)
    place = np.mean([value < history[0] for value in history[1:] if value is not None])
    assert float(stored["sma_7"][1]) == pytest.approx(place, abs=0.002)
    assert stored["sma_7"][2] == "Mean of the last 7 closes, in the currency of the price."
    assert f"Rank tilt says {100 * forecast:+.3f} % over 1 session" in plain(visitor.text())
    page.get_by_text("Model inputs", exact=True).click()
    visitor.settle()
    (inputs,) = tables(page)
    assert "usual daily move" in inputs["ret_lag1_s"][2]
    page.get_by_text("Ranks and market", exact=True).click()
    visitor.settle()
    (ranks,) = tables(page)
    (rank,) = database.execute(
        "SELECT inputs ->> 'rank_ret_lag1_s' FROM serving_inputs "
        "WHERE ticker = %s AND horizon = 'short'",
        (ticker,),
    ).fetchone()
    assert float(ranks["rank_ret_lag1_s"][0].replace(MINUS, "-")) == pytest.approx(
        float(rank), rel=1e-3
    )
    assert "The last 252 sessions. It is above" in plain(visitor.text())
