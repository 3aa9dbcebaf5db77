"""Create a data directory, or prepare an existing one for its server."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from src.core.errors import DatabaseUnavailable
from src.db.embedded.binaries import find_binaries
from src.db.embedded.os_account import (
    Account,
    give_tree,
    open_directory,
    reachable_path,
    start_program,
)
from src.db.embedded.server import EmbeddedServer

INITDB_OPTIONS = (
    "--username=postgres",
    "--encoding=UTF8",
    "--locale=C",
    # Whoever may enter the socket's folder (mode 0700) is trusted: the account that owns the files
    # anyway, and root. The server listens nowhere else.
    "--auth-local=trust",
    "--auth-host=reject",
)


def exists(server: EmbeddedServer) -> bool:
    """Whether the database was created, by PostgreSQL's own mark of it."""
    return (server.data / "PG_VERSION").exists()


def major(server: EmbeddedServer) -> int:
    """Return the major version that created the data; no other can open them."""
    return int((server.data / "PG_VERSION").read_text().split(".")[0])


def give_to(server: EmbeddedServer, account: Account | None) -> None:
    """Give the data to the account, if for instance root has restored them from a backup."""
    if account and server.data.stat().st_uid != account.uid:
        give_tree(server.data, account)


def create(server: EmbeddedServer, account: Account | None) -> None:
    """Create the data directory.

    Raises:
        DatabaseUnavailable: The folder holds other files, or `initdb` fails.
    """
    if server.data.exists() and any(server.data.iterdir()):
        raise DatabaseUnavailable(
            f"{server.data} holds files but no database: empty it, or choose another folder."
        )
    prefix = f".{server.data.name}.new-"
    for unfinished in server.data.parent.glob(f"{prefix}*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    # Renamed when complete, so that a kill before then leaves nothing like a database.
    temporary = Path(tempfile.mkdtemp(prefix=prefix, dir=server.data.parent))
    try:
        _initdb(server, temporary, account)
        temporary.rename(server.data)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _initdb(server: EmbeddedServer, folder: Path, account: Account | None) -> None:
    program = str(find_binaries(None, account) / "initdb")
    if account:
        os.chown(folder, account.uid, account.gid)
    with open_directory(folder) as directory, server.open_log() as output:
        command = [program, "-D", reachable_path(folder, directory, account), *INITDB_OPTIONS]
        if start_program(command, output, account, directory).wait() != 0:
            raise server.failed_error("could not be created")
