"""`python -m mlops.monitoring health`, `watch` and `deadman`, as a person or cron types them."""

import json
import re
from pathlib import Path

import jsonschema_rs
import pytest

from tests.support.installations import CHANNEL, NOW, Installation

MONITORING = "mlops.monitoring"
SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "health-report.schema.json"


@pytest.fixture
def installation(database_url, home):
    return Installation(database_url, home)


@pytest.fixture
def monitoring(command, database_url):
    variables = {
        "DATABASE_URL": database_url,
        "FORECAST_NOW": NOW.isoformat(),
        "FORECAST_MONITORING__ALERT_URLS": CHANNEL,
    }
    return lambda *arguments, **extra: command(MONITORING, *arguments, **variables | extra)


def test_exit_codes_say_how_bad_it_is(monitoring, installation, home):
    sound = monitoring("health")
    assert (sound.returncode, sound.stderr) == (0, "")
    assert sound.stdout.startswith("OK         3 tickers, 2026-04-16 13:00 UTC\n")
    installation.execute("UPDATE pipeline_runs SET status = 'failed', error = 'It broke.'")
    bad = monitoring("health")
    assert bad.returncode == 1
    assert (
        "WARNING    run_failed: Run 20260416_123000 ended with status failed: It broke."
        in bad.stdout
    )
    (home / "models").rename(home / "elsewhere")
    assert monitoring("health").returncode == 2
    assert monitoring("health", DATABASE_URL="postgresql://u:secret@127.0.0.1:9/x").returncode == 2
    reports = sorted((home / "mlops" / "health").iterdir())
    validator = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text(encoding="utf-8")))
    for path in reports:
        validator.validate(json.loads(path.read_text(encoding="utf-8")))
        assert "secret" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--bogus",), "--bogus"),
        (("--ticker",), "--ticker"),
        (("--ticker", "no ticker"), "no ticker"),
        (("--ticker", "NOSUCH"), "No prices of NOSUCH.NS are stored"),
        (("--config", "/nowhere.json"), "/nowhere.json"),
    ],
)
def test_wrong_usage_is_never_mistaken_for_a_status(monitoring, installation, arguments, words):
    ran = monitoring("health", *arguments)
    assert (ran.returncode, ran.stdout) == (64, "")
    (sentence,) = ran.stderr.splitlines()
    assert words in sentence


def test_health_of_one_ticker_as_json(monitoring, installation):
    installation.execute("UPDATE run_tickers SET status = 'failed', stage = 'data_ingest'")
    report = json.loads(monitoring("health", "--json", "--ticker", "tcs").stdout)
    assert (report["status"], report["ticker"], report["tickers"]) == ("WARNING", "TCS.NS", 1)
    assert [alert["subjects"] for alert in report["alerts"]] == [["TCS.NS"]]
    assert {model["horizon"]: model["ok"] for model in report["model_status"]} == {
        "short": True,
        "long": True,
    }


def test_a_watch_that_looks_once_and_a_deadman_for_cron(monitoring, installation):
    never = monitoring("deadman")
    assert never.returncode == 1
    assert "The watch has never run here." in never.stderr
    told = monitoring("watch", "--once")
    assert "RESOLVED: watch_silent" in told.stdout
    quiet = monitoring("watch", "--once")
    assert (quiet.returncode, quiet.stdout) == (
        0,
        "0 conditions are bad; none of them is new.\n",
    )
    alive = monitoring("deadman")
    assert (alive.returncode, alive.stdout, alive.stderr) == (0, "", "")
    later = monitoring("deadman", FORECAST_NOW="2026-04-16T13:11Z")
    assert later.returncode == 1
    assert "The watch last evaluated the rules 11 minutes ago." in later.stderr


def test_a_watch_tells_on_the_terminal_without_a_channel(monitoring, installation):
    installation.execute("UPDATE pipeline_runs SET status = 'failed', error = 'It broke.'")
    told = monitoring("watch", "--once", FORECAST_MONITORING__ALERT_URLS="")
    assert "WARNING: run_failed" in told.stdout
    assert re.search(r"WARNING: no_channel \[\w+\]: No channel for alerts is", told.stdout)
