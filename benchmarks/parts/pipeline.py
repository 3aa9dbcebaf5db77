"""One ticker through the pipeline with the server warm, against the budgets of the design.

Run: python -m benchmarks.parts.pipeline [FILE.csv]  (default: the synthetic DEMO.NS). Prints wall
seconds of whole processes and their share of the budget; nothing is asserted.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from src.db.database import DATA_DIR
from src.db.embedded.lease import acquire

ROOT = Path(__file__).resolve().parents[2]
REPEATS = 3


def run(arguments: list[str], home: Path) -> float:
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "mlops.pipeline", *arguments],
        cwd=ROOT,
        env=os.environ | {"FORECAST_HOME": str(home)},
        capture_output=True,
        check=True,
    )
    return time.perf_counter() - began


def main() -> None:
    source = ["--ticker", "DEMO.NS"]
    if len(sys.argv) > 1:
        source = ["--ticker", "TCS.NS", "--source", "csv", "--path", sys.argv[1]]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with acquire(home / DATA_DIR):
            first = run(source, home)
            timed = {
                ("--help", 0.3): min(run(["--help"], home) for _ in range(REPEATS)),
                ("--skip-training", 2.0): min(
                    run([*source, "--skip-training"], home) for _ in range(REPEATS)
                ),
                ("with training", 20.0): min(run(source, home) for _ in range(REPEATS)),
            }
    print(f"first run, tables empty   {first:.2f} s")
    for (what, budget), seconds in timed.items():
        print(
            f"{what:<25} {seconds:.2f} s   {seconds / budget:.0%} of the {budget:g} s it may take"
        )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"peak memory               {peak:.0f} MiB   {peak / 400:.0%} of the 400 MiB it may take")


if __name__ == "__main__":
    main()
