"""Keep the latest forecasts of a walk-forward, with what came true, as one Parquet file.

The file lies with the model set whose training it is the evidence of. Equal records are equal
bytes. Returns are simple; values are stored in single precision.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from src.core.arrays import Bools, Days, Floats, Singles
from src.modeling.intervals.quantiles import LEVELS

if TYPE_CHECKING:
    import polars as pl

SINGLE = ("actual", "sigma", "reference_crps")
POINT = "point_"
# Such as q025 and q950.
QUANTILES = tuple(f"q{1000 * level:03.0f}" for level in LEVELS)
HORIZON = "horizon"


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

    matrices = _matrices(record)
    rows, columns = np.nonzero(_known(matrices))
    table = pl.DataFrame(
        {
            "made": record.sessions[rows].astype("datetime64[D]"),
            "ticker": pl.Series(columns.astype(np.uint32)).cat.to(pl.Enum(record.tickers)),
            **{
                name: pl.Series(values[rows, columns].astype(np.float32), nan_to_null=True)
                for name, values in matrices.items()
            },
        }
    )
    buffer = io.BytesIO()
    table.write_parquet(buffer, compression="zstd", metadata={HORIZON: str(record.horizon)})
    return buffer.getvalue()


def read_parquet(data: bytes) -> ForecastRecord:
    """The record in a file that ``to_parquet`` made.

    Raises:
        ValueError: It is another file.
    """
    import polars as pl

    with _one_error():
        horizon = int(pl.read_parquet_metadata(io.BytesIO(data))[HORIZON])
        file = _File(data)
        quantiles = np.empty((*file.shape, len(QUANTILES)))
        for k, name in enumerate(QUANTILES):
            quantiles[..., k] = file.matrix(name)
        return ForecastRecord(
            horizon,
            file.sessions,
            file.tickers,
            **{name: file.matrix(name).astype(float) for name in SINGLE},
            points={name: file.matrix(POINT + name).astype(float) for name in candidates_in(data)},
            quantiles=quantiles,
        )


def read_matrices(
    data: bytes, names: Sequence[str]
) -> tuple[Days, tuple[str, ...], dict[str, Singles]]:
    """Sessions, tickers and some matrices, (R, N), of a file that ``to_parquet`` made.

    For readers that need few of the columns, and little memory: they are read one by one. A name
    that the file lacks is left out.

    Raises:
        ValueError: It is another file.
    """
    import polars as pl

    with _one_error():
        stored, file = pl.read_parquet_schema(io.BytesIO(data)), _File(data)
        matrices = {name: file.matrix(name) for name in names if name in stored}
    return file.sessions, file.tickers, matrices


def candidates_in(data: bytes) -> list[str]:
    """The names of the candidates whose forecasts such a file has, and ``served``.

    Raises:
        ValueError: It is another file.
    """
    import polars as pl

    with _one_error():
        names = pl.read_parquet_schema(io.BytesIO(data))
    return [name.removeprefix(POINT) for name in names if name.startswith(POINT)]


@contextmanager
def _one_error() -> Iterator[None]:
    import polars as pl

    try:
        yield
    except (pl.exceptions.PolarsError, KeyError) as error:
        raise ValueError("it is no record of forecasts") from error


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


class _File:
    """The matrices of a file, read one by one: all its columns at once are as large again.

    Attributes:
        sessions: Ascending; (R,).
        tickers: Ascending; N of them.
        shape: R and N.
    """

    def __init__(self, data: bytes) -> None:
        import polars as pl

        self._data = data
        pairs = self._columns(["made", "ticker"])
        self.sessions, rows = np.unique(pairs["made"].to_numpy(), return_inverse=True)
        ticker = pairs["ticker"]
        kind = ticker.dtype
        if not isinstance(kind, pl.Enum):
            # Of a file from before 2026-12: pyarrow wrote it.
            ticker = ticker.cast(pl.String)
            ticker = ticker.cast(kind := pl.Enum(ticker.unique().sort()))
        self.tickers = tuple(kind.categories)
        self.shape = len(self.sessions), len(self.tickers)
        self._cells = rows * self.shape[1] + ticker.to_physical().to_numpy()

    def matrix(self, name: str) -> Singles:
        """A column as a matrix, NaN where it has no value; (R, N)."""
        matrix = np.full(self.shape, np.nan, dtype=np.float32)
        matrix.reshape(-1)[self._cells] = self._columns([name])[name].to_numpy()
        return matrix

    def _columns(self, names: list[str]) -> pl.DataFrame:
        import polars as pl

        return pl.read_parquet(io.BytesIO(self._data), columns=names)
