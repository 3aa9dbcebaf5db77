"""Yahoo asked at the pace of all processes together, against a yahoo that refuses too many."""

import datetime as dt

import psycopg
import pytest

from src.core.errors import SourceNotAsked, SourceUnavailable
from src.core.pace import PaceRules
from src.data.sources.pace import Pace
from src.data.sources.yahoo.source import YahooSource
from src.db.tables.source_pace import SourcePace, source_pauses
from tests.support.yahoo_replay import DISCONNECT, Reply, chart, yahoo_replay

NOW = dt.datetime(2026, 11, 20, 12, 0, tzinfo=dt.UTC)
RULES = PaceRules(
    burst=1000, seconds_per_request=1, longest_wait=30, first_pause=900, longest_pause=3600
)
WEEK = [(NOW - dt.timedelta(days=days), 100.0, 102.0, 98.0, 101.0, 1000) for days in (3, 2, 1)]
TICKERS = [f"S{number:03}.NS" for number in range(100)]


@pytest.fixture
def yahoo():
    with yahoo_replay({ticker: chart(ticker, WEEK) for ticker in TICKERS}) as replay:
        yield replay


@pytest.fixture
def connection(database_url):
    with psycopg.connect(database_url, autocommit=True) as opened:
        yield opened


@pytest.fixture
def make(yahoo, connection):
    """A source as another process would have it; ``waits`` has what it waited for."""

    def source(rules=RULES, sleep=None):
        made = YahooSource(now=NOW, base_url=yahoo.url, sleep=lambda _: None)
        made.waits = []
        made.pace = Pace(
            SourcePace(connection, "yahoo", rules.burst),
            rules,
            "Yahoo",
            on_wait=lambda title, seconds: made.waits.append((title, seconds)),
            sleep=sleep or (lambda _: None),
        )
        return made

    return source


def outcomes(source, tickers):
    found = {}
    for ticker in tickers:
        try:
            source.fetch("daily", ticker, None, None)
            found[ticker] = "fetched"
        except SourceNotAsked as error:
            found[ticker] = str(error)
    return found


def pass_pause(connection):
    connection.execute("UPDATE source_pace SET resumes_at = now()")


def test_after_the_first_refusal_nobody_asks(make, yahoo, connection):
    yahoo.patience = 60
    found = outcomes(make(), TICKERS)

    fetched = [ticker for ticker, outcome in found.items() if outcome == "fetched"]
    assert fetched == TICKERS[:60]
    assert (len(yahoo.chart_requests()), len(yahoo.refused)) == (61, 1)
    sent = len(yahoo.requests)
    (sentence,) = set(found.values()) - {"fetched"}
    assert sentence.startswith(
        "Yahoo refuses requests (HTTP 429 Too Many Requests) and may be asked again at 20"
    )
    # A process that begins afterwards asks for nothing at all.
    assert "fetched" not in outcomes(make(), TICKERS).values()
    assert len(yahoo.requests) == sent


def test_after_the_pause_one_request_tries_and_its_answer_lets_the_others_in(
    make, yahoo, connection
):
    yahoo.patience = 0
    outcomes(make(), TICKERS[:1])
    pass_pause(connection)
    refused_again = outcomes(make(), TICKERS[:5])
    assert "fetched" not in refused_again.values()
    assert source_pauses(connection)["yahoo"].seconds > 1700  # twice as long

    yahoo.patience = None
    pass_pause(connection)
    source = make()
    assert set(outcomes(source, TICKERS[:3]).values()) == {"fetched"}
    assert source_pauses(connection) == {"yahoo": None}
    # After an answer the budget begins at nothing.
    assert [title for title, _ in source.waits] == ["Yahoo", "Yahoo"]


def test_a_short_wait_is_waited_and_a_long_one_is_not(make, yahoo, connection):
    rules = PaceRules(
        burst=4, seconds_per_request=20, longest_wait=30, first_pause=900, longest_pause=3600
    )
    source = make(rules)
    found = outcomes(source, TICKERS[:6])

    # The second request pays for the crumb, too.
    assert list(found.values())[:2] == ["fetched", "fetched"]
    assert len(source.waits) == 1
    last = found[TICKERS[5]]
    assert last.startswith("Yahoo is sent no more requests for now, lest it refuse them, and may")
    assert source_pauses(connection) == {"yahoo": None}


def test_a_refusal_to_another_process_ends_the_turn_that_was_waited_for(make, yahoo, connection):
    slow = PaceRules(
        burst=3, seconds_per_request=9, longest_wait=30, first_pause=900, longest_pause=3600
    )

    def refuse_another(_seconds):
        connection.execute(
            "UPDATE source_pace SET resumes_at = now() + interval '1 h', reason = 'HTTP 999'"
        )

    source = make(slow, sleep=refuse_another)
    found = outcomes(source, TICKERS[:3])
    assert "HTTP 999" in found[TICKERS[2]]
    assert len(yahoo.chart_requests()) == 2


@pytest.mark.parametrize("status", [401, 403, 503])
def test_what_may_be_the_fault_of_one_ticker_is_a_refusal_after_six_in_a_row(
    make, yahoo, connection, status
):
    yahoo.every_reply = Reply(status, "")
    source = make()
    with pytest.raises(SourceUnavailable, match="in 3 attempts"):
        source.fetch("daily", TICKERS[0], None, None)
    assert source_pauses(connection) == {"yahoo": None}
    yahoo.every_reply = None
    source.fetch("daily", TICKERS[1], None, None)
    yahoo.every_reply = Reply(status, "")
    with pytest.raises(SourceUnavailable, match="in 3 attempts"):
        source.fetch("daily", TICKERS[0], None, None)
    assert source_pauses(connection) == {"yahoo": None}

    with pytest.raises(SourceUnavailable):
        source.fetch("daily", TICKERS[2], None, None)
    assert f"HTTP {status}" in source_pauses(connection)["yahoo"].reason


def test_no_answer_is_no_refusal(make, yahoo, connection):
    yahoo.every_reply = DISCONNECT
    with pytest.raises(SourceUnavailable, match="did not answer"):
        make().fetch("daily", TICKERS[0], None, None)
    assert source_pauses(connection) == {"yahoo": None}


def test_a_source_says_itself_how_long_it_wants_to_be_left_alone(make, yahoo, connection):
    yahoo.every_reply = Reply(429, "", headers=(("Retry-After", "7200"),))
    outcomes(make(), TICKERS[:1])
    assert 7100 < source_pauses(connection)["yahoo"].seconds <= 7200
