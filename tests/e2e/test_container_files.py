"""The files of which containers are made, without containers."""

import os
import re
import subprocess
from importlib.metadata import packages_distributions

import pytest

from src.api.probe import find_problem
from tests.conftest import ROOT
from tests.support.services import Service, eventually

ENTRYPOINT = ROOT / "ops" / "compose" / "postgres-entrypoint.sh"
# Stands where PostgreSQL's image has its own entrypoint.
NEXT = '#!/bin/sh\nprintf "%s\\n" "$POSTGRES_USER" "$POSTGRES_PASSWORD" "$POSTGRES_DB" "$*"\n'
# As if a process had none of these packages; Python loads it by itself.
SITECUSTOMIZE = """
import os, sys
unpinned = set(os.environ["UNPINNED"].split(","))
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in unpinned:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
"""


@pytest.fixture
def entrypoint(tmp_path):
    """Run the entrypoint with a DATABASE_URL."""
    following = tmp_path / "docker-entrypoint.sh"
    following.write_text(NEXT)
    following.chmod(0o755)

    def run(url):
        environment = {
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "PGSERVICEFILE": str(tmp_path / "service.conf"),
            "DATABASE_URL": url,
        }
        return subprocess.run(
            ["bash", str(ENTRYPOINT), "postgres", "-c", "jit=off"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.parametrize(
    ("url", "user", "password", "database"),
    [
        ("postgresql://me:pw@postgres:5432/db", "me", "pw", "db"),
        ("postgres://me:pw@postgres/db?sslmode=disable", "me", "pw", "db"),
        (
            "postgresql://m%40e:%2F%25%3A%23%5C%27%22%20%24x@postgres/d-b",
            "m@e",
            "/%:#\\'\" $x",
            "d-b",
        ),
        (r"postgresql://me:a\nb\x41:c@postgres/db", "me", r"a\nb\x41:c", "db"),
        ("postgresql://m%C3%BCller:p%C3%A4ss@postgres/db", "müller", "päss", "db"),
    ],
)
def test_postgres_gets_the_parts_of_the_url(entrypoint, tmp_path, url, user, password, database):
    started = entrypoint(url)

    assert (started.returncode, started.stderr) == (0, "")
    assert started.stdout.splitlines() == [user, password, database, "postgres -c jit=off"]
    assert (
        tmp_path / "service.conf"
    ).read_text() == f"[forecast]\nuser={user}\ndbname={database}\n"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "is not set"),
        ("postgresql://me@postgres/db", "has no password"),
        ("postgresql://me:@postgres/db", "has no password"),
        (
            "postgresql://me:hunter2@localhost/db",
            "names the server localhost, but here it is postgres",
        ),
        ("postgresql://me:hunter2@postgres:5433/db", "names the port 5433, but here it is 5432"),
        ("postgresql://me:hunter2%zz@postgres/db", "has a % that is no %XX"),
        ("postgresql://me:hunt@er2@postgres/db", "is not of the form that is needed here"),
        ("mysql://me:hunter2@postgres/db", "is not of the form that is needed here"),
        ("postgresql://me:hunter2@postgres", "is not of the form that is needed here"),
    ],
)
def test_a_url_that_postgres_cannot_be_made_from_is_one_sentence(entrypoint, url, problem):
    refused = entrypoint(url)

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"DATABASE_URL {problem}: write postgresql://USER:PASSWORD@")
    assert refused.stderr.count("\n") == 1
    assert "hunt" not in refused.stderr


def pins(name):
    """Name, version and condition of each pin, with its hashes."""
    blocks = re.split(r"\n(?=\S)", (ROOT / name).read_text().strip())
    return {
        block.split(" \\")[0]: set(re.findall("sha256:[0-9a-f]{64}", block)) for block in blocks
    }


def test_packages_of_the_service_are_pinned_as_for_everybody():
    service, everybody = pins("requirements-api.txt"), pins("requirements.txt")

    assert len(service) > 20
    assert service.items() <= everybody.items()


def test_the_service_answers_with_its_own_packages_alone(place, tmp_path):
    pinned = {pin.split("==")[0] for pin in pins("requirements-api.txt")}
    unpinned = [
        module
        for module, packages in packages_distributions().items()
        if not any(re.sub("[-_.]+", "-", each).lower() in pinned for each in packages)
    ]
    assert {"polars", "sklearn", "streamlit", "sqlalchemy"} <= set(unpinned)
    (tmp_path / "sitecustomize.py").write_text(SITECUSTOMIZE)
    url, home = place
    with Service(home, url, PYTHONPATH=str(tmp_path), UNPINNED=",".join(unpinned)) as service:
        for ticker in ("TCS.NS", "TCS.BO"):
            assert service.short(ticker).status_code == 200
            assert service.get("/predict/long", params={"ticker": ticker}).status_code == 200
        batch = {"tickers": ["TCS.NS", "TCS.BO"], "horizons": ["short", "long"]}
        for answer in (
            service.post("/predict/batch", json=batch),
            *map(service.get, ("/health", "/models", "/scoreboard", "/docs", "/openapi.json")),
        ):
            assert answer.status_code == 200, answer.text
        eventually(lambda: service.metric("forecast_log_written_total") > 0)
        for probed in (service.url, service.url + "/"):
            assert find_problem(probed) is None


def test_the_probe_of_the_service_fails_without_it_and_without_its_database(home, command):
    with Service(home, "postgresql://me:pw@127.0.0.1:1/db") as service:
        probe = command("src.api.probe", "--url", service.url)
        assert (probe.returncode, probe.stdout) == (1, "")
        assert probe.stderr.startswith("The database at 127.0.0.1:1/db does not answer (")
    away = command("src.api.probe", "--url", service.url)
    assert away.returncode == 1
    assert (
        away.stderr == f"The service does not answer at {service.url} (ConnectionRefusedError).\n"
    )


def test_the_probe_is_content_before_the_first_run_and_where_keys_are_needed(home, database_url):
    for keys in ({}, {"FORECAST_API_KEYS": "0" * 64}):
        with Service(home, database_url, **keys) as service:
            assert service.get("/health").status_code == (401 if keys else 503)
            assert find_problem(service.url) is None
