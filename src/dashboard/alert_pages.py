"""Which page shows the cause of an alert, and which tab of Monitoring."""

from __future__ import annotations

RUNS, QUALITY, EVALUATION = "Pipeline Runs", "Data Quality", "Evaluation"
# By the beginning of the rule's name: the page, and the tab or none. Of all others Monitoring
# shows the cause beside the alert.
CAUSES = (
    (
        (*("run_", "requests_", "ticker_failed"), "files_refused", "source_", "features_stale"),
        "pipeline_control",
        RUNS,
    ),
    (("skill_", "coverage_", "early_coverage_", "feature_shift"), "analytics", EVALUATION),
    (("model_",), "analytics", None),
    (("ticker_stale", "ticker_dormant", "action_pending"), "predictions", QUALITY),
    (
        (*("features_incomplete", "phantom_bar", "bars_refused"), "sources_apart", "data_quality_"),
        "monitoring",
        QUALITY,
    ),
)


def page_of(rule: str) -> str:
    """The file of the page, such as ``analytics``."""
    return next((page for names, page, _ in CAUSES if rule.startswith(names)), "monitoring")


def tab_of(rule: str) -> str | None:
    """The tab of Monitoring; None where the alert itself says it all."""
    return next((tab for names, _, tab in CAUSES if rule.startswith(names)), None)
