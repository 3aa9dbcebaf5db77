"""The environment that the Makefile makes: a half-made one counts as none."""

import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT

# A Python without the package python3-venv, as Debian has it: `-m venv` fails half-way.
WITHOUT_VENV = """#!/bin/sh
[ "$2" = venv ] || exec {python} "$@"
{python} -m venv --without-pip "$3"
echo "ensurepip is not available" >&2
exit 1
"""


@pytest.fixture
def checkout(tmp_path):
    for name in ("Makefile", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def make(checkout, *arguments):
    return subprocess.run(
        ["make", *arguments], cwd=checkout, capture_output=True, text=True, check=False
    )


def test_what_could_not_be_made_is_removed(checkout):
    python = checkout / "python-of-debian"
    python.write_text(WITHOUT_VENV.format(python=sys.executable))
    python.chmod(0o755)

    made = make(checkout, "demo", f"PYTHON={python}")

    assert made.returncode == 2
    assert "ensurepip is not available" in made.stderr
    assert not (checkout / ".venv").exists()


def test_what_was_left_half_made_is_made_whole(checkout):
    environment = checkout / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)

    made = make(checkout, ".venv/bin/pip", f"PYTHON={sys.executable}")

    assert made.returncode == 0, made.stderr
    pip = subprocess.run([environment / "bin/python", "-m", "pip", "--version"], check=False)
    assert pip.returncode == 0
