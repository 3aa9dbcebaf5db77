"""The command ``python -m mlops.pipeline check-leakage``: does anything depend on later prices?"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from src.core.errors import BadInput
from src.core.tables import HORIZONS
from src.stages.arguments import Parser, add_config, add_ticker, command_parser, ticker_of
from src.stages.cli import set_up

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.modeling.experiment.leakage import LeakageResult
    from src.modeling.panel.panel import Panel

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
        stored = database.store.tickers()
        if ticker not in stored:
            raise BadInput(
                f"No prices of {ticker} are stored: run `python -m mlops.pipeline` first."
            )
        _, pool = pools.pool_panel(database.store, [ticker], stored)
    panel = _longest(pool, ticker)
    results = run_checks(panel, settings)
    sys.stdout.write("\n".join([*report_lines(ticker, panel, results), ""]))
    return 0 if all(result.passed for result in results) else 1


def run_checks(panel: Panel, settings: Settings) -> list[LeakageResult]:
    """Every step at the last refits of a panel, then the correlations of the model inputs."""
    from src.features.catalogue import features
    from src.modeling.experiment import leakage
    from src.modeling.experiment.config import experiment_config
    from src.modeling.experiment.run import count_seasoned_tickers

    tickers = count_seasoned_tickers(panel)
    configs = [experiment_config(settings, name, CANDIDATES, tickers) for name in HORIZONS]
    refits = leakage.refits(panel, configs[0])
    cuts = (refits or [len(panel.sessions) // 2])[-CUTS:]
    steps = leakage.checked_steps(features(settings.features), configs, CANDIDATES)
    return [
        *leakage.check_steps(panel, steps, cuts, seed=settings.training.seed),
        leakage.check_correlations(leakage.model_inputs(panel), panel),
    ]


def report_lines(ticker: str, panel: Panel, results: Sequence[LeakageResult]) -> list[str]:
    """One line a check, and the conclusion."""
    others = len(panel.tickers) - 1
    lines = [f"{ticker} with {others} others, {len(panel.sessions):,} sessions"]
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


def _longest(pool: Panel, ticker: str) -> Panel:
    """The ticker and those of its pool with most bars."""
    from dataclasses import replace

    import numpy as np

    from src.modeling.panel.panel import MATRICES

    bars = np.isfinite(pool.close).sum(axis=0)
    column = pool.tickers.index(ticker)
    others = [int(n) for n in np.argsort(-bars, kind="stable") if n != column]
    columns = sorted([column, *others[: MOST_TICKERS - 1]])
    return replace(
        pool,
        tickers=tuple(pool.tickers[n] for n in columns),
        **{name: getattr(pool, name)[:, columns] for name in MATRICES},
    )


def _parser() -> Parser:
    parser = command_parser(
        "mlops.pipeline check-leakage",
        "Cut off the future and replace it, and check that no feature, label, forecast, "
        "distribution or decision before it changes.",
    )
    add_ticker(parser)
    add_config(parser)
    return parser
