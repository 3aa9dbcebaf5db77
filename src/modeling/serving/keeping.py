"""What live models were asked with and what they said in; stored and logged, for live runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from src.modeling.serving.records import prediction_row

if TYPE_CHECKING:
    from src.stages.stage import RunContext


def keep(
    context: RunContext, rows: Sequence[Mapping[str, Any]], forecasts: Sequence[Mapping[str, Any]]
) -> None:
    """Store what live models are asked with, and log what was forecast from it.

    Args:
        context: Of a live run; another one keeps nothing.
        rows: Of ``serving_inputs``.
        forecasts: Entries of results.json, one for each row.
    """
    if context.records is None:
        return
    context.records.serving.write(rows)
    context.records.forecasts.log(
        [
            prediction_row(entry, row, context.now)
            for entry, row in zip(forecasts, rows, strict=True)
        ]
    )
