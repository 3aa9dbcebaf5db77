"""Who answers the page of forecasts, and what it says where there is no forecast."""

import hashlib

import psycopg
import pytest
import requests
import streamlit as st

from src.dashboard import forecasts, wording
from tests.support.answers import put_live
from tests.support.dashboard_apps import installation, open_page, text
from tests.support.dashboards import NOW
from tests.support.models import both_horizons
from tests.support.services import Service, eventually

KEY = "a key of the test"


@pytest.fixture
def shown(place):
    """Open the page of a stock in an installation of TCS.NS, TCS.BO and INFY.NS."""
    url, home = place

    def show(ticker, **settings):
        with installation(home, url, **settings):
            app = open_page("predictions", stock=ticker)
            assert not app.exception
            return text(app).replace(wording.NO_BREAK, " ")

    return show


def test_a_running_api_is_asked_and_its_end_survived(place):
    url, home = place
    with (
        Service(home, url, FORECAST_NOW=NOW) as api,
        installation(home, url, FORECAST_DASHBOARD__API_URL=api.url),
    ):
        found = forecasts.forecasts(["TCS.NS", "INFY.NS"])
        assert (found.from_api, found.problem) == (True, "")
        answer = requests.get(f"{api.url}/predict/long?ticker=TCS.NS", timeout=20).json()
        assert found.answers["TCS.NS", "long"] == answer
        refusal = requests.get(f"{api.url}/predict/short?ticker=INFY.NS", timeout=20).json()
        assert found.missing["INFY.NS", "short"] == refusal["detail"]
        page = open_page("predictions", stock="TCS.NS")
        assert "Answered by the prediction API." in text(page)

        api.stop()
        st.cache_data.clear()
        own = forecasts.forecasts(["TCS.NS", "INFY.NS"])
        assert not own.from_api
        assert own.problem == f"the API at 127.0.0.1:{api.port} does not answer"
        assert (own.answers, own.missing) == (found.answers, found.missing)
        assert "Computed here, as the API at" in text(page.run())


def test_an_api_that_asks_for_a_key_is_not_used(place, shown):
    url, home = place
    hashed = hashlib.sha256(KEY.encode()).hexdigest()
    with Service(home, url, FORECAST_API__KEYS=hashed) as api:
        said = shown("TCS.NS", FORECAST_DASHBOARD__API_URL=api.url)
    reason = f"the API at 127.0.0.1:{api.port} refuses: An API key is needed"
    assert f"Computed here, as {reason}" in said
    assert "TCS.NS: 8 in 10 outcomes" in said


def test_a_change_is_never_answered_from_before_nor_by_an_api_that_has_just_ended(place):
    url, home = place
    with (
        Service(home, url, FORECAST_NOW=NOW) as api,
        installation(home, url, FORECAST_DASHBOARD__API_URL=api.url),
        psycopg.connect(url, autocommit=True) as connection,
    ):
        for number in range(3):
            close = 3001.0 + number
            connection.execute(
                "UPDATE serving_inputs SET last_close = %s WHERE ticker = 'TCS.NS'", (close,)
            )
            forecasts.readers.version.clear()
            found = forecasts.forecasts(["TCS.NS"])
            assert found.from_api
            assert found.answers["TCS.NS", "short"]["last_close"] == close
        api.kill()
        found = forecasts.forecasts(["TCS.BO"])
        assert found.problem == f"the API at 127.0.0.1:{api.port} does not answer"
        assert len(found.answers) == 2


def test_a_stock_without_a_forecast_says_what_to_run(shown):
    said = shown("INFY.NS")
    assert "INFY.NS: no forecast at this horizon" in said
    assert "python -m mlops.pipeline --ticker INFY.NS" in said


def test_a_promoted_model_is_named_and_a_missing_history_said(shown):
    said = shown("TCS.BO")
    assert "▲ **Better than the baseline** at 1 session. p = .004." in said
    assert "The model in use is ridge." in said
    assert "No closes up to Mon 13 Apr 2026 are stored to draw." in said


def test_of_a_stock_that_is_not_stored_another_is_shown_and_said(shown):
    said = shown("NOSUCH.NS")
    assert "NOSUCH.NS is not stored" in said
    assert "TCS.NS: 8 in 10 outcomes" in said


def test_a_stock_may_be_written_in_small_letters_in_the_address(shown):
    said = shown("tcs.bo")
    assert "The model in use is ridge." in said
    assert "not stored" not in said


def test_an_empty_database_says_what_to_run(home, database_url):
    with installation(home, database_url):
        app = open_page("predictions")
        assert not app.exception
        assert "No stock is stored yet" in text(app)
        assert "make demo" in text(app)


def test_a_lost_database_is_said_in_one_box_and_its_return_noticed(home, database_url, server):
    with psycopg.connect(database_url, autocommit=True) as connection:
        put_live(connection, home / "models", both_horizons())
        name = connection.info.dbname
    with (
        installation(home, database_url),
        psycopg.connect(server, autocommit=True) as admin,
    ):
        app = open_page("predictions")
        assert "TCS.NS: 8 in 10 outcomes" in text(app)
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
        st.cache_data.clear()
        app.run()
        assert (len(app.error), len(app.header), len(app.exception)) == (1, 0, 0)
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        eventually(lambda: "TCS.NS: 8 in 10 outcomes" in text(app.run()))
