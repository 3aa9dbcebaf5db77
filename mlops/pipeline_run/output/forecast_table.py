"""What a run prints: the forecasts of one ticker, for a reader who knows no statistics.

Every number printed is in results.json; tests and their limits are left to the run's report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlops.pipeline_run.output.states import state_lines
from src.stages.tables import aligned

HEADERS = ("horizon", "target date", "forecast", "90 % range", "chance of a rise")
RUNS = "mlops/runs"


def forecast_table(results: Mapping[str, Any]) -> str:
    """The forecasts of a run as text: a header, one line a horizon, and how far to trust them."""
    forecasts, states = results["forecasts"], state_lines(results)
    if not forecasts:
        why = results["warnings"] or ["The log says why."]
        return "\n".join([f"{results['ticker']}: there is no forecast.", *why, *states])
    table = aligned([HEADERS, *(_row(forecast) for forecast in forecasts)], str.ljust, gap="   ")
    lines = [_header(results), *table, *states, *_age(results), *_dates(forecasts)]
    lines += sentences_in_use(forecasts)
    noted = [forecast for forecast in forecasts if forecast["note"]]
    lines += [f"{horizon_name(forecast)}: {forecast['note']}." for forecast in noted]
    return "\n".join([*lines, evidence(results)])


def _header(results: Mapping[str, Any]) -> str:
    newest = results["forecasts"][0]
    header = (
        f"{results['ticker']}   last close {newest['last_close']:,.2f} on {newest['feature_date']}"
    )
    if "sample" in results["stages"].get("data_cleaning", {}).get("sources", ()):
        header += "   (synthetic sample prices)"
    return header


def _row(forecast: Mapping[str, Any]) -> tuple[str, ...]:
    estimated = " (estimated)" if forecast["target_date_estimated"] else ""
    return (
        horizon_name(forecast),
        forecast["target_date"] + estimated,
        _point(forecast),
        price_range(forecast["intervals"]),
        rise_chance(forecast),
    )


def _point(forecast: Mapping[str, Any]) -> str:
    if forecast["model"]["name"] == "zero":
        return "no change (0.00 %)"
    return f"{forecast['est_future_close']:,.2f} ({100 * forecast['pred_return']:+.2f} %)"


def rise_chance(forecast: Mapping[str, Any]) -> str:
    """The probability of a rise."""
    chance = forecast["prob_up"]
    return "not known" if chance is None else f"{100 * chance:.0f} %"


def price_range(intervals: Sequence[Mapping[str, float]]) -> str:
    """The closes between which 90 % of the distribution lie."""
    for interval in intervals:
        if interval["level"] == 0.9:
            return f"{interval['low_close']:,.2f} - {interval['high_close']:,.2f}"
    return "not known"


def horizon_name(forecast: Mapping[str, Any]) -> str:
    """Such as ``63 sessions``."""
    sessions = forecast["horizon"].removesuffix("-day")
    return "1 session" if sessions == "1" else f"{sessions} sessions"


def _age(results: Mapping[str, Any]) -> Iterator[str]:
    """That the prices are old, or that a run looked back and wrote nothing."""
    if not results["live"]:
        yield "This run looked back: later prices were not used, and nothing was written."
        return
    checks = results["stages"].get("validation", {}).get("checks", {}).get(results["ticker"], ())
    for check in checks:
        if check["check"] == "freshness" and not check["passed"]:
            sessions = check["details"].get("sessions")
            if sessions is not None:
                plural = "" if sessions == 1 else "s"
                yield f"The newest price is {sessions} session{plural} old: bring in newer prices."


def _dates(forecasts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Sentences about a target that has passed or a clock that is behind, each once."""
    warnings = (warning for forecast in forecasts for warning in forecast.get("warnings", ()))
    yield from dict.fromkeys(warnings)


def sentences_in_use(forecasts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The models in use, then how close the candidates of the other horizons are."""
    promoted = [forecast for forecast in forecasts if _is_promoted(forecast)]
    for forecast in promoted:
        name, since = forecast["candidate"]["name"], forecast["model"]["served_since"]
        yield f"{name} is in use at {horizon_name(forecast)} since {since}: {_errors(forecast)}."
    # A promoted model without one of its inputs is explained by its note.
    others = [f for f in forecasts if f not in promoted and not f["note"]]
    if not others:
        return
    none = "No model is in use" + (f" at {horizon_name(others[0])}" if len(others) == 1 else "")
    closest = [text for forecast in others if (text := _closest(forecast))]
    if closest:
        yield f'{none}: none has beaten "no change" yet. Closest: {"; ".join(closest)}.'
    else:
        yield f"{none}: {_lower(others[0]['reason'] or 'there are too few outcomes yet')}."


def _is_promoted(forecast: Mapping[str, Any]) -> bool:
    return bool(forecast["candidate"] and forecast["candidate"]["promoted"])


def _closest(forecast: Mapping[str, Any]) -> str:
    """The candidate and its errors beside no change; empty where they are not known."""
    errors = _errors(forecast)
    if not errors:
        return ""
    could_be_chance = ", which could be chance" if "smaller" in errors else ""
    return f"{forecast['candidate']['name']} at {horizon_name(forecast)}, {errors}{could_be_chance}"


def _errors(forecast: Mapping[str, Any]) -> str:
    """How much larger or smaller the candidate's errors were than those of no change."""
    candidate = forecast["candidate"]
    if candidate is None:
        return ""
    if forecast["skill"]["pool"]["tickers"] > 1:
        skill, n = candidate["pool"]["mae_vs_zero"], candidate["pool"]["n"]
        tickers = candidate["pool"]["tickers"]
        basis = f"{n:,} forecasts of {tickers:,} ticker{'' if tickers == 1 else 's'}"
    else:
        skill, n = candidate["skill_vs_zero"], candidate["n"]
        basis = f"{n:,} sessions"
    if skill is None:
        return ""
    size = f"{100 * abs(skill):.2f} %"
    if size == "0.00 %":
        return f"errors as large over {basis}"
    return f"errors {size} {'smaller' if skill > 0 else 'larger'} over {basis}"


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].rstrip(".")


def evidence(results: Mapping[str, Any]) -> str:
    """Where the evidence is: the run's reports, or the command that draws one."""
    where = ", ".join(f"{RUNS}/{results['pipeline_id']}/{page}" for page in results["reports"])
    ticker = results["ticker"] or "T"
    where = where or f"`python -m mlops.pipeline report --ticker {ticker}`"
    return f"Evidence: {where}.   A forecast, not advice."
