"""Check that a frame fits the declaration of the table it is written to.

Single columns and values are checked here; rules over several rows or tables are those of
`src.data.cleaning` and `src.features.validation`.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from src.core import tables
from src.core.errors import ForecastError
from src.core.tables import Table

if TYPE_CHECKING:
    import pandera.polars as pa
    import polars as pl

    from src.core.identities import Identities
    from src.db.store import Store

# Columns that may be empty, by table; every other one must have a value in each row.
NULLABLE: dict[str, frozenset[str]] = {
    tables.RAW_DAILY.name: frozenset(tables.DAILY_VALUES),
    tables.RAW_HOURLY.name: frozenset(tables.OHLCV),
    tables.CLEAN_DAILY.name: frozenset({"repaired_by"}),
    tables.CLEAN_HOURLY.name: frozenset({"repaired_by"}),
    tables.FEATURES_DAILY.name: frozenset({"log_return", "variance"}),
    tables.PRICE_REVISIONS.name: frozenset({"old_value", "new_value"}),
    tables.CORPORATE_ACTIONS.name: frozenset({"ratio", "amount"}),
    tables.ACTION_HISTORY.name: frozenset({"ratio", "amount"}),
    tables.INSTRUMENTS.name: frozenset(tables.INSTRUMENTS.columns),
    tables.INSTRUMENT_HISTORY.name: frozenset(tables.INSTRUMENTS.columns),
}
CLEAN = (tables.CLEAN_DAILY.name, tables.CLEAN_HOURLY.name)
ALLOWED: dict[str, Sequence[str]] = {
    "action": ("rejected", "repaired"),
    "kind": (
        *("daily", "hourly"),
        *("split", "bonus", "dividend", "rights", "demerger", "event", "unclear"),
    ),
    "status": ("applied", "pending", "rejected"),
    "return_basis": ("price", "total"),
    "repaired_by": ("hourly", "second_source", "continued"),
}


@dataclass(frozen=True)
class _Least:
    """The bound of a column's numbers, and whether they may be equal to it."""

    value: float
    included: bool


class SchemaMismatch(ForecastError):
    """A frame does not fit the table it was to be written to: nothing of it was written."""

    def __init__(self, table: Table, mismatch: str) -> None:
        super().__init__(
            f"{table.name} was left unchanged, because {mismatch}: see logs/tcs-stock.log and "
            "report it."
        )


def check(table: Table, frame: pl.DataFrame) -> None:
    """Compare a frame with the table's declaration.

    Raises:
        SchemaMismatch: A column is missing, unknown, of another type, empty where it may not be,
            or has an impossible value (a price of zero, an unknown status).
    """
    extra = [name for name in frame.columns if name not in table.columns]
    types = _types(table, extra if table.open_ended else ())
    if not _fits(table, frame, types):
        _refuse(table, frame, types)


def _fits(table: Table, frame: pl.DataFrame, types: Mapping[str, pl.DataType]) -> bool:
    """Whether the frame is as declared: a fraction of the time that pandera takes to say so."""
    import polars as pl

    nullable = NULLABLE.get(table.name, frozenset())
    filled = [name for name in table.columns if name not in nullable]
    if dict(frame.schema) != types or any(frame[name].null_count() for name in filled):
        return False
    floats = [name for name in filled if types[name] == pl.Float64()]
    impossible = [pl.col(name).is_nan().any() for name in floats]
    for name in types:
        least = _least(table, name)
        if least is not None:
            closed: Literal["left", "none"] = "left" if least.included else "none"
            impossible.append(~pl.col(name).is_between(least.value, math.inf, closed).all())
        if name in ALLOWED:
            impossible.append(~pl.col(name).is_in(ALLOWED[name]).all())
    return not impossible or not frame.select(pl.any_horizontal(impossible)).item()


def _refuse(table: Table, frame: pl.DataFrame, types: Mapping[str, pl.DataType]) -> None:
    """Raise SchemaMismatch with what pandera finds wrong."""
    from pandera.errors import SchemaError

    try:
        _schema(table, types).validate(frame)
    except SchemaError as error:
        raise SchemaMismatch(table, " ".join(str(error).split())[:200]) from error


class CheckedStore:
    """A store that refuses frames that do not fit their table."""

    def __init__(self, below: Store) -> None:
        self._below = below

    def load(
        self,
        table: Table,
        tickers: Sequence[str],
        until: dt.date | None = None,
        columns: Sequence[str] | None = None,
        since: dt.date | None = None,
        within: Mapping[str, str] | None = None,
    ) -> pl.DataFrame:
        """See Store."""
        return self._below.load(table, tickers, until, columns, since, within)

    def count_lacking(
        self,
        table: Table,
        tickers: Sequence[str],
        columns: Sequence[str],
        recent: int,
        until: dt.date | None = None,
    ) -> pl.DataFrame:
        """See Store."""
        return self._below.count_lacking(table, tickers, columns, recent, until)

    def count(
        self, table: Table, tickers: Sequence[str], until: dt.date | None = None
    ) -> dict[str, int]:
        """See Store."""
        return self._below.count(table, tickers, until)

    def newest(self, table: Table, tickers: Sequence[str]) -> pl.DataFrame:
        """See Store."""
        return self._below.newest(table, tickers)

    def replace(
        self,
        table: Table,
        tickers: Sequence[str],
        frame: pl.DataFrame,
        within: Mapping[str, str] | None = None,
        stored: pl.DataFrame | None = None,
    ) -> int:
        """See Store."""
        check(table, frame)
        return self._below.replace(table, tickers, frame, within, stored)

    def upsert(self, table: Table, frame: pl.DataFrame) -> int:
        """See Store."""
        check(table, frame)
        return self._below.upsert(table, frame)

    def insert(self, table: Table, frame: pl.DataFrame) -> int:
        """See Store."""
        check(table, frame)
        return self._below.insert(table, frame)

    def reserve_batches(self, count: int) -> list[int]:
        """See Store."""
        return self._below.reserve_batches(count)

    def batches_of_files(self, hashes: Sequence[str]) -> pl.DataFrame:
        """See Store."""
        return self._below.batches_of_files(hashes)

    def bundles_of_files(self, hashes: Sequence[str]) -> pl.DataFrame:
        """See Store."""
        return self._below.bundles_of_files(hashes)

    def tickers(self) -> list[str]:
        """See Store."""
        return self._below.tickers()

    def identities(self, known_at: dt.datetime | None = None) -> Identities:
        """See Store."""
        return self._below.identities(known_at)

    def listed_tickers(self) -> set[str]:
        """See Store."""
        return self._below.listed_tickers()

    @contextmanager
    def transaction(self, *, read_only: bool = False) -> Iterator[None]:
        """See Store."""
        with self._below.transaction(read_only=read_only):
            yield


def _types(table: Table, extra: Sequence[str]) -> dict[str, pl.DataType]:
    """The type of each declared column, and of further ones."""
    import polars as pl

    kinds: dict[str, Any] = {
        tables.FLOAT: pl.Float64(),
        tables.TEXT: pl.String(),
        tables.JSON: pl.String(),
        tables.DATE: pl.Date(),
        tables.TIME: pl.Datetime("us", "UTC"),
        tables.BOOL: pl.Boolean(),
        tables.INT: pl.Int64(),
        tables.BYTES: pl.Binary(),
        tables.FLOATS: pl.List(pl.Float64),
        tables.REALS: pl.List(pl.Float32),
        tables.TEXTS: pl.List(pl.String),
    }
    declared = {name: kinds[kind] for name, kind in table.columns.items()}
    return declared | dict.fromkeys(extra, pl.Float64())


def _schema(table: Table, types: Mapping[str, pl.DataType]) -> pa.DataFrameSchema:
    import pandera.polars as pa

    nullable = NULLABLE.get(table.name, frozenset())
    columns = {
        name: pa.Column(
            kind, _checks(table, name), nullable=name in nullable or name not in table.columns
        )
        for name, kind in types.items()
    }
    return pa.DataFrameSchema(columns, strict=True)


def _checks(table: Table, name: str) -> list[pa.Check]:
    from pandera.polars import Check

    checks = []
    least = _least(table, name)
    if least is not None:
        checks.append(
            Check.in_range(least.value, math.inf, include_min=least.included, include_max=False)
        )
    if name in ALLOWED:
        checks.append(Check.isin(ALLOWED[name]))
    return checks


def _least(table: Table, name: str) -> _Least | None:
    """The bound below a column's numbers, where there is one; then they are finite, too."""
    if table.name in CLEAN and name in tables.DAILY_PRICES:
        return _Least(0, included=False)
    if table.name in CLEAN and name == "volume":
        return _Least(0, included=True)
    return _Least(-1, included=False) if name == "target" else None
