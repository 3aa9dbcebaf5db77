"""A verdict and its evidence in; one sentence that says why out."""

from __future__ import annotations

from collections.abc import Sequence

from src.modeling.gate.criteria import Evidence, Rules

THEIRS = {"zero": "forecasting zero", "champion": "the champion"}


def reason(
    verdict: str, evidence: Sequence[Evidence], dates: int, rules: Rules, than: str | None
) -> str:
    """Why, for a person; ``than`` is the reference that a ``worse`` is worse than."""
    over = f"over {dates} dates ({dates / rules.horizon:.1f} independent periods)"
    if dates < rules.dates_needed:
        return (
            f"Undecided: outcomes {over} are too few; a verdict needs {rules.dates_needed} dates."
        )
    if verdict == "worse":
        return f"Worse: it has erred significantly more than {THEIRS[than or 'zero']} {over}."
    failed = [one for one in evidence if not one.passed]
    if failed:
        return f"Undecided {over}: {words(failed[0])}."
    gains = [one for one in evidence if one.name.startswith("mae_improvement_vs_")]
    said = " and ".join(f"{_percent(one.value)} less than {_reference(one)}" for one in gains)
    return f"Better: it has erred {said} {over}, more than chance explains."


def words(failed: Evidence) -> str:
    """What a piece of evidence that did not pass says against the challenger."""
    value, limit = failed.value, failed.limit
    if value is None:
        return _UNKNOWN.get(_kind(failed), "{name} could not be measured").format(
            name=failed.name, reference=_reference(failed)
        )
    kind = _kind(failed)
    if kind.startswith("t_") and value <= 0:
        kind = "behind"
    phrase = _PHRASES.get(kind, "{name} is {value:.4g} against a limit of {limit:.4g}")
    return phrase.format(
        name=failed.name,
        reference=_reference(failed),
        value=value,
        limit=limit,
        percent=_percent(value),
        at_most=_percent(limit),
    )


_PHRASES = {
    "behind": "its errors are no smaller than with {reference} (t {value:.2f}, more than "
    "{limit:.2f} is needed)",
    "t_absolute": "its smaller absolute errors than with {reference} could be chance "
    "(t {value:.2f}, more than {limit:.2f} is needed)",
    "t_squared": "its smaller squared errors than with {reference} could be chance "
    "(t {value:.2f}, more than {limit:.2f} is needed)",
    "mae_improvement": "its gain on {reference} is {percent}, less than the {at_most} asked for",
    "share_of_tickers_worse": "{percent} of the tickers are significantly worse off than with "
    "{reference}, more than {at_most}",
    "worst_ticker": "its worst ticker, with room for chance, has a skill of {percent} at best "
    "against {reference}, below {at_most}",
    "recent_skill": "its skill over the latest dates is {percent}, not above zero",
    "variance_ratio": "its forecasts vary, with room for chance, at least {percent} as much as the "
    "outcomes, more than {at_most}",
}
_UNKNOWN = {
    "t_absolute": "its forecasts do not differ enough from {reference} to be compared",
    "t_squared": "its forecasts do not differ enough from {reference} to be compared",
    "share_of_tickers_worse": "no ticker has outcomes enough to be judged alone",
    "worst_ticker": "no ticker has outcomes enough to be judged alone",
}


def _kind(one: Evidence) -> str:
    return one.name.partition("_vs_")[0]


def _reference(one: Evidence) -> str:
    return THEIRS.get(one.name.partition("_vs_")[2], "")


def _percent(share: float | None) -> str:
    return "an unknown part" if share is None else f"{100 * share:.2f} %"
