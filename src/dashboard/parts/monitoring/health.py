"""How the installation does at this moment: its database, its models, its evaluation."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from src.dashboard import readers, wording
from src.dashboard.parts.monitoring.quality.refusals import in_plain_words
from src.monitoring.checks.machine import SILENT, last_watch
from src.monitoring.checks.run import measure
from src.monitoring.health.build import build_health
from src.monitoring.health.report import HealthCheck, ModelStatus

# Seconds for which a measurement is kept: it looks at every model's files.
KEPT = 60
GOOD, BAD, UNKNOWN = "✓", "✕", "–"


@dataclass(frozen=True)
class Health:
    """A report, and the number of rules whose condition does not hold."""

    report: HealthCheck
    passed: int


@st.cache_data(ttl=KEPT, max_entries=1, show_spinner="Checking everything …")
def measured() -> Health:
    """The health of everything, measured at most a minute ago."""
    settings, now = readers.settings(), readers.now()
    found = measure(settings, now)
    rules = {row.rule for row in found.observations if row.bad is False}
    wrong = {row.rule for row in found.observations if row.bad is not False}
    return Health(build_health(found, now), len(rules - wrong))


def is_watched() -> bool:
    """Whether alerts are kept up to date."""
    at = last_watch(readers.settings().home)
    return at is not None and readers.now() - at <= SILENT


def watch_sentence() -> str:
    """When the rules were last evaluated for alerts, and what to do if nobody does."""
    at = last_watch(readers.settings().home)
    start = "Start `python -m mlops.monitoring watch`."
    if at is None:
        return f"The watch has never run here, so that no alert can come. {start}"
    if not is_watched():
        return f"Alerts are those of {wording.moment(at)}: the watch is not at work. {start}"
    return f"Last check {wording.moment(at)}."


def draw() -> None:
    """Draw the status of the database, models and evaluation, as measured now."""
    st.subheader("Status", anchor=False)
    health = measured()
    report = health.report
    database, models, evaluation = st.columns(3)
    with database.container(border=True, height="stretch"):
        st.markdown(f"**Database**  \n{_mark(report.database.ok)} {_text(report.database.message)}")
    with models.container(border=True, height="stretch"):
        lines = [_model(model) for model in report.model_status]
        none = f"{UNKNOWN} No model has been trained yet."
        st.markdown("  \n".join(["**Models**", *(lines or [none])]))
    with evaluation.container(border=True, height="stretch"):
        st.markdown("  \n".join(["**Evaluation**", _forecasts(report), _data(report)]))
    if not is_watched():
        _bad_now(report)
    st.markdown(
        f":small[:gray[{health.passed} rules passed, measured {wording.moment(report.timestamp)}.]]"
    )
    if report.not_measured:
        many = wording.count(len(report.not_measured), "rule")
        with st.expander(f"{many} could not be measured", icon=":material/help:"):
            for row in report.not_measured:
                st.markdown(f"**{_text(row.rule)}:** {_text(row.message)}")


def _bad_now(report: HealthCheck) -> None:
    """What would be alerts if anybody watched."""
    for alert in report.alerts:
        st.markdown(
            f"{BAD} **{_text(alert.rule.replace('_', ' ').capitalize())}:** "
            f"{_text(in_plain_words(alert.message))}  \n**What to do:** {_text(alert.action)}"
        )


def _mark(ok: bool) -> str:
    return GOOD if ok else BAD


def _text(text: str) -> str:
    return wording.plain(text)


def _model(model: ModelStatus) -> str:
    name = f"{_text(model.pool)} {model.horizon}"
    if model.served is None:
        return f"{BAD} {name}: none. {_text(model.message)}"
    verdict = wording.VERDICTS.get(model.verdict or "", model.verdict or "")
    judged = f", judged {wording.day(model.judged_at)}" if model.judged_at else ""
    problem = "" if model.ok else f" {_text(model.message)}"
    served = _text(wording.model(model.served))
    return f"{_mark(model.ok)} {name}: {served} ({verdict}){judged}.{problem}"


def _forecasts(report: HealthCheck) -> str:
    score = report.performance_score
    if score is None:
        return f"{UNKNOWN} Forecasts: not measured yet, too few outcomes."
    words = "as promised" if score >= 100 else "a warning begins at 50"
    return f"{_mark(score > 50)} Forecasts: {score:.0f} of 100 ({words})."


def _data(report: HealthCheck) -> str:
    quality = report.data_quality
    if quality.score is None or quality.session is None:
        return f"{UNKNOWN} Data: not scored yet, a run scores them."
    limit = readers.settings().monitoring.quality_alert_below
    return (
        f"{_mark(quality.score >= limit)} Data: {quality.score:.0f} of 100 at "
        f"{wording.day(quality.session)} (alert below {limit:g})."
    )
