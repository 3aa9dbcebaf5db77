"""Build the context of a run: its calendar, and a store that writes only when it may."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from src.core.calendars.calendar import Calendar
from src.core.calendars.exchanges import calendar_of, shared_exchange
from src.core.errors import UsageError
from src.db.dry_run import DryRunStore
from src.db.store import Store
from src.stages.engine.engine import IN_PROCESS, Engine
from src.stages.schema_check import CheckedStore
from src.stages.stage import RunContext

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.db.tables.records import Records
    from src.registry.lifecycle.live_models import LiveModels


def make_context(  # noqa: PLR0913 - all of these describe a run
    settings: Settings,
    store: Store,
    tickers: tuple[str, ...],
    *,
    run_id: str,
    now: dt.datetime,
    as_of: dt.date | None = None,
    known_at: dt.datetime | None = None,
    write: bool = True,
    models: LiveModels | None = None,
    records: Records | None = None,
    engine: Engine = IN_PROCESS,
) -> RunContext:
    """The context of a run; one that looks back computes and reports, but writes nothing.

    With ``known_at`` everything is judged at that time: which bars are whole, how old they are.

    Raises:
        UsageError: The as-of date or the known-at time lies in the future, or the tickers are of
            two exchanges or of one without a calendar here.
    """
    calendar = calendar_of(shared_exchange(tickers))
    live = write and is_live(as_of, known_at, now, calendar)
    return RunContext(
        store=CheckedStore(store if live else DryRunStore(store)),
        tickers=tickers,
        settings=settings,
        calendar=calendar,
        now=known_at or now,
        run_id=run_id,
        as_of=as_of,
        known_at=known_at,
        live=live,
        models=models if live else None,
        records=records if live else None,
        engine=engine,
    )


def is_live(
    as_of: dt.date | None,
    known_at: dt.datetime | None,
    now: dt.datetime,
    calendar: Calendar,
) -> bool:
    """Whether a run uses everything known at ``now``, and so may write.

    Raises:
        UsageError: The date or the time lies in the future.
    """
    if known_at is not None:
        if known_at > now:
            raise UsageError(
                f"--known-at {known_at:%Y-%m-%d %H:%M} UTC lies in the future: it is "
                f"{now:%Y-%m-%d %H:%M} UTC."
            )
        return False
    if as_of is None:
        return True
    today = now.astimezone(dt.UTC).date()
    if as_of > today + dt.timedelta(days=1):
        raise UsageError(f"--as-of {as_of} lies in the future: give a session up to {today}.")
    return as_of >= calendar.last_closed(now)
