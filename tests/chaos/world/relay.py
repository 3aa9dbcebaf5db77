"""A TCP port in front of a server's socket, whose connections can be cut, stalled and slowed."""

from __future__ import annotations

import select
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path


class Relay:
    """Passes bytes on between a port of 127.0.0.1 and the Unix socket at ``path``.

    Attributes:
        port: To connect to.
        delay: Seconds that each piece of data waits.
        is_stalled: Nothing is passed on, and nobody is told.
        is_cut: Every connection is closed, and each new one at once.
    """

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self.delay, self.is_stalled, self.is_cut = 0.0, False, False
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take no more connections, and close all."""
        self.is_cut = True
        self._closed.set()
        self._thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self._closed.is_set():
            if select.select([self._listener], [], [], 0.05)[0]:
                client, _ = self._listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as PostgreSQL does
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, suppress(OSError):
            if self.is_cut:
                return
            server.connect(self._path)
            while not self.is_cut:
                for ready in select.select([client, server], [], [], 0.05)[0]:
                    if self.is_stalled:
                        time.sleep(0.05)
                        continue
                    data = ready.recv(65536)
                    if not data:
                        return
                    time.sleep(self.delay)
                    (server if ready is client else client).sendall(data)
