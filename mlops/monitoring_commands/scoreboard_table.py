"""Format the scoreboard of logged forecasts as a text table, one line a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from src.stages.tables import aligned

if TYPE_CHECKING:
    from src.config.settings import Settings

HEADERS = (
    *("", "horizon", "ticker", "model", "n", "n_eff", "MAE", "MAE of zero", "skill"),
    *("coverage 50/80/90/95 %", "right sign", "base rate"),
)
ALL = "all"


def scoreboard_text(settings: Settings, ticker: str | None) -> str:
    """The scoreboard of one ticker, or of each and of all together, as text.

    Raises:
        DatabaseUnavailable: one sentence.
    """
    from src.db.database import open_database
    from src.db.tables.scores import ScoreLog
    from src.modeling.evaluation.scoreboard import POOLED, scoreboard

    with open_database(settings.server, settings.home) as database:
        log = ScoreLog(database.control)
        rows, logged = scoreboard(log, ticker), log.counts(ticker)[0]
    if not rows:
        return _no_scores(ticker, logged)
    shown = [row for row in rows if ticker is None or row["ticker"] != POOLED]
    return "\n".join(aligned([HEADERS, *(_line(row) for row in shown)], str.ljust))


def _no_scores(ticker: str | None, logged: int) -> str:
    of = f" of {ticker}" if ticker else ""
    if not logged:
        return f"No forecast{of} is logged yet: run `python -m mlops.pipeline` after the close."
    return (
        f"{logged} forecasts{of} are logged, and none that was made before its target session has "
        "an outcome yet: run `python -m mlops.pipeline` again after that session."
    )


def _line(row: Mapping[str, Any]) -> tuple[str, ...]:
    coverage = "/".join(f"{share:.0%}".rstrip("%") for share in row["coverage"].values())
    return (
        row["kind"],
        f"{row['horizon']} ({row['sessions']})",
        row["ticker"] or f"{ALL} {row['tickers']}",
        row["model"],
        f"{row['n']}",
        f"{row['n_eff']:.0f}",
        f"{row['mae']:.4%}",
        f"{row['mae_zero']:.4%}",
        _share(row["skill"], "+.2%"),
        coverage or "-",
        _share(row["direction"], ".1%"),
        _share(row["base_rate"], ".1%"),
    )


def _share(value: float | None, form: str) -> str:
    return "-" if value is None else f"{value:{form}}"
