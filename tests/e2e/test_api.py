"""The API as a process on a real PostgreSQL: what it answers, and with which status."""

import datetime as dt
import hashlib
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from src.core.model_events import ModelEvent
from src.core.tables import PREDICTIONS
from src.db.tables.forecasts import ForecastLog
from src.db.tables.model_events import EventLog
from tests.support.answers import SERVING_ROW
from tests.support.services import NOW, Service, eventually

FIELDS = (
    "ticker horizon feature_date predict_date predict_date_estimated last_close pred_return "
    "pct_return est_future_close prob_up intervals baseline verdict skill model data_source "
    "data_age_sessions return_basis warnings note data_hash"
)


def sentence(answer, status):
    """The detail of a problem, which is one sentence."""
    body = answer.json()
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["status"] == status
    assert body["request_id"] == answer.headers["x-request-id"]
    assert body["detail"].endswith((".", "?"))
    return body["detail"]


@pytest.mark.parametrize("horizon", ["short", "long"])
def test_the_guide_s_curl_line_answers(api, horizon):
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    url = f"http://localhost:{api.port}/predict/{horizon}"

    body = json.loads(
        subprocess.run([curl, "-s", "-X", "POST", url], capture_output=True, check=True).stdout
    )

    assert set(body) >= set(FIELDS.split())
    assert (body["ticker"], body["horizon"]) == (
        "TCS.NS",
        {"short": "1-day", "long": "63-day"}[horizon],
    )


def test_swagger_is_at_docs(api):
    assert "swagger" in api.get("/docs").text.lower()


def test_a_winner_s_forecast_is_its_parameters_times_what_it_is_asked_with(api):
    body = api.short("tcs.bo").json()

    # .1 x .02 - .015 / 3 + .0007, and 3000 rupees
    assert body["pred_return"] == pytest.approx(-0.0023, rel=1e-12)
    assert body["est_future_close"] == pytest.approx(2993.1, rel=1e-12)
    assert body["model"]["name"] == "ridge"


def test_get_and_post_answer_the_same(api):
    assert api.get("/predict/long").content == api.post("/predict/long").content


def test_a_ticker_without_a_price_is_not_found(api):
    assert "No prices of SBIN.NS are stored: run" in sentence(api.short("SBIN"), 404)


def test_a_ticker_without_inputs_has_no_forecast_and_says_what_to_run(api):
    detail = sentence(api.short("INFY"), 503)

    assert "not been computed for INFY.NS yet: run `python -m mlops.pipeline --ticker" in detail


@pytest.mark.parametrize(
    "text", ["", "$$", "../../etc", "TCS.NS;DROP", "BTC-USD", "A.ZZ", "x" * 99]
)
def test_what_is_no_ticker_is_malformed(api, text):
    sentence(api.short(text), 422)


def test_a_ticker_is_read_as_addresses_are_written(api):
    assert "M&M.NS" in sentence(api.get("/predict/short?ticker=M%26M"), 404)
    assert api.get("/predict/short?ticker=%74cs+").json()["ticker"] == "TCS.NS"
    sentence(api.get(f"/predict/short?other={'x' * 500}&ticker=tcs"), 422)


@pytest.mark.parametrize(
    "query",
    ["symbol=WIPRO.NS", "Ticker=WIPRO.NS", "ticker=WIPRO.NS&ticker=TCS.NS", "ticker=M&M.NS"],
)
def test_a_question_that_would_be_answered_for_another_ticker_is_refused(api, query):
    for path in ("/predict/short", "/predict/long"):
        sentence(api.get(f"{path}?{query}"), 422)
        sentence(api.post(f"{path}?{query}"), 422)


def test_a_ticker_in_the_body_is_not_overlooked(api):
    detail = sentence(api.post("/predict/short", json={"ticker": "WIPRO.NS"}), 422)

    assert "?ticker=" in detail


def test_a_path_that_is_not_there_points_to_the_docs(api):
    assert "/docs" in sentence(api.get("/predict/weekly"), 404)


def test_a_method_that_is_not_possible_names_those_that_are(api):
    answer = api.client.put("/predict/short")

    assert "use GET, POST" in sentence(answer, 405)
    assert answer.headers["allow"] == "GET, POST"


def test_a_batch_holds_what_can_be_forecast_and_why_the_rest_cannot(api):
    request = {"tickers": ["TCS", "INFY.NS", "SBIN.NS", "$$"], "horizons": ["short"]}
    body = api.post("/predict/batch", json=request).json()

    assert [item["ticker"] for item in body["forecasts"]] == ["TCS.NS"]
    assert {item["ticker"]: item["status"] for item in body["errors"]} == {
        "INFY.NS": 503,
        "SBIN.NS": 404,
        "$$": 422,
    }


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"tickers": []},
        {"tickers": "TCS.NS"},
        {"tickers": ["TCS.NS"], "horizons": ["weekly"]},
        {"tickers": ["TCS.NS"], "horizon": ["short"]},
        {"tickers": ["T"] * 2001},
        [],
    ],
)
def test_a_malformed_batch_is_told_so(api, body):
    sentence(api.post("/predict/batch", json=body), 422)


def test_a_body_that_is_no_json_is_told_so(api):
    answer = api.post("/predict/batch", content=b"{", headers={"content-type": "application/json"})

    assert "not valid JSON" in sentence(answer, 422)


def test_a_body_longer_than_1_mib_is_refused(api):
    assert "1048576 bytes" in sentence(api.post("/predict/batch", content=b"x" * 1_048_577), 413)


def test_a_body_of_unknown_length_is_refused_when_it_grows_too_long(api):
    answer = api.post("/predict/batch", content=(b"x" * 16_384 for _ in range(65)))

    sentence(answer, 413)


def test_a_request_keeps_the_name_that_its_sender_gave_it(api):
    named = api.get("/health/live", headers={"X-Request-ID": "an.id-of_mine-7"})
    forged = api.get("/health/live", headers={"X-Request-ID": "a b"})

    assert named.headers["x-request-id"] == "an.id-of_mine-7"
    assert forged.headers["x-request-id"] != "a b"


def test_is_ready_and_says_of_each_part_why(api):
    answer = api.get("/health")

    assert (answer.status_code, answer.json()["status"]) == (200, "ready")
    names = {part["name"] for part in answer.json()["parts"]}
    assert names >= {"database", "notices", "model_short", "data_long", "log"}


def test_serves_what_was_live_at_a_time_and_why(api):
    now = api.get("/models", params={"ticker": "TCS.BO"}).json()
    before = api.get("/models", params={"ticker": "TCS.BO", "at": "2026-04-13T11:59:00Z"}).json()

    live = {item["horizon"]: item for item in now["live"]}
    assert {horizon: item["served"] for horizon, item in live.items()} == {
        "short": "ridge",
        "long": "zero",
    }
    assert {item["pool"] for item in now["live"]} == {"BSE"}
    assert "promoted by a test" in live["short"]["why"]
    kinds = [item["kind"] for item in now["events"] if item["horizon"] == "short"]
    assert kinds == ["trained", "promoted"]
    assert (before["live"], before["events"]) == ([], [])
    everything = api.get("/models").json()["live"]
    assert [(item["pool"], item["horizon"]) for item in everything] == [
        *(("BSE", "long"), ("BSE", "short"), ("NSE", "long"), ("NSE", "short")),
    ]


def test_the_events_of_a_ticker_from_before_pools_had_models_are_shown_and_nothing_of_them_is_live(
    api, place
):
    old = ModelEvent(
        *("trained", "", "short", "a" * 64, "a test"),
        at=dt.datetime(2026, 4, 1, 12, 0, tzinfo=dt.UTC),
        made_live=True,
        ticker="INFY.NS",
    )
    migrated = replace(old, kind="migrated", pool="NSE", ticker="", made_live=False, served="zero")
    with psycopg.connect(place[0], autocommit=True) as connection:
        EventLog(connection).append([old, migrated])

    infy = api.get("/models", params={"ticker": "INFY.NS"}).json()
    tcs = api.get("/models", params={"ticker": "TCS.NS"}).json()

    assert [event["ticker"] for event in infy["events"] if event["ticker"]] == ["INFY.NS"]
    assert [event for event in infy["events"] if event["pool"]] == tcs["events"]
    assert infy["live"] == tcs["live"]


@pytest.mark.parametrize("at", ["yesterday", "2026-04-13T12:00:00", "9999-12-31T23:59:59Z"])
def test_a_time_that_is_none_is_malformed(api, at):
    sentence(api.get("/models", params={"at": at}), 422)


def test_each_forecast_is_logged_once_as_it_was_answered(api, place):
    answers = [api.short("TCS.BO").json() for _ in range(5)]

    def logged():
        with psycopg.connect(place[0]) as connection:
            return connection.execute(
                f"SELECT {', '.join(PREDICTIONS.columns)} FROM predictions WHERE ticker = 'TCS.BO'"
            ).fetchall()

    (row,) = eventually(logged)
    logged_row = dict(zip(PREDICTIONS.columns, row, strict=True))
    assert logged_row["point"] == answers[0]["pred_return"]
    assert logged_row["version"] == answers[0]["model"]["version"]
    assert logged_row["target_date"].isoformat() == answers[0]["predict_date"]
    assert logged_row["quantiles"] == SERVING_ROW["quantiles"]


def test_the_scoreboard_tells_what_came_true_against_zero(api, place):
    api.short("TCS.BO")
    outcome = {
        "matured_at": dt.datetime(2026, 4, 15, 12, 0, tzinfo=dt.UTC),
        "label_end": dt.date(2026, 4, 15),
        "realised_return": -0.0123,
        "return_basis": "total",
        "note": "",
    }
    with psycopg.connect(place[0], autocommit=True) as connection:

        def logged():
            key = ", ".join(PREDICTIONS.key)
            sql = f"SELECT {key} FROM predictions WHERE ticker = 'TCS.BO'"
            return connection.execute(sql).fetchall()

        (key,) = eventually(logged)
        forecast = dict(zip(PREDICTIONS.key, key, strict=True))
        ForecastLog(connection).record([forecast | outcome])

    body = api.get("/scoreboard", params={"ticker": "TCS.BO"}).json()

    row = next(item for item in body["rows"] if item["ticker"] == "TCS.BO")
    assert (body["logged"], row["model"], row["kind"], row["n"]) == (1, "ridge", "served", 1)
    # Forecast -.0023, zero 0.
    assert row["mae"] == pytest.approx(0.01, rel=1e-9)
    assert row["skill"] == pytest.approx(1 - 0.01 / 0.0123, rel=1e-9)


def test_counts_requests_errors_and_how_old_things_are(api):
    def answers():
        sources = ("hit", "miss", "stale")
        return [api.metric(f'forecast_api_answers_total{{cache="{each}"}}') for each in sources]

    def source_of_an_answer():
        before = answers()
        api.short("TCS.BO")
        return [after - was for after, was in zip(answers(), before, strict=True)]

    # A poll that finds the database changed, or late, has the next answer read anew.
    counted = [source_of_an_answer() for _ in range(10)]
    assert {sum(each) for each in counted} == {1}
    assert [1, 0, 0] in counted
    api.short("$$")
    assert api.metric('forecast_api_errors_total{route="/predict/short",status="422"}') >= 1
    assert api.metric('forecast_data_age_sessions{horizon="short",ticker="TCS.BO"}') == 0
    # From noon of 14 November 2025 to half past noon of 13 April 2026, in UTC: 150 days.
    age = api.metric('forecast_model_age_seconds{horizon="short",pool="BSE"}')
    assert age == 150 * 86400 + 1800
    assert api.metric('forecast_api_request_seconds_count{route="/predict/short"}') > 2


def test_keys_and_rates_are_kept_over_the_wire(place):
    key = hashlib.sha256(b"a key").hexdigest()
    settings = {"FORECAST_API_KEYS": key, "FORECAST_API__RATE_PER_MINUTE": "30"}
    holder = {"X-API-Key": "a key"}

    with Service(place[1], place[0], **settings) as service:
        assert "is needed" in sentence(service.get("/predict/short"), 401)
        wrong = service.get("/predict/short", headers={"X-API-Key": "b key"})
        assert "is not valid" in sentence(wrong, 401)
        statuses = [service.get("/predict/short", headers=holder).status_code for _ in range(40)]
        # A client writes what it likes; uvicorn believes it of its own machine.
        tried = [
            service.get("/predict/short", headers={"X-Forwarded-For": f"203.0.113.{number}"})
            for number in range(40)
        ]
        probes = {service.get("/health/live").status_code for _ in range(40)}

    assert (statuses[0], statuses[-1]) == (200, 429)
    assert (tried[0].status_code, tried[-1].status_code) == (401, 429)
    assert probes == {200}


def test_pages_of_other_sites_may_ask_only_where_they_are_named(place, api):
    asks = {
        "Origin": "https://example.org",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "Authorization",
    }
    settings = {"FORECAST_API__CORS_ORIGINS": "https://example.org", "FORECAST_API_KEYS": "0" * 64}

    with Service(place[1], place[0], **settings) as service:
        allowed = service.client.options("/predict/short", headers=asks)
        refused = service.get("/predict/short", headers={"Origin": "https://example.org"})
    closed = api.client.options("/predict/short", headers=asks)

    name = "access-control-allow-origin"
    assert (allowed.status_code, allowed.headers[name]) == (200, "https://example.org")
    assert (refused.status_code, refused.headers[name]) == (401, "https://example.org")
    assert name not in closed.headers


def test_stale_prices_are_answered_with_a_warning_and_are_not_ready(place):
    # Friday evening: the sessions of the 15th, 16th and 17th have closed since.
    with Service(place[1], place[0], FORECAST_NOW="2026-04-17T12:30:00Z") as service:
        body = service.short().json()
        ready = service.get("/health")

    assert body["data_age_sessions"] == 3
    closed, stale = body["warnings"]
    assert "about 2026-04-15, a session that has closed already" in closed
    assert "3 sessions behind 2026-04-17" in stale
    assert "3 sessions behind" in sentence(ready, 503)


@pytest.mark.parametrize(
    ("setting", "status", "sentence"),
    [
        (
            {"FORECAST_API__PROT": "80"},
            1,
            "FORECAST_API__PROT is not a setting: did you mean FORECAST_API__PORT?",
        ),
        ({"TICKER": "BTC-USD"}, 2, "BTC-USD has no exchange sessions"),
    ],
)
def test_what_cannot_be_used_is_one_sentence_and_no_service(command, setting, status, sentence):
    done = command("src.api", **setting)

    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1


def test_answers_what_the_pipeline_said(command, home):
    assert command("mlops.pipeline", "--ticker", "DEMO.NS", FORECAST_NOW=NOW).returncode == 0
    (results,) = home.glob("mlops/runs/*/results.json")
    with Service(home, TICKER="DEMO.NS") as service:
        answers = [service.post(f"/predict/{horizon}").json() for horizon in ("short", "long")]

    for entry, answer in zip(json.loads(results.read_text())["forecasts"], answers, strict=True):
        assert answer["predict_date"] == entry["target_date"]
        # An answer warns of its data as well.
        shared = (set(entry) & set(answer)) - {"warnings"}
        assert shared > {"last_close", "pred_return", "prob_up", "intervals", "candidate", "skill"}
        assert {name: answer[name] for name in shared} == {name: entry[name] for name in shared}


def test_loads_neither_sklearn_nor_pandas_nor_polars(api):
    maps = Path(f"/proc/{api.process.pid}/maps").read_text()

    assert "numpy" in maps
    assert [name for name in ("sklearn", "pandas", "polars", "pyarrow") if name in maps] == []
