"""The command ``python -m src.modeling.backtest``: write every forecast of the past to a file.

Columns: ``ticker, made, target, horizon, model, point, actual`` and the bounds of the 50, 80, 90
and 95 % intervals; simple returns. ``made`` is the last bar that the forecast could see, ``target``
the session h ahead, ``actual`` empty while it is not realised. Nothing but ``actual`` uses bars
after ``--to``.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from src.core.calendars.exchanges import calendar_of, shared_exchange
from src.core.errors import BadInput, UsageError
from src.core.pools import SAMPLE_POOL
from src.core.tables import HORIZONS
from src.modeling.points.candidate_names import CANDIDATES, OPTIONAL_CANDIDATES
from src.stages.arguments import (
    Parser,
    add_config,
    add_engine,
    add_suffix,
    command_parser,
    date,
)
from src.stages.cli import run_command, set_up

if TYPE_CHECKING:
    import polars as pl

    from src.config.settings import Settings
    from src.db.store import PostgresStore
    from src.modeling.experiment.run import WalkForwardResult
    from src.modeling.panel.panel import Panel
    from src.stages.engine.engine import Engine


def main(argv: Sequence[str] | None = None) -> int:
    """Backtest every candidate and what would have been served, over the stored tickers."""
    args = _parser().parse_args(argv)
    _check_usage(args)
    settings, _ = set_up(args)
    from src.db.database import open_database
    from src.stages.engine.open_engine import open_engine

    with (
        open_database(settings.server, settings.home) as database,
        open_engine(settings.engine.workers, settings.engine.address) as engine,
    ):
        written = run(args, settings, database.store, engine)
    sys.stdout.write(f"{written:,} forecasts written to {args.out}\n")
    return 0


def run(args: argparse.Namespace, settings: Settings, store: PostgresStore, engine: Engine) -> int:
    """Write the file; returns the number of its rows."""
    from src.modeling.backtest.rows import forecast_rows
    from src.modeling.panel import pools

    members = pools.members(store)
    tickers = _all_tickers(members) if args.all else _named_tickers(args, members)
    pool = pools.pool_of_tickers(members, tickers)
    pooled = members.filter(pool=pool)["ticker"].to_list()
    calendar = calendar_of(shared_exchange(pooled))
    horizons = settings.training.horizons.model_dump()
    whole = pools.load_panel(store, pooled, calendar, horizons)
    panel = whole if args.until is None else pools.up_to(whole, args.until)
    if args.since is not None and args.since > panel.sessions[-1].item():
        raise BadInput(
            f"There is no price from {args.since} on to forecast from: the last is of "
            f"{panel.sessions[-1]}."
        )
    if args.all:
        left_out = ", ".join(ticker for ticker in store.tickers() if ticker not in tickers)
        if left_out:
            reason = "left out, being synthetic or without a clean price"
            sys.stderr.write(f"warning: {left_out}: {reason}.\n")
    frames = (
        forecast_rows(result, ticker, calendar, since=args.since)
        for result in walk_forwards(panel, whole, settings, args.models, args.since, engine)
        for ticker in tickers
        if ticker in panel.tickers
    )
    return _write_csv(frames, args.out)


def walk_forwards(
    panel: Panel,
    whole: Panel,
    settings: Settings,
    names: Sequence[str],
    since: dt.date | None,
    engine: Engine,
) -> Iterator[WalkForwardResult]:
    """Both horizons, one after the other; the gate's challengers always take part.

    Forecasts use the prices of ``panel`` alone; ``whole`` has the later ones as well, which
    outcomes are taken from.
    """
    import numpy as np

    from src.modeling.experiment.config import challenger_of, experiment_config
    from src.modeling.experiment.run import (
        FeatureCache,
        begin_walk_forward,
        count_seasoned_tickers,
    )
    from src.modeling.intervals import distribution

    first = 0 if since is None else int(np.searchsorted(panel.sessions, np.datetime64(since)))
    feature_cache, tickers = FeatureCache(panel, engine), count_seasoned_tickers(panel)
    columns = [whole.tickers.index(ticker) for ticker in panel.tickers]

    def begin(horizon: str) -> tuple[int, Callable[..., WalkForwardResult]]:
        candidates = tuple(dict.fromkeys((*names, challenger_of(horizon, tickers))))
        config = experiment_config(settings, horizon, candidates, tickers)
        return config.rules.horizon, begin_walk_forward(feature_cache, config, candidates)

    begun = map(begin, HORIZONS)
    # Workers go on with the second horizon while the first is written; one process would only have
    # the forecasts of both in memory.
    for horizon, finish in list(begun) if engine.workers > 1 else begun:
        result = finish(
            distribution.walk_forward(panel, horizon, since=first, inputs=feature_cache.variances)
        )
        actual = whole.targets(horizon)[: len(panel.sessions), columns]
        yield replace(result, actual=np.where(panel.complete[:, None], actual, np.nan))


def _all_tickers(members: pl.DataFrame) -> list[str]:
    """Every stored ticker that has features; of synthetic ones only without others."""
    if members.is_empty():
        raise BadInput("No features are stored yet: run `python -m mlops.pipeline` first.")
    real = members.filter(members["pool"] != SAMPLE_POOL)
    return (real if real.height else members)["ticker"].to_list()


def _named_tickers(args: argparse.Namespace, members: pl.DataFrame) -> list[str]:
    """The tickers of ``--tickers``, which may be separated by spaces or commas."""
    from src.core.tickers import normalise_ticker

    names = [name for argument in args.tickers for name in argument.split(",") if name]
    tickers = [normalise_ticker(name, args.suffix) for name in names]
    missing = [ticker for ticker in tickers if ticker not in members["ticker"]]
    if missing:
        raise BadInput(
            f"No features of {missing[0]} are stored: run `python -m mlops.pipeline` first."
        )
    return list(dict.fromkeys(tickers))


def _check_usage(args: argparse.Namespace) -> None:
    """Refuse arguments that cannot end in a file before any work."""
    path = args.out
    if not path.absolute().parent.is_dir():
        raise UsageError(f"--out {path}: the folder {path.absolute().parent} does not exist.")
    # The finished file takes the place of what is there, which must not be a folder or a device.
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):
        raise UsageError(f"--out {path}: it exists and is not a regular file.")
    extra = next((name for name in args.models if name in OPTIONAL_CANDIDATES), None)
    if extra and find_spec("lightgbm") is None:
        raise UsageError(f"--models {extra}: LightGBM is not installed: `pip install lightgbm`.")
    if args.since and args.until and args.since > args.until:
        raise UsageError(f"--from {args.since} lies after --to {args.until}.")


def _write_csv(frames: Iterator[pl.DataFrame], path: Path) -> int:
    """Append frame after frame to a file of another name, which then takes its place.

    Returns:
        The number of rows.

    Raises:
        BadInput: The file cannot be written, or no frame has a row.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    count = 0
    try:
        with partial.open("wb") as file:
            for frame in frames:
                frame.write_csv(file, include_header=file.tell() == 0)
                count += frame.height
        if not count:
            raise BadInput("None of the tickers has a bar between --from and --to.")
        partial.replace(path)
    except OSError as error:
        raise BadInput(f"--out {path} cannot be written ({error.strerror or error}).") from error
    finally:
        partial.unlink(missing_ok=True)
    return count


def _parser() -> Parser:
    parser = command_parser(
        "src.modeling.backtest",
        "Forecast every past session as it would have been done then, and write one row per "
        "forecast.",
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--tickers", nargs="+", metavar="T", help="such as TCS.NS INFY.NS")
    which.add_argument("--all", action="store_true", help="every stored ticker")
    parser.add_argument("--from", dest="since", type=date, metavar="D", help="first session")
    parser.add_argument(
        "--to", dest="until", type=date, metavar="D", help="last session; no later price is used"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="F", help="the CSV to write")
    parser.add_argument(
        "--models",
        nargs="+",
        choices=(*CANDIDATES, *OPTIONAL_CANDIDATES),
        default=CANDIDATES,
        metavar="M",
        help=f"of {', '.join((*CANDIDATES, *OPTIONAL_CANDIDATES))}; those that the gate judges "
        "always take part (default: all but the last, which needs LightGBM)",
    )
    add_suffix(parser)
    add_engine(parser)
    add_config(parser)
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
