"""``python -m src.api``: serve the prediction API by uvicorn, at the configured address."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Sequence
from typing import Any

from src.core.errors import BadConfig
from src.stages.arguments import EPILOG, Parser
from src.stages.cli import run_command

SHUTDOWN_TIMEOUT = 10  # seconds for answers under way; a client that never reads is not waited for


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until a signal ends it."""
    Parser(
        prog="python -m src.api",
        description="Serve forecasts; the address is set by FORECAST_API__HOST and __PORT.",
        epilog=EPILOG,
    ).parse_args(argv)
    import uvicorn

    from src.api.routes.ticker_parameter import parse_ticker
    from src.config.load import load_settings
    from src.registry.storage.signing import signing_keys

    settings = load_settings()
    # Settings that cannot be used are reported before anything starts.
    signing_keys(settings)
    parse_ticker(settings.data.ticker)
    check_address(settings.api.host, settings.api.port)
    uvicorn.run(
        "src.api.predict_simple:app",
        host=settings.api.host,
        port=settings.api.port,
        access_log=False,
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT,
        workers=1,
        proxy_headers=False,  # FORECAST_API__TRUSTED_PROXIES says whose are believed
        log_level=settings.log_level.lower(),
    )
    return 0


def check_address(host: str, port: int) -> None:
    """Raise BadConfig where the service cannot listen."""
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise BadConfig(_address_sentence(host, port, error)) from error
    tries = [_try_to_bind(*address) for address in addresses]
    failures = [failure for failure in tries if failure is not None]
    # A name may also have an address of a kind that this machine lacks, such as IPv6.
    fatal = [each for each in failures if each.errno in (errno.EADDRINUSE, errno.EACCES)]
    if fatal or len(failures) == len(addresses):
        raise BadConfig(_address_sentence(host, port, (fatal or failures)[0]))


def _try_to_bind(family: int, kind: int, protocol: int, _: str, address: Any) -> OSError | None:
    try:
        with socket.socket(family, kind, protocol) as probe:
            # As the server does: connections of a service that has just ended are no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return error
    return None


def _address_sentence(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} of {host} is in use: end the program that listens there, or set "
            "FORECAST_API__PORT to another port."
        )
    if error.errno == errno.EACCES:
        return (
            f"Port {port} may not be opened by this user: set FORECAST_API__PORT to a port from "
            "1024 on."
        )
    return (
        f"The service cannot listen on {host} ({error.strerror}): set FORECAST_API__HOST to an "
        "address of this machine, such as 127.0.0.1."
    )


if __name__ == "__main__":
    sys.exit(run_command(main))
