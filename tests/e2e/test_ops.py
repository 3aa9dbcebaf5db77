"""The files for Prometheus and Grafana, held against what a running service shows."""

import json
import re
import shutil
import subprocess

import pytest

from tests.conftest import ROOT

PROMETHEUS, DASHBOARD = ROOT / "ops" / "prometheus", ROOT / "ops" / "grafana" / "dashboard.json"
NAME = re.compile(r"\b(?:forecast|process)_[a-z_]+")


@pytest.fixture(scope="module")
def promtool():
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")

    def run(*arguments):
        return subprocess.run(
            [found, *map(str, arguments)], capture_output=True, text=True, check=False
        )

    return run


def dashboard_queries():
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def shown_by(api):
    """Every name that a query may use, from the service's own declarations."""
    suffixes = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}
    declared = re.findall(r"^# TYPE (\S+) (\S+)$", api.get("/metrics").text, re.MULTILINE)
    return {name + suffix for name, kind in declared for suffix in suffixes[kind]}


def test_queries_use_what_the_service_shows(api):
    # Errors are counted from the first one on, ages from the first forecast.
    api.get("/predict/short?ticker=NOSUCH.NS")
    api.get("/predict/short?ticker=TCS.NS")
    texts = [(PROMETHEUS / "alerts.yml").read_text(), *dashboard_queries()]
    used = set(NAME.findall("\n".join(texts)))
    assert used
    assert used <= shown_by(api)


def test_alerts_fire_when_they_should_and_only_then(promtool):
    checked = promtool("check", "config", PROMETHEUS / "prometheus.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    tested = promtool("test", "rules", PROMETHEUS / "alerts_test.yml")
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_queries_of_the_dashboard_can_be_read(promtool, tmp_path):
    rules = [
        {"record": f"panel:{n}", "expr": query.replace("$instance", ".*")}
        for n, query in enumerate(dashboard_queries())
    ]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    checked = promtool("check", "rules", file)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_panels_of_the_dashboard_lie_beside_one_another():
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    covered = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(covered)) == len(covered)
    assert max(x for x, _ in covered) < 24
