"""What a heartbeat service hears of runs of the pipeline."""

import pytest

from tests.support.heartbeats import HeartbeatService

PIPELINE = "mlops.pipeline"


@pytest.fixture
def service():
    running = HeartbeatService()
    yield running
    running.close()


def signals(service):
    """Each signal and its body, in the order in which they came."""
    return [
        (path.partition("?")[0].removeprefix("/ping/0a1b") or "success", body)
        for path, body in service.got
    ]


def test_a_run_tells_its_start_and_why_it_failed(command, database_url, service, home):
    ran = command(
        *(PIPELINE, "--ticker", "DEMO.NS", "--skip-training"),
        DATABASE_URL=database_url,
        FORECAST_NOW="2026-04-16T18:30+05:30",
        FORECAST_MONITORING__HEARTBEAT_URL=service.url,
    )
    assert ran.returncode == 1
    start, (signal, sentence) = signals(service)
    assert start == ("/start", "")
    assert signal == "/fail"
    assert sentence in ran.stderr
    assert sentence.startswith("The prices of DEMO.NS are up to date, but no model of pool SAMPLE")
    assert "0a1b" not in (home / "logs" / "tcs-stock.log").read_text()


def test_a_run_that_cannot_reach_the_database_tells_so(command, service):
    ran = command(
        *(PIPELINE, "--ticker", "DEMO.NS"),
        DATABASE_URL="postgresql://u:secret@127.0.0.1:9/x",
        FORECAST_MONITORING__HEARTBEAT_URL=service.url,
    )
    assert ran.returncode == 1
    ((signal, sentence),) = signals(service)
    assert (signal, "127.0.0.1:9/x does not answer" in sentence) == ("/fail", True)
    assert "secret" not in sentence


def test_a_run_that_looks_back_tells_nothing(command, database_url, service):
    command(
        *(PIPELINE, "--ticker", "DEMO.NS", "--skip-training", "--as-of", "2026-01-15"),
        DATABASE_URL=database_url,
        FORECAST_NOW="2026-04-16T18:30+05:30",
        FORECAST_MONITORING__HEARTBEAT_URL=service.url,
    )
    assert service.got == []
