"""Check that no row is lost between delivery, raw and clean prices.

Each row that was delivered is a raw row, a repeat of one, or in quarantine; each raw row of the
chosen source is a clean bar or in quarantine.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from src.data.cleaning.quarantine import STAGE_NAME as CLEANING
from src.data.ingest.storing.batch_rows import STAGE_NAME as INGEST
from src.data.report.ticker_data import TickerData

STALE = "The stored clean prices are older than the raw ones: run the pipeline"
ROWS_LOST = "Rows are unaccounted for: a row was delivered and is neither stored nor in quarantine"
# Refused at ingest because of what was stored before; other rows refused there had no usable key.
REFUSED_BY_COMPARISON = ("null_over_value", "older_vintage")
SCHEMA = pl.Schema(
    {
        "stage": pl.String(),
        "kind": pl.String(),
        "source": pl.String(),
        "delivered": pl.Int64(),
        "kept": pl.Int64(),
        "repeated": pl.Int64(),
        "refused": pl.Int64(),
        "holds": pl.Boolean(),
    }
)


class Verdict(NamedTuple):
    """A sentence about the stored prices, and whether it is good news."""

    text: str
    is_good: bool


def count_rows(data: TickerData) -> pl.DataFrame:
    """The sums at ingest and at cleaning; ``holds`` is null where it cannot be known.

    That is so at cleaning where the clean prices are older than the raw ones.
    """
    ingest = [
        count_at_ingest(kind, raw, data.batches, data.delivered, data.quarantine)
        for kind, raw in (("daily", data.raw), ("hourly", data.hourly))
    ]
    cleaning = [
        count_at_cleaning("daily", data.chosen, data.raw, data.clean, data.quarantine),
        count_at_cleaning(
            "hourly", data.chosen_hourly, data.hourly, data.clean_hourly, data.quarantine
        ),
    ]
    holds = pl.when(data.stale == 0).then(pl.col("holds"))
    return pl.concat([*ingest, *(rows.with_columns(holds=holds) for rows in cleaning)])


def verdicts(data: TickerData) -> list[Verdict]:
    """Whether the clean prices are up to date, and whether every row is accounted for."""
    sentences = [_freshness(data)]
    holds = count_rows(data)["holds"]
    if not holds.all():
        sentences.append(Verdict(f"{ROWS_LOST}: see Row conservation.", is_good=False))
    elif holds.null_count() == 0:
        sentences.append(Verdict("Every delivered row is accounted for.", is_good=True))
    return sentences


def _freshness(data: TickerData) -> Verdict:
    if data.clean.is_empty() and data.raw.height:
        return Verdict("No clean prices are stored: run the pipeline.", is_good=False)
    if data.stale:
        return Verdict(f"{STALE} ({data.stale:,} rows differ).", is_good=False)
    return Verdict("The clean prices are up to date with the raw ones.", is_good=True)


def count_at_ingest(
    kind: str,
    raw: pl.DataFrame,
    batches: pl.DataFrame,
    delivered: pl.DataFrame,
    quarantine: pl.DataFrame,
) -> pl.DataFrame:
    """Rows delivered = raw rows + repeats of them + rows rejected, for each source of a kind.

    ``raw`` are the rows of that kind, ``delivered`` every archived row (see
    ``ticker_data.delivered_rows``).

    Returns:
        ``SCHEMA``'s columns. ``delivered`` is what the batches say, ``repeated`` counts the
        archived rows of a day that an earlier delivery had already. ``repeated`` and ``holds`` are
        null where a batch was not archived.
    """
    rejected = quarantine.filter(stage=INGEST, kind=kind, action="rejected")
    rows = []
    by_source = batches.filter(kind=kind).sort("source").group_by("source", maintain_order=True)
    for (source,), batches_of_source in by_source:
        archived = delivered.filter(kind=kind, source=source)
        refused = rejected.filter(source=source)
        compared = refused.filter(pl.col("rule").is_in(REFUSED_BY_COMPARISON)).height
        repeated = archived.height - archived["at"].n_unique() - compared
        with_rows = batches_of_source.filter(pl.col("rows_delivered") > pl.col("rows_rejected"))
        is_archived = set(with_rows["batch_id"]) <= set(archived["batch_id"])
        total = int(batches_of_source["rows_delivered"].sum())
        kept = raw.filter(source=source).height
        holds = total == kept + repeated + refused.height
        known = (repeated, refused.height, holds) if is_archived else (None, refused.height, None)
        rows.append((INGEST, kind, source, total, kept, *known))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def count_at_cleaning(
    kind: str, chosen: str, raw: pl.DataFrame, clean: pl.DataFrame, quarantine: pl.DataFrame
) -> pl.DataFrame:
    """Raw rows of the chosen source = clean bars that were not repaired + rows refused.

    Returns:
        One row with ``SCHEMA``'s columns, none where the source has no raw row of that kind.
    """
    total = raw.filter(source=chosen).height
    kept = clean.filter(pl.col("repaired_by").is_null()).height
    refused = quarantine.filter(stage=CLEANING, kind=kind, action="rejected").height
    row = (CLEANING, kind, chosen, total, kept, 0, refused, total == kept + refused)
    return pl.DataFrame([row] if total or kept or refused else [], schema=SCHEMA, orient="row")
