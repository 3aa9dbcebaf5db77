"""NSE's corporate actions from a server on this machine that answers as NSE's website does."""

import datetime as dt

import pytest

from src.config.settings import Settings
from src.core.calendars.nse import nse
from src.data.sources.nse.source import open_nse
from tests.support.nse_archive import ACTIONS, action, nse_archive

MONDAY, TUESDAY, WEDNESDAY = (dt.date(2026, 4, day) for day in (6, 7, 8))
EVENING = dt.datetime(2026, 4, 8, 12, 30, tzinfo=dt.UTC)
TCS = ("TCS", "EQ", 100.0, 102.0, 99.0, 101.0, 5000)
DIVIDEND = action("TCS", "Interim Dividend - Rs 11 Per Share", "07-Apr-2026")
SPLIT = action(
    "M&M", "Face Value Split (Sub-Division) - From Rs 10/- To Re 1/- Per Share", "20-Mar-2026"
)


@pytest.fixture
def server():
    with nse_archive() as server:
        for day in (MONDAY, TUESDAY, WEDNESDAY):
            server.publish(day, [TCS, ("M&M", "EQ", 50.0, 51.0, 49.0, 50.5, 900)])
        server.actions = [DIVIDEND, SPLIT, action("TCS", "Old", "27-Feb-2026")]
        yield server


@pytest.fixture
def make(server, home):
    def make(now=EVENING):
        settings = Settings(home=home, nse_url=server.url)
        return open_nse(settings, calendar=nse(), now=now, tickers=None)

    return make


def beside(source, ticker, since=TUESDAY):
    (delivery,) = source.fetch("daily", ticker, since, None)
    return list(delivery.listed)


def months(server):
    asked = [target.partition("from_date=")[2][3:10] for target in server.actions_requests]
    server.actions_requests.clear()
    return asked


def test_the_actions_of_this_month_and_the_one_before_are_two_requests_for_all_shares(server, make):
    source = make()
    assert beside(source, "TCS.NS") == [DIVIDEND]
    assert beside(source, "M&M.NS") == [SPLIT]
    assert server.actions_requests == [
        f"{ACTIONS}?index=equities&from_date=01-03-2026&to_date=31-03-2026",
        f"{ACTIONS}?index=equities&from_date=01-04-2026&to_date=30-04-2026",
    ]
    assert source.take_warnings() == []


def test_they_are_kept_and_asked_for_again_after_the_next_session(server, make):
    beside(make(), "TCS.NS")
    assert months(server) == ["03-2026", "04-2026"]
    beside(make(), "TCS.NS")
    assert months(server) == []

    tomorrow = EVENING + dt.timedelta(days=1)
    server.publish(tomorrow.date(), [TCS])
    added = action("TCS", "Special Dividend - Rs 5 Per Share", "09-Apr-2026")
    server.actions.append(added)
    # March is settled by now.
    assert beside(make(tomorrow), "TCS.NS") == [DIVIDEND, added]
    assert months(server) == ["04-2026"]


@pytest.mark.parametrize(
    ("fault", "value", "cause"),
    [
        ("actions_status", 403, "HTTP 403 Forbidden"),
        ("actions_status", 429, "HTTP 429 Too Many Requests"),
        ("actions_status", 404, "HTTP 404 Not Found"),
        ("actions_body", b"<html>Resource not found</html>", "it is no JSON"),
        ("actions_body", b'{"error": "no"}', "it is no list of corporate actions"),
        ("actions_body", b'[{"symbol": "TCS"}]', "a row has no subject"),
    ],
)
def test_where_they_cannot_be_had_prices_come_without_them_and_one_sentence_says_so(
    server, make, fault, value, cause
):
    setattr(server, fault, value)
    source = make()
    assert beside(source, "TCS.NS") == []
    assert beside(source, "M&M.NS") == []
    (told,) = source.take_warnings()
    assert told.startswith("NSE's corporate actions of March 2026 could not be had (")
    assert cause in told
    assert told.endswith("takes the file of NSE's website.")
    assert len(server.actions_requests) <= 2

    setattr(server, fault, None)
    again = make()
    assert beside(again, "TCS.NS") == [DIVIDEND]
    assert again.take_warnings() == []


def test_another_address_has_the_actions_where_one_is_given(server, home):
    with nse_archive() as website:
        website.actions = [action("TCS", "Bonus 1:1", "08-Apr-2026")]
        settings = Settings(home=home, nse_url=server.url, nse_actions_url=website.url)
        source = open_nse(settings, calendar=nse(), now=EVENING, tickers=None)
        assert beside(source, "TCS.NS") == website.actions
        assert (len(website.actions_requests), server.actions_requests) == (2, [])
        assert website.requests == []
