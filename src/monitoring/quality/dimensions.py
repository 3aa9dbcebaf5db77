"""Judge each dimension of a ticker's data quality, from 0 to 100, and say what would raise it.

In each the newest session weighs three tenths and every earlier one seven tenths of the one after
it, so that one bad newest bar costs 30 points, however many good ones lie before it; what is wrong
in the whole history counts by its share beside that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from src.monitoring.quality.facts import RECENT, Defect, TickerFacts

DECAY = 0.7
# Sessions that a hole is looked for, and in which what it costs fades away.
YEAR = 252
# Of what is left for every further session of a hole: a week costs a third, a month nearly all.
PER_SESSION = 0.9
# Of a bar that was filled from another place.
REPAIRED = 0.5


@dataclass(frozen=True)
class Dimension:
    """One dimension of quality.

    Attributes:
        name: Such as ``completeness``.
        score: 0 to 100; None where there is nothing to judge it by.
        found: What was found, in a sentence.
        remedy: What would raise the score; empty where it is whole.
    """

    name: str
    score: float | None
    found: str
    remedy: str


def judge(facts: TickerFacts, stale_after: int) -> tuple[Dimension, ...]:
    """All dimensions of a ticker.

    Args:
        facts: Of the ticker.
        stale_after: So many sessions behind are too many (``data.stale_after_sessions``).
    """
    return (
        _completeness(facts),
        _validity(facts),
        _consistency(facts),
        _timeliness(facts, stale_after),
        _continuity(facts),
        _agreement(facts),
    )


def _completeness(facts: TickerFacts) -> Dimension:
    absent = max(facts.sessions - facts.bars, 0)
    recent = (*facts.missing, *facts.incomplete)
    score = _score(recent, absent / facts.sessions)
    if not absent and not recent:
        found = f"All {facts.sessions:,} sessions have a bar and features."
        return Dimension("completeness", score, found, "")
    found = f"Of {facts.sessions:,} sessions {absent:,} have no bar"
    if facts.incomplete:
        found += f"; of the last {RECENT}, {len(facts.incomplete)} lack features or model inputs"
    remedy = f"Bring in the missing sessions: {_report(facts)} lists them."
    if facts.incomplete and not facts.missing:
        remedy = f"Run `python -m mlops.pipeline --ticker {facts.ticker}` to compute its features."
    return Dimension("completeness", score, f"{found}{_newest(recent)}.", remedy)


def _validity(facts: TickerFacts) -> Dimension:
    score = _score(facts.refusals, facts.refused / (facts.bars + facts.refused))
    if not facts.refused:
        return Dimension("validity", score, "No bar was refused.", "")
    found = f"Refused rows: {facts.refused:,}{_newest(facts.refusals)}."
    remedy = f"Bring in corrected bars: {_report(facts)} has each refused row with its reason."
    return Dimension("validity", score, found, remedy)


def _consistency(facts: TickerFacts) -> Dimension:
    doubtful = facts.pending + REPAIRED * facts.repaired
    score = _score(facts.contradictions, min(doubtful / facts.bars, 1.0))
    if not doubtful and not facts.contradictions:
        return Dimension("consistency", score, "No stored values contradict each other.", "")
    found = (
        f"Jumps that wait for a decision: {facts.pending}, "
        f"bars filled from another place: {facts.repaired}"
        f"{_newest(facts.contradictions)}."
    )
    remedy = f"Bring in the source's own bars of the sessions that {_report(facts)} names."
    repeated = [defect.day for defect in facts.contradictions if "same bar" in defect.what]
    if repeated:
        what = f"python -m src.data.report --ticker {facts.ticker} --date {max(repeated)}"
        remedy = f"Bring in the session's own bar, if the source repeated one: `{what}` shows it."
    if facts.pending:
        what = f"python -m src.data.corporate_actions list --ticker {facts.ticker}"
        remedy = f"Decide on the jumps: `{what}` names them."
    if any("features" in defect.what for defect in facts.contradictions):
        remedy = f"Run `python -m mlops.pipeline --ticker {facts.ticker}` to compute its features."
    return Dimension("consistency", score, found, remedy)


def _timeliness(facts: TickerFacts, stale_after: int) -> Dimension:
    score = 100 * DECAY ** max(0, facts.behind - stale_after + 1)
    if not facts.behind:
        return Dimension("timeliness", score, "The newest session is there.", "")
    plural = "" if facts.behind == 1 else "s"
    found = f"The newest features are of {facts.newest}, {facts.behind} session{plural} behind."
    remedy = f"Bring in newer prices: `python -m mlops.pipeline --ticker {facts.ticker}`."
    return Dimension("timeliness", score, found, remedy)


def _continuity(facts: TickerFacts) -> Dimension:
    costs = {
        hole: (1 - PER_SESSION ** (hole.length - 1)) * max(0.0, 1 - hole.age / YEAR)
        for hole in facts.holes
    }
    if not costs:
        found = f"No two sessions in a row are missing in the last {YEAR}."
        return Dimension("continuity", 100.0, found, "")
    worst = max(costs, key=costs.__getitem__)
    found = f"{worst.length} sessions in a row are missing before {worst.after}."
    remedy = f"Bring in those sessions; where nothing traded, the score rises over {YEAR} sessions."
    return Dimension("continuity", 100 * (1 - costs[worst]), found, remedy)


def _agreement(facts: TickerFacts) -> Dimension:
    if not facts.compared:
        found = f"No other source has returns of the last {RECENT} sessions."
        return Dimension("agreement", None, found, "Bring in a second source to compare with.")
    score = _score(facts.apart, 0.0)
    if not facts.apart:
        found = f"Another source agrees on all of {facts.compared} recent returns."
        return Dimension("agreement", score, found, "")
    found = f"Of {facts.compared} recent returns {len(facts.apart)} differ{_newest(facts.apart)}."
    remedy = f"Find out which source is wrong: {_report(facts)} sets them side by side."
    return Dimension("agreement", score, found, remedy)


def _score(recent: Iterable[Defect], share: float) -> float:
    """What is left of 100 after recent defects, by their ages, and a share of the history."""
    worst: dict[int, float] = {}
    for defect in recent:
        worst[defect.age] = max(defect.amount, worst.get(defect.age, 0.0))
    bad = sum(amount * (1 - DECAY) * DECAY**age for age, amount in worst.items())
    return 100 * (1 - bad) * (1 - share)


def _newest(recent: Sequence[Defect]) -> str:
    if not recent:
        return ""
    newest = min(recent, key=lambda defect: (defect.age, -defect.amount))
    return f"; the newest: {newest.day}, {newest.what}"


def _report(facts: TickerFacts) -> str:
    return f"`python -m src.data.report --ticker {facts.ticker}`"
