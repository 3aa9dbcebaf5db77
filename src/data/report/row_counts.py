"""What came in, what is stored and what was refused in, the sums of both out; pure.

No row may vanish: each one that was delivered is a raw row, a repeat of one, or in quarantine,
and each raw row of the chosen source is a clean bar or in quarantine.
"""

from __future__ import annotations

import polars as pl

# Refused at ingest because of what was stored before; other rows refused there had no usable key.
COMPARED = ("null_over_value", "older_vintage")
SCHEMA = pl.Schema(
    {
        "stage": pl.String(),
        "kind": pl.String(),
        "source": pl.String(),
        "came": pl.Int64(),
        "kept": pl.Int64(),
        "repeated": pl.Int64(),
        "refused": pl.Int64(),
        "holds": pl.Boolean(),
    }
)


def at_ingest(
    kind: str,
    raw: pl.DataFrame,
    batches: pl.DataFrame,
    delivered: pl.DataFrame,
    quarantine: pl.DataFrame,
) -> pl.DataFrame:
    """Rows delivered = raw rows + repeats of them + rows rejected, for each source.

    Args:
        kind: ``daily`` or ``hourly``.
        raw: the raw rows of that kind.
        batches: rows of ``ingest_batches``.
        delivered: every archived row (see ``quality.delivered``).
        quarantine: rows of ``quarantine``.

    Returns:
        ``SCHEMA``'s columns. ``came`` is what the batches say, ``repeated`` what a later delivery
        brought of a day that was there already, told by the archived rows. ``holds`` is null
        where a batch was not archived, so that it cannot be told.
    """
    refused = quarantine.filter(stage="data_ingest", kind=kind, action="rejected")
    rows = []
    for source, told in (
        batches.filter(kind=kind).sort("source").group_by("source", maintain_order=True)
    ):
        name = str(source[0])
        archived = delivered.filter(kind=kind, source=name)
        gone = refused.filter(source=name)
        compared = gone.filter(pl.col("rule").is_in(COMPARED)).height
        again = archived.height - archived["at"].n_unique() - compared
        is_whole = set(told.filter(_has_rows())["batch_id"]) <= set(archived["batch_id"])
        came, kept = int(told["rows_delivered"].sum()), raw.filter(source=name).height
        repeated = again if is_whole else None
        holds = came == kept + again + gone.height if is_whole else None
        rows.append(("data_ingest", kind, name, came, kept, repeated, gone.height, holds))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def at_cleaning(
    kind: str, chosen: str, raw: pl.DataFrame, clean: pl.DataFrame, quarantine: pl.DataFrame
) -> pl.DataFrame:
    """Raw rows of the chosen source = clean bars that were not repaired + rows refused.

    Returns:
        One row with ``SCHEMA``'s columns, none where the source has no raw row of that kind.
    """
    came = raw.filter(source=chosen).height
    kept = clean.filter(pl.col("repaired_by").is_null()).height
    refused = quarantine.filter(stage="data_cleaning", kind=kind, action="rejected").height
    row = ("data_cleaning", kind, chosen, came, kept, 0, refused, came == kept + refused)
    return pl.DataFrame([row] if came or kept or refused else [], schema=SCHEMA, orient="row")


def _has_rows() -> pl.Expr:
    return pl.col("rows_delivered") > pl.col("rows_rejected")
