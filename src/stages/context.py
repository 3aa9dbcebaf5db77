"""Putting a run's context together: which store, live or aside, up to which session."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from src.core.errors import UsageError
from src.core.sessions import nse
from src.db.store import AsideStore, Store
from src.stages.stage import RunContext

if TYPE_CHECKING:
    from src.config.settings import Settings


def make_context(
    settings: Settings,
    store: Store,
    tickers: tuple[str, ...],
    *,
    run_id: str,
    now: dt.datetime,
    as_of: dt.date | None = None,
    write: bool = True,
) -> RunContext:
    """A context that writes only when it may: a run with a past as-of computes and reports.

    Raises:
        UsageError: for an as-of date in the future.
    """
    calendar = nse()
    live = write and is_live(as_of, now)
    return RunContext(
        store=store if live else AsideStore(store),
        tickers=tickers,
        settings=settings,
        calendar=calendar,
        now=now,
        run_id=run_id,
        as_of=as_of,
        live=live,
    )


def is_live(as_of: dt.date | None, now: dt.datetime) -> bool:
    """Whether a run up to ``as_of`` may use all that is known at ``now``."""
    if as_of is None:
        return True
    today = now.astimezone(dt.UTC).date()
    if as_of > today + dt.timedelta(days=1):
        raise UsageError(f"--as-of {as_of} lies in the future: give a session up to {today}.")
    return as_of >= nse().last_closed(now)
