"""What the page Analytics says where something is missing, damaged or asked for wrongly."""

import datetime as dt

import numpy as np
import psycopg
import pytest

from src.core.calendars.nse import nse
from src.dashboard import wording
from src.dashboard.judged import judged
from src.dashboard.parts.analytics.evidence import REALISED, scores, stamp
from tests.support.dashboard_apps import installation, open_page, text
from tests.support.logged_forecasts import log_forecasts, logged_forecast, record_outcomes


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
    assert "was stored without the forecasts that it was judged by" in said
    assert "run the pipeline" in said


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


def test_what_was_answered_is_scored_over_a_change_of_models_and_each_model_beside_it(place, shown):
    url, home = place
    days = nse().sessions(dt.date(2026, 3, 23), dt.date(2026, 4, 15))
    actual = np.random.default_rng(3).normal(0, 0.01, len(days))
    proposed = actual / 2
    rows = []
    for at, day in enumerate(days):
        is_served = at >= 5
        rows.append(
            logged_forecast(
                day,
                nse().ahead(day, 1),
                float(actual[at]),
                model="ridge" if is_served else "zero",
                point=float(proposed[at]) if is_served else 0.0,
                candidate="ridge",
                candidate_point=float(proposed[at]),
            )
        )
    with psycopg.connect(url, autocommit=True) as connection:
        log_forecasts(connection, *rows)
        record_outcomes(connection, *rows)

    with installation(home, url):
        found = scores(judged("NSE", "short"), REALISED, None, stamp(REALISED))
    maes = {model.name: (model.mae, model.absolute.n) for model in found.models}
    assert maes == {
        "zero": (pytest.approx(np.abs(actual).mean()), len(days)),
        "answered": (
            pytest.approx(np.abs(np.r_[actual[:5], (actual - proposed)[5:]]).mean()),
            len(days),
        ),
        "zero, served": (pytest.approx(np.abs(actual[:5]).mean()), 5),
        "ridge, served": (pytest.approx(np.abs(actual - proposed)[5:].mean()), len(days) - 5),
        "ridge, shadow": (pytest.approx(np.abs(actual - proposed)[:5].mean()), 5),
    }
    said = shown(stock="TCS.NS", evidence="Realised")
    assert f"{len(days)} sessions are scored." in said
    assert "no model has been served" not in said
