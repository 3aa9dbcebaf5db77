"""Sum up what was observed as one report of health: a status, alerts, data quality and models."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from src.core.alerts import SEVERITIES, Severity
from src.core.errors import UnwritableFolder
from src.monitoring.rules import RULES

if TYPE_CHECKING:
    from src.monitoring.checks.facts import ModelFacts
    from src.monitoring.checks.run import Measurement
    from src.monitoring.observation import Observation

HEALTH = Path("mlops") / "health"
# Reports that are kept: the newest.
KEPT = 1000
Status = Literal["OK", "WARNING", "CRITICAL"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HealthAlert(_Part):
    """A rule whose condition holds, for all subjects with one cause."""

    rule: str = Field(description="Its name; also the heading of its entry in docs/runbook.md.")
    severity: Severity
    cause: str = Field(description="What its subjects have in common; empty for none.")
    subjects: list[str] = Field(description="Such as TCS.NS or NSE/short; empty for all.")
    message: str
    value: float | None = Field(description="As measured of the first subject.")
    limit: str
    meaning: str
    action: str
    runbook: str


class NotMeasured(_Part):
    """A rule that could not be measured, which is neither good nor bad."""

    rule: str
    subjects: list[str]
    message: str


class DatabaseStatus(_Part):
    """Whether the database can be used."""

    ok: bool
    message: str


class ModelStatus(_Part):
    """The live model of one pool and horizon."""

    pool: str
    horizon: str = Field(description="short or long.")
    ok: bool = Field(description="Whether no rule about models holds for it.")
    served: str | None = Field(description="The model that answers, such as zero.")
    verdict: str | None
    live_since: AwareDatetime | None
    judged_at: dt.date | None = Field(description="The session of the newest training.")
    fitted_on: dt.date | None = Field(description="The last session that its fit saw.")
    digest: str | None
    message: str


class HealthCheck(_Part):
    """How an installation does, or one ticker in it."""

    timestamp: AwareDatetime
    status: Status = Field(description="The worst severity of its alerts; INFO does not count.")
    ticker: str | None = Field(description="Whose health it is; null for everything.")
    tickers: int = Field(description="Tickers with features.")
    database: DatabaseStatus
    model_status: list[ModelStatus]
    alerts: list[HealthAlert] = Field(description="The most severe first.")
    not_measured: list[NotMeasured]


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


def database_status(found: Sequence[Observation]) -> DatabaseStatus:
    """Whether the database answers and accepts changes."""
    for row in found:
        if row.rule in ("database_unreachable", "database_read_only") and row.bad:
            return DatabaseStatus(ok=False, message=row.sentence)
    return DatabaseStatus(ok=True, message="The database answers and accepts changes.")


def save_report(health: HealthCheck, home: Path) -> Path:
    """Write a report below ``home/mlops/health/``, and delete all but the newest reports.

    Raises:
        UnwritableFolder: It cannot be written.
    """
    folder = home / HEALTH
    stamp = f"health_{health.timestamp.astimezone(dt.UTC):%Y%m%d_%H%M%S_%f}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary, path = folder / f".{stamp}.new", folder / f"{stamp}.json"
        temporary.write_text(f"{health.model_dump_json(indent=2)}\n", encoding="utf-8")
        temporary.replace(path)
        for old in sorted(folder.glob("health_*.json"))[:-KEPT]:
            old.unlink(missing_ok=True)
    except OSError as error:
        raise UnwritableFolder(folder, error) from error
    return path


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
    from src.monitoring.checks.sessions import named

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
