"""Make one score of the dimensions of quality, and one of all tickers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from src.monitoring.quality.dimensions import Dimension

# The worst dimension has four fifths of the say, the mean of all the rest.
WORST = 0.8
TIMELINESS = "timeliness"
# A ticker whose newest bar is older, in sessions, was delisted or renamed, or is looked after by
# nobody: it is scored, and left out of the score of all.
DORMANT_AFTER = 20
# Tickers that the score of all names.
NAMED = 3
WHOLE = 100.0


def combine(scores: Iterable[float | None]) -> float:
    """The score of a ticker from those of its dimensions; None are left out, one must be there."""
    judged = [score for score in scores if score is not None]
    return round(WORST * min(judged) + (1 - WORST) * sum(judged) / len(judged), 2)


def as_row(dimensions: Sequence[Dimension], sessions_behind: int) -> dict[str, Any]:
    """``score`` and ``dimensions`` as the table ``quality_scores`` keeps them.

    ``dimensions`` has by name ``score``, ``found`` and ``remedy`` (left out where the score is
    whole), and of the timeliness ``sessions_behind``.
    """
    rows = {each.name: _as_json(each) for each in dimensions}
    rows[TIMELINESS]["sessions_behind"] = sessions_behind
    return {"score": combine(each.score for each in dimensions), "dimensions": rows}


def overall(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
    """The row of all tickers together: of each dimension the mean over tickers.

    Args:
        rows: ``session`` and ``dimensions`` of each ticker. Dormant ones are left out where there
            are others.

    Returns:
        ``session, score, dimensions``; None without any ticker.
    """
    active = {t: row for t, row in rows.items() if not _is_dormant(row)} or dict(rows)
    if not active:
        return None
    names = next(iter(active.values()))["dimensions"]
    dimensions = {name: _mean(name, active) for name in names}
    return {
        "session": max(row["session"] for row in active.values()),
        "score": combine(each["score"] for each in dimensions.values()),
        "dimensions": dimensions,
    }


def _mean(name: str, rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    judged = {
        ticker: row["dimensions"][name]
        for ticker, row in rows.items()
        if row["dimensions"][name]["score"] is not None
    }
    if not judged:
        return {"score": None, "found": "It is known of no ticker.", "remedy": ""}
    if len(judged) == 1:
        (only,) = judged.values()
        return {key: value for key, value in only.items() if key != "sessions_behind"}
    score = sum(each["score"] for each in judged.values()) / len(judged)
    lowest = sorted((each["score"], ticker) for ticker, each in judged.items())[:NAMED]
    if lowest[0][0] == WHOLE:
        return {"score": score}
    named = ", ".join(f"{ticker} {each:.4g}" for each, ticker in lowest if each < WHOLE)
    worst = judged[lowest[0][1]]
    return {
        "score": round(score, 2),
        "found": f"The mean of {len(judged)} tickers; lowest: {named}.",
        "remedy": worst["remedy"],
    }


def _is_dormant(row: Mapping[str, Any]) -> bool:
    return bool(row["dimensions"][TIMELINESS]["sessions_behind"] > DORMANT_AFTER)


def _as_json(dimension: Dimension) -> dict[str, Any]:
    if dimension.score == WHOLE:
        return {"score": WHOLE}
    score = None if dimension.score is None else round(dimension.score, 2)
    return {"score": score, "found": dimension.found, "remedy": dimension.remedy}
