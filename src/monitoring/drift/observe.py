"""Turn the newest measures of drift into observations and a score."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from src.monitoring.observation import Observation

Row = Mapping[str, Any]

# The rule of each measure.
RULES = {
    "skill": "skill_negative",
    "coverage": "coverage_off",
    "coverage_year": "coverage_off",
    "early_coverage": "early_coverage_off",
    "feature_shift": "feature_shift",
}
CONFIRMED = "feature_shift_confirmed"


def drift_observations(rows: Sequence[Row]) -> list[Observation]:
    """Observations of rows of ``DriftTables.latest``, by pool and horizon.

    Where a rule has several measures, a bad one speaks for it, then one that is known. A shift of
    features is confirmed while another measure of the pool is bad.
    """
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[RULES[row["measure"]], row["pool"], row["horizon"]].append(row)
    observed = [_observation(rule, min(group, key=_order)) for (rule, *_), group in groups.items()]
    for row in rows:
        if row["measure"] == "feature_shift":
            observed.append(_confirmed(row, [r for r in rows if r["pool"] == row["pool"]]))
    return observed


def performance_score(rows: Sequence[Row]) -> tuple[float | None, dict[str, Any]]:
    """How well forecasts keep what they promise, from 0 to 100, and the measures behind it.

    100 is no distance from what is promised, 50 the distance at which there is a warning, 0 twice
    that; the worst measure counts. None while nothing can be measured yet.

    Args:
        rows: Of ``DriftTables.latest``.
    """
    known = [row for row in rows if row["bad"] is not None and row["measure"] != "feature_shift"]
    scores = [_score(row) for row in known]
    details = {
        "/".join(filter(None, (row["pool"], row["horizon"], row["measure"]))): {
            "value": row["value"],
            "expected": row["expected"],
            "bad": row["bad"],
            "session": row["session"].isoformat(),
            "sentence": row["sentence"],
        }
        for row in rows
    }
    return (min(scores) if scores else None), details


def _score(row: Row) -> float:
    """A measure that has not passed its limit is never below 50, one that has is never above."""
    if row["t"] is None or not row["limit_t"]:
        return 0.0 if row["bad"] else 100.0
    ratio = row["t"] / row["limit_t"]
    # Skill is bad on one side only, where its t has the sign of its limit.
    share = max(ratio, 0.0) if row["measure"] == "skill" else abs(ratio)
    share = max(share, 1.0) if row["bad"] else min(share, 1.0)
    return 100.0 * max(0.0, 1 - float(share) / 2)


def _order(row: Row) -> tuple[bool, bool]:
    return (row["bad"] is not True, row["bad"] is None)


def _observation(rule: str, row: Row) -> Observation:
    subject = "/".join(filter(None, (row["pool"], row["horizon"])))
    return Observation(rule, subject, row["bad"], row["sentence"], row["value"])


def _confirmed(shift: Row, of_pool: Sequence[Row]) -> Observation:
    others = [row for row in of_pool if row["bad"] and row["measure"] != "feature_shift"]
    sentence = " ".join([shift["sentence"], *(row["sentence"] for row in others)])
    bad = None if shift["bad"] is None else bool(shift["bad"] and others)
    return Observation(CONFIRMED, shift["pool"], bad, sentence, shift["value"])
