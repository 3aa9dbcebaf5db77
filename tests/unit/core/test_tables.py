import pytest

from src.core import tables
from src.core.tables import Table

ALL = [value for value in vars(tables).values() if isinstance(value, Table)]
each_table = pytest.mark.parametrize("table", ALL, ids=lambda table: table.name)


def test_each_table_has_a_name_of_its_own():
    assert len({table.name for table in ALL}) == len(ALL) >= 10


@each_table
def test_a_key_is_made_of_declared_columns(table):
    assert table.key
    assert set(table.key) <= set(table.columns)


@each_table
def test_every_table_says_whose_row_it_is(table):
    # Files of the whole market are of no one ticker.
    names = {"ticker", "pool", "features_version", "bundle_hash", "hash"}
    owners = names & set(table.columns)
    assert {table.columns[name] for name in owners} == {"text"}


@pytest.mark.parametrize(
    ("table", "key"),
    [
        (tables.RAW_DAILY, ("ticker", "date", "source")),
        (tables.RAW_HOURLY, ("ticker", "ts", "source")),
        (tables.CLEAN_DAILY, ("ticker", "date")),
        (tables.CLEAN_HOURLY, ("ticker", "ts")),
        (tables.FEATURES_DAILY, ("ticker", "date")),
        (tables.DATASET_SHORT, ("ticker", "date")),
        (tables.DATASET_LONG, ("ticker", "date")),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_raw_rows_are_kept_by_source_and_derived_ones_are_not(table, key):
    assert table.key == key


def test_hourly_times_are_instants_and_daily_dates_are_days():
    assert tables.RAW_HOURLY.columns["ts"] == "timestamp with time zone"
    assert tables.CLEAN_HOURLY.columns["ts"] == "timestamp with time zone"
    assert tables.RAW_DAILY.columns["date"] == "date"


def test_only_features_and_datasets_take_further_columns():
    assert {table.name for table in ALL if table.open_ended} == {
        *("features_daily", "dataset_short", "dataset_long"),
    }


def test_both_datasets_hold_the_end_of_the_label():
    assert tables.DATASET_SHORT.columns == tables.DATASET_LONG.columns
    assert tables.DATASET_SHORT.columns["label_end"] == "date"


def test_a_table_cannot_be_changed():
    with pytest.raises(AttributeError):
        tables.RAW_DAILY.name = "other"
