import datetime as dt

import pytest
from pydantic import TypeAdapter, ValidationError

from src.api.routes.operations import Newest
from src.api.schemas.errors import validation_sentence
from src.api.schemas.requests import BatchRequest, Timestamp
from src.api.schemas.trials import EXAMPLE, TrialRequest


def sentence(schema, value):
    """The sentence about a value that is none."""
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(schema).validate_python(value)
    return validation_sentence(refused.value.errors())


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"tickers": ["TCS.NS", 5]}, "tickers.1: this is not text: send text in quotes"),
        ({}, 'tickers: this field is missing: send {"tickers": ["TCS.NS"]}.'),
        ({"tickers": []}, "tickers: the list is empty: send at least one entry."),
        ({"tickers": "TCS.NS"}, 'tickers: this is not a list: send one, such as ["TCS.NS"].'),
        ({"tickers": ["T"] * 2001}, "tickers: the list has 2001 entries: send at most 2000"),
        ({"tickers": ["T" * 99]}, "tickers.0: the text is too long: send at most 40 characters."),
        ({"tickers": ["\ud800"]}, "tickers.0: this is not readable text: send text in UTF-8"),
        (
            {"tickers": ["T"], "horizons": ["weekly"]},
            "horizons.0: there is no such value: send 'short' or 'long'.",
        ),
        ([], "The body must be an object with a list of tickers: send"),
        (None, "The body must be an object with a list of tickers: send"),
    ],
)
def test_a_fault_is_one_plain_sentence_that_says_where_it_is_and_what_to_send(body, expected):
    assert sentence(BatchRequest, body).startswith(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("many", "this is not a whole number: send one, such as 100."),
        ("-1", "the number is too small: send at least 0."),
        ("1001", "the number is too large: send at most 1000."),
    ],
)
def test_a_number_in_the_address_is_judged_as_plainly(text, expected):
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(dict[str, Newest]).validate_python({"newest": text})

    assert validation_sentence(refused.value.errors()) == f"newest: {expected}"


@pytest.mark.parametrize("name", ["x" * 5000, "a\nb", "\x1b[31m", "\u202egnp", ""])
def test_a_field_is_named_in_a_short_printable_line_whatever_its_sender_called_it(name):
    line = sentence(BatchRequest, {"tickers": ["TCS.NS"], name: 1})

    assert line.isprintable()
    assert line.endswith(": there is no such field: send tickers and, if you like, horizons.")
    assert len(line) < 130


def test_thousands_of_unknown_fields_are_one_fault():
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(BatchRequest).validate_python(dict.fromkeys(map(str, range(5000))))

    assert refused.value.error_count() == 1
    assert "send only tickers and horizons" in validation_sentence(refused.value.errors())


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, "pool: this field is missing: send it, as /docs shows."),
        ([], "The body must be an object: send one such as that of /docs."),
        (dict.fromkeys(map(str, range(101))), "The body must be an object: send one such as that"),
        ({**EXAMPLE, "promotes": True}, "promotes: there is no such field: leave it out."),
        ({**EXAMPLE, "max_sessions": 1}, "max_sessions: the number is too small: send at least"),
        ({**EXAMPLE, "reason": "\u2028"}, "reason: the text has characters that cannot be there"),
    ],
)
def test_a_fault_in_a_trial_says_nothing_of_tickers(body, expected):
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(TrialRequest).validate_python(body)
    line = validation_sentence(refused.value.errors(), "/trials")
    assert line.startswith(expected)
    assert "ticker" not in line


@pytest.mark.parametrize(
    "written",
    [
        *("yesterday", "1776083400", "2026-04-13", "2026-04-13T12:30:00", "2026-04-13 12:30:00Z"),
        *("1989-12-31T23:59:59Z", "2100-01-01T00:00:00Z", "2026-02-30T12:00:00Z"),
        *("2026-04-13T12:30:60Z", "2026-04-13T12:30:00Z\n", "2026-04-13T12:30:00+05"),
    ],
)
def test_a_time_without_a_zone_or_a_day_or_out_of_reach_is_none(written):
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(dict[str, Timestamp]).validate_python({"at": written})

    assert validation_sentence(refused.value.errors()).endswith(" 2026-04-13T12:30:00Z.")


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("2026-04-13T18:00:00+05:30", dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)),
        ("1990-01-01t00:00:00.5z", dt.datetime(1990, 1, 1, 0, 0, 0, 500_000, tzinfo=dt.UTC)),
        ("2099-12-31T23:59:59-00:00", dt.datetime(2099, 12, 31, 23, 59, 59, tzinfo=dt.UTC)),
    ],
)
def test_a_time_is_written_with_its_zone(written, at):
    assert TypeAdapter(Timestamp).validate_python(written) == at
