"""An installation on a small disk of its own: its server, its services, and runs in it."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qs, urlsplit

import psutil

from src.db.connection import READER, WRITER
from tests.chaos.world import keeper, prices
from tests.chaos.world.relay import Relay
from tests.chaos.world.server import Server
from tests.support.dashboards import OF_OURS, ROOT, Dashboard
from tests.support.services import Service
from tests.support.starter import Started, Starter
from tests.support.yahoo_replay import yahoo_replay

# Seconds of a run on an idle machine, and how much slower a busy one is taken to be at most.
USUAL, SLOWEST = 0.3, 10.0
# Shorter than in earnest, so that a refusal of the source ends within an episode.
QUICK = {
    "FORECAST_DATA__MIN_ROWS_REQUIRED": "60",
    "FORECAST_DATA__TICKER": prices.TICKERS[0],
    # Services are told the time of the last evening.
    "FORECAST_DATA__STALE_AFTER_SESSIONS": "10",
    "FORECAST_WORKER__KIND": "data",
    "FORECAST_WORKER__SOURCE": "csv",
    "FORECAST_WORKER__STOP_SECONDS": "5",
    "FORECAST_SOURCES__YAHOO__FIRST_PAUSE_MINUTES": "0.001",
    "FORECAST_SOURCES__YAHOO__LONGEST_PAUSE_MINUTES": "0.001",
    "FORECAST_SOURCES__YAHOO__SECONDS_PER_REQUEST": "0.01",
    "FORECAST_SOURCES__YAHOO__WAIT_SECONDS": "1",
}


class World:
    """All processes and files of an installation below ``folder``.

    With ``reached == "relay"`` its parts reach PostgreSQL over TCP, each in the role that it has in
    a deployment; else the server is the one that they start themselves.

    Attributes:
        home: Where the installation writes; a small disk where one may be mounted.
        has_disk: Whether it is one.
        day: The session that is delivered.
        now: The time that a run is told.
        pace: By how much runs take longer than usual, so that faults come at the same stages.
        source: Where its prices come from: ``csv`` or ``yahoo``.
    """

    def __init__(self, folder: Path, *, has_dashboard: bool = False) -> None:
        self.folder, self.home = folder, folder / "home"
        self.home.mkdir(parents=True)
        keeper.clear_abandoned()
        self._keeper = keeper.start(self.home)
        self.has_disk = keeper.mount(self.home)
        self.server = Server(self.home)
        self.url, self.query = self.server.url, self.server.query
        self._stack = contextlib.ExitStack()
        self.yahoo: Any = self._stack.enter_context(yahoo_replay())
        folder_of_socket = parse_qs(urlsplit(self.url).query)["host"][0]
        self.relay = Relay(Path(folder_of_socket) / ".s.PGSQL.5432")
        self._stack.callback(self.relay.close)
        self.reached, self.source = "embedded", "csv"
        self.day, self.now = prices.START, prices.evening(prices.START)
        self.pace = 1.0
        self.api: Service | None = None
        self.dashboard: Dashboard | None = None
        self._starter = Starter(self.environment(self.now), "mlops.pipeline")
        self._has_dashboard = has_dashboard
        self._services: dict[str, tuple[Service, Dashboard | None]] = {}

    def set_pace(self, seconds: float) -> None:
        """Take note of how long a run without faults has just taken."""
        self.pace = min(max(seconds / USUAL, 1.0), SLOWEST)

    def revive(self) -> None:
        """Start again what has died: the server, the API and the dashboard."""
        self.server.revive()
        for service in (self.api, self.dashboard):
            if service is not None and service.process.poll() is not None:
                if isinstance(service, Service):
                    service.client.close()
                service.start()

    # Its processes

    def environment(self, now: dt.datetime, role: str = WRITER) -> dict[str, str]:
        """Of a command at a time; nothing of this machine's settings."""
        kept = {name: text for name, text in os.environ.items() if not name.startswith(OF_OURS)}
        return kept | {"FORECAST_HOME": str(self.home)} | self.settings(now, role)

    def settings(self, now: dt.datetime, role: str) -> dict[str, str]:
        """What a process is told besides its home."""
        told = QUICK | {"FORECAST_NOW": now.isoformat(), "FORECAST_YAHOO_URL": self.yahoo.url}
        if self.reached == "relay":
            address = f"postgresql://postgres@127.0.0.1:{self.relay.port}/forecast_db"
            told |= {"DATABASE_URL": address, "PGOPTIONS": f"-c role={role}"}
        return told

    def start_run(self, now: dt.datetime, *, train: bool = False) -> Started:
        """A run of all tickers, as a person starts it."""
        arguments = ["--all", "--source", self.source]
        arguments += ["--path", str(self.home / "prices")] if self.source == "csv" else []
        arguments += [] if train else ["--skip-training"]
        with self.errors("run.err") as stderr, Path(os.devnull).open("wb") as nothing:
            return self._starter.start(
                "mlops.pipeline",
                arguments,
                self.environment(now),
                stdout=nothing.fileno(),
                stderr=stderr.fileno(),
            )

    def start_worker(self) -> subprocess.Popen[bytes]:
        """The worker, which runs what is due."""
        with self.errors("worker.err") as stderr:
            return subprocess.Popen(
                [sys.executable, "-m", "mlops.worker"],
                cwd=ROOT,
                env=self.environment(self.now),
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                start_new_session=True,
            )

    def errors(self, name: str) -> IO[bytes]:
        """A file outside of the small disk that takes what a process prints as errors."""
        return (self.folder / name).open("ab")

    def said(self) -> dict[str, str]:
        """What all processes have printed as errors, by the name of the file."""
        return {path.name: path.read_text("utf-8", "replace") for path in self.folder.glob("*.err")}

    def processes(self, *words: str) -> list[psutil.Process]:
        """Processes of this home whose command line has one of the words; of any, without words.

        Not the one that starts runs.
        """
        found = []
        for process in psutil.process_iter(["cmdline", "environ"]):
            line, env = process.info["cmdline"] or [], process.info["environ"] or {}
            is_here = (
                env.get("FORECAST_HOME") == str(self.home) and process.pid != self._starter.pid
            )
            if is_here and (not words or any(word in line for word in words)):
                found.append(process)
        return found

    def runs(self) -> list[psutil.Process]:
        """Processes of runs, whoever started them."""
        return self.processes("mlops.pipeline", "mlops.run_request")

    # From one evening to the next

    def begin(self, database: str, files: Path, reached: str) -> None:
        """Begin anew from a copy of a database and of the files beside it."""
        self._end_api()
        if self.reached != reached:
            self._end_dashboard()
        for process in self.processes():
            if self.dashboard is None or process.pid != self.dashboard.process.pid:
                process.kill()
        self.reached = reached
        self.server.copy_database(database, "forecast_db")
        for path in self.home.iterdir():
            if path.is_dir() and path.name != "var":
                shutil.rmtree(path)
        for path in (self.home / "var").iterdir():
            if not path.name.startswith("postgres"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(files, self.home, dirs_exist_ok=True)
        for path in self.folder.glob("*.err"):
            path.write_bytes(b"")
        self._start_services()

    def _start_services(self) -> None:
        """Start an API, and a dashboard unless one runs already, on the ports that they had."""
        if self.reached not in self._services:
            last = prices.evening(prices.DAYS[-1])
            api = Service(self.home, None, **self.settings(last, READER))
            told = self.settings(last, READER) | {"FORECAST_DASHBOARD__API_URL": api.url}
            dashboard = Dashboard(self.home, None, **told) if self._has_dashboard else None
            for name, service in (("api.err", api), ("dashboard.err", dashboard)):
                if service is not None:
                    service.stderr = self._stack.enter_context(self.errors(name))
            self._services[self.reached] = api, dashboard
        api, dashboard = self._services[self.reached]
        self.api = api
        api.patience = 30 * SLOWEST
        api.start()
        if dashboard is not self.dashboard and dashboard is not None:
            self._end_dashboard()
            dashboard.start()
            self.dashboard = dashboard

    def _end_dashboard(self) -> None:
        if self.dashboard is not None:
            self._end(self.dashboard.process)
            self.dashboard = None

    def _end_api(self) -> None:
        if self.api is not None:
            self._end(self.api.process)
            self.api.client.close()
            self.api = None

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """End a service; one that does not end in time is killed, so that the rest can go on."""
        process.terminate()
        try:
            process.wait(20 * self.pace)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def close(self) -> list[str]:
        """End everything; the command lines of what was left, which is killed, and complaints."""
        with contextlib.ExitStack() as stack:
            stack.callback(self._keeper.communicate)
            if self.has_disk:
                stack.callback(subprocess.run, ["umount", "-l", str(self.home)], check=True)
            stack.callback(self.server.stop)
            stack.enter_context(self._stack)
            self._end_api()
            self._end_dashboard()
            said = self._starter.end()
            left = self.processes()
            lines = [" ".join(process.cmdline()) for process in left]
            for process in left:
                process.kill()
        return [*said.splitlines(), *lines, *("the server" for _ in self.server.processes()[:1])]
