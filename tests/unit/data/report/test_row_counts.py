import polars as pl
import pytest

from src.data.history.deliveries import pack
from src.data.report.row_counts import count_at_cleaning, count_at_ingest
from src.data.report.ticker_data import delivered_rows
from tests.support.report_rows import TUESDAY, WEDNESDAY, clean, quarantine, refused


def batches(*rows):
    """Rows of (batch_id, delivered, rejected)."""
    schema = {"batch_id": pl.Int64, "rows_delivered": pl.Int64, "rows_rejected": pl.Int64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(kind=pl.lit("daily"), source=pl.lit("yahoo"))


def archived(batch_id, *days):
    frame = pl.DataFrame({"line": range(len(days)), "date": days, "close": [1.0] * len(days)})
    return {"batch_id": batch_id, "kind": "daily", "source": "yahoo", "content": pack(frame)}


# Two deliveries share a day; of the second one row had no date and one was an older vintage.
TWO = batches((1, 2, 0), (2, 3, 1))
CONTENTS = [archived(1, TUESDAY, WEDNESDAY), archived(2, WEDNESDAY, TUESDAY)]
REFUSED = (
    refused("", "bad_date", stage="data_ingest"),
    refused("2024-03-27", "older_vintage", stage="data_ingest"),
)


def ingest_sum(raw_days, contents, refused_rows):
    raw = pl.DataFrame({"date": raw_days, "source": ["yahoo"] * len(raw_days)})
    delivered = delivered_rows(pl.DataFrame(contents))
    rejected = quarantine(*refused_rows)
    return count_at_ingest("daily", raw, TWO, delivered, rejected).row(0, named=True)


def test_each_row_that_was_delivered_is_stored_repeated_or_refused():
    counts_row = ingest_sum([TUESDAY, WEDNESDAY], CONTENTS, REFUSED)

    counts = [counts_row[name] for name in ("delivered", "kept", "repeated", "refused")]
    assert counts == [5, 2, 1, 2]
    assert counts_row["holds"] is True


def test_a_raw_row_that_vanished_breaks_the_sum():
    assert ingest_sum([TUESDAY], CONTENTS, REFUSED)["holds"] is False


def test_a_refused_row_that_vanished_breaks_the_sum():
    assert ingest_sum([TUESDAY, WEDNESDAY], CONTENTS, REFUSED[1:])["holds"] is False


def test_a_sum_is_unknown_where_a_delivery_was_not_archived():
    assert ingest_sum([TUESDAY, WEDNESDAY], CONTENTS[:1], REFUSED)["holds"] is None


@pytest.mark.parametrize(("refused_rows", "holds"), [(1, True), (0, False), (2, False)])
def test_raw_rows_are_clean_bars_or_refused(refused_rows, holds):
    raw = pl.DataFrame({"source": ["yahoo", "yahoo", "nse"]})
    rejected = quarantine(*[refused("2024-03-27", "null_bar")] * refused_rows)
    bars = clean(TUESDAY, WEDNESDAY, repaired=[WEDNESDAY])

    counts_row = count_at_cleaning("daily", "yahoo", raw, bars, rejected)

    assert counts_row["holds"].to_list() == [holds]
