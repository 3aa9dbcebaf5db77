"""The cards of alerts, who takes care of each, and what is kept quiet."""

from __future__ import annotations

import datetime as dt
import glob
from collections.abc import Sequence

import streamlit as st

from src.core.alerts import Acknowledgement, Alert, Silence
from src.core.calendars.exchanges import calendar_of, exchange_of
from src.core.errors import ForecastError
from src.dashboard import frame, readers, wording
from src.dashboard.alert_pages import tab_of
from src.dashboard.login import access
from src.dashboard.parts.monitoring.alerts import alert_board, alert_words
from src.dashboard.parts.monitoring.alerts.alert_board import Board, Card
from src.dashboard.parts.monitoring.links import to_tab
from src.dashboard.parts.monitoring.quality.refusals import in_plain_words
from src.db.reconnect import Connection
from src.db.watched.alerts import AlertTables

# Cards and links that are shown before more are asked for.
CARDS, LINKS = 12, 8
HOURS = {"4 hours": 4, "1 day": 24, "1 week": 7 * 24}
# Of the session: who pressed a button last.
_PERSON = "alerts_person"


def draw(cards: Sequence[Card], shown: Board) -> None:
    """Draw the cards, what may become an alert, and the silences."""
    every = len(cards) <= CARDS or st.toggle(f"Show all {len(cards)} alerts", key="all_alerts")
    for card in cards if every else cards[:CARDS]:
        with st.container(border=True, key=f"alert_{card.rule}_{card.name}_{card.state}"):
            _card(card)
    _pending(alert_board.pending(shown))
    for silence in shown.silences:
        _silence_line(silence)
    _look_again(shown)


@st.fragment(run_every=5)
def _look_again(drawn: Board) -> None:
    """Draw the page again once alerts have changed, or cannot be read any more."""
    try:
        has_changed = alert_board.current().said() != drawn.said()
    except ForecastError:
        has_changed = True  # the frame says so
    if has_changed:
        st.rerun()


def _card(card: Card) -> None:
    label, icon, color = alert_words.BADGES[card.state]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(label, icon=f":material/{icon}:", color=color)  # type: ignore[arg-type]
        if card.severity == "CRITICAL":
            st.badge("Critical", icon=":material/error:", color="red")
        st.markdown(f"**{wording.plain(alert_words.title_of(card))}**", width="stretch")
        if card.fingerprint and card.state in {"firing", "unknown", "informing", "silenced"}:
            _ask_to_acknowledge(card)
        if card.fingerprint and card.state != "silenced":
            _ask_to_silence(card)
    settings = readers.settings()
    calendar = calendar_of(exchange_of(settings.data.ticker))
    st.markdown("  \n".join(alert_words.lines_of(card, calendar, readers.now(), settings)))
    _links(card)
    entry = alert_words.runbook_entry(card.rule)
    if entry and card.state != "resolved":
        with st.expander(f"Runbook: {card.rule}", icon=":material/menu_book:"):
            st.markdown(entry)


def _links(card: Card) -> None:
    """To what shows the cause: of each stock, or of all."""
    tab = tab_of(card.rule)
    if tab is None or card.state == "resolved":
        return
    stored = {ticker.ticker for ticker in frame.stored()}
    stocks = [subject for subject in card.subjects if subject in stored]
    key = f"{card.rule}_{card.name}"
    with st.container(horizontal=True, vertical_alignment="center"):
        for stock in stocks[:LINKS]:
            to_tab(stock, tab, f"see_{key}_{stock}", stock=stock)
        if not stocks:
            to_tab(f"See {tab}", tab, f"see_{key}")
        if len(stocks) > LINKS:
            st.markdown(f":gray[and {len(stocks) - LINKS} more]", width="content")


def _ask_to_acknowledge(card: Card) -> None:
    with (
        st.popover("Acknowledge", key=f"ack_{card.fingerprint}", disabled=not access.allowed()),
        st.form(f"ack_form_{card.fingerprint}", border=False),
    ):
        st.markdown("You take care of it: it is quiet until it ends, but for what joins it later.")
        person = _name_field(f"ack_person_{card.fingerprint}")
        note = st.text_input("Note", key=f"ack_note_{card.fingerprint}", max_chars=500)
        if st.form_submit_button("Acknowledge", type="primary") and _may(person):
            at = max(readers.now(), card.since)  # one of before it began would not count
            readers.write(_acknowledge, Acknowledgement(card.fingerprint, person, at, note))
            st.rerun()


def _ask_to_silence(card: Card) -> None:
    with (
        st.popover("Silence", key=f"hush_{card.fingerprint}", disabled=not access.allowed()),
        st.form(f"hush_form_{card.fingerprint}", border=False),
    ):
        st.markdown("Nothing is told of it for a time, whatever becomes of it.")
        hours = st.radio("For", list(HOURS), horizontal=True, key=f"hush_hours_{card.fingerprint}")
        person = _name_field(f"hush_person_{card.fingerprint}")
        reason = st.text_input("Reason", key=f"hush_reason_{card.fingerprint}", max_chars=500)
        if not st.form_submit_button("Silence", type="primary") or not _may(person):
            return
        if not reason.strip():
            st.error("A silence needs a reason, for others.")
            return
        now = readers.now()
        silence = Silence(
            glob.escape(card.rule),
            glob.escape(card.name) or "*",
            reason.strip(),
            person,
            now,
            now + dt.timedelta(hours=HOURS[hours or "4 hours"]),
        )
        readers.write(_silence, silence)
        st.rerun()


def _name_field(key: str) -> str:
    usual = access.person() or st.session_state.get(_PERSON, "")
    return (st.text_input("Your name", usual, key=key, max_chars=80) or "").strip()


def _may(person: str) -> bool:
    """Whether this session may change alerts, and said who it is."""
    if not access.allowed():
        st.error(access.WHY)
        return False
    if not person:
        st.error("Give your name, so that others know whom to ask.")
        return False
    st.session_state[_PERSON] = person
    return True


def _pending(alerts: Sequence[Alert]) -> None:
    if not alerts:
        return
    one = "condition is bad, and has not been for long enough to be an alert"
    many = "conditions are bad, and have not been for long enough to be alerts"
    with st.expander(wording.count(len(alerts), one, many), icon=":material/hourglass_top:"):
        for alert in alerts[:50]:
            sentence = wording.plain(in_plain_words(alert.sentence))
            st.markdown(f"{sentence} Since {wording.moment(alert.since)}.")


def _silence_line(silence: Silence) -> None:
    subject = "everything" if silence.subject == "*" else wording.plain(silence.subject)
    rule = wording.plain(silence.rule.replace("_", " ").capitalize())
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**Silence {silence.silence_id}:** {rule} of {subject} until "
            f"{wording.moment(silence.ends_at)}, by {wording.plain(silence.person)}: "
            f"{wording.plain(silence.reason)}",
            width="stretch",
        )
        pressed = st.button(
            "End it", key=f"end_silence_{silence.silence_id}", disabled=not access.allowed()
        )
    if pressed and access.allowed():
        readers.write(_end_silence, silence.silence_id, readers.now())
        st.rerun()


def _acknowledge(connection: Connection, acknowledgement: Acknowledgement) -> None:
    AlertTables(connection).acknowledge(acknowledgement)


def _silence(connection: Connection, silence: Silence) -> int:
    return AlertTables(connection).silence(silence)


def _end_silence(connection: Connection, silence_id: int, now: dt.datetime) -> bool:
    return AlertTables(connection).end_silence(silence_id, now)
