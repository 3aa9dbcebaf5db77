"""The command that runs what was asked for on a page, as that page starts it."""

import psycopg
import pytest

from src.db.tables.run_requests import NewRequest, newest, submit


@pytest.fixture
def connection(database_url):
    """A connection as a page has one."""
    with psycopg.connect(database_url, autocommit=True) as opened:
        yield opened


def test_a_request_is_run_and_says_how_it_ended(connection, command, database_url):
    demo = NewRequest("1", "full", ["DEMO.NS"], "sample", None, "A. Rao")
    request_id, _ = submit(connection, demo)
    done = command("mlops.run_request", request_id, DATABASE_URL=database_url)
    assert (done.returncode, done.stdout) == (0, f"Request {request_id}: success.\n")
    (row,) = newest(connection, 5)
    run = connection.execute("SELECT run_id, status, ticker FROM pipeline_runs").fetchone()
    assert (row.run_id, row.status, row.tickers) == (run[0], run[1], [run[2]])
    assert row.started_at < row.ended_at
    again = command("mlops.run_request", request_id, DATABASE_URL=database_url)
    assert (again.returncode, connection.execute("TABLE pipeline_runs").rowcount) == (0, 1)


def test_a_request_that_cannot_be_run_says_why(connection, command, database_url, home):
    (home / "prices").mkdir()
    files = NewRequest("1", "data", None, "csv", "nowhere.csv", "A. Rao")
    request_id, _ = submit(connection, files)
    done = command("mlops.run_request", request_id, DATABASE_URL=database_url)
    assert done.returncode == 1
    (row,) = newest(connection, 5)
    assert row.status == "failed"
    assert "prices/nowhere.csv: no such file" in row.error
    assert row.error in done.stdout


def test_no_file_outside_the_folder_for_prices_is_read_whoever_wrote_the_request(
    connection, command, database_url, home, tmp_path
):
    secret = tmp_path / "SECRET.NS.csv"
    secret.write_text("Date,Open,High,Low,Close,Volume\n2026-04-17,1,1,1,1,1\n")
    folder = home / "prices"
    folder.mkdir()
    (folder / "link.csv").symlink_to(secret)
    (folder / "deeper").symlink_to(tmp_path)
    outside = [str(secret), "deeper/../../SECRET.NS.csv"]
    for number, path in enumerate([*outside, "."]):
        request = NewRequest(str(number), "data", ["SECRET.NS"], "csv", path, "A. Rao")
        request_id, _ = submit(connection, request)
        done = command("mlops.run_request", request_id, DATABASE_URL=database_url)
        row = newest(connection, 1)[0]
        assert (done.returncode, row.status, row.run_id) == (1, "failed", None), path
        said = "Only files in" if path in outside else "link.csv is a link that leads out of"
        assert said in row.error
    assert connection.execute("SELECT count(*) FROM ingest_batches").fetchone() == (0,)
