"""Make an archive of database, models and versions while the system runs."""

from __future__ import annotations

import datetime as dt
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.backup.archive import Writer, new_archive
from src.backup.folder import SETTING, folder_of, name_at, remove_old
from src.backup.manifest import Manifest
from src.config.version import VERSION
from src.core.errors import BadInput, UnwritableFolder
from src.db.database import reach_server
from src.db.tables.model_events import EventLog
from src.db.transfer.snapshot import Snapshot, open_snapshot
from src.registry.lifecycle.state import live_states
from src.registry.storage.artifact_store import MODELS, ArtifactStore
from src.registry.storage.files import TEMPORARY, move_into_place, only_writer, temporary_in
from src.registry.versions.archive import ARCHIVE

if TYPE_CHECKING:
    from src.config.settings import Settings


@dataclass(frozen=True)
class Created:
    """An archive that was made, and how many old ones were removed."""

    path: Path
    manifest: Manifest
    removed: int


def create(settings: Settings, at: dt.datetime) -> Created:
    """Make an archive of what is stored now, then remove old ones.

    Rows are those of one instant. Who changes models waits until those of that instant are copied;
    nobody waits while rows are.

    Args:
        settings: The installation.
        at: The time that names the archive, aware.

    Raises:
        BadInput: There is nothing to back up, or an archive of that second already.
        CorruptArtifact: A live model is damaged: an archive of it could not be restored.
        UnwritableFolder: The folder of archives, or that of models.
        DatabaseUnavailable: One sentence.
    """
    folder = folder_of(settings)
    name = name_at(at)
    try:
        with only_writer(folder):
            if (folder / name).exists():
                raise BadInput(
                    f"The archive {folder / name} exists already: try again in a second."
                )
            temporary = temporary_in(folder)
            with _removed_on_failure(temporary):
                with new_archive(temporary) as writer:
                    manifest = _write(writer, settings, at)
                    writer.add_manifest(manifest)
                move_into_place(temporary, name)
            removed = remove_old(folder, settings.backup.keep)
    except OSError as error:
        place = Path(error.filename or folder)
        is_archives = place.is_relative_to(folder) or folder.is_relative_to(place)
        setting = SETTING if settings.backup.folder and is_archives else "FORECAST_HOME"
        raise UnwritableFolder(place, error, setting) from error
    return Created(folder / name, manifest, len(removed))


def _write(writer: Writer, settings: Settings, at: dt.datetime) -> Manifest:
    store = ArtifactStore.of(settings)
    with ExitStack() as stack:
        url = stack.enter_context(reach_server(settings.server, settings.home))
        with only_writer(store.root), only_writer(settings.home / ARCHIVE):
            snapshot = stack.enter_context(open_snapshot(url))
            live = _check_live(snapshot, store)
            files = _add_files(writer, settings.home, snapshot)
        copies = []
        for table in snapshot.tables:
            with snapshot.rows(table) as blocks:
                copies.append(writer.add_rows(table, blocks))
        return Manifest(
            at.astimezone(dt.UTC).isoformat(timespec="seconds"),
            VERSION,
            snapshot.server,
            snapshot.revision,
            tuple(copies),
            snapshot.sequences(),
            live,
            files,
        )


def _check_live(snapshot: Snapshot, store: ArtifactStore) -> tuple[tuple[str, str, str], ...]:
    """Pool, horizon and digest of what is live, each read as a model."""
    states = live_states(EventLog(snapshot.connection).decisive())
    live = [(*pair, state.live.digest) for pair, state in sorted(states.items()) if pair[0]]
    for pool, horizon, digest in live:
        store.load(pool, horizon, digest)
        store.forecasts(pool, horizon, digest)
    return tuple(live)


def _add_files(writer: Writer, home: Path, snapshot: Snapshot) -> dict[str, dict[str, Any]]:
    """Copy the sets and versions that the audit names; what a killed writer left is not."""
    known = EventLog(snapshot.connection).digests()
    sets = [
        home / MODELS / pool / horizon / digest
        for (pool, horizon), digest in ArtifactStore(home / MODELS).stored()
        if digest in known
    ]
    tags = sorted(EventLog(snapshot.connection).version_tags())
    versions = [home / ARCHIVE / tag for tag in tags]
    return {
        path.relative_to(home).as_posix(): writer.add_file(path.relative_to(home).as_posix(), path)
        for folder in (*sets, *versions)
        for path in _regular_files(folder)
    }


def _regular_files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(TEMPORARY))
        for name in sorted(names):
            path = Path(place) / name
            if stat.S_ISREG(path.lstat().st_mode):
                yield path


@contextmanager
def _removed_on_failure(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise
