"""Make versions of all live models, and roll back to one; what a rollback restores is pinned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from src.core.errors import BadInput
from src.core.model_events import Pair
from src.registry.lifecycle.events import Author, after_rollback, after_unpin, versioned
from src.registry.lifecycle.live_models import LiveModels
from src.registry.lifecycle.state import live_states
from src.registry.storage.artifact import Artifact, NoModel
from src.registry.storage.files import move_into_place, only_writer
from src.registry.storage.signing import digests_equal
from src.registry.versions.archive import VersionArchive
from src.registry.versions.manifest import (
    TagUsed,
    UnusableVersion,
    Version,
    VersionExists,
    check_tag,
)


@dataclass(frozen=True)
class Rollback:
    """The result of a rollback.

    Attributes:
        version: What is live again.
        changed: Whether anything had to change.
        left_alone: Pools with a live model that the version does not hold.
        missing_inputs: Why restored models cannot answer yet, and what to run; else empty.
    """

    version: Version
    changed: bool
    left_alone: list[str]
    missing_inputs: str = ""


@dataclass(frozen=True)
class Registry:
    """The live models and the archive of their versions."""

    models: LiveModels
    archive: VersionArchive

    def make_version(self, tag: str, author: Author) -> Version:
        """Copy the live sets of all pools into a version of that name.

        The events are committed before the version has its name: there is none that the audit
        does not know.

        Raises:
            UsageError: When ``tag`` cannot be one.
            VersionExists: When there is one of that name already.
            TagUsed: When the audit knows one of that name, of other models.
            NoModel: When nothing is live.
            CorruptArtifact: When a live set is damaged.
        """
        check_tag(tag)
        store, archive, log = self.models.store, self.archive, self.models.log
        with only_writer(store.root), only_writer(archive.root):
            if archive.has(tag):
                raise VersionExists(tag)
            states = live_states(log.decisive())
            if not states:
                raise NoModel
            live = {pair: state.live.digest for pair, state in states.items()}
            self._check_tag_unused(tag, live)
            folder, artifacts = archive.copy_sets(store, live)
            version = archive.seal(folder, tag, author)
            log.append([versioned(artifact, author, tag, version.digest) for artifact in artifacts])
            move_into_place(folder, tag)
        return version

    def roll_back(
        self,
        tag: str,
        author: Author,
        also: Callable[[Sequence[Artifact]], str] = lambda _: "",
    ) -> Rollback:
        """Make the sets of a version live again, all in one step, and pin them.

        Every byte is verified before anything changes. A kill at any instant leaves the old sets
        or the restored ones live; running again finishes what is left to do.

        Args:
            tag: Of the version.
            author: Who rolls back, and when.
            also: Called in the transaction that makes the restored sets live, to make them ready
                to answer; returns ``missing_inputs``.

        Raises:
            UsageError: When ``tag`` cannot be one.
            NoVersion: When there is none of that name; the message names the nearest.
            CorruptArtifact: When the version is damaged, not signed, or not what the audit
                recorded.
        """
        store, archive, log = self.models.store, self.archive, self.models.log
        version = archive.read(tag)
        self._check_audit(version)
        with only_writer(store.root):
            artifacts = archive.check(version)
            archive.restore(version, store)
            with log.exclusive():
                before = live_states(log.decisive())
                events = [
                    event
                    for artifact in artifacts
                    for event in after_rollback(artifact, before.get(artifact.pair), author, tag)
                ]
                log.append(events)
                missing_inputs = also(artifacts)
        left_alone = sorted({pool for pool, _ in before} - set(version.pools))
        return Rollback(version, bool(events), left_alone, missing_inputs)

    def unpin(self, pool: str, author: Author) -> list[str]:
        """Let training replace the live sets of a pool again; returns the horizons.

        Raises:
            BadInput: When none of them is pinned.
        """
        log = self.models.log
        with log.exclusive():
            events = after_unpin(live_states(log.decisive([pool])).values(), author)
            if not events:
                raise BadInput(f"{pool} has no pinned model: there is nothing to unpin.")
            log.append(events)
        return sorted(event.horizon for event in events)

    def recorded_manifests(self, tag: str) -> list[str]:
        """The digests of manifests that the audit has of a version."""
        events = self.models.log.tagged(tag)
        return [str(event.evidence.get("version_manifest")) for event in events]

    def refusals(self) -> list[tuple[str, str]]:
        """Every tag, the newest first, and why a rollback to it would be refused; else empty.

        Every byte of every version is read. Tags whose folder is gone come last.
        """
        tags = self.archive.tags()
        gone = sorted(self.models.log.version_tags() - set(tags))
        return [
            *((tag, self._refusal(tag)) for tag in tags),
            *((tag, f"its folder is missing from {self.archive.root}") for tag in gone),
        ]

    def _refusal(self, tag: str) -> str:
        try:
            version = self.archive.read(tag)
            self._check_audit(version)
            self.archive.check(version)
        except UnusableVersion as error:
            return error.why
        return ""

    def _check_tag_unused(self, tag: str, live: Mapping[Pair, str]) -> None:
        """A killed run may have recorded the tag before its folder had its name."""
        events = [event for event in self.models.log.tagged(tag) if event.kind == "versioned"]
        if events and {event.pair: event.digest for event in events} != live:
            raise TagUsed(tag, events[0].at)

    def _check_audit(self, version: Version) -> None:
        recorded = self.recorded_manifests(version.tag)
        if not any(digests_equal(digest, version.digest) for digest in recorded):
            raise UnusableVersion(version.tag, "it is not the one that the audit recorded")
