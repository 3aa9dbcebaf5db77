import datetime as dt
import os

import pytest

from mlops.monitoring import MetricsCollector
from src.config.settings import Settings
from src.core.errors import BadInput

NOW = dt.datetime(2026, 4, 16, 13, 0, tzinfo=dt.UTC)


def collector(home, now=NOW):
    return MetricsCollector(Settings(home=home, now=now))


def test_the_lines_of_the_guide(tmp_path, monkeypatch):
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path))
    plain = MetricsCollector()

    plain.save_metric("model_r2_score", 0.45, tags={"horizon": "short"})
    plain.save_metric("data_quality", 92.5, tags={"table": "features"})
    history = plain.get_metric_history("model_r2_score", days=7)
    report = plain.generate_metrics_report()

    (point,) = history
    assert point["value"] == 0.45
    assert point["tags"] == {"horizon": "short"}
    assert [row["name"] for row in report["metrics"]] == ["data_quality", "model_r2_score"]
    assert report["unreadable"] == []
    assert len(os.listdir(tmp_path / "mlops" / "metrics")) == 1


def test_the_history_ends_now_and_goes_back_so_many_days(tmp_path):
    for days_ago in (9, 7, 3, 0):
        at = NOW - dt.timedelta(days=days_ago)
        collector(tmp_path, at).save_metric("load", days_ago)
    history = collector(tmp_path).get_metric_history("load", days=7)
    assert [row["value"] for row in history] == [7.0, 3.0, 0.0]
    assert [row["value"] for row in collector(tmp_path).get_metric_history("load", 0.5)] == [0.0]
    earlier = collector(tmp_path, NOW - dt.timedelta(days=1))
    assert [row["value"] for row in earlier.get_metric_history("load", days=7)] == [7.0, 3.0]
    assert collector(tmp_path).get_metric_history("other") == []


@pytest.mark.parametrize("days", [0, -1, float("nan"), 1e12])
def test_no_number_of_days_is_refused(tmp_path, days):
    with pytest.raises(BadInput, match="no number of days"):
        collector(tmp_path).get_metric_history("load", days)
