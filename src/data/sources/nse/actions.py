"""Ask NSE for its corporate actions, a month of all shares at a time."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from src.core.errors import BadInput, SourceNotAsked
from src.data.sources.nse.archive import actions_path
from src.data.sources.nse.downloads import kept_from
from src.data.sources.nse.web import Web

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.core.calendars.calendar import Calendar
    from src.data.sources.nse.downloads import Downloads
    from src.data.sources.pace import Pace

WEBSITE = "https://www.nseindia.com"
# A page whose cookies the website wants to see.
FRONT = "/"
# Actions of so long before the first session are taken, too: they could not be had at their time.
LOOKS_BACK = dt.timedelta(days=30)
# The second one begins with new cookies.
ATTEMPTS = 2
PREFIX = "actions_"
NEEDED = ("symbol", "subject", "exDate")

Record = dict[str, Any]


def website(settings: Settings) -> Web:
    """NSE's website, or the server that stands for it."""
    url = settings.nse_actions_url or settings.nse_url
    return Web(url, WEBSITE, front=FRONT, is_paced=False)


def actions_had_at(settings: Settings) -> dt.datetime | None:
    """When NSE's corporate actions were had last; None where they never were."""
    return kept_from(website(settings), settings).newest(PREFIX)


class Actions:
    """NSE's corporate actions. For one thread."""

    def __init__(self, downloads: Downloads, calendar: Calendar, now: dt.datetime) -> None:
        self._downloads, self._calendar, self._now = downloads, calendar, now
        self._months: dict[dt.date, dict[str, list[Record]] | None] = {}
        self._lacking: list[str] = []

    def of(
        self, symbols: Sequence[str], first: dt.date, last: dt.date, pace: Pace | None
    ) -> list[Record]:
        """The rows of symbols as NSE writes them, of the months around these sessions.

        Those of a month that cannot be had are left out, see ``take_warnings``.
        """
        listed = [self._month(month, pace) for month in _months(first - LOOKS_BACK, last)]
        months = [month for month in listed if month is not None]
        return [row for month in months for each in symbols for row in month.get(each, [])]

    def take_warnings(self) -> list[str]:
        """Sentences about what could not be had, each told once."""
        sentences, self._downloads.warnings = self._downloads.warnings, []
        lacking, self._lacking = self._lacking, []
        return [*lacking, *sentences]

    def _month(self, month: dt.date, pace: Pace | None) -> dict[str, list[Record]] | None:
        if month in self._months:
            return self._months[month]
        last = _months_end(month)
        day = min(last, self._calendar.last_closed(self._now))
        name = f"{PREFIX}{month:%Y-%m}.json"
        path = actions_path(month, last)
        self._months[month] = None
        try:
            rows = self._downloads.get(path, name, day, _rows, pace=pace, attempts=ATTEMPTS)
            self._months[month] = _by_symbol(rows or [])
        except SourceNotAsked as error:
            if not self._lacking:
                self._lacking.append(
                    f"NSE's corporate actions of {month:%B %Y} could not be had ({error}): its "
                    "prices come without them, and the next run asks again. `python -m "
                    "src.data.corporate_actions import` takes the file of NSE's website."
                )
        return self._months[month]


def _months(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    """The first days of the months of a time."""
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = _months_end(month) + dt.timedelta(days=1)


def _months_end(month: dt.date) -> dt.date:
    return (month.replace(day=28) + dt.timedelta(days=4)).replace(day=1) - dt.timedelta(days=1)


def _rows(packed: bytes) -> list[Record]:
    try:
        rows = json.loads(packed)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"it is no JSON ({error}).") from error
    if isinstance(rows, dict):
        rows = rows.get("data")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadInput("it is no list of corporate actions.")
    lacking = next((name for row in rows for name in NEEDED if name not in row), None)
    if lacking is not None:
        raise BadInput(f"it is no list of corporate actions: a row has no {lacking}.")
    return rows


def _by_symbol(rows: list[Record]) -> dict[str, list[Record]]:
    listed: dict[str, list[Record]] = {}
    for row in rows:
        listed.setdefault(str(row["symbol"]).strip(), []).append(row)
    return listed
