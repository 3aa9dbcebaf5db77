"""NSE's daily files from a server on this machine that has them as the archive has."""

import datetime as dt
import io
import zipfile

import pytest

from src.core.calendars.nse import nse
from src.core.errors import SourceNotAsked, SourceUnavailable
from src.data.sources.nse.archive import Archive
from src.data.sources.nse.source import NseSource
from tests.support.nse_archive import nse_archive, udiff, udiff_path

MONDAY, TUESDAY, WEDNESDAY = (dt.date(2026, 4, day) for day in (6, 7, 8))
EVENING = dt.datetime(2026, 4, 8, 12, 30, tzinfo=dt.UTC)
TCS = ("TCS", "EQ", 100.0, 102.0, 99.0, 101.0, 5000)
OTHERS = [
    ("TCS", "BL", 90.0, 90.0, 90.0, 90.0, 700),
    ("TCS", "N1", 1000.0, 1000.0, 1000.0, 1000.0, 3),
    ("M&M", "EQ", 50.0, 51.0, 49.0, 50.5, 900),
    ("RISKY", "BE", 5.0, 5.2, 4.9, 5.1, 10),
]


@pytest.fixture
def archive():
    with nse_archive() as server:
        for day in (MONDAY, TUESDAY, WEDNESDAY):
            server.publish(day, [TCS, *OTHERS])
        yield server


def make(server, now=EVENING):
    archive = Archive(server.url, sleep=lambda _: None)
    return NseSource(calendar=nse(), now=now, archive=archive)


def days(deliveries):
    return [day for delivery in deliveries for day in delivery.frame["date"].to_list()]


def test_a_session_is_one_request_for_all_tickers(archive):
    source = make(archive)
    found = {
        ticker: source.fetch("daily", ticker, TUESDAY, None)
        for ticker in ("TCS.NS", "M&M.NS", "RISKY.NS", "ABSENT.NS")
    }

    assert archive.requests == [udiff_path(TUESDAY), udiff_path(WEDNESDAY)]
    assert {ticker: days(parts) for ticker, parts in found.items()} == {
        "TCS.NS": [TUESDAY, WEDNESDAY],
        "M&M.NS": [TUESDAY, WEDNESDAY],
        "RISKY.NS": [TUESDAY, WEDNESDAY],
        "ABSENT.NS": [],
    }
    delivery = found["TCS.NS"][1]
    assert delivery.frame.drop("line", "adj_close").rows() == [
        (WEDNESDAY, 100.0, 102.0, 99.0, 101.0, 5000.0)
    ]
    assert (delivery.vendor, delivery.price_basis, delivery.kind) == ("nse", "unadjusted", "daily")
    assert delivery.origin == archive.url + udiff_path(WEDNESDAY)
    assert source.fetch("hourly", "TCS.NS", TUESDAY, None) == []
    # Blocks and bonds of the same symbol are other securities.
    assert set(delivery.rejected["rule"]) == {"other_series"}


def test_before_july_2024_the_full_file_is_read(archive):
    day = dt.date(2024, 7, 5)
    archive.publish(day, [TCS, *OTHERS])
    source = make(archive, now=dt.datetime(2024, 7, 5, 15, tzinfo=dt.UTC))

    (delivery,) = source.fetch("daily", "TCS.NS", day, None)

    assert archive.requests == ["/products/content/sec_bhavdata_full_05072024.csv"]
    assert delivery.frame["close"].to_list() == [101.0]


def test_a_session_that_is_not_there_yet_is_told_once_and_keeps_no_other_back(archive):
    del archive.files[udiff_path(WEDNESDAY)]
    source = make(archive)

    for ticker in ("TCS.NS", "M&M.NS"):
        assert days(source.fetch("daily", ticker, TUESDAY, None)) == [TUESDAY]
    assert source.take_undelivered() == [
        "NSE has not delivered its file of 2026-04-08 yet: the next run asks for it again."
    ]
    assert source.take_undelivered() == []
    assert len(archive.requests) == 2


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda server: setattr(server, "status", 503), r"HTTP 503 Service Unavailable"),
        (lambda server: setattr(server, "status", 403), r"HTTP 403 Forbidden"),
        (lambda server: setattr(server, "patience", 0), r"HTTP 429 Too Many Requests"),
        (lambda server: server.files.update({udiff_path(TUESDAY): b"PK\x03\x04"}), "is damaged"),
        (lambda server: server.files.update({udiff_path(TUESDAY): b"<html>"}), "a web page"),
        (
            lambda server: server.files.update({udiff_path(TUESDAY): udiff(MONDAY, [TCS])}),
            "prices of another day than 2026-04-07",
        ),
    ],
)
def test_after_a_failure_no_other_ticker_asks(archive, spoil, words):
    spoil(archive)
    source = make(archive)

    for ticker in ("TCS.NS", "M&M.NS"):
        with pytest.raises(SourceNotAsked, match=words):
            source.fetch("daily", ticker, TUESDAY, None)
    assert set(archive.requests) == {udiff_path(TUESDAY)}
    assert len(archive.requests) <= 3


def test_an_archive_of_several_files_is_refused(archive):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as several:
        several.writestr("a.csv", "x")
        several.writestr("b.csv", "x")
    archive.files[udiff_path(TUESDAY)] = packed.getvalue()

    with pytest.raises(SourceNotAsked, match="does not have one file"):
        make(archive).fetch("daily", "TCS.NS", TUESDAY, None)


def test_a_server_that_is_down_is_one_sentence(archive):
    source = NseSource(
        calendar=nse(), now=EVENING, archive=Archive("http://127.0.0.1:1", sleep=lambda _: None)
    )
    with pytest.raises(SourceNotAsked, match="NSE did not deliver /content/cm/"):
        source.fetch("daily", "TCS.NS", TUESDAY, None)


@pytest.mark.parametrize(
    ("ticker", "since", "words"),
    [
        ("TCS.BO", TUESDAY, "do not have TCS.BO"),
        ("^NSEI", TUESDAY, "do not have"),
        ("TCS.NS", None, "only continue what is stored"),
        ("TCS.NS", dt.date(2026, 1, 5), "sessions behind"),
    ],
)
def test_what_the_files_cannot_bring_is_not_asked_for(archive, ticker, since, words):
    with pytest.raises(SourceUnavailable, match=words):
        make(archive).fetch("daily", ticker, since, None)
    assert archive.requests == []


def test_real_files_are_read(archive, data):
    """Of the folder of test data, where it has them."""
    folder = data / "files_people_have"
    session = dt.date(2024, 12, 31)
    (file,) = (folder / "01_udiff_bse_nse_same_day").glob("*.csv")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.write(file, file.name)
    archive.files[udiff_path(session)] = packed.getvalue()
    source = make(archive, now=dt.datetime(2024, 12, 31, 14, tzinfo=dt.UTC))

    (delivery,) = source.fetch("daily", "TCS.NS", session, None)

    assert delivery.frame.select("open", "high", "low", "close", "volume").rows() == [
        (4100.0, 4150.0, 4080.0, 4120.0, 1_200_000.0)
    ]
