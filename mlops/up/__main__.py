"""Run API, dashboard, worker and watch in one terminal: `python -m mlops.up`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from src.core.errors import BadConfig
from src.stages.arguments import command_parser
from src.stages.cli import run_command

if TYPE_CHECKING:
    from mlops.up.children import Service
    from mlops.up.holder import Holder
    from src.config.settings import Settings

# Seconds that services have to end whose `make up` was killed; then their ports are free.
LEFT_BEHIND = 20.0
DATABASE_END = 60.0  # seconds that the embedded server may take after them


def main(argv: Sequence[str] | None = None) -> int:
    """Run the services until a signal or `--stop` ends them."""
    parser = command_parser("mlops.up", "Run API, dashboard, worker and watch until Ctrl-C.")
    parser.add_argument("--stop", action="store_true", help="end those that run in FORECAST_HOME")
    args = parser.parse_args(argv)
    from mlops.up.holder import Holder
    from src.config import logs
    from src.config.load import load_settings

    settings = load_settings()
    logs.configure(settings.home, settings.log_level)
    holder = Holder(settings.home)
    return _stop(holder, settings) if args.stop else _run(holder, settings)


def _run(holder: Holder, settings: Settings) -> int:
    from mlops.up.children import keep_running
    from mlops.up.terminal import write_line
    from src.db.database import DATA_DIR

    address = _dashboard_address()
    with ExitStack() as stack:
        was_killed = stack.enter_context(holder.hold(_addresses(settings, address)))
        _check_ports(settings, address, LEFT_BEHIND if was_killed else 0.0)
        if settings.server is None:
            from src.db.embedded.lease import acquire

            # Ours is the last lease, so that the server ends after its users.
            stack.enter_context(acquire(settings.home / DATA_DIR))
        write_line(
            f"{_addresses(settings, address)}, a worker and a watch; Ctrl-C or `make down` ends "
            "all."
        )
        asyncio.run(keep_running(_services(address), stop_timeout=_stop_timeout(settings)))
    write_line("All services have ended.")
    return 0


def _services(address: tuple[str, int]) -> list[Service]:
    from mlops.up.children import Service

    host, port = address
    dashboard = f"-m streamlit run streamlit_app.py --server.address={host} --server.port={port}"
    return [
        Service("API", ["-m", "src.api"]),
        # Each session of a browser has threads of its own, which glibc lets keep free memory apart.
        # It says that it ends before it does so, and does not if nobody can read that.
        Service("dashboard", dashboard.split(), {"MALLOC_ARENA_MAX": "2"}, signal.SIGKILL),
        Service("worker", ["-m", "mlops.worker"]),
        Service("watch", ["-m", "mlops.monitoring", "watch"]),
    ]


def _stop_timeout(settings: Settings) -> float:
    """Seconds that a service may take to end: longer than the worker gives its run."""
    return settings.worker.stop_seconds + 15


def _addresses(settings: Settings, address: tuple[str, int]) -> str:
    api, (host, port) = settings.api, address
    return f"The API on http://{api.host}:{api.port}, the dashboard on http://{host}:{port}"


def _dashboard_address() -> tuple[str, int]:
    from src.config.address import DASHBOARD

    host, text = os.environ.get(DASHBOARD.host, "127.0.0.1"), os.environ.get(DASHBOARD.port, "8501")
    if not (text.isdecimal() and 0 < int(text) < 65536):
        raise BadConfig(f"{DASHBOARD.port} is {text!r}: set it to a port from 1024 to 65535.")
    return host, int(text)


def _check_ports(settings: Settings, dashboard: tuple[str, int], patience: float) -> None:
    from src.config.address import API, DASHBOARD, check_address

    deadline = time.monotonic() + patience
    for host, port, names in (
        (settings.api.host, settings.api.port, API),
        (*dashboard, DASHBOARD),
    ):
        while time.monotonic() < deadline:
            with contextlib.suppress(BadConfig):
                check_address(host, port, names)
                break
            time.sleep(0.1)
        check_address(host, port, names)


def _stop(holder: Holder, settings: Settings) -> int:
    seconds = _stop_timeout(settings)
    waiting = (
        f"Waiting for API, dashboard, worker and watch to end, {seconds:.0f} s at most, and then "
        "for the database; `make down` once more kills at once what has not ended."
    )
    if not holder.stop(seconds + DATABASE_END, waiting):
        sys.stdout.write(f"No services run in {settings.home}.\n")
    else:
        sys.stdout.write("All services have ended.\n")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
