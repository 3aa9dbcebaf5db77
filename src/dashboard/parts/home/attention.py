"""List what waits for a person, worst first, each with the page that shows its cause."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

import streamlit as st

from src.dashboard import frame, readers, wording
from src.dashboard.alert_pages import page_of
from src.dashboard.parts.monitoring.alerts import alert_board, alert_words
from src.dashboard.parts.monitoring.alerts.alert_board import Card
from src.db.pages import attention
from src.monitoring.alerts.wording import subjects_text
from src.monitoring.checks.machine import last_watch
from src.monitoring.quality.facts import HARMLESS
from src.monitoring.rules import RULES

# Alerts that are listed; Monitoring has the others.
LISTED = 5
# By severity: a symbol and a word; what is only for information is said to be so by its state.
SEVERITIES = {"CRITICAL": "✕ critical", "WARNING": "▲ warning", "INFO": ""}
JUMPS, REFUSED = "action_pending", "bars_refused"
NAMES = {title.file: title.name for title in frame.TITLES}


def needs_attention(since: dt.date | None) -> None:
    """Draw what fires, and refused rows from a date on and jumps that no alert tells of yet."""
    st.subheader("Needs attention", anchor=False)
    cards = alert_board.open_cards()
    told = {card.rule for card in cards}
    pending = [] if JUMPS in told else readers.read_recent(attention.pending_jumps)
    refused = refused_rows(since) if since and REFUSED not in told else []
    if cards:
        _alerts(cards)
    if refused:
        _refused(refused)
    if pending:
        _pending(pending)
    if not cards and not pending and not refused:
        _calm()


def counted(cards: Sequence[Card]) -> str:
    """How many alerts there are of each state, as the badge counts those that fire."""
    return f"{alert_board.headline(cards)}. Stocks that need a look are counted apart, above."


def _alerts(cards: Sequence[Card]) -> None:
    st.markdown(f":small[:gray[{counted(cards)}]]")
    stored = {ticker.ticker for ticker in frame.stored()}
    shown = [card for card in cards if card.state != "silenced"]
    for card in shown[:LISTED]:
        _alert(card, stored)
    if len(shown) > LISTED:
        _link("monitoring", wording.count(len(shown) - LISTED, "more alert"))


def _calm() -> None:
    looked = last_watch(readers.settings().home)
    st.markdown(
        f":material/check: Nothing fires. Monitoring last looked {wording.moment(looked)}."
        if looked
        else "Monitoring has never looked: start `python -m mlops.monitoring watch`."
    )


def _pending(rows: Sequence[tuple[str, dt.date, int]]) -> None:
    names = subjects_text([ticker for ticker, _, _ in rows])
    jumps = wording.count(sum(count for _, _, count in rows), "jump")
    st.markdown(
        f"**{jumps} in prices without a known cause: decide whether each is a split or bonus.**"
        f"  \n{names}. Until then no outcome across it is counted."
    )
    _link("predictions", f"First: {rows[0][0]}", stock=rows[0][0])


def refused_rows(since: dt.date) -> list[tuple[str, int, str, str]]:
    """What was held back from a date on and may be lacking, as alerts see it."""
    return readers.read_recent(attention.refused_rows, since, HARMLESS)


def _refused(rows: Sequence[tuple[str, int, str, str]]) -> None:
    total = wording.count(sum(count for _, count, _, _ in rows), "row")
    names = subjects_text([ticker for ticker, _, _, _ in rows])
    _, _, day, reason = max(rows, key=lambda row: row[2])
    st.markdown(
        f"**{total} of prices refused lately.** {names}; the newest is of {day} "
        f"({wording.plain(reason)})."
    )
    _link("monitoring", "Open Monitoring")


def alert_title(card: Card) -> str:
    """What fires: the sentence, and how many more there are of the same cause."""
    sentence, others = card.alerts[0].sentence, len(card.alerts) - 1
    return f"{sentence} And {others} more like it." if others else sentence


def status_line(card: Card) -> str:
    """Its severity, since when, and who takes care of it."""
    label, _, _ = alert_words.BADGES[card.state]
    who = f"{label} by {card.taken.person}" if card.taken else label
    parts = [SEVERITIES[card.severity], who, f"since {wording.moment(card.since)}"]
    return " · ".join(part for part in parts if part)


def _alert(card: Card, stored: Collection[str]) -> None:
    _, icon, _ = alert_words.BADGES[card.state]
    st.markdown(
        f":material/{icon}: **{wording.plain(alert_title(card))}**  \n"
        f":gray[{wording.plain(status_line(card))}]  \n{_todo(card.rule)}"
    )
    stock = next((s for s in card.subjects if s in stored), None)
    page = page_of(card.rule)
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
