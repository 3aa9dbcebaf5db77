"""Versions of the models for a person or a program: make one, list them, go back, look back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from src.core.errors import UnwritableFolder

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.core.model_events import ModelEvent
    from src.db.database import Database
    from src.registry.lifecycle.events import Author
    from src.registry.lifecycle.state import Standing
    from src.registry.storage.artifact import Artifact
    from src.registry.versions.manifest import Version
    from src.registry.versions.rollback import Registry, RolledBack

ARCHIVE = Path("mlops") / "model_archive"


class DeploymentManager:
    """Versions all live models, goes back to a version, and tells what was live when.

    Args:
        settings: Ready-made settings; None reads the environment and ``.env``.
        by_whom: Who is named in the audit; None takes the account that runs this.

    Raises:
        BadConfig: For a setting that cannot be used.
    """

    def __init__(self, settings: Settings | None = None, by_whom: str | None = None) -> None:
        from src.config.load import load_settings

        self.settings = settings or load_settings()
        self._by_whom = by_whom

    def version_models(self, version_tag: str) -> Version:
        """Copy every live model of every ticker into a version of that name.

        Raises:
            UsageError: When the tag cannot name a version.
            VersionExists: When there is one of that name already.
            NoModel: When nothing is live yet.
            CorruptArtifact: When a live model is damaged, or not signed.
            DatabaseUnavailable: Without the audit no version is made.
        """
        from src.registry.versions.manifest import check_tag
        from src.registry.versions.rollback import make_version

        check_tag(version_tag)
        with self._registry() as registry:
            return make_version(registry, version_tag, self._author())

    def list_versions(self) -> list[str]:
        """The tags of all versions, the newest first."""
        from src.registry.versions.archive import tags

        return tags(self.settings.home / ARCHIVE)

    def rollback_to_version(self, version_tag: str) -> RolledBack:
        """Make the models of a version live again, and pin them.

        Tickers that the version does not know are left alone. All bytes are verified first, and
        what the restored models are asked with is made from stored prices, so that they answer as
        soon as they are live; where that fails they go live nevertheless, and ``undone`` says
        what to run. The change itself is one step, and running again after an interruption
        completes it.

        Raises:
            UsageError: When the tag cannot name a version.
            NoVersion: When there is none of that name.
            CorruptArtifact: When the version is damaged, not signed, or unknown to the audit.
            DatabaseUnavailable: Without the audit nothing is restored.
        """
        from mlops.rollback_inputs import write_inputs
        from src.registry.storage.signing import key_of
        from src.registry.versions.archive import read
        from src.registry.versions.rollback import roll_back

        read(self.settings.home / ARCHIVE, version_tag, key_of(self.settings))
        with self._opened() as (registry, database):
            author = self._author()

            def prepare(restored: Sequence[Artifact]) -> str:
                return write_inputs(self.settings, database, restored, author.at)

            return roll_back(registry, version_tag, author, prepare)

    def unpin(self, ticker: str) -> list[str]:
        """Let training replace a ticker's models again; returns the horizons that were pinned.

        Raises:
            BadInput: When none was pinned.
        """
        from src.registry.versions.rollback import unpin

        with self._registry() as registry:
            return unpin(registry, ticker, self._author())

    def live_at(self, at: dt.datetime | None = None, ticker: str | None = None) -> list[Standing]:
        """What was live at a time (now: None), and why, by ticker and horizon."""
        from src.registry.lifecycle.state import standings

        with self._registry() as registry:
            events = registry.log.decisive(_only(ticker), at)
        return [standing for _, standing in sorted(standings(events, at).items())]

    def history(self, ticker: str | None = None, newest: int | None = None) -> list[ModelEvent]:
        """What happened to models, in the order of writing; the ``newest`` so many of it."""
        with self._registry() as registry:
            return registry.log.events(_only(ticker), newest=newest)

    @contextmanager
    def _registry(self) -> Iterator[Registry]:
        with self._opened() as (registry, _):
            yield registry

    @contextmanager
    def _opened(self) -> Iterator[tuple[Registry, Database]]:
        from src.db.database import open_database
        from src.db.tables.model_events import EventLog
        from src.registry.lifecycle.live_models import MODELS
        from src.registry.storage.signing import key_of
        from src.registry.versions.rollback import Registry

        home = self.settings.home
        key = key_of(self.settings)
        with open_database(self.settings.server, home) as database:
            try:
                log = EventLog(database.control)
                yield Registry(home / MODELS, home / ARCHIVE, log, key), database
            except OSError as error:
                raise UnwritableFolder(Path(error.filename or home), error) from error

    def _author(self) -> Author:
        import os

        from src.config.clock import now
        from src.db.embedded.os_account import account_name
        from src.registry.lifecycle.events import Author

        return Author(self._by_whom or account_name(os.geteuid()), now(self.settings))


def _only(ticker: str | None) -> list[str] | None:
    return None if ticker is None else [ticker]
