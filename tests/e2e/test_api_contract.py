"""The API against its OpenAPI document by schemathesis, and against random bodies."""

import hashlib
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import psycopg
import pytest

from src.api.predict_simple import create
from src.api.schemas.requests import MAX_TICKERS
from src.core.tickers import MAX_TEXT_LENGTH
from src.db.tables.trials import TrialLog
from tests.support.answers import put_inputs
from tests.support.bodies import TORN, WHOLE, requests, send_all
from tests.support.services import Service
from tests.support.splits import put_challenger, split
from tests.support.trials import registered_trial

OPERATIONS = [
    (path, method) for path, methods in create().openapi()["paths"].items() for method in methods
]
KEY = "a key"
TRIAL = registered_trial(challenger="drift")
HOW = (
    "--checks all --phases examples,coverage,fuzzing,stateful --mode all --max-examples 25 "
    "--seed 1 --generation-database none --continue-on-failure --no-color "
    "--report json --report-json-path report.json"
)


@pytest.fixture(scope="module")
def place(place):
    """The same, but that each forecast has a model: no answer has to be a server's error."""
    url, home = place
    with psycopg.connect(url, autocommit=True) as connection:
        for horizon in ("short", "long"):
            put_inputs(connection, "INFY.NS", horizon)
        TrialLog(connection).register(TRIAL)
        # Some of the clients are answered by its challenger.
        put_challenger(connection, home / "models", TRIAL)
        split(connection, TRIAL, 0.5)
    return place


@pytest.fixture(scope="module")
def report(place, tmp_path_factory):
    """What schemathesis reports of a service with keys: all checks, phases and operations."""
    url, home = place
    folder = tmp_path_factory.mktemp("schemathesis")
    # Of random hashes none would be there.
    (folder / "schemathesis.toml").write_text(f'parameters = {{ "path.hash" = "{TRIAL.hash}" }}')
    tool = Path(sys.executable).with_name("schemathesis")
    with Service(home, url, FORECAST_API_KEYS=hashlib.sha256(KEY.encode()).hexdigest()) as service:
        command = [tool, "run", f"{service.url}/openapi.json", "-H", f"X-API-Key: {KEY}"]
        done = subprocess.run(
            [*command, *HOW.split()], cwd=folder, capture_output=True, check=False, timeout=120
        )
    content = json.loads((folder / "report.json").read_text())
    return {**content, "output": done.stdout.decode(), "code": done.returncode}


def test_all_checks_of_schemathesis_hold_over_the_whole_document(report):
    assert (report["failures"], report["errors"], report["code"]) == ([], [], 0), report["output"]
    assert report["operations"]["tested"] == len(OPERATIONS) == 16


def test_no_phase_of_schemathesis_was_left_out(report):
    states = {name: phase["status"] for name, phase in report["phases"].items()}

    assert states == dict.fromkeys(("examples", "coverage", "fuzzing", "stateful"), "success")
    assert report["test_cases"]["generated"] > 500
    assert [name for name, count in report["warnings"].items() if count] == []


def test_a_batch_as_long_as_the_document_allows_is_read(api):
    # Each character beyond the first plane is two escapes of six bytes.
    longest = "\U0010fffd" * MAX_TEXT_LENGTH
    body = json.dumps({"tickers": [longest] * MAX_TICKERS, "horizons": ["short"]})
    answer = api.post("/predict/batch", content=body, headers={"content-type": "application/json"})

    assert len(body) > MAX_TICKERS * MAX_TEXT_LENGTH * 12
    assert answer.status_code == 200
    assert [error["status"] for error in answer.json()["errors"]] == [422]


@pytest.fixture(scope="module")
def stormed(api):
    """Ten thousand requests with their answers, and the same forecast before and after them."""
    before = api.short("TCS.NS").content
    answers = send_all(api.port, requests(seed=20_260_413, count=10_000))
    return answers, before, api.short("TCS.NS").content


def sane(answer):
    """Whether it is a forecast, or a problem of the sender's that has the request's name."""
    if answer.status == 200:
        return answer.headers["content-type"] == "application/json"
    body = json.loads(answer.body)
    return (
        answer.status in (404, 413, 422)
        and answer.headers["content-type"] == "application/problem+json"
        and body["status"] == answer.status
        and body["request_id"] == answer.headers["x-request-id"]
        and body["detail"].isprintable()
        and len(body["detail"]) < 500
    )


def test_ten_thousand_random_bodies_are_answered_with_sense(stormed):
    answers = [(sent, answer) for sent, answer in stormed[0] if sent.whole]

    assert len(answers) == 9_000
    assert {sent.kind for sent, _ in answers} == set(WHOLE)
    assert [(sent.raw, answer) for sent, answer in answers if not sane(answer)] == []


def test_a_body_of_no_known_length_is_refused_or_left_without_an_answer(stormed):
    answers = [(sent, answer) for sent, answer in stormed[0] if not sent.whole]

    assert len(answers) == 1_000
    assert {sent.kind for sent, _ in answers} == set(TORN)
    # The server itself rejects what is not HTTP, in plain text; 0 stands for no answer.
    rejected = [answer.status for _, answer in answers if answer.body[:12] == b"Invalid HTTP"]
    rest = [answer for _, answer in answers if answer.body[:12] != b"Invalid HTTP"]
    assert set(rejected) == {400}
    assert [answer for answer in rest if answer.status and not sane(answer)] == []


def test_after_them_it_answers_as_before_and_has_not_failed_unseen(stormed, api):
    _, before, after = stormed
    kinds = Counter(line.split('status="')[1][:1] for line in errors(api))

    assert after == before
    assert kinds["4"] > 0
    assert kinds["5"] == 0


def errors(api):
    """The lines of /metrics that count errors."""
    lines = api.get("/metrics").text.splitlines()
    return [line for line in lines if line.startswith("forecast_api_errors_total{")]
