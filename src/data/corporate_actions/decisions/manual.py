"""Make ledger rows of what a person enters or decides."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import polars as pl

from src.core.errors import BadInput
from src.data.corporate_actions.action import PRICE_KINDS, Action, Kind
from src.data.corporate_actions.decisions.proposals import proposed_ratios, seen_move
from src.data.corporate_actions.ledger import JUMP, LEDGER_SCHEMA


def decided_rows(
    ledger: pl.DataFrame, day: dt.date, kind: str | None, status: str, ratio: float | None = None
) -> pl.DataFrame:
    """The rows of that ex-date, of one kind or of all, that a person's decision changes.

    Rows that have the status already, and the ``ratio`` that a person gives, are not decided anew.

    Raises:
        BadInput: the ledger has no such row, or rows of several kinds that the ratio may be of.
        BadAction: for an impossible ratio.
    """
    rows = ledger.filter(date=day) if kind is None else ledger.filter(date=day, kind=kind)
    if rows.is_empty():
        raise BadInput(
            f"The ledger has no {kind or 'action'} on {day}. {_what_it_has(ledger, day)}"
        )
    if ratio is not None:
        return _with_ratio(rows, day, status, ratio)
    changed = rows.filter(pl.col("status") != status)
    return changed.with_columns(status=pl.lit(status), decided_by=pl.lit("person"))


def _what_it_has(ledger: pl.DataFrame, day: dt.date) -> str:
    """The actions of that date, else the nearest dates, as a sentence."""
    kinds = ledger.filter(date=day)["kind"].unique().sort().to_list()
    if kinds:
        options = " or ".join(f"--kind {kind}" for kind in kinds)
        return f"That day has: {', '.join(kinds)}; say {options}."
    days = ledger.sort((pl.col("date") - day).abs())["date"].unique(maintain_order=True)[:3]
    if days.is_empty():
        return "It is empty."
    return f"The nearest dates are {', '.join(map(str, days))}."


def _with_ratio(rows: pl.DataFrame, day: dt.date, status: str, ratio: float) -> pl.DataFrame:
    rows = rows.filter(pl.col("kind").is_in(PRICE_KINDS))
    kinds = rows["kind"].unique().sort().to_list()
    if not kinds:
        raise BadInput(f"The ledger has nothing on {day} that a ratio could be of.")
    if len(kinds) > 1:
        raise BadInput(
            f"The ledger has a {' and a '.join(kinds)} on {day}: say with --kind which of them "
            "the ratio is of."
        )
    Action(day, kinds[0], ratio=ratio)
    is_same = (pl.col("status") == status) & pl.col("ratio").eq_missing(ratio)
    return rows.filter(~is_same).with_columns(
        status=pl.lit(status), decided_by=pl.lit("person"), ratio=pl.lit(ratio)
    )


def with_proposed_ratios(accepted: pl.DataFrame) -> pl.DataFrame:
    """Rows that a person accepts without a ratio, with the only plausible one where it is open.

    What a rule inferred has to be plausible, and what changes a share's value needs a ratio.

    Raises:
        BadInput: no ratio is plausible, or several are.
    """
    rows = [row | {"ratio": _accepted_ratio(row)} for row in accepted.iter_rows(named=True)]
    return pl.DataFrame(rows, schema=accepted.schema)


def _accepted_ratio(row: dict[str, Any]) -> float | None:
    ratio: float | None = row["ratio"]
    if row["kind"] not in PRICE_KINDS:
        return ratio
    if ratio is not None and row["origin"] != "inferred":
        return ratio
    proposed = proposed_ratios(row)
    if len(proposed) == 1:
        return proposed[0]
    if proposed:
        likely = " or ".join(f"{each:.4g}" for each in proposed)
        raise BadInput(
            f"The {row['kind']} of {row['date']} may be one of {likely} for 1: give the right "
            "ratio with --ratio."
        )
    raise BadInput(f"No ratio is known for the {row['kind']} of {row['date']}{_way_to_ratio(row)}.")


def _way_to_ratio(row: dict[str, Any]) -> str:
    """What was seen of the action, and how to find its ratio."""
    if move := seen_move(row):
        return (
            f" (the price opened {move[0] - 1:+.1%}, at 1/{1 / move[0]:.4g} of the close before): "
            "give it with --ratio, or reject it if the move was real"
        )
    if row["kind"] == "rights":
        return (
            ", and the stored prices show no jump there: give with --ratio the close before, P, "
            "over the theoretical price after, (h P + r S) / (h + r), where r shares at S are "
            "offered for h held, or reject it if it took nothing from the price"
        )
    return (
        ", and the stored prices show no jump there: give with --ratio the value of a share before "
        "it over the value after it, or reject it if it took nothing from the price"
    )


def check_jump_date(accepted: pl.DataFrame) -> None:
    """Refuse what explains a jump of a later date than its own: it would act on the wrong one.

    Raises:
        BadInput: names that date, and how to enter the action there.
    """
    for row in accepted.iter_rows(named=True):
        jump = json.loads(row["evidence"]).get(JUMP)
        if jump and not jump["prev_date"] < str(row["date"]) <= jump["date"]:
            raise BadInput(
                f"The {row['kind']} is dated {row['date']}, but the price jumped on "
                f"{jump['date']}: enter it there with `add --kind {row['kind']} --date "
                f"{jump['date']} --ratio R`, and reject the one of {row['date']}."
            )


def entered_row(
    ticker: str, day: dt.date, kind: Kind, value: float, at: dt.datetime
) -> pl.DataFrame:
    """A ledger row for an action that a person states.

    ``value`` is money per share for a dividend, else the ratio; ``at`` is in UTC.

    Raises:
        BadAction: for an impossible value.
    """
    ratio, amount = (None, value) if kind == "dividend" else (value, None)
    Action(day, kind, ratio=ratio, amount=amount)
    return pl.DataFrame(
        [
            {
                "ticker": ticker,
                "date": day,
                "kind": kind,
                "source": "person",
                "origin": "entered",
                "ratio": ratio,
                "amount": amount,
                "status": "applied",
                "decided_by": "person",
                "evidence": "{}",
                "known_at": at,
            }
        ],
        schema=LEDGER_SCHEMA,
    )
