"""Threads are few and let their neighbours work, unless the environment says otherwise."""

import os
import subprocess
import sys

import pytest

from src.config.threads import DEFAULTS, configure_threads


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch):
    monkeypatch.setattr(os, "environ", os.environ.copy())


@pytest.mark.parametrize("name", DEFAULTS)
def test_threads_are_few_and_wait_passively_by_default(name):
    os.environ.pop(name, None)
    before = dict(os.environ)

    configure_threads()

    assert dict(os.environ) == {**DEFAULTS, **before, name: DEFAULTS[name]}


@pytest.mark.parametrize("name", DEFAULTS)
@pytest.mark.parametrize("value", ["active", "2", ""])
def test_the_environment_decides(name, value):
    os.environ[name] = value

    configure_threads()

    assert os.environ[name] == value


@pytest.mark.parametrize("module", ["mlops.pipeline", "src.modeling.training.stage"])
def test_no_library_with_threads_is_loaded_before_a_command_could_say_so(module):
    # Libraries read it once, when they are loaded.
    code = (
        f"import sys, {module};"
        "print([name for name in ('sklearn', 'scipy', 'lightgbm') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
