"""What a worker of a cluster runs, and what it refuses."""

import os

import pytest

from src.config.version import program_hash
from src.core.errors import WorkerRefused
from src.stages.engine.worker_process import run_remote_task
from tests.support.tasks import process_id


def test_a_task_of_a_run_with_the_same_program_is_run():
    assert run_remote_task(program_hash(), process_id) == os.getpid()


def test_a_task_of_a_run_with_another_program_is_refused():
    with pytest.raises(WorkerRefused, match="has another version of this program than the run"):
        run_remote_task("0" * 64, process_id)
