"""What a run of many prints: a line a ticker with both horizons, and which models are in use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlops.pipeline_run.output.forecast_table import (
    evidence,
    horizon_name,
    price_range,
    rise_chance,
    sentences_in_use,
)
from mlops.pipeline_run.output.states import state_lines
from mlops.pipeline_run.output.warning_kinds import count_by_kind
from src.core.pools import pool_of
from src.data.sources.delivery import SAMPLE_TICKER
from src.stages.tables import aligned

Forecast = Mapping[str, Any]
# So many tickers that could not be brought up to date have a sentence each.
NAMED = 20


def ticker_table(results: Mapping[str, Any]) -> str:
    """The forecasts of a run of many as text."""
    by_ticker: dict[str, list[Forecast]] = {}
    for forecast in results["forecasts"]:
        by_ticker.setdefault(forecast["ticker"], []).append(forecast)
    if not by_ticker:
        why = [*count_by_kind(results["warnings"]), *state_lines(results)]
        return "\n".join(["There is no forecast.", *why])
    horizons = list(dict.fromkeys(forecast["horizon"] for forecast in results["forecasts"]))
    close = Counter(forecasts[0]["feature_date"] for forecasts in by_ticker.values())
    newest = close.most_common(1)[0][0]
    rows = [_row(forecasts, horizons, newest) for forecasts in by_ticker.values()]
    lines = [_title(results, newest, horizons), *aligned([_headers(horizons), *rows], str.rjust)]
    if not results["live"]:
        lines.append("This run looked back: later prices were not used, and nothing was written.")
    lines += state_lines(results)
    lines += _in_use(by_ticker)
    lines += count_by_kind([_noted(each) for each in results["forecasts"] if each["note"]])
    return "\n".join([*lines, evidence(results)])


def failed_tickers(results: Mapping[str, Any]) -> list[str]:
    """A sentence for each ticker that is not up to date; those of very many by kind."""
    tickers = results["tickers"]
    failed = {ticker: row["error"] for ticker, row in tickers.items() if row["error"]}
    lines = [
        sentence if ticker in sentence else f"{ticker}: {sentence}"
        for ticker, sentence in failed.items()
    ]
    if len(lines) > NAMED:
        lines = count_by_kind(lines)
    if failed:
        lines.append(f"{len(tickers) - len(failed)} of {len(tickers)} tickers are up to date.")
    return lines


def _title(results: Mapping[str, Any], newest: str, horizons: Sequence[str]) -> str:
    """From which close to which dates the forecasts look."""
    targets = []
    for horizon in horizons:
        forecast = next(
            each
            for each in results["forecasts"]
            if each["horizon"] == horizon and each["feature_date"] == newest
        )
        estimated = " (estimated)" if forecast["target_date_estimated"] else ""
        targets.append(f"{horizon_name(forecast)} ahead is {forecast['target_date']}{estimated}")
    return f"From the close of {newest}: {', '.join(targets)}."


def _headers(horizons: Sequence[str]) -> list[str]:
    headers = ["ticker", "last close"]
    for horizon in horizons:
        headers += [horizon_name({"horizon": horizon}), "90 % range", "rise"]
    return [*headers, ""]


def _row(forecasts: Sequence[Forecast], horizons: Sequence[str], newest: str) -> list[str]:
    first, by_horizon = forecasts[0], {each["horizon"]: each for each in forecasts}
    row = [first["ticker"], f"{first['last_close']:,.2f}"]
    for horizon in horizons:
        row += _cells(by_horizon[horizon]) if horizon in by_horizon else ["", "", ""]
    return [*row, "" if first["feature_date"] == newest else f"close of {first['feature_date']}"]


def _cells(forecast: Forecast) -> list[str]:
    is_zero = forecast["model"]["name"] == "zero"
    point = "no change" if is_zero else f"{100 * forecast['pred_return']:+.2f} %"
    return [point, price_range(forecast["intervals"]), rise_chance(forecast)]


def _in_use(by_ticker: Mapping[str, Sequence[Forecast]]) -> Iterator[str]:
    """What is in use in each pool, as one of its tickers that has no note shows it."""
    pools: dict[str, Sequence[Forecast]] = {}
    for ticker, forecasts in by_ticker.items():
        pool = pool_of(ticker, synthetic=ticker == SAMPLE_TICKER)
        if pool not in pools or any(forecast["note"] for forecast in pools[pool]):
            pools[pool] = forecasts
    for pool, forecasts in pools.items():
        yield from (f"{pool}: {sentence}" for sentence in sentences_in_use(forecasts))


def _noted(forecast: Forecast) -> str:
    return f"{forecast['ticker']}, {horizon_name(forecast)}: {forecast['note']}."
