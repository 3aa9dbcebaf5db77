"""The lines of the guide's section on health checks, as written there."""

import json

import pytest

from mlops.monitoring import HealthCheck, ModelMonitor
from tests.support.installations import NOW, SESSION, Installation

SCORES = """
INSERT INTO quality_scores VALUES
    ('', %s, 92.5, '{"validity": {"score": 92.5, "found": "One.", "remedy": "Mend it."}}', now()),
    ('TCS.NS', %s, 85, '{"validity": {"score": 85, "found": "One.", "remedy": "Mend it."}}', now())
"""
DRIFT = """
INSERT INTO drift_measures VALUES ('NSE', 'short', 'skill', %s, -.001, 0, 125, -1, -2, false,
    'Errors were .1 %% larger, which may be chance.', now())
"""


@pytest.fixture
def installation(database_url, home, monkeypatch):
    made = Installation(database_url, home)
    made.execute(SCORES, SESSION, SESSION)
    made.execute(DRIFT, SESSION)
    for name, value in {
        "DATABASE_URL": database_url,
        "FORECAST_HOME": str(home),
        "FORECAST_NOW": NOW.isoformat(),
    }.items():
        monkeypatch.setenv(name, value)
    return made


def test_the_lines_of_the_guide(installation, home):
    monitor = ModelMonitor()

    health_check = monitor.run_health_check()
    path = monitor.save_health_report(health_check)
    db_ok, msg = monitor.check_database_connection()
    assert (db_ok, msg) == (True, "The database answers and accepts changes.")
    stale, msg = monitor.check_model_staleness(threshold_days=7)
    assert (stale, msg.startswith("Last trained: NSE/")) == (False, True)
    quality, details = monitor.check_feature_data_quality()
    assert (quality, details["lowest"]) == (92.5, [{"ticker": "TCS.NS", "score": 85.0}])
    perf_score, details = monitor.check_model_performance_drift()
    # Half of the way to the limit: half of the 50 points above it.
    assert (perf_score, details["NSE/short/skill"]["bad"]) == (75.0, False)

    assert isinstance(health_check, HealthCheck)
    assert health_check.status == "WARNING"
    assert [alert.rule for alert in health_check.alerts] == ["no_channel"]
    assert health_check.data_quality.score == 92.5
    assert health_check.performance_score == 75.0
    assert {model.horizon for model in health_check.model_status} == {"short", "long"}
    assert path.parent == home / "mlops" / "health"
    assert json.loads(path.read_text())["status"] == "WARNING"


def test_a_model_is_stale_by_its_training_or_its_fit(installation, monkeypatch):
    monkeypatch.setenv("FORECAST_NOW", "2026-04-30T13:00Z")
    stale, msg = ModelMonitor().check_model_staleness(threshold_days=7)
    # Published on 13 April, 17 days before.
    assert (stale, "NSE/short was last trained 17 days ago (at most 7)." in msg) == (True, True)
    assert ModelMonitor().check_model_staleness() == (
        False,
        "Last trained: NSE/short 17 days ago, NSE/long 17 days ago.",
    )
    monkeypatch.setenv("FORECAST_MONITORING__MODEL_STALE_AFTER_DAYS", "14")
    stale, msg = ModelMonitor().check_model_staleness(threshold_days=100)
    assert (stale, "was fitted on what was known at 2026-04-09, 21 days ago" in msg) == (True, True)


def test_without_a_database_every_check_says_so(installation, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:secret@127.0.0.1:9/x")
    monitor = ModelMonitor()
    assert monitor.run_health_check().status == "CRITICAL"
    db_ok, msg = monitor.check_database_connection()
    assert (db_ok, "127.0.0.1:9/x does not answer" in msg, "secret" in msg) == (False, True, False)
    stale, msg = monitor.check_model_staleness(threshold_days=7)
    assert (stale, "does not answer" in msg) == (True, True)
    quality, details = monitor.check_feature_data_quality()
    assert (quality, details["dimensions"]) == (None, [])
    assert monitor.check_model_performance_drift() == (None, {})
