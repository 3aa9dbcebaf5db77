"""A registry of models on a database and a folder of the test's own."""

import datetime as dt

import psycopg

from src.db.tables.model_events import EventLog
from src.registry.lifecycle.events import Author
from src.registry.lifecycle.live_models import LiveModels
from src.registry.lifecycle.state import live_states
from src.registry.storage.artifact_store import ArtifactStore
from src.registry.storage.files import only_writer
from src.registry.versions.archive import VersionArchive
from src.registry.versions.rollback import Registry

DAY = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)


def author(days=0):
    return Author("a test", DAY + dt.timedelta(days=days))


def keys_of(key):
    """No key, one, or several, as a tuple."""
    if key is None:
        return ()
    return key if isinstance(key, tuple) else (key,)


def save(root, artifact, key=None):
    """Store an artifact; the folder of its set."""
    store = ArtifactStore(root, keys_of(key))
    with only_writer(root):
        stored = store.write(artifact)
    return root / stored.pool / stored.horizon / stored.digest


def put_member(connection, ticker, pool):
    """Make a ticker a member of a pool, as its first features do."""
    connection.execute(
        "INSERT INTO pool_members (ticker, pool, newest_session, features_version, data_hash, "
        "last_close, source, return_basis) VALUES (%s, %s, %s, 'v1', %s, 3000, 'yahoo', 'total')",
        (ticker, pool, DAY.date(), "d" * 64),
    )


class Place:
    """A registry on the test's own database and folder, worked on a day at a time."""

    def __init__(self, url, home, key=None):
        self.url, self.home, self.keys = url, home, keys_of(key)
        self.models, self.archive = home / "models", home / "mlops" / "model_archive"

    def connected(self, work):
        """The result of ``work`` with a registry over a connection of its own."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            models = LiveModels(ArtifactStore(self.models, self.keys), EventLog(connection))
            return work(Registry(models, VersionArchive(self.archive, self.keys)))

    def publish(self, artifacts, days=0, also=None):
        return self.connected(
            lambda registry: registry.models.publish(artifacts, author(days), also)
        )

    def version(self, tag, days=0):
        return self.connected(lambda registry: registry.make_version(tag, author(days)))

    def roll_back(self, tag, days=0, also=lambda _: ""):
        return self.connected(lambda registry: registry.roll_back(tag, author(days), also))

    def events(self, **selection):
        return self.connected(lambda registry: registry.models.log.events(**selection))

    def states(self):
        """What the audit says is live, by pool and horizon."""
        return live_states(self.events())

    def live(self):
        """The live artifacts by pool and horizon, all as the audit named them at one moment."""
        store = ArtifactStore(self.models, self.keys)
        return {pair: store.load(*pair, one.live.digest) for pair, one in self.states().items()}
