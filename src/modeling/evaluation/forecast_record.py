"""Keep the latest forecasts of a walk-forward, with what came true, as one Parquet file.

The file lies with the model set whose training it is the evidence of. Equal records are equal
bytes. Returns are simple; values are stored in single precision.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from src.core.arrays import Bools, Days, Floats, Ints, Singles
from src.modeling.intervals.quantiles import LEVELS

if TYPE_CHECKING:
    import pyarrow as pa

SINGLE = ("actual", "sigma", "reference_crps")
POINT = "point_"
# Such as q025 and q950.
QUANTILES = tuple(f"q{1000 * level:03.0f}" for level in LEVELS)
HORIZON = b"horizon"


@dataclass(frozen=True, eq=False)
class ForecastRecord:
    """Forecasts made at one session after another, and their outcomes; NaN where there is none.

    Attributes:
        horizon: Sessions ahead.
        sessions: At whose close they were made, ascending; (R,).
        tickers: Those with a bar at one of the sessions, ascending; N of them.
        actual: Realised returns, (R, N).
        points: Forecasts by candidate, and ``served``; (R, N) each.
        sigma: Forecast volatility of the return over the horizon; (R, N).
        reference_crps: Loss of the quantiles of the ticker's last 500 outcomes; (R, N).
        quantiles: Of the return, at the default levels; (R, N, K).
    """

    horizon: int
    sessions: Days
    tickers: tuple[str, ...]
    actual: Floats
    points: Mapping[str, Floats]
    sigma: Floats
    reference_crps: Floats
    quantiles: Floats

    def column(self, ticker: str) -> int | None:
        """A ticker's column of every matrix; None without a bar in these sessions."""
        return self.tickers.index(ticker) if ticker in self.tickers else None


def to_parquet(record: ForecastRecord) -> bytes:
    """The record as a file: ``made``, ``ticker`` and a column for each matrix, in that order.

    Pairs of a session and a ticker about which nothing is known have no row.
    """
    import polars as pl
    import pyarrow as pa
    from pyarrow import parquet

    matrices = _matrices(record)
    rows, columns = np.nonzero(_known(matrices))
    places = pl.Series(columns.astype(np.int32)).to_arrow()
    table = pa.table(
        {
            "made": pl.Series(record.sessions[rows].astype("datetime64[D]")).to_arrow(),
            "ticker": pa.DictionaryArray.from_arrays(
                places, pl.Series(record.tickers).to_arrow().cast(pa.string())
            ),
            **{name: _single(values[rows, columns]) for name, values in matrices.items()},
        }
    ).replace_schema_metadata({HORIZON: str(record.horizon).encode()})
    buffer = io.BytesIO()
    parquet.write_table(
        table,
        buffer,
        compression="zstd",
        use_dictionary=["ticker", "made"],
        use_byte_stream_split=list(matrices),
    )
    return buffer.getvalue()


def read_parquet(data: bytes) -> ForecastRecord:
    """The record in a file that ``to_parquet`` made.

    Raises:
        ValueError: It is another file.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.ParquetFile(pa.BufferReader(data)).read()
        horizon = int((table.schema.metadata or {})[HORIZON])
        matrices, sessions, tickers = _pivot(table)
        wide = dict(zip(table.column_names[2:], matrices, strict=True))
        return ForecastRecord(
            horizon,
            sessions,
            tickers,
            **{name: wide[name] for name in SINGLE},
            points={n.removeprefix(POINT): wide[n] for n in wide if n.startswith(POINT)},
            # The last columns of the file; one block of memory, not another copy of it.
            quantiles=np.moveaxis(matrices[-len(QUANTILES) :], 0, -1),
        )
    except (pa.ArrowException, KeyError) as error:
        raise ValueError("it is no record of forecasts") from error


def read_matrices(
    data: bytes, names: Sequence[str]
) -> tuple[Days, tuple[str, ...], dict[str, Singles]]:
    """Sessions, tickers and some matrices, (R, N), of a file that ``to_parquet`` made.

    For readers that need few of the columns, and little memory: they are read one by one. A name
    that the file lacks is left out.

    Raises:
        ValueError: It is another file.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(pa.BufferReader(data))
        sessions, tickers, cells = _cells(file.read(["made", "ticker"]))
        shape, out = (len(sessions), len(tickers)), {}
        for name in names:
            if name in file.schema_arrow.names:
                matrix = np.full(shape[0] * shape[1], np.nan, dtype=np.float32)
                matrix[cells] = _values(file.read([name])[name])
                out[name] = matrix.reshape(shape)
    except (pa.ArrowException, KeyError) as error:
        raise ValueError("it is no record of forecasts") from error
    return sessions, tickers, out


def candidates_in(data: bytes) -> list[str]:
    """The names of the candidates whose forecasts such a file has, and ``served``.

    Raises:
        ValueError: It is another file.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        names = parquet.read_schema(pa.BufferReader(data)).names
    except pa.ArrowException as error:
        raise ValueError("it is no record of forecasts") from error
    return [name.removeprefix(POINT) for name in names if name.startswith(POINT)]


def _matrices(record: ForecastRecord) -> dict[str, Floats]:
    """Every matrix by the name of its column, (R, N)."""
    return {
        **{name: getattr(record, name) for name in SINGLE},
        **{f"{POINT}{name}": values for name, values in record.points.items()},
        **{name: record.quantiles[..., k] for k, name in enumerate(QUANTILES)},
    }


def _known(matrices: Mapping[str, Floats]) -> Bools:
    known: Bools = np.logical_or.reduce([np.isfinite(values) for values in matrices.values()])
    return known


def _single(values: Floats) -> pa.Array:
    """A column in single precision, null where a value is NaN.

    By polars: pyarrow loads pandas for it.
    """
    import polars as pl

    return pl.Series(values.astype(np.float32), nan_to_null=True).to_arrow()


def _pivot(table: pa.Table) -> tuple[Floats, Days, tuple[str, ...]]:
    """A matrix (R, N) of every column of values, (columns, R, N); with sessions and tickers."""
    sessions, tickers, cells = _cells(table)
    columns = table.column_names[2:]
    matrices = np.full((len(columns), len(sessions) * len(tickers)), np.nan)
    for matrix, name in zip(matrices, columns, strict=True):
        matrix[cells] = _values(table[name])
    return matrices.reshape(len(columns), len(sessions), len(tickers)), sessions, tickers


def _cells(table: pa.Table) -> tuple[Days, tuple[str, ...], Ints]:
    """Sessions and tickers, both ascending, and the place of each row in their flat matrix."""
    made = _values(table["made"]).astype("datetime64[D]")
    sessions, rows = np.unique(made, return_inverse=True)
    coded = table["ticker"].combine_chunks()
    names = np.array(coded.dictionary.to_pylist(), dtype=str)
    tickers, places = np.unique(names, return_inverse=True)
    cells = rows * len(tickers) + places[_values(coded.indices)]
    return sessions, tuple(tickers.tolist()), cells


def _values(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """A column's values, NaN for null. By polars: pyarrow loads pandas for it."""
    import polars as pl

    return pl.Series(column).to_numpy()
