"""The command ``python -m mlops.pipeline check-leakage``: does anything depend on later prices?"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from src.core.calendars.exchanges import calendar_of, shared_exchange
from src.core.errors import BadInput
from src.core.tables import CLEAN_DAILY, HORIZONS
from src.stages.arguments import Parser, add_config, add_ticker, command_parser, ticker_of
from src.stages.cli import set_up

if TYPE_CHECKING:
    import polars as pl

    from src.config.settings import Settings
    from src.db.store import Store
    from src.modeling.experiment.leakage import LeakageResult, Road

# The ticker and those of its pool with most bars: enough to be ranked, in a minute or two.
MOST_TICKERS = 20
CANDIDATES = ("zero", "mean", "drift", "ridge", "rank_tilt")
CUTS = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run all leakage checks on one ticker's pool; the exit code is 1 when one failed."""
    args = _parser().parse_args(argv)
    settings, _ = set_up(args)
    from src.db.database import open_database
    from src.modeling.panel import pools

    ticker = ticker_of(args, settings)
    with open_database(settings.server, settings.home) as database:
        members = pools.members(database.store)
        if ticker not in members["ticker"]:
            raise BadInput(
                f"No features of {ticker} are stored: run `python -m mlops.pipeline` first."
            )
        pool = members.filter(pool=pools.pool_of_tickers(members, [ticker]))
        clean = _longest(database.store, ticker, pool["ticker"].to_list())
    results = run_checks(_road(clean, settings), settings)
    sys.stdout.write("\n".join([*report_lines(ticker, clean, results), ""]))
    return 0 if all(result.passed for result in results) else 1


def run_checks(road: Road, settings: Settings) -> list[LeakageResult]:
    """Every step at the last refits of a panel, then the correlations of the model inputs."""
    from src.modeling.experiment import leakage
    from src.modeling.experiment.config import experiment_config
    from src.modeling.experiment.run import count_seasoned_tickers

    panel = road.panel
    tickers = count_seasoned_tickers(panel)
    configs = [experiment_config(settings, name, CANDIDATES, tickers) for name in HORIZONS]
    refits = leakage.refits(panel, configs[0])
    cuts = (refits or [len(panel.sessions) // 2])[-CUTS:]
    steps = leakage.checked_steps(configs, CANDIDATES)
    return [
        *leakage.check_steps(road, steps, cuts, seed=settings.training.seed),
        leakage.check_correlations(leakage.model_inputs(road), panel),
    ]


def report_lines(ticker: str, clean: pl.DataFrame, results: Sequence[LeakageResult]) -> list[str]:
    """One line a check, and the conclusion."""
    others, sessions = clean["ticker"].n_unique() - 1, clean["date"].n_unique()
    lines = [f"{ticker} with {others} others, {sessions:,} sessions"]
    for result in results:
        what = "correlation with the next return"
        if result.at is not None:
            what = f"future {result.check} after {result.at}"
        leaks = ", ".join(f"{name} ({count:,})" for name, count in result.leaks[:5])
        outcome = "passed" if result.passed else f"LEAKS: {leaks}"
        lines.append(f"{result.step}, {what}: {result.compared:,} values, {outcome}")
    failed = sum(not result.passed for result in results)
    if failed:
        lines.append(f"{failed} of {len(results)} checks found knowledge of the future.")
    else:
        lines.append(f"All {len(results)} checks passed: no value depends on later prices.")
    return lines


def _longest(store: Store, ticker: str, pool: Sequence[str]) -> pl.DataFrame:
    """Clean rows of the ticker and those of its pool with most bars."""
    bars = store.load(CLEAN_DAILY, pool, columns=("ticker",)).group_by("ticker").len()
    by_length = bars.sort("len", "ticker", descending=[True, False])["ticker"].to_list()
    others = [other for other in by_length if other != ticker]
    return store.load(CLEAN_DAILY, [ticker, *others[: MOST_TICKERS - 1]])


def _road(clean: pl.DataFrame, settings: Settings) -> Road:
    from src.modeling.experiment.leakage import Road

    calendar = calendar_of(shared_exchange(clean["ticker"].unique().to_list()))
    horizons = tuple(settings.training.horizons.model_dump().values())
    return Road(clean, settings.features, horizons, calendar)


def _parser() -> Parser:
    parser = command_parser(
        "mlops.pipeline check-leakage",
        "Cut off the future and replace it, and check that no feature, label, forecast, "
        "distribution or decision before it changes.",
    )
    add_ticker(parser)
    add_config(parser)
    return parser
