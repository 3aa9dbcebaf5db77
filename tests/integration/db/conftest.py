"""Fixtures and helpers for tests on a real PostgreSQL."""

import subprocess
import sys
import uuid
from pathlib import Path

import psycopg
import pytest

from src.db.connection import normalise_url

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def reader(database_url):
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def empty_url(server):
    """A database of the test's own without any table."""
    name = f"empty_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        yield normalise_url(server.replace("/forecast_db?", f"/{name}?"))
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


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
