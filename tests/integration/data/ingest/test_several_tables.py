"""Files of several tables, zip archives and workbooks, are stored as a whole and once."""

import datetime as dt
import zipfile

import polars as pl
import pytest

from src.core.calendars.nse import nse
from src.core.tables import PRICE_REVISIONS, QUARANTINE, RAW_DAILY
from src.data.ingest import stage as ingest
from src.data.sources.files import read_file
from src.data.sources.files.source import FileSource
from tests.support.prices import NOW, context, rows, run
from tests.support.workbooks import workbook

HEADER = ["Date", "Open", "High", "Low", "Close", "Volume"]
TCS, INFY = "TCS.NS", "INFY.NS"


def text(day, price):
    return ",".join(HEADER) + f"\n{day},{price},{price + 1},{price - 1},{price},1000\n"


def put(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "files").mkdir()
    return tmp_path / "files"


@pytest.fixture
def parsed(monkeypatch):
    """The names of the files that are parsed."""
    names = []
    parse = read_file.parse_file

    def noting(content, file, options):
        names.append(file.path.name)
        return parse(content, file, options)

    monkeypatch.setattr(read_file, "parse_file", noting)
    return names


@pytest.fixture
def bring(store, home, folder):
    def bring():
        source = FileSource([folder], calendar=nse(), now=NOW)
        with store.transaction():
            source.identify(store)
            source.recognise(store)
        tickers = tuple(source.tickers())
        return run(ingest.stage(source), context(store, home, tickers=tickers))

    return bring


def closes(store, ticker):
    stored = store.load(RAW_DAILY, [ticker]).sort("date")
    return dict(stored.select(pl.col("date").cast(pl.String), "close").iter_rows())


def test_an_archive_of_several_days_is_stored_once(bring, folder, store, parsed):
    days = {
        "2026/TCS.NS_a.csv": text("2026-04-06", 100),
        "2026/TCS.NS_b.csv": text("2026-04-07", 101),
        "INFY.NS.csv": text("2026-04-06", 50),
        "cover.pdf": "nothing",
    }
    put(folder / "april.zip", days)

    first = bring()
    again = bring()

    assert first.rows == 3
    assert (
        f"{folder}/april.zip: not read: cover.pdf (no price files by their names)."
        in (first.details["notes"])
    )
    assert closes(store, TCS) == {"2026-04-06": 100.0, "2026-04-07": 101.0}
    assert closes(store, INFY) == {"2026-04-06": 50.0}
    assert (again.rows, again.details["repeated"], parsed) == (0, 3, ["april.zip"])


def test_several_sheets_of_a_ticker_are_stored_once(bring, folder, store, parsed):
    def sheet(day, price):
        return [HEADER, [dt.date.fromisoformat(day), price, price + 1, price - 1, price, 1000]]

    book = {"2025": sheet("2025-04-07", 90), "2026": sheet("2026-04-06", 100)}
    workbook(folder / "TCS.NS.xlsx", book)

    bring()
    again = bring()

    assert closes(store, TCS) == {"2025-04-07": 90.0, "2026-04-06": 100.0}
    assert (again.rows, again.details["repeated"], parsed) == (0, 2, ["TCS.NS.xlsx"])


def test_an_archive_beside_the_file_in_it_does_no_harm(bring, folder, store):
    content = text("2026-04-06", 100)
    (folder / "TCS.NS.csv").write_text(content)
    put(folder / "TCS.NS.csv.zip", {"TCS.NS.csv": content})

    report = bring()

    assert report.failures == ()
    assert closes(store, TCS) == {"2026-04-06": 100.0}
    assert rows(store, PRICE_REVISIONS).is_empty()


def test_a_member_that_is_refused_is_told_every_time_and_the_others_are_stored(
    bring, folder, store, parsed
):
    put(folder / "a.zip", {"TCS.NS.csv": text("2026-04-06", 100), "INFY.NS.csv": "<html></html>"})

    first, second = bring(), bring()

    assert closes(store, TCS) == {"2026-04-06": 100.0}
    (failure,) = first.failures
    assert failure.startswith(f"{folder}/a.zip: INFY.NS.csv: it is a web page")
    assert second.failures == first.failures
    assert parsed == ["a.zip", "a.zip"]


def test_an_archive_of_days_of_the_whole_market_is_stored_once(bring, folder, store, parsed):
    def day(date, *prices):
        header = "SYMBOL,SERIES,OPEN,HIGH,LOW,CLOSE,LAST,PREVCLOSE,TOTTRDQTY,TIMESTAMP\n"
        return header + "".join(
            f"{symbol},EQ,{price},{price + 1},{price - 1},{price},{price},0,10,{date}\n"
            for symbol, price in zip(("TCS", "INFY"), prices, strict=True)
        )

    days = {
        "cm06APR2026bhav.csv": day("06-APR-2026", 100, 50),
        "cm07APR2026bhav.csv": day("07-APR-2026", 101, 51),
    }
    put(folder / "april.zip", days)
    put(folder / "cm08APR2026bhav.csv.zip", {"cm08APR2026bhav.csv": day("08-APR-2026", 102, 52)})

    bring()
    again = bring()

    assert closes(store, TCS) == {"2026-04-06": 100, "2026-04-07": 101, "2026-04-08": 102}
    assert closes(store, INFY) == {"2026-04-06": 50, "2026-04-07": 51, "2026-04-08": 52}
    assert (again.rows, parsed) == (0, ["april.zip", "cm08APR2026bhav.csv.zip"])


def test_a_symbol_of_bonds_alone_is_not_listed_and_its_rows_are_kept(bring, folder, store):
    header = "SYMBOL,SERIES,DATE1,OPEN_PRICE,HIGH_PRICE,LOW_PRICE,CLOSE_PRICE,TTL_TRD_QNTY"
    prices = "06-Apr-2026,100,101,99,100,1000"
    lines = [f"TCS,EQ,{prices}", f"INFY,EQ,{prices}", f"1018GS2026,GS,{prices}"]
    (folder / "day.csv").write_text("\n".join([header, *lines]))

    first, again = bring(), bring()

    assert [list(report.counts) for report in (first, again)] == [[INFY, TCS]] * 2
    assert [report.rows for report in (first, again)] == [2, 0]
    assert first.no_shares == again.no_shares == ("1018GS2026.NS",)
    assert (
        "no share, only bonds, blocks or other securities came of 1018GS2026.NS"
        in (first.details["notes"])
    )
    assert rows(store, QUARANTINE, "1018GS2026.NS")["rule"].to_list() == ["other_series"]
