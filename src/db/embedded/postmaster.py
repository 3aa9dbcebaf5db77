"""Start and stop the server of a data directory; the caller's lock keeps others out meanwhile.

The server and all its children inherit the lock on the data directory, so that it is free only
when none of them is left. Pid files may be stale and decide nothing.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import subprocess
import threading
import time

from src.db.embedded import data_directory, processes
from src.db.embedded.binaries import find_binaries
from src.db.embedded.client import is_answering
from src.db.embedded.os_account import (
    Account,
    open_directory,
    private_dir,
    reachable_path,
    server_account,
    start_program,
)
from src.db.embedded.server import PORT, EmbeddedServer, try_lock

log = logging.getLogger(__name__)

GRACE = 2.0  # seconds for a server to open its socket, and for children of a dead one to end
UNSEEN = 10.0  # seconds until a process that holds the data must have been seen
STOPPING = 30.0  # seconds: a fast shutdown writes a checkpoint first
ABANDONING = 5.0  # seconds for each signal to a server that never answered

SETTINGS = (
    "listen_addresses=",
    f"port={PORT}",
    "unix_socket_permissions=0700",
    "max_connections=50",
    # A run holds an advisory lock for each of its tickers: exchanges have thousands of them.
    "max_locks_per_transaction=256",
    "jit=off",
    # The advisory locks of a client that died during a long statement are released soon.
    "client_connection_check_interval=1s",
    # A nightly run of a minute may be all that keeps the server running.
    "autovacuum_naptime=15s",
    "timezone=UTC",
    "log_timezone=UTC",
    "log_checkpoints=off",
)


def ensure_running(server: EmbeddedServer, deadline: float, *, ran_before: bool = False) -> None:
    """Join the server or start it, creating the data directory if need be; wait for an answer.

    A start is told of where it ``ran_before``: this process has had it running.
    """
    account = server_account(server.data)
    private_dir(server.socket_dir, account)
    if not data_directory.exists(server):
        _end_orphaned(server)
        data_directory.create(server, account)
    with open_directory(server.data) as directory:
        if _wait_for_lock(server, directory, deadline):
            if ran_before:
                log.warning(
                    "The embedded database in %s had died: it is started again; see %s.",
                    server.data,
                    server.log,
                )
            _launch(server, directory, account, deadline)


def stop(server: EmbeddedServer) -> None:
    """Shut the server down if it runs: fast, then immediately, with recovery at the next start."""
    if (pid := processes.postmaster(server)) is not None:
        _end(server, pid, signal.SIGINT, signal.SIGQUIT)
    with contextlib.suppress(OSError):
        server.socket_dir.rmdir()


def _wait_for_lock(server: EmbeddedServer, directory: int, deadline: float) -> bool:
    """Wait until we have locked the data (True) or their server answers (False)."""
    began = time.monotonic()
    while not try_lock(directory):
        if is_answering(server):
            return False
        if time.monotonic() > deadline:
            raise server.unavailable_error("is in use by a server that does not answer")
        if (waited := time.monotonic() - began) > GRACE:
            _end_remains(server, waited)
        time.sleep(0.02)
    return True


def _end_remains(server: EmbeddedServer, waited: float) -> None:
    pid = processes.postmaster(server)
    if pid is None:
        remains = list(processes.working_in(server))
        if waited > UNSEEN and not remains and processes.are_visible():
            raise server.unavailable_error(
                "is in use by a process that is not visible here, perhaps in another container"
            )
        # The postmaster is dead, but a backend is still in a long statement. PostgreSQL would
        # refuse to start beside it, and its client cannot be served any more.
        for orphan in remains:
            processes.signal_process(orphan, signal.SIGQUIT)
    elif not server.socket_file.exists():
        # /tmp was emptied: nobody can reach this server any more, so it is replaced.
        processes.signal_process(pid, signal.SIGINT)


def _launch(
    server: EmbeddedServer, directory: int, account: Account | None, deadline: float
) -> None:
    if any(processes.working_in(server)):
        raise server.unavailable_error("is in use by a PostgreSQL server that was started by hand")
    _end_orphaned(server)
    # We hold the lock that every process of the former server held, so none is left, whatever
    # process may have the pid in these files by now. PostgreSQL would trust the pid.
    for stale in (*server.pid_files, server.socket_file):
        stale.unlink(missing_ok=True)
    process = _spawn(server, directory, account)
    try:
        _wait_for_answer(server, process, deadline)
    except BaseException:
        # Whoever holds a lease waits for this very start; without one nobody would ever stop it.
        if not server.is_leased():
            _abandon(process)
        raise


def _wait_for_answer(
    server: EmbeddedServer, process: subprocess.Popen[bytes], deadline: float
) -> None:
    while not is_answering(server):
        if process.poll() is not None:
            raise server.failed_error("could not be started")
        if time.monotonic() > deadline:
            raise server.unavailable_error("was not ready in time")
        time.sleep(0.01)


def _abandon(process: subprocess.Popen[bytes]) -> None:
    """End a server that has not answered yet; its children end with it."""
    for kind in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        process.send_signal(kind)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(ABANDONING)
            return


def _spawn(
    server: EmbeddedServer, directory: int, account: Account | None
) -> subprocess.Popen[bytes]:
    data_directory.give_to(server, account)
    program = str(find_binaries(data_directory.major(server), account) / "postgres")
    command = [program, "-D", reachable_path(server.data, directory, account)]
    for setting in (*SETTINGS, f"unix_socket_directories={server.socket_dir}", server.marker):
        command += ["-c", setting]
    with server.open_log() as output:
        process = start_program(command, output, account, directory)
    # Waits for the server's end: a zombie would keep its pid in use.
    threading.Thread(target=process.wait, name="reap-postgres", daemon=True).start()
    return process


def _end_orphaned(server: EmbeddedServer) -> None:
    # A server whose directory was deleted while it ran. PostgreSQL writes its control file by the
    # full path, so its next checkpoint would destroy the new database of that name; an immediate
    # shutdown writes nothing.
    for pid in processes.orphaned(server):
        _end(server, pid, signal.SIGQUIT)


def _end(server: EmbeddedServer, pid: int, *kinds: signal.Signals) -> None:
    """Send one signal after the other until the process has ended; committed rows are kept."""
    for kind in kinds:
        processes.signal_process(pid, kind)
        deadline = time.monotonic() + STOPPING
        while time.monotonic() < deadline:
            if not processes.is_postmaster(server, pid):
                return
            time.sleep(0.01)
    raise server.unavailable_error(f"is in use by process {pid}, which does not stop")
