"""Show whether models, database and evaluation work, how the last run went, and links."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

import streamlit as st

from src.dashboard import frame, readers, wording
from src.dashboard.parts.monitoring.alerts import alert_board
from src.dashboard.parts.monitoring.alerts.alert_board import Card
from src.dashboard.parts.pipeline import words
from src.db.pages import attention, home
from src.db.pages.attention import LastRun
from src.db.pages.home import Scored
from src.monitoring.checks.machine import last_watch, watch_age

# Rules by the part that they are of.
PARTS = {
    "Models": ("model_",),
    "Database": ("database_", "transaction_"),
    "Evaluation": ("skill_", "coverage_", "early_coverage_", "feature_shift", "outcomes_"),
}
WORST = {"CRITICAL": "✕ critical", "WARNING": "▲ warning"}
RUNS = {
    "success": ":material/check: succeeded",
    "partial": ":material/warning: succeeded in part",
    "failed": ":material/close: failed",
    "interrupted": ":material/close: was interrupted",
}
REPORTS = "mlops/runs"


def system_status() -> None:
    """Draw models, database and evaluation side by side."""
    cards = alert_board.open_cards()
    watched = last_watch(readers.settings().home)
    looked = watch_age(watched, readers.now()).bad is False
    outcomes = readers.read(home.scored)
    details = {
        "Models": (list(_models()), looked),
        "Database": ([_database()], True),
        "Evaluation": ([_evaluation(outcomes), _watch(watched)], looked and outcomes.scored > 0),
    }
    st.subheader("System status", anchor=False)
    with st.grid(3, min_column_width=220, border=True, key="status"):
        for part, (lines, checked) in details.items():
            state = state_of(cards, PARTS[part], checked=checked)
            with st.container(key=f"status_{part.lower()}", gap="small"):
                st.markdown(f"**{part}** · {state}")
                st.markdown(
                    "  \n".join(f":small[{line}]" for line in lines or ["There is none yet."])
                )


def state_of(cards: Sequence[Card], rules: tuple[str, ...], *, checked: bool) -> str:
    """The worst alert about a part, as a symbol and a word; without one, whether it was checked."""
    of_part = [card for card in cards if card.rule.startswith(rules) and card.state != "silenced"]
    severities = {card.severity for card in of_part}
    for severity, text in WORST.items():
        if severity in severities:
            return text
    return "✓ working" if checked else "– not checked"


def last_run() -> None:
    """Draw how the newest run ended."""
    st.subheader("Last run", anchor=False)
    run = readers.read_recent(attention.last_run)
    if run is None:
        st.markdown("Nothing has run yet. Start a run in Pipeline Control.")
    else:
        st.markdown(run_text(run))
        if run.status == "success":
            st.markdown(failure_text(readers.read_recent(attention.last_run, badly=True)))
    st.page_link(
        f"{frame.PAGES}/pipeline_control.py",
        label="Runs and their results",
        icon=":material/arrow_forward:",
    )


def failure_text(run: LastRun | None) -> str:
    """What failed last, where the newest run did not."""
    if run is None:
        return "No run has failed so far."
    return f"The last run that did not succeed:  \n{run_text(run)}"


def run_text(run: LastRun) -> str:
    """When it began, how it ended, and of what."""
    about = run.ticker or wording.count(run.tickers, "stock")
    failed = f", {run.failed:,} of them failed" if run.failed and run.ticker is None else ""
    lines = [
        f"{RUNS[run.status]} · **{wording.moment(run.started_at)}**",
        f":gray[{about}{failed} · {wording.count(run.stages, 'stage')} done in "
        f"{wording.number(run.seconds, 0)} s · run {run.run_id}]",
    ]
    if run.failed_stage:
        lines.append(f"{words.stage_name(run.failed_stage)} failed.")
    if run.sentence:
        lines.append(wording.plain(run.sentence))
    return "  \n".join(lines)


def links(problem: str) -> None:
    """Draw links to the documents of the API and the reports of the last run.

    ``problem`` is why the API cannot be used now; empty where it can or nobody asked it.
    """
    st.subheader("Links", anchor=False)
    settings = readers.settings()
    url = settings.dashboard.api_url or f"http://127.0.0.1:{settings.api.port}"
    st.page_link(f"{url}/docs", label="Documents of the prediction API", icon=":material/api:")
    if problem:
        st.markdown(f":small[:gray[Not there now: {wording.plain(problem)}.]]")
    if run := readers.read_recent(attention.last_run):
        _reports(run.run_id)


def _reports(run_id: str) -> None:
    folder = readers.settings().home / REPORTS / run_id
    for report in sorted(folder.glob("report*.html")):
        name = report.stem.removeprefix("report").strip("_").replace("_", ", ")
        st.download_button(
            f"Report of the last run: {name}".rstrip(": "),
            data=report.read_bytes,
            file_name=f"{run_id}_{report.name}",
            mime="text/html",
            on_click="ignore",
            icon=":material/description:",
            key=f"report_{report.stem}",
        )


def _models() -> Iterator[str]:
    judged = {(row.pool, row.horizon): row for row in readers.read(home.trainings)}
    for model in readers.read(home.live_models):
        name = wording.model(model.served)
        sessions = wording.ahead(readers.horizons()[model.horizon])
        training = judged.get((model.pool, model.horizon))
        trained = f", trained {_day(training.last_at)}" if training else ""
        yield f"{model.pool}, {sessions}: {name} in use since {_day(model.at)}{trained}."


def _database() -> str:
    tickers = frame.stored()
    newest = max((ticker.newest_session for ticker in tickers), default=None)
    prices = f", prices to {wording.day(newest)}" if newest else ""
    return f"Answers; {wording.count(len(tickers), 'stock')} stored{prices}."


def _evaluation(outcomes: Scored) -> str:
    if outcomes.last is None:
        return "No outcome is known yet."
    return f"{outcomes.scored:,} outcomes scored, the last of {wording.day(outcomes.last)}."


def _watch(last: dt.datetime | None) -> str:
    if last is None:
        return "Monitoring has never looked: start `python -m mlops.monitoring watch`."
    return f"Monitoring last looked {wording.moment(last)}."


def _day(at: dt.datetime) -> str:
    return wording.day(at.astimezone(wording.IST).date())
