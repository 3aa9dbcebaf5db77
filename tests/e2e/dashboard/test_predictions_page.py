"""What the page of forecasts says is what the database holds, in a real browser."""

import datetime as dt

import polars as pl
import psycopg
import pytest

from src.core.calendars.nse import nse
from src.dashboard import wording
from src.db.database import DATA_DIR
from src.db.embedded.lease import acquire

TICKER = "ACE.NS"
SESSIONS = {"short": 1, "long": 63}
TABS = {"short": "Short-term", "long": "Long-term"}


@pytest.fixture(scope="module")
def database(dashboard_home):
    with acquire(dashboard_home / DATA_DIR) as lease, psycopg.connect(lease.url) as connection:
        yield connection


def at_levels(connection, horizon, *levels):
    """Returns at levels of the stored distribution, and the close that they start from."""
    close, *values = connection.execute(
        f"SELECT last_close, {', '.join(['quantiles[array_position(levels, %s)]'] * len(levels))} "
        "FROM serving_inputs WHERE ticker = %s AND horizon = %s",
        (*levels, TICKER, horizon),
    ).fetchone()
    return close, values


def plain(text):
    return text.replace(wording.NO_BREAK, " ")


@pytest.mark.parametrize(
    ("horizon", "look"), [("short", {}), ("long", {"width": 390, "dark": True})]
)
def test_a_tab_says_what_is_stored(visit, database, horizon, look):
    visitor = visit(**look)
    page = visitor.open(f"predictions?stock={TICKER}&h={TABS[horizon]}")
    close, (low, high) = at_levels(database, horizon, 0.1, 0.9)
    between = wording.price_range(close * (1 + low), close * (1 + high))
    target = wording.day(nse().ahead(dt.date(2026, 4, 17), SESSIONS[horizon]))
    headline, text = plain(page.inner_text("h2")), plain(visitor.text())
    said = f"{TICKER}: 8 in 10 outcomes between {between.replace('–', 'and')} "
    assert headline.startswith(said)
    assert target in headline
    assert between in text  # in the table of ranges as well
    assert "○ No demonstrated edge at" in text
    assert "Computed here, as the API at 127.0.0.1:9 does not answer." in text
    assert "Made from the close of Fri 17 Apr 2026: up to date." in text
    below = outcomes_below(database, horizon)
    assert f"{below} of 20 are below the last close ({wording.price(close)})" in text
    inside = past_outcomes(database, horizon)
    assert f"{sum(inside)} inside the 80 % range, {20 - sum(inside)} outside (aim 16)." in text
    assert " ".join("●" if each else "✕" for each in inside) in text
    # The other tab is not computed: fan, dots and bars of this one alone.
    assert page.locator(".js-plotly-plot").count() == 3
    assert page.evaluate("document.documentElement.scrollWidth") <= visitor.width


def outcomes_below(connection, horizon):
    """Of twenty equally likely outcomes, by the stored levels whose quantiles are below zero."""
    (below,) = connection.execute(
        "SELECT count(*) FROM generate_series(0.025, 0.975, 0.05) part, LATERAL ("
        "SELECT max(level) FILTER (WHERE quantile < 0) AS under FROM serving_inputs, "
        "unnest(levels, quantiles) q(level, quantile) WHERE ticker = %s AND horizon = %s) s "
        "WHERE part <= under",
        (TICKER, horizon),
    ).fetchone()
    return below


def past_outcomes(connection, horizon):
    """Whether each of the last twenty was inside, the oldest first."""
    rows = connection.execute(
        "SELECT realised_return BETWEEN quantiles[array_position(levels, 0.1)] "
        "AND quantiles[array_position(levels, 0.9)] FROM predictions JOIN prediction_outcomes "
        "USING (ticker, horizon, feature_date, version, data_hash) "
        "WHERE ticker = %s AND horizon = %s ORDER BY feature_date DESC LIMIT 20",
        (TICKER, horizon),
    ).fetchall()
    return [each for (each,) in reversed(rows)]


def test_horizons_stand_side_by_side_and_numbers_can_be_downloaded(visit, database):
    visitor = visit()
    page = visitor.open(f"predictions?stock={TICKER}&h=Comparison")
    headline, text = plain(page.inner_text("h2")), plain(visitor.text())
    for horizon, sessions in SESSIONS.items():
        close, (low, high) = at_levels(database, horizon, 0.1, 0.9)
        assert wording.price_range(close * (1 + low), close * (1 + high)) in text
        ends = (plain(wording.percent(end, 1, signed=True)) for end in (low, high))
        assert f"between {' and '.join(ends)} in {plain(wording.ahead(sessions))}" in headline
    assert page.locator(".js-plotly-plot").count() == 1

    page.get_by_role("tab", name="Long-term").click()
    page.wait_for_selector("h2:has-text('in 63')")
    assert "h=Long-term" in page.url
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as CSV").click()
    check_numbers(pl.read_csv(download.value.path()), database)


def check_numbers(table, connection):
    """Against the stored quantiles, and those of the last 500 outcomes."""
    assert table["share"].to_list() == [0.5, 0.8, 0.9, 0.95]
    close, ends = at_levels(connection, "long", 0.25, 0.1, 0.05, 0.025, 0.75, 0.9, 0.95, 0.975)
    assert table["low_close"].to_list() == pytest.approx([close * (1 + end) for end in ends[:4]])
    assert table["high_close"].to_list() == pytest.approx([close * (1 + end) for end in ends[4:]])
    (past,) = connection.execute(
        "SELECT percentile_cont(0.1) WITHIN GROUP (ORDER BY target) FROM (SELECT target "
        "FROM dataset_long WHERE ticker = %s ORDER BY date DESC LIMIT 500) t",
        (TICKER,),
    ).fetchone()
    low = table.filter(pl.col("share") == 0.8)["baseline_low_close"].item()
    assert low / close - 1 == pytest.approx(past, abs=0.002)


def test_an_old_price_a_past_target_and_a_wrong_tab(visit):
    visitor = visit()
    page = visitor.open("predictions?stock=TCS.NS&h=nonsense")
    assert "by Wed 15 Apr 2026, now past" in page.inner_text("h2")
    text = plain(visitor.text())
    assert "Mon 13 Apr 2026: 3 sessions old" in text
    assert "a session that has closed already" in text
    page.get_by_role("tab", name="Long-term").click()
    page.wait_for_selector("h2:has-text('in 63')")
    visitor.settle()
    held_back = "✕ Thu 15 Jan 2026: prices held back (the exchange was closed on this day)"
    assert held_back in visitor.text()
