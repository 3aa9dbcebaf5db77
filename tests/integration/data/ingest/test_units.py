"""Each ticker and each file is a unit of its own: what fails keeps nothing else back."""

import datetime as dt
from dataclasses import replace

import polars as pl
import pytest

from src.core.calendars.nse import nse
from src.core.errors import BadInput
from src.core.tables import QUARANTINE, RAW_DAILY
from src.data.history.rebuild import valid_batches
from src.data.ingest import stage as ingest
from src.data.ingest.withdraw import withdraw
from src.data.sources.files.source import FileSource
from tests.support.prices import (
    NOW,
    TCS,
    StubSource,
    bar,
    clean_walk,
    context,
    delivery,
    rows,
    run,
    sessions,
)

INFY = "INFY.NS"
DAYS = sessions(dt.date(2025, 6, 2), 60)


def text(seed, count=60):
    """A file of a share's bars, the same for the same seed."""
    walk = clean_walk(TCS, DAYS[:count], seed=seed)
    columns = ["date", "open", "high", "low", "close", "volume"]
    return walk.select(columns).write_csv(float_precision=2)


@pytest.fixture
def bring(store, home, tmp_path):
    """Ingest files by name; the report."""

    def brought(files, ticker=None):
        folder = tmp_path / f"files{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_text(content)
        facts = {"vendor": "mine", "basis": "split"}
        source = FileSource([folder], calendar=nse(), ticker=ticker, now=NOW, **facts)
        tickers = (ticker,) if ticker else tuple(source.tickers())
        return run(ingest.stage(source), context(store, home, tickers=tickers))

    return brought


def test_a_bad_file_in_a_folder_keeps_no_other_back(store, bring):
    report = bring({"TCS.NS.csv": text(1), "INFY.NS.csv": "<!DOCTYPE html><html></html>"})

    assert rows(store, RAW_DAILY).height == 60
    (failure,) = report.failures
    assert failure.endswith("INFY.NS.csv: it is a web page, not prices: download the file itself.")


def test_a_ticker_that_the_source_does_not_know_keeps_no_other_back(store, home):
    class Source(StubSource):
        def fetch(self, kind, ticker, since, until):
            if ticker == TCS:
                raise BadInput("Yahoo does not know the ticker TCS.NS (HTTP 404).")
            return super().fetch(kind, ticker, since, until)

    made = delivery([bar(DAYS[0], 100.0)], ticker=INFY)
    both = context(store, home, tickers=(TCS, INFY))

    report = run(ingest.stage(Source([made])), both)

    assert report.failures == ("Yahoo does not know the ticker TCS.NS (HTTP 404).",)
    assert rows(store, RAW_DAILY, INFY).height == 1


def test_a_delivery_that_is_refused_keeps_no_other_back(store, home):
    week = sessions(dt.date(2025, 1, 1), 40)
    foreign = [bar(week[0] + dt.timedelta(n), 100.0) for n in range(60)]
    made = [delivery(foreign, ticker=TCS), delivery([bar(DAYS[0], 100.0)], ticker=INFY)]

    report = run(ingest.stage(StubSource(made)), context(store, home, tickers=(TCS, INFY)))

    assert "lie on days when NSE was closed" in report.failures[0]
    assert (rows(store, RAW_DAILY).height, rows(store, RAW_DAILY, INFY).height) == (0, 1)


def test_the_only_file_of_the_only_ticker_fails_as_a_whole(bring):
    with pytest.raises(BadInput, match="it is a web page"):
        bring({"TCS.NS.csv": "<html></html>"})


# --- one ticker in two spellings


def side_by_side(first, second):
    """A file as yfinance writes it for two tickers, with closes of each."""
    names = ["Open", "High", "Low", "Close", "Volume"]
    head = [["Price", *names, *names], ["Ticker", *["NSE:TCS"] * 5, *["TCS.NS"] * 5], ["Date"]]
    lines = [",".join([*cells, *[""] * (11 - len(cells))]) for cells in head]
    for day, one, other in zip(DAYS, first, second, strict=False):
        values = [f"{x * 0.99:.2f},{x * 1.02:.2f},{x * 0.98:.2f},{x},1000" for x in (one, other)]
        lines.append(",".join([str(day), *values]))
    return "\n".join(lines) + "\n"


def test_two_spellings_of_a_ticker_are_one_and_what_differs_is_in_quarantine(store, bring):
    closes = [100.0 + n % 7 for n in range(60)]
    report = bring({"both.csv": side_by_side(closes, [*closes[:58], 120.0, 121.0])})

    assert report.failures == ()
    assert rows(store, RAW_DAILY)["close"].to_list() == closes[:58]
    refused = rows(store, QUARANTINE).group_by("rule").len().sort("rule").rows()
    assert refused == [("duplicate_identical", 58), ("duplicate_undecided", 2)]


# --- another instrument


def test_the_file_of_a_stored_share_is_refused_under_a_new_ticker(store, bring):
    bring({"TCS.NS.csv": text(1)})

    with pytest.raises(BadInput, match=r"its daily returns are those of TCS\.NS, whose prices"):
        bring({"INFY.NS.csv": text(1, 50)}, ticker=INFY)

    assert rows(store, RAW_DAILY, INFY).is_empty()


def first_days(content, count=12):
    return "".join(content.splitlines(keepends=True)[: count + 1])


def test_a_short_file_of_a_stored_share_is_refused_under_another_ticker(store, bring):
    bring({"TCS.NS.csv": text(1), "WIPRO.NS.csv": text(2)})

    for ticker in (INFY, "WIPRO.NS"):
        with pytest.raises(BadInput, match=r"on 12 days its open, high, low, close and volume are"):
            bring({f"{ticker}.csv": first_days(text(1))}, ticker=ticker)

    assert rows(store, RAW_DAILY, INFY).is_empty()
    assert rows(store, QUARANTINE, "WIPRO.NS").is_empty()


def test_a_short_file_of_a_share_is_taken_again_under_its_own_ticker(store, bring):
    bring({"TCS.NS.csv": text(1), "INFY.NS.csv": text(2)})

    assert bring({"INFY.NS.csv": first_days(text(2))}, ticker=INFY).failures == ()


def test_it_is_refused_within_one_folder_too(store, bring):
    report = bring({"TCS.NS.csv": text(1), "WIPRO.NS.csv": text(2), "INFY.NS.csv": text(1, 59)})

    (failure,) = report.failures
    # Tickers are taken in their order: INFY came first.
    assert "its daily returns are those of INFY.NS" in failure
    assert [rows(store, RAW_DAILY, t).height for t in (INFY, TCS, "WIPRO.NS")] == [59, 0, 60]


def test_another_share_is_taken(store, bring):
    bring({"TCS.NS.csv": text(1)})

    assert bring({"INFY.NS.csv": text(2)}, ticker=INFY).failures == ()


def test_prices_that_hardly_move_are_no_ones(store, bring):
    still = clean_walk(TCS, DAYS).with_columns(pl.lit(1000.0).alias(n) for n in ("open", "close"))
    still = still.with_columns(high=pl.lit(1000.1), low=pl.lit(999.9))
    columns = ["date", "open", "high", "low", "close", "volume"]
    content = still.select(columns).write_csv()
    bring({"LIQUIDBEES.NS.csv": content})

    assert bring({"LIQUIDETF.NS.csv": content}, ticker="LIQUIDETF.NS").failures == ()


def test_after_a_withdrawal_the_file_is_taken_under_its_right_name(store, bring):
    bring({"TCS.NS.csv": text(1)})
    with store.transaction():
        withdraw(store, valid_batches(store, [TCS]).row(0, named=True), NOW)

    assert bring({"INFY.NS.csv": text(1)}, ticker=INFY).failures == ()


def test_no_returns_are_compared_for_a_source_that_was_asked_by_ticker(store, home):
    bars = clean_walk(TCS, DAYS).rename({"date": "at"}).rows(named=True)
    made = [delivery(bars), replace(delivery(bars), ticker=INFY)]

    report = run(ingest.stage(StubSource(made)), context(store, home, tickers=(TCS, INFY)))

    assert report.failures == ()
