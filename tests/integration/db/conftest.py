"""Fixtures and helpers for tests on a real PostgreSQL."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.support.databases import new_database

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def reader(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def empty_url(server):
    """A database of the test's own without any table."""
    with new_database(server) as url:
        yield url


@pytest.fixture
def python():
    """Start a process of Python code with arguments."""

    def start(code, *arguments):
        return subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stdin=subprocess.PIPE,
            text=True,
        )

    return start
