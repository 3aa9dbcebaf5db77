"""Which tables are put together, and in which order what is not comes."""

import datetime as dt

import pytest

from src.core.calendars.nse import nse
from src.data.sources.files.source import FileSource

NOW = dt.datetime(2026, 3, 20, 12, 0, tzinfo=dt.UTC)
OLD = "SYMBOL,SERIES,OPEN,HIGH,LOW,CLOSE,LAST,PREVCLOSE,TOTTRDQTY,TOTTRDVAL,TIMESTAMP\n"
PLAIN = "Date,Symbol,Open,High,Low,Close,Volume\n"


def bhavcopy(day, **closes):
    rows = [
        f"{symbol},EQ,{close},{close + 1},{close - 1},{close},{close},{close},100,1,{day}\n"
        for symbol, close in closes.items()
    ]
    return OLD + "".join(rows)


@pytest.fixture
def read(tmp_path):
    """The deliveries of files by name, each as its ticker, days and closes."""

    def read(files, **facts):
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        source = FileSource([tmp_path], calendar=nse(), now=NOW, **facts)
        deliveries = [
            delivery
            for ticker in source.tickers()
            for delivery in source.fetch("daily", ticker, None, None)
        ]
        return source, deliveries

    return read


def bars(delivery):
    days = [day.day for day in delivery.frame["date"].to_list()]
    return delivery.ticker, list(zip(days, delivery.frame["close"].to_list(), strict=True))


def test_days_are_put_together_in_their_order_whatever_the_names(read):
    source, deliveries = read(
        {
            "a.csv": bhavcopy("04-MAR-2026", TCS=30, INFY=3),
            "b.csv": bhavcopy("02-MAR-2026", TCS=10),
            "c.csv": bhavcopy("05-MAR-2026", INFY=4, TCS=40),
        }
    )

    assert [bars(delivery) for delivery in deliveries] == [
        ("INFY.NS", [(4, 3.0), (5, 4.0)]),
        ("TCS.NS", [(2, 10.0), (4, 30.0), (5, 40.0)]),
    ]
    (bundle,) = source.bundles
    assert [(name, first) for _, name, first in bundle.files] == [
        ("b.csv", 0),
        ("a.csv", 1),
        ("c.csv", 3),
    ]
    # TCS is on the first line of b and a, and on the second of c.
    assert deliveries[1].frame["line"].to_list() == [1, 2, 5]
    assert {delivery.file_hash for delivery in deliveries} == {bundle.bundle_hash}


def test_a_day_that_comes_again_is_a_later_delivery(read):
    _, deliveries = read(
        {
            "a.csv": bhavcopy("02-MAR-2026", TCS=10),
            "b.csv": bhavcopy("04-MAR-2026", TCS=30),
            "c.csv": bhavcopy("02-MAR-2026", TCS=11),
        }
    )

    assert [bars(delivery) for delivery in deliveries] == [
        ("TCS.NS", [(2, 10.0), (4, 30.0)]),
        ("TCS.NS", [(2, 11.0)]),
    ]


def test_a_file_of_the_same_vendor_between_them_keeps_its_place(read):
    history = "Date,Series,Open,High,Low,Close,Prev Close,Volume\n2026-03-02,EQ,9,9,9,9,9,1\n"
    _, deliveries = read(
        {
            "a.csv": bhavcopy("02-MAR-2026", TCS=10),
            "TCS.csv": history,
            "b.csv": bhavcopy("04-MAR-2026", TCS=30),
            "c.csv": bhavcopy("02-MAR-2026", TCS=11),
        },
        vendor="mine",
    )

    # Upper case comes first: the history, and then the days.
    assert [bars(delivery)[1] for delivery in deliveries] == [
        [(2, 9.0)],
        [(2, 10.0), (4, 30.0)],
        [(2, 11.0)],
    ]


def test_years_of_one_share_are_not_put_together_with_those_of_another(read):
    _, deliveries = read(
        {
            "INFY_1.csv": bhavcopy("02-MAR-2026", INFY=1),
            "INFY_2.csv": bhavcopy("04-MAR-2026", INFY=2),
            "TCS_1.csv": bhavcopy("05-MAR-2026", TCS=10),
        }
    )

    assert [bars(delivery) for delivery in deliveries] == [
        ("INFY.NS", [(2, 1.0), (4, 2.0)]),
        ("TCS.NS", [(5, 10.0)]),
    ]
    assert deliveries[0].origin.endswith("INFY_1.csv to INFY_2.csv (2 files)")
    assert deliveries[1].origin.endswith("TCS_1.csv")


def test_one_file_alone_is_what_it_is(read):
    source, deliveries = read({"a.csv": bhavcopy("02-MAR-2026", TCS=10, INFY=3)})

    assert source.bundles == []
    assert [delivery.file_parts for delivery in deliveries] == [2, 2]
    assert all(delivery.origin.endswith("a.csv") for delivery in deliveries)


def test_total_returns_of_two_days_are_two_vintages(read):
    one, two = (
        PLAIN + f"2026-03-{day:02},TCS,{close},{close},{close},{close},1\n"
        for day, close in ((2, 10), (4, 30))
    )

    _, deliveries = read({"a.csv": one, "b.csv": two}, vendor="mine", basis="total")

    assert len(deliveries) == 2


def test_chosen_tickers_are_taken_and_a_file_without_them_is_named(read):
    source, deliveries = read(
        {
            "a.csv": bhavcopy("02-MAR-2026", TCS=10, INFY=3),
            "b.csv": bhavcopy("04-MAR-2026", WIPRO=5),
            "c.csv": bhavcopy("05-MAR-2026", TCS=30, WIPRO=5),
        },
        tickers=["TCS.NS"],
    )

    assert [bars(delivery) for delivery in deliveries] == [("TCS.NS", [(2, 10.0), (5, 30.0)])]
    assert deliveries[0].notes == ("2 rows of other symbols left out",)
    (sentence,) = source.take_unread()
    assert "b.csv" in sentence
    assert "no prices of the chosen tickers" in sentence
