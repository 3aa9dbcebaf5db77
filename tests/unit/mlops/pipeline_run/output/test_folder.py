"""The folders of runs: one each, and what is made of those that killed runs left."""

import datetime as dt
import json
import subprocess
import sys

import pytest

from mlops.pipeline_run.output.folder import RUNS, new_run_folder
from mlops.pipeline_run.output.record import RunRecord

NOW = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(hours=1)
HOLD = """
import datetime as dt, pathlib, sys, time
from mlops.pipeline_run.output.folder import new_run_folder
folder = new_run_folder(pathlib.Path(sys.argv[1]), dt.datetime.fromisoformat(sys.argv[2]))
print(folder.run_id, flush=True)
time.sleep(60)
"""


@pytest.fixture
def other_run(tmp_path):
    """A run of another process, at work until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path), NOW.isoformat()],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline().strip() == "20260413_123000"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def names(home):
    return sorted(path.name for path in (home / RUNS).iterdir())


def kill(process):
    process.kill()
    process.wait()


def test_the_folder_of_a_run_at_work_is_left_alone(tmp_path, other_run):
    new_run_folder(tmp_path, LATER)

    assert names(tmp_path) == ["20260413_123000", "20260413_133000"]


def test_the_empty_folder_of_a_killed_run_is_removed_by_the_next(tmp_path, other_run):
    kill(other_run)

    new_run_folder(tmp_path, LATER)

    assert names(tmp_path) == ["20260413_133000"]


def test_a_killed_run_that_left_something_says_so(tmp_path, other_run):
    folder = tmp_path / RUNS / "20260413_123000"
    (folder / "report.html").write_text("a page")
    (folder / ".metrics.json.new").write_text("[")
    kill(other_run)

    new_run_folder(tmp_path, LATER)

    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "results.json"]
    results = json.loads((folder / "results.json").read_text())
    assert (results["pipeline_id"], results["status"]) == ("20260413_123000", "failed")
    assert results["error"].startswith("The run was killed")


def test_a_run_that_has_ended_keeps_its_folder_and_results(tmp_path):
    record = RunRecord(new_run_folder(tmp_path, NOW), ticker="TCS.NS")
    record.write(1.0)
    before = (record.folder.path / "results.json").read_text()

    new_run_folder(tmp_path, LATER)

    assert (record.folder.path / "results.json").read_text() == before


def test_other_folders_are_nobodys_run(tmp_path):
    (tmp_path / RUNS / "notes").mkdir(parents=True)

    new_run_folder(tmp_path, NOW)

    assert names(tmp_path) == ["20260413_123000", "notes"]


def test_two_runs_of_one_second_have_a_folder_each(tmp_path, other_run):
    assert new_run_folder(tmp_path, NOW).run_id == "20260413_123000_2"
