"""A registry of models on a database and a folder of the test's own."""

import datetime as dt

import psycopg

from src.db.tables.model_events import EventLog
from src.registry.lifecycle.events import Author
from src.registry.lifecycle.publish import publish
from src.registry.versions.rollback import Registry, make_version, roll_back

DAY = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)


def author(days=0):
    return Author("a test", DAY + dt.timedelta(days=days))


class Place:
    """A registry on the test's own database and folder, worked on a day at a time."""

    def __init__(self, url, home, key=None):
        self.url, self.home, self.key = url, home, key
        self.models, self.archive = home / "models", home / "mlops" / "model_archive"

    def connected(self, work):
        """The result of ``work`` with a registry over a connection of its own."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            return work(Registry(self.models, self.archive, EventLog(connection), self.key))

    def publish(self, artifacts, days=0):
        return self.connected(
            lambda r: publish(r.models, r.log, artifacts, author(days), key=self.key)
        )

    def version(self, tag, days=0):
        return self.connected(lambda r: make_version(r, tag, author(days)))

    def roll_back(self, tag, days=0):
        return self.connected(lambda r: roll_back(r, tag, author(days)))

    def events(self, **asked):
        return self.connected(lambda r: r.log.events(**asked))
