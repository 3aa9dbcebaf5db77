"""Decide from the calendar and from what was done which session of an exchange is due for a run.

Nothing is remembered between two looks: what a run has finished is in ``run_tickers``, what was
tried is in ``run_requests``. A retry is therefore no waiting entry that could block another run.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar

# Between the end of a try without success and the next one; the last for all further ones.
PAUSES = tuple(dt.timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
# So many processes that die in one session are followed by another one at once.
FREE_DEATHS = 2
# Where so large a share of the tickers has the session, the source has it.
SOURCE_HAS_IT = 0.8
# A ticker that was tried in vain in so many sessions is dormant: one try a session.
DORMANT_AFTER = 5
# The code of the exchange whose archive is read.
NSE = "XNSE"
# NSE's one file comes first for more tickers than these, which take Yahoo 20 minutes at its pace.
MANY = 100
# Days of tries that a decision rests on.
LOOKS_BACK = 30


@dataclass(frozen=True)
class Try:
    """A request that the schedule made before.

    Attributes:
        status: As in ``run_requests``; ``interrupted`` where its process died.
        scheduled_at: When it was made, by the clock of the worker.
        seconds: From then to its end, by the clock of the database; None while it is live.
    """

    session: dt.date
    tickers: frozenset[str]
    status: str
    scheduled_at: dt.datetime
    seconds: float | None

    @property
    def has_died(self) -> bool:
        """Whether its process ended before it could say how."""
        return self.status == "interrupted"

    @property
    def ended_at(self) -> dt.datetime:
        """When it ended, by the clock of the worker."""
        return self.scheduled_at + dt.timedelta(seconds=self.seconds or 0.0)


@dataclass(frozen=True)
class DueRun:
    """A run that is due.

    Attributes:
        exchange: Its code, such as ``XNSE``.
        session: The newest one that has closed; a run brings those before it as well.
        number: Of the try, from 1.
        tickers: For which no run has finished the session, in order.
        missed: Sessions before it that no run was for: there is no forecast of them.
        source: Where its prices come from; empty before that is chosen.
    """

    exchange: str
    session: dt.date
    number: int
    tickers: tuple[str, ...]
    missed: tuple[dt.date, ...]
    source: str = ""

    @property
    def key(self) -> str:
        """The same for every worker, so that two of them make one request."""
        return f"schedule:{self.exchange}:{self.session}:{self.number}"


@dataclass(frozen=True)
class NextTry:
    """When a session is to be tried again, by the clock of the worker, and for which tickers."""

    begins_at: dt.datetime
    tickers: frozenset[str]


def settled_session(calendar: Calendar, now: dt.datetime, settle: dt.timedelta) -> dt.date:
    """The newest session that closed at least ``settle`` before ``now``, an aware time."""
    return calendar.last_closed(now - settle)


def due_run(
    calendar: Calendar,
    now: dt.datetime,
    settle: dt.timedelta,
    newest: Mapping[str, dt.date | None],
    tries: Sequence[Try],
) -> DueRun | None:
    """The run of one exchange that is to begin now; None where there is none.

    Args:
        calendar: Of the exchange.
        now: An aware time.
        settle: How long after a close its prices can be had.
        newest: The scheduled tickers of the exchange, each with the newest session that a run has
            finished for it; None where none has.
        tries: Of the last ``LOOKS_BACK`` days, the oldest first.
    """
    session = settled_session(calendar, now, settle)
    late = {ticker for ticker, day in newest.items() if day is None or day < session}
    number = 1 + sum(each.session == session for each in tries)
    if number > 1:
        again = next_try(session, newest, tries)
        if again is None or now < again.begins_at:
            return None
        late = set(again.tickers)
    if not late:
        return None
    missed = _missed(calendar, session, newest.values())
    return DueRun(calendar.exchange.code, session, number, tuple(sorted(late)), missed)


def next_try(
    session: dt.date, newest: Mapping[str, dt.date | None], tries: Sequence[Try]
) -> NextTry | None:
    """The next try of a session that was tried before.

    None while one is under way, and where the session was brought, cancelled or given up.

    Args:
        session: The newest one that has settled.
        newest: As of ``due_run``.
        tries: As of ``due_run``.
    """
    of_session = [each for each in tries if each.session == session]
    if not of_session or of_session[-1].seconds is None or of_session[-1].status == "cancelled":
        return None
    late = {ticker for ticker, day in newest.items() if day is None or day < session}
    in_vain, last = _since_progress(of_session, late), of_session[-1]
    dormant = {each for each in late if _is_dormant(each, session, newest[each], tries)}
    late -= _given_up(late, dormant, len(newest), in_vain)
    pause = _pause(in_vain)
    begins_at = last.ended_at + pause if pause else last.scheduled_at
    return NextTry(begins_at, frozenset(late)) if late else None


def _since_progress(tries: Sequence[Try], late: set[str]) -> Sequence[Try]:
    """The tries of a session from the last one on after which fewer tickers were late."""
    left = [*(each.tickers for each in tries[1:]), late]
    progress = [n for n, each in enumerate(tries) if not each.tickers <= left[n]]
    return tries[progress[-1] :] if progress else tries


def source_of(
    due: DueRun, calendar: Calendar, paused: Collection[str], *, has_actions: bool
) -> str:
    """NSE's daily files for many tickers, else Yahoo.

    So the few that the files could not bring are asked for at Yahoo. Where NSE's corporate actions
    cannot be had, Yahoo, which states dividends and splits as well, comes first after the first
    session of a week.

    Args:
        due: The run.
        calendar: Of its exchange.
        paused: The sources that may not be asked now.
        has_actions: Whether NSE's corporate actions were had in the last days.
    """
    days = (due.session, calendar.previous_session(due.session))
    week, week_before = (day.isocalendar()[:2] for day in days)
    if due.exchange != NSE or len(due.tickers) <= MANY or "nse" in paused:
        return "yahoo"
    needs_yahoo = week != week_before and not has_actions
    return "yahoo" if needs_yahoo and "yahoo" not in paused else "nse"


def _pause(tries: Sequence[Try]) -> dt.timedelta:
    """How long to wait after the last of these tries."""
    died = sum(each.has_died for each in tries)
    if tries[-1].has_died and died <= FREE_DEATHS:
        return dt.timedelta(0)
    without_success = len(tries) - min(died, FREE_DEATHS)
    return PAUSES[min(without_success, len(PAUSES)) - 1]


def _given_up(late: set[str], dormant: set[str], count: int, tries: Sequence[Try]) -> set[str]:
    """Late tickers that are not tried again in this session.

    A source that is late is asked until the next session closes. A ticker that is late alone is
    asked as often as there are pauses, a dormant one not again.

    Args:
        late: Those that no run has finished the session for.
        dormant: Those among them that stayed away from earlier sessions as well.
        count: Of all scheduled tickers.
        tries: From the last one on that brought a ticker.
    """
    source_has_it = count - len(late) >= SOURCE_HAS_IT * (count - len(dormant))
    ended = [each for each in tries if not each.has_died]
    given_up = set()
    for ticker in late:
        number = sum(ticker in each.tickers for each in ended)
        if (ticker in dormant and number) or (source_has_it and number > len(PAUSES)):
            given_up.add(ticker)
    return given_up


def _is_dormant(
    ticker: str, session: dt.date, newest: dt.date | None, tries: Sequence[Try]
) -> bool:
    """Whether it was tried in several earlier sessions, each time in vain."""
    in_vain = {
        each.session
        for each in tries
        if ticker in each.tickers
        and (newest or dt.date.min) < each.session < session
        and not each.has_died
    }
    return len(in_vain) >= DORMANT_AFTER


def _missed(
    calendar: Calendar, session: dt.date, newest: Iterable[dt.date | None]
) -> tuple[dt.date, ...]:
    """Sessions after the newest finished one and before ``session``; none before the first run."""
    finished = [day for day in newest if day is not None and day < session]
    if not finished:
        return ()
    first = calendar.next_session(max(finished))
    return tuple(calendar.sessions(first, calendar.previous_session(session)))
