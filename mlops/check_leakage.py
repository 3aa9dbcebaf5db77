"""The command ``python -m mlops.pipeline check-leakage``: does anything know the future?"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from src.core.errors import BadInput
from src.stages.arguments import EPILOG, Parser
from src.stages.cli import set_up

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.modeling.experiment.leakage import LeakageResult
    from src.modeling.panel.panel import Panel

# The ticker and the longest of its mates: enough to be ranked, and done in a minute or two.
MOST_TICKERS = 20
NAMES = ("zero", "mean", "drift", "ridge", "rank_tilt")
CUTS = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Cut off and replace the future of one ticker's pool; 1 when something knew it."""
    args = _parser().parse_args(argv)
    settings, _ = set_up(args)
    from src.core.tickers import normalise_ticker
    from src.db.database import open_database
    from src.modeling.panel import pools

    ticker = normalise_ticker(args.ticker or settings.data.ticker, args.suffix)
    with open_database(settings.server, settings.home) as database:
        stored = database.store.tickers()
        if ticker not in stored:
            raise BadInput(
                f"No prices of {ticker} are stored: run `python -m mlops.pipeline` first."
            )
        _, whole = pools.pooled(database.store, [ticker], stored)
    panel = _part(whole, ticker)
    found = list(findings(panel, settings))
    for line in told(ticker, panel, found):
        sys.stdout.write(f"{line}\n")
    return 0 if all(one.passed for one in found) else 1


def findings(panel: Panel, settings: Settings) -> list[LeakageResult]:
    """All checks over a panel, the canary last."""
    from src.features.catalogue import features
    from src.modeling.experiment import leakage, leakage_chain
    from src.modeling.experiment import run as contest
    from src.modeling.experiment.config import experiment_config

    horizons = settings.training.horizons
    tickers = contest.seasoned(panel)
    rules = {
        getattr(horizons, name): experiment_config(settings, name, NAMES, tickers)
        for name in ("short", "long")
    }
    refits = leakage_chain.refits(panel, rules[horizons.short])
    cuts = (refits or [len(panel.sessions) // 2])[-CUTS:]
    parts = leakage_chain.checked_steps(features(settings.features), rules, NAMES)
    made = list(leakage.check(panel, parts, cuts, seed=settings.training.seed))
    return [*made, leakage.correlations(leakage_chain.inputs(panel), panel)]


def told(ticker: str, panel: Panel, found: Sequence[LeakageResult]) -> list[str]:
    """One line a check, and what it comes to."""
    lines = [f"{ticker} with {len(panel.tickers) - 1} others, {len(panel.sessions):,} sessions"]
    for one in found:
        when = "" if one.at is None else f", future {one.check} after {one.at}"
        leaks = ", ".join(f"{name} ({count:,})" for name, count in one.leaks[:5])
        verdict = "holds" if one.passed else f"LEAKS: {leaks}"
        lines.append(f"{one.step}{when}: {one.compared:,} values, {verdict}")
    failed = [one for one in found if not one.passed]
    lines.append(
        f"{len(failed)} of {len(found)} checks found knowledge of the future."
        if failed
        else "Nothing that is said at a session changes with what comes after it."
    )
    return lines


def _part(whole: Panel, ticker: str) -> Panel:
    """The ticker and those of its mates with most bars."""
    from dataclasses import replace

    import numpy as np

    from src.modeling.panel.panel import MATRICES

    bars = np.isfinite(whole.close).sum(axis=0)
    own = whole.tickers.index(ticker)
    others = [int(n) for n in np.argsort(-bars, kind="stable") if n != own]
    columns = sorted([own, *others[: MOST_TICKERS - 1]])
    return replace(
        whole,
        tickers=tuple(whole.tickers[n] for n in columns),
        **{name: getattr(whole, name)[:, columns] for name in MATRICES},
    )


def _parser() -> Parser:
    parser = Parser(
        prog="python -m mlops.pipeline check-leakage",
        description="Cut off the future and replace it, and see whether any feature, label, "
        "forecast, distribution or decision of before changes.",
        epilog=EPILOG,
    )
    parser.add_argument("--ticker", help="such as TCS.NS (default: the configuration's)")
    parser.add_argument("--suffix", default=".NS", help="for bare symbols (default: .NS)")
    parser.add_argument("--config", type=Path, metavar="F", help="a JSON file with settings")
    return parser
