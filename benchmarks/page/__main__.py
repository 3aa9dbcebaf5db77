"""Measure everything and write `docs/benchmarks.md`: `make bench`, `make bench-large`.

    python -m benchmarks.page [--only PART …] [--quick] [--large] [--render] [--docs FOLDER]

Each part is a process of its own; one that fails, or does not end in its time, leaves its reason on
the page, and the others go on. Results are kept in `benchmarks/results/`, so that a part that is
measured anew leaves the others with their dates.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.page import document, results
from benchmarks.page.catalogue import LARGE, PARTS
from benchmarks.page.run import run_part

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Run the parts and write the page; 1 when a part failed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.page",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    every = (*PARTS, LARGE)
    names = [part.name for part in every]
    parser.add_argument("--only", nargs="+", choices=names, metavar="PART")
    parser.add_argument("--quick", action="store_true", help="small sizes: figures mean little")
    parser.add_argument(
        "--large", action="store_true", help="what takes long: workers, 2,000 tickers"
    )
    parser.add_argument("--render", action="store_true", help="write the page of what is kept")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs")
    parser.add_argument("--results", type=Path, default=results.FOLDER)
    args = parser.parse_args()
    parts = [
        part
        for part in every
        if (part.name in args.only if args.only else part.is_large == args.large)
    ]
    failed = False
    for part in () if args.render else parts:
        print(f"{part.title} (at most {part.most / 60:.0f} minutes) …", flush=True)
        kept = run_part(part, quick=args.quick)
        results.keep(args.results, part, kept)
        failed |= "failed" in kept
        print(f"  failed: {kept['failed']}" if "failed" in kept else f"  {kept['took']:.0f} s")
        document.write(args.docs, results.load(args.results))
    if args.render:
        document.write(args.docs, results.load(args.results))
    print(f"Written: {args.docs / 'benchmarks.md'}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
