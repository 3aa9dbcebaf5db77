"""The API as a separate process, started and called as a user would."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
NOW = "2026-04-13T12:30:00Z"


def eventually(condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    """The first true value; fails with the last value when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, value
        time.sleep(0.02)
    return value


class Service:
    """One worker on a free port; ``home`` holds its models and, without a URL, its database."""

    killed = False
    # Where what it prints as errors goes.
    stderr: int | IO[bytes] = subprocess.DEVNULL
    # Seconds that its start may take.
    patience = 30.0

    def __init__(self, home: Path, url: str | None = None, **settings: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        settings_of_ours = ("FORECAST_", "PG", "DATABASE_URL", "TICKER", "LOG_LEVEL")
        passed_on = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(settings_of_ours)
        }
        self.environment = {
            **passed_on,
            "FORECAST_HOME": str(home),
            "FORECAST_NOW": NOW,
            **settings,
        }
        if url is not None:
            self.environment["DATABASE_URL"] = url

    def __enter__(self) -> Service:
        self.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self.stop()

    def start(self) -> None:
        command = f"-m uvicorn src.api.predict_simple:app --port {self.port} --no-access-log"
        self.process = subprocess.Popen(
            [sys.executable, *command.split()],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=self.stderr,
        )
        self.client = httpx.Client(base_url=self.url, timeout=20)
        try:
            eventually(self._is_alive, self.patience)
        except BaseException:
            self.kill()  # nobody else would end it
            raise

    def _is_alive(self) -> bool:
        assert self.process.poll() is None, "the service ended"
        try:
            return self.client.get("/health/live").status_code in (200, 429)
        except httpx.TransportError:
            return False

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.client.get(path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.client.post(path, **more)

    def short(self, ticker: str = "TCS.NS") -> httpx.Response:
        return self.get("/predict/short", params={"ticker": ticker})

    def metric(self, line: str) -> float:
        """The value of a line of /metrics, 0 where it is not there."""
        for text in self.get("/metrics").text.splitlines():
            if text.startswith(f"{line} "):
                return float(text.rsplit(" ", 1)[1])
        return 0.0

    def kill(self) -> None:
        self.killed = True
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.client.close()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except BaseException:
                self.kill()  # the next test would be blamed for what is left of it
                raise
        self.client.close()


class Load:
    """Clients that request forecasts without end; ``answers`` are in order of arrival."""

    def __init__(self, service: Service, path: str = "/predict/short", clients: int = 4) -> None:
        self.answers: list[httpx.Response] = []
        self._service, self._path, self._stop = service, path, threading.Event()
        self._threads = [threading.Thread(target=self._request) for _ in range(clients)]

    def _request(self) -> None:
        with httpx.Client(base_url=self._service.url, timeout=20) as client:
            while not self._stop.is_set():
                try:
                    self.answers.append(client.get(self._path))
                except httpx.TransportError:
                    if not self._service.killed:
                        raise
                    return

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        eventually(lambda: len(self.answers) > 20)
        return self

    def __exit__(self, *raised: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def die(pid_file: Path, how: int = signal.SIGQUIT) -> None:
    """End the server whose data directory holds ``pid_file`` at once, as a crash would."""
    pid = int(pid_file.read_text().split()[0])
    os.kill(pid, how)
    eventually(lambda: not Path(f"/proc/{pid}").exists())
