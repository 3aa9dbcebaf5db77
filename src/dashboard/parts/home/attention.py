"""List what waits for a person, worst first, each with the page that shows its cause."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

import streamlit as st

from src.dashboard import frame, readers, wording
from src.dashboard.alert_pages import page_of
from src.dashboard.parts.monitoring import alert_board
from src.db.pages import attention
from src.db.pages.attention import OpenAlerts
from src.monitoring.alerts.wording import subjects_text
from src.monitoring.checks.machine import last_watch
from src.monitoring.quality.facts import HARMLESS
from src.monitoring.rules import RULES

# Alerts that are listed; Monitoring has the others.
LISTED = 5
# By severity: a symbol and a word.
SEVERITIES = {"CRITICAL": "✕ critical", "WARNING": "▲ warning", "INFO": "○ for information"}
JUMPS, REFUSED = "action_pending", "bars_refused"
NAMES = {title.file: title.name for title in frame.TITLES}


def needs_attention(since: dt.date | None) -> None:
    """Draw what fires, and refused rows from a date on and jumps that no alert tells of yet."""
    st.subheader("Needs attention", anchor=False)
    alerts = readers.read_recent(attention.open_alerts)
    told = {alert.rule for alert in alerts}
    # The tables say that an alert is silenced only from the next look of the watch on.
    cards = alert_board.arrange(alert_board.current(), readers.now())
    silenced = {(card.rule, card.name) for card in cards if card.state == "silenced"}
    alerts = [alert for alert in alerts if (alert.rule, alert.name) not in silenced]
    pending = [] if JUMPS in told else readers.read_recent(attention.pending_jumps)
    refused = refused_rows(since) if since and REFUSED not in told else []
    stored = {ticker.ticker for ticker in frame.stored()}
    for alert in alerts[:LISTED]:
        _alert(alert, stored)
    if len(alerts) > LISTED:
        _link("monitoring", f"{len(alerts) - LISTED} more alerts")
    if refused:
        _refused(refused)
    if pending:
        names = subjects_text([ticker for ticker, _, _ in pending])
        jumps = wording.count(sum(count for _, _, count in pending), "jump")
        st.markdown(
            f"**{jumps} in prices without a known cause: decide whether each is a split or bonus.**"
            f"  \n{names}. Until then no outcome across it is counted."
        )
        _link("predictions", f"First: {pending[0][0]}", stock=pending[0][0])
    if not alerts and not pending and not refused:
        looked = last_watch(readers.settings().home)
        st.markdown(
            f":material/check: Nothing fires. Monitoring last looked {wording.moment(looked)}."
            if looked
            else "Monitoring has never looked: start `python -m mlops.monitoring watch`."
        )


def refused_rows(since: dt.date) -> list[tuple[str, int, str, str]]:
    """What was held back from a date on and may be lacking, as alerts see it."""
    return readers.read_recent(attention.refused_rows, since, HARMLESS)


def _refused(rows: Sequence[tuple[str, int, str, str]]) -> None:
    total = wording.count(sum(count for _, count, _, _ in rows), "row")
    names = subjects_text([ticker for ticker, _, _, _ in rows])
    _, _, day, reason = max(rows, key=lambda row: row[2])
    st.markdown(
        f"**{total} of prices held back lately.** {names}; the newest is of {day} "
        f"({wording.plain(reason)})."
    )
    _link("monitoring", "Open Monitoring")


def alert_title(alert: OpenAlerts) -> str:
    """What fires: the sentence, and how many more there are of the same cause."""
    others = len(alert.subjects) - 1
    return f"{alert.sentence} And {others} more like it." if others else alert.sentence


def status_line(alert: OpenAlerts) -> str:
    """Its severity, since when, and who takes care of it."""
    since = wording.moment(alert.since)
    who = f"Acknowledged by {alert.person}" if alert.person else "Firing"
    return f"{SEVERITIES[alert.severity]} · {who} · since {since}"


def _alert(alert: OpenAlerts, stored: Collection[str]) -> None:
    icon = "visibility" if alert.person else "notifications"
    st.markdown(
        f":material/{icon}: **{wording.plain(alert_title(alert))}**  \n"
        f":gray[{wording.plain(status_line(alert))}]  \n{_todo(alert.rule)}"
    )
    stock = next((s for s in alert.subjects if s in stored), None)
    page = page_of(alert.rule)
    _link(page, f"Open {NAMES[page]}", **({"stock": stock} if stock else {}))


def _todo(rule: str) -> str:
    return f"What to do: {wording.plain(RULES[rule].action)}" if rule in RULES else ""


def _link(page: str, label: str, **parameters: str) -> None:
    st.page_link(
        f"{frame.PAGES}/{'home' if page == 'home' else page}.py",
        label=label,
        icon=":material/arrow_forward:",
        query_params=parameters or None,
    )
