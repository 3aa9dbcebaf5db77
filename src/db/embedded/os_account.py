"""From the machine: the account a server runs as, and what may be its own."""

from __future__ import annotations

import contextlib
import os
import pwd
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from src.core.errors import DatabaseUnavailable


@dataclass(frozen=True)
class Account:
    """An account that exists already: adding one is for an administrator to decide."""

    uid: int
    gid: int


def server_account(data_dir: Path) -> Account | None:
    """Return the account to switch to, or None where the server runs as the caller.

    PostgreSQL refuses to run as root. The owner of the data wins, so that root can open what a
    user has made and leave it his.
    """
    if os.geteuid() != 0:
        return None
    if data_dir.is_dir() and (owner := data_dir.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    raise DatabaseUnavailable(
        "PostgreSQL refuses to run as root and there is no account postgres or nobody to run it:"
        " start as an ordinary user, or set DATABASE_URL."
    )


def account_name(uid: int) -> str:
    """Return the name of an account, or its number where it has none, as in a container."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def other_owner(*paths: Path) -> str | None:
    """Name who, other than the caller, has one of these; None for root, who may use them all."""
    for path in paths:
        with contextlib.suppress(OSError):
            if os.geteuid() not in (0, owner := path.stat().st_uid):
                return account_name(owner)
    return None


def run_as(account: Account | None) -> dict[str, Any]:
    """Return the arguments that make `subprocess` run a program as the account."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def start_program(
    command: list[str], output: IO[bytes], account: Account | None, directory: int
) -> subprocess.Popen[bytes]:
    """Start a program as `account`, with the open `directory`, apart from our terminal."""
    kept = ("PATH", "LD_LIBRARY_PATH")  # PGDATA, PGPORT and the like belong to other servers
    return subprocess.Popen(  # noqa: S603 - our own command, no shell
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,  # a file: a pipe would fill up, and its reader dies before the server
        stderr=output,
        cwd="/",
        env={name: os.environ[name] for name in kept if name in os.environ} | {"LC_ALL": "C"},
        pass_fds=[directory],
        start_new_session=True,  # Ctrl-C at the terminal is not meant for the server
        umask=0o077,
        **run_as(account),
    )


@contextlib.contextmanager
def open_directory(path: Path) -> Iterator[int]:
    """Hold a directory open, to lock it or to hand it over."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def reachable_path(path: Path, directory: int, account: Account | None) -> str:
    """Return a name for `path`, open as `directory`, that the account can follow."""
    # Under root's own folder (0700) no other account can walk to the data. An open descriptor
    # leads there without the walk, so the data stay where they were asked for, and no parent's
    # mode is touched.
    return f"/proc/self/fd/{directory}" if account else str(path)


def give_tree(tree: Path, account: Account) -> None:
    """Give a whole folder to the account."""
    for folder, _, files in os.walk(tree):
        for path in (folder, *(os.path.join(folder, name) for name in files)):
            os.chown(path, account.uid, account.gid, follow_symlinks=False)


def private_dir(path: Path, account: Account | None) -> None:
    """Make a folder that only the account can enter; what another has put there is refused."""
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    found = path.lstat()
    if account and stat.S_ISDIR(found.st_mode) and found.st_uid == 0:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
        found = path.lstat()
    owner = account.uid if account else os.geteuid()
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == owner
    if not ours or stat.S_IMODE(found.st_mode) & 0o077:
        raise DatabaseUnavailable(
            f"{path} was made by someone else or is open to others, so the database"
            " will not listen there: have it removed, or set DATABASE_URL."
        )
