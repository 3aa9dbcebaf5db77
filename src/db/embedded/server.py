"""Name and open the files that belong to a data directory and its server."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

from src.core.errors import DatabaseUnavailable
from src.db.embedded.os_account import server_account

PORT = 5432  # part of the socket's name; given in the URL so that PGPORT is not used
LOG_LIMIT = 10_000_000  # bytes
# Bytes: a new database takes 40 MB, and a start may write a 16 MB segment of the log at once.
SPACE_NEEDED = 64_000_000


@dataclass(frozen=True)
class EmbeddedServer:
    """One data directory (an absolute path) and the server on it."""

    data: Path

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.beside("log")

    @property
    def socket_dir(self) -> Path:
        """The folder of the socket, the only way to connect to the server."""
        # Not beside the data: the path of a Unix socket has 107 bytes at most. Anybody can write
        # to /tmp, so a folder that exists already is checked: see `os_account.private_dir`.
        digest = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]
        return Path("/tmp") / f"tcsns-{digest}"  # noqa: S108

    @property
    def socket_file(self) -> Path:
        """The socket itself."""
        return self.socket_dir / f".s.PGSQL.{PORT}"

    @property
    def pid_files(self) -> tuple[Path, Path]:
        """The two files that PostgreSQL writes its pid to; either may be stale, or lost."""
        return self.data / "postmaster.pid", self.socket_dir / f".s.PGSQL.{PORT}.lock"

    @property
    def marker(self) -> str:
        """A setting on the server's command line that shows in /proc which data it has."""
        return f"tcsns.data_directory={self.data}"

    def url(self, database: str) -> str:
        """The URL of a database for any driver, whatever the environment says."""
        name = quote(database, safe="")
        return f"postgresql://postgres@localhost/{name}?host={self.socket_dir}&port={PORT}"

    def beside(self, kind: str) -> Path:
        """Return the path of one of our own files, which lie beside the data."""
        return self.data.with_name(f"{self.data.name}.{kind}")

    def open_beside(self, kind: str) -> int:
        """Open one of our own files, creating it if need be."""
        # Root may work in a folder of another user: a link planted there is not followed, and only
        # a file created by this call gets another owner.
        flags = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW
        try:
            descriptor = os.open(self.beside(kind), flags | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return os.open(self.beside(kind), flags)
        if account := server_account(self.data):
            os.fchown(descriptor, account.uid, account.gid)
        return descriptor

    def open_log(self) -> IO[bytes]:
        """Open the log to append to it; one that has grown too long is renamed first."""
        with contextlib.suppress(FileNotFoundError):
            if self.log.lstat().st_size > LOG_LIMIT:
                self.log.replace(self.beside("log.old"))
        return os.fdopen(self.open_beside("log"), "ab")

    def is_leased(self) -> bool:
        """Whether any process keeps the server running: see `lease`."""
        descriptor = self.open_beside("leases")
        try:
            return not try_lock(descriptor)
        finally:
            os.close(descriptor)

    def unavailable_error(self, what: str) -> DatabaseUnavailable:
        """Return the error to raise, with where to look."""
        return DatabaseUnavailable(
            f"The database in {self.data} {what}: see {self.log}, or set DATABASE_URL to a server."
        )

    def failed_error(self, what: str) -> DatabaseUnavailable:
        """Return the error to raise where a full disk may be the reason; names the space left."""
        with contextlib.suppress(OSError):
            free = shutil.disk_usage(self.data.parent).free
            if free < SPACE_NEEDED:
                what += f" with {free / 1e6:.1f} MB left on its disk, so free some space first"
        return self.unavailable_error(what)


def try_lock(descriptor: int) -> bool:
    """Lock an open file or folder exclusively; False if another process has locked it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
