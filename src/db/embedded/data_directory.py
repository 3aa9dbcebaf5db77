"""From nothing, or from what is on the disk: a data directory that its server can open."""

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
    # Trust is for whoever passes the 0700 of the socket's folder: the same account, which owns
    # the files anyway, and root. There is no other door.
    "--auth-local=trust",
    "--auth-host=reject",
)


def exists(server: EmbeddedServer) -> bool:
    """Whether the data were made: PostgreSQL's own sign for it."""
    return (server.data / "PG_VERSION").exists()


def major(server: EmbeddedServer) -> int:
    """Return the major version that made the data, the only one that opens them."""
    return int((server.data / "PG_VERSION").read_text().split(".")[0])


def give_to(server: EmbeddedServer, account: Account | None) -> None:
    """Give the account a copy that root restored from somewhere."""
    if account and server.data.stat().st_uid != account.uid:
        give_tree(server.data, account)


def create(server: EmbeddedServer, account: Account | None) -> None:
    """Make the data directory; a folder with other files in it is left alone."""
    if server.data.exists() and any(server.data.iterdir()):
        raise DatabaseUnavailable(
            f"{server.data} holds files but no database: name another folder, or empty it."
        )
    prefix = f".{server.data.name}.new-"
    for half_made in server.data.parent.glob(f"{prefix}*"):
        shutil.rmtree(half_made, ignore_errors=True)
    # Renamed when complete: a kill in the middle leaves nothing that looks like a database.
    aside = Path(tempfile.mkdtemp(prefix=prefix, dir=server.data.parent))
    try:
        _initdb(server, aside, account)
        aside.rename(server.data)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _initdb(server: EmbeddedServer, folder: Path, account: Account | None) -> None:
    program = str(find_binaries(None, account) / "initdb")
    if account:
        os.chown(folder, account.uid, account.gid)
    with open_directory(folder) as directory, server.open_log() as output:
        command = [program, "-D", reachable_path(folder, directory, account), *INITDB_OPTIONS]
        if start_program(command, output, account, directory).wait() != 0:
            raise server.failed_error("could not be created")
