"""The command ``python -m mlops.pipeline``: bring in prices, train, and print both forecasts."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.stages.arguments import (
    Parser,
    add_config,
    add_engine,
    add_looking_back,
    add_ticker,
    add_tickers,
    command_parser,
    engine_settings,
    listed_tickers,
)
from src.stages.cli import run_command

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.data.sources.select import SourceRequest

# First words that are commands of their own.
SUBCOMMANDS = {"check-leakage": "mlops.check_leakage", "report": "mlops.report"}


class MLOpsPipeline:
    """Runs ingest, cleaning, features, validation and training for one ticker, some or all.

    Args:
        ticker: Such as ``TCS.NS``; None takes the configuration's.
        config: A JSON file with settings, or None.
        tickers: Several, instead of ``ticker``.
        all_tickers: All that the files of the source have, or else all that are stored but for
            synthetic ones, instead of ``ticker``.
        source: Where prices come from; None takes the default for the ticker, and of several
            tickers what is stored.
        as_of: The last session that may be used. With one in the past the run computes and
            reports but writes no live table and no model.
        known_at: An aware time: only what had been fetched by then is used, and nothing is
            written. Prices come from what is stored.
        settings: Ready-made settings, instead of ``config`` and the environment.
        progress: Called with what is under way, and how many of how many tickers are up to date.

    Raises:
        UsageError: For a ticker that is none or whose exchange has no calendar here, a source
            without what it needs, a future as-of or known-at.
        BadConfig: For a setting that cannot be used.
    """

    def __init__(  # noqa: PLR0913 - all of these describe a run
        self,
        ticker: str | None = None,
        config: Path | str | None = None,
        *,
        tickers: Sequence[str] | None = None,
        all_tickers: bool = False,
        source: SourceRequest | None = None,
        as_of: dt.date | None = None,
        known_at: dt.datetime | None = None,
        settings: Settings | None = None,
        progress: Callable[[str, float, int], None] | None = None,
    ) -> None:
        from mlops.pipeline_run.request import make_request
        from src.config.load import load_settings
        from src.data.sources.select import SourceRequest

        self._request = make_request(
            settings or load_settings(Path(config) if config else None),
            source or SourceRequest(),
            ticker=ticker,
            tickers=tickers,
            all_tickers=all_tickers,
            as_of=as_of,
            known_at=known_at,
        )
        self._progress = progress or (lambda _stage, _done, _total: None)

    def run_full_pipeline(self, skip_training: bool = False) -> tuple[bool, dict[str, Any]]:
        """Run every stage, or all but training.

        Raises:
            UnwritableFolder: When the run cannot even leave a folder.

        Returns:
            Whether it succeeded for every ticker, and the results as ``results.json`` holds them;
            those of a failed run have ``error``, one sentence.
        """
        from mlops.pipeline_run.output.folder import new_run_folder
        from mlops.pipeline_run.run import run_pipeline
        from src.config import logs
        from src.config.threads import configure_threads

        request, settings = self._request, self._request.settings
        configure_threads()
        logs.configure(settings.home, settings.log_level)
        folder = new_run_folder(settings.home, request.now)
        logs.bind_run(folder.run_id, **({"ticker": request.ticker} if request.ticker else {}))
        results = run_pipeline(request, folder, self._progress, skip_training=skip_training)
        return results["status"] == "success", results


def main(argv: Sequence[str] | None = None) -> int:
    """The command ``python -m mlops.pipeline``, and those of its first words."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    if arguments[:1] and arguments[0] in SUBCOMMANDS:
        code: int = import_module(SUBCOMMANDS[arguments[0]]).main(arguments[1:])
        return code
    args = _parser().parse_args(arguments)
    from mlops.pipeline_run.output.forecast_table import forecast_table
    from mlops.pipeline_run.output.progress import show_progress
    from mlops.pipeline_run.output.states import state_lines
    from mlops.pipeline_run.output.ticker_table import failed_tickers, ticker_table
    from src.config.load import load_settings
    from src.data.sources.select import source_request

    with show_progress() as progress:
        pipeline = MLOpsPipeline(
            args.ticker,
            settings=load_settings(args.config, engine_settings(args)),
            tickers=listed_tickers(args.tickers, args.suffix) if args.tickers else None,
            all_tickers=args.all,
            source=source_request(args),
            as_of=args.as_of,
            known_at=args.known_at,
            progress=progress,
        )
        success, results = pipeline.run_full_pipeline(skip_training=args.skip_training)
    is_single = results["ticker"] is not None
    if results["status"] != "failed":
        table = forecast_table if is_single else ticker_table
        sys.stdout.write(f"{table(results)}\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in state_lines(results)))
    lines = [] if success or is_single else failed_tickers(results)
    lines += [results["error"]] if results["status"] == "failed" else []
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    return 0 if success else 1


def _parser() -> Parser:
    from src.data.sources.select import add_source_arguments

    parser = command_parser(
        "mlops.pipeline",
        "Bring prices in, clean them, compute and check features, train, and print the forecasts "
        "for the next session and the next quarter, of one ticker, some or all. `check-leakage "
        "--ticker T` as first words checks instead that nothing depends on later prices, `report "
        "--ticker T` draws the report of one ticker.",
    )
    which = parser.add_mutually_exclusive_group()
    add_ticker(parser, group=which)
    add_tickers(which)
    which.add_argument(
        "--all", action="store_true", help="every ticker of the files given, else every stored one"
    )
    parser.add_argument(
        "--skip-training", action="store_true", help="forecast with the stored models"
    )
    add_config(parser)
    add_looking_back(parser)
    add_source_arguments(parser)
    add_engine(parser)
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
