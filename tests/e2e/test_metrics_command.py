"""`python -m mlops.monitoring metrics` as a person types it."""

import json

import pytest

from mlops.metrics_collector import MetricsCollector
from src.config.settings import Settings

AT = {"FORECAST_NOW": "2026-04-20T18:00+05:30"}


@pytest.fixture
def metrics(command):
    return lambda *arguments: command("mlops.monitoring", "metrics", *arguments, **AT)


def save(home, day, value):
    settings = Settings(home=home, now=f"2026-04-{day:02}T18:00+05:30")
    MetricsCollector(settings).save_metric("model_r2_score", value, {"horizon": "short"})


def test_nothing_recorded_yet_is_a_sentence_and_needs_no_database(metrics, home):
    ran = metrics()
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("No metric was recorded in the last 30 days: ")
    assert not (home / "var").exists()
    assert metrics("--name", "x").stdout.startswith("No point of the metric x was recorded ")


def test_a_falling_metric_is_shown_as_such(metrics, home):
    for day in range(1, 21):
        save(home, day, 0.5 - day / 100)
    header, row, note = metrics().stdout.splitlines()
    assert header.split("  ")[0] == "metric"
    # All of 20 days in order: p = 2 / 20!, two-sided.
    assert row.split() == [
        *("model_r2_score", "{horizon=short}", "20", "0.3", "0.3", "0.49", "0.395", "0.4805"),
        *("falling", "-0.01", "(p", "8.2e-19,", "20", "days)"),
    ]
    assert "Mann-Kendall" in note
    report = json.loads(metrics("--json", "--days", "2.5").stdout)
    assert (report["days"], report["metrics"][0]["points"]) == (2.5, 3)


def test_a_torn_line_is_named_and_left_out(metrics, home):
    save(home, 20, 0.5)
    (path,) = (home / "mlops" / "metrics").iterdir()
    path.write_text(path.read_text() + '{"timestamp":"2026-04-')
    save(home, 20, 0.7)
    ran = metrics()
    assert ran.returncode == 0
    assert ran.stdout.splitlines()[1].split()[2:4] == ["2", "0.7"]
    assert ran.stderr == (
        "1 line of a metric file is not readable and left out (2026-04-20.jsonl line 2): a process "
        "was killed while it wrote, or the disk was full.\n"
    )
