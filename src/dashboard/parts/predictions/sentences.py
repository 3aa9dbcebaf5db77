"""Say a forecast, what its verdict means, and what came of earlier ones in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from src.dashboard import judged, wording
from src.dashboard.charts.forecasts.bands import Bands, in_common
from src.dashboard.judged import Judged

Answer = Mapping[str, Any]

LEVEL = 0.8
ZERO = "zero"
MEANINGS = {
    "better": "“Better” means: its errors were smaller than those of saying “the price stays where "
    "it is”, by more than chance explains.",
    "worse": "“Worse” means: so far the model has done worse than doing nothing, which is to say "
    "“the price stays where it is”.",
    "undecided": "“No demonstrated edge” means: nothing shows so far that a model errs less than "
    "saying “the price stays where it is”.",
    "none": "There are too few known outcomes to compare a model with saying “the price stays "
    "where it is”.",
}


def when(answer: Answer, sessions: int) -> str:
    """Such as ``by the next session (Mon 20 Apr 2026)``."""
    date = wording.day(answer["predict_date"])
    if sessions == 1:
        return f"by the next session ({date})"
    about = "about " if answer["predict_date_estimated"] else ""
    return f"in {wording.ahead(sessions)} ({about}{date})"


def headline(answer: Answer, sessions: int, *, indian: bool) -> str:
    """The answer: the range that 8 in 10 outcomes should fall into, and by when."""
    ticker = answer["ticker"]
    if not answer["intervals"]:
        return f"{ticker}: no range is known yet {when(answer, sessions)}"
    interval = wording.interval_of(answer, LEVEL)
    low, high = interval["low_close"], interval["high_close"]
    between = wording.price_range(low, high, indian=indian).replace(" – ", " and ")
    share = wording.of_ten(LEVEL)
    if answer["data_age_sessions"] >= sessions:
        past = wording.day(answer["predict_date"])
        return f"{ticker}: {share} outcomes were expected between {between} by {past}, now past"
    return f"{ticker}: {share} outcomes between {between} {when(answer, sessions)}"


def verdict(answer: Answer, judged_: Judged | None, sessions: int) -> str:
    """Whether a model has ever beaten no change, and how sure that is, in markdown.

    Where the evidence of this verdict is not stored, with the reason that the answer gives.
    """
    if judged_ is None or judged_.verdict != answer["verdict"] or judged_.skill is None:
        reason = wording.plain(f"{answer['reason'].rstrip('.')}.")
        return f"{judged.SIGNS[answer['verdict']]} at {wording.ahead(sessions)}. {reason}"
    return judged.sentence(judged_)


def meaning(answer: Answer) -> str:
    """What the word of the verdict means, and what is answered where it is ``worse``."""
    text = MEANINGS[answer["verdict"]]
    if answer["verdict"] == "worse" and answer["model"]["name"] == ZERO:
        return f"{text} So it is not used: the forecast here is “no change”."
    return text


def in_use(answer: Answer, *, indian: bool) -> str:
    """Which model answers, and what the one that was tried says where it is not in use."""
    name, candidate = answer["model"]["name"], answer["candidate"]
    if name != ZERO:
        return f"The model in use is {wording.model(name)}."
    if candidate is None:
        return "No model is in use: the answer is “no change” itself."
    price = wording.price(candidate["est_future_close"], indian=indian)
    change = wording.percent(candidate["pred_return"], signed=True)
    return (
        f"No model is in use: the answer is “no change” itself. The model that was tried, "
        f"{wording.model(candidate['name'])}, says {price} ({change}; ◇ below)."
    )


def compared(answer: Answer, forecast: Bands, baseline: Bands, past: int, *, indian: bool) -> str:
    """Baseline, spread as so many past outcomes, and forecast; what their ranges share."""
    close, point = (
        wording.price(answer[name], indian=indian) for name in ("last_close", "est_future_close")
    )
    same = in_common(forecast.ends[LEVEL], baseline.ends[LEVEL])
    wider = _width(forecast) / _width(baseline) - 1 if _width(baseline) else 0.0
    size = "as wide as" if abs(wider) < 0.005 else _wider(wider)
    return (
        f"Baseline “no change”: {close}, with the spread of the last "
        f"{wording.count(past, 'outcome')}. Forecast: {point} "
        f"({wording.percent(answer['pred_return'], signed=True)}). Their 80 % ranges have "
        f"**{wording.percent(same, 0)}** in common; the forecast's is {size} the baseline's."
    )


def _wider(share: float) -> str:
    return f"{wording.percent(abs(share), 0)} {'wider' if share > 0 else 'narrower'} than"


def _width(bands: Bands) -> float:
    low, high = bands.ends[LEVEL]
    return high - low


def came_true(inside: Sequence[bool], sessions: int, worth: float) -> str:
    """How many of the last outcomes fell inside the 80 % range, how many should have."""
    n = len(inside)
    held = sum(inside)
    text = (
        f"Last {wording.count(n, 'known outcome')}, {wording.ahead(sessions)} ahead: **{held}** "
        f"inside the 80 % range, {n - held} outside (aim {round(LEVEL * n)})."
    )
    if sessions > 1:
        text += f" They overlap: together they say as much as {worth:.1f} independent ones."
    return text


def source(problem: str, answer: Answer) -> str:
    """Where the numbers come from and how old they are, in one line."""
    made = "Answered by the prediction API" if not problem else f"Computed here, as {problem}"
    return f"{made}. Made from the close of {wording.day(answer['feature_date'])}: {age(answer)}."


def age(answer: Answer) -> str:
    """How many sessions have closed since the prices of a forecast."""
    sessions = answer["data_age_sessions"]
    return "up to date" if sessions == 0 else f"{wording.count(sessions, 'session')} old"
