"""The routes below /trials of a real service: who may write, what is answered with which status."""

import hashlib
import uuid

import psycopg
import pytest

from src.db.connection import READER, normalise_url
from src.db.roles import migrate_with_roles
from src.db.tables.trials import TrialLog
from tests.support.answers import put_live
from tests.support.models import both_horizons
from tests.support.services import Service
from tests.support.trials import trial_event

KEY = "a key of the operator's"
HASHED = hashlib.sha256(KEY.encode()).hexdigest()
BODY = {
    "pool": "NSE",
    "horizon": "short",
    "challenger": "ridge",
    "author": "A. Rao",
    "reason": "is it better than nothing?",
}


@pytest.fixture(scope="module")
def database(tmp_path_factory, server):
    """A database with roles and a pool; its URL, and the home of its models."""
    home, name = tmp_path_factory.mktemp("home"), f"trials_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        url = normalise_url(server.replace("/forecast_db?", f"/{name}?"))
        migrate_with_roles(url)
        with psycopg.connect(url, autocommit=True) as connection:
            put_live(connection, home / "models", both_horizons(), tickers=["TCS.NS", "INFY.NS"])
        yield url, home
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def api(database):
    """A service with a key, with the rights of a reader alone."""
    url, home = database
    with Service(home, url, FORECAST_API_KEYS=HASHED, PGOPTIONS=f"-c role={READER}") as service:
        service.client.headers["X-API-Key"] = KEY
        yield service


@pytest.fixture
def log(database):
    """The register; whatever runs is stopped in the end."""
    with psycopg.connect(database[0], autocommit=True) as connection:
        trials = TrialLog(connection)
        yield trials
        for trial in trials.running():
            trials.add_event(trial_event(trial, "stopped"))


def sentence(answer, status):
    body = answer.json()
    assert (answer.status_code, body["status"]) == (status, status), body
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["detail"].endswith(".")
    return body["detail"]


def test_a_trial_is_registered_read_and_stopped(api, log):
    before = len(log.trials())
    answer = api.post("/trials", json={**BODY, "tickers": ["tcs"], "settings": {"embargo": 10}})
    assert answer.status_code == 201
    made = answer.json()
    trial = log.find(made["hash"])
    assert {name: made[name] for name in trial.as_json()} == trial.as_json()
    assert (trial.tickers, dict(trial.settings)) == (("TCS.NS",), {"embargo": 10})
    assert (trial.sessions, trial.reference, trial.promotes) == (1, "live", False)
    assert trial.smallest_effect == 0.0005
    assert trial.configurations == before + 1
    assert f"{trial.registered_at:%Y-%m-%d %H:%M}" == "2026-04-13 12:30"

    assert api.get("/trials").json()["trials"][-1] == made
    assert api.get("/trials", params={"pool": "BSE"}).json() == {"trials": []}
    path = f"/trials/{made['hash'][:8]}"
    assert api.get(path).json() == {**made, "events": []}

    stopped = api.post(f"{path}/stop", json={"author": "A. Rao", "reason": "enough"}).json()
    assert (stopped["state"], stopped["sentence"]) == ("stopped", "Stopped by A. Rao: enough")
    (event,) = stopped["events"]
    assert (event["kind"], event["author"], event["session"]) == ("stopped", "A. Rao", None)
    again = api.post(f"{path}/stop", json={"author": "A. Rao", "reason": "enough"})
    assert "has ended already (stopped on 2026-04-13)" in sentence(again, 409)


def test_a_share_is_set_and_followed_with_the_rights_of_a_reader(api, log):
    made = api.post("/trials", json=BODY).json()
    path = f"/trials/{made['hash']}/split"
    body = {"share": 1, "author": "A. Rao", "reason": "to see it"}

    shown = api.post(path, json=body).json()

    (event,) = shown["events"]
    assert (event["kind"], event["author"], event["evidence"]) == (
        "split",
        "A. Rao",
        {"share": 1.0},
    )
    (warning,) = api.short().json()["warnings"]
    assert warning.startswith("No run has made the model of the challenger yet. Trial ")
    assert api.post(path, json={**body, "share": 0}).json()["events"][-1]["evidence"] == {
        "share": 0.0
    }
    assert api.short().json()["warnings"] == []


def test_what_was_looked_at_is_shown_with_its_evidence(api, log):
    made = api.post("/trials", json=BODY).json()
    evidence = {"sessions": 126, "sessions_needed": 240, "sequence": {"mean": [0.1, None]}}
    trial = log.find(made["hash"])
    log.add_event(trial_event(trial, "looked", session=trial.registered_at, evidence=evidence))
    shown = api.get(f"/trials/{trial.hash}").json()
    assert (shown["verdict"], shown["looks"]) == ("undecided", 1)
    assert (shown["sessions_with_outcomes"], shown["sessions_needed"]) == (126, 240)
    assert shown["events"][0]["evidence"] == evidence
    listed = {each["hash"]: each for each in api.get("/trials").json()["trials"]}
    assert listed[trial.hash]["sessions_needed"] == 240


def test_without_the_key_nothing_is_written_or_read(api, log):
    for headers in ({}, {"X-API-Key": "another"}):
        with_key = {**dict.fromkeys(("X-API-Key",), ""), **headers}
        assert "API key" in sentence(api.post("/trials", json=BODY, headers=with_key), 401)
        stop = api.post("/trials/abcdef/stop", json={}, headers=with_key)
        assert "API key" in sentence(stop, 401)
    assert log.running() == []


def test_a_service_without_keys_writes_for_nobody(database, log):
    url, home = database
    with Service(home, url) as service:
        for path, body in (("/trials", BODY), ("/trials/abcdef/stop", {"author": "A"})):
            detail = sentence(service.post(path, json=body), 403)
            assert "this service has none: set FORECAST_API_KEYS" in detail
        assert service.get("/trials").status_code == 200
    assert log.running() == []


@pytest.mark.parametrize(
    ("changes", "status", "detail"),
    [
        ({"challenger": "prophet"}, 409, "There is no candidate 'prophet'."),
        ({"challenger": "mean"}, 409, "mean cannot be a challenger"),
        ({"challenger": "ab" * 32}, 409, "No model set abababababab of NSE short is stored"),
        ({"challenger": "zero"}, 409, "is what is live at NSE short already"),
        ({"pool": "XNYS"}, 409, "The pool 'XNYS' has no short model yet"),
        ({"tickers": ["SBIN"]}, 409, "SBIN.NS is not in the pool NSE"),
        ({"tickers": ["a b"]}, 409, "'a b' is not a ticker"),
        ({"horizon": "weekly"}, 422, "horizon: there is no such value: send 'short' or 'long'."),
        ({"loss": "log"}, 422, "loss: there is no such value"),
        ({"smallest_effect": 0.9}, 422, "smallest_effect: the number is too large: send at most"),
        ({"smallest_effect": "much"}, 422, "smallest_effect: this is not a number: send one"),
        ({"look_every": 0}, 422, "look_every: the number is too small: send at least 1."),
        ({"max_sessions": 100}, 422, "max_sessions: the number is too small"),
        ({"max_sessions": 300.5}, 422, "max_sessions: this is not a whole number"),
        ({"author": ""}, 422, "author: the text is empty"),
        ({"author": None}, 422, "author: this is not text"),
        ({"reason": "two\nlines"}, 422, "reason: the text has characters that cannot be there"),
        ({"promotes": True}, 422, "promotes: there is no such field: leave it out."),
        ({"settings": {"seed": 1}}, 422, "settings.seed: there is no such field"),
        ({"settings": {"refit_every": 0}}, 409, "The setting refit_every = 0 is out of range"),
    ],
    ids=str,
)
def test_what_cannot_be_registered_is_one_sentence(api, log, changes, status, detail):
    assert detail in sentence(api.post("/trials", json={**BODY, **changes}), status)
    assert log.running() == []


def test_missing_fields_and_other_bodies_are_one_sentence(api):
    incomplete = {name: value for name, value in BODY.items() if name != "reason"}
    assert sentence(api.post("/trials", json=incomplete), 422) == (
        "reason: this field is missing: send it, as /docs shows."
    )
    assert "The body must be an object" in sentence(api.post("/trials", json=[]), 422)
    torn = api.post("/trials", content="{", headers={"content-type": "application/json"})
    assert "The body is not valid JSON" in sentence(torn, 422)


def test_a_trial_that_is_not_there_is_not_found(api):
    assert "There is no trial 'abcdef'" in sentence(api.get("/trials/abcdef"), 404)
    stop = api.post("/trials/abcdef/stop", json={"author": "A. Rao", "reason": "enough"})
    assert "There is no trial 'abcdef'" in sentence(stop, 404)
    assert "hash: the text has characters" in sentence(api.get("/trials/xyz"), 422)


def test_the_same_challenger_twice_is_a_conflict(api, log):
    assert api.post("/trials", json=BODY).status_code == 201
    assert "ridge is on trial at NSE short already" in sentence(api.post("/trials", json=BODY), 409)
