"""From a data directory: the names of all that its server leaves around it, safely opened."""

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

PORT = 5432  # names the socket file; said in the URL so that PGPORT cannot send a client elsewhere
LOG_LIMIT = 10_000_000  # bytes
# Bytes: a new database takes 40 MB, and a start may write a segment of the log, 16 MB, at once.
ROOM = 64_000_000


@dataclass(frozen=True)
class EmbeddedServer:
    """One data directory (an absolute path) and the server on it."""

    data: Path

    @property
    def log(self) -> Path:
        """What the server has to say."""
        return self.beside("log")

    @property
    def socket_dir(self) -> Path:
        """The only door to the server."""
        # Not beside the data: the path of a Unix socket ends at 107 bytes. /tmp is everybody's,
        # so what is found there is not trusted: see `accounts.private_dir`.
        digest = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]
        return Path("/tmp") / f"tcsns-{digest}"  # noqa: S108

    @property
    def socket_file(self) -> Path:
        """The socket itself."""
        return self.socket_dir / f".s.PGSQL.{PORT}"

    @property
    def pid_files(self) -> tuple[Path, Path]:
        """The two notes that PostgreSQL makes of its pid; either may be stale, or lost."""
        return self.data / "postmaster.pid", self.socket_dir / f".s.PGSQL.{PORT}.lock"

    @property
    def marker(self) -> str:
        """A setting that PostgreSQL keeps for us: it tells in /proc whose data a server holds."""
        return f"tcsns.data_directory={self.data}"

    def url(self, database: str) -> str:
        """Where any driver finds the database, whatever the environment says."""
        name = quote(database, safe="")
        return f"postgresql://postgres@localhost/{name}?host={self.socket_dir}&port={PORT}"

    def beside(self, kind: str) -> Path:
        """Return the path of one of our own files, which lie beside the data."""
        return self.data.with_name(f"{self.data.name}.{kind}")

    def open_beside(self, kind: str) -> int:
        """Open one of our own files, making it if need be."""
        # Root may work in a folder of another user: a link planted there is not followed, and
        # only a file made by this call is given away.
        flags = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW
        try:
            descriptor = os.open(self.beside(kind), flags | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return os.open(self.beside(kind), flags)
        if account := server_account(self.data):
            os.fchown(descriptor, account.uid, account.gid)
        return descriptor

    def open_log(self) -> IO[bytes]:
        """Open the log to append to it; one that has grown too long is put aside."""
        with contextlib.suppress(FileNotFoundError):
            if self.log.lstat().st_size > LOG_LIMIT:
                self.log.replace(self.beside("log.old"))
        return os.fdopen(self.open_beside("log"), "ab")

    def unavailable_error(self, what: str) -> DatabaseUnavailable:
        """Return the error to raise: what is wrong, and where to look."""
        return DatabaseUnavailable(
            f"The database in {self.data} {what}: see {self.log}, or set DATABASE_URL to a server."
        )

    def failed_error(self, what: str) -> DatabaseUnavailable:
        """Return the same where it may be for want of room, the likeliest reason on a full disk."""
        with contextlib.suppress(OSError):
            free = shutil.disk_usage(self.data.parent).free
            if free < ROOM:
                what += f" with {free / 1e6:.1f} MB left on its disk, so free some first"
        return self.unavailable_error(what)


def try_lock(descriptor: int) -> bool:
    """Lock an open file or folder against everyone else, unless someone holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
