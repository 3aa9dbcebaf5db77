"""Real bars in files that were put together oddly: every row ends up stored or set aside."""

import datetime as dt

import polars as pl
import pytest

from src.core.calendars.nse import nse
from src.core.tables import CLEAN_DAILY, QUARANTINE, RAW_DAILY
from src.data.cleaning import stage as cleaning
from src.data.ingest import stage as ingest
from src.data.sources.files.source import FileSource
from tests.support.prices import context, run

TCS = "TCS.NS"
NOW = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)
FILE = "nse_daily_upstox/TCS_2020-10-01_to_2025-09-30.csv"


@pytest.fixture
def bars(data):
    return pl.read_csv(data / FILE, infer_schema=False)


@pytest.fixture
def bring(store, home, tmp_path):
    """Ingest and clean the rows as a file; raw, set aside at ingest, clean, and the notes."""

    def brought(table):
        path = tmp_path / "TCS.NS.csv"
        table.write_csv(path)
        options = {"vendor": "mine", "basis": "split", "fetched_at": None}
        source = FileSource([path], calendar=nse(), ticker=TCS, now=NOW, **options)
        report = run(ingest.stage(source), context(store, home))
        run(cleaning.STAGE, context(store, home))
        refused = store.load(QUARANTINE, [TCS]).filter(stage="data_ingest")
        found = (store.load(RAW_DAILY, [TCS]), refused, store.load(CLEAN_DAILY, [TCS]))
        return *found, report.details["notes"]

    return brought


@pytest.fixture
def straight(bring, bars, store):
    """The clean rows of the file as it is, without where they came from."""
    _, _, clean, notes = bring(bars)
    assert notes == []
    with store.transaction():
        for table in (RAW_DAILY, CLEAN_DAILY, QUARANTINE):
            store.replace(table, [TCS], store.load(table, [TCS]).clear())
    return clean


def test_a_file_newest_first_is_the_same_series(bring, bars, straight):
    raw, refused, clean, notes = bring(bars.reverse())

    assert (raw.height, refused.height) == (bars.height, 0)
    assert clean.equals(straight)
    assert notes == [f"{TCS}: rows are newest first"]


def test_a_block_in_another_place_is_the_same_series(bring, bars, straight):
    moved = pl.concat([bars[:100], bars[112:], bars[100:112]])

    raw, refused, clean, notes = bring(moved)

    assert (raw.height, refused.height) == (bars.height, 0)
    assert clean.equals(straight)
    assert notes == [f"{TCS}: 12 rows are out of date order"]


def test_whole_days_written_twice_out_of_order_are_set_aside_once(bring, bars, straight):
    twice = pl.concat([bars[:200], bars[40:60], bars[200:], bars[300:305]])

    raw, refused, clean, _ = bring(twice)

    assert (raw.height, refused.height) == (bars.height, 25)
    assert raw.height + refused.height == twice.height
    assert set(refused["rule"]) == {"duplicate_identical"}
    assert clean.equals(straight)


def test_of_several_series_of_a_day_the_ordinary_one_is_kept(bring, bars, straight):
    ordinary = bars.with_columns(series=pl.lit("EQ"))
    block = bars[50:90].with_columns(close=pl.lit("1.0"), series=pl.lit("BL"))
    mixed = pl.concat([ordinary[:70], block, ordinary[70:]])

    raw, refused, clean, _ = bring(mixed)

    assert (raw.height, refused.height) == (bars.height, 40)
    assert set(refused["rule"]) == {"other_series"}
    assert clean.equals(straight)


def test_leading_rows_of_zeros_are_stored_and_not_clean(bring, bars, straight):
    prices = ("open", "high", "low", "close", "volume")
    zeros = bars[:5].with_columns(pl.lit("0").alias(name) for name in prices)
    led = pl.concat([zeros, bars[5:]])

    raw, refused, clean, _ = bring(led)

    assert (raw.height, refused.height) == (bars.height, 0)
    assert clean.equals(straight[5:])
