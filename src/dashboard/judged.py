"""How the model of a pool was judged by its newest training, and the sentence about it."""

from __future__ import annotations

from dataclasses import dataclass

from src.dashboard import readers, wording
from src.db.pages import analytics
from src.modeling.evaluation.leaderboard import skill_range

# One-sided, so that what is shown are ranges of 95 %.
LEVEL = 0.025
ZERO = "zero"


@dataclass(frozen=True)
class Judged:
    """The verdict on the candidate of a pool and horizon, over its whole walk-forward record.

    Attributes:
        sessions: Ahead.
        verdict: The gate's: ``better``, ``worse``, ``undecided`` or ``none``; why is in ``reason``.
        skill: By how much its mean absolute error was smaller than that of no change, as a share;
            None without a candidate. It is the ``candidate.pool.mae_vs_zero`` of answers.
        low: Lower end of the 95 % range of the skill; None where it is not known.
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
    rows = event.evidence.get("metrics", ())
    row = next((row for row in rows if row["name"] == candidate), None)
    sessions = readers.horizons()[horizon]
    low, high = (row and skill_range(row, sessions, LEVEL)) or (None, None)
    return Judged(
        pool=pool,
        horizon=horizon,
        sessions=sessions,
        tickers=event.evidence.get("tickers", 0),
        candidate=candidate,
        verdict=event.verdict,
        reason=event.reason,
        skill=row["skill_vs_zero"] if row and candidate != ZERO else None,
        low=low,
        high=high,
        n=row["n"] if row else 0,
        n_eff=row["n_eff"] if row else 0.0,
        digest=event.digest,
    )


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
    return f"{start}: {skill}, 95{wording.NO_BREAK}% range {range_of(verdict)}"


def sentence(verdict: Judged) -> str:
    """What the verdict means and what it rests on, in the words that every page uses."""
    at = wording.ahead(verdict.sessions)
    if verdict.skill is None or verdict.verdict == "none":
        return (
            f"– **Too early to say** at {at}. {wording.number(verdict.n_eff, 1)} independent "
            f"outcomes so far. {_gate(verdict)}"
        )
    size = wording.percent(abs(verdict.skill), digits(verdict))
    way = "lower" if verdict.skill >= 0 else "higher"
    over = (
        f"Over {verdict.n:,} scored forecasts (worth {_periods(verdict.n_eff)} independent ones), "
        f"the model's error was {size} {way} than “no change”"
    )
    known = verdict.low is not None
    span = f"the 95{wording.NO_BREAK}% range ({range_of(verdict)})" if known else ""
    if verdict.verdict == "better":
        return f"▲ **Better than the baseline** at {at}. {over}{_side(verdict, span)}."
    if verdict.verdict == "worse":
        return (
            f"▼ **Worse than the baseline** at {at}. {over}{_side(verdict, span)}. "
            "Prefer the baseline."
        )
    if known and not verdict.is_decided:
        span = f", but {span} includes zero"
    else:
        span = f". The gate asks for more than {span or 'that'}: {_gate(verdict)}".rstrip(".")
    return f"○ **No demonstrated edge** at {at}. {over}{span}. Use the interval, not the point."


def range_of(verdict: Judged) -> str:
    """The 95 % range of the skill, such as ``−7.8 to +8.5 %``; ``–`` where it is not known."""
    if verdict.low is None or verdict.high is None:
        return "–"
    low, high = (
        wording.percent(end, digits(verdict), signed=True) for end in (verdict.low, verdict.high)
    )
    return f"{low.removesuffix(f'{wording.NO_BREAK}%')} to {high}"


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


def _periods(n_eff: float) -> str:
    return wording.number(n_eff, 0 if n_eff >= 100 else 1)
