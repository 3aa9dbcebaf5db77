"""Threads that wait let their neighbours work, unless the environment says otherwise."""

import os
import subprocess
import sys

import pytest

from src.config.threads import wait_politely


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch):
    monkeypatch.setattr(os, "environ", os.environ.copy())


def test_threads_wait_politely_when_nothing_is_said():
    os.environ.pop("OMP_WAIT_POLICY", None)

    wait_politely()

    assert os.environ["OMP_WAIT_POLICY"] == "passive"


@pytest.mark.parametrize("said", ["active", "passive", ""])
def test_what_the_environment_says_of_waiting_stays(said):
    os.environ["OMP_WAIT_POLICY"] = said

    wait_politely()

    assert os.environ["OMP_WAIT_POLICY"] == said


def test_nothing_but_the_waiting_is_set():
    os.environ.pop("OMP_WAIT_POLICY", None)
    before = dict(os.environ)

    wait_politely()

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
