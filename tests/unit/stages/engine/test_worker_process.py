"""What a worker of a cluster runs, and what it refuses."""

import os
import subprocess
import sys

import pytest

from src.config.version import program_hash
from src.core.errors import WorkerRefused
from src.stages.engine.worker_process import run_remote_task
from tests.conftest import ROOT
from tests.support.tasks import process_id


def test_a_task_of_a_run_with_the_same_program_is_run():
    assert run_remote_task(program_hash(), process_id) == os.getpid()


def test_a_task_of_a_run_with_another_program_is_refused():
    with pytest.raises(
        WorkerRefused, match="has another version of this program, of Python or of "
    ):
        run_remote_task("0" * 64, process_id)


def test_a_program_with_another_version_of_a_library_is_another_one(tmp_path):
    other = tmp_path / "numpy-0.0.1.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 0.0.1\n")
    code = "from src.config.version import program_hash; print(program_hash())"

    def hash_with(*paths: str) -> str:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
        started = [sys.executable, "-c", code]
        return subprocess.check_output(started, cwd=ROOT, env=environment, text=True).strip()

    assert hash_with(str(ROOT)) == program_hash()
    assert hash_with(str(tmp_path), str(ROOT)) != program_hash()
