"""A line between two processes that can be cut and mended, as a network is."""

from __future__ import annotations

import contextlib
import socket
import threading


class Line:
    """Passes on what arrives at a port of its own to another port, both ways, until it is cut."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._open: list[socket.socket] = []
        self._is_whole = True
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *raised: object) -> None:
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """End every connection, and refuse new ones."""
        self._is_whole = False
        while self._open:
            end(self._open.pop())

    def mend(self) -> None:
        """Take connections again."""
        self._is_whole = True

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if not self._is_whole:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._to))
            self._open += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=pass_on, args=(source, target), daemon=True).start()


def pass_on(source: socket.socket, target: socket.socket) -> None:
    """Send what one side says to the other, until either has ended."""
    with contextlib.suppress(OSError):
        while chunk := source.recv(65536):
            target.sendall(chunk)
    end(source)
    end(target)


def end(connection: socket.socket) -> None:
    """Close a connection that others may be waiting for."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
