"""Choose the account that a server runs as, start programs as it, and give it files."""

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
    """An account that exists already: adding one is an administrator's decision."""

    uid: int
    gid: int


def server_account(data_dir: Path) -> Account | None:
    """Return the account to switch to, or None where the server runs as the caller.

    PostgreSQL refuses to run as root. The owner of the data comes first, so that root can open
    the database of a user without taking it over.

    Raises:
        DatabaseUnavailable: There is no account to switch to.
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
        "PostgreSQL refuses to run as root, and there is no account postgres or nobody to run it:"
        " start as an ordinary user, or set DATABASE_URL."
    )


def account_name(uid: int) -> str:
    """Return the name of an account, or its number where it has none, as in a container."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def other_owner(*paths: Path) -> str | None:
    """Return the owner of the first path that is not the caller's; None if root asks."""
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
    """Start a program as `account`, with the open `directory`, detached from our terminal."""
    passed_on = ("PATH", "LD_LIBRARY_PATH")  # PGDATA, PGPORT and the like belong to other servers
    return subprocess.Popen(  # noqa: S603 - our own command, no shell
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,  # a file: a pipe would fill up once its reader has ended
        stderr=output,
        cwd="/",
        env={name: os.environ[name] for name in passed_on if name in os.environ} | {"LC_ALL": "C"},
        pass_fds=[directory],
        start_new_session=True,  # Ctrl-C at the terminal does not reach the server
        umask=0o077,
        **run_as(account),
    )


@contextlib.contextmanager
def open_directory(path: Path) -> Iterator[int]:
    """Open a directory, to lock it or to pass it on to a program."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def reachable_path(path: Path, directory: int, account: Account | None) -> str:
    """Return a path that leads the account to `path`, which is open as `directory`."""
    # No other account can enter root's home (mode 0700). The open descriptor leads to the data all
    # the same, so that they can stay there and no parent's mode is changed.
    return f"/proc/self/fd/{directory}" if account else str(path)


def give_tree(tree: Path, account: Account) -> None:
    """Make the account the owner of a folder and of everything in it."""
    for folder, _, files in os.walk(tree):
        for path in (folder, *(os.path.join(folder, name) for name in files)):
            os.chown(path, account.uid, account.gid, follow_symlinks=False)


def private_dir(path: Path, account: Account | None) -> None:
    """Create a folder that only the account can enter.

    Raises:
        DatabaseUnavailable: Another account has put something in its place.
    """
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    status = path.lstat()
    if account and stat.S_ISDIR(status.st_mode) and status.st_uid == 0:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
        status = path.lstat()
    owner = account.uid if account else os.geteuid()
    is_ours = stat.S_ISDIR(status.st_mode) and status.st_uid == owner
    if not is_ours or stat.S_IMODE(status.st_mode) & 0o077:
        raise DatabaseUnavailable(
            f"{path} belongs to another account or is open to others, so the database will not "
            "listen there: have it removed, or set DATABASE_URL."
        )
