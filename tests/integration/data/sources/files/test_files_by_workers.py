"""Files that several processes read give the same deliveries, in the same order, as one reads."""

import datetime as dt
from pathlib import Path

import pytest

from src.stages.engine.open_engine import open_engine
from tests.support.many_tickers import write_files
from tests.support.price_files import all_deliveries, file_source

HEADER = "SYMBOL,SERIES,OPEN,HIGH,LOW,CLOSE,LAST,PREVCLOSE,TOTTRDQTY,TOTTRDVAL,TIMESTAMP\n"


@pytest.fixture
def folder(tmp_path):
    """Files of one ticker each, files of the whole market, one of nothing and one of no prices."""
    write_files(tmp_path, 3, 150, until=dt.date(2026, 4, 10))
    for day in ("02-MAR-2026", "04-MAR-2026", "05-MAR-2026"):
        rows = [f"{s},EQ,10,11,9,10,10,10,100,1,{day}\n" for s in ("TCS", "INFY", "WIPRO")]
        (tmp_path / f"cm{day}.csv").write_text(HEADER + "".join(rows))
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "letter.csv").write_text("Dear Sir,\nthank you.\n")
    return tmp_path


def facts(delivery):
    frames = (delivery.frame.to_dicts(), delivery.rejected.to_dicts())
    others = {n: v for n, v in vars(delivery).items() if n not in ("frame", "rejected", "actions")}
    return frames, others


def everything(source):
    deliveries = [facts(delivery) for delivery in all_deliveries(source)]
    failures = [str(failure) for failure in source.take_failures()]
    return deliveries, source.bundles, failures, source.take_unread()


def test_two_processes_read_what_one_reads(folder: Path):
    here = everything(file_source(folder))
    other = file_source(folder)
    with open_engine(2) as other.engine:
        assert everything(other) == here
    deliveries, bundles, failures, unread = here
    assert len(deliveries) == 6
    assert len(bundles[0].files) == 3
    assert len(failures) + len(unread) == 2
