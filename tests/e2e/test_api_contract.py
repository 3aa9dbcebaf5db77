"""The API held to its own OpenAPI document by schemathesis, and to sense by random requests."""

import json

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from src.api.predict_simple import create

OPERATIONS = [
    (path, method.upper())
    for path, methods in create().openapi()["paths"].items()
    for method in methods
]
TAKING = [one for one in OPERATIONS if one[0].startswith(("/predict", "/models", "/scoreboard"))]
SLOW = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def document(api):
    return schemathesis.openapi.from_url(f"{api.url}/openapi.json")


def examples(count):
    return settings(max_examples=count, deadline=None, derandomize=True, suppress_health_check=SLOW)


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_answer_is_as_the_document_says(document, path, method):
    @examples(40)
    @given(case=document[path][method].as_strategy(generation_mode=GenerationMode.POSITIVE))
    def holds(case):
        # Whether a text is a ticker of a known exchange is more than a schema can say.
        case.call_and_validate(excluded_checks=[positive_data_acceptance])

    holds()


@pytest.mark.parametrize(("path", "method"), TAKING)
def test_what_the_document_does_not_allow_is_refused(document, path, method):
    @examples(40)
    @given(case=document[path][method].as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def holds(case):
        answer = case.call()
        # A body that is too long is refused before it is read.
        known = [negative_data_rejection] if answer.status_code == 413 else []
        case.validate_response(answer, excluded_checks=known)

    holds()


def sane(answer):
    """An answer with a forecast of this ticker, or a problem; nothing unforeseen."""
    assert answer.status_code in (200, 404, 405, 413, 422, 503)
    if answer.status_code == 503:
        assert "INFY.NS" in answer.json()["detail"]
    if answer.status_code != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code
    assert answer.headers["x-request-id"]


@examples(200)
@given(body=JSON | st.builds(lambda t, h: {"tickers": t, "horizons": h}, JSON, JSON))
def test_no_body_brings_it_out_of_its_composure(api, body):
    said = {"content-type": "application/json"}
    sane(api.post("/predict/batch", content=json.dumps(body), headers=said))


@examples(100)
@given(body=st.binary(max_size=200), kind=st.sampled_from(["application/json", "text/plain", ""]))
def test_no_bytes_bring_it_out_of_its_composure(api, body, kind):
    for path in ("/predict/batch", "/predict/long"):
        sane(api.post(path, content=body, headers={"content-type": kind}))


@examples(150)
@given(text=st.text(max_size=40) | st.from_regex(r"[A-Z]{1,9}(\.[A-Z]{1,3})?", fullmatch=True))
def test_no_text_is_taken_for_a_ticker_that_is_none(api, text):
    answer = api.short(text)

    sane(answer)
    if answer.status_code == 200:
        assert answer.json()["ticker"] in ("TCS.NS", "WIPRO.NS")
