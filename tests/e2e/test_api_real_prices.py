"""The API on real prices: every number of an answer worked out again from files and plain SQL."""

import datetime as dt
import json
import math
import shlex
import shutil
import socket
import subprocess
import time
from functools import partial

import numpy as np
import pandas as pd
import psycopg
import pytest

from src.db.tables.model_events import EventLog
from src.registry.lifecycle.publish import publish
from src.registry.storage.artifact_store import ArtifactStore
from tests.support.answers import at
from tests.support.plain_features import guides, scale_free
from tests.support.plain_models import difference, read, worked_out
from tests.support.real_prices import NEWEST, TCS, TICKERS, fill, trading_days
from tests.support.services import Load, eventually
from tests.support.winners import Winners, grown

HORIZONS = ("short", "long")
SESSIONS = {"short": 1, "long": 63}
ALL = [(ticker, horizon) for ticker in TICKERS for horizon in HORIZONS]


@pytest.fixture(scope="module")
def filled(databases, data, tmp_path_factory):
    """Real prices, and what training on them made; nothing is ever connected to it."""
    place = databases.empty()
    fill(place, data, tmp_path_factory.mktemp("files"))
    place.run("mlops.monitoring", "version", "--version-tag", "trained")
    return place


@pytest.fixture(scope="module")
def ranks(filled):
    _, parts = read_live(filled, "short")
    return grown(len(parts["features"]))


@pytest.fixture(scope="module")
def promoted(databases, filled, ranks):
    """The same with winners of both kinds for the pool, with real features."""
    place = databases.copy(filled)
    _, parts = read_live(place, "short")
    (version,) = place.rows("SELECT DISTINCT features_version AS v FROM features_daily")
    winners = Winners(tuple(parts["features"]), version["v"], ranks)
    with psycopg.connect(place.url, autocommit=True) as connection:
        publish(
            ArtifactStore(place.home / "models"), EventLog(connection), winners.of("NSE"), at(10)
        )
    place.run("mlops.monitoring", "version", "--version-tag", "winners")
    # Stores what they need of the pool.
    place.run("mlops.monitoring", "rollback", "--version-tag", "winners")
    return place


@pytest.fixture(scope="module")
def trained(filled, serve):
    """A service on port 8000, or on another where that is taken."""
    service, copy = serve(filled)
    with socket.socket() as taken:
        if taken.connect_ex(("127.0.0.1", 8000)):
            service.port, service.url = 8000, "http://127.0.0.1:8000"
    with service:
        yield service, copy


@pytest.fixture(scope="module")
def winning(promoted, serve):
    service, copy = serve(promoted)
    with service:
        yield service, copy


def serving_row(place, ticker, horizon):
    sql = "SELECT * FROM serving_inputs WHERE ticker = %s AND horizon = %s"
    (row,) = place.rows(sql, ticker, horizon)
    return row


def live_digest(place, horizon):
    (live,) = place.rows(
        "SELECT digest FROM model_events WHERE pool = 'NSE' AND horizon = %s AND made_live "
        "ORDER BY event_id DESC LIMIT 1",
        horizon,
    )
    return live["digest"]


def read_live(place, horizon):
    return read(place.home, "NSE", horizon, live_digest(place, horizon))


def pool_inputs(place, horizon):
    sql = "SELECT inputs FROM pool_inputs WHERE pool = 'NSE' AND horizon = %s AND digest = %s"
    (row,) = place.rows(sql, horizon, live_digest(place, horizon))
    return row["inputs"]


def pin_of(place, horizon):
    """How the model is pinned, if it is, and what the newest training found."""
    sql = (
        "SELECT * FROM model_events WHERE pool = 'NSE' AND horizon = %s AND kind = %s "
        "ORDER BY event_id DESC LIMIT 1"
    )
    pinned = place.rows(sql, horizon, "pinned")
    if not pinned:
        return None
    (trained,) = place.rows(sql, horizon, "trained")
    return {
        "version_tag": pinned[0]["version_tag"],
        "since": pinned[0]["at"].astimezone(dt.UTC).isoformat(),
        **{name: trained[name] for name in ("verdict", "reason")},
        **{name: trained["evidence"][name] for name in ("metrics", "tickers")},
    }


def expected(place, data, ticker, horizon):
    """The whole answer of the evening of the newest bar, worked out by hand."""
    row, days = serving_row(place, ticker, horizon), trading_days(data)
    target = days[days.index(row["feature_date"]) + SESSIONS[horizon]]
    return {
        **worked_out(
            *read_live(place, horizon), row, pool_inputs(place, horizon), pin_of(place, horizon)
        ),
        "predict_date": str(target),
        "predict_date_estimated": False,
        "data_age_sessions": 0,
        "warnings": [],
    }


CURL = "curl -X POST http://localhost:8000/predict/"


@pytest.mark.parametrize("horizon", HORIZONS)
def test_the_guides_line_is_answered_by_what_was_trained_on_real_prices(trained, data, horizon):
    service, place = trained
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    # The guide's line to the letter, or with another port where that one is taken.
    line = f"{CURL}{horizon}".replace(":8000/", f":{service.port}/")

    done = subprocess.run(shlex.split(line), capture_output=True, check=True)

    assert difference(json.loads(done.stdout), expected(place, data, TCS, horizon)) < 1e-12


@pytest.mark.parametrize(("ticker", "horizon"), ALL)
def test_a_trained_candidate_is_told_beside_the_zero_that_is_served(trained, data, ticker, horizon):
    service, place = trained
    answer = service.post(f"/predict/{horizon}", params={"ticker": ticker}).json()

    assert answer["pred_return"] == answer["pct_return"] == 0
    assert answer["candidate"]["name"] == {"short": "ridge", "long": "drift"}[horizon]
    assert answer["candidate"]["pred_return"] != 0
    assert difference(answer, expected(place, data, ticker, horizon)) < 1e-12


@pytest.mark.parametrize(("ticker", "horizon"), ALL)
def test_a_winner_is_served_by_its_own_numbers_and_the_real_features(
    winning, data, ticker, horizon
):
    service, place = winning
    answer = service.post(f"/predict/{horizon}", params={"ticker": ticker}).json()

    assert answer["model"]["name"] == {"short": "rank_tilt", "long": "ridge"}[horizon]
    assert answer["pred_return"] != 0
    assert difference(answer, expected(place, data, ticker, horizon)) < 1e-12


def test_a_tilts_rank_is_what_scikit_learn_says_less_the_mean_over_the_pool(winning, ranks):
    service, place = winning
    returns = {t: service.short(t).json()["pred_return"] for t in TICKERS}
    rows = {t: serving_row(place, t, "short") for t in TICKERS}
    _, model = read_live(place, "short")

    names = model["features"][:-2]
    inputs = [[rows[t]["inputs"][name] for name in names] for t in TICKERS]
    ranked = dict(zip(TICKERS, ranks.predict(inputs), strict=True))

    mean = math.fsum(ranked.values()) / len(ranked)
    assert len(set(ranked.values())) == len(ranked)
    assert pool_inputs(place, "short")["rank_mean"] == pytest.approx(mean, rel=1e-12)
    for ticker, row in rows.items():
        tilt = model["slope"] * (ranked[ticker] - mean) * row["sigma"]
        assert returns[ticker] == pytest.approx(tilt, rel=1e-12)


@pytest.fixture(scope="module")
def bars(filled):
    """The clean prices of each ticker."""
    names = "date, open, high, low, close, volume, adj_close"
    sql = f"SELECT {names} FROM raw_daily_prices_clean WHERE ticker = %s ORDER BY date"
    return {ticker: pd.DataFrame(filled.rows(sql, ticker)).set_index("date") for ticker in TICKERS}


@pytest.mark.parametrize("ticker", TICKERS)
def test_stored_features_of_every_session_are_the_contracts_formulas(filled, bars, ticker):
    sql = "SELECT * FROM features_daily WHERE ticker = %s ORDER BY date"
    stored = pd.DataFrame(filled.rows(sql, ticker)).set_index("date").astype({"volume": float})
    wanted = guides(bars[ticker])

    assert list(stored.index) == list(wanted.index)
    assert (stored["close"] == bars[ticker]["close"]).all()
    values = stored[wanted.columns].astype(float)
    assert (values.isna() == wanted.isna()).all(axis=None)
    assert (
        ((values - wanted).abs() <= 1e-12 * wanted.abs()).where(wanted.notna(), True).all(axis=None)
    )


@pytest.mark.parametrize(("ticker", "horizon"), ALL)
def test_a_model_is_asked_at_the_newest_session_of_its_ticker(promoted, ticker, horizon):
    row = serving_row(promoted, ticker, horizon)
    sql = "SELECT * FROM features_daily WHERE ticker = %s ORDER BY date DESC LIMIT 1"
    (newest,) = promoted.rows(sql, ticker)

    assert row["feature_date"] == newest["date"] == NEWEST
    assert row["last_close"] == newest["close"]
    assert row["features_version"] == newest["features_version"]
    assert row["inputs"][f"volatility_{SESSIONS[horizon]}"] == row["sigma"]


def test_what_models_see_is_worked_out_from_the_clean_prices(promoted, bars):
    seen = {t: serving_row(promoted, t, "long")["inputs"] for t in TICKERS}
    wanted = pd.DataFrame({t: scale_free(bars[t]) for t in TICKERS}).T

    # Kept as float32. The six tickers' places from -.5 to .5 among each other besides.
    assert len(wanted.columns) == 33
    values = pd.DataFrame(seen).T
    np.testing.assert_allclose(values[wanted.columns], wanted, rtol=2e-7)
    places = (wanted.rank() - 1) / 5 - 0.5
    ranked = values[[f"rank_{name}" for name in wanted]]
    np.testing.assert_allclose(ranked, places, rtol=2e-7)


VERSIONED = (
    "SELECT digest FROM model_events WHERE pool = 'NSE' AND horizon = %s AND version_tag = %s "
    "AND kind = 'versioned'"
)


def is_last(load, digest):
    return load.answers[-1].json()["model"]["version"] == digest


def test_a_rollback_by_command_under_load_mixes_no_answers_and_shows_within_two_seconds(
    promoted, serve, data, record_testsuite_property
):
    service, place = serve(promoted)
    restored = {h: place.rows(VERSIONED, h, "trained")[0]["digest"] for h in HORIZONS}
    with service:
        winning = {h: service.post(f"/predict/{h}").json() for h in HORIZONS}
        with Load(service) as short, Load(service, "/predict/long") as long:
            loads = {"short": short, "long": long}
            before, began = len(short.answers) + len(long.answers), time.monotonic()
            place.run("mlops.monitoring", "rollback", "--version-tag", "trained")
            for horizon, load in loads.items():
                eventually(partial(is_last, load, restored[horizon]), 2)
            count = len(short.answers) + len(long.answers) - before
            rate = count / (time.monotonic() - began)
            record_testsuite_property("requests_per_second_during_a_rollback", round(rate))
        settled = {h: service.post(f"/predict/{h}").json() for h in HORIZONS}

    for horizon, load in loads.items():
        assert {answer.status_code for answer in load.answers} == {200}
        # But for a warning while the database was too busy to be asked.
        answers = [{**answer.json(), "warnings": []} for answer in load.answers]
        # Each is one of two answers, whole.
        whole = [winning[horizon], settled[horizon]]
        assert difference(settled[horizon], expected(place, data, TCS, horizon)) < 1e-12
        assert [body for body in answers if body not in whole] == []
        assert [body for body in whole if body not in answers] == []
