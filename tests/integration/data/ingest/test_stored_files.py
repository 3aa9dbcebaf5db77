"""Files that are stored already are passed over before they are parsed, and only those."""

import datetime as dt

import pytest

from src.core.calendars.nse import nse
from src.core.tables import INGEST_BATCHES, QUARANTINE, RAW_DAILY
from src.data.ingest import stage as ingest
from src.data.ingest import withdraw
from src.data.sources.files import read_file
from src.data.sources.files.source import FileSource
from tests.support.prices import NOW, TCS, context, rows, run

PLAIN = "Date,Open,High,Low,Close,Volume\n"
DAYS = ("2026-04-06", "2026-04-07", "2026-04-08")


def text(price, days=DAYS):
    return PLAIN + "".join(f"{day},{price},{price + 1},{price - 1},{price},1000\n" for day in days)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "TCS.NS.csv").write_text(text(100))
    (tmp_path / "files" / "INFY.NS.csv").write_text(text(50))
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
    def bring(now=NOW, **facts):
        source = FileSource([folder], calendar=nse(), now=now, **facts)
        with store.transaction():
            source.recognise(store)
        tickers = tuple(source.tickers())
        return run(ingest.stage(source), context(store, home, tickers=tickers))

    return bring


def test_a_folder_brought_again_is_counted_and_not_parsed(bring, store, parsed):
    bring()
    before = rows(store, INGEST_BATCHES)
    parsed.clear()

    report = bring()

    assert parsed == []
    assert report.rows == 0
    assert (report.details["delivered"], report.details["repeated"]) == (6, 2)
    assert any("does not state its vendor" in note for note in report.details["notes"])
    assert rows(store, INGEST_BATCHES).equals(before)


def test_only_the_file_that_changed_is_parsed(bring, folder, parsed):
    bring()
    parsed.clear()
    (folder / "TCS.NS.csv").write_text(text(100, (*DAYS, "2026-04-09")))

    report = bring()

    assert parsed == ["TCS.NS.csv"]
    # Every row of the file belongs to its newest delivery from now on.
    assert report.rows == 4


def test_a_row_that_was_later_than_a_wrong_clock_is_stored_once_the_clock_is_right(
    bring, store, parsed
):
    behind = bring(now=dt.datetime(2026, 4, 7, 12, 30, tzinfo=dt.UTC))
    assert set(rows(store, QUARANTINE)["rule"]) == {"future_bar"}
    assert rows(store, RAW_DAILY)["date"].max() == dt.date(2026, 4, 7)

    right = bring()
    parsed.clear()
    again = bring()

    assert (behind.details["repeated"], right.details["repeated"]) == (0, 0)
    assert rows(store, RAW_DAILY)["date"].max() == dt.date(2026, 4, 8)
    assert len(rows(store, QUARANTINE)) == 1  # what was refused then stays told
    assert (parsed, again.details["repeated"]) == ([], 2)


def test_a_row_of_a_year_to_come_is_refused_once(bring, folder, store):
    (folder / "TCS.NS.csv").write_text(text(100, (*DAYS, "2062-04-09")))
    bring()
    before = rows(store, INGEST_BATCHES), rows(store, QUARANTINE)

    again = bring()

    assert (again.rows, again.details["repeated"]) == (0, 2)
    assert rows(store, INGEST_BATCHES).equals(before[0])
    assert rows(store, QUARANTINE).equals(before[1])


def test_a_file_read_in_another_way_is_parsed(bring, parsed):
    bring()
    parsed.clear()

    bring(vendor="broker")

    assert sorted(parsed) == ["INFY.NS.csv", "TCS.NS.csv"]


def test_a_file_of_which_a_part_was_refused_is_refused_again(bring, folder, parsed, store):
    other = "Date,Symbol,Open,High,Low,Close,Volume\n"
    sundays = ("2026-01-04", "2026-01-11", "2026-01-18", "2026-01-25", "2026-02-01", "2026-02-08")
    lines = [f"{day},TCS,100,101,99,100,10\n" for day in DAYS]
    lines += [f"{day},WIPRO,200,201,199,200,10\n" for day in sundays]
    (folder / "both.csv").write_text(other + "".join(lines))
    first = bring()
    parsed.clear()

    second = bring()

    assert parsed == ["both.csv"]
    assert first.failures == second.failures != ()


def test_what_states_actions_is_merged_every_time(bring, folder, parsed):
    header = "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits\n"
    (folder / "TCS.NS.csv").write_text(header + "2026-04-06,1,1,1,1,10,0.0,0.0\n")
    bring()
    parsed.clear()

    bring()

    assert parsed == ["TCS.NS.csv"]


def test_a_withdrawn_file_is_stored_anew(bring, store, parsed):
    bring()
    batch = rows(store, INGEST_BATCHES).filter(ticker=TCS).row(0, named=True)
    with store.transaction():
        withdraw.withdraw(store, batch, NOW)
    parsed.clear()

    report = bring(fetched_at=None)

    assert parsed == ["TCS.NS.csv"]
    assert report.rows == 3
