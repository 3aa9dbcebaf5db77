"""CPU of training one ticker of a stored pool, with and without the pool's fits on disk.

Run: FORECAST_HOME=HOME python -m benchmarks.parts.training TICKER. HOME holds the pool's clean
prices and features; its fits are forgotten, nothing else is changed. Prints seconds; nothing is
asserted.
"""

import shutil
import sys
import time

from src.config.clock import now
from src.config.load import load_settings
from src.config.threads import use_passive_waiting
from src.db.database import open_database
from src.modeling.training import stage as train
from src.stages.context import make_context
from src.stages.stage import run_stage

LIMIT = 6.0


def seconds(settings, store, ticker):
    """CPU seconds of the stage, without writing."""
    context = make_context(
        settings, store, (ticker,), run_id="benchmark", now=now(settings), write=False
    )
    began = time.process_time()
    report = run_stage(train.STAGE, context)
    return time.process_time() - began, report


def main() -> None:
    use_passive_waiting()
    settings = load_settings(None)
    shutil.rmtree(settings.home / train.FITS, ignore_errors=True)
    with open_database(None, settings.home) as database:
        for what in ("fits made", "fits on disk", "once more"):
            taken, report = seconds(settings, database.store, sys.argv[1])
            pool = report.details["models"][0]["pool"]["tickers"]
            share = f"{taken / LIMIT:.0%} of {LIMIT:g} s"
            print(f"{what:<13} {taken:6.2f} cpu s, pool of {pool}   {share}")


if __name__ == "__main__":
    main()
