"""Which tickers a run is for, and where their prices come from."""

import datetime as dt
from pathlib import Path

import pytest

from mlops.pipeline_run.request import make_request
from src.config.load import load_settings
from src.core.errors import UsageError
from src.data.sources.select import SourceRequest
from src.stages.engine.engine import IN_PROCESS

NOW = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)


class Stored:
    """What is stored, in the place of the table."""

    def __init__(self, *tickers):
        self._tickers = list(tickers)

    def traded_tickers(self):
        return [ticker for ticker in self._tickers if ticker != "GONE.NS"]

    def untraded_tickers(self):
        return {"GONE.NS": "delisted since 2026-01-05"} if "GONE.NS" in self._tickers else {}


def request(source=None, ticker=None, tickers=None, every=False, as_of=None):
    return make_request(
        load_settings(None, {"now": NOW, "data": {"ticker": "TCS.NS"}}, env_file=None),
        source or SourceRequest(),
        ticker=ticker,
        tickers=tickers,
        all_tickers=every,
        as_of=as_of,
        known_at=None,
    )


def test_one_ticker_is_the_configured_one_by_default_and_has_its_usual_source():
    assert (request().ticker, request().tickers) == ("TCS.NS", ("TCS.NS",))
    assert request(ticker="infy").ticker == "INFY.NS"
    assert request().source.name is None


def test_several_are_each_taken_once_as_they_are_stored():
    several = request(tickers=["infy", "TCS.NS", "INFY.NS"])

    assert (several.ticker, several.tickers) == (None, ("INFY.NS", "TCS.NS"))
    assert several.source.name == "stored"


def test_all_are_those_that_are_stored_exchange_by_exchange():
    groups = request(every=True).groups(Stored("A.BO", "AAPL", "B.NS"), None, IN_PROCESS)

    assert groups == [(("A.BO", "B.NS"), None), (("AAPL",), None)]


def test_all_leaves_out_what_is_not_traded_and_a_list_does_not():
    stored = Stored("A.NS", "GONE.NS")
    every = request(every=True)

    assert every.groups(stored, None, IN_PROCESS) == [(("A.NS",), None)]
    assert every.left_out(stored) == {"GONE.NS": "delisted since 2026-01-05"}
    assert request(tickers=["GONE.NS"]).left_out(stored) == {}
    with pytest.raises(UsageError, match="1 ticker is left out: stated to be delisted since"):
        every.groups(Stored("GONE.NS"), None, IN_PROCESS)


def test_all_of_nothing_says_how_to_store_some():
    with pytest.raises(UsageError, match="--path FOLDER"):
        request(every=True).groups(Stored(), None, IN_PROCESS)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"ticker": "TCS.NS", "every": True}, "exclude each other"),
        ({"ticker": "TCS.NS", "tickers": ["INFY.NS"]}, "exclude each other"),
        ({"tickers": ["EURUSD=X"]}, "around the clock"),
        ({"ticker": "TCS.NS", "as_of": dt.date(2026, 5, 1)}, "lies in the future"),
        ({"source": SourceRequest(paths=(Path("x"),)), "every": True}, "add --source csv"),
    ],
)
def test_what_cannot_be_done_is_refused_at_once(arguments, words):
    with pytest.raises(UsageError, match=words):
        request(**arguments)
