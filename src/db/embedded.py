"""From a folder: a real PostgreSQL server, shared by every process that asks for it.

Three locks of the kernel carry the whole life cycle; all are freed by `kill -9`:
`NAME.lock`    exclusive: one process at a time starts or stops the server,
`NAME.leases`  shared: held by each process that uses it; the last one out stops the server,
the data directory itself, exclusive: inherited by the server and all its children, so it is free
only when not one of them is left. A pid file, which may be stale, decides nothing.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import hashlib
import logging
import os
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, NoReturn
from urllib.parse import quote

from src.core.errors import DatabaseUnavailable
from src.db.binaries import (
    Account,
    find_binaries,
    handed_over,
    own,
    server_account,
    start,
)

__all__ = ["EmbeddedServer", "Lease", "acquire", "find_binaries"]

log = logging.getLogger(__name__)

PORT = 5432  # names the socket file; said in the URL so that PGPORT cannot send a client elsewhere
PATIENCE = 300.0  # seconds: recovery after a crash replays up to a gigabyte of log
GRACE = 2.0  # seconds for a server to open its socket, for orphans of a dead one to leave
UNSEEN = 10.0  # seconds after which the data's user must have shown himself
STOPPING = 30.0  # seconds: a fast stop writes what is in memory to the disk first
LOG_LIMIT = 10_000_000  # bytes

PROC = Path("/proc/self")  # absent on macOS: there an answering server is all there is to go by

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "50",
    "jit": "off",
    # A client that died in the middle of a long statement gives its advisory locks back.
    "client_connection_check_interval": "1s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}


@dataclass
class _Holdings:
    """The leases of this process: one descriptor for each server, however often it is asked for."""

    guard: threading.RLock = field(default_factory=threading.RLock)
    held: dict[Path, tuple[EmbeddedServer, int, int]] = field(default_factory=dict)

    def forget(self) -> None:
        """In a forked child: the leases are the parent's, and so is their end."""
        self.guard = threading.RLock()
        for _, descriptor, _ in self.held.values():
            os.close(descriptor)
        self.held = {}

    def release_all(self) -> None:
        for server, _, _ in list(self.held.values()):
            server.release(everything=True)


_holdings = _Holdings()
os.register_at_fork(after_in_child=_holdings.forget)
atexit.register(_holdings.release_all)


def acquire(data_dir: Path, database: str = "forecast_db", *, patience: float = PATIENCE) -> Lease:
    """Start the server of `data_dir`, or join it, and see to it that `database` exists."""
    server = EmbeddedServer(Path(data_dir).resolve())
    try:
        server.acquire(database, patience)
    except OSError as error:
        raise DatabaseUnavailable(
            f"The database in {server.data} cannot be opened ({error}): see {server.log},"
            " or set DATABASE_URL to another server."
        ) from error
    return Lease(server, database)


class Lease:
    """The right to find the server running; given back by `with`, `release` or the exit."""

    def __init__(self, server: EmbeddedServer, database: str) -> None:
        name, folder = quote(database, safe=""), server.socket_dir
        self.url = f"postgresql://postgres@localhost/{name}?host={folder}&port={PORT}"
        self._server: EmbeddedServer | None = server
        self._process = os.getpid()

    def release(self) -> None:
        """Give the lease back; twice is once. In a forked child it is not ours to give."""
        server, self._server = self._server, None
        if server is not None and self._process == os.getpid():
            server.release()

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


@dataclass(frozen=True)
class EmbeddedServer:
    """One data directory (an absolute path) and the server on it."""

    data: Path

    @property
    def log(self) -> Path:
        """What the server has to say."""
        return self.data.with_name(f"{self.data.name}.log")

    @property
    def socket_dir(self) -> Path:
        """The only door to the server."""
        # Not beside the data: the path of a Unix socket ends at 107 bytes.
        return Path("/tmp") / f"tcsns-{_digest(self.data)}"  # noqa: S108 - checked by _private_dir

    @property
    def socket_file(self) -> Path:
        """The socket itself."""
        return self.socket_dir / f".s.PGSQL.{PORT}"

    # --- leases -------------------------------------------------------------------------------

    def acquire(self, database: str, patience: float) -> None:
        """Take one lease; the server answers and `database` exists when this returns."""
        deadline = time.monotonic() + patience
        self.data.parent.mkdir(parents=True, exist_ok=True)
        with _holdings.guard, self._alone(deadline):
            _, descriptor, count = _holdings.held.get(self.data) or (self, self._open_lease(), 0)
            try:
                self._ensure_running(deadline)
                self._ensure_database(database)
            except BaseException:
                if not count:
                    os.close(descriptor)
                raise
            _holdings.held[self.data] = (self, descriptor, count + 1)

    def release(self, *, everything: bool = False, patience: float = 30.0) -> None:
        """Give back one lease; the last of all processes stops a server that serves nobody."""
        with _holdings.guard:
            if self.data not in _holdings.held:
                return
            _, descriptor, count = _holdings.held.pop(self.data)
            if count > 1 and not everything:
                _holdings.held[self.data] = (self, descriptor, count - 1)
                return
            with contextlib.ExitStack() as lease:
                lease.callback(os.close, descriptor)
                try:
                    with self._alone(time.monotonic() + patience):
                        lease.close()
                        if self._unleased() and self._idle():
                            self._stop()
                except (OSError, DatabaseUnavailable) as error:
                    # The next to acquire will find the server and stop it in his turn.
                    log.warning("The database in %s was left running: %s", self.data, error)

    @contextlib.contextmanager
    def _alone(self, deadline: float) -> Iterator[None]:
        descriptor = self._open_beside("lock")
        try:
            while not _locked(descriptor, fcntl.LOCK_EX):
                if time.monotonic() > deadline:
                    self._give_up("is being started or stopped by another process")
                time.sleep(0.01)
            yield
        finally:
            os.close(descriptor)

    def _open_lease(self) -> int:
        descriptor = self._open_beside("leases")
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        return descriptor

    def _unleased(self) -> bool:
        descriptor = self._open_beside("leases")
        try:
            return _locked(descriptor, fcntl.LOCK_EX)
        finally:
            os.close(descriptor)

    def _open_beside(self, kind: str) -> int:
        path = self.data.with_name(f"{self.data.name}.{kind}")
        # Root may work in a folder of another user: a link planted there is not followed, and
        # only a file made by this call is given away.
        flags = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW
        try:
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return os.open(path, flags)
        if account := server_account(self.data):
            os.fchown(descriptor, account.uid, account.gid)
        return descriptor

    # --- start --------------------------------------------------------------------------------

    def _ensure_running(self, deadline: float) -> None:
        account = server_account(self.data)
        self._private_dir(account)
        if not (self.data / "PG_VERSION").exists():
            self._end_forgotten()
            self._initialise(account)
        directory = os.open(self.data, os.O_RDONLY | os.O_DIRECTORY)
        try:
            began = time.monotonic()
            while not _locked(directory, fcntl.LOCK_EX):
                if self._answers():
                    return
                if time.monotonic() > deadline:
                    self._give_up("is held by a server that does not answer")
                if (waited := time.monotonic() - began) > GRACE:
                    self._clear_away(waited)
                time.sleep(0.02)
            self._launch(directory, account, deadline)
        finally:
            os.close(directory)

    def _answers(self) -> bool:
        """Like pg_isready: yes also when every connection is taken, no during recovery."""
        from psycopg import pq

        question = f"host={self.socket_dir} port={PORT} user=postgres dbname=postgres"
        return pq.PGconn.ping(f"{question} connect_timeout=2".encode()) == pq.Ping.OK

    def _clear_away(self, waited: float) -> None:
        postmaster = self._postmaster()
        if postmaster is None:
            remains = list(self._processes())
            if waited > UNSEEN and not remains and PROC.exists():
                self._give_up("is in use where we cannot see it, in another container perhaps")
            # A dead postmaster's backend is still in a long statement. PostgreSQL would refuse
            # to start beside it, and its client can no longer be served: an immediate stop.
            for pid in remains:
                _signal(pid, signal.SIGQUIT)
        elif not self.socket_file.exists():
            # Someone emptied /tmp: nobody can reach this server any more, so a new one it is.
            _signal(postmaster, signal.SIGINT)

    def _launch(self, directory: int, account: Account | None, deadline: float) -> None:
        if any(self._processes()):
            self._give_up("is served by a PostgreSQL that was started by hand")
        self._end_forgotten()
        # We hold the lock that every process of the former server held, so none is left but a
        # zombie, whoever may own the pid in these files by now. PostgreSQL would believe the pid.
        for stale in (self.data / "postmaster.pid", self._socket_lock, self.socket_file):
            stale.unlink(missing_ok=True)
        process = self._spawn(directory, account)
        while not self._answers():
            if process.poll() is not None:
                self._give_up("could not be started")
            if time.monotonic() > deadline:
                self._give_up("has not become ready in time")
            time.sleep(0.01)

    def _spawn(self, directory: int, account: Account | None) -> subprocess.Popen[bytes]:
        major = int((self.data / "PG_VERSION").read_text().split(".")[0])
        if account and self.data.stat().st_uid != account.uid:
            own(self.data, account)  # a copy that root restored from somewhere
        place = handed_over(directory) if account else str(self.data)
        command = [str(find_binaries(major, account) / "postgres"), "-D", place]
        for name, value in SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        command += ["-c", f"unix_socket_directories={self.socket_dir}", "-c", self._mark]
        with self._open_log() as output:
            process = start(command, output, account, directory)
        # Reaps the server whenever it ends: a zombie would keep its pid taken.
        threading.Thread(target=process.wait, name="reap-postgres", daemon=True).start()
        return process

    @property
    def _mark(self) -> str:
        # A setting that PostgreSQL keeps for us: it tells in /proc whose data a server holds.
        return f"tcsns.data_directory={self.data}"

    def _initialise(self, account: Account | None) -> None:
        if self.data.exists() and any(self.data.iterdir()):
            raise DatabaseUnavailable(
                f"{self.data} holds files but no database: name another folder, or empty it."
            )
        for half_made in self.data.parent.glob(f".{self.data.name}.new-*"):
            shutil.rmtree(half_made, ignore_errors=True)
        binaries = find_binaries(None, account)
        # Renamed when complete: a kill in the middle leaves nothing that looks like a database.
        aside = Path(tempfile.mkdtemp(prefix=f".{self.data.name}.new-", dir=self.data.parent))
        if account:
            os.chown(aside, account.uid, account.gid)
        directory = os.open(aside, os.O_RDONLY | os.O_DIRECTORY)
        try:
            place = handed_over(directory) if account else str(aside)
            command = [str(binaries / "initdb"), "-D", place, "-U", "postgres"]
            command += ["--encoding=UTF8", "--locale=C"]
            # Trust is for whoever passes the 0700 of the socket's folder: the same account, which
            # owns the files anyway, and root. There is no other door.
            command += ["--auth-local=trust", "--auth-host=reject"]
            with self._open_log() as output:
                if start(command, output, account, directory).wait() != 0:
                    self._give_up("could not be created")
            aside.rename(self.data)
        finally:
            os.close(directory)
            shutil.rmtree(aside, ignore_errors=True)

    def _private_dir(self, account: Account | None) -> None:
        """Make the socket's folder; /tmp is everybody's, so what is found there is not trusted."""
        owner = account.uid if account else os.geteuid()
        with contextlib.suppress(FileExistsError):
            self.socket_dir.mkdir(mode=0o700)
        found = self.socket_dir.lstat()
        if account and stat.S_ISDIR(found.st_mode) and found.st_uid == 0:
            os.chown(self.socket_dir, account.uid, account.gid, follow_symlinks=False)
            found = self.socket_dir.lstat()
        ours = stat.S_ISDIR(found.st_mode) and found.st_uid == owner
        if not ours or stat.S_IMODE(found.st_mode) & 0o077:
            raise DatabaseUnavailable(
                f"{self.socket_dir} was made by someone else or is open to others, so the database"
                " will not listen there: have it removed, or set DATABASE_URL."
            )

    def _ensure_database(self, name: str) -> None:
        import psycopg

        try:
            with psycopg.connect(self._admin, autocommit=True) as connection:
                known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
                if known.fetchone() is None:
                    create = psycopg.sql.SQL("CREATE DATABASE {}").format(
                        psycopg.sql.Identifier(name)
                    )
                    with contextlib.suppress(
                        psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation
                    ):
                        connection.execute(create)
        except psycopg.Error as error:
            reason = " ".join(str(error).split())
            self._give_up(f"refused to open {name} ({reason})")

    @property
    def _admin(self) -> str:
        return Lease(self, "postgres").url + "&connect_timeout=10"

    # --- stop ---------------------------------------------------------------------------------

    def _idle(self) -> bool:
        """Whether no other client is connected; one that has just left takes a moment to go."""
        import psycopg

        backends = (
            "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND backend_type IN ('client backend', 'walsender')"
        )
        patience = time.monotonic() + 0.3
        try:
            with psycopg.connect(self._admin, autocommit=True) as connection:
                while True:
                    # Without our own count a pool left open would keep its server for ever.
                    own = self._own_connections() - 1
                    row = connection.execute(backends).fetchone()
                    if row is not None and row[0] <= own:
                        return True
                    if time.monotonic() > patience:
                        return False
                    time.sleep(0.02)
        except psycopg.Error:
            # Full, or busy with recovery: in use. Without a socket: of no use to anyone.
            return not self.socket_file.exists()

    def _own_connections(self) -> int:
        count = 0
        for descriptor in map(int, os.listdir("/dev/fd")):
            with contextlib.suppress(OSError):
                if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                    with socket.socket(fileno=os.dup(descriptor)) as one:
                        count += one.getpeername() == str(self.socket_file)
        return count

    def _stop(self) -> None:
        if (postmaster := self._postmaster()) is not None:
            self._end(postmaster, signal.SIGINT, signal.SIGQUIT)
        with contextlib.suppress(OSError):
            self.socket_dir.rmdir()

    def _end_forgotten(self) -> None:
        # A server whose directory was deleted under it. PostgreSQL writes its control file by the
        # full path, so at its next checkpoint it would ruin the new database of that name; an
        # immediate stop writes nothing.
        for postmaster in self._processes(elsewhere=True):
            self._end(postmaster, signal.SIGQUIT)

    def _end(self, postmaster: int, *kinds: signal.Signals) -> None:
        # Fast, then immediate: both keep every committed row, the second at the price of recovery.
        for kind in kinds:
            _signal(postmaster, kind)
            deadline = time.monotonic() + STOPPING
            while time.monotonic() < deadline:
                if not self._is_ours(postmaster):
                    return
                time.sleep(0.01)
        self._give_up(f"is served by process {postmaster}, which does not stop")

    # --- who is who ---------------------------------------------------------------------------

    @property
    def _socket_lock(self) -> Path:
        return self.socket_file.with_name(f"{self.socket_file.name}.lock")

    def _postmaster(self) -> int | None:
        """Return the pid of our server, from either of its two notes, if /proc bears it out."""
        return self._believed(self.data / "postmaster.pid") or self._believed(self._socket_lock)

    def _believed(self, note: Path) -> int | None:
        try:
            pid = int(note.read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None
        return pid if pid > 1 and self._is_ours(pid) else None

    def _is_ours(self, pid: int) -> bool:
        if not PROC.exists():
            return self._answers()
        words = _command_line(pid)
        names_it = self._mark in words or str(self.data) in words
        return names_it and _program(words) == "postgres"

    def _processes(self, *, elsewhere: bool = False) -> Iterator[int]:
        """Find the PostgreSQL processes in our folder, or those that name it and are not in it."""
        for process in PROC.parent.glob("[0-9]*"):
            words = _command_line(int(process.name))
            if _program(words) != "postgres" or (elsewhere and self._mark not in words):
                continue
            with contextlib.suppress(OSError):
                where = (process / "cwd").stat()
                here = self.data.exists() and os.path.samestat(where, self.data.stat())
                if here != elsewhere:
                    yield int(process.name)

    def _open_log(self) -> IO[bytes]:
        with contextlib.suppress(FileNotFoundError):
            if self.log.lstat().st_size > LOG_LIMIT:
                self.log.replace(self.log.with_suffix(".log.old"))
        return os.fdopen(self._open_beside("log"), "ab")

    def _give_up(self, what: str) -> NoReturn:
        raise DatabaseUnavailable(
            f"The database in {self.data} {what}: see {self.log}, or set DATABASE_URL to a server."
        )


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _signal(pid: int, kind: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, kind)


def _program(words: list[str]) -> str:
    # "/usr/lib/.../postgres" is a postmaster, "postgres: checkpointer" one of its children.
    return Path(words[0].split(":")[0]).name if words else ""


def _command_line(pid: int) -> list[str]:
    try:
        return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).split("\0")
    except OSError:
        return []
