"""Make, list and restore versions of the live models, and show what was live when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mlops.mlflow_export.start import start_export
from src.core.errors import BadInput, UnwritableFolder

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.core.model_events import ModelEvent
    from src.db.database import Database
    from src.registry.lifecycle.events import Author
    from src.registry.lifecycle.state import LiveState
    from src.registry.storage.artifact import Artifact
    from src.registry.versions.manifest import Version
    from src.registry.versions.rollback import Registry, Rollback
    from src.registry.versions.signatures import Signatures


class DeploymentManager:
    """Versions all live models, rolls back to a version, and shows what was live when.

    Args:
        settings: Ready-made settings; None reads the environment and ``.env``.

    Raises:
        BadConfig: For a setting that cannot be used.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        from src.config.load import load_settings

        self.settings = settings or load_settings()

    def version_models(self, version_tag: str) -> Version:
        """Copy the live models of all pools into a version of that name.

        Raises:
            UsageError: When the tag cannot name a version.
            VersionExists: When there is one of that name already.
            TagUsed: When there was one of that name, of other models.
            NoModel: When nothing is live yet.
            CorruptArtifact: When a live model is damaged, or not signed.
            DatabaseUnavailable: Without the audit no version is made.
        """
        from src.registry.versions.manifest import check_tag

        check_tag(version_tag)
        with self._open() as (registry, _):
            return registry.make_version(version_tag, self._author())

    def list_versions(self) -> list[str]:
        """The tags of all versions, the newest first."""
        from src.registry.versions.archive import ARCHIVE, VersionArchive

        return VersionArchive(self.settings.home / ARCHIVE).tags()

    def check_versions(self) -> list[tuple[str, str]]:
        """Every tag, the newest first, and why a rollback to it would be refused; else empty.

        Raises:
            DatabaseUnavailable: Without the audit nothing can be checked.
        """
        with self._open() as (registry, _):
            return registry.refusals()

    def rollback_to_version(self, version_tag: str) -> Rollback:
        """Make the models of a version live again, and pin them.

        Pools that the version does not hold are left alone. All bytes are verified first. What
        the restored models need besides the stored inputs of their tickers is computed in the
        step that makes them live, so that they answer at once; where that fails they go live
        nevertheless, and ``missing_inputs`` says what to run. Running again after an
        interruption completes it.

        Raises:
            UsageError: When the tag cannot name a version.
            NoVersion: When there is none of that name.
            CorruptArtifact: When the version is damaged, not signed, or unknown to the audit.
            DatabaseUnavailable: Without the audit nothing is restored.
        """
        from mlops.rollback_inputs import write_inputs
        from src.registry.versions.archive import VersionArchive

        VersionArchive.of(self.settings).read(version_tag)
        with self._open() as (registry, database):
            author = self._author()

            def also(restored: Sequence[Artifact]) -> str:
                return write_inputs(database, restored, author.at)

            rollback = registry.roll_back(version_tag, author, also)
        start_export(self.settings)
        return rollback

    def unpin(self, ticker: str) -> tuple[str, list[str]]:
        """Let training replace the models of a ticker's pool again.

        Returns:
            The pool, and the horizons that were pinned.

        Raises:
            BadInput: When none was pinned, or the ticker belongs to no pool yet.
        """
        with self._open() as (registry, _):
            pool = registry.models.log.pool_of(ticker)
            if pool is None:
                raise BadInput(f"{ticker} belongs to no pool yet: there is nothing to unpin.")
            horizons = registry.unpin(pool, self._author())
        start_export(self.settings)
        return pool, horizons

    def sign(self, *, accept_unsigned: bool = False) -> Signatures:
        """Sign all stored models and versions with the first key of ``FORECAST_SIGNING_KEY``.

        Args:
            accept_unsigned: Whether those without a signature are signed too, if the audit names
                them; otherwise only what another of the keys signed is.

        Raises:
            BadInput: No key is set.
            DatabaseUnavailable: One sentence.
        """
        from src.registry.versions.signatures import sign_all

        with self._open() as (registry, _):
            return sign_all(registry, accept_unsigned=accept_unsigned)

    def live_at(self, at: dt.datetime | None = None, ticker: str | None = None) -> list[LiveState]:
        """What was live at a time (now: None), and why, by pool and horizon.

        With a ticker, for its pool; at times before models belonged to pools, for itself.
        """
        from src.registry.lifecycle.state import live_states

        with self._open() as (registry, _):
            log = registry.models.log
            events = log.decisive(*log.owners(ticker), until=at)
        return [state for _, state in sorted(live_states(events, at).items())]

    def history(self, ticker: str | None = None, newest: int | None = None) -> list[ModelEvent]:
        """Events of models in the order of writing.

        Args:
            ticker: Only events of its pool, and its own from before models belonged to pools.
            newest: Only so many, counted from the end.
        """
        with self._open() as (registry, _):
            log = registry.models.log
            return log.events(*log.owners(ticker), newest=newest)

    @contextmanager
    def _open(self) -> Iterator[tuple[Registry, Database]]:
        from src.db.database import open_database
        from src.db.tables.model_events import EventLog
        from src.registry.lifecycle.live_models import LiveModels
        from src.registry.storage.artifact_store import ArtifactStore
        from src.registry.versions.archive import VersionArchive
        from src.registry.versions.rollback import Registry

        home = self.settings.home
        store, archive = ArtifactStore.of(self.settings), VersionArchive.of(self.settings)
        with open_database(self.settings.server, home) as database:
            try:
                models = LiveModels(store, EventLog(database.control))
                yield Registry(models, archive), database
            except OSError as error:
                raise UnwritableFolder(Path(error.filename or home), error) from error

    def _author(self) -> Author:
        import os

        from src.config.clock import now
        from src.db.embedded.os_account import account_name
        from src.registry.lifecycle.events import Author

        return Author(account_name(os.geteuid()), now(self.settings))
