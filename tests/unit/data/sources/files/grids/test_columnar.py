"""Parquet and feather files are read with every digit."""

import datetime as dt
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from src.core.errors import BadInput
from src.data.sources.files.containers.archives import LARGEST
from src.data.sources.files.grids import columnar
from tests.support.price_files import all_deliveries, file_source

DAYS = [dt.date(2024, 12, 30), dt.date(2024, 12, 31)]
FRAME = pl.DataFrame(
    {
        "Date": DAYS,
        "Open": [4100.05, 0.1 + 0.2],
        "High": [4150.0, 1e-7],
        "Low": [4080.0, 4100.0],
        "Close": [4120.3333333333335, float("nan")],
        "Volume": [1_200_000, 3_000_000_000],
    }
)


def write(frame, path):
    frame.write_parquet(path) if path.suffix == ".parquet" else frame.write_ipc(path)
    return path


def cells(frame, path):
    return columnar.read_columns(write(frame, path).read_bytes())


@pytest.mark.parametrize("name", ["TCS.parquet", "TCS.feather", "TCS.arrow"])
def test_numbers_and_dates_are_read_as_they_are(tmp_path, name):
    (delivery,) = all_deliveries(file_source(write(FRAME, tmp_path / name), ticker="TCS"))

    assert delivery.frame.rows() == [
        (1, DAYS[0], 4100.05, 4150.0, 4080.0, 4120.3333333333335, 1.2e6, None),
        (2, DAYS[1], 0.1 + 0.2, 1e-7, 4100.0, None, 3e9, None),
    ]


def test_single_precision_has_the_digits_that_it_was_written_with(tmp_path):
    frame = FRAME.with_columns(pl.col("Open").cast(pl.Float32))

    assert cells(frame, tmp_path / "a.parquet").head[1][1] == "4100.05"


def test_times_are_written_with_their_offset(tmp_path):
    time = dt.datetime(2024, 12, 31, 9, 15, tzinfo=ZoneInfo("Asia/Kolkata"))
    frame = pl.DataFrame({"with": [time], "without": [time.replace(tzinfo=None)]})

    assert cells(frame, tmp_path / "a.parquet").head == [
        ["with", "without"],
        ["2024-12-31 09:15:00+05:30", "2024-12-31 09:15:00"],
    ]


def test_the_index_that_pandas_writes_last_comes_first(tmp_path):
    unnamed = FRAME.select(*FRAME.columns[1:], pl.col("Date").alias("__index_level_0__"))
    named = FRAME.select(*FRAME.columns[1:], "Date")

    assert cells(unnamed, tmp_path / "a.parquet").head[0] == ["", *FRAME.columns[1:]]
    assert cells(named, tmp_path / "a.parquet").head[0] == FRAME.columns


def test_columns_of_lists_are_refused(tmp_path):
    with pytest.raises(BadInput, match="its column 'bids' has List"):
        cells(pl.DataFrame({"bids": [[1, 2]]}), tmp_path / "a.parquet")


@pytest.mark.parametrize("name", ["a.parquet", "a.feather"])
def test_a_damaged_file_is_refused(tmp_path, name):
    content = write(FRAME, tmp_path / name).read_bytes()

    with pytest.raises(BadInput, match="its parquet or Arrow data is damaged"):
        columnar.read_columns(content[: len(content) // 2])


def test_the_first_version_of_feather_is_refused():
    with pytest.raises(BadInput, match="first version of feather"):
        columnar.read_columns(b"FEA1" + b"\0" * 20)


def test_a_small_file_that_unpacks_beyond_the_limit_is_refused(tmp_path):
    bomb = pl.DataFrame({"a": pl.repeat(0, LARGEST // 8 + 1, dtype=pl.Int8, eager=True)})
    path = write(bomb, tmp_path / "bomb.parquet")

    with pytest.raises(BadInput, match="larger than 512 MiB unpacked"):
        columnar.read_columns(path.read_bytes())
