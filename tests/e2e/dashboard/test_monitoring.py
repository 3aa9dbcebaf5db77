"""The page Monitoring in a real browser, beside what the database and the log hold."""

import csv
import datetime as dt
import io
import json

import psycopg
import pytest

from src.core.alerts import fingerprint_of
from src.core.calendars.nse import nse
from src.db.database import DATA_DIR
from src.db.embedded.lease import acquire
from src.db.watched.alerts import AlertTables
from src.monitoring.delivery.journal import Journal
from src.monitoring.delivery.record import raise_alerts
from src.monitoring.rules import RULES
from tests.support.alerts import DAY, MONDAY, seen
from tests.support.dashboards import Dashboard, Visitor

REFUSED = fingerprint_of("bars_refused", "yahoo null_bar")
HELD_BACK = 120
RUN = "20260416_123000"


@pytest.fixture(scope="module")
def desk(place):
    """A dashboard of an installation with alerts, rows held back, a run that failed, and a log."""
    url, home = place
    with psycopg.connect(url, autocommit=True) as connection:
        put_alerts(connection, home)
        put_rows(connection)
        with Dashboard(home, url) as dashboard:
            yield dashboard, connection, home


@pytest.fixture
def look(browser, desk):
    """Makes visitors of that dashboard, whose pages must have had no problem in the end."""
    visitors = []

    def make():
        visitors.append(Visitor(browser, desk[0].url))
        return visitors[-1]

    yield make
    problems = [problem for visitor in visitors for problem in visitor.problems()]
    for visitor in visitors:
        visitor.context.close()
    assert problems == []


def put_alerts(connection, home):
    tables, journal = AlertTables(connection), Journal(home)
    refused = [
        seen(True, ticker, "bars_refused", "yahoo null_bar", f"The bar of {ticker} was <b>odd*.")
        for ticker in ("TCS.NS", "INFY.NS")
    ]
    for at, bad in ((MONDAY, True), (MONDAY + DAY, False)):
        # Channels are alerts of the installation, which has no session to wait for.
        observed = [*refused, seen(bad, "", "no_channel"), seen(True, "", "database_unreachable")]
        raise_alerts(tables, journal, [], observed, RULES, at, nse())


def put_rows(connection):
    connection.execute(
        "INSERT INTO pipeline_runs (run_id, ticker, command, status, live, started_at, host, pid, "
        "error) VALUES (%s, NULL, 'pipeline', 'failed', true, %s, 'here', 1, "
        "'The source did not answer.')",
        (RUN, MONDAY + 3 * DAY),
    )
    connection.execute(
        "INSERT INTO stage_runs VALUES (%s, 'data_ingest', 'failed', %s, 0, 12.5, 'no answer')",
        (RUN, MONDAY + 3 * DAY),
    )
    (batch,) = connection.execute(
        "INSERT INTO ingest_batches (ticker, kind, source, layout, price_basis, content_hash, "
        "fetched_at, fetched_at_stated, origin, rows_delivered, rows_rejected, notes) VALUES "
        "('TCS.NS', 'daily', 'yahoo', 'x', 'unadjusted', 'x', now(), true, 'x', 1, 1, '') "
        "RETURNING batch_id"
    ).fetchone()
    for number in range(HELD_BACK):
        ticker = "TCS.NS" if number % 3 else "INFY.NS"
        day = dt.date(2025, 1, 1) + dt.timedelta(days=number)
        connection.execute(
            "INSERT INTO quarantine (ticker, stage, kind, source, at, line, rule, reason, action, "
            "\"row\", batch_id) VALUES (%s, 'data_cleaning', 'daily', 'yahoo', %s, 0, "
            "'null_bar', 'null prices', 'rejected', %s, %s)",
            (ticker, str(day), json.dumps({"open": None, "close": number + 0.5}), batch),
        )


def headline(visitor):
    return visitor.current.locator("h2").first.inner_text().replace("\xa0", " ")


def test_alerts_are_taken_and_silenced_by_name(look, desk):
    _, connection, _ = desk
    visitor, other = look(), look()
    page = visitor.open("monitoring")
    other.open("monitoring")
    assert headline(visitor) == "2 alerts firing, 1 resolved this week"
    assert "2 alerts firing" in page.inner_text(".st-key-badges").replace("\xa0", " ")
    card = page.locator("[class*=st-key-alert_bars_refused]")
    assert "The bar of INFY.NS was <b>odd*." in card.inner_text()
    assert RULES["bars_refused"].action in card.inner_text()

    card.get_by_role("button", name="Acknowledge").click()
    send = page.locator("[data-testid=stFormSubmitButton] button", has_text="Acknowledge")
    send.click()
    visitor.current.get_by_text("Give your name").wait_for()
    assert connection.execute("SELECT count(*) FROM alert_acknowledgements").fetchone() == (0,)
    visitor.current.get_by_label("Your name").fill("asha")
    visitor.current.get_by_label("Note").fill("calling *them*")
    send.click()
    visitor.current.get_by_role("heading", name="1 acknowledged").wait_for()
    assert connection.execute(
        "SELECT fingerprint, person, note FROM alert_acknowledgements"
    ).fetchall() == [(REFUSED, "asha", "calling *them*")]
    assert headline(visitor) == "1 alert firing, 1 acknowledged, 1 resolved this week"
    page.locator("[class*=st-key-alert_bars_refused]").get_by_text("by asha").wait_for()
    # Whoever else looks sees it without a reload.
    other.current.get_by_role("heading", name="1 acknowledged").wait_for(timeout=15_000)

    down = page.locator("[class*=st-key-alert_database_unreachable]")
    down.get_by_role("button", name="Silence").click()
    visitor.current.get_by_label("Reason").fill("the server is moved")
    assert visitor.current.get_by_label("Your name").last.input_value() == "asha"
    page.locator("[data-testid=stFormSubmitButton] button", has_text="Silence").click()
    visitor.current.get_by_text("Silence 1:").wait_for()
    hours = dt.timedelta(hours=4)
    assert connection.execute(
        "SELECT rule, subject, reason, person, ends_at - starts_at FROM alert_silences"
    ).fetchall() == [("database_unreachable", "*", "the server is moved", "asha", hours)]
    assert headline(visitor).startswith("Nothing is firing, 1 acknowledged, 1 silenced")
    visitor.button("End it").click()
    visitor.current.get_by_role("heading", name="1 alert firing").wait_for()


def test_rows_held_back_are_counted_paged_and_downloaded(look, desk):
    _, connection, _ = desk
    visitor = look()
    page = visitor.open("monitoring?stock=TCS.NS&tab=Data+Quality&quality_of=All+stocks")
    total = connection.execute("SELECT count(*) FROM quarantine").fetchone()[0]
    assert f"{total} rows are held back: missing prices ({total})" in visitor.text()
    assert visitor.button("Newer").is_disabled()
    for number in (2, 3):
        visitor.button("Older").click()
        visitor.current.get_by_text(f"Page {number}").wait_for()
    visitor.settle()
    assert visitor.button("Older").is_disabled()
    with page.expect_download() as download:
        visitor.button("Download these rows").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    stored = connection.execute("SELECT ticker FROM quarantine ORDER BY at DESC").fetchall()
    assert [row["Stock"] for row in rows] == [ticker for (ticker,) in stored]
    assert rows[0]["Session"] == "Wed 30 Apr 2025"
    assert (rows[0]["Field"], rows[0]["Seen"]) == ("open", f"close {HELD_BACK - 0.5}")

    visitor.current.get_by_text("This stock").click()
    of_stock = connection.execute(
        "SELECT count(*) FROM quarantine WHERE ticker = 'TCS.NS'"
    ).fetchone()[0]
    visitor.current.get_by_text(f"{of_stock} rows of TCS.NS are held back").wait_for()


def test_a_row_of_a_hostile_file_is_no_formula_where_it_is_downloaded(look, desk):
    _, connection, _ = desk
    connection.execute(
        "INSERT INTO quarantine (ticker, stage, kind, source, at, line, rule, reason, action, "
        "\"row\", batch_id) SELECT ticker, stage, kind, source, '=1+1', 7, 'odd_file', "
        "'@SUM(A1)', action, %s, batch_id FROM quarantine LIMIT 1",
        (json.dumps({"=cmd|' /C calc'!A0": -5}),),
    )
    visitor = look()
    page = visitor.open("monitoring?stock=TCS.NS&tab=Data+Quality&quality_of=All+stocks")
    with page.expect_download() as download:
        visitor.button("Download these rows").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    odd = [rows[0][name] for name in ("Session", "Seen", "Why", "Field")]
    assert odd == ["'=1+1", "'=cmd|' /C calc'!A0 -5", "'@SUM(A1)", "whole row"]
    # The button of the table itself saves what is shown.
    page.evaluate("delete window.showSaveFilePicker")
    with page.expect_download() as download:
        page.get_by_label("Download as CSV: 50 rows that were held back").dispatch_event("click")
    saved = list(csv.reader(io.StringIO(download.value.path().read_text("utf-8-sig"))))
    assert [saved[1][place] for place in (0, 3, 4, 2)] == odd
    connection.execute("DELETE FROM quarantine WHERE rule = 'odd_file'")


def test_the_log_is_filtered_followed_and_downloaded(look, desk):
    _, _, home = desk
    lines = [
        json.dumps(
            {
                "event": f"Written <i>by a test</i> {number}",
                "level": ("info", "warning", "error")[number % 3],
                "logger": "a.test",
                "run_id": RUN if number < 6 else "other",
                "timestamp": f"2026-04-17T12:00:{number:02}Z",
            }
        )
        for number in range(12)
    ]
    log = home / "logs" / "tcs-stock.log"
    with log.open("a") as file:
        file.write("\n".join([*lines, "a torn line by a test {"]) + "\n")
    visitor = look()
    page = visitor.open(f"monitoring?tab=Logs&lv=Warnings&q=by+a+test&log_run={RUN}")
    shown = page.get_by_role("log").inner_text().splitlines()
    assert [line.split("Written ")[1] for line in shown] == [
        f"<i>by a test</i> {number}" for number in (5, 4, 2, 1)
    ]
    assert shown[0].startswith("17 Apr 17:30:05  ERROR")
    visitor.settle()
    with page.expect_download() as download:
        visitor.button("Download matching lines").click()
    kept = [lines[number] for number in (1, 2, 4, 5)]
    assert download.value.path().read_text().splitlines() == kept

    page = visitor.open("monitoring?tab=Logs&q=by+a+test")
    assert page.get_by_role("log").inner_text().splitlines()[0] == "a torn line by a test {"
    visitor.current.get_by_text("Follow").click()
    visitor.settle()
    with log.open("a") as file:
        file.write("a later line by a test\n")
    visitor.current.get_by_text("a later line by a test").wait_for(timeout=15_000)
    visitor.current.get_by_label("Contains").fill("of no line")
    visitor.current.get_by_label("Contains").press("Enter")
    visitor.current.get_by_text("No line matches. Clear the text or choose All.").wait_for()


def test_a_run_that_failed_says_why_and_leads_to_its_log(look):
    visitor = look()
    page = visitor.open("monitoring?tab=Pipeline+Runs")
    assert RUN in visitor.current.get_by_label("Look closer at").input_value()
    visitor.button("See its log").click()
    visitor.current.get_by_label("Contains").wait_for()
    assert visitor.current.get_by_label("Run", exact=True).input_value() == RUN
    page.wait_for_url("**/*tab=Logs*")


def test_health_and_scores_are_those_of_the_database(visit, dashboard_home):
    visitor = visit()
    page = visitor.open("monitoring")
    with (
        acquire(dashboard_home / DATA_DIR) as lease,
        psycopg.connect(lease.url, autocommit=True) as connection,
    ):
        groups = connection.execute("SELECT count(*) FROM alert_groups").fetchone()[0]
        held_back = connection.execute("SELECT count(*) FROM quarantine").fetchone()[0]
        score = connection.execute(
            "SELECT score FROM quality_scores WHERE ticker = '' ORDER BY session DESC LIMIT 1"
        ).fetchone()[0]
        logged = connection.execute("SELECT count(*) FROM predictions").fetchone()[0]
        stock = connection.execute(
            "SELECT min(subject) FROM alerts WHERE rule = 'action_pending' AND state = 'firing'"
        ).fetchone()[0]
    assert headline(visitor).startswith(f"{groups} alerts firing")
    assert "The database answers and accepts changes." in visitor.text()
    assert f"Data: {score:.0f} of 100 at Fri 17 Apr 2026 (alert below 80)." in visitor.text()

    # From an alert to what shows its cause, with the stock chosen.
    card = page.locator("[class*=st-key-alert_action_pending]")
    card.get_by_role("button", name=stock).click()
    visitor.current.get_by_text(f"Data quality of {stock}").wait_for()
    assert visitor.current.get_by_label("Stock").input_value() == stock
    visitor.current.get_by_text("All stocks").click()
    visitor.current.get_by_text(f"{held_back} rows are held back").wait_for()
    page.get_by_role("tab", name="Evaluation").click()
    visitor.current.get_by_text(f"{logged:,}\xa0forecasts logged").wait_for()
    visitor.settle()
