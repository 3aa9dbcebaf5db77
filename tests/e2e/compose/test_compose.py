"""The services in containers, from nothing to their removal, one test after the other.

Images are built, or taken as they are where nothing has changed. `make test-compose` runs this.
"""

import datetime as dt
import os
import re
import signal
import time

import pytest

from src.core.calendars.nse import nse
from tests.support.compose import IMAGES, PASSWORD, SETTINGS, URL, holds, inspect
from tests.support.dashboards import Visitor
from tests.support.prices import clean_walk
from tests.support.services import eventually

pytestmark = [pytest.mark.compose, pytest.mark.xdist_group("compose")]

SERVICES = ["postgres", "api", "dashboard"]
ALL = [*SERVICES, "pipeline", "watch"]
# How a lost or refused connection is written by PostgreSQL, by our commands, by libraries.
PROBLEMS = re.compile(r"FATAL|PANIC|ERROR|refused|Traceback|does not answer|WARNING +The|Error")
SLOW_INIT_SECONDS = 15
BAR = ("open", "high", "low", "close", "volume")


@pytest.mark.parametrize("name", ["DATABASE_URL", "TICKER", "LOG_LEVEL"])
def test_a_value_that_is_missing_is_named_in_one_sentence(stack, name):
    stack.write_settings({key: value for key, value in SETTINGS.items() if key != name})
    refused = stack.run("config", "-q", check=False)
    stack.write_settings(SETTINGS)

    assert refused.returncode != 0
    assert len(refused.stderr.strip().splitlines()) == 1
    assert f"required variable {name} is missing a value" in refused.stderr
    assert f"write {name}=" in refused.stderr


def test_images_are_built_with_labels_without_root_and_without_secrets(stack):
    stack.run("build")
    for image in IMAGES.values():
        assert inspect(image, "{{.Config.User}}") == "forecast"
        assert (
            inspect(image, '{{index .Config.Labels "org.opencontainers.image.licenses"}}') == "MIT"
        )
        assert holds(image, [PASSWORD.encode(), URL.encode()]) == set()
        # What the search would find, if it were there.
        assert holds(image, [b"Keep three roles"]) != set()


def test_the_first_start_waits_for_a_slow_database_and_no_log_has_a_failed_connection(stack):
    (stack.folder / "slow.sql").write_text(f"SELECT pg_sleep({SLOW_INIT_SECONDS});\n")
    (stack.folder / "docker-compose.override.yml").write_text(
        "services:\n  postgres:\n    volumes:\n"
        "      - ./slow.sql:/docker-entrypoint-initdb.d/slow.sql:ro\n"
    )
    began = time.monotonic()
    stack.up()

    assert time.monotonic() - began > SLOW_INIT_SECONDS
    assert sorted(stack.services()) == sorted(SERVICES)
    assert [line for line in _logs(stack) if PROBLEMS.search(line)] == []
    assert stack.rows("SELECT version_num FROM alembic_version")


def test_a_run_in_a_container_makes_the_forecasts_that_the_service_answers(stack):
    run = stack.run(
        *("run", "--rm", "-T", "pipeline"),
        *("python", "-m", "mlops.pipeline"),
        "--ticker",
        "DEMO.NS",
    )
    assert re.search(r"^DEMO.NS +last close .+ on 2026-04-13", run.stdout, re.MULTILINE)
    for horizon, day in (("short", "2026-04-15"), ("long", "2026-07-15")):
        answer = stack.ask(f"/predict/{horizon}?ticker=DEMO.NS")
        assert answer.status_code == 200, answer.text
        assert answer.json()["feature_date"] == "2026-04-13"
        assert answer.json()["predict_date"] == day
    assert eventually(lambda: stack.rows("SELECT count(*) FROM predictions") == ["2"])


def test_a_browser_sees_the_pages_with_forecasts_of_the_service(stack, browser):
    visitor = Visitor(browser, f"http://127.0.0.1:{stack.ports[8501]}")
    try:
        visitor.open("?stock=DEMO.NS")
        assert "No demonstrated edge" in visitor.text()
        for page in ("predictions", "analytics", "pipeline_control", "monitoring"):
            visitor.open(f"{page}?stock=DEMO.NS")
            assert "Traceback" not in visitor.text()
            assert visitor.page.locator("[data-testid=stException]").count() == 0
            # The page looks with the rights of the dashboard.
            assert "accepts no changes" not in visitor.text()
            assert "unwritable" not in visitor.text()
        assert visitor.foreign == []
    finally:
        visitor.context.close()
    # Pages asked for it, and the service answered.
    assert eventually(lambda: _requests(stack) > 2)


def test_nothing_but_volumes_can_be_written_and_nobody_is_root(stack):
    for service in ("api", "dashboard"):
        code = (
            "import os, pathlib\nprint(os.getuid())\n"
            "for folder in ('/app', '/', '/data', '/opt/venv'):\n"
            "    try: pathlib.Path(folder, 'x').touch()\n"
            "    except OSError as error: print(error.strerror)\n"
            "print(open('/proc/self/status').read().split('CapEff:')[1].split()[0])"
        )
        uid, *refusals, capabilities = stack.python(service, code).stdout.split("\n")[:-1]
        assert uid == "10001"
        assert refusals == ["Read-only file system"] * 4
        assert int(capabilities, 16) == 0
    assert stack.run("exec", "-T", "postgres", "id", "-un").stdout.strip() == "postgres"
    refused = stack.run("exec", "-T", "postgres", "touch", "/etc/x", check=False)
    assert "Read-only file system" in refused.stderr


def test_the_services_cannot_change_what_is_stored(stack):
    code = (
        "import os, psycopg\nconnection = psycopg.connect(os.environ['DATABASE_URL'])\n"
        "print(connection.execute('SELECT count(*) FROM predictions').fetchone())\n"
        "connection.execute('DELETE FROM {}')"
    )
    for service in ("api", "dashboard"):
        for table in ("raw_daily_prices", "features_daily", "run_requests", "pool_members"):
            refused = stack.python(service, code.format(table))
            assert refused.stdout == "(2,)\n"
            assert f"permission denied for table {table}" in refused.stderr


def test_a_run_is_made_after_the_session_by_the_schedule(stack):
    days = nse().sessions(dt.date(2022, 4, 13), dt.date(2026, 4, 13))
    prices = clean_walk("TCS.NS", list(days)).select("date", *BAR)
    prices.write_csv(stack.folder / "TCS.NS.csv")
    mounted = ("-v", f"{stack.folder}/TCS.NS.csv:/files/TCS.NS.csv:ro")
    copied = ("cp", "/files/TCS.NS.csv", "/data/prices/")
    stack.run("run", "--rm", "-T", *mounted, "pipeline", *copied)
    stack.up("pipeline")
    assert sorted(stack.services()) == sorted(ALL)

    query = "SELECT status, session FROM run_tickers WHERE ticker = 'TCS.NS'"
    assert eventually(lambda: "success|2026-04-13" in stack.rows(query), 240)
    answer = stack.ask("/predict/short")
    assert (answer.json()["ticker"], answer.json()["predict_date"]) == ("TCS.NS", "2026-04-15")
    status = stack.run("exec", "-T", "pipeline", "python", "-m", "mlops.worker", "status").stdout
    assert "session 2026-04-13 is finished for 1 of 1 stock;" in status


def test_a_run_that_is_asked_for_on_a_page_is_made_by_the_worker(stack, browser):
    visitor = Visitor(browser, f"http://127.0.0.1:{stack.ports[8501]}")
    try:
        page = visitor.open("pipeline_control?stock=DEMO.NS")
        page.get_by_role("button", name="Refresh data").click()
        query = "SELECT status FROM run_requests WHERE exchange IS NULL AND kind = 'data'"
        assert eventually(lambda: stack.rows(query) == ["success"], 120)
    finally:
        visitor.context.close()


@pytest.mark.parametrize("service", ALL)
def test_a_killed_container_comes_back_and_answers_go_on(stack, service):
    before = stack.main_process(service)
    try:
        os.kill(before, signal.SIGKILL)
    except (PermissionError, ProcessLookupError) as error:
        pytest.skip(f"processes of containers cannot be killed from here: {error}")
    eventually(lambda: stack.main_process(service) not in (0, before), 60)
    eventually(lambda: stack.ask("/predict/short").status_code == 200, 60)

    assert stack.ask("/predict/long?ticker=DEMO.NS").json()["ticker"] == "DEMO.NS"


def test_all_are_healthy_again_after_that(stack):
    stack.up("pipeline")
    assert sorted(stack.services()) == sorted(ALL)


def test_data_are_kept_when_containers_go_and_removed_when_asked(stack):
    counted = "SELECT count(*) FROM raw_daily_prices UNION ALL SELECT count(*) FROM model_events"
    before = stack.rows(counted)
    answer = stack.ask("/predict/short").json()
    volumes = stack.run("--profile", "pipeline", "config", "--volumes").stdout.split()
    assert len(stack.volumes()) == len(volumes) == 8
    stack.run("--profile", "pipeline", "down")
    assert stack.run("ps", "-aq").stdout == ""
    stack.up()

    assert stack.rows(counted) == before
    assert stack.ask("/predict/short").json() == answer
    stack.run("--profile", "pipeline", "down", "-v")
    assert stack.volumes() == []


def _logs(stack):
    return stack.run("logs", "--no-color").stdout.splitlines()


def _requests(stack):
    code = (
        "import urllib.request\n"
        "text = urllib.request.urlopen('http://127.0.0.1:8000/metrics').read().decode()\n"
        "print(sum(float(line.rsplit(' ', 1)[1]) for line in text.splitlines()"
        " if line.startswith('forecast_api_requests_total') and 'route=\"/predict' in line))"
    )
    return float(stack.python("api", code).stdout)
