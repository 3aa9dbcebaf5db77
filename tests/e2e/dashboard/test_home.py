"""The first page on real prices, against what the database holds."""

import re

import psycopg
import pytest

from src.db.database import DATA_DIR
from src.db.embedded.lease import acquire
from src.monitoring.quality.facts import HARMLESS
from tests.support.services import eventually

CELLS = "[data-testid=stDataFrame] table [role=gridcell]"


@pytest.fixture(scope="module")
def rows(dashboard_home):
    """Asks the database of the pages."""
    with (
        acquire(dashboard_home / DATA_DIR) as lease,
        psycopg.connect(lease.url, autocommit=True) as connection,
    ):
        yield lambda query, *values: connection.execute(query, values).fetchall()


def number(text):
    """A price as it is written."""
    return float(text.replace(",", ""))


def column(page, place):
    """The cells of a column that the table shows; it fills them some time after it is drawn."""
    page.locator(CELLS).first.wait_for(state="attached")
    return page.locator(f"{CELLS}[aria-colindex='{place}']").all_inner_texts()


def test_the_chosen_stock_is_forecast_in_words_and_with_its_ranges(visit, rows):
    visitor = visit()
    visitor.open("?stock=ACE.NS")
    text = visitor.text()
    for horizon, day in (("short", "Mon 20 Apr 2026"), ("long", "Mon 20 Jul 2026")):
        ((close, levels, quantiles),) = rows(
            "SELECT last_close, levels, quantiles FROM serving_inputs "
            "WHERE ticker = 'ACE.NS' AND horizon = %s",
            horizon,
        )
        ends = [close * (1 + quantiles[levels.index(level)]) for level in (0.1, 0.9)]
        shown = re.search(rf"{day}[^\d]+([\d,.]+) – ([\d,.]+)", text)
        assert [number(end) for end in shown.groups()] == pytest.approx(ends, abs=0.06)
    assert re.search(r"ACE.NS: 8 in 10 outcomes between [\d,.]+ and [\d,.]+ by the next", text)
    assert text.count("No demonstrated edge") == 3


def test_the_first_sentence_and_numbers_are_those_of_the_database(visit, rows):
    visitor = visit()
    page = visitor.open("")
    ((stocks, first),) = rows("SELECT count(*), min(ticker) FROM pool_members")
    both = 2 * stocks
    headline = f"No demonstrated edge for {both} of {both}\N{NO-BREAK SPACE}forecasts"
    assert page.inner_text("h2") == headline
    ((settled, inside),) = rows(
        "SELECT count(*), count(*) FILTER (WHERE realised_return BETWEEN quantiles[3] AND "
        "quantiles[array_length(quantiles, 1) - 2]) FROM prediction_outcomes o "
        "JOIN predictions p USING (ticker, horizon, feature_date, version, data_hash, kind) "
        "WHERE horizon = 'short' AND label_end = (SELECT max(label_end) FROM prediction_outcomes)"
    )
    ((refused,),) = rows(
        "SELECT count(*) FROM quarantine WHERE action = 'rejected' AND kind = 'daily' "
        "AND at >= '2026-04-10' AND rule <> ALL(%s)",
        list(HARMLESS),
    )
    metrics = page.locator("[data-testid=stMetric]").all_inner_texts()
    assert f"{settled} of {stocks}" in metrics[2]
    assert f"{inside} in 80 % range" in metrics[2]
    assert re.search(rf"Price rows refused\D*{refused}\D", metrics[5])
    ((covered,),) = rows(
        "SELECT 100 * avg(daily) FROM (SELECT avg((realised_return BETWEEN quantiles[3] AND "
        "quantiles[array_length(quantiles, 1) - 2])::int) AS daily FROM prediction_outcomes o "
        "JOIN predictions p USING (ticker, horizon, feature_date, version, data_hash, kind) "
        "WHERE horizon = 'short' GROUP BY feature_date ORDER BY feature_date DESC LIMIT 250) days"
    )
    assert f"{covered:.1f}" in metrics[3]
    assert first in column(page, 1)


def test_the_table_is_narrowed_and_a_stock_in_it_opens_its_forecasts(visit, rows):
    visitor = visit()
    page = visitor.open("?stock=ACE.NS")
    ((stocks,),) = rows("SELECT count(*) FROM pool_members")
    assert f"{stocks} of {stocks}" in visitor.text()
    assert column(page, 1)[0] == "TCS.NS"  # three sessions old, so it comes first
    assert "1 of 21" in visitor.text()

    page.get_by_role("button", name="Stale", exact=True).click()
    visitor.settle()
    eventually(lambda: column(page, 1) == ["TCS.NS"])
    assert column(page, 4) == ["3\N{NO-BREAK SPACE}sessions old"]
    page.get_by_role("button", name="Held back", exact=True).click()
    page.get_by_role("button", name="Stale", exact=True).click()
    visitor.settle()
    assert "No stock is shown" in visitor.text()
    page.get_by_role("button", name="Held back", exact=True).click()
    visitor.settle()

    box = page.locator("[data-testid=stDataFrame] canvas").first.bounding_box()
    page.mouse.click(box["x"] + 60, box["y"] + 35 + 17)
    page.wait_for_selector("h1:has-text('Predictions')")
    visitor.settle()
    assert visitor.stock() == "TCS.NS"


def test_an_alert_leads_to_the_page_that_shows_its_cause(visit, rows):
    visitor = visit()
    page = visitor.open("?stock=ACE.NS")
    ((sentence, subject),) = rows(
        "SELECT sentence, subject FROM alerts WHERE rule = 'action_pending' AND state = 'firing' "
        "ORDER BY subject LIMIT 1"
    )
    assert sentence in visitor.text()
    page.get_by_role("link", name="Open Predictions").click()
    page.wait_for_selector("h1:has-text('Predictions')")
    visitor.settle()
    assert visitor.stock() == subject


def test_prices_are_written_in_rupees_and_lakh_on_request(visit):
    visitor = visit(width=390)
    page = visitor.open("?stock=ACE.NS")
    page.get_by_role("radio", name="12,34,567").click()
    visitor.settle()
    assert re.search(r"between ₹[\d,.]+ and ₹[\d,.]+ by", visitor.text())
    assert "numbers=" in page.url
