"""How the model of a pool was judged by its newest training, and the sentence about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from src.dashboard import readers, wording
from src.db.pages import analytics

# One-sided, so that what is shown are ranges of 95 %.
LEVEL = 0.025
SIGNS = {
    "better": "▲ **Better than the baseline**",
    "worse": "▼ **Worse than the baseline**",
    "undecided": "○ **No demonstrated edge**",
    "none": "– **Too early to say**",
}
_ADVICE = {
    "better": "",
    "worse": " Prefer the baseline.",
    "undecided": " Use the interval, not the point.",
}
_RANGE = f"95{wording.NO_BREAK}% range"
ZERO = "zero"
GAIN = "mae_improvement_vs_zero"


@dataclass(frozen=True)
class Judged:
    """The verdict on the candidate of a pool and horizon, over its whole walk-forward record.

    Attributes:
        sessions: Ahead.
        verdict: The gate's: ``better``, ``worse``, ``undecided`` or ``none``; why is in ``reason``.
        skill: By how much its mean absolute error was smaller than that of no change, as a share,
            as the gate measured it; None without a candidate.
        low: Lower end of its 95 % range, by the error that the gate allowed for; None where it is
            not known, as of trainings before it was stored.
        high: Upper end.
        n: Forecasts with an outcome.
        n_eff: Periods among their dates that do not overlap.
        digest: Of the model set that the training stored.
    """

    pool: str
    horizon: str
    sessions: int
    tickers: int
    candidate: str
    verdict: str
    reason: str
    skill: float | None
    low: float | None
    high: float | None
    n: int
    n_eff: float
    digest: str

    @property
    def is_decided(self) -> bool:
        """Whether the 95 % range excludes zero."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


def judged(pool: str, horizon: str) -> Judged | None:
    """How the newest training judged the candidate of a pool; None before the first.

    Raises:
        ForecastError: The database does not answer.
    """
    event = readers.read(analytics.newest_training, pool, horizon)
    if event is None:
        return None
    candidate = event.evidence.get("candidate", ZERO)
    counted = event.evidence.get("judged") or _named(event.evidence.get("metrics", ()), candidate)
    gain = _named(event.evidence.get("verdict", ()), GAIN)
    low, high = counted.get("skill_range") or (None, None)
    return Judged(
        pool=pool,
        horizon=horizon,
        sessions=readers.horizons()[horizon],
        tickers=event.evidence.get("tickers", 0),
        candidate=candidate,
        verdict=event.verdict,
        reason=event.reason,
        skill=gain.get("value") if candidate != ZERO else None,
        low=low,
        high=high,
        n=counted.get("n", 0),
        n_eff=counted.get("n_eff", 0.0),
        digest=event.digest,
    )


def _named(rows: Iterable[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    """The first row of that name; an empty one where there is none."""
    return next((row for row in rows if row["name"] == name), {})


def headline(verdict: Judged) -> str:
    """Verdict, skill and its range in a line: the answer of a page."""
    words = {
        "better": "Better than “no change”",
        "worse": "Worse than “no change”",
        "undecided": "No demonstrated edge",
    }
    start = f"{words.get(verdict.verdict, 'Too early to say')} at {wording.ahead(verdict.sessions)}"
    if verdict.skill is None:
        return start
    skill = f"skill {wording.percent(verdict.skill, digits(verdict), signed=True)}"
    if verdict.low is None or verdict.high is None:
        return f"{start}: {skill}"
    return f"{start}: {skill}, {_RANGE} {range_of(verdict)}"


def sentence(verdict: Judged) -> str:
    """What the verdict means and what it rests on, in the words that every page uses."""
    start = f"{SIGNS[verdict.verdict]} at {wording.ahead(verdict.sessions)}."
    if verdict.verdict == "none":
        outcomes = f"{wording.number(verdict.n_eff, 1)} independent outcomes so far."
        return f"{start} {outcomes} {_gate(verdict)}"
    if verdict.skill is None:
        return f"{start} {_gate(verdict)}"
    return f"{start} {_errors(verdict, verdict.skill)}{_ADVICE[verdict.verdict]}"


def _errors(verdict: Judged, skill: float) -> str:
    """How large the errors were beside those of no change, and what the range says of that."""
    size = wording.percent(abs(skill), digits(verdict))
    way = "lower" if skill >= 0 else "higher"
    over = (
        f"Over {verdict.n:,} scored forecasts (worth {wording.periods(verdict.n_eff)} "
        f"independent ones), the model's error was {size} {way} than “no change”"
    )
    span = "" if verdict.low is None else f"the {_RANGE} ({range_of(verdict)})"
    if verdict.verdict != "undecided":
        return f"{over}{_side(verdict, span)}."
    if span and not verdict.is_decided:
        return f"{over}, but {span} includes zero."
    return f"{over}. The gate asks for more than {span or 'that'}: {_gate(verdict)}"


def range_of(verdict: Judged) -> str:
    """The 95 % range of the skill, such as ``−7.8 to +8.5 %``; ``–`` where it is not known."""
    return wording.percent_range(verdict.low, verdict.high, digits(verdict))


def digits(verdict: Judged) -> int:
    """Decimals of percent, so many that no end of the range is written as zero, at most three."""
    if verdict.low is None or verdict.high is None:
        return 2
    nearest = 100 * min(abs(verdict.low), abs(verdict.high))
    width = 100 * (verdict.high - verdict.low)
    least = 1 if width >= 1 else 2 if width >= 0.1 else 3
    return next((n for n in range(least, 3) if round(nearest, n)), 3)


def _side(verdict: Judged, span: str) -> str:
    """What the range says of a verdict that was decided by the gate, on more than this range."""
    if not verdict.is_decided or verdict.low is None:
        return f"; {_gate(verdict)}".rstrip(".")
    return f", and {span} is all {'above' if verdict.low > 0 else 'below'} zero"


def _gate(verdict: Judged) -> str:
    return f"{verdict.reason.rstrip('.')}."
