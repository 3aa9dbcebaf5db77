"""YahooSource against a server on this machine that answers in Yahoo's own form."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import polars as pl
import pytest

from src.core.errors import BadInput, SourceNotAsked, SourceUnavailable
from src.data.sources.yahoo.source import YahooSource
from tests.support.yahoo_replay import (
    DISCONNECT,
    EMPTY,
    HANG,
    UNKNOWN,
    Reply,
    chart,
    recorded_answers,
    yahoo_replay,
)

NOW = dt.datetime(2026, 11, 20, 12, 0, tzinfo=dt.UTC)
REPOSITORY = Path(__file__).resolve().parents[5]


def at(year, month, day, hour=3, minute=45):
    return dt.datetime(year, month, day, hour, minute, tzinfo=dt.UTC)


WEEK = [
    (at(2026, 11, 17), 3100.0, 3150.0, 3090.0, 3140.0, 2_000_000, 3130.5),
    (at(2026, 11, 18), 3140.0, 3160.0, 3120.0, 3125.0, 1_800_000, 3115.5),
    (at(2026, 11, 19), 3120.0, 3130.0, 3080.0, 3085.0, 2_500_000, 3085.0),
    (at(2026, 11, 20), 3090.0, 3111.0, 3085.0, 3101.5, 900_000, 3101.5),
]


@pytest.fixture
def server():
    with yahoo_replay({"TCS.NS": chart("TCS.NS", WEEK)}) as replay:
        yield replay


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def source(server, pauses):
    return YahooSource(now=NOW, base_url=server.url, sleep=pauses.append)


def one(deliveries):
    (delivery,) = deliveries
    return delivery


def daily(source, since=None, until=None, ticker="TCS.NS"):
    return one(source.fetch("daily", ticker, since, until))


# --- a good answer


def test_delivers_what_yahoo_answered(source):
    delivery = daily(source)

    assert delivery.frame.rows() == [
        (line, stamp.date(), opened, high, low, close, float(volume), adjusted)
        for line, (stamp, opened, high, low, close, volume, adjusted) in enumerate(WEEK, 1)
    ]
    assert delivery.frame.schema == {
        "line": pl.Int64,
        "date": pl.Date,
        **dict.fromkeys(["open", "high", "low", "close", "volume", "adj_close"], pl.Float64),
    }


def test_says_where_and_when_it_was_fetched(source, server):
    delivery = daily(source)

    assert (delivery.vendor, delivery.layout, delivery.price_basis) == (
        "yahoo",
        "yahoo_api",
        "split",
    )
    assert (delivery.fetched_at, delivery.fetched_at_stated) == (NOW, True)
    assert delivery.origin == f"{server.url}/v8/finance/chart/TCS.NS"
    assert delivery.rejected.is_empty()


def test_the_hash_follows_the_content(source, server):
    first, again = daily(source).content_hash, daily(source).content_hash
    server.charts["TCS.NS"] = chart("TCS.NS", [*WEEK[:-1], (*WEEK[-1][:4], 3101.55, 900_000)])

    assert first == again
    assert daily(source).content_hash != first


def test_since_and_until_are_honoured(source, server):
    dates = daily(source, dt.date(2026, 11, 18), dt.date(2026, 11, 19)).frame["date"].to_list()
    query = parse_qs(urlsplit(server.chart_requests()[-1]).query)

    assert dates == [dt.date(2026, 11, 18), dt.date(2026, 11, 19)]
    assert int(query["period1"][0]) == at(2026, 11, 17, 0, 0).timestamp()
    # up to now, whatever was requested: a split of today divides the dividends of all days before
    assert int(query["period2"][0]) == at(2026, 11, 23, 0, 0).timestamp()


def test_asks_for_prices_with_splits_and_dividends(source, server):
    daily(source)
    query = parse_qs(urlsplit(server.chart_requests()[-1]).query)

    assert query["interval"] == ["1d"]
    assert {"div", "splits"} <= set(query["events"][0].split(","))


def test_a_range_that_ends_before_it_starts_asks_nothing(source, server):
    assert source.fetch("daily", "TCS.NS", dt.date(2026, 11, 20), dt.date(2026, 11, 19)) == []
    assert server.requests == []


def test_the_date_is_the_exchanges_own(source, server):
    late = [(at(2026, 11, 18, 23, 0), 1.0, 2.0, 1.0, 2.0, 5)]
    server.charts["X.AX"] = chart("X.AX", late, zone="Australia/Sydney")

    assert daily(source, ticker="X.AX").frame["date"].to_list() == [dt.date(2026, 11, 19)]


@pytest.mark.parametrize("ticker", ["M&M.NS", "BAJAJ-AUTO.NS", "^NSEI", "INR=X"])
def test_unusual_tickers_arrive_whole(source, server, ticker):
    server.charts[ticker] = chart(ticker, WEEK)

    assert daily(source, ticker=ticker).ticker == ticker


def test_splits_and_dividends_are_read_as_yahoo_states_them(source, server):
    server.charts["TCS.NS"] = chart(
        "TCS.NS",
        WEEK,
        splits={at(2026, 11, 18): (2, 1)},
        dividends={at(2026, 11, 19): 11.0},
    )

    assert daily(source).actions.rows() == [
        (dt.date(2026, 11, 18), "split", 2.0, None),
        (dt.date(2026, 11, 19), "dividend", None, 11.0),
    ]
    assert daily(source).frame["close"].to_list() == [row[4] for row in WEEK]


def test_no_actions_are_an_empty_frame(source):
    assert daily(source).actions.is_empty()


def test_the_bars_bring_their_actions_in_the_same_answer(source, server):
    server.charts["TCS.NS"] = chart(
        "TCS.NS",
        WEEK,
        splits={at(2026, 11, 20): (2, 1)},
        dividends={at(2026, 11, 18): 11.0, at(2026, 11, 9): 5.0},
    )

    delivery = daily(source, dt.date(2026, 11, 17), dt.date(2026, 11, 18))

    # The split of the 20th is outside the range requested, but the 11.0 is divided by it.
    assert delivery.actions.rows() == [
        (dt.date(2026, 11, 18), "dividend", None, 11.0),
        (dt.date(2026, 11, 20), "split", 2.0, None),
    ]
    assert [day.day for day in delivery.frame["date"]] == [17, 18]
    assert len(server.chart_requests()) == 1


def test_bars_without_actions_say_that_there_were_none(source):
    assert daily(source).actions.is_empty()


def test_hourly_bars_say_nothing_of_actions(source, server):
    server.charts["TCS.NS", "1h"] = chart(
        "TCS.NS", WEEK, interval="1h", dividends={at(2026, 11, 18): 11.0}
    )

    assert one(source.fetch("hourly", "TCS.NS", dt.date(2026, 11, 1), None)).actions is None


def test_actions_that_cannot_be_read_are_noted_and_cost_no_bar(source, server):
    answer = chart("TCS.NS", WEEK, splits={at(2026, 11, 18): (2, 0)})
    server.charts["TCS.NS"] = answer

    delivery = daily(source)

    assert (len(delivery.frame), delivery.actions) == (4, None)
    assert delivery.notes == (
        "Yahoo's splits and dividends of TCS.NS cannot be read (ZeroDivisionError: division by "
        "zero)",
    )


# --- what an answer may hold


def test_a_row_of_nulls_is_kept_as_delivered(source, server):
    nulls = (at(2026, 11, 20), None, None, None, None, None, None)
    server.charts["TCS.NS"] = chart("TCS.NS", [*WEEK[:-1], nulls])

    assert daily(source).frame.row(-1) == (4, dt.date(2026, 11, 20), *[None] * 6)


def test_a_missing_volume_stays_missing(source, server):
    no_volume = (*WEEK[-1][:5], None, WEEK[-1][6])
    server.charts["TCS.NS"] = chart("TCS.NS", [*WEEK[:-1], no_volume])

    assert daily(source).frame["volume"][-1] is None


def test_of_a_last_day_delivered_twice_the_live_quote_is_kept(source, server):
    live = (at(2026, 11, 20, 9, 59), 3090.0, 3115.0, 3085.0, 3110.0, 1_400_000, 3110.0)
    server.charts["TCS.NS"] = chart("TCS.NS", [*WEEK, live])

    delivery = daily(source)
    assert delivery.frame.row(-1, named=True)["close"] == 3110.0
    rejected = delivery.rejected.row(0, named=True)
    assert (rejected["line"], rejected["at"]) == (4, "2026-11-20")
    assert rejected["rule"] == "duplicate_conflicting"
    assert json.loads(rejected["row"])["close"] == 3101.5


def test_a_day_delivered_twice_with_equal_values_is_rejected_once(source, server):
    server.charts["TCS.NS"] = chart("TCS.NS", [*WEEK, WEEK[-1]])

    delivery = daily(source)
    assert delivery.rejected["rule"].to_list() == ["duplicate_identical"]
    assert delivery.frame["line"].to_list() == [1, 2, 3, 5]


def test_the_order_of_delivery_is_kept(source, server):
    server.charts["TCS.NS"] = chart("TCS.NS", [WEEK[1], WEEK[0], WEEK[2]])

    assert [day.day for day in daily(source).frame["date"]] == [18, 17, 19]


def test_an_answer_without_adjusted_closes_has_none(source, server):
    answer = chart("TCS.NS", WEEK)
    del answer["chart"]["result"][0]["indicators"]["adjclose"]
    server.charts["TCS.NS"] = answer

    assert daily(source).frame["adj_close"].null_count() == 4


# --- hours


def test_hours_are_utc_starts_of_bars(source, server):
    bars = [
        (at(2026, 11, 20, 3, 45), 1.0, 2.0, 1.0, 2.0, 0),
        (at(2026, 11, 20, 4, 45), 2.0, 3.0, 2.0, 3.0, 7),
    ]
    server.charts["TCS.NS", "1h"] = chart("TCS.NS", bars, interval="1h")

    delivery = one(source.fetch("hourly", "TCS.NS", dt.date(2026, 11, 1), None))
    assert delivery.frame["ts"].to_list() == [bars[0][0], bars[1][0]]
    assert delivery.frame.columns == ["line", "ts", "open", "high", "low", "close", "volume"]
    assert (delivery.kind, delivery.notes) == ("hourly", ())


def test_hours_before_yahoos_reach_are_clipped_and_noted(source, server):
    server.charts["TCS.NS", "1h"] = chart("TCS.NS", WEEK, interval="1h")

    delivery = one(source.fetch("hourly", "TCS.NS", dt.date(2020, 1, 1), None))
    query = parse_qs(urlsplit(server.chart_requests()[-1]).query)
    assert int(query["period1"][0]) > (NOW - dt.timedelta(days=730)).timestamp()
    assert "730 days" in delivery.notes[0]


def test_hours_wholly_before_yahoos_history_are_not_requested(source, server):
    with pytest.raises(SourceUnavailable, match="730 days"):
        source.fetch("hourly", "TCS.NS", None, dt.date(2020, 1, 1))
    assert server.requests == []


# --- what can go wrong


def test_an_unknown_ticker_is_refused_at_once(source, pauses):
    with pytest.raises(BadInput, match=r"not know the ticker TCSS\.NS .*written like TCS\.NS"):
        daily(source, ticker="TCSS.NS")
    assert pauses == []


def test_an_unknown_ticker_may_come_with_status_200(source, server):
    server.charts["TCSS.NS"] = UNKNOWN

    with pytest.raises(BadInput, match="symbol may be delisted"):
        daily(source, ticker="TCSS.NS")


def test_another_symbol_inside_is_refused(source, server):
    server.charts["TCS.NS"] = chart("TCS.BO", WEEK)

    with pytest.raises(BadInput, match=r"returned TCS\.BO instead of TCS\.NS"):
        daily(source)


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (Reply(500, "<html>oops</html>"), "HTTP 500 Internal Server Error"),
        (Reply(502, ""), "HTTP 502 Bad Gateway"),
        (Reply(200, "<html>Will be right back</html>"), "the answer is not a chart"),
        (Reply(200, '{"chart": {"result": [{"meta": '), "the answer is not a chart"),
        (Reply(200, ""), "the answer is not a chart"),
        (Reply(200, "[1, 2]"), "the answer is not a chart"),
        (DISCONNECT, "Empty reply from server"),
    ],
)
def test_a_failure_is_one_sentence_after_three_attempts(source, server, pauses, reply, cause):
    server.every_reply = reply

    with pytest.raises(SourceUnavailable) as caught:
        daily(source)
    assert str(caught.value) == (
        f"Yahoo did not answer for TCS.NS in 3 attempts ({cause}): "
        "try again later, or read the prices from a file"
    )
    assert pauses == [0.5, 1.0]


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (Reply(429, "Too Many Requests\r\n"), "HTTP 429 Too Many Requests"),
        (Reply(999, ""), "HTTP 999"),
    ],
)
def test_after_a_refusal_nothing_more_is_sent(source, server, pauses, reply, cause):
    server.chart_replies = [reply, reply]

    with pytest.raises(SourceUnavailable) as caught:
        daily(source)
    assert str(caught.value) == (
        f"Yahoo refuses requests ({cause}): try again later, or read the prices from a file"
    )
    assert (len(server.chart_requests()), pauses) == (1, [])


def test_after_three_tickers_without_an_answer_the_others_are_not_asked_for(server, pauses):
    server.every_reply = DISCONNECT
    source = YahooSource(now=NOW, base_url=server.url, sleep=pauses.append)
    for ticker in ("A.NS", "B.NS", "C.NS"):
        with pytest.raises(SourceUnavailable, match=f"did not answer for {ticker}"):
            daily(source, ticker=ticker)
    sent = len(server.requests)

    with pytest.raises(SourceNotAsked, match="has not answered for 3 tickers"):
        daily(source)
    assert len(server.requests) == sent


@pytest.mark.parametrize("reply", [Reply(200, "garbage"), DISCONNECT])
def test_a_failure_that_passes_is_forgotten(source, server, pauses, reply):
    server.chart_replies = [reply, reply]

    assert len(daily(source).frame) == 4
    assert len(pauses) == 2


def test_a_hang_ends_after_the_timeout_of_each_attempt(server):
    server.every_reply = HANG
    source = YahooSource(now=NOW, base_url=server.url, timeout=0.5, attempts=2)
    started = time.monotonic()

    with pytest.raises(SourceUnavailable, match=r"in 2 attempts \(no answer within 0\.5 seconds\)"):
        daily(source)
    assert 0.9 < time.monotonic() - started < 2.5


def test_prices_come_although_the_cookie_host_hangs(server):
    whole = server.reply_to

    def only_charts(target):
        return (
            whole(target)
            if target.startswith("/v8/")
            else (server.requests.append(target), HANG)[1]
        )

    server.reply_to = only_charts
    source = YahooSource(now=NOW, base_url=server.url, timeout=2, attempts=1)

    assert len(daily(source).frame) == 4


def test_a_server_that_is_down_fails_fast(server, pauses):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    source = YahooSource(now=NOW, base_url=url, sleep=pauses.append)
    daily(YahooSource(now=NOW, base_url=server.url))  # not to time the imports
    started = time.monotonic()

    with pytest.raises(SourceUnavailable, match="Could not connect to server"):
        daily(source)
    assert time.monotonic() - started < 1


def test_a_name_that_does_not_resolve_is_named(pauses):
    source = YahooSource(now=NOW, base_url="http://yahoo.invalid", sleep=pauses.append)

    with pytest.raises(SourceUnavailable, match=r"yahoo\.invalid"):
        daily(source)


@pytest.mark.parametrize(
    "answer",
    [EMPTY, {"chart": {"result": None, "error": None}}, chart("TCS.NS", [])],
    ids=["no result", "null result", "no timestamps"],
)
def test_an_answer_without_prices_is_an_error_at_once(source, server, pauses, answer):
    server.charts["TCS.NS"] = answer

    with pytest.raises(SourceUnavailable, match=r"TCS\.NS"):
        daily(source)
    assert pauses == []


def test_yahoos_own_reason_is_passed_on(source, server, pauses):
    reason = "Data doesn't exist for startDate = 1, endDate = 2"
    error = {"chart": {"result": None, "error": {"code": "Bad Request", "description": reason}}}
    server.chart_replies = [Reply(400, error)] * 2

    with pytest.raises(SourceUnavailable, match=reason):
        daily(source)
    assert pauses == []


@pytest.mark.parametrize(
    "bend",
    [
        lambda result: result.pop("indicators"),
        lambda result: result.pop("meta"),
        lambda result: result["timestamp"].append(None),
        lambda result: result["timestamp"].pop(),
        lambda result: result["meta"].update(exchangeTimezoneName="Mars/Olympus"),
        lambda result: result["indicators"]["quote"][0]["close"].__setitem__(0, {"raw": 1}),
        lambda result: result["indicators"].update(quote="none"),
    ],
)
def test_an_answer_in_another_form_is_one_sentence(source, server, bend):
    answer = chart("TCS.NS", WEEK)
    bend(answer["chart"]["result"][0])
    server.charts["TCS.NS"] = answer

    with pytest.raises(SourceUnavailable, match=r"answer for TCS\.NS cannot be read"):
        daily(source)


# --- nothing leaves this machine, nothing is left behind


WATCHED = """
import datetime as dt, sys
import curl_cffi
from curl_cffi import CurlOpt
given, setopt = [], curl_cffi.Curl.setopt
def watched(self, option, value, **more):
    if option == CurlOpt.URL:
        given.append(value.decode())
    return setopt(self, option, value, **more)
curl_cffi.Curl.setopt = watched
sys.addaudithook(lambda event, args: event in ("socket.connect", "socket.getaddrinfo")
                 and given.append(f"python: {{event}} {{args}}"))
from src.core.errors import ForecastError
from src.data.sources.yahoo.source import YahooSource
source = YahooSource(now=dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC), base_url={url!r},
                     sleep=lambda seconds: None)
try:
    source.fetch("daily", "TCS.NS", None, None)
except ForecastError as error:
    print(type(error).__name__, file=sys.stderr)
print("\\n".join(given))
"""


@pytest.mark.parametrize(
    ("every", "outcome"), [(None, ""), (Reply(429, "Too Many Requests"), "SourceUnavailable\n")]
)
def test_every_address_that_curl_is_given_is_the_servers(server, every, outcome):
    """Watched where yfinance hands over to curl; the proxies lead nowhere and must not be used."""
    server.every_reply = every
    done = run(
        WATCHED.format(url=server.url),
        http_proxy="http://127.0.0.1:9",
        ALL_PROXY="http://127.0.0.1:9",
    )

    given = done.stdout.split()
    assert (done.returncode, done.stderr) == (0, outcome)
    assert [address for address in given if not address.startswith(server.url + "/")] == []
    assert [address.removeprefix(server.url) for address in given] == server.requests
    assert {urlsplit(target).path for target in server.requests} >= {
        "/",
        "/v1/test/getcrumb",
        "/v8/finance/chart/TCS.NS",
    }


def test_a_redirect_to_another_server_is_not_followed(source, server):
    with yahoo_replay() as elsewhere:
        server.every_reply = Reply(
            302, "moved", location=elsewhere.url + "/v8/finance/chart/TCS.NS"
        )

        with pytest.raises(SourceUnavailable, match="not a chart"):
            daily(source)
        assert elsewhere.requests == []


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env=os.environ | environment,
        check=False,
    )


FAILING = """
import datetime as dt, logging, pathlib
logging.basicConfig()
from src.core.errors import ForecastError
from src.data.sources.yahoo.source import YahooSource
source = YahooSource(now=dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC), base_url={url!r},
                     cache_dir={cache}, sleep=lambda seconds: None)
try:
    source.fetch("daily", "TCS.NS", None, None)
except ForecastError as error:
    print(type(error).__name__)
"""


def test_yfinance_writes_neither_to_the_terminal_nor_into_the_home(server, tmp_path):
    server.every_reply = Reply(429, "Too Many Requests")
    done = run(FAILING.format(url=server.url, cache=None), HOME=str(tmp_path))

    assert (done.stdout, done.stderr) == ("SourceUnavailable\n", "")
    assert list(tmp_path.rglob("*yfinance*")) == []


def test_yfinance_keeps_its_cache_in_the_given_folder(server, tmp_path):
    home, cache = tmp_path / "home", tmp_path / "var" / "cache"
    home.mkdir()
    code = FAILING.format(url=server.url, cache=f"pathlib.Path({str(cache)!r})")
    done = run(code, HOME=str(home))

    assert done.stderr == ""
    assert (cache / "cookies.db").is_file()
    assert list(home.rglob("*")) == []


def test_a_cache_that_cannot_be_written_does_not_matter(server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    source = YahooSource(now=NOW, base_url=server.url, cache_dir=tmp_path / "file" / "cache")

    assert len(daily(source).frame) == 4


def test_what_yfinance_logs_is_ours_at_debug(source, server, caplog):
    server.every_reply = Reply(429, "Too Many Requests")

    with caplog.at_level(logging.DEBUG), pytest.raises(SourceUnavailable):
        daily(source)
    records = [record for record in caplog.records if "yfinance:" in record.getMessage()]
    assert records
    assert {record.levelno for record in records} == {logging.DEBUG}


def test_importing_the_source_loads_nothing_heavy():
    heavy = {"yfinance", "pandas", "polars", "numpy", "curl_cffi"}
    code = f"import sys, src.data.sources.yahoo.source; print(sorted({heavy} & set(sys.modules)))"

    assert run(code).stdout == "[]\n"


# --- recorded answers

RECORDED = recorded_answers()
needs_recordings = pytest.mark.skipif(
    not RECORDED, reason="no recorded answers: set FORECAST_TEST_DATA to the folder of test data"
)


def recorded(name):
    answer = RECORDED[name]["response"]["bodyJson"]
    return answer["chart"]["result"][0]["meta"]["symbol"], answer


@needs_recordings
@pytest.mark.parametrize(
    "name",
    [
        name
        for name, recording in RECORDED.items()
        if recording["response"]["bodyJson"]["chart"]["result"][0].get("timestamp")
    ],
)
def test_a_recorded_answer_is_delivered_value_for_value(source, server, name):
    ticker, answer = recorded(name)
    server.charts[ticker] = answer
    delivery = daily(source, ticker=ticker)

    result = answer["chart"]["result"][0]
    quote = result["indicators"]["quote"][0]
    assert len(delivery.frame) + len(delivery.rejected) == len(result["timestamp"])
    kept = [line - 1 for line in delivery.frame["line"]]
    for column in ("open", "high", "low", "close", "volume"):
        assert delivery.frame[column].to_list() == [quote[column][place] for place in kept]


@needs_recordings
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("chart-notimestamp-weird-quote.fake.json", "daily"),
        ("chart-TSLA-2025-01-01-to-2025-01-02-interval-1h.fake.json", "hourly"),
    ],
)
def test_a_recorded_answer_without_timestamps_has_no_prices(source, server, name, kind):
    ticker, answer = recorded(name)
    server.charts[ticker] = answer

    with pytest.raises(SourceUnavailable, match=f"knows {ticker} but has no"):
        source.fetch(kind, ticker, None, None)


@needs_recordings
def test_recorded_actions_are_read(source, server):
    ticker, answer = recorded("chart-AAPL-2020-08-31-to-2020-11-07.json")
    server.charts[ticker] = answer

    assert daily(source, ticker=ticker).actions.rows() == [
        (dt.date(2020, 8, 31), "split", 4.0, None),
        (dt.date(2020, 11, 6), "dividend", None, 0.205),
    ]
