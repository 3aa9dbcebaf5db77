"""Check that this machine can listen at an address that settings name."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass
from typing import Any

from src.core.errors import BadConfig


@dataclass(frozen=True)
class Variables:
    """The variables that name a service's address."""

    host: str
    port: str


API = Variables("FORECAST_API__HOST", "FORECAST_API__PORT")
# Streamlit reads its own.
DASHBOARD = Variables("STREAMLIT_SERVER_ADDRESS", "STREAMLIT_SERVER_PORT")


def check_address(host: str, port: int, names: Variables) -> None:
    """Raise BadConfig where no service can listen at that address."""
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise BadConfig(_sentence(host, port, names, error)) from error
    tries = [_try_to_bind(*address) for address in addresses]
    failures = [failure for failure in tries if failure is not None]
    # A name may also have an address of a kind that this machine lacks, such as IPv6.
    fatal = [each for each in failures if each.errno in (errno.EADDRINUSE, errno.EACCES)]
    if fatal or len(failures) == len(addresses):
        raise BadConfig(_sentence(host, port, names, (fatal or failures)[0]))


def _try_to_bind(family: int, kind: int, protocol: int, _: str, address: Any) -> OSError | None:
    try:
        with socket.socket(family, kind, protocol) as probe:
            # As the server does: connections of a service that has just ended are no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return error
    return None


def _sentence(host: str, port: int, names: Variables, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} of {host} is in use: end the program that listens there, or set "
            f"{names.port} to another port."
        )
    if error.errno == errno.EACCES:
        return (
            f"Port {port} may not be opened by this user: set {names.port} to a port from 1024 on."
        )
    return (
        f"The service cannot listen on {host} ({error.strerror}): set {names.host} to an "
        "address of this machine, such as 127.0.0.1."
    )
