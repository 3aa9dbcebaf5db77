"""The command ``python -m src.modeling.backtest``: a row per forecast that would have been made.

Columns: ``ticker, made, target, horizon, model, point, actual`` and the bounds of the 50, 80, 90
and 95 % intervals; simple returns. ``made`` is the last bar that the forecast could see, ``target``
the session h ahead, ``actual`` empty while it is not realised.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from src.core.errors import BadInput, UsageError
from src.stages.cli import EPILOG, Parser, configured, date, guarded

if TYPE_CHECKING:
    import polars as pl

    from src.config.settings import Settings
    from src.core.exchanges import TradingCalendar
    from src.db.store import PostgresStore
    from src.modeling.contest import Contest
    from src.modeling.panel import Panel


def main(argv: Sequence[str] | None = None) -> int:
    """Backtest every candidate and what would have been served, over the stored tickers."""
    args = _parser().parse_args(argv)
    settings, _ = configured(args)
    from src.db.database import open_database

    url = settings.database_url.get_secret_value() if settings.database_url else None
    with open_database(url, settings.home) as database:
        written = run(args, settings, database.store)
    sys.stdout.write(f"{written:,} forecasts written to {args.out}\n")
    return 0


def run(args: argparse.Namespace, settings: Settings, store: PostgresStore) -> int:
    """Write the file; the number of its rows."""
    from src.modeling.backtest_rows import rows
    from src.modeling.pooling import pooled

    stored = store.tickers()
    tickers = stored if args.all else _asked(args, stored)
    calendar, panel = pooled(store, tickers, stored)
    tickers = [ticker for ticker in tickers if ticker in panel.tickers]
    _check_folder(args.out)
    frames = (
        rows(contest, ticker, calendar, since=args.since, until=args.until)
        for contest in contests(panel, settings, calendar, args.models, args.since)
        for ticker in tickers
    )
    return _written(frames, args.out)


def contests(
    panel: Panel,
    settings: Settings,
    calendar: TradingCalendar,
    names: Sequence[str],
    since: dt.date | None,
) -> Iterator[Contest]:
    """Both horizons, one after the other."""
    import numpy as np

    from src.modeling import contest
    from src.modeling.judging import rules_of

    first = 0 if since is None else int(np.searchsorted(panel.sessions, np.datetime64(since)))
    learning = any(name in contest.LEARNERS for name in names)
    features = contest.inputs_of(panel) if learning else None
    for horizon in ("short", "long"):
        rules = rules_of(settings, horizon, names)
        sessions = getattr(settings.training.horizons, horizon)
        yield contest.hold(panel, sessions, rules, names=names, features=features, since=first)


def _asked(args: argparse.Namespace, stored: Sequence[str]) -> list[str]:
    from src.core.tickers import normalise_ticker

    given = [text for one in args.tickers for text in one.split(",") if text]
    tickers = [normalise_ticker(text, args.suffix) for text in given]
    missing = [ticker for ticker in tickers if ticker not in stored]
    if missing:
        raise BadInput(
            f"No prices of {missing[0]} are stored: run `python -m src.data.ingest write` first."
        )
    return list(dict.fromkeys(tickers))


def _check_folder(path: Path) -> None:
    if not path.absolute().parent.is_dir():
        raise UsageError(f"--out {path}: there is no folder {path.absolute().parent}.")


def _written(frames: Iterator[pl.DataFrame], path: Path) -> int:
    """Append frame after frame to a file of another name, which then takes its place."""
    partial = path.with_name(f".{path.name}.part")
    count = 0
    try:
        with partial.open("wb") as file:
            for frame in frames:
                frame.write_csv(file, include_header=count == 0 and file.tell() == 0)
                count += frame.height
        partial.replace(path)
    except OSError as error:
        raise BadInput(f"--out {path} cannot be written ({error.strerror}).") from error
    finally:
        partial.unlink(missing_ok=True)
    return count


def _parser() -> Parser:
    from src.modeling.names import CANDIDATES

    parser = Parser(
        prog="python -m src.modeling.backtest",
        description="Forecast every past session as it would have been done then, and write one "
        "row per forecast.",
        epilog=EPILOG,
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--tickers", nargs="+", metavar="T", help="such as TCS.NS INFY.NS")
    which.add_argument("--all", action="store_true", help="every stored ticker")
    parser.add_argument("--from", dest="since", type=date, metavar="D", help="first session")
    parser.add_argument("--to", dest="until", type=date, metavar="D", help="last session")
    parser.add_argument("--out", type=Path, required=True, metavar="F", help="the CSV to write")
    parser.add_argument(
        "--models", nargs="+", choices=CANDIDATES, default=CANDIDATES, help="default: all"
    )
    parser.add_argument("--suffix", default=".NS", help="for bare symbols (default: .NS)")
    parser.add_argument("--config", type=Path, metavar="F", help="a JSON file with settings")
    return parser


if __name__ == "__main__":
    sys.exit(guarded(main))
