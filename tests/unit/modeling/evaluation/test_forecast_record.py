import io
from dataclasses import replace

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from src.modeling.evaluation.forecast_record import (
    ForecastRecord,
    candidates_in,
    read_matrices,
    read_parquet,
    to_parquet,
)
from src.modeling.intervals.quantiles import LEVELS

MATRICES = ("actual", "sigma", "reference_crps", "quantiles")


def single(values):
    return np.asarray(values, dtype=np.float32).astype(np.float64)


@pytest.fixture
def record():
    """Two tickers of which the second has no bar at the first session."""
    random = np.random.default_rng(1)
    there = np.array([[True, False], [True, True], [True, True]])

    def matrix():
        return np.where(there, single(random.normal(0, 0.02, there.shape)), np.nan)

    actual = matrix()
    actual[-1] = np.nan
    return ForecastRecord(
        horizon=63,
        sessions=np.array(["2026-03-02", "2026-03-04", "2026-03-05"], dtype="datetime64[D]"),
        tickers=("A.NS", "M&M.NS"),
        actual=actual,
        points={"zero": np.where(there, 0.0, np.nan), "served": matrix()},
        sigma=matrix(),
        reference_crps=matrix(),
        quantiles=np.where(
            there[..., None], np.sort(single(random.normal(0, 1, (3, 2, len(LEVELS))))), np.nan
        ),
    )


def test_a_record_is_read_as_it_was_written(record):
    read = read_parquet(to_parquet(record))

    assert (read.horizon, read.tickers) == (63, ("A.NS", "M&M.NS"))
    assert np.array_equal(read.sessions, record.sessions)
    for name in MATRICES:
        assert np.array_equal(getattr(read, name), getattr(record, name), equal_nan=True), name
    assert list(read.points) == ["zero", "served"]
    for name, points in record.points.items():
        assert np.array_equal(read.points[name], points, equal_nan=True), name


def test_some_of_its_columns_are_read_as_they_were_written(record):
    data = to_parquet(record)

    sessions, tickers, read = read_matrices(data, ["q500", "actual", "point_served", "q999"])

    assert np.array_equal(sessions, record.sessions)
    assert tickers == record.tickers
    assert list(read) == ["q500", "actual", "point_served"]
    middle = record.quantiles[..., len(LEVELS) // 2]
    assert np.array_equal(read["q500"], middle, equal_nan=True)
    assert np.array_equal(read["actual"], record.actual, equal_nan=True)
    assert candidates_in(data) == ["zero", "served"]
    for reader in (candidates_in, lambda bad: read_matrices(bad, ["actual"])):
        with pytest.raises(ValueError, match="no record of forecasts"):
            reader(b"PAR1 and no more")


def test_equal_records_are_equal_bytes(record):
    data = to_parquet(record)

    assert to_parquet(record) == data
    assert to_parquet(read_parquet(data)) == data
    assert to_parquet(replace(record, sigma=record.sigma * 2)) != data


def test_other_programs_read_it_as_a_plain_table(record):
    table = pl.read_parquet(io.BytesIO(to_parquet(record)))

    assert table.columns[:7] == [
        *("made", "ticker", "actual", "sigma", "reference_crps", "point_zero", "point_served")
    ]
    assert table.columns[7:9] + table.columns[-1:] == ["q025", "q050", "q975"]
    # Without a row for the session at which the second ticker had no bar.
    assert table["ticker"].to_list() == ["A.NS", *("A.NS", "M&M.NS") * 2]
    assert table["made"].is_sorted()
    assert table["actual"].null_count() == 2


def test_a_record_that_pyarrow_wrote_is_read(record):
    data = to_parquet(record)
    table = pq.read_table(io.BytesIO(data))
    names = table["ticker"].cast(pa.string()).dictionary_encode()
    table = table.set_column(1, "ticker", names).replace_schema_metadata({b"horizon": b"63"})
    old = io.BytesIO()
    pq.write_table(table, old, compression="zstd", use_byte_stream_split=table.column_names[2:])

    read = read_parquet(old.getvalue())

    assert to_parquet(read) == data


def test_a_record_without_a_session_is_a_file_too(record):
    none = np.empty((0, 0))
    empty = ForecastRecord(
        1, record.sessions[:0], (), none, {"zero": none}, none, none, np.empty((0, 0, len(LEVELS)))
    )

    read = read_parquet(to_parquet(empty))

    assert (read.horizon, read.tickers, len(read.sessions)) == (1, (), 0)
    assert read.quantiles.shape == (0, 0, len(LEVELS))


def test_a_ticker_has_a_column_or_none(record):
    assert record.column("M&M.NS") == 1
    assert record.column("B.NS") is None


def test_another_file_is_refused(record):
    other = io.BytesIO()
    pl.DataFrame({"made": [1], "ticker": ["A.NS"]}).write_parquet(other)

    for data in (b"", b"PAR1 and nothing else", other.getvalue(), to_parquet(record)[:-9]):
        with pytest.raises(ValueError, match="no record of forecasts"):
            read_parquet(data)
