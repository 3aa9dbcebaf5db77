"""Forecasts that wait to be logged outlive the process, and belong to one service at a time."""

import datetime as dt
import os
import signal

import pytest

from src.api.prediction_log.spool import Spool, database_name

ROW = {
    "ticker": "TCS.NS",
    "horizon": "short",
    "feature_date": dt.date(2026, 4, 13),
    "target_date": dt.date(2026, 4, 15),
    "made_at": dt.datetime(2026, 4, 13, 12, 30, 0, 250_000, tzinfo=dt.UTC),
    "point": 0.1 + 0.2,
    "quantiles": [-1 / 3, 5e-324, 1.7976931348623157e308],
    "sigma": None,
    "target_date_estimated": False,
}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "forecasts"


def killed(work):
    """Do the work in a child that dies at once when it has done it."""
    child = os.fork()
    if child == 0:
        work()
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)


def written(folder, *rows, database="here"):
    spool = Spool(folder, database)
    assert all(spool.add(row) for row in rows)
    return spool


def test_forecasts_of_a_killed_service_are_recovered_to_the_last_bit(folder):
    killed(lambda: written(folder, ROW, {**ROW, "ticker": "INFY.NS"}))
    spool = Spool(folder, "here")

    assert spool.recover() == [ROW, {**ROW, "ticker": "INFY.NS"}]
    assert spool.recover() == []
    assert Spool(folder, "here").recover() == []  # its service is still running
    spool.close()
    assert Spool(folder, "here").recover() == [ROW, {**ROW, "ticker": "INFY.NS"}]


def test_forecasts_of_a_running_service_are_left_to_it(folder):
    spool = written(folder, ROW)

    assert Spool(folder, "here").recover() == []
    spool.close()


def test_logged_forecasts_are_not_recovered(folder):
    spool = written(folder, ROW)
    spool.clear()
    spool.add({**ROW, "ticker": "INFY.NS"})
    spool.close()

    assert [row["ticker"] for row in Spool(folder, "here").recover()] == ["INFY.NS"]


def test_a_service_with_nothing_to_log_leaves_no_file(folder):
    spool = written(folder, ROW)
    spool.clear()
    spool.close()

    assert list(folder.iterdir()) == []


def test_forecasts_of_another_database_are_left_to_its_own_services(folder):
    written(folder, ROW, database="there").close()

    assert Spool(folder, "here").recover() == []
    assert Spool(folder, "there").recover() == [ROW]


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_line_that_was_cut_short_takes_no_other_with_it(folder, cut):
    spool = written(folder, ROW, ROW)
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2 + cut])
    spool.add({**ROW, "ticker": "INFY.NS"})
    spool.close()

    assert [row["ticker"] for row in Spool(folder, "here").recover()] == ["TCS.NS", "INFY.NS"]


def test_where_nothing_can_be_written_it_is_counted_and_nothing_else(tmp_path):
    (tmp_path / "forecasts").write_text("a file in the way")
    spool = Spool(tmp_path / "forecasts", "here")

    assert [spool.add(ROW), spool.add(ROW), spool.failures] == [False, False, 2]
    assert spool.recover() == []
    spool.clear()
    spool.close()


def test_a_database_is_named_by_its_address_and_not_by_its_user():
    name = database_name("postgresql://ann:secret@db:5432/forecasts")

    assert name == database_name("postgresql://bob@db:5432/forecasts")
    assert name != database_name("postgresql://ann:secret@db:5432/trials")
    assert name != database_name("postgresql://ann@/forecasts?host=/run/a")
    assert database_name(None) == "embedded"
    assert database_name("postgresql://ann@db:port/forecasts") != name
