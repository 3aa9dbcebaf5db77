"""The end of a run for a person: both forecasts as a small table, and what to beware of."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

HEADERS = ("", "for", "return", "price", "90 % between", "rises", "served")


@contextmanager
def progress_bar(stages: int) -> Iterator[Callable[[str], None]]:
    """A bar over the stages on a terminal; elsewhere nothing but the log's lines."""
    if not sys.stderr.isatty():
        yield lambda _stage: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<20}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=stages)
        begun = 0

        def step(stage: str) -> None:
            nonlocal begun
            bar.update(task, description=stage, completed=begun)
            begun += 1

        yield step


def forecast_table(results: Mapping[str, Any]) -> str:
    """The forecasts of a run as text, one line a horizon."""
    if not results["forecasts"]:
        return f"{results['ticker']}: no forecast, the warnings say why."
    run_on = results["timestamp"][:10]
    rows = [HEADERS, *(_row(one, run_on) for one in results["forecasts"])]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADERS))]
    lines = ["  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)) for row in rows]
    head = f"{results['ticker']}: {_basis(results)}"
    return "\n".join(line.rstrip() for line in [head, *lines, *_remarks(results)])


def _remarks(results: Mapping[str, Any]) -> list[str]:
    """What a reader of the table has to know besides."""
    remarks = [f"{one['horizon']}: {_candidate(one)}." for one in results["forecasts"]]
    remarks += [
        f"{one['horizon']}: {one['note'] or one['reason']}."
        for one in results["forecasts"]
        if one["reason"]
    ]
    remarks.append("A forecast, not advice: zero is served until a model has beaten it.")
    if "sample" in results["stages"].get("data_cleaning", {}).get("sources", ()):
        remarks.insert(0, "SAMPLE: these prices are synthetic, no stock stands behind them.")
    if not results["live"]:
        remarks.insert(0, "Computed up to a past session: nothing was written.")
    return remarks


def _basis(results: Mapping[str, Any]) -> str:
    first = results["forecasts"][0]
    return f"last close {first['last_close']:,.2f} of {first['feature_date']}"


def _mark(one: Mapping[str, Any], run_on: str) -> str:
    if one["target_date"] < run_on:
        return " (past)"
    return " (estimated)" if one["target_date_estimated"] else ""


def _row(one: Mapping[str, Any], run_on: str) -> tuple[str, ...]:
    return (
        one["horizon"],
        one["target_date"] + _mark(one, run_on),
        f"{one['pred_return']:+.2%}",
        f"{one['est_future_close']:,.2f}",
        _between(one["intervals"]),
        "-" if one["prob_up"] is None else f"{one['prob_up']:.0%}",
        f"{one['model']['name']} ({one['verdict']})",
    )


def _between(intervals: Sequence[Mapping[str, float]]) -> str:
    for one in intervals:
        if one["level"] == 0.9:
            return f"{one['low_close']:,.2f} and {one['high_close']:,.2f}"
    return "not known yet"


def _candidate(one: Mapping[str, Any]) -> str:
    """What the candidate says, and what it was worth: of this ticker and over the pool."""
    candidate = one["candidate"]
    if candidate is None:
        return "no candidate has a forecast"
    where = "is served" if candidate["promoted"] else "is not promoted"
    worth = f"skill against zero {_share(candidate['skill_vs_zero'], candidate)}"
    pool, tickers = candidate["pool"], one["skill"]["pool"]["tickers"]
    if tickers > 1:
        worth += f", over {tickers} tickers {_share(pool['mae_vs_zero'], pool)}"
    return f"{candidate['name']} says {candidate['pred_return']:+.2%} and {where} ({worth})"


def _share(skill: float | None, found: Mapping[str, Any]) -> str:
    if skill is None:
        return "not known"
    return f"{skill:+.2%}, n {found['n']:,}, n_eff {found['n_eff']:,.0f}"
