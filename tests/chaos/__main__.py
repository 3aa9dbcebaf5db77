"""Run seeded episodes in which something goes wrong, and say what did not hold afterwards.

python -m tests.chaos [--seed 1] [--episodes 100] [--episode N] [--kind NAME] [--minutes M]
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.chaos.episodes.draw import Episode, draw
from tests.chaos.episodes.suite import SHRINKING, Suite
from tests.chaos.faults.table import KINDS


def main() -> int:
    """Run them one by one, and print each that fails.

    Returns:
        0 where everything held.
    """
    args = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # everything is ended and unmounted
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        suite = Suite(
            Path(folder), has_dashboard=not args.without_dashboard, shrinking=args.shrinking
        )
        try:
            for episode in _episodes(args, suite):
                before = len(suite.report.failures)
                suite.run([episode])
                if args.verbose:
                    print(f"{suite.report.seconds:6.0f} s  {episode}", flush=True)
                for failure in suite.report.failures[before:]:
                    print(failure, flush=True)
        finally:
            left = suite.close()
    print(suite.report)
    print("".join(f"Left running: {line}\n" for line in left), end="")
    return 1 if suite.report.failures or left else 0


def _episodes(args: argparse.Namespace, suite: Suite) -> Iterator[Episode]:
    until = time.monotonic() + 60 * args.minutes
    numbers = range(args.episodes) if args.episode is None else [args.episode]
    for number in numbers:
        if time.monotonic() > until:
            return
        yield draw(args.seed, number, args.kind, suite.parts)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--episode", type=int, help="this one alone")
    parser.add_argument("--kind", choices=KINDS, help="faults of this kind only")
    parser.add_argument("--minutes", type=float, default=600.0, help="no new one after so many")
    parser.add_argument(
        "--shrinking", type=float, default=SHRINKING, help="seconds, for each that fails"
    )
    parser.add_argument("--without-dashboard", action="store_true")
    parser.add_argument("--verbose", action="store_true", help="print each episode when it ends")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
