"""The report over a real store: what it says of deliveries, repairs, revisions and lost rows."""

import datetime as dt
import re

import polars as pl
import pytest

from src.core.errors import BadInput
from src.core.tables import CORPORATE_ACTIONS, RAW_DAILY
from src.data.cleaning import stage as cleaning
from src.data.corporate_actions.decisions.manual import entered_row
from src.data.ingest import stage as ingest
from src.data.report.formatting import as_text
from src.data.report.html import render_page, save_page
from src.data.report.row_counts import count_rows
from src.data.report.sections import report_sections
from src.data.report.session import session_sections
from src.data.report.ticker_data import load_ticker_data
from tests.support.prices import (
    NOW,
    TCS,
    StubSource,
    bar,
    checksums,
    context,
    delivery,
    run,
    sessions,
    utc,
)

DAYS = sessions(dt.date(2026, 3, 2), 8)


@pytest.fixture
def ingest_bars(store, home):
    def deliver(*deliveries, clean=True):
        run(ingest.stage(StubSource(list(deliveries))), context(store, home))
        if clean:
            run(cleaning.STAGE, context(store, home))

    return deliver


@pytest.fixture
def load(store, home):
    return lambda: load_ticker_data(context(store, home, write=False))


def text_of(data):
    return as_text(report_sections(data), 200)


def session_text(data, day):
    return as_text(session_sections(data, day), 200)


def bars(days, **bent):
    return [bar(day, 100.0 + i, **bent) for i, day in enumerate(days)]


def from_nse(days, **facts):
    return delivery(bars(days), vendor="nse", origin="nse.csv", **facts)


def test_a_whole_series_is_up_to_date_and_adds_up(ingest_bars, load):
    ingest_bars(delivery(bars(DAYS)))
    text = text_of(load())

    assert "The clean prices are up to date with the raw ones." in text
    assert "Every delivered row is accounted for." in text
    assert "2026-03-02 to 2026-03-12, 8 sessions" in text
    assert re.search(r"ingest +daily +yahoo +8 +8 +0 +0 +holds", text)
    assert re.search(r"cleaning +daily +yahoo +8 +8 +0 +0 +holds", text)


def test_prices_that_were_never_cleaned_are_reported(ingest_bars, load):
    ingest_bars(delivery(bars(DAYS)), clean=False)
    ticker_data = load()

    assert "No clean prices are stored: run the pipeline." in text_of(ticker_data)
    assert "none: the stored clean prices do not have it" in session_text(ticker_data, DAYS[0])


def test_clean_prices_older_than_the_raw_ones_are_named(ingest_bars, load):
    ingest_bars(delivery(bars(DAYS[:7])))
    ingest_bars(delivery(bars(DAYS), fetched_at=NOW + dt.timedelta(hours=1)), clean=False)
    text = text_of(load())

    assert "older than the raw ones: run the pipeline (1 rows differ)." in text
    assert re.search(r"ingest +daily +yahoo +15 +8 +7 +0 +holds", text)
    assert re.search(r"cleaning +daily +yahoo +8 +7 +0 +0 +unknown", text)


def test_a_raw_row_that_was_lost_is_reported(ingest_bars, load, store, home):
    ingest_bars(delivery(bars(DAYS)))
    kept = store.load(RAW_DAILY, [TCS]).filter(pl.col("date") != DAYS[3])
    with store.transaction():
        store.replace(RAW_DAILY, [TCS], kept)
    run(cleaning.STAGE, context(store, home))
    ticker_data = load()

    assert "Rows are unaccounted for" in text_of(ticker_data)
    # stage, kind, source, came, kept, repeated, refused, holds
    assert count_rows(ticker_data).row(0) == ("data_ingest", "daily", "yahoo", 8, 7, 0, 0, False)


def test_a_repaired_price_tells_what_it_is_from_and_what_it_replaced(ingest_bars, load):
    flat = dict.fromkeys(("open", "high", "low"), 104.0)
    with_flat = bars(DAYS)
    with_flat[4] = bar(DAYS[4], 104.0, volume=0.0, **flat)
    ingest_bars(delivery(with_flat), from_nse(DAYS))
    ticker_data = load()

    text = session_text(ticker_data, DAYS[4])
    assert re.search(r"where from +taken from nse \(rule second_source\); batch \d+, fetched", text)
    assert re.search(r"replaced +O 104 H 104 L 104 C 104 V 0 adj 104", text)
    assert "flat_no_trade" in text
    assert re.search(r"2026 +8 +8 +0 +1 +1\n", text_of(ticker_data))
    assert "Rules for hourly bars that refused nothing" in text_of(ticker_data)


def test_a_restated_price_tells_both_values_and_both_batches(ingest_bars, load):
    ingest_bars(delivery(bars(DAYS), fetched_at=utc(2026, 3, 20)))
    restated = bars(DAYS)
    restated[2] |= {"close": 103.0, "adj_close": 103.0}
    restated[3] |= {"close": 103.0002}
    ingest_bars(delivery(restated, fetched_at=utc(2026, 3, 21)))
    ticker_data = load()

    text = session_text(ticker_data, DAYS[2])
    # 102 became 103: 0.980 %.
    assert re.search(r"daily yahoo +close +102 +103 +\+0\.980% +1 → 2 +2026-03-21 12:00:00", text)
    assert "restated in 1 fetches: adj_close, close; 0 changes are noise" in text
    assert re.search(r"first seen +2026-03-20 12:00:00 UTC", text)
    assert text.count("a test") == 3
    assert re.search(r"2026-03-21 +daily yahoo +close +1 +0 +1 +\+0\.980%", text_of(ticker_data))


def test_a_day_without_a_delivered_row_is_named(ingest_bars, load):
    ingest_bars(delivery(bars([*DAYS[:3], *DAYS[4:]])))
    ticker_data = load()

    assert "none: no row was delivered and none filled in" in session_text(ticker_data, DAYS[3])
    assert re.search(r"2026-03-06 +1 +no row delivered", text_of(ticker_data))


def test_a_ticker_with_hourly_bars_only_is_reported(ingest_bars, load):
    ingest_bars(delivery([bar(utc(2026, 3, 2, 4, 45), 100.0)]))
    ticker_data = load()

    assert re.search(r"source +none", text_of(ticker_data))
    assert "<h1>TCS.NS</h1>" in render_page(ticker_data, report_sections(ticker_data))


def test_a_split_is_named_where_it_scales_an_older_price(ingest_bars, load, store, home):
    halved = [bar(day, 200.0 if i < 4 else 101.0) for i, day in enumerate(DAYS)]
    ingest_bars(
        delivery([{**row, "adj_close": None} for row in halved], price_basis="unadjusted"),
        clean=False,
    )
    with store.transaction():
        store.upsert(CORPORATE_ACTIONS, entered_row(TCS, DAYS[4], "split", 2.0, NOW))
    run(cleaning.STAGE, context(store, home))
    ticker_data = load()

    text = session_text(ticker_data, DAYS[0])
    # Tuesday 3 March was Holi: the fifth session is Monday the 9th.
    assert "clean close = 0.5 times the raw close 200; splits and bonuses since: 2026-03-09" in text
    row = r"2026-03-09 +split +2 for 1 +applied +entered, person +person"
    assert re.search(row, text_of(ticker_data))


def test_the_page_is_one_file_and_shows_no_markup_of_others(ingest_bars, load):
    evil = '<script>alert("x")</script>&amp;\x1b[31m.csv'
    ingest_bars(delivery(bars(DAYS), origin=evil))
    ticker_data = load()
    html = render_page(ticker_data, report_sections(ticker_data))

    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;&amp;amp;" in html
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", html)
    assert "default-src 'none'" in html
    assert "\x1b" not in text_of(ticker_data)


def test_a_page_is_written_whole_or_not_at_all(tmp_path):
    save_page(tmp_path / "page.html", "new")

    assert (tmp_path / "page.html").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    for nowhere in (tmp_path / "no" / "page.html", tmp_path):
        with pytest.raises(BadInput, match="cannot be written"):
            save_page(nowhere, "new")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_reading_writes_nothing(ingest_bars, load, database_url):
    ingest_bars(delivery(bars(DAYS)))
    before = checksums(database_url)
    report_sections(load())

    assert checksums(database_url) == before


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("--ticker", "INFY.NS"), 1, "No prices of INFY.NS are stored"),
        (("--ticker", "???"), 2, "is not a ticker"),
        (("--date", "soon"), 2, "soon"),
        (("--date", "2026-03-02", "--html", "page.html"), 2, "not allowed"),
    ],
)
def test_what_cannot_be_reported_is_one_sentence(command, arguments, code, text):
    ran = command("src.data.report", *arguments)

    assert ran.returncode == code
    (sentence,) = ran.stderr.splitlines()
    assert text in sentence


def test_the_command_reports_real_prices_and_writes_the_page(command, data, tmp_path):
    for name in (
        "tcs_daily/yahoo_2026-04-13.csv",
        "tcs_hourly/yahoo_naive_utc_2023_2025.xlsx",
        "tcs_daily/nse_raw_unadjusted_2004_2020.csv",
    ):
        ingest_bars = ("src.data.ingest", "write", "--ticker", TCS, "--source", "csv")
        assert command(*ingest_bars, "--path", data / name).returncode == 0
    assert command("src.data.cleaning", "write", "--ticker", TCS).returncode == 0

    ran = command("src.data.report", "--ticker", TCS, "--html", tmp_path / "page.html")

    assert ran.returncode == 0, ran.stderr
    assert "2004-08-25 to 2026-04-13, 5,360 sessions" in ran.stdout
    assert re.search(r"cleaning +daily +before_listing +531", ran.stdout)
    # 5,874 rows of Yahoo: 531 before the listing, 11 on holidays, one flat.
    assert re.search(r"cleaning +daily +yahoo +5,874 +5,331 +0 +543 +holds", ran.stdout)
    # The newest of the missing ones is the Sunday of the budget of 2026.
    assert re.search(r"2026-02-01 +1 +no row delivered", ran.stdout)
    html = (tmp_path / "page.html").read_text()
    assert html.count("before the instrument was listed") >= 531

    session = command("src.data.report", "--ticker", TCS, "--date", "2004-10-09")
    assert "clean close = 0.125 times the raw close 1,100.65" in session.stdout
