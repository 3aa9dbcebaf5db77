"""Files that are damaged, and deliveries that are not as they should be."""

from __future__ import annotations

import gzip
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tests.chaos.faults.fault import OF_DELIVERIES, OF_PRICES, OF_SESSIONS, Fault
from tests.chaos.world import prices

if TYPE_CHECKING:
    from tests.chaos.world.world import World

# What becomes of the bytes of a file.
Damage = Callable[[bytes, random.Random], bytes]


def cut(content: bytes, chance: random.Random) -> bytes:
    """The file ends somewhere."""
    return content[: chance.randrange(len(content) + 1)]


def scramble(content: bytes, chance: random.Random) -> bytes:
    """Some bytes in a row are others."""
    at = chance.randrange(len(content) + 1)
    return content[:at] + chance.randbytes(20) + content[at + 20 :]


def add(content: bytes, chance: random.Random) -> bytes:
    """There are bytes after its end."""
    return content + chance.randbytes(50)


def nothing(content: bytes, chance: random.Random) -> bytes:
    """The file is empty."""
    return b""


DAMAGES = (cut, scramble, add, nothing)


class DamagedFile(Fault):
    """A file of the installation is damaged; at the end it is as before, if anybody misses it.

    Args:
        name: Of the fault.
        pattern: Of the files in the home.
        is_restored: Whether a person puts back what was there; else it stays as it is.
    """

    kind = "files"

    def __init__(self, name: str, pattern: str, *, is_restored: bool) -> None:
        self.name, self._pattern, self._is_restored = name, pattern, is_restored
        self._before: tuple[Path, bytes] | None = None

    def begin(self, world: World, chance: random.Random) -> None:
        files = sorted(p for p in world.home.glob(self._pattern) if p.is_file())
        if files:
            path = chance.choice(files)
            content = path.read_bytes()
            self._before = path, content
            path.write_bytes(chance.choice(DAMAGES)(content, chance))

    def end(self, world: World) -> None:
        if self._before is not None and self._is_restored:
            path, content = self._before
            path.write_bytes(content)
        self._before = None


class LostModels(Fault):
    """The folder of the models is not there for a while."""

    name, kind = "models gone", "files"

    def begin(self, world: World, chance: random.Random) -> None:
        (world.home / "models").rename(world.home / "elsewhere")

    def end(self, world: World) -> None:
        elsewhere, there = world.home / "elsewhere", world.home / "models"
        if elsewhere.is_dir():
            if there.is_dir():  # what was written meanwhile is not thrown away
                shutil.copytree(there, elsewhere, dirs_exist_ok=True)
                shutil.rmtree(there)
            elsewhere.rename(there)


class OtherDelivery(Fault):
    """The file of one ticker is not what it should be; the next delivery is."""

    at_start = True
    needs = frozenset({"csv"})

    def __init__(self, kind: str, name: str, change: Damage, excuses: frozenset[str]) -> None:
        self.kind, self.name, self._change, self.excuses = kind, name, change, excuses
        self.spoils_answers = excuses != OF_DELIVERIES

    def begin(self, world: World, chance: random.Random) -> None:
        path = world.home / "prices" / f"{chance.choice(prices.TICKERS)}.csv"
        if content := path.read_bytes():  # another fault may have emptied it
            path.write_bytes(self._change(content, chance))


class OlderDelivery(Fault):
    """The delivery of a day some sessions ago comes once more, after a newer one."""

    kind, name, at_start = "deliveries", "older delivery", True
    needs, excuses, spoils_answers = frozenset({"csv"}), OF_SESSIONS, True

    def begin(self, world: World, chance: random.Random) -> None:
        days = [day for day, _ in prices.bars(prices.TICKERS[0], prices.DAYS[-1])]
        back = days[days.index(world.day) - chance.randint(1, 10)]
        for ticker in chance.sample(prices.TICKERS, chance.randint(1, 3)):
            path = world.home / "prices" / f"{ticker}.csv"
            path.write_text("\n".join(prices.lines(ticker, back)) + "\n")


class SecondFile(Fault):
    """The same file lies in the folder twice, the second time under another name or packed."""

    kind, name, at_start = "deliveries", "second file", True
    needs, excuses = frozenset({"csv"}), OF_DELIVERIES

    def begin(self, world: World, chance: random.Random) -> None:
        folder, ticker = world.home / "prices", chance.choice(prices.TICKERS)
        content = (folder / f"{ticker}.csv").read_bytes()
        if chance.random() < 0.5:
            (folder / f"{ticker}.csv.gz").write_bytes(gzip.compress(content, mtime=0))
        else:
            (folder / f"{ticker.removesuffix('.NS')}_2020-01-01.csv").write_bytes(content)


def backwards(content: bytes, chance: random.Random) -> bytes:
    """The newest row comes first."""
    header, *rows = content.splitlines()
    return b"\n".join([header, *reversed(rows)]) + b"\n"


def shuffled(content: bytes, chance: random.Random) -> bytes:
    """Rows come in any order."""
    header, *rows = content.splitlines()
    return b"\n".join([header, *chance.sample(rows, len(rows))]) + b"\n"


def doubled(content: bytes, chance: random.Random) -> bytes:
    """Some rows come twice."""
    header, *rows = content.splitlines()
    return b"\n".join([header, *rows, *chance.sample(rows, min(30, len(rows)))]) + b"\n"


FAULTS = (
    DamagedFile("damaged model", "models/*/*/*/*", is_restored=True),
    DamagedFile("damaged spool", "var/forecasts/*.jsonl", is_restored=False),
    DamagedFile("damaged log", "logs/*", is_restored=False),
    DamagedFile("damaged state", "var/[!pf]*/**/*", is_restored=False),
    DamagedFile("damaged run", "mlops/runs/*/*", is_restored=False),
    LostModels(),
    OtherDelivery("files", "torn file", cut, OF_PRICES),
    OtherDelivery("files", "scrambled file", scramble, OF_PRICES),
    OtherDelivery("files", "empty file", nothing, OF_SESSIONS),
    OtherDelivery("deliveries", "rows backwards", backwards, OF_DELIVERIES),
    OtherDelivery("deliveries", "rows in any order", shuffled, OF_DELIVERIES),
    OtherDelivery("deliveries", "rows twice", doubled, OF_DELIVERIES),
    OlderDelivery(),
    SecondFile(),
)
