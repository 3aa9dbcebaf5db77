"""The whole system in containers, from a copy of the tree, beside whatever else runs here."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import httpx

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "forecast-test"
DATABASE_CONTAINER = "forecast_test_db"
IMAGES = {"tcsns-forecast": "forecast-test-full", "tcsns-forecast-api": "forecast-test-api"}
# What a password may have: each of these characters is written in another way in a URL.
PASSWORD = "s3cret/%@:#x"  # noqa: S105 of a database that is removed
URL = f"postgresql://forecast_user:{quote(PASSWORD, safe='')}@postgres:5432/forecast_db"
# The evening of Monday 13 April 2026; files have prices up to that session.
NOW = "2026-04-13T19:00:00+05:30"
SETTINGS = {
    "DATABASE_URL": URL,
    "TICKER": "TCS.NS",
    "LOG_LEVEL": "INFO",
    "FORECAST_NOW": NOW,
    "FORECAST_WORKER__SOURCE": "csv",
}
PORTS = (5432, 8000, 8501)


def reason_to_skip() -> str | None:
    """Why nothing can run in containers here; None where it can."""
    if shutil.which("docker") is None:
        return "there is no docker on this machine"
    if _docker("compose", "version").returncode:
        return "docker has no compose here"
    answer = _docker("version", "--format", "{{.Server.Version}}")
    return f"no Docker engine answers: {answer.stderr.strip()}" if answer.returncode else None


class Stack:
    """A copy of the tree in ``folder``, with other ports, names and images than it says.

    Attributes:
        ports: Of this machine, by those that the services have.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        files = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout.split(b"\0")
        for name in filter(None, map(os.fsdecode, files)):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
        self.ports = {port: _free_port() for port in PORTS}
        path = folder / "docker-compose.yml"
        text = path.read_text()
        for port, other in self.ports.items():
            text = text.replace(f"127.0.0.1:{port}:", f"127.0.0.1:{other}:")
        for image, other_image in IMAGES.items():
            text = text.replace(f"image: {image}\n", f"image: {other_image}\n")
        path.write_text(text.replace("tcs_forecast_db", DATABASE_CONTAINER))
        self.write_settings(SETTINGS)

    def write_settings(self, settings: dict[str, str]) -> None:
        """Write ``.env``."""
        lines = [f"{name}={value}\n" for name, value in settings.items()]
        (self.folder / ".env").write_text("".join(lines))

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """``docker compose`` with arguments, to its end."""
        done = _docker("compose", "--project-name", PROJECT, *arguments, cwd=self.folder)
        assert not check or done.returncode == 0, done.stderr[-2000:]
        return done

    def up(self, *profiles: str) -> None:
        """Start all services, and wait until they are healthy."""
        chosen = [part for profile in profiles for part in ("--profile", profile)]
        self.run(*chosen, "up", "-d", "--wait", "--wait-timeout", "300")

    def python(self, service: str, code: str) -> subprocess.CompletedProcess[str]:
        """What Python code prints in a container that runs."""
        return self.run("exec", "-T", service, "python", "-c", code, check=False)

    def rows(self, query: str) -> list[str]:
        """Rows of the database, as psql writes them."""
        done = _docker("exec", DATABASE_CONTAINER, "psql", "-XAtc", query)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def services(self) -> list[str]:
        """The services that run."""
        return self.run("ps", "--services", "--status", "running").stdout.split()

    def volumes(self) -> list[str]:
        """The volumes that are there."""
        label = f"label=com.docker.compose.project={PROJECT}"
        return _docker("volume", "ls", "-q", "--filter", label).stdout.split()

    def main_process(self, service: str) -> int:
        """The first process of a service on this machine; 0 while it does not run."""
        container = self.run("ps", "-aq", service).stdout.strip()
        return int(_docker("inspect", "-f", "{{.State.Pid}}", container).stdout)

    def ask(self, path: str) -> httpx.Response:
        """A POST request to the API, again for some time while it starts."""
        deadline = time.monotonic() + 60
        while True:
            try:
                return httpx.post(f"http://localhost:{self.ports[8000]}{path}", timeout=20)
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def remove(self) -> None:
        """Everything but the images."""
        self.run("--profile", "pipeline", "down", "-v", "--remove-orphans", check=False)


def holds(image: str, texts: Sequence[bytes]) -> set[bytes]:
    """Which of the texts are in any layer of an image, or in what it is described by."""
    found, rest = set(), b""
    longest = max(map(len, texts))
    with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as save:
        assert save.stdout is not None
        while block := save.stdout.read(1 << 22):
            part = rest + block
            found |= {text for text in texts if text in part}
            rest = part[-longest:]
    assert save.returncode == 0
    return found


def inspect(image: str, template: str) -> str:
    """What an image is described by."""
    return _docker("image", "inspect", "-f", template, image).stdout.strip()


def _docker(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k not in SETTINGS}
    return subprocess.run(
        ["docker", *arguments],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
