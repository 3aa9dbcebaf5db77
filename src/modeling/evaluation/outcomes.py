"""Record the outcomes of logged forecasts whose session has come.

The outcome is the label of the session of the features, by the one rule of ``features.labels``, on
the series as it is adjusted today.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from src.core.tables import (
    CLEAN_DAILY,
    CORPORATE_ACTIONS,
    FEATURES_DAILY,
    INSTRUMENT_STATES,
    PREDICTIONS,
)
from src.data.corporate_actions.ledger import applied_actions
from src.data.corporate_actions.recording.joined import joined_actions
from src.data.sources.delivery import NOISE
from src.features.labels import label_rows
from src.modeling.evaluation import logged_forecasts

if TYPE_CHECKING:
    import polars as pl

    from src.core.calendars.calendar import Calendar
    from src.data.corporate_actions.action import Action
    from src.stages.stage import RunContext

Row = Mapping[str, Any]

NO_BAR, PENDING, DELISTED = "no_bar", "pending_action", "delisted"
WAITING_REASONS = {
    NO_BAR: "a session without a price",
    PENDING: "a corporate action that waits for a decision",
    DELISTED: "the delisting of the share, and will have none",
}
# Tickers that a sentence names.
NAMED = 5
# What labels are made from, and the note of an outcome.
_PRICES = (
    *("ticker", "date", "adj_close", "action_pending", "return_basis"),
    *("warm_up", "source", "features_version"),
)


@dataclass(frozen=True)
class PriceNotes:
    """What has been done to prices.

    Attributes:
        actions: Applied to each ticker's prices, in the order of their dates.
        repairs: The rule by which a close was repaired, by ticker and date.
    """

    actions: Mapping[str, Sequence[Action]]
    repairs: Mapping[tuple[str, dt.date], str]


def matured(
    logged: pl.DataFrame, prices: pl.DataFrame, calendar: Calendar, until: dt.date
) -> pl.DataFrame:
    """The forecasts whose session has come, with what is known of it.

    Args:
        logged: ``ticker, feature_date, sessions`` of each forecast, and whatever else.
        prices: Rows of ``features_daily`` of the same tickers, in key order.
        calendar: The exchange's sessions.
        until: The last session that has closed.

    Returns:
        ``logged`` with ``end`` (the session that it is about), ``realised`` (a simple return) and
        ``basis``, and without these ``waits_for``: ``no_bar`` or ``pending_action``.
    """
    import polars as pl

    prices = prices.filter(pl.col("adj_close").is_finite() & (pl.col("adj_close") > 0))
    bars = prices.select("ticker", end="date", basis="return_basis")
    starts = prices.select("ticker", feature_date="date", starts=True)
    parts = []
    for (sessions,), group in logged.group_by("sessions", maintain_order=True):
        ends = calendar.ahead_many(group["feature_date"].to_numpy(), sessions)
        due = group.with_columns(end=pl.Series(ends).cast(pl.Date)).filter(pl.col("end") <= until)
        labels = label_rows(prices, sessions, calendar)
        realised = labels.select("ticker", feature_date="date", realised="target")
        parts.append(
            due.join(realised, on=["ticker", "feature_date"], how="left")
            .join(bars, on=["ticker", "end"], how="left")
            .join(starts, on=["ticker", "feature_date"], how="left")
        )
    both = pl.col("basis").is_not_null() & pl.col("starts").is_not_null()
    reason = pl.when(both).then(pl.lit(PENDING)).otherwise(pl.lit(NO_BAR))
    waits_for = pl.when(pl.col("realised").is_null()).then(reason)
    return pl.concat(parts).with_columns(waits_for=waits_for).drop("starts")


def unsettled(due: pl.DataFrame) -> pl.DataFrame:
    """The forecasts of ``matured`` whose outcome is not recorded yet, or has been restated.

    ``label_end`` and ``realised_return`` are those recorded last, null where nothing is. The noise
    of other digits is no restatement.
    """
    import polars as pl

    before, now = 1 + pl.col("realised_return"), 1 + pl.col("realised")
    moved = pl.col("end") != pl.col("label_end")
    restated = ((now - before).abs() > NOISE * before) | moved
    return due.filter(
        pl.col("realised").is_not_null() & (pl.col("realised_return").is_null() | restated)
    )


def outcome_row(forecast: Row, notes: PriceNotes, at: dt.datetime) -> dict[str, Any]:
    """A row of ``prediction_outcomes``, recorded ``at`` an aware time, for one of ``unsettled``."""
    ticker, start, end = forecast["ticker"], forecast["feature_date"], forecast["end"]
    between = [action for action in notes.actions.get(ticker, ()) if start < action.date <= end]
    texts = [*map(_described, between), *_repairs(notes, ticker, (start, end))]
    if forecast.get("logged_as", ticker) != ticker:
        texts.append(f"prices of {ticker}, which the company is now")
    if forecast["realised_return"] is not None:
        before = f"{forecast['realised_return']:+.6f} to {forecast['label_end']}"
        texts.append(f"restated from {before}")
    return {
        **{name: forecast[name] for name in PREDICTIONS.key},
        "ticker": forecast.get("logged_as", ticker),
        "matured_at": at,
        "label_end": end,
        "realised_return": forecast["realised"],
        "return_basis": forecast["basis"],
        "note": "; ".join(texts),
    }


def record_outcomes(context: RunContext) -> dict[str, Any]:
    """Record the outcomes of the context's tickers; a run that is not live records nothing.

    Returns:
        ``recorded`` and ``restated`` outcomes, forecasts that are due and have none by the reason,
        and ``notes``, a sentence for each such reason; nothing for a run that is not live. All are
        of forecasts that were served: those of running trials mature beside them, uncounted.
    """
    import polars as pl

    if context.records is None:
        return {}
    counts = dict.fromkeys(("recorded", "restated", *WAITING_REASONS), 0)
    until = context.calendar.last_closed(context.now)
    logged = logged_forecasts.to_settle(context, until)
    if logged.is_empty():
        return {**counts, "notes": []}
    tickers, first = logged["ticker"].unique().to_list(), logged["feature_date"].min()
    assert isinstance(first, dt.date)  # noqa: S101 it is not empty
    prices = context.store.load(FEATURES_DAILY, tickers, columns=_PRICES, since=first)
    due = _closed_by_delisting(context, matured(logged, prices, context.calendar, until))
    changed, is_served = unsettled(due), pl.col("kind") == logged_forecasts.SERVED
    served = changed.filter(is_served)
    restated = served.drop_nulls("realised_return")
    shadow = changed.filter(~is_served)
    beside = logged_forecasts.with_restated(context, restated)
    if not beside.is_empty():
        of_them = unsettled(matured(beside, prices, context.calendar, until))
        shadow = pl.concat([shadow, of_them])
    notes = _price_notes(context, pl.concat([served, shadow]))
    # Should the run end between the two, the next one finds what is restated by what was served.
    for rows in (shadow, served):
        counts["recorded"] = context.records.forecasts.record(
            [outcome_row(row, notes, context.now) for row in rows.iter_rows(named=True)]
        )
    counts["restated"] = restated.height
    waiting = _awaited(due.filter(is_served), context.calendar)
    for reason, count in waiting["waits_for"].value_counts().iter_rows():
        counts[reason] = count
    return {**counts, "notes": list(waiting_notes(waiting))}


def _closed_by_delisting(context: RunContext, due: pl.DataFrame) -> pl.DataFrame:
    """The rows of ``matured``, those beyond a stated delisting without an outcome for ever."""
    import polars as pl

    states = context.store.load(INSTRUMENT_STATES, context.tickers).sort("stated_at")
    newest = states.unique("ticker", keep="last").filter(state="delisted")
    gone = newest.select("ticker", gone="date")
    is_gone = pl.col("waits_for").is_not_null() & (pl.col("end") >= pl.col("gone")).fill_null(
        value=False
    )
    reason = pl.when(is_gone).then(pl.lit(DELISTED)).otherwise("waits_for")
    joined = due.join(gone, on="ticker", how="left", maintain_order="left")
    return joined.with_columns(waits_for=reason).drop("gone")


def _awaited(due: pl.DataFrame, calendar: Calendar) -> pl.DataFrame:
    """Those of ``matured`` without an outcome, but for such as were made after their session."""
    import polars as pl

    waiting = due.filter(pl.col("realised_return").is_null()).drop_nulls("waits_for")
    closes = {day: calendar.hours(day).closes for day in waiting["end"].unique()}
    of_session = [closes[day] for day in waiting["end"]]
    return waiting.filter(
        waiting["made_at"] < pl.Series(of_session, dtype=waiting["made_at"].dtype)
    )


def waiting_notes(waiting: pl.DataFrame) -> Iterator[str]:
    """A sentence for each reason why forecasts that are due have no outcome."""
    for reason, why in WAITING_REASONS.items():
        rows = waiting.filter(waits_for=reason)
        if rows.is_empty():
            continue
        tickers, count = rows["ticker"].unique().sort().to_list(), rows.height
        more = f" and {len(tickers) - NAMED} more" if len(tickers) > NAMED else ""
        yield (
            f"{', '.join(tickers[:NAMED])}{more}: {count} forecast{'s' if count > 1 else ''} came "
            f"due without an outcome, because of {why}."
        )


def _price_notes(context: RunContext, changed: pl.DataFrame) -> PriceNotes:
    """Of the prices that the changed outcomes rest on."""
    import polars as pl

    if changed.is_empty():
        return PriceNotes({}, {})
    tickers, first = changed["ticker"].unique().to_list(), changed["feature_date"].min()
    assert isinstance(first, dt.date)  # noqa: S101 it is not empty
    store = context.store
    ledger = joined_actions(store, CORPORATE_ACTIONS, tickers, store.identities())
    ledger = ledger.filter(pl.col("date") > first)
    columns = ("ticker", "date", "repaired_by")
    clean = context.store.load(CLEAN_DAILY, tickers, columns=columns, since=first)
    clean = clean.filter(pl.col("repaired_by") != "continued")
    return PriceNotes(
        {str(t): applied_actions(rows) for (t,), rows in ledger.group_by("ticker")},
        {(t, day): rule for t, day, rule in clean.drop_nulls("repaired_by").iter_rows()},
    )


def _described(action: Action) -> str:
    size = action.amount if action.ratio is None else action.ratio
    return f"{action.kind}{'' if size is None else f' of {size:g}'} on {action.date}"


def _repairs(notes: PriceNotes, ticker: str, days: Iterable[dt.date]) -> list[str]:
    return [
        f"close of {day} repaired ({notes.repairs[ticker, day]})"
        for day in days
        if notes.repairs.get((ticker, day))
    ]
