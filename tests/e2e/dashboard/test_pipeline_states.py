"""What Pipeline Control says in each state of runs, on a database without a worker."""

import datetime as dt

import psycopg
import pytest

from src.dashboard.login.access import WHY
from src.dashboard.login.passwords import hash_password
from src.db.tables.run_requests import DIED, Execution, NewRequest, submit
from src.db.tables.runs import RunLog
from tests.support.dashboard_apps import installation, open_page, text
from tests.support.services import eventually

PAGE = "pipeline_control"
AT = dt.datetime(2026, 4, 17, 12, 30, tzinfo=dt.UTC)
MANY = NewRequest("1", "full", None, "csv", "/prices", "A. Rao")
REASON = "Yahoo [1] does not answer."
FAILED = {"status": "failed", "stage": "data_ingest", "error": REASON, "feature_date": None}


@pytest.fixture
def connection(database_url):
    """A connection to the page's database."""
    with psycopg.connect(database_url, autocommit=True) as opened:
        yield opened


@pytest.fixture
def page(home, database_url):
    """Opens the page."""
    with installation(home, database_url):
        yield lambda **query: open_page(PAGE, **query)


def buttons(app):
    """The two buttons that start a run."""
    return [app.button(key="run_full"), app.button(key="run_data")]


def name_stock(app, name):
    """Say which stock is to be run for."""
    app.text_input(key="run_stock").set_value(name).run()


def test_a_request_waits_for_a_worker_and_a_second_one_is_the_same(page, connection):
    first, second = page(), page()
    assert first.header[0].value.startswith("Nothing has run yet")
    assert all(button.disabled for button in buttons(first))
    for app in (first, second):
        name_stock(app, "infy")
        assert not any(button.disabled for button in buttons(app))
    buttons(first)[0].click().run()
    buttons(second)[1].click().run()
    stored = "SELECT request_id, kind, tickers, source, status FROM run_requests"
    assert connection.execute(stored).fetchall() == [(1, "full", ["INFY.NS"], "yahoo", "waiting")]
    for app in (first, second):
        assert app.header[0].value == "Full run of INFY.NS waits"
        assert "python -m mlops.run_request 1" in text(app)
        assert all(button.disabled for button in buttons(app))
    second.button(key="cancel_1").click().run()
    assert second.header[0].value.startswith("The last run was cancelled")
    assert Execution(connection, 1).claim() is None


def test_what_is_no_stock_cannot_be_run(page, connection):
    app = page()
    name_stock(app, "no stock!")
    assert all(button.disabled for button in buttons(app))
    assert "is not a ticker" in text(app).replace("\\", "")


def test_files_outside_the_folder_for_prices_cannot_be_named(page, connection, home):
    (home / "prices").mkdir()
    (home / "prices" / "out").symlink_to("/etc")
    app = page()
    name_stock(app, "INFY.NS")
    app.segmented_control(key="run_prices_Yahoo_Files").set_value("Files").run()
    for path in ("/etc/passwd", "..", "out/passwd", "\0"):
        app.text_input(key="run_path").set_value(path).run()
        assert all(button.disabled for button in buttons(app)), path
        assert f"Only files in {home}/prices can be taken" in text(app).replace("\\", "")
    app.text_input(key="run_path").set_value("INFY.NS.csv").run()
    buttons(app)[0].click().run()
    stored = "SELECT source, path FROM run_requests"
    assert connection.execute(stored).fetchall() == [("csv", "INFY.NS.csv")]


def test_with_a_password_nobody_presses_without_it(home, database_url, connection):
    stored = hash_password("a long one")
    with installation(home, database_url, FORECAST_DASHBOARD__PASSWORD_HASH=stored):
        app = open_page(PAGE)
        name_stock(app, "INFY.NS")
        assert [(button.disabled, button.help) for button in buttons(app)] == [(True, WHY)] * 2
        app.session_state["login_hash"] = stored
        app.run()
        assert not any(button.disabled for button in buttons(app))
        # That it was drawn enabled lets nobody in either.
        app.session_state["login_hash"] = "another"
        buttons(app)[0].click().run()
    assert connection.execute("SELECT count(*) FROM run_requests").fetchone() == (0,)


def test_what_is_under_way_is_shown_stage_by_stage(page, connection):
    request_id, _ = submit(connection, MANY)
    execution = Execution(connection, request_id)
    execution.claim()
    log = RunLog(connection, "20260417_123000")
    log.started(None, command="pipeline", live=True, at=AT)
    row = {"timestamp": AT.isoformat(), "rows_processed": 50_000, "duration_seconds": 3.0}
    row |= {"stage": "data_ingest", "status": "partial", "error_message": REASON}
    log.stage_ended(row)
    connection.execute("UPDATE pipeline_runs SET host = 'here', pid = 7")
    execution.progress("data_cleaning", 25, 100, host="here", pid=7)
    app = page()
    name_stock(app, "INFY.NS")
    assert app.header[0].value == "Full run of all stocks is under way"
    shown = text(app).replace("\xa0", " ")
    assert "| Ingest | ◆ partly | 50,000 | 3 s |" in shown
    assert "| Cleaning | **● under way** |" in shown
    assert "| Training | ○ to come |" in shown
    assert app.get("progress")[0].proto.text == "Data of 100\xa0stocks: 25\xa0% done"
    assert "Yahoo \\[1\\] does not answer." in shown
    assert "under way: see above" in shown
    assert all(button.disabled for button in buttons(app))


def test_a_failure_says_where_and_why_and_what_stays(page, connection, home):
    log = RunLog(connection, "20260417_123000")
    log.started("TCS.NS", command="pipeline", live=True, at=AT)
    row = {"timestamp": AT.isoformat(), "rows_processed": 0, "duration_seconds": 3.0}
    log.stage_ended(row | {"stage": "data_ingest", "status": "failed", "error_message": REASON})
    results = {"status": "failed", "error": REASON, "tickers": {"TCS.NS": FAILED}}
    log.finished(results, AT + dt.timedelta(seconds=4))
    app = page()
    assert app.header[0].value == "The last run failed at ingest: run of TCS.NS by command, 4\xa0s"
    assert "✕ **Ingest failed**: Yahoo \\[1\\] does not answer. Nothing is published yet." in text(
        app
    )
    tables = [frame.value for frame in app.dataframe]
    assert tables[0].loc[0, ["Run", "Result", "Stocks", "Why"]].to_list() == [
        "20260417_123000",
        "✕ failed",
        "0 of 1",
        REASON,
    ]
    assert tables[1].loc[0].to_list() == ["TCS.NS", "Ingest", REASON]
    assert "This machine has no files of run 20260417_123000" in text(app).replace("\\", "")


def test_a_process_that_died_is_said_to_have_died(page, connection, database_url):
    with psycopg.connect(database_url, autocommit=True) as process:
        request_id, _ = submit(process, MANY)
        Execution(process, request_id).claim()
        assert page().header[0].value == "Full run of all stocks is under way"
    said = "The last run was interrupted"
    # What is read of runs is kept for two seconds.
    app = eventually(lambda: said in (app := page()).header[0].value and app)
    assert DIED in text(app).replace("\\", "")
