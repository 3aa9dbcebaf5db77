"""Bring an archive back into an empty home and database, all of it or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from src.backup.archive import Archive, CorruptArchive, open_archive
from src.backup.manifest import Manifest, TableCopy
from src.core.errors import BadInput, UnwritableFolder
from src.db.database import DATA_DIR, reach_server
from src.db.transfer.load import EmptyDatabase, open_empty
from src.registry.storage.artifact_store import MODELS, ArtifactStore
from src.registry.storage.files import (
    make_folder,
    move_into_place,
    only_writer,
    remove_leftovers,
    sync,
    temporary_in,
)
from src.registry.storage.signing import sha256
from src.registry.versions.archive import ARCHIVE, VersionArchive

if TYPE_CHECKING:
    from src.config.settings import Settings

# How many parts of a file's place name the folder that is written as a whole: a set of models is
# models/POOL/HORIZON/DIGEST, a version mlops/model_archive/TAG.
_DEPTHS = {MODELS: 4, ARCHIVE: 3}


def restore(path: Path, settings: Settings) -> Manifest:
    """Restore an archive, and check it: every row again, and every live model.

    Files come first: without the rows that name them they mean nothing. All rows are one
    transaction, committed once everything was checked. So a restore that is killed leaves an empty
    database, and can be run again.

    Args:
        path: Of the archive, of which every byte is checked before anything is written.
        settings: The installation to restore into.

    Raises:
        BadInput: There is no such archive, or the installation is not empty.
        CorruptArchive: It is torn, was altered, or what was restored differs from it.
        CorruptArtifact: A live model cannot be used, because its signing key is not set.
        UnwritableFolder: A folder below home.
        DatabaseUnavailable: One sentence.
    """
    home = settings.home
    data = home / DATA_DIR if settings.server is None else None
    with _nothing_restored(), open_archive(path) as archive:
        archive.verify()
        manifest = archive.manifest
        with (
            reach_server(settings.server, home) as url,
            _one_sentence_errors(home),
            only_writer(home / MODELS),
            only_writer(home / ARCHIVE),
        ):
            _refuse_other_files(home, manifest)
            with open_empty(url, manifest.revision, data) as database:
                for folder, names in _folders(manifest.files).items():
                    _write_folder(archive, home, Path(folder), names)
                _fill(database, archive)
                _check_rows(database, archive)
                _check_models(settings, manifest)
    return manifest


def _refuse_other_files(home: Path, manifest: Manifest) -> None:
    """What was there before may only be what is restored, as after a restore that was killed."""
    stored = ArtifactStore(home / MODELS).stored()
    places = [(MODELS / pool / horizon / digest) for (pool, horizon), digest in stored]
    places += [ARCHIVE / tag for tag in VersionArchive(home / ARCHIVE).tags()]
    restored = {*_folders(manifest.files)}
    for place in places:
        if place.as_posix() not in restored:
            raise BadInput(
                f"{home} is not empty (it holds {place}, which the archive does not): run `make "
                f"down`, move {MODELS} and {ARCHIVE} away, then restore again; nothing was changed."
            )


def _folders(files: Mapping[str, object]) -> dict[str, list[str]]:
    """The folders that are written as a whole, and the files of each."""
    folders: dict[str, list[str]] = {}
    for name in sorted(files):
        root = MODELS if name.startswith(f"{MODELS}/") else ARCHIVE
        folder = "/".join(name.split("/")[: _DEPTHS[root]])
        folders.setdefault(folder, []).append(name)
    return folders


def _write_folder(archive: Archive, home: Path, folder: Path, names: list[str]) -> None:
    target, files = home / folder, archive.manifest.files
    make_folder(target.parent)
    remove_leftovers(target.parent)
    if target.exists():
        stored = {
            file.relative_to(home).as_posix(): sha256(file.read_bytes())
            for file in target.rglob("*")
            if file.is_file()
        }
        if stored != {name: files[name]["sha256"] for name in names}:
            raise BadInput(
                f"{target} differs from what the archive holds: move it away, then restore again; "
                "the database was left empty."
            )
        return
    temporary = temporary_in(target.parent)
    temporary.mkdir()
    for name in names:
        file = temporary / Path(name).relative_to(folder)
        make_folder(file.parent)
        archive.extract(name, file)
        sync(file.parent)
    move_into_place(temporary, target.name)


def _fill(database: EmptyDatabase, archive: Archive) -> None:
    copies = {copy.table.title: copy for copy in archive.manifest.tables}

    tables = [copy.table for copy in archive.manifest.tables]
    database.fill(
        tables, lambda table: archive.rows(copies[table.title]), archive.manifest.sequences
    )


def _check_rows(database: EmptyDatabase, archive: Archive) -> None:
    for copy in archive.manifest.tables:
        if not _is_equal(database, copy):
            raise CorruptArchive(archive.path, f"the restored table {copy.table.name} differs")
    if database.sequences() != archive.manifest.sequences:
        raise CorruptArchive(archive.path, "restored sequences differ")


def _is_equal(database: EmptyDatabase, copy: TableCopy) -> bool:
    rows, digest = 0, hashlib.sha256()
    with database.rows(copy.table) as blocks:
        for block in blocks:
            rows += block.count(b"\n")
            digest.update(block)
    return (rows, digest.hexdigest()) == (copy.rows, copy.sha256)


def _check_models(settings: Settings, manifest: Manifest) -> None:
    store = ArtifactStore.of(settings)
    for pool, horizon, digest in manifest.live:
        store.load(pool, horizon, digest)
        store.forecasts(pool, horizon, digest)


@contextmanager
def _nothing_restored() -> Iterator[None]:
    try:
        yield
    except CorruptArchive as error:
        raise CorruptArchive(error.path, error.why, "nothing was restored, ") from error


@contextmanager
def _one_sentence_errors(home: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnwritableFolder(Path(error.filename or home), error) from error
