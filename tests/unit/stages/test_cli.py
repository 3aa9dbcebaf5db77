import datetime as dt
import importlib
import sys

import pytest

from src.stages.arguments import add_ticker, command_parser, date, moment
from src.stages.cli import stage_parser, unexpected_error


def test_an_option_is_not_taken_for_its_beginning(capsys):
    with pytest.raises(SystemExit, match="2"):
        stage_parser("src.data.cleaning", "Clean.").parse_args(["run", "--tick", "TCS"])
    assert capsys.readouterr().err.count("\n") == 1


def test_a_package_that_this_python_lacks_is_one_sentence_with_what_to_run():
    with pytest.raises(ModuleNotFoundError) as missing:
        importlib.import_module("no_such_package.part")
    sentence = unexpected_error(missing.value)
    assert sentence.startswith(
        f"The package no_such_package is not installed in this Python ({sys.executable})"
    )
    assert "`.venv/bin/python`" in sentence
    with pytest.raises(ModuleNotFoundError) as ours:
        importlib.import_module("src.no_such_module")
    assert unexpected_error(ours.value).startswith("Unexpected ModuleNotFoundError")


def test_a_stage_takes_one_ticker_or_all():
    parser = stage_parser("src.data.cleaning", "Clean.")

    assert parser.parse_args(["run", "--ticker", "TCS"]).suffix is None
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args(["run", "--ticker", "TCS", "--all"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--at", "2026-04-13T18:00"], "'2026-04-13T18:00' has no time zone: add Z or +05:30"),
        (["--at", "2026-04-13"], "'2026-04-13' has no time of day: write it as 2026-04-13T18:00"),
        (["--at", "2026-04-13Z"], "'2026-04-13Z' has no time of day: write it as 2026-04-13T18"),
        (["--at", "noon"], "'noon' is not a time such as 2026-04-13T18:00Z"),
        (["--at", "0001-01-01T00:00Z"], "the year must be between 1990 and 2100"),
        (["--day", "13.4.2026"], "'13.4.2026' is not a date such as 2026-04-13"),
    ],
)
def test_wrong_usage_is_one_sentence_with_the_value(arguments, sentence, capsys):
    parser = command_parser("src.data.report", "Show.")
    parser.add_argument("--at", type=moment)
    parser.add_argument("--day", type=date)

    with pytest.raises(SystemExit, match="2"):
        parser.parse_args(arguments)

    error = capsys.readouterr().err
    assert error.startswith("python -m src.data.report: argument --")
    assert sentence in error
    assert error.count("\n") == 1


def test_a_time_is_read_in_utc():
    assert moment("2026-04-13T18:00:00+05:30") == dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)


def test_a_required_ticker_has_no_default(capsys):
    parser = command_parser("mlops.monitoring unpin", "Unpin.")
    add_ticker(parser, required=True)

    with pytest.raises(SystemExit, match="2"):
        parser.parse_args([])
    assert "--ticker" in capsys.readouterr().err
