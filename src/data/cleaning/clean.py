"""Raw bars of any number of tickers in, one clean bar per session out; pure.

One source is chosen per ticker. The others, and the hourly bars, fill its holes where they agree
with it around the hole, and say where they differ.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

import polars as pl

from src.data.cleaning.compare_sources import SCHEMA as DIFFERENCES
from src.data.cleaning.compare_sources import differences
from src.data.cleaning.repair.candidates import by_hour, second_sources
from src.data.cleaning.repair.fill_gaps import Repair, rebuild
from src.data.cleaning.rules.catalogue import BROKEN, DAILY_RULES, HOURLY_RULES
from src.data.cleaning.rules.engine import sift
from src.data.corporate_actions.adjust import shares_after
from src.data.corporate_actions.apply import Derived, derive
from src.data.corporate_actions.ledger import LEDGER_SCHEMA, in_force, standing
from src.data.corporate_actions.price_checks.contradictions import contradicted

if TYPE_CHECKING:
    from src.core.calendars.calendar import Calendar

UNREPAIRED = pl.lit(None, dtype=pl.String).alias("repaired_by")
REPAIRED = pl.Schema(
    {
        "ticker": pl.String(),
        "date": pl.Date(),
        "kind": pl.String(),
        "source": pl.String(),
        "batch_id": pl.Int64(),
        "reason": pl.String(),
    }
)


CONTRADICTED = pl.Schema(
    {"ticker": pl.String(), "date": pl.Date(), "amount": pl.Float64(), "why": pl.String()}
)


@dataclass(frozen=True)
class Cleaned:
    """What became of the bars.

    Rows of the chosen source = ``bars`` that were not repaired + ``refused`` (with ``rule`` and
    ``reason``). ``inferred``, ``doubted`` and ``believed`` are ledger rows (see ``ledger``),
    ``repaired`` says what each repaired bar rests on, ``differences`` where another source says
    otherwise, ``contradicted`` which stated dividends adj_close does not take off, ``spans`` how
    far each source reaches.
    """

    bars: pl.DataFrame
    refused: pl.DataFrame
    inferred: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LEDGER_SCHEMA))
    doubted: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LEDGER_SCHEMA))
    believed: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LEDGER_SCHEMA))
    contradicted: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CONTRADICTED))
    repaired: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REPAIRED))
    differences: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=DIFFERENCES))
    spans: pl.DataFrame = field(default_factory=pl.DataFrame)


def clean_hourly(raw: pl.DataFrame, calendar: Calendar, precedence: Sequence[str]) -> Cleaned:
    """Sift the hourly bars of every source, as delivered.

    ``bars`` has those of all sources with ``chosen``: whether the source is its ticker's.
    """
    kept, refused = [], []
    for one in _tickers(raw):
        chosen = (in_precedence(one, precedence) or [""])[0]
        for bars in _partitions(one, "source"):
            sifted = sift(bars.sort("ts"), HOURLY_RULES, calendar)
            kept.append(sifted.kept.with_columns(UNREPAIRED, chosen=pl.col("source") == chosen))
            refused.append(sifted.refused.filter(pl.col("source") == chosen))
    return Cleaned(pl.concat(kept), pl.concat(refused))


def clean_daily(
    raw: pl.DataFrame,
    ledger: pl.DataFrame,
    hourly: pl.DataFrame,
    calendar: Calendar,
    precedence: Sequence[str],
) -> Cleaned:
    """Clean, adjust and repair daily bars.

    Args:
        raw: raw rows joined with their batch (see ``rule``), in any order.
        ledger: their corporate actions (see ``ledger``).
        hourly: what ``clean_hourly`` kept of the same tickers.
        calendar: the exchange's sessions.
        precedence: sources, the preferred one first.
    """
    parts = []
    for one in _tickers(raw):
        ticker = one["ticker"][0] if one.height else ""
        own, hours = (frame.filter(pl.col("ticker") == ticker) for frame in (ledger, hourly))
        parts.append(_clean_ticker(one, own, hours, calendar, precedence))
    names = [one.name for one in fields(Cleaned) if one.name != "spans"]
    together = {name: pl.concat([getattr(part, name) for part in parts]) for name in names}
    return Cleaned(**together, spans=_spans(raw))


def _spans(raw: pl.DataFrame) -> pl.DataFrame:
    priced = raw.drop_nulls("close").group_by("ticker", "source")
    return priced.agg(last=pl.col("date").max(), rows=pl.len())


def in_precedence(raw: pl.DataFrame, precedence: Sequence[str]) -> list[str]:
    """The sources that are present: those of the precedence first, then the others by name."""
    present = raw["source"].unique().to_list()
    first = [name for name in precedence if name in present]
    return first + sorted(set(present) - set(first))


@dataclass(frozen=True)
class _Series:
    """One source's daily bars, adjusted, and what was refused and inferred."""

    bars: pl.DataFrame
    refused: pl.DataFrame
    derived: Derived
    has_adj_close: bool


def _clean_ticker(
    raw: pl.DataFrame,
    ledger: pl.DataFrame,
    hourly: pl.DataFrame,
    calendar: Calendar,
    precedence: Sequence[str],
) -> Cleaned:
    order = in_precedence(raw, precedence)
    every = [_series(raw.filter(source=name), ledger, calendar) for name in order]
    chosen, *others = every or [_series(raw, ledger, calendar)]
    evidence = [
        *by_hour(hourly, in_precedence(hourly, precedence), calendar),
        *second_sources([one.bars for one in others]),
    ]
    dividends = [one.date for one in in_force(ledger) if one.kind == "dividend"]
    repairs = rebuild(chosen.bars, _holes(chosen, calendar), evidence, dividends)
    applied = [one.derived.inferred.filter(status="applied") for one in others]
    differing = [differences(chosen.bars, other.bars) for other in others]
    return Cleaned(
        bars=_with_repairs(chosen.bars, repairs),
        refused=chosen.refused,
        inferred=pl.concat([chosen.derived.inferred, *applied]),
        doubted=chosen.derived.doubted,
        believed=chosen.derived.believed,
        contradicted=_contradicted(chosen, ledger),
        repaired=_repaired_rows(chosen.bars, repairs),
        differences=pl.concat([pl.DataFrame(schema=DIFFERENCES), *differing]),
    )


def _contradicted(chosen: _Series, ledger: pl.DataFrame) -> pl.DataFrame:
    """What the vendor's own adj_close says against the ledger; nothing where it has none."""
    bars = chosen.bars
    if bars.is_empty() or not chosen.has_adj_close or bars["price_basis"][0] == "total":
        return pl.DataFrame(schema=CONTRADICTED)
    found = contradicted(bars, standing(ledger))
    return found.select(pl.lit(bars["ticker"][0]).alias("ticker"), "date", "amount", "why")


def _series(raw: pl.DataFrame, ledger: pl.DataFrame, calendar: Calendar) -> _Series:
    sifted = sift(_with_level(raw.sort("date"), ledger), DAILY_RULES, calendar)
    derived = derive(sifted.kept, ledger, calendar)
    own = sifted.kept["adj_close"].null_count() == 0
    return _Series(derived.bars.with_columns(UNREPAIRED), sifted.refused, derived, own)


def _with_level(raw: pl.DataFrame, ledger: pl.DataFrame) -> pl.DataFrame:
    shares = shares_after(raw["date"].to_numpy().astype("datetime64[D]"), in_force(ledger))
    unadjusted = pl.col("price_basis") == "unadjusted"
    over = pl.when(unadjusted).then(pl.Series(shares, dtype=pl.Float64)).otherwise(1.0)
    return raw.with_columns(level=pl.col("close") / over)


def _holes(series: _Series, calendar: Calendar) -> list[dt.date]:
    """Sessions without a bar from the first bar on, up to the last row that may hold one."""
    days = series.bars["date"].to_list()
    if not days:
        return []
    refused = series.refused.filter(pl.col("rule").is_in(BROKEN))["date"].to_list()
    through = max([days[-1], *refused])
    return sorted(set(calendar.sessions(days[0], through)) - set(days))


def _with_repairs(bars: pl.DataFrame, repairs: Sequence[Repair]) -> pl.DataFrame:
    if not repairs:
        return bars
    usual = bars.row(0, named=True)
    rows = [
        {
            "ticker": usual["ticker"],
            "date": one.date,
            **one.bar,
            "source": one.source,
            "return_basis": usual["return_basis"],
            "action_pending": False,
            "repaired_by": one.kind,
            "batch_id": one.batch_id,
        }
        for one in repairs
    ]
    added = pl.DataFrame(rows, schema_overrides={n: bars.schema[n] for n in rows[0]})
    return pl.concat([bars, added], how="diagonal").sort("date")


def _repaired_rows(bars: pl.DataFrame, repairs: Sequence[Repair]) -> pl.DataFrame:
    rows = [
        (bars["ticker"][0], one.date, one.kind, one.source, one.batch_id, one.reason)
        for one in repairs
    ]
    return pl.DataFrame(rows, schema=REPAIRED, orient="row")


def _tickers(raw: pl.DataFrame) -> list[pl.DataFrame]:
    return _partitions(raw, "ticker")


def _partitions(raw: pl.DataFrame, by: str) -> list[pl.DataFrame]:
    return raw.partition_by(by, maintain_order=True) or [raw]
