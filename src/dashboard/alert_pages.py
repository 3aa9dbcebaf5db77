"""Which page shows the cause of an alert."""

from __future__ import annotations

# By the beginning of the rule's name; of all others, Monitoring shows it.
_CAUSES = (
    (("run_", "ticker_failed", "source_not_advancing", "features_stale"), "pipeline_control"),
    (("skill_", "coverage_", "early_coverage_", "feature_shift", "model_"), "analytics"),
    (("ticker_stale", "ticker_dormant", "action_pending"), "predictions"),
)


def page_of(rule: str) -> str:
    """The file of the page, such as ``analytics``."""
    return next((page for names, page in _CAUSES if rule.startswith(names)), "monitoring")
