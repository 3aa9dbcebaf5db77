"""Adjust clean bars by the ledger of corporate actions, and add what the prices say of it.

A ledger row has the columns of ``corporate_actions``. What a person decided stands: a jump on the
date of such a decision is neither inferred again nor pending.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from src.core.calendars.exchanges import exchange_of
from src.data.corporate_actions.action import SHARE_KINDS, VALUE_KINDS, Action
from src.data.corporate_actions.adjust import adjust, apply_splits
from src.data.corporate_actions.ledger import (
    KEY,
    LEDGER_SCHEMA,
    NO_ROWS,
    applied_actions,
    decided_days,
    effective_rows,
    is_contradicted,
    is_overruled,
    pending_days,
    without_contradictions,
)
from src.data.corporate_actions.price_checks.contradictions import (
    find_contradictions,
    find_unpayable,
    shown_reports,
)
from src.data.corporate_actions.price_checks.events import ExplainedJumps, explain_jumps
from src.data.corporate_actions.price_checks.jumps import LEAST_JUMP, still_shows
from src.data.corporate_actions.price_checks.partings import find_partings
from src.data.corporate_actions.price_checks.rights import felt_days, with_theoretical_ratios
from src.data.corporate_actions.price_checks.split_inference import InferredSplit, infer_splits

if TYPE_CHECKING:
    from src.core.arrays import Bools
    from src.core.calendars.calendar import Calendar
    from src.data.sources.delivery import Basis

# Its price bands tell a split from a crash; elsewhere nothing in the prices does.
EXCHANGE_WITH_PRICE_BANDS = "NSE"


@dataclass(frozen=True)
class AdjustedSeries:
    """Adjusted bars with ``return_basis`` and ``action_pending``, and new ledger rows.

    Attributes:
        bars: in date order.
        inferred: splits found in the prices.
        contradicted: stated actions that the prices contradict: they are not applied and wait
            for a person.
        reinstated: actions that the prices contradicted before and no longer do.
        weighed: stated rights, demergers and events that no person has decided on, as the prices
            show them: with the jump that they explain, or the ratio that follows.
    """

    bars: pl.DataFrame
    inferred: pl.DataFrame
    contradicted: pl.DataFrame
    reinstated: pl.DataFrame
    weighed: pl.DataFrame


def apply_actions(
    bars: pl.DataFrame,
    ledger: pl.DataFrame,
    calendar: Calendar,
    others: Sequence[pl.DataFrame] = (),
) -> AdjustedSeries:
    """Adjust one ticker's bars by the active actions, and infer splits that nobody stated.

    A split of which adjusted prices still show the jump was missed by the vendor: it is applied
    like one that was inferred with confidence. Any other jump is pending, and so are a stated split
    that unadjusted prices do not show, and a session on which adj_close and close part by more than
    dividends explain: it is marked until a person decides. A jump at a stated event is pending as
    that event, and never taken for a split.

    ``bars`` are clean and in date order, with ``price_basis, source, fetched_at, adj_close``;
    ``ledger`` may have earlier inferences, which are made anew; ``others`` are the clean bars of
    the ticker's other sources.
    """
    if bars.is_empty():
        adjusted = adjust(bars, [], "split").with_columns(action_pending=pl.lit(value=False))
        return AdjustedSeries(adjusted, NO_ROWS, NO_ROWS, NO_ROWS, NO_ROWS)
    basis: Basis = bars["price_basis"][0]
    stated = effective_rows(ledger)
    effective = shown_reports(bars, stated) if basis == "unadjusted" and stated.height else stated
    missed = _missed_splits(bars, effective, basis)
    jumps = _infer(bars, effective, missed, calendar, others)
    explained, weighed = _weighed(bars, ledger, effective, jumps, missed)
    inferred = explained.unexplained
    confident = [split for split in inferred if split.confident]
    splits = [Action(split.date, "split", ratio=split.ratio) for split in confident]
    contradicted = find_contradictions(bars, effective, splits, calendar)
    believed = _without(effective, pl.concat([contradicted, weighed]))
    inferred_rows = _inferred_rows(bars, inferred)
    if basis != "unadjusted":
        bars = apply_splits(bars, [*missed, *splits])
    contradicted = pl.concat([contradicted, find_unpayable(bars, believed, splits)])
    changed = pl.concat([contradicted, weighed])
    believed = _without(effective, changed)
    adjusted = adjust(bars, [*applied_actions(believed), *splits], basis)
    pending = {split.date for split in inferred if not split.confident} | explained.days
    pending |= pending_days(effective) | pending_days(contradicted) | felt_days(weighed, bars)
    applied = pl.concat([believed, inferred_rows]).filter(status="applied")
    marks = _pending_bars(adjusted, pending) | find_partings(adjusted, applied)
    return AdjustedSeries(
        adjusted.with_columns(action_pending=pl.Series(marks, dtype=pl.Boolean)),
        inferred_rows,
        contradicted,
        _reinstated_rows(ledger, stated, changed),
        weighed,
    )


def _weighed(
    bars: pl.DataFrame,
    ledger: pl.DataFrame,
    effective: pl.DataFrame,
    jumps: list[InferredSplit],
    missed: list[Action],
) -> tuple[ExplainedJumps, pl.DataFrame]:
    """The jumps that undecided rights and events explain or not, and all those rows anew."""
    if effective.is_empty():
        return ExplainedJumps(jumps, NO_ROWS, set()), NO_ROWS
    is_rights = pl.col("kind") == "rights"
    undecided = effective.filter(
        pl.col("kind").is_in(VALUE_KINDS), pl.col("status") != "rejected", decided_by="rule"
    )
    changes = [
        action
        for action in applied_actions(effective)
        if action.kind in SHARE_KINDS and action not in missed
    ]
    rights = with_theoretical_ratios(undecided.filter(is_rights), bars, changes)
    explained = explain_jumps(jumps, undecided.filter(~is_rights), bars)
    by_rights = explain_jumps(explained.unexplained, rights.filter(status="pending"), bars)
    explained = ExplainedJumps(
        by_rights.unexplained, explained.events, explained.days | by_rights.days
    )
    return explained, pl.concat([explained.events, rights, _settled(ledger)])


def _settled(ledger: pl.DataFrame) -> pl.DataFrame:
    """Rows that wait no longer, because a person has decided on a change of their date."""
    overruled = ledger.filter(is_overruled(ledger))
    is_value = pl.col("kind").is_in(VALUE_KINDS)
    values = without_contradictions(overruled.filter(is_value)).with_columns(
        ratio=pl.lit(None, pl.Float64), status=pl.lit("applied")
    )
    denied = without_contradictions(overruled.filter(~is_value, is_contradicted()))
    return pl.concat([values, denied])


def _without(rows: pl.DataFrame, changed: pl.DataFrame) -> pl.DataFrame:
    if changed.is_empty() or rows.is_empty():
        return rows
    return rows.join(changed, on=KEY, how="anti", maintain_order="left")


def _infer(
    bars: pl.DataFrame,
    effective: pl.DataFrame,
    missed: list[Action],
    calendar: Calendar,
    others: Sequence[pl.DataFrame],
) -> list[InferredSplit]:
    """Jumps that no active action explains, without those that a person has decided on."""
    basis: Basis = bars["price_basis"][0]
    visible = [
        action
        for action in applied_actions(effective)
        if action in missed or _shows_in_prices(action, basis)
    ]
    has_bands = exchange_of(bars["ticker"][0]).name == EXCHANGE_WITH_PRICE_BANDS
    inferred = infer_splits(bars, visible, calendar, has_bands=has_bands, others=others)
    decided = decided_days(effective)
    return [split for split in inferred if split.date not in decided]


def _missed_splits(bars: pl.DataFrame, effective: pl.DataFrame, basis: Basis) -> list[Action]:
    """The actions that adjusted prices still show, though their vendor should know them.

    Of rights, demergers and events a person has said that the price fell by them, if it did.
    """
    if basis == "unadjusted" or effective.is_empty():
        return []
    accepted = effective.filter(origin="inferred", source=bars["source"][0], status="applied")
    days = accepted["date"].to_list()
    return [
        action
        for action in applied_actions(effective)
        if action.date in days
        or still_shows(bars, action, 0.0 if action.kind in VALUE_KINDS else LEAST_JUMP)
    ]


def _shows_in_prices(action: Action, basis: Basis) -> bool:
    """Whether prices of that basis still move by the action on its ex-date."""
    return basis == "unadjusted" or (basis == "split" and action.kind == "dividend")


def _reinstated_rows(
    ledger: pl.DataFrame, effective: pl.DataFrame, changed: pl.DataFrame
) -> pl.DataFrame:
    if effective.is_empty():
        return effective
    before = _without(ledger.filter(is_contradicted()).join(effective, on=KEY, how="semi"), changed)
    return without_contradictions(before)


def _pending_bars(bars: pl.DataFrame, pending: set[dt.date]) -> Bools:
    """The first bar on or after each date, (n,): an ex-date need not have a bar."""
    days = bars["date"].to_numpy()
    rows = days.searchsorted(np.array(sorted(pending), dtype="datetime64[D]"))
    marks = np.zeros(days.size, dtype=bool)
    marks[rows[rows < days.size]] = True
    return marks


def _inferred_rows(bars: pl.DataFrame, inferred: list[InferredSplit]) -> pl.DataFrame:
    """The inferred rows of the ledger; known since the bar that shows the jump was fetched."""
    if not inferred:
        return NO_ROWS
    fetched = dict(zip(bars["date"], bars["fetched_at"], strict=True))
    rows = [
        {
            "ticker": bars["ticker"][0],
            "date": split.date,
            "kind": "split",
            "source": bars["source"][0],
            "origin": "inferred",
            "ratio": split.ratio,
            "amount": None,
            "status": "applied" if split.confident else "pending",
            "decided_by": "rule",
            "evidence": json.dumps(split.evidence, sort_keys=True),
            "known_at": fetched[split.date],
        }
        for split in inferred
    ]
    return pl.DataFrame(rows, schema=LEDGER_SCHEMA)
