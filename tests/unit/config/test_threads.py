"""Threads that wait let their neighbours work, unless the environment says otherwise."""

import os
import subprocess
import sys

import pytest

from src.config.threads import use_passive_waiting


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch):
    monkeypatch.setattr(os, "environ", os.environ.copy())


def test_threads_wait_passively_by_default():
    os.environ.pop("OMP_WAIT_POLICY", None)

    use_passive_waiting()

    assert os.environ["OMP_WAIT_POLICY"] == "passive"


@pytest.mark.parametrize("policy", ["active", "passive", ""])
def test_the_environment_decides_how_threads_wait(policy):
    os.environ["OMP_WAIT_POLICY"] = policy

    use_passive_waiting()

    assert os.environ["OMP_WAIT_POLICY"] == policy


def test_nothing_but_the_waiting_is_set():
    os.environ.pop("OMP_WAIT_POLICY", None)
    before = dict(os.environ)

    use_passive_waiting()

    assert dict(os.environ) == {**before, "OMP_WAIT_POLICY": "passive"}


@pytest.mark.parametrize("module", ["mlops.pipeline", "src.modeling.training.stage"])
def test_no_library_with_threads_is_loaded_before_a_command_could_say_so(module):
    # Libraries read it once, when they are loaded.
    code = (
        f"import sys, {module};"
        "print([name for name in ('sklearn', 'scipy', 'lightgbm') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
