"""What waits for the log outlives the process, and belongs to one service at a time."""

import datetime as dt
import os
import signal

import pytest

from src.api.prediction_log.spool import Journal, database_name

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
    journal = Journal(folder, database)
    assert all(journal.add(row) for row in rows)
    return journal


def test_what_a_killed_service_left_is_taken_over_to_the_last_bit(folder):
    killed(lambda: written(folder, ROW, {**ROW, "ticker": "INFY.NS"}))
    journal = Journal(folder, "here")

    assert journal.adopt() == [ROW, {**ROW, "ticker": "INFY.NS"}]
    assert journal.adopt() == []
    assert Journal(folder, "here").adopt() == []  # it is of one that lives
    journal.close()
    assert Journal(folder, "here").adopt() == [ROW, {**ROW, "ticker": "INFY.NS"}]


def test_what_a_living_service_waits_for_stays_its_own(folder):
    journal = written(folder, ROW)

    assert Journal(folder, "here").adopt() == []
    journal.close()


def test_what_is_logged_is_not_left(folder):
    journal = written(folder, ROW)
    journal.clear()
    journal.add({**ROW, "ticker": "INFY.NS"})
    journal.close()

    assert [row["ticker"] for row in Journal(folder, "here").adopt()] == ["INFY.NS"]


def test_who_leaves_with_nothing_to_log_leaves_no_file(folder):
    journal = written(folder, ROW)
    journal.clear()
    journal.close()

    assert list(folder.iterdir()) == []


def test_forecasts_of_another_database_are_left_to_its_own_services(folder):
    written(folder, ROW, database="there").close()

    assert Journal(folder, "here").adopt() == []
    assert Journal(folder, "there").adopt() == [ROW]


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_line_that_was_cut_short_takes_no_other_with_it(folder, cut):
    journal = written(folder, ROW, ROW)
    (path,) = folder.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2 + cut])
    journal.add({**ROW, "ticker": "INFY.NS"})
    journal.close()

    assert [row["ticker"] for row in Journal(folder, "here").adopt()] == ["TCS.NS", "INFY.NS"]


def test_where_nothing_can_be_written_it_is_counted_and_nothing_else(tmp_path):
    (tmp_path / "forecasts").write_text("a file in the way")
    journal = Journal(tmp_path / "forecasts", "here")

    assert [journal.add(ROW), journal.add(ROW), journal.failures] == [False, False, 2]
    assert journal.adopt() == []
    journal.clear()
    journal.close()


def test_a_database_is_told_by_its_place_and_not_by_who_asks():
    one = database_name("postgresql://ann:secret@db:5432/forecasts")

    assert one == database_name("postgresql://bob@db:5432/forecasts")
    assert one != database_name("postgresql://ann:secret@db:5432/trials")
    assert one != database_name("postgresql://ann@/forecasts?host=/run/a")
    assert database_name(None) == "embedded"
    assert database_name("postgresql://ann@db:port/forecasts") != one
