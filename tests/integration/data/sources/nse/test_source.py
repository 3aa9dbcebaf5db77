"""NSE's daily files from a server on this machine that has them as the archive has."""

import datetime as dt
import io
import time
import zipfile

import pytest

from src.core.calendars.nse import nse
from src.core.errors import SourceNotAsked, SourceUnavailable
from src.data.sources.nse.cache import Cache
from src.data.sources.nse.source import NseSource
from src.data.sources.nse.web import Web
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


def make(server, now=EVENING, folder=None, timeout=30.0):
    web = Web(server.url, "", timeout=timeout, sleep=lambda _: None)
    return NseSource(calendar=nse(), now=now, archive=web, cache=Cache(folder))


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
    (delivery,) = found["TCS.NS"]
    assert delivery.frame.drop("line", "adj_close").rows() == [
        (TUESDAY, 100.0, 102.0, 99.0, 101.0, 5000.0),
        (WEDNESDAY, 100.0, 102.0, 99.0, 101.0, 5000.0),
    ]
    assert (delivery.vendor, delivery.price_basis, delivery.kind) == ("nse", "unadjusted", "daily")
    assert delivery.origin == (
        f"{archive.url}{udiff_path(TUESDAY)} to BhavCopy_NSE_CM_0_0_0_20260408_F_0000.csv.zip "
        "(2 files)"
    )
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
    assert source.take_warnings() == [
        "NSE has not delivered its file of 2026-04-08 yet: the next run asks for it again."
    ]
    assert source.take_warnings() == []
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

    with pytest.raises(SourceNotAsked, match="it has 2 tables"):
        make(archive).fetch("daily", "TCS.NS", TUESDAY, None)


def test_a_server_that_is_down_is_one_sentence(archive):
    web = Web("http://127.0.0.1:1", "", sleep=lambda _: None)
    source = NseSource(calendar=nse(), now=EVENING, archive=web, cache=Cache(None))
    with pytest.raises(SourceNotAsked, match="NSE did not deliver /content/cm/") as refused:
        source.fetch("daily", "TCS.NS", TUESDAY, None)
    assert "curl" not in str(refused.value)


@pytest.mark.parametrize(
    ("ticker", "since", "words"),
    [
        ("TCS.BO", TUESDAY, "do not have TCS.BO"),
        ("^NSEI", TUESDAY, "do not have"),
        ("TCS.NS", None, "only continue what is stored"),
        ("TCS.NS", dt.date(2025, 1, 6), "sessions of TCS.NS since 2025-01-06, and are asked"),
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


def test_what_is_on_the_disk_is_not_asked_for(archive, tmp_path):
    make(archive, folder=tmp_path).fetch("daily", "TCS.NS", TUESDAY, None)
    archive.requests.clear()

    (delivery,) = make(archive, folder=tmp_path).fetch("daily", "M&M.NS", TUESDAY, None)

    assert archive.requests == []
    assert delivery.frame["close"].to_list() == [50.5, 50.5]


def test_a_share_sixty_sessions_behind_is_brought_and_one_that_is_gone_costs_nothing(
    archive, tmp_path
):
    past = nse().sessions(dt.date(2026, 1, 8), WEDNESDAY)
    for day in past:
        archive.publish(day, [TCS])
    assert len(past) == 60

    (delivery,) = make(archive, folder=tmp_path).fetch("daily", "TCS.NS", past[0], None)
    assert days([delivery]) == past
    assert archive.requests == [udiff_path(day) for day in past]

    archive.requests.clear()
    assert make(archive, folder=tmp_path).fetch("daily", "GONE.NS", past[0], None) == []
    assert archive.requests == []


def test_a_session_corrected_later_is_delivered_again_and_an_equal_one_is_not(archive, tmp_path):
    (delivery,) = make(archive, folder=tmp_path).fetch("daily", "TCS.NS", MONDAY, None)
    stored = delivery.frame
    thursday = dt.date(2026, 4, 9)
    archive.publish(thursday, [TCS])
    archive.publish(TUESDAY, [("TCS", "EQ", 100.0, 102.0, 99.0, 101.5, 5000)])
    archive.requests.clear()

    later = make(archive, EVENING + dt.timedelta(days=1), tmp_path)
    (corrected,) = later.fetch_new("TCS.NS", MONDAY, None, stored)

    assert archive.requests == [udiff_path(d) for d in (MONDAY, TUESDAY, WEDNESDAY, thursday)]
    assert corrected.frame.select("date", "close").rows() == [(TUESDAY, 101.5), (thursday, 101.0)]
    again = make(archive, EVENING + dt.timedelta(days=1), tmp_path)
    assert again.fetch_new("TCS.NS", MONDAY, None, corrected.frame.vstack(stored)) != []


def test_a_correction_that_is_damaged_leaves_what_was_delivered_and_is_told_once(archive, tmp_path):
    make(archive, folder=tmp_path).fetch("daily", "TCS.NS", MONDAY, None)
    thursday = dt.date(2026, 4, 9)
    archive.publish(thursday, [TCS])
    archive.files[udiff_path(MONDAY)] = archive.files[udiff_path(MONDAY)][:300]

    later = make(archive, EVENING + dt.timedelta(days=1), tmp_path)
    assert days(later.fetch("daily", "TCS.NS", MONDAY, None)) == [
        *(MONDAY, TUESDAY, WEDNESDAY),
        thursday,
    ]
    (told,) = later.take_warnings()
    assert "is damaged" in told
    assert told.endswith("what it delivered before is used.")


def test_while_nse_does_not_answer_what_is_on_the_disk_is_used_and_told_once(archive, tmp_path):
    make(archive, folder=tmp_path).fetch("daily", "TCS.NS", MONDAY, None)
    archive.status = 403
    archive.requests.clear()

    later = make(archive, EVENING + dt.timedelta(days=1), tmp_path)
    assert days(later.fetch("daily", "TCS.NS", MONDAY, WEDNESDAY)) == [MONDAY, TUESDAY, WEDNESDAY]
    with pytest.raises(SourceNotAsked, match="HTTP 403 Forbidden"):
        later.fetch("daily", "TCS.NS", MONDAY, None)
    assert archive.requests == [udiff_path(MONDAY)] * 3
    (told,) = later.take_warnings()
    assert told.endswith("(HTTP 403 Forbidden): what it delivered before is used.")


def test_a_holiday_is_asked_for_a_bounded_number_of_times(archive, tmp_path):
    """NSE did not trade on Wednesday, and the calendar does not know it."""
    del archive.files[udiff_path(WEDNESDAY)]
    sessions = nse().sessions(WEDNESDAY, dt.date(2026, 4, 24))
    for day in sessions[1:]:
        archive.publish(day, [TCS])
    told = []
    for day in sessions:
        for hour in (12, 13, 14):
            now = dt.datetime.combine(day, dt.time(hour), dt.UTC)
            source = make(archive, now, tmp_path)
            source.fetch("daily", "TCS.NS", WEDNESDAY, None)
            told += [(day, each) for each in source.take_warnings()]

    # Each run of that evening, and once after each of three sessions.
    assert archive.requests.count(udiff_path(WEDNESDAY)) == 6
    assert [day for day, _ in told] == [WEDNESDAY] * 3 + sessions[1:4]
    assert told[-1][1] == (
        "NSE has no file of 2026-04-08, 3 sessions later, and is asked for it no more: bring in "
        "that session by --source yahoo or from a file."
    )


@pytest.mark.parametrize("fault", ["hangs", "drips", "cut"])
def test_an_answer_that_does_not_end_is_given_up_and_had_by_the_next_run(archive, tmp_path, fault):
    setattr(archive, fault, True)
    began = time.monotonic()
    with pytest.raises(SourceNotAsked, match="NSE did not deliver /content/cm/"):
        make(archive, folder=tmp_path, timeout=0.5).fetch("daily", "TCS.NS", WEDNESDAY, None)
    assert time.monotonic() - began < 10
    assert len(archive.requests) == 3
    assert list(tmp_path.iterdir()) == []

    setattr(archive, fault, False)
    assert days(make(archive, folder=tmp_path).fetch("daily", "TCS.NS", WEDNESDAY, None)) == [
        WEDNESDAY
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (udiff(WEDNESDAY, [TCS])[:-30], "its zip data is damaged"),
        (b"<html><body>Scheduled maintenance</body></html>", "it is a web page"),
        (udiff(TUESDAY, [TCS]), "prices of another day than 2026-04-08"),
        (b"", "it is empty"),
        (udiff(WEDNESDAY, [TCS], exchange="BSE"), "prices of another exchange"),
        (udiff(WEDNESDAY, [TCS], segment="FO"), "segment FO"),
    ],
)
def test_what_is_no_file_of_the_session_is_refused_and_not_kept(archive, tmp_path, content, words):
    archive.files[udiff_path(WEDNESDAY)] = content
    with pytest.raises(SourceNotAsked, match=words):
        make(archive, folder=tmp_path).fetch("daily", "TCS.NS", WEDNESDAY, None)
    assert list(tmp_path.iterdir()) == []

    archive.publish(WEDNESDAY, [TCS])
    assert make(archive, folder=tmp_path).fetch("daily", "TCS.NS", WEDNESDAY, None) != []


def test_a_file_that_was_damaged_on_the_disk_is_asked_for_again(archive, tmp_path):
    make(archive, folder=tmp_path).fetch("daily", "TCS.NS", WEDNESDAY, None)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:200])
    archive.requests.clear()

    assert make(archive, folder=tmp_path).fetch("daily", "TCS.NS", WEDNESDAY, None) != []
    assert archive.requests == [udiff_path(WEDNESDAY)]


def test_a_disk_that_cannot_be_written_is_told_once_and_changes_nothing(archive, tmp_path):
    (tmp_path / "file").touch()
    source = make(archive, folder=tmp_path / "file")

    assert days(source.fetch("daily", "TCS.NS", MONDAY, None)) == [MONDAY, TUESDAY, WEDNESDAY]
    assert source.take_warnings() == [
        f"NSE's files cannot be kept in {tmp_path / 'file'} (File exists): each run asks for "
        "them again."
    ]
    assert source.take_warnings() == []
