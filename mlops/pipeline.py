"""The command ``python -m mlops.pipeline``: bring in prices, train, and print both forecasts."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.stages.arguments import (
    Parser,
    add_config,
    add_looking_back,
    add_ticker,
    command_parser,
)
from src.stages.cli import run_command

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.data.sources.select import SourceRequest


class MLOpsPipeline:
    """Runs ingest, cleaning, features, validation and training for one ticker.

    Args:
        ticker: Such as ``TCS.NS``; None takes the configuration's.
        config: A JSON file with settings, or None.
        source: Where prices come from; None takes the default for the ticker.
        as_of: The last session that may be used. With one in the past the run computes and
            reports but writes no live table and no model.
        known_at: An aware time: only what had been fetched by then is used, and nothing is
            written. Prices come from what is stored.
        settings: Ready-made settings, instead of ``config`` and the environment.
        progress: Called with each stage's name as it begins.

    Raises:
        UsageError: For a ticker that is none or whose exchange has no calendar here, a source
            without what it needs, a future as-of or known-at.
        BadConfig: For a setting that cannot be used.
    """

    def __init__(
        self,
        ticker: str | None = None,
        config: Path | str | None = None,
        *,
        source: SourceRequest | None = None,
        as_of: dt.date | None = None,
        known_at: dt.datetime | None = None,
        settings: Settings | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        from mlops.run import RunRequest
        from src.config.clock import now
        from src.config.load import load_settings
        from src.core.calendars.exchanges import calendar_of, exchange_of
        from src.core.tickers import normalise_ticker
        from src.data.sources.select import SourceRequest, open_source
        from src.stages.context import is_live

        settings = settings or load_settings(Path(config) if config else None)
        request = source or SourceRequest()
        ticker = normalise_ticker(
            settings.data.ticker if ticker is None else ticker, request.suffix
        )
        at, calendar = now(settings), calendar_of(exchange_of(ticker))
        live = is_live(as_of, known_at, at, calendar)
        opened = open_source(
            request,
            ticker=ticker,
            settings=settings,
            calendar=calendar,
            now=at,
            as_of=as_of,
            known_at=known_at,
        )
        self._request = RunRequest(settings, ticker, opened, as_of, known_at, live, at)
        self._progress = progress or (lambda _stage: None)

    def run_full_pipeline(self, skip_training: bool = False) -> tuple[bool, dict[str, Any]]:
        """Run every stage, or all but training.

        Raises:
            UnwritableFolder: When the run cannot even leave a folder.

        Returns:
            Whether it succeeded, and the results as ``results.json`` holds them; those of a
            failed run have ``error``, one sentence.
        """
        from mlops.run import run_pipeline
        from mlops.run_folder import new_run_folder
        from src.config import logs
        from src.config.threads import use_passive_waiting

        request, settings = self._request, self._request.settings
        use_passive_waiting()
        logs.configure(settings.home, settings.log_level)
        folder = new_run_folder(settings.home, request.now)
        logs.bind_run(folder.run_id, ticker=request.ticker)
        results = run_pipeline(request, folder, self._progress, skip_training=skip_training)
        return results["status"] == "success", results


def main(argv: Sequence[str] | None = None) -> int:
    """The command ``python -m mlops.pipeline``, and ``check-leakage`` as its first word."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    if arguments[:1] == ["check-leakage"]:
        from mlops import check_leakage

        return check_leakage.main(arguments[1:])
    args = _parser().parse_args(arguments)
    from mlops.forecast_table import forecast_table, progress_bar
    from src.data.sources.select import source_request

    with progress_bar(4 if args.skip_training else 5) as progress:
        pipeline = MLOpsPipeline(
            args.ticker,
            args.config,
            source=source_request(args),
            as_of=args.as_of,
            known_at=args.known_at,
            progress=progress,
        )
        success, results = pipeline.run_full_pipeline(skip_training=args.skip_training)
    if not success:
        sys.stderr.write(f"{results['error']}\n")
        return 1
    sys.stdout.write(f"{forecast_table(results)}\n")
    return 0


def _parser() -> Parser:
    from src.data.sources.select import add_source_arguments

    parser = command_parser(
        "mlops.pipeline",
        "Bring prices in, clean them, compute and check features, train, and print the forecasts "
        "for the next session and the next quarter. `check-leakage --ticker T` as first words "
        "checks instead that nothing depends on later prices.",
    )
    add_ticker(parser)
    parser.add_argument(
        "--skip-training", action="store_true", help="forecast with the stored models"
    )
    add_config(parser)
    add_looking_back(parser)
    add_source_arguments(parser)
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
