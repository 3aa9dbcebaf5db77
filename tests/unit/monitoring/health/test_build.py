"""A report of health from observations: grouped, the worst first, only what concerns a ticker."""

import datetime as dt
import json
from pathlib import Path

import jsonschema_rs
import pytest

from src.core.errors import UnwritableFolder
from src.monitoring.checks.run import Measurement
from src.monitoring.health.build import build_health
from src.monitoring.health.files import KEPT, save_report
from src.monitoring.health.report import HealthCheck
from src.monitoring.observation import Observation

NOW = dt.datetime(2026, 4, 16, 13, 0, tzinfo=dt.UTC)
SCHEMA = Path(__file__).resolve().parents[4] / "docs" / "health-report.schema.json"
POOLS = {"INFY.NS": "NSE", "TCS.NS": "NSE", "HDB": "XNYS"}


def report(*rows, ticker=None, quality=None):
    found = [Observation(*row) for row in rows]
    return build_health(Measurement(found, (), POOLS, (), quality or {}), NOW, ticker)


def stale(ticker):
    return ("ticker_stale", ticker, True, f"{ticker} is behind.", 2, "NSE")


def test_subjects_with_one_cause_are_one_alert():
    health = report(stale("INFY.NS"), stale("TCS.NS"))
    (alert,) = health.alerts
    assert alert.subjects == ["INFY.NS", "TCS.NS"]
    assert alert.message == "2 are concerned (INFY.NS, TCS.NS), such as: INFY.NS is behind."
    assert (alert.severity, alert.value) == ("WARNING", 2.0)
    assert alert.runbook == "docs/runbook.md#ticker_stale"


@pytest.mark.parametrize(
    ("rules", "status"),
    [
        ((), "OK"),
        (("phantom_bar",), "OK"),
        (("phantom_bar", "no_channel"), "WARNING"),
        (("no_channel", "model_missing"), "CRITICAL"),
    ],
)
def test_the_status_is_the_worst_severity_and_info_does_not_count(rules, status):
    health = report(*((rule, "", True, "So it is.") for rule in rules))
    assert health.status == status
    order = [alert.severity for alert in health.alerts]
    assert order == sorted(order, key=["CRITICAL", "WARNING", "INFO"].index)


def test_what_another_alert_explains_is_left_out():
    yesterday = ("source_not_advancing", "NSE", True, "It serves an old file.")
    behind = ("features_stale", "NSE", True, "One session behind.")
    other = ("features_stale", "XNYS", True, "One session behind.")
    health = report(yesterday, behind, other)
    assert [(alert.rule, alert.subjects) for alert in health.alerts] == [
        ("features_stale", ["XNYS"]),
        ("source_not_advancing", ["NSE"]),
    ]


def test_of_one_ticker_only_what_is_about_it_its_pool_and_the_installation():
    rows = [
        stale("INFY.NS"),
        ("action_pending", "TCS.NS", True, "It jumps."),
        ("features_stale", "NSE", True, "Behind."),
        ("features_stale", "XNYS", True, "Behind."),
        ("model_corrupt", "NSE/short", True, "Changed."),
        ("model_corrupt", "XNYS/short", True, "Changed."),
        ("disk_nearly_full", "home", True, "Full."),
        ("no_channel", "", True, "None."),
    ]
    found = {(alert.rule, *alert.subjects) for alert in report(*rows, ticker="TCS.NS").alerts}
    assert found == {
        ("action_pending", "TCS.NS"),
        ("features_stale", "NSE"),
        ("model_corrupt", "NSE/short"),
        ("disk_nearly_full", "home"),
        ("no_channel",),
    }


def test_a_database_that_cannot_be_written_is_not_ok():
    health = report(("database_read_only", "", True, "It is a standby."))
    assert (health.database.ok, health.database.message) == (False, "It is a standby.")
    assert report().database.ok


def test_the_quality_of_all_names_the_lowest_tickers():
    def row(score):
        dimension = {"validity": {"score": score}, "agreement": {"score": None, "found": "None."}}
        return {"score": score, "session": dt.date(2026, 4, 16), "dimensions": dimension}

    scores = {"": row(90.0), "TCS.NS": row(100.0), "INFY.NS": row(80.0)}
    quality = report(quality=scores).data_quality
    assert quality.score == 90
    assert [(each.ticker, each.score) for each in quality.lowest] == [
        ("INFY.NS", 80.0),
        ("TCS.NS", 100.0),
    ]
    assert report(quality=scores, ticker="TCS.NS").data_quality.score == 100
    assert report().data_quality.score is None


def test_the_schema_in_the_documentation_is_that_of_reports():
    written = json.loads(SCHEMA.read_text(encoding="utf-8"))
    draft = written.pop("$schema")
    assert draft == "https://json-schema.org/draft/2020-12/schema"
    assert written == HealthCheck.model_json_schema(mode="serialization")


def test_saved_reports_follow_the_schema_and_old_ones_are_deleted(tmp_path):
    folder = tmp_path / "mlops" / "health"
    folder.mkdir(parents=True)
    for number in range(KEPT):
        (folder / f"health_20250101_000000_{number:06}.json").write_text("{}")
    path = save_report(report(stale("TCS.NS"), ("run_failed", "", None, "None.")), tmp_path)
    validator = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text(encoding="utf-8")))
    validator.validate(json.loads(path.read_text(encoding="utf-8")))
    assert path.name == "health_20260416_130000_000000.json"
    kept = sorted(each.name for each in folder.iterdir())
    assert len(kept) == KEPT
    assert kept[0] == "health_20250101_000000_000001.json"


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "mlops").write_text("in the way")
    with pytest.raises(UnwritableFolder, match="mlops/health cannot be written"):
        save_report(report(), tmp_path)
