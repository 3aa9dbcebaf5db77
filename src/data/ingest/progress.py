"""Keep account of what became of the tickers and files of an ingest run, and report it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from src.data.ingest.storing.store_delivery import IngestCounts
from src.stages.stage import NAMED, StageReport

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

    from src.core.errors import ForecastError, SourceNotAsked
    from src.data.sources.delivery import Source

# The rules by which rows of other securities than the share are refused.
_OTHER_SECURITIES = frozenset({"other_series", "other_instrument"})


@dataclass
class Progress:
    """What became of the tickers and files so far; each of them is a unit of its own.

    ``notes`` are on files, ``notes_on`` has those on deliveries with their tickers. ``no_shares``
    are the symbols of which nothing but other securities came.
    """

    counts: dict[str, IngestCounts]
    warnings: list[str] = field(default_factory=list)
    notes: set[str] = field(default_factory=set)
    notes_on: dict[str, list[str]] = field(default_factory=dict)
    failures: list[ForecastError] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    not_fetched: dict[str, SourceNotAsked] = field(default_factory=dict)
    no_shares: list[str] = field(default_factory=list)
    stored: int = 0

    def note(self, ticker: str, notes: Iterable[str]) -> None:
        """Note what a person should know of a ticker's delivery."""
        for note in notes:
            tickers = self.notes_on.setdefault(note, [])
            if tickers[-1:] != [ticker]:
                tickers.append(ticker)

    def sentences(self) -> set[str]:
        """All notes; one on many tickers names the first of them."""
        sentences = set(self.notes)
        for note, tickers in self.notes_on.items():
            few = tickers if len(tickers) <= NAMED else tickers[:1]
            more = f" and {len(tickers) - 1} more" if len(tickers) > NAMED else ""
            sentences |= {f"{ticker}{more}: {note}" for ticker in few}
        return sentences


def report_of(progress: Progress, source: Source | None) -> StageReport:
    """The stage's report of a run whose prices came from a source, None for stored ones."""
    total = IngestCounts.total(progress.counts.values())
    return StageReport(
        rows=total.changed,
        details={
            **vars(total),
            "source": source.name if source else "stored",
            "notes": sorted({*progress.sentences(), *_summary(total), *_no_shares(progress)}),
        },
        warnings=tuple(progress.warnings),
        failures=tuple(map(str, progress.failures)),
        failed=progress.failed,
        not_fetched=progress.not_fetched,
        no_shares=tuple(progress.no_shares),
        counts={
            ticker: vars(part)
            for ticker, part in progress.counts.items()
            if ticker not in set(progress.no_shares)
        },
    )


def are_no_shares(rejected: pl.DataFrame) -> bool:
    """Whether all refused rows, of which there are some, are of bonds or other securities."""
    rules = set(rejected["rule"])
    return bool(rules) and rules <= _OTHER_SECURITIES


def _no_shares(progress: Progress) -> list[str]:
    symbols = progress.no_shares
    if not symbols:
        return []
    few = ", ".join(symbols[:NAMED])
    more = f" and {len(symbols) - NAMED:,} more" if len(symbols) > NAMED else ""
    return [f"no share, only bonds, blocks or other securities came of {few}{more}"]


def _summary(total: IngestCounts) -> list[str]:
    """Notes about rows and deliveries that were not stored."""
    notes = []
    if total.rejected:
        notes.append(f"{total.rejected} rows rejected at ingest and kept in quarantine")
    if total.repeated:
        notes.append(
            f"Deliveries already stored, which changed nothing: {total.repeated} "
            "(--fetched-at TIME stores a file again)"
        )
    return notes
