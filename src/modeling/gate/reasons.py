"""Explain what the gate asks, and its verdict in one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from src.modeling.gate.criteria import Criterion
from src.modeling.gate.rules import GateRules

REFERENCES = {"zero": "forecasting zero", "champion": "the champion"}
# The question behind each piece of evidence, and how its value must compare with the limit.
QUESTIONS = {
    "t_absolute": ("Are its errors smaller than with {reference}, beyond chance?", ">"),
    "t_squared": ("The same for squared errors, where large misses weigh more", ">"),
    "t_encompassing_absolute": (
        "Does it know more than {reference}? Does a small step towards it lower the errors, each "
        "ticker's in units of its volatility?",
        ">",
    ),
    "t_encompassing_squared": ("The same for squared errors in units of volatility", ">"),
    "mae_improvement": ("By how much are its errors smaller than with {reference}?", "≥"),
    "share_of_tickers_worse": ("What share of tickers does it make significantly worse?", "≤"),
    "worst_ticker": ("How does it do on its worst ticker?", "≥"),
    "recent_skill": ("Does it still do better over the latest {recent} dates?", ">"),
    "variance_ratio": ("How far do its forecasts swing, relative to the outcomes?", "≤"),
}


def reason(
    verdict: str,
    evidence: Sequence[Criterion],
    dates: int,
    rules: GateRules,
    worse_than: str | None,
) -> str:
    """The reason in one sentence; ``worse_than`` is the reference of a verdict ``worse``."""
    over = f"over {dates} dates ({dates / rules.horizon:.1f} independent periods)"
    if dates < rules.dates_needed:
        return (
            f"Undecided: outcomes {over} are too few; a verdict needs {rules.dates_needed} dates."
        )
    if verdict == "worse":
        reference = REFERENCES[worse_than or "zero"]
        return f"Worse: it has erred significantly more than {reference} {over}."
    failed = [criterion for criterion in evidence if not criterion.passed]
    if failed:
        return f"Undecided {over}: {objection(failed[0])}."
    gains = " and ".join(
        f"{_percent(criterion.value)} less than {_reference(criterion)}"
        for criterion in evidence
        if criterion.name.startswith("mae_improvement_vs_")
    )
    return f"Better: it has erred {gains} {over}, more than chance explains."


def objection(failed: Criterion, references: Mapping[str, str] = REFERENCES) -> str:
    """What a criterion that was not passed says against the challenger.

    ``references`` are what the references are called.
    """
    reference = references.get(failed.name.partition("_vs_")[2], "")
    value, limit = failed.value, failed.limit
    if value is None:
        return _UNKNOWN.get(_kind(failed), "{name} could not be measured").format(
            name=failed.name, reference=reference
        )
    kind = _kind(failed)
    if kind.startswith("t_") and value <= 0:
        kind = "knows_nothing" if kind.startswith("t_encompassing") else "behind"
    phrase = _PHRASES.get(kind, "{name} is {value:.4g} against a limit of {limit:.4g}")
    return phrase.format(
        name=failed.name,
        reference=reference,
        value=value,
        limit=limit,
        percent=_percent(value),
        at_most=_percent(limit),
    )


_PHRASES = {
    "behind": "its errors are no smaller than with {reference} (t {value:.2f}, more than "
    "{limit:.2f} is needed)",
    "knows_nothing": "a step from {reference} towards it lowers no errors in units of volatility "
    "(t {value:.2f}, more than {limit:.2f} is needed)",
    "t_absolute": "its smaller absolute errors than with {reference} could be chance "
    "(t {value:.2f}, more than {limit:.2f} is needed)",
    "t_squared": "its smaller squared errors than with {reference} could be chance "
    "(t {value:.2f}, more than {limit:.2f} is needed)",
    "t_encompassing_absolute": "that a step from {reference} towards it lowers absolute errors in "
    "units of volatility could be chance (t {value:.2f}, more than {limit:.2f} is needed)",
    "t_encompassing_squared": "that a step from {reference} towards it lowers squared errors in "
    "units of volatility could be chance (t {value:.2f}, more than {limit:.2f} is needed)",
    "mae_improvement": "its gain on {reference} is {percent}, less than the required {at_most}",
    "share_of_tickers_worse": "{percent} of the tickers are significantly worse off than with "
    "{reference}, more than {at_most}",
    "worst_ticker": "its worst ticker, with room for chance, has a skill of {percent} at best "
    "against {reference}, below {at_most}",
    "recent_skill": "its skill over the latest dates is {percent}, not above zero",
    "variance_ratio": "its forecasts vary, with room for chance, at least {percent} as much as the "
    "outcomes, more than {at_most}",
}
_UNKNOWN = {
    **dict.fromkeys(
        ("t_absolute", "t_squared", "t_encompassing_absolute", "t_encompassing_squared"),
        "its forecasts do not differ enough from {reference} to be compared",
    ),
    "share_of_tickers_worse": "no ticker has outcomes enough to be judged alone",
    "worst_ticker": "no ticker has outcomes enough to be judged alone",
}


def _kind(criterion: Criterion) -> str:
    return criterion.name.partition("_vs_")[0]


def _reference(criterion: Criterion) -> str:
    return REFERENCES.get(criterion.name.partition("_vs_")[2], "")


def _percent(share: float | None) -> str:
    return "an unknown part" if share is None else f"{100 * share:.2f} %"
