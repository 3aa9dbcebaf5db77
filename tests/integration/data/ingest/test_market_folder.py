"""A folder of daily files of the whole market: one delivery a share, and what becomes of it."""

import datetime as dt

import pytest

from src.core.calendars.nse import nse
from src.core.tables import (
    BATCH_CONTENTS,
    INGEST_BATCHES,
    PRICE_REVISIONS,
    QUARANTINE,
    RAW_DAILY,
)
from src.data.history import as_known
from src.data.history.deliveries import unpack
from src.data.ingest import stage as ingest
from src.data.ingest.withdraw import withdraw
from src.data.sources.files import read_file
from src.data.sources.files.source import FileSource
from tests.support.prices import context, run, sessions

SHARES, COUNT = 300, 12
# From Monday 2 March on; the 3rd was a holiday.
DAYS = sessions(dt.date(2026, 3, 2), COUNT + 1)
HEADER = (
    "SYMBOL, SERIES, DATE1, PREV_CLOSE, OPEN_PRICE, HIGH_PRICE, LOW_PRICE, LAST_PRICE, "
    "CLOSE_PRICE, AVG_PRICE, TTL_TRD_QNTY, TURNOVER_LACS, NO_OF_TRADES, DELIV_QTY, DELIV_PER\n"
)
NOW = dt.datetime(2026, 3, 20, 12, 0, tzinfo=dt.UTC)


def symbol(number):
    return f"SHARE{number:03}"


def close(number, place):
    """100 rupees and a step that differs from share to share and day to day."""
    return 100.0 + number + ((number * 7 + place * place * 3) % 11) / 4


def line(name, series, day, price):
    prices = f"{price - 1:.2f}, {price - 0.5:.2f}, {price + 1:.2f}, {price - 1:.2f}"
    return (
        f"{name}, {series}, {day:%d-%b-%Y}, {prices}, {price:.2f}, {price:.2f}, {price:.2f}, "
        "1000, 1.00, 10, 500, 50.00\n"
    )


def day_text(place, *, corrected=()):
    """All shares of a day; 299 is listed on the sixth, and every tenth has a bond as well."""
    day, lines = DAYS[place], []
    for number in range(SHARES):
        if number == 299 and place < 5:
            continue
        price = close(number, place) + (5 if number in corrected else 0)
        lines.append(line(symbol(number), "EQ", day, price))
        if number % 10 == 0:
            lines.append(line(symbol(number), "N1", day, 1000))
    return HEADER + "".join(lines)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    for place in range(COUNT):
        name = f"sec_bhavdata_full_{DAYS[place]:%d%m%Y}.csv"
        (folder / name).write_text(day_text(place))
    return folder


@pytest.fixture
def bring(store, home, folder):
    def bring(now=NOW, **facts):
        source = FileSource([folder], calendar=nse(), now=now, **facts)
        with store.transaction():
            source.recognise(store)
        tickers = tuple(facts.get("tickers") or source.tickers())
        return run(ingest.stage(source), context(store, home, tickers=tickers, now=now))

    return bring


@pytest.fixture
def parsed(monkeypatch):
    names = []
    parse = read_file.parse_file

    def noting(content, file, options):
        names.append(file.path.name)
        return parse(content, file, options)

    monkeypatch.setattr(read_file, "parse_file", noting)
    return names


def everything(store, table):
    return store.load(table, store.tickers())


def of_share(store, number, table=RAW_DAILY):
    return store.load(table, [f"{symbol(number)}.NS"])


def test_each_share_is_one_delivery_with_all_its_days(store, bring):
    report = bring()

    assert report.failures == ()
    raw = everything(store, RAW_DAILY)
    # 300 shares on 12 days, but for the five that the last one was not listed on.
    assert raw.height == 300 * 12 - 5
    batches = everything(store, INGEST_BATCHES)
    assert batches.height == 300
    assert of_share(store, 7)["close"].to_list() == [close(7, place) for place in range(COUNT)]
    assert of_share(store, 7).row(0, named=True)["volume"] == 1000
    assert of_share(store, 299)["date"].to_list() == DAYS[5:COUNT]
    (batch,) = of_share(store, 7, INGEST_BATCHES).rows(named=True)
    assert (batch["source"], batch["price_basis"], batch["rows_delivered"]) == (
        "nse",
        "unadjusted",
        12,
    )
    assert batch["origin"].endswith(
        "files/sec_bhavdata_full_02032026.csv to sec_bhavdata_full_18032026.csv (12 files)"
    )


def test_no_row_is_lost_and_a_rejected_one_says_of_which_file_it_is(store, bring):
    report = bring()

    delivered = 300 * 12 - 5 + 30 * 12
    assert report.details["delivered"] == delivered
    quarantine = everything(store, QUARANTINE)
    assert everything(store, RAW_DAILY).height + quarantine.height == delivered
    of_first = of_share(store, 0, QUARANTINE).sort("line")
    assert of_first.height == 12
    assert of_first["rule"].unique().to_list() == ["other_series"]
    # The bond is on the second row of each file.
    assert "(row 2 of sec_bhavdata_full_04032026.csv)" in of_first["reason"][1]
    assert '"SERIES": "N1"' in of_first["row"][1]
    # Lines count on over the files, of which the first five have 329 rows each.
    assert of_first["line"].to_list()[:3] == [2, 329 + 2, 2 * 329 + 2]


def test_a_folder_brought_again_is_passed_over(store, bring, parsed):
    bring()
    before = everything(store, RAW_DAILY)
    parsed.clear()

    report = bring(NOW + dt.timedelta(days=1))

    assert parsed == []
    assert (report.rows, report.details["repeated"]) == (0, 300)
    assert report.details["delivered"] == 300 * 12 - 5 + 30 * 12
    assert everything(store, RAW_DAILY).equals(before)


def test_one_more_day_costs_one_file(store, bring, folder, parsed):
    bring()
    parsed.clear()
    name = f"sec_bhavdata_full_{DAYS[COUNT]:%d%m%Y}.csv"
    (folder / name).write_text(day_text(COUNT))

    report = bring(NOW + dt.timedelta(days=1))

    assert parsed == [name]
    assert report.rows == 300
    assert of_share(store, 7)["close"].to_list() == [close(7, place) for place in range(COUNT + 1)]
    # The rows of the first delivery stay its own.
    assert of_share(store, 7)["batch_id"].n_unique() == 2


def test_a_corrected_day_is_a_later_delivery_and_the_old_value_is_known(store, home, bring, folder):
    bring()
    later = NOW + dt.timedelta(days=1)
    name = f"sec_bhavdata_full_{DAYS[3]:%d%m%Y}.csv"
    (folder / name).write_text(day_text(3, corrected={7}))

    report = bring(later)

    assert report.failures == ()
    closes = [close(7, place) for place in range(COUNT)]
    corrected = [*closes[:3], closes[3] + 5, *closes[4:]]
    assert of_share(store, 7)["close"].to_list() == corrected
    assert of_share(store, 8)["close"].to_list() == [close(8, place) for place in range(COUNT)]
    revised = everything(store, PRICE_REVISIONS)
    assert revised.filter(field="close").select("ticker", "old_value", "new_value").rows() == [
        ("SHARE007.NS", closes[3], closes[3] + 5)
    ]
    ticker = f"{symbol(7)}.NS"
    before = context(store, home, tickers=(ticker,), now=later, known_at=NOW)
    assert as_known.raw_prices(before, RAW_DAILY)["close"].to_list() == closes


def test_two_files_of_one_day_are_two_deliveries_in_their_order(store, bring, folder):
    name = f"sec_bhavdata_full_{DAYS[3]:%d%m%Y} (1).csv"
    (folder / name).write_text(day_text(3, corrected={7}))
    # A browser numbers what is downloaded again: the copy is read last, and counts.
    report = bring()

    assert report.failures == ()
    assert of_share(store, 7, INGEST_BATCHES)["rows_delivered"].to_list() == [12, 1]
    corrected = [close(7, place) + 5 * (place == 3) for place in range(COUNT)]
    assert of_share(store, 7)["close"].to_list() == corrected
    revised = everything(store, PRICE_REVISIONS).filter(field="close")
    assert revised.select("ticker", "old_value", "new_value").rows() == [
        ("SHARE007.NS", close(7, 3), close(7, 3) + 5)
    ]


def test_chosen_tickers_alone_are_taken_and_the_rest_can_come_later(store, bring, parsed):
    chosen = {"SHARE007.NS", "SHARE010.NS"}

    report = bring(tickers=sorted(chosen))

    assert report.failures == ()
    assert set(store.tickers()) == chosen
    assert everything(store, RAW_DAILY).height == 24
    bring()
    assert everything(store, INGEST_BATCHES).height == 300
    parsed.clear()
    # What is stored for all is stored for some of them.
    again = bring(tickers=sorted(chosen))
    assert (parsed, again.details["repeated"]) == ([], 2)


def test_a_withdrawn_share_is_stored_anew_and_no_other(store, bring):
    bring()
    batch = of_share(store, 7, INGEST_BATCHES).row(0, named=True)
    with store.transaction():
        withdraw(store, batch, NOW)
    assert of_share(store, 7).is_empty()

    report = bring()

    assert (report.rows, report.details["repeated"]) == (12, 299)
    assert of_share(store, 7)["close"].to_list() == [close(7, place) for place in range(COUNT)]


def test_the_archive_has_every_row_with_its_line(store, bring):
    bring()

    content = unpack(of_share(store, 7, BATCH_CONTENTS)["content"][0])

    assert content["date"].to_list() == DAYS[:COUNT]
    assert content["close"].to_list() == [close(7, place) for place in range(COUNT)]
    # Behind seven shares and the first one's bond.
    assert content["line"].to_list()[:2] == [9, 329 + 9]
