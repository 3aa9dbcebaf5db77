"""Back up database, models and versions in one archive; list, check and restore archives."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from src.stages.arguments import Parser, add_command, command_parser
from src.stages.cli import run_command, set_up
from src.stages.tables import aligned

if TYPE_CHECKING:
    from src.backup.manifest import Manifest
    from src.config.settings import Settings


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``python -m mlops.backup``; returns the exit code."""
    args = _parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = args.run
    return run(args)


def _create(args: argparse.Namespace) -> int:
    from src.backup.create import create

    settings, at = set_up(args)
    began = time.monotonic()
    created = create(settings, at)
    removed = f" {created.removed} old archives were removed." if created.removed else ""
    sys.stdout.write(
        f"{created.path}: {_summary(created.manifest)}; "
        f"{_megabytes(created.path)}, {time.monotonic() - began:.1f} s.{removed}\n"
    )
    return 0


def _list(args: argparse.Namespace) -> int:
    from src.backup.archive import CorruptArchive, read_manifest
    from src.backup.folder import archives, folder_of

    settings, _ = set_up(args)
    folder = folder_of(settings)
    table = [["archive", "size", "rows", "schema", "PostgreSQL", "code"]]
    unreadable = []
    for path in archives(folder):
        try:
            manifest = read_manifest(path)
        except CorruptArchive as error:
            unreadable.append(str(error))
            continue
        versions = [manifest.revision, manifest.postgresql, manifest.code_version]
        table.append([path.name, _megabytes(path), f"{manifest.rows:,}", *versions])
    if len(table) > 1:
        sys.stdout.write("".join(f"{line}\n" for line in aligned(table, str.rjust)))
    elif not unreadable:
        sys.stdout.write(f"There is no archive in {folder} yet.\n")
    sys.stderr.write("".join(f"{sentence}\n" for sentence in unreadable))
    return 1 if unreadable else 0


def _verify(args: argparse.Namespace) -> int:
    from src.backup.archive import open_archive

    settings, _ = set_up(args)
    path = _path(args, settings)
    began = time.monotonic()
    with open_archive(path) as archive:
        archive.verify()
        sys.stdout.write(
            f"{path}: {_summary(archive.manifest)}; every byte is as it was written "
            f"({time.monotonic() - began:.1f} s).\n"
        )
    return 0


def _restore(args: argparse.Namespace) -> int:
    from src.backup.restore import restore

    settings, _ = set_up(args)
    began = time.monotonic()
    manifest = restore(_path(args, settings), settings)
    sys.stdout.write(
        f"Restored {_summary(manifest)} into {settings.home}, and read all of it again: equal "
        f"({time.monotonic() - began:.1f} s).\n"
    )
    return 0


def _path(args: argparse.Namespace, settings: Settings) -> Path:
    from src.backup.folder import folder_of, locate, newest

    folder = folder_of(settings)
    return newest(folder) if args.archive is None else locate(args.archive, folder)


def _summary(manifest: Manifest) -> str:
    return (
        f"{manifest.rows:,} rows of {len(manifest.tables)} tables, {len(manifest.live)} live models"
        f", {len(manifest.files)} files, schema {manifest.revision}, PostgreSQL "
        f"{manifest.postgresql}"
    )


def _megabytes(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:,.1f} MB"


def _parser() -> Parser:
    parser = command_parser(
        "mlops.backup",
        "Back up database, models and versions in one archive; list, check and restore archives.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_command(commands, "create", _create, "make an archive, and remove old ones")
    add_command(commands, "list", _list, "list the archives, the newest first")
    verify = add_command(commands, "verify", _verify, "read every byte of an archive")
    verify.add_argument(
        "archive",
        type=Path,
        nargs="?",
        metavar="ARCHIVE",
        help="a file, or a name from `list` (default: the newest)",
    )
    restore = add_command(
        commands, "restore", _restore, "bring an archive back into an empty home and database"
    )
    restore.add_argument(
        "archive", type=Path, metavar="ARCHIVE", help="a file, or a name from `list`"
    )
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
