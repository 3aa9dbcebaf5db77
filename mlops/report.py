"""The command ``python -m mlops.pipeline report``: draw one ticker's report from what is stored.

Nothing is computed anew: the figures are those of the training whose verdict is shown.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.core.errors import BadInput
from src.core.tables import HORIZONS
from src.stages.arguments import Parser, add_config, add_ticker, command_parser, ticker_of
from src.stages.cli import set_up

if TYPE_CHECKING:
    import datetime as dt

    from src.config.settings import Settings
    from src.db.database import Database
    from src.db.tables.live_inputs import LiveInputs
    from src.stages.stage import RunContext


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page of one ticker."""
    args = _parser().parse_args(argv)
    settings, now = set_up(args)
    ticker = ticker_of(args, settings)
    path = args.out or settings.home / f"report_{ticker}.html"
    from src.data.report.html import save_page
    from src.db.database import open_database

    with open_database(settings.server, settings.home) as database:
        page = draw_report(database, settings, ticker, now)
    save_page(path, page)
    sys.stdout.write(f"The page is {path}\n")
    return 0


def draw_report(database: Database, settings: Settings, ticker: str, now: dt.datetime) -> str:
    """The page of one ticker as HTML.

    Raises:
        BadInput: Nothing is stored of the ticker, or a model without the forecasts that it was
            judged by.
        ForecastError: There is no model of it yet, its inputs are missing, or files are damaged.
    """
    from src.db.tables import live_inputs
    from src.db.tables.model_events import EventLog
    from src.db.tables.records import open_records
    from src.modeling.training.report_inputs import draw_stored
    from src.registry.lifecycle.live_models import LiveModels
    from src.registry.storage.artifact_store import ArtifactStore
    from src.stages.context import make_context

    live = live_inputs.read(database.control, [(ticker, horizon) for horizon in HORIZONS])
    pool = live[ticker, HORIZONS[0]].pool
    if pool is None:
        raise BadInput(
            f"No forecast of {ticker} is stored: run `python -m mlops.pipeline --ticker {ticker}`."
        )
    models = LiveModels(ArtifactStore.of(settings), EventLog(database.control))
    trained = models.newest(pool, HORIZONS[0])
    context = make_context(
        settings,
        database.store,
        (ticker,),
        run_id="unknown" if trained is None else trained.by_whom,
        now=now,
        models=models,
        records=open_records(database.control),
    )
    entries = [_forecast(context, ticker, horizon, part) for (_, horizon), part in live.items()]
    (page,) = draw_stored(context, pool, entries).values()
    return page


def _forecast(context: RunContext, ticker: str, horizon: str, live: LiveInputs) -> dict[str, Any]:
    """The forecast that is answered now, as an entry of ``forecasts`` in results.json."""
    from src.modeling.serving.predict import MissingInputs, forecast_from_row
    from src.registry.storage.artifact import NoModel

    assert context.models is not None  # noqa: S101 drawn as a live run would
    if live.pool is None or live.digest is None:
        raise NoModel(live.pool or "", horizon, ticker)
    artifact = context.models.store.load(live.pool, horizon, live.digest)
    if live.row is None:
        raise MissingInputs(artifact, ticker)
    return forecast_from_row(artifact, live.row, live.pool_row, context.calendar, live.pin)


def _parser() -> Parser:
    parser = command_parser(
        "mlops.pipeline report",
        "Draw the report of one ticker from what its last training stored: how sure its forecasts "
        "are, and what they rest on.",
    )
    add_ticker(parser)
    parser.add_argument(
        "--out",
        type=Path,
        metavar="F",
        help="the page to write (default: report_T.html in FORECAST_HOME)",
    )
    add_config(parser)
    return parser
