"""Put alerts into words."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from functools import cache

from src.config.settings import PROJECT_ROOT, Settings
from src.core.calendars.calendar import Calendar
from src.dashboard import wording
from src.dashboard.parts.monitoring.alerts.alert_board import Card, State
from src.dashboard.parts.monitoring.quality.refusals import in_plain_words
from src.monitoring.rules import RULES

RUNBOOK = PROJECT_ROOT / "docs" / "runbook.md"
# Label, icon and colour of each state.
BADGES: Mapping[State, tuple[str, str, str]] = {
    "firing": ("Firing", "notifications", "orange"),
    "unknown": ("No longer measured", "help", "gray"),
    "acknowledged": ("Acknowledged", "visibility", "blue"),
    "silenced": ("Silenced", "notifications_off", "gray"),
    "informing": ("For information", "info", "gray"),
    "resolved": ("Resolved", "check", "green"),
}
_SETTING = re.compile(r"\b(?:monitoring|data)\.[a-z_]+\b")
_RELATIVE_LINK = re.compile(r"\[([^\]]*)\]\((?!https?:)[^)]*\)")


def title_of(card: Card) -> str:
    """Such as ``Bars refused: yahoo “missing prices” (19 subjects)``."""
    many = f" ({len(card.subjects)} subjects)" if len(card.subjects) > 1 else ""
    name = f": {in_plain_words(card.name)}" if card.name else ""
    return f"{card.rule.replace('_', ' ').capitalize()}{name}{many}"


def lines_of(card: Card, calendar: Calendar, now: dt.datetime, settings: Settings) -> list[str]:
    """What a card says, as Markdown: measured, limit, meaning, what to do, since when."""
    rule = RULES.get(card.rule)
    lines = [wording.plain(in_plain_words(card.alerts[0].sentence))]
    if card.state == "resolved":
        return [*lines, f":gray[{_lasted(card)}]"]
    if rule is not None:
        lines.append(f"**Alert line:** {_with_numbers(rule.limit, settings)}.")
        lines.append(f"**What it means:** {wording.plain(rule.meaning)}")
        lines.append(f"**What to do:** {wording.plain(rule.action)}")
    if card.taken is not None:
        note = f": {wording.plain(card.taken.note)}" if card.taken.note else "."
        person, at = wording.plain(card.taken.person), wording.moment(card.taken.at)
        lines.append(f"**Acknowledged** by {person}, {at}{note}")
    if card.joined:
        lines.append(f"**Joined since:** {', '.join(map(wording.plain, card.joined[:5]))}.")
    if card.until is not None:
        lines.append(f"**Silenced** until {wording.moment(card.until)}.")
    sessions = wording.count(calendar.count(_day(card.since), _day(now)), "session")
    return [*lines, f":gray[Since {wording.moment(card.since)} · {sessions}]"]


@cache
def runbook_entry(rule: str) -> str:
    """The entry of a rule in the runbook, as Markdown; empty where there is none here."""
    try:
        text = RUNBOOK.read_text(encoding="utf-8")
    except OSError:
        return ""
    found = re.search(rf"^## {re.escape(rule)}\n(.*?)(?=^#|\Z)", text, re.DOTALL | re.MULTILINE)
    # Other documents are beside it, not on this page.
    return _RELATIVE_LINK.sub(r"\1", found[1]).strip() if found else ""


def _with_numbers(limit: str, settings: Settings) -> str:
    """A limit with the values of the settings that it names, and then their names."""
    names = _SETTING.findall(limit)
    text = _SETTING.sub(lambda found: _value(found[0], settings), limit)
    return wording.plain(text + "".join(f" (`{name}`)" for name in names))


def _value(name: str, settings: Settings) -> str:
    section, _, field = name.partition(".")
    value = getattr(getattr(settings, section), field)
    if field.endswith("_share"):
        return f"{100 * value:g} %"
    return f"{value:g}{' minutes' if field.endswith('_minutes') else ''}"


def _lasted(card: Card) -> str:
    over = max(alert.resolved_at for alert in card.alerts if alert.resolved_at is not None)
    return f"Lasted from {wording.moment(card.since)} to {wording.moment(over)}"


def _day(at: dt.datetime) -> dt.date:
    return at.astimezone(wording.IST).date()
