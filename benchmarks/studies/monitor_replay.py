"""The pipeline and all monitors at each of many past sessions: what would have been told.

Run: python -m benchmarks.studies.monitor_replay FOLDER [SESSIONS] [TICKERS] [--faults]
[--train-every N] (default: 250 100, and 5). FOLDER has a file of daily prices a ticker, in
Yahoo's layouts. The world
at a session is the files without the rows after it; each evening it is run, and the rules are
evaluated twice, right after and before midnight. With --faults each month has a true fault, of
those in replay_faults. Prints every message by rule, how many there were, and when each fault was
told of; nothing is asserted.
"""

import argparse
import datetime as dt
import gzip
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.studies.replay_faults import FAULTS, Evening, Fault
from mlops.pipeline import MLOpsPipeline
from src.config.load import load_settings
from src.core.calendars.nse import nse
from src.data.sources.select import SourceRequest
from src.db.database import DATA_DIR
from src.db.embedded.lease import acquire
from src.monitoring.watch import watch_once

LAST = dt.date(2026, 4, 16)
# After the close, when prices of the session are in; and how long after that the rules are
# evaluated.
EVENING = dt.timedelta(hours=2)
LOOKS = (dt.timedelta(minutes=5), dt.timedelta(hours=5))
MONTH, FIRST_FAULT = 21, 15


class Receiver(BaseHTTPRequestHandler):
    """A channel that takes every message."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def read(path: Path) -> list[str]:
    """The lines of a file, plain or gzipped."""
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes()).decode().splitlines()
    return path.read_text().splitlines()


def cut(texts: dict[str, list[str]], folder: Path, session: dt.date) -> None:
    """Write the files as they were after a session; a share that is not listed yet has none."""
    folder.mkdir(exist_ok=True)
    last = session.isoformat()
    for name, lines in texts.items():
        rows = [line for line in lines if not line[:1].isdigit() or line[:10] <= last]
        if rows[-1][:1].isdigit():
            (folder / name).write_text("\n".join(rows) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("sessions", type=int, nargs="?", default=250)
    parser.add_argument("tickers", type=int, nargs="?", default=100)
    parser.add_argument("--faults", action="store_true")
    parser.add_argument("--train-every", type=int, default=5)
    args = parser.parse_args()
    paths = sorted(args.folder.glob("*.csv*"))[: args.tickers]
    texts = {path.name.removesuffix(".gz"): read(path) for path in paths}
    calendar = nse()
    days = calendar.sessions(LAST - dt.timedelta(days=2 * args.sessions), LAST)[-args.sessions :]
    with tempfile.TemporaryDirectory() as place:
        home, files = Path(place) / "home", Path(place) / "files"
        home.mkdir()
        os.environ["FORECAST_HOME"] = str(home)
        receiver = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        url = f"json://127.0.0.1:{receiver.server_port}"
        os.environ["FORECAST_MONITORING__ALERT_URLS"] = url
        with acquire(home / DATA_DIR) as lease:
            world = World(texts, files, home, lease.url, days)
            Replay(world, args.train_every, FAULTS if args.faults else ()).run()


@dataclass(frozen=True)
class World:
    """The files as they are in the end, and where they are replayed."""

    texts: dict[str, list[str]]
    files: Path
    home: Path
    url: str
    days: list[dt.date]


class Replay:
    """Evening after evening: the run, what monitoring tells of it, and the faults put in."""

    def __init__(self, world: World, train_every: int, faults: Sequence[Fault]) -> None:
        self.world, self.train_every = world, train_every
        self.told: Counter[tuple[str, str]] = Counter()
        self.found: dict[str, dt.date] = {}
        self.due = {
            FIRST_FAULT + MONTH * number + later: fault
            for number, fault in enumerate(faults)
            for later in range(fault.sessions)
        }

    def run(self) -> None:
        """Replay all sessions, and print what was told."""
        began = time.perf_counter()
        for number, day in enumerate(self.world.days):
            status = self._evening(number, day)
            if number % 10 == 0:
                seconds = (time.perf_counter() - began) / (number + 1)
                print(f"{day}  {status}, {seconds:.1f} s a session", flush=True)
        print(f"\n{len(self.world.days)} sessions of {len(self.world.texts)} tickers:")
        for (severity, rule), count in sorted(self.told.items()):
            print(f"{severity:9} {rule:40} {count}")
        for number, fault in self.due.items():
            if number < len(self.world.days):
                told = self.found.get(fault.name, "never told")
                print(f"{self.world.days[number]}  {fault.name:40} {told}")

    def _evening(self, number: int, day: dt.date) -> str:
        world, fault = self.world, self.due.get(number)
        cut(world.texts, world.files, day)
        now = nse().hours(day).closes + EVENING
        os.environ["FORECAST_NOW"] = now.isoformat()
        evening = Evening(world.files, day, world.home, world.url)
        if fault and fault.in_files:
            fault.in_files(evening)
        pipeline = MLOpsPipeline(
            all_tickers=True,
            source=SourceRequest("csv", paths=(world.files,)),
            settings=load_settings(),
        )
        _, results = pipeline.run_full_pipeline(skip_training=number % self.train_every > 0)
        if fault and fault.after_run:
            fault.after_run(evening)
        for later in LOOKS:
            self._look(number, day, now + later)
        if fault and fault.mend:
            fault.mend(evening)
        return str(results["status"])

    def _look(self, number: int, day: dt.date, now: dt.datetime) -> None:
        os.environ["FORECAST_NOW"] = now.isoformat()
        for message in watch_once(load_settings(), now).messages:
            if message.kind == "digest":
                continue
            self.told[message.severity, f"{message.rule} {message.kind}"] += 1
            print(f"{day}  {message.title}", *message.body.splitlines()[:2], sep="\n    ")
            for fault in {self.due.get(number - back) for back in range(2)} - {None}:
                named = fault.subject in message.title + message.body
                if message.rule in fault.expects and message.kind != "resolved" and named:
                    self.found.setdefault(fault.name, day)


if __name__ == "__main__":
    main()
