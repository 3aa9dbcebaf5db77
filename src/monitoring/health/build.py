"""Sum up what was observed as one report of health: a status, alerts, data quality and models."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from src.core.alerts import SEVERITIES
from src.monitoring.checks.sessions import named
from src.monitoring.drift.observe import performance_score
from src.monitoring.health.report import (
    DatabaseStatus,
    DataQuality,
    HealthAlert,
    HealthCheck,
    ModelStatus,
    NotMeasured,
    QualityDimension,
    Status,
    TickerQuality,
)
from src.monitoring.rules import RULES

if TYPE_CHECKING:
    from src.monitoring.checks.facts import ModelFacts
    from src.monitoring.checks.run import Measurement
    from src.monitoring.observation import Observation

# Tickers whose quality is listed.
LOWEST = 5


def build_health(
    measurement: Measurement, now: dt.datetime, ticker: str | None = None
) -> HealthCheck:
    """The report of what was measured at ``now``, of everything or of one ticker.

    Of one ticker it holds what is about the ticker, its pool, or the installation as a whole.
    """
    pool = measurement.pools.get(ticker or "")
    found = [row for row in measurement.observations if _concerns(row, ticker, pool)]
    alerts = build_alerts(_unexplained([row for row in found if row.bad]))
    models = [model for model in measurement.models if ticker is None or model.pool == pool]
    return HealthCheck(
        timestamp=now,
        status=status_of(alerts),
        ticker=ticker,
        tickers=len(measurement.pools) if ticker is None else int(pool is not None),
        database=database_status(found),
        data_quality=data_quality(measurement.quality, ticker),
        performance_score=_performance(measurement, ticker),
        model_status=[_model_status(model, found) for model in models],
        alerts=alerts,
        not_measured=_not_measured([row for row in found if row.bad is None]),
    )


def status_of(alerts: Sequence[HealthAlert]) -> Status:
    """The worst severity; INFO needs nobody's attention."""
    severities = {alert.severity for alert in alerts}
    return next((name for name in ("CRITICAL", "WARNING") if name in severities), "OK")


def build_alerts(bad: Sequence[Observation]) -> list[HealthAlert]:
    """One alert for each rule and cause, the most severe first."""
    groups: dict[tuple[str, str], list[Observation]] = {}
    for row in bad:
        groups.setdefault((row.rule, row.group), []).append(row)
    alerts = [_alert(rows) for rows in groups.values()]
    return sorted(alerts, key=lambda a: (-SEVERITIES.index(a.severity), a.rule, a.subjects))


def data_quality(scores: Mapping[str, Mapping[str, Any]], ticker: str | None) -> DataQuality:
    """The newest score of a ticker, or of all together with the lowest of them.

    Args:
        scores: As ``QualityScores.latest`` reads them.
        ticker: None for all together.
    """
    row = scores.get(ticker or "")
    if row is None:
        return DataQuality(score=None, session=None, dimensions=[], lowest=[])
    by_score = sorted((each["score"], name) for name, each in scores.items() if name)
    lowest = [TickerQuality(ticker=name, score=score) for score, name in by_score[:LOWEST]]
    dimensions = [
        QualityDimension(
            name=name,
            score=each["score"],
            found=each.get("found", ""),
            remedy=each.get("remedy", ""),
        )
        for name, each in row["dimensions"].items()
    ]
    return DataQuality(
        score=row["score"],
        session=row["session"],
        dimensions=dimensions,
        lowest=lowest if ticker is None else [],
    )


def database_status(found: Sequence[Observation]) -> DatabaseStatus:
    """Whether the database answers and accepts changes."""
    for row in found:
        if row.rule in ("database_unreachable", "database_read_only") and row.bad:
            return DatabaseStatus(ok=False, message=row.sentence)
    return DatabaseStatus(ok=True, message="The database answers and accepts changes.")


def _performance(measurement: Measurement, ticker: str | None) -> float | None:
    """Of the ticker's pool, or of the worst pool."""
    pool = measurement.pools.get(ticker or "")
    return performance_score(
        [row for row in measurement.drift if ticker is None or row["pool"] == pool]
    )[0]


def _concerns(row: Observation, ticker: str | None, pool: str | None) -> bool:
    if ticker is None or row.subject in ("", ticker):
        return True
    is_of_machine = "." not in row.subject and "/" not in row.subject and row.subject.islower()
    return is_of_machine or (pool is not None and row.subject.split("/")[0] == pool)


def _unexplained(bad: Sequence[Observation]) -> list[Observation]:
    """Without what another one explains, as it would not be told either."""
    subjects: dict[str, set[str]] = {}
    for row in bad:
        subjects.setdefault(row.rule, set()).add(row.subject)
    return [
        row
        for row in bad
        if not any(
            {"", row.subject, row.group} & subjects.get(rule, set())
            for rule in RULES[row.rule].inhibited_by
        )
    ]


def _alert(rows: Sequence[Observation]) -> HealthAlert:
    first, rule = rows[0], RULES[rows[0].rule]
    subjects = [row.subject for row in rows if row.subject]
    message = first.sentence
    if len(rows) > 1:
        message = f"{len(rows)} are concerned ({named(subjects)}), such as: {message}"
    return HealthAlert(
        rule=rule.name,
        severity=rule.severity,
        cause=first.cause,
        subjects=subjects,
        message=message,
        value=first.value,
        limit=rule.limit,
        meaning=rule.meaning,
        action=rule.action,
        runbook=rule.runbook,
    )


def _not_measured(rows: Sequence[Observation]) -> list[NotMeasured]:
    rules: dict[str, list[Observation]] = {}
    for row in rows:
        rules.setdefault(row.rule, []).append(row)
    return [
        NotMeasured(
            rule=rule,
            subjects=[row.subject for row in of_rule if row.subject],
            message=of_rule[0].sentence,
        )
        for rule, of_rule in rules.items()
    ]


def _model_status(model: ModelFacts, found: Sequence[Observation]) -> ModelStatus:
    bad = [row for row in found if row.bad and row.subject == model.subject]
    live, training = model.live, model.training
    return ModelStatus(
        pool=model.pool,
        horizon=model.horizon,
        ok=not bad,
        served=live.served if live else None,
        verdict=live.verdict if live else None,
        live_since=live.at if live else None,
        judged_at=training.session if training else None,
        fitted_on=model.fitted_on,
        digest=live.digest if live else None,
        message=" ".join(row.sentence for row in bad) or "It can be used.",
    )
