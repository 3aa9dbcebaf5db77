"""What the page Analytics says where something is missing, damaged or asked for wrongly."""

import psycopg
import pytest

from src.dashboard import wording
from tests.support.dashboard_apps import installation, open_page, text


@pytest.fixture
def shown(place):
    """Open the page in an installation whose trainings kept no forecasts, without features."""
    url, home = place

    def show(**query):
        with installation(home, url):
            app = open_page("analytics", **query)
            assert not app.exception
            return text(app).replace(wording.NO_BREAK, " ")

    return show


def test_a_training_that_kept_no_forecasts_is_said_and_the_rest_is_drawn(shown):
    said = shown(stock="TCS.NS")
    assert "How the models did cannot be shown." in said
    assert "was stored without the forecasts that it was judged by: run the pipeline" in said


def test_what_has_no_outcome_yet_is_said(shown):
    said = shown(stock="TCS.NS", evidence="Realised")
    assert "No outcome of a logged forecast 1 session ahead is known yet." in said
    said = shown(stock="TCS.NS", view="Predictions History", ahead="63 sessions")
    assert "No such forecast of TCS.NS 63 sessions ahead has an outcome yet." in said


def test_a_stock_without_features_and_an_unknown_one(shown):
    said = shown(stock="INFY.NS", view="Feature Analysis")
    assert "No features of INFY.NS are stored: run the pipeline." in said
    assert shown(stock="NOSUCH.NS", ahead="7 sessions", evidence="Rumours")


def test_a_pool_without_a_training_has_features_and_no_verdict(place, shown):
    url, _ = place
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO pool_members (ticker, pool, newest_session, last_close, source, "
            "return_basis, features_version, data_hash) "
            "VALUES ('AAPL', 'XNYS', '2026-04-13', 3000, 'yahoo', 'total', 'v1', 'e')"
        )
    said = shown(stock="AAPL")
    assert "No model has been trained 1 session ahead yet" in said
    assert "Nothing has been scored yet." in said
