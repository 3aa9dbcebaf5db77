"""What a run is to do: for which tickers, with prices from where, and how far it looks back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mlops.pipeline_run.output.states import left_out_sentence
from src.config.clock import now
from src.core.calendars.exchanges import by_exchange, calendar_of, exchange_of, shared_exchange
from src.core.errors import UsageError
from src.core.tickers import normalise_ticker
from src.data.sources.pace import NetworkSource
from src.data.sources.select import open_source
from src.stages.context import is_live

if TYPE_CHECKING:
    from src.config.settings import Settings
    from src.core.calendars.calendar import Calendar
    from src.data.sources.delivery import Source
    from src.data.sources.select import SourceRequest
    from src.db.store import Store
    from src.db.tables.prepared import PreparedTickers
    from src.stages.engine.engine import Engine


@dataclass(frozen=True)
class RunRequest:
    """What a run is to do.

    Attributes:
        ticker: Of a run for one ticker; None for one of many.
        tickers: Those of the run; None for all that its files have, or that are stored.
        source: Where prices come from.
        as_of: The last session that may be used.
        known_at: Only what had been fetched by then may be used.
        now: When it starts, aware.
    """

    settings: Settings
    ticker: str | None
    tickers: tuple[str, ...] | None
    source: SourceRequest
    as_of: dt.date | None
    known_at: dt.datetime | None
    now: dt.datetime

    def open(self, calendar: Calendar, tickers: Sequence[str] | None = None) -> Source | None:
        """The source on an exchange's calendar, for some of its tickers; None for stored prices.

        Raises:
            UsageError: The source lacks an argument, or does not take one.
        """
        return open_source(
            self.source,
            ticker=self.ticker,
            settings=self.settings,
            calendar=calendar,
            now=self.now,
            as_of=self.as_of,
            known_at=self.known_at,
            tickers=self.tickers if tickers is None and self.ticker is None else tickers,
        )

    def calendar(self) -> Calendar:
        """That of the first ticker's exchange, or of the suffix for bare symbols."""
        first = self.tickers[0] if self.tickers else normalise_ticker("ANY", self.source.suffix)
        return calendar_of(exchange_of(first))

    def check(self) -> None:
        """Refuse what cannot be done before anything is begun.

        Raises:
            UsageError: The exchange of a ticker is not known, a source cannot be used so, or the
                run would look into the future.
        """
        is_live(self.as_of, self.known_at, self.now, self.calendar())
        self.open(self.calendar())
        for group in by_exchange(self.tickers or ()):
            calendar_of(shared_exchange(group))

    def left_out(self, prepared: PreparedTickers) -> dict[str, str]:
        """Of a run of all that is stored the tickers that are not traded, with their states."""
        if self.tickers is not None or self.source.name == "csv":
            return {}
        return prepared.untraded_tickers()

    def groups(
        self, prepared: PreparedTickers, store: Store, engine: Engine
    ) -> list[tuple[tuple[str, ...], Source | None]]:
        """The run's tickers, those of each exchange with the source of their prices.

        Raises:
            BadInput: No file of the source can be read.
            UsageError: There is no ticker.
        """
        source, tickers = self.open(self.calendar()), self.tickers
        if source is not None and source.name == "csv":
            _prepare_files(source, store, engine, pass_over=self.as_of is None)
        if tickers is None:
            tickers = _tickers_in(source) or tuple(prepared.traded_tickers())
        if not tickers and (left_out := self.left_out(prepared)):
            raise UsageError(left_out_sentence(left_out))
        if not tickers:
            raise UsageError("No prices are stored yet: give some with --source csv --path FOLDER.")
        if isinstance(source, NetworkSource):
            # Whoever was not fetched last time is the first now.
            tickers = tuple(prepared.longest_unfetched(tickers, source.name))
        return [(group, self._source_of(group, source)) for group in by_exchange(tickers)]

    def _source_of(self, group: Sequence[str], source: Source | None) -> Source | None:
        """Files are read once; other sources follow the calendar of the exchange."""
        if source is None or source.name == "csv":
            return source
        return self.open(calendar_of(shared_exchange(group)), group)


def make_request(
    settings: Settings,
    source: SourceRequest,
    *,
    ticker: str | None,
    tickers: Sequence[str] | None,
    all_tickers: bool,
    as_of: dt.date | None,
    known_at: dt.datetime | None,
) -> RunRequest:
    """The request of a run for one ticker, the configuration's by default, some or all.

    Prices of a run of many are the stored ones unless its source says otherwise.

    Raises:
        UsageError: It cannot be done, or asks for tickers in two ways.
    """
    if sum((ticker is not None, tickers is not None, all_tickers)) > 1:
        raise UsageError("Give one ticker, several, or all: these exclude each other.")
    chosen: tuple[str, ...] | None = None
    if tickers is None and not all_tickers:
        ticker = normalise_ticker(settings.data.ticker if ticker is None else ticker, source.suffix)
        chosen = (ticker,)
    else:
        source = replace(source, name=source.name or "stored")
    if tickers is not None:
        chosen = tuple(dict.fromkeys(normalise_ticker(t, source.suffix) for t in tickers))
    request = RunRequest(settings, ticker, chosen, source, as_of, known_at, now(settings))
    request.check()
    return request


def _prepare_files(source: Source, store: Store, engine: Engine, *, pass_over: bool) -> None:
    """Let files be read by what is stored, leaving out such as are stored already."""
    from src.data.sources.files.source import FileSource

    if isinstance(source, FileSource):
        source.engine = engine
        with store.transaction():
            source.identify(store)
            if pass_over:
                source.recognise(store)


def _tickers_in(source: Source | None) -> tuple[str, ...]:
    from src.data.sources.files.source import FileSource

    return tuple(source.tickers()) if isinstance(source, FileSource) else ()
