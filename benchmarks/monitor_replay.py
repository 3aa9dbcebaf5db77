"""The pipeline and all monitors at each of many past sessions: what would have been told.

Run: python -m benchmarks.monitor_replay FOLDER [SESSIONS] [TICKERS] [--skip-training]
(default: 250 100). FOLDER has a file of daily prices a ticker, in Yahoo's layouts. The world at a
session is the files without the rows after it; each evening it is run, and the rules are evaluated
once. Prints every message by rule, and how many there were; nothing is asserted.
"""

import argparse
import datetime as dt
import gzip
import os
import tempfile
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from mlops.pipeline import MLOpsPipeline
from src.config.load import load_settings
from src.core.calendars.nse import nse
from src.data.sources.select import SourceRequest
from src.db.database import DATA_DIR
from src.db.embedded.lease import acquire
from src.monitoring.watch import watch_once

LAST = dt.date(2026, 4, 16)
# After the close, and when prices of the session are in.
EVENING = dt.timedelta(hours=2)


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
    parser.add_argument("--skip-training", action="store_true")
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
        with acquire(home / DATA_DIR):
            replay(texts, files, days, skip_training=args.skip_training)


def replay(
    texts: dict[str, list[str]], files: Path, days: list[dt.date], *, skip_training: bool
) -> None:
    """Run evening after evening, and print what is told."""
    told: Counter[tuple[str, str]] = Counter()
    began = time.perf_counter()
    for number, day in enumerate(days):
        cut(texts, files, day)
        now = nse().hours(day).closes + EVENING
        os.environ["FORECAST_NOW"] = now.isoformat()
        settings = load_settings()
        pipeline = MLOpsPipeline(
            all_tickers=True, source=SourceRequest("csv", paths=(files,)), settings=settings
        )
        _, results = pipeline.run_full_pipeline(skip_training=skip_training and number > 0)
        look = watch_once(settings, now + dt.timedelta(minutes=5))
        for message in look.messages:
            told[message.severity, f"{message.rule} {message.kind}"] += 1
            print(f"{day}  {message.title}", *message.body.splitlines()[:2], sep="\n    ")
        if number % 10 == 0:
            seconds = (time.perf_counter() - began) / (number + 1)
            print(f"{day}  {results['status']}, {seconds:.1f} s a session", flush=True)
    print(f"\n{len(days)} sessions of {len(texts)} tickers:")
    for (severity, rule), count in sorted(told.items()):
        print(f"{severity:9} {rule:40} {count}")


if __name__ == "__main__":
    main()
