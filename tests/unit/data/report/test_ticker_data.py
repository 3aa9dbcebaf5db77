import polars as pl

from src.data.report.ticker_data import count_differing_rows
from tests.support.report_rows import MONDAY, THURSDAY, TUESDAY, WEDNESDAY, clean


def test_versions_of_a_clean_table_differ_where_a_value_or_a_row_does():
    stored = clean(TUESDAY, WEDNESDAY, THURSDAY)
    computed = clean(TUESDAY, WEDNESDAY, MONDAY).with_columns(
        close=pl.when(pl.col("date") == WEDNESDAY).then(101.0).otherwise(100.0)
    )

    assert count_differing_rows(stored, stored, "date") == 0
    assert count_differing_rows(stored, computed, "date") == 3
