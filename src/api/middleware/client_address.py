"""Find the address that a request counts for: the peer's, or what a trusted proxy says of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from src.config import logs

if TYPE_CHECKING:
    from starlette.types import Scope

log = logs.get(__name__)

# The server itself may have replaced the peer's address by one from the header, which any client
# can write (uvicorn does so for its own machine): all such requests count for one client.
FORWARDED = "forwarded"
MAX_LENGTH = 64


class ClientAddress:
    """Reads X-Forwarded-For where the peer is one of ``trusted_proxies`` (addresses, networks)."""

    def __init__(self, trusted_proxies: Sequence[str]) -> None:
        self._networks = [ipaddress.ip_network(text, strict=False) for text in trusted_proxies]
        self._is_trusted = lru_cache(maxsize=4096)(self._lies_in_a_network)
        self._has_warned = False

    def of(self, scope: Scope) -> str:
        """The address of the client, or a name that several clients share."""
        peer = str(scope["client"][0]) if scope.get("client") else ""
        headers = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        if not headers:
            return peer
        text = b",".join(headers).decode("latin-1")
        hops = [_host(hop.strip()) for hop in text.split(",")]
        if peer in hops:
            self._warn()
            return FORWARDED
        # Each proxy appends the address that it was called from: the first ones are hearsay.
        for hop in reversed(hops):
            if not self._is_trusted(peer):
                break
            peer = hop
        return peer

    def _warn(self) -> None:
        if not self._has_warned:
            self._has_warned = True
            log.warning(
                "Clients whose addresses the server itself takes from X-Forwarded-For share one "
                "limit: start it with --no-proxy-headers and set FORECAST_API__TRUSTED_PROXIES."
            )

    def _lies_in_a_network(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)


def _host(hop: str) -> str:
    """An entry of X-Forwarded-For without a port."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    return hop[:MAX_LENGTH]
