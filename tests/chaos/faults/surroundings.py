"""What runs depend on, taken away: space, connections, the source, the right time, rights."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import random
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from src.db.connection import READER, WRITER
from tests.chaos.faults.fault import OF_DELIVERIES, OF_SESSIONS, Fault
from tests.support.yahoo_replay import DISCONNECT, HANG, Reply

if TYPE_CHECKING:
    from tests.chaos.world.world import World

RELAY, YAHOO, BY_HAND = frozenset({"relay"}), frozenset({"yahoo", "hand"}), frozenset({"hand"})


class FullDisk(Fault):
    """The disk is full, or nearly; at its end the server is started again if it has died."""

    name, kind, needs = "full disk", "disk", frozenset({"disk"})

    def begin(self, world: World, chance: random.Random) -> None:
        leave = chance.choice((0, 0, 1 << 16, 1 << 20))
        with contextlib.suppress(OSError), (world.home / "filler").open("wb", 0) as file:
            while (more := self._free(world) - leave) > 0:
                file.write(b"\0" * min(more, 1 << 24))

    def end(self, world: World) -> None:
        (world.home / "filler").unlink(missing_ok=True)
        world.revive()

    @staticmethod
    def _free(world: World) -> int:
        stats = os.statvfs(world.home)
        return stats.f_bavail * stats.f_frsize


class CutConnections(Fault):
    """Every connection to the database is closed, and no new one accepted."""

    name, kind, needs = "cut connections", "connections", RELAY

    def begin(self, world: World, chance: random.Random) -> None:
        world.relay.is_cut = True

    def end(self, world: World) -> None:
        world.relay.is_cut = False


class StallConnections(Fault):
    """Nothing passes between the database and the others, and nobody is told."""

    name, kind, needs = "stall connections", "connections", RELAY

    def begin(self, world: World, chance: random.Random) -> None:
        world.relay.is_stalled = True

    def end(self, world: World) -> None:
        world.relay.is_stalled = False


class SlowConnections(Fault):
    """Each piece of data on its way takes some milliseconds."""

    name, kind, needs = "slow connections", "connections", RELAY

    def begin(self, world: World, chance: random.Random) -> None:
        world.relay.delay = chance.uniform(0.001, 0.01)

    def end(self, world: World) -> None:
        world.relay.delay = 0.0


class EndSessions(Fault):
    """The server ends the sessions of everybody."""

    name, kind = "end sessions", "connections"

    def begin(self, world: World, chance: random.Random) -> None:
        with contextlib.suppress(psycopg.Error):
            world.query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


class BadSource(Fault):
    """The source answers otherwise than it should, to each request while this lasts."""

    kind, needs = "source", YAHOO
    excuses, spoils_answers = OF_SESSIONS, True

    def __init__(self, name: str, reply: Reply) -> None:
        self.name, self._reply = f"source {name}", reply

    def begin(self, world: World, chance: random.Random) -> None:
        world.yahoo.every_reply = self._reply

    def end(self, world: World) -> None:
        world.yahoo.every_reply = None
        world.yahoo.released.set()
        world.yahoo.released = threading.Event()


class SlowSource(Fault):
    """Each answer of the source takes a while."""

    name, kind, needs, excuses = "source slow", "source", YAHOO, OF_DELIVERIES

    def begin(self, world: World, chance: random.Random) -> None:
        seconds = chance.uniform(0.05, 0.5)
        usual = world.yahoo.reply_to

        def reply(target: str) -> Any:
            time.sleep(seconds)
            return usual(target)

        world.yahoo.__dict__["reply_to"] = reply

    def end(self, world: World) -> None:
        world.yahoo.__dict__.pop("reply_to", None)


class WrongClock(Fault):
    """The clock of the run is wrong."""

    kind, needs, at_start = "clock", BY_HAND, True
    # When something was fetched or seen first is told by that clock.
    excuses = OF_SESSIONS

    def __init__(self, name: str, days: tuple[float, float]) -> None:
        self.name, self._days = f"clock {name}", days

    def begin(self, world: World, chance: random.Random) -> None:
        world.now += dt.timedelta(days=round(chance.uniform(*self._days), 3))

    # At its end the time is right again because the next run is told the right one.


class NoTableRight(Fault):
    """A role of the database may not use a table."""

    name, kind, needs = "no right to a table", "rights", RELAY
    TABLES = (
        ("INSERT", "predictions"),
        ("SELECT", "serving_inputs"),
        ("INSERT, UPDATE", "serving_inputs"),
        ("INSERT", "raw_daily_prices"),
        ("SELECT", "model_events"),
        ("DELETE, INSERT", "raw_daily_prices_clean"),
        ("INSERT, UPDATE", "pipeline_runs"),
        ("SELECT", "pool_members"),
        ("UPDATE", "data_version"),
        ("INSERT", "ingest_batches"),
    )

    def __init__(self) -> None:
        self._revoked: tuple[str, str, list[str]] | None = None

    def begin(self, world: World, chance: random.Random) -> None:
        rights, table = chance.choice(self.TABLES)
        with contextlib.suppress(psycopg.OperationalError):
            roles = [role for role in (READER, WRITER) if self._has(world, role, rights, table)]
            if roles:
                role = chance.choice(roles)
                world.query(f"REVOKE {rights} ON {table} FROM {role}")
                self._revoked = rights, table, [role]

    def end(self, world: World) -> None:
        if self._revoked is not None:
            rights, table, roles = self._revoked
            world.server.revive()
            world.query(f"GRANT {rights} ON {table} TO {', '.join(roles)}")
            self._revoked = None

    @staticmethod
    def _has(world: World, role: str, rights: str, table: str) -> bool:
        each = [right.strip() for right in rights.split(",")]
        sql = "SELECT " + " AND ".join(
            f"has_table_privilege('{role}', '{table}', '{r}')" for r in each
        )
        return bool(world.query(sql)[0][0])


class ReadOnlyFolder(Fault):
    """Nothing can be written below a folder, not even by root: it is mounted read-only."""

    name, kind, needs = "read-only folder", "rights", frozenset({"disk"})
    FOLDERS = ("models", "mlops", "logs", "var/forecasts", "var/requests", "prices")

    def __init__(self) -> None:
        self._folder: Path | None = None

    def begin(self, world: World, chance: random.Random) -> None:
        folder = world.home / chance.choice(self.FOLDERS)
        if folder.is_dir():
            # Made read-only elsewhere first: where a process has a file open that is refused.
            aside = world.folder / "aside"
            aside.mkdir(exist_ok=True)
            self._mount("--bind", str(folder), str(aside))
            try:
                self._mount("--make-private", str(aside))
                self._mount("-o", "remount,bind,ro", str(aside))
                self._mount("--bind", str(aside), str(folder))
                self._folder = folder
            finally:
                subprocess.run(["umount", str(aside)], check=True)

    def end(self, world: World) -> None:
        if self._folder is not None:
            subprocess.run(["umount", "-l", str(self._folder)], check=True)
            self._folder = None

    @staticmethod
    def _mount(*arguments: str) -> None:
        subprocess.run(["mount", *arguments], check=True)


FAULTS = (
    FullDisk(),
    CutConnections(),
    StallConnections(),
    SlowConnections(),
    EndSessions(),
    BadSource("drops", DISCONNECT),
    BadSource("hangs", HANG),
    BadSource("refuses", Reply(429, "Too Many Requests")),
    BadSource("fails", Reply(500, "Internal Server Error")),
    BadSource("answers half", Reply(body='{"chart": {"result": [{"meta": {"curr')),
    SlowSource(),
    WrongClock("behind", (-400, -0.05)),
    WrongClock("ahead", (0.05, 400)),
    NoTableRight(),
    ReadOnlyFolder(),
)
