"""Clean the newer raw rows of series of which nothing else has changed.

Only the last bars of a series are read besides (see ``state``). Where these are not kept as they
were, or anything is found that may concern bars before them, the ticker is cleaned as a whole.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from src.core.row_sums import NOTHING, add, subtract, sums_by_ticker
from src.core.tables import CLEAN_DAILY, CLEAN_SERIES, RAW_DAILY, SUMMED
from src.data.cleaning.clean import clean_daily
from src.data.cleaning.series.state import ANCHORS, ONE_BAR, basis_of, states_frame
from src.data.history import as_known
from src.data.history.raw_rows import load_raw
from src.data.history.revisions import UTC
from src.data.history.series_sums import price_columns, stored_sums

if TYPE_CHECKING:
    from collections.abc import Mapping

    from src.data.cleaning.clean_ticker import CleaningResult
    from src.stages.stage import RunContext

    State = dict[str, Any]

# Of rows that are looked at again: these may be refused, and kept the next time.
_LAST = frozenset({"partial_bar"})


@dataclass(frozen=True)
class NewerBars:
    """What became of newer raw rows.

    Attributes:
        states: The rows of ``clean_series`` as they are now, by ticker.
        bars: New clean bars.
        refused: Rows from the ``anchor`` before on that were refused, as in ``CleaningResult``.
        anchors: The session by ticker from which ``refused`` is all that there is.
    """

    states: Mapping[str, State]
    bars: pl.DataFrame
    refused: pl.DataFrame
    anchors: Mapping[str, dt.date]

    def states_frame(self) -> pl.DataFrame:
        """Rows of ``clean_series``."""
        return states_frame(list(self.states.values()))


def clean_newer(context: RunContext) -> NewerBars | None:
    """Clean what is new of the tickers that can be continued; None without any."""
    ledger = as_known.ledger(context)
    states = _states(context, ledger)
    if not states:
        return None
    window = load_raw(
        context.store, RAW_DAILY, list(states), since=min(s["anchor"] for s in states.values())
    )
    window = window.filter(pl.col("date") >= _of_states(states, "anchor"))
    sums = _newer_sums(context, states, window)
    states = {ticker: state for ticker, state in states.items() if ticker in sums}
    if not states:
        return None
    is_continued = pl.col("ticker").is_in(list(states))
    raw = window.filter(is_continued)
    result = _clean(context, raw, ledger.filter(is_continued))
    newer = _accepted(result, states, sums, raw)
    if newer is None:
        return None
    basis = basis_of(context, ledger, {t: s["newest_session"] for t, s in newer.states.items()})
    now = {t: {**s, "basis": s["basis"] and basis[t]} for t, s in newer.states.items()}
    return replace(newer, states=now)


def _states(context: RunContext, ledger: pl.DataFrame) -> dict[str, State]:
    """The states of series that can be continued, if only their raw rows have changed since."""
    if context.as_of is not None or context.known_at is not None:
        return {}
    identities = context.store.identities()
    stored = {
        row["ticker"]: row
        for row in context.store.load(CLEAN_SERIES, context.tickers).iter_rows(named=True)
        if row["basis"] and not identities.concern([row["ticker"]])
    }
    if not stored:
        return {}
    basis = basis_of(context, ledger, {t: row["newest_session"] for t, row in stored.items()})
    today = context.now.astimezone(context.calendar.zone).date()
    reached = max(today, as_known.last_session(context))
    due = {
        ticker
        for ticker, day in ledger.select("ticker", "date").iter_rows()
        if ticker in stored and stored[ticker]["newest_session"] < day <= reached
    }
    return {t: row for t, row in stored.items() if row["basis"] == basis[t] and t not in due}


def _newer_sums(
    context: RunContext, states: Mapping[str, State], window: pl.DataFrame
) -> dict[str, tuple[int, str]]:
    """Rows and sum of the raw series that were only added to."""
    by_ticker: dict[str, list[tuple[str, str, int, str]]] = {}
    for (ticker, kind, source), (rows, row_sum) in stored_sums(context.store, list(states)).items():
        by_ticker.setdefault(ticker, []).append((kind, source, rows, row_sum))
    newer = window.filter(pl.col("date") > _of_states(states, "raw_newest"))
    newer_sums = sums_by_ticker(newer, price_columns(newer, "date"))
    continued = {}
    for ticker, series in by_ticker.items():
        state = states[ticker]
        kind, source, rows, row_sum = series[0]
        if len(series) > 1 or (kind, source) != ("daily", state["source"]):
            continue
        added, added_sum = newer_sums.get(ticker, (0, NOTHING))
        if (rows - added, subtract(row_sum, added_sum)) == (state["raw_rows"], state["raw_sum"]):
            continued[ticker] = (rows, row_sum)
    return continued


def _of_states(states: Mapping[str, State], name: str) -> pl.Expr:
    """A date of each row's state."""
    days = {ticker: state[name] for ticker, state in states.items()}
    return pl.col("ticker").replace_strict(days, return_dtype=pl.Date)


def _clean(context: RunContext, raw: pl.DataFrame, ledger: pl.DataFrame) -> CleaningResult:
    """The rules and checks on the last rows; the listing was before the first of them."""
    batches = as_known.batches(context).select("batch_id", "price_basis", "fetched_at")
    joined = raw.join(batches, on="batch_id", how="left", maintain_order="left").with_columns(
        now=pl.lit(context.now).cast(UTC), listed_on=pl.lit(None, dtype=pl.Date)
    )
    hourly = joined.clear().with_columns(ts=pl.lit(None, dtype=UTC))
    return clean_daily(
        joined,
        ledger,
        hourly,
        context.calendar,
        context.settings.data.source_precedence,
        as_known.last_session(context),
    )


def _accepted(
    result: CleaningResult,
    states: Mapping[str, State],
    raw_sums: Mapping[str, tuple[int, str]],
    raw: pl.DataFrame,
) -> NewerBars | None:
    """What can be added, of the tickers whose bars before stay as they are."""
    bars = result.bars.filter(~pl.col("ticker").is_in(_found(result)))
    bars = bars.select(list(CLEAN_DAILY.columns)).sort("ticker", "date")
    is_new = pl.col("date") > _of_states(states, "newest_session")
    anchors = bars.filter(~is_new)["ticker"].value_counts().filter(pl.col("count") == ANCHORS)
    bars = bars.join(anchors, on="ticker", how="semi", maintain_order="left")
    if bars.is_empty():
        return None
    added = bars.filter(is_new)
    sums = sums_by_ticker(added, SUMMED)
    raw_newest = dict(raw.group_by("ticker").agg(pl.col("date").max()).iter_rows())
    volumes = dict(
        added.filter(pl.col("volume") > 0)
        .group_by("ticker")
        .agg(pl.col("volume").first())
        .iter_rows()
    )
    now: dict[str, State] = {}
    for (name,), kept in bars.partition_by("ticker", as_dict=True).items():
        ticker = str(name)
        state = states[ticker]
        rows, row_sum = sums.get(ticker, (0, NOTHING))
        now[ticker] = {
            **state,
            "rows": state["rows"] + rows,
            "newest_session": kept["date"][-1],
            "first_volume": state["first_volume"] or volumes.get(ticker, 0.0),
            "row_sum": add(state["row_sum"], row_sum),
            "raw_rows": raw_sums[ticker][0],
            "raw_sum": raw_sums[ticker][1],
            "raw_newest": raw_newest[ticker],
            "anchor": kept["date"][-ANCHORS],
        }
        if _has_open_rows(result.refused, ticker, now[ticker]["newest_session"]):
            now[ticker]["basis"] = ""
    refused = result.refused.filter(pl.col("ticker").is_in(list(now)))
    return NewerBars(now, added, refused, {t: states[t]["anchor"] for t in now})


def _found(result: CleaningResult) -> list[str]:
    """The tickers of which the last rows show what may concern bars before them."""
    is_mixed = (pl.col("unadjusted") > 0) & (pl.col("unadjusted") < pl.col("kept"))
    found = (
        *(result.inferred, result.contradicted, result.reinstated, result.weighed),
        *(result.dividend_mismatches, result.repaired, result.bars.filter("action_pending")),
        result.refused.filter(~pl.col("rule").is_in([*ONE_BAR, *_LAST])),
        result.spans.filter(pl.col("leaps") | is_mixed),
    )
    return list({ticker for rows in found for ticker in rows["ticker"].unique()})


def _has_open_rows(refused: pl.DataFrame, ticker: str, newest: dt.date) -> bool:
    """Whether a row before the newest bar may be kept after all, if it is delivered again."""
    is_open = pl.col("rule").is_in(list(_LAST)) & (pl.col("date") < newest)
    return not refused.filter(is_open, ticker=ticker).is_empty()
