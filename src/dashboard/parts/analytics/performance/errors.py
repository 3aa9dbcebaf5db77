"""The table of MAE, RMSE and R², each model beside the baselines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from src.dashboard import wording
from src.dashboard.judged import Judged
from src.dashboard.parts.analytics import evidence, numbers
from src.dashboard.parts.analytics.numbers import percent_range
from src.modeling.report.statistics.performance import ModelScores, Performance

# What the names of models are called where they need explaining.
NAMES = {
    "zero": "“no change” (baseline)",
    "mean": "the stock's past mean (baseline)",
    "served": "what the gate would have served",
    evidence.ANSWERED: "what was answered",
}
EXPLAINED = {
    evidence.WALK_FORWARD: "Each forecast was made from what was known before it, as the newest "
    "training replayed it. The last {sessions} are scored here; the verdict above weighs the "
    "whole record, and asks for more certainty.",
    evidence.REALISED: "Forecasts that were answered and logged, with what came true; of several "
    "for one session the first counts. {sessions} are scored.",
}
HELP = {
    "MAE": "Mean absolute error: how far the forecast return was off, on average.",
    "RMSE": "Root of the mean squared error: as MAE, but large misses weigh more.",
    "R²": "Share of the outcomes' variation that the forecasts explain.",
    "Independent": wording.INDEPENDENT,
}
NOTE = (
    "MAE and RMSE are returns in percent: smaller is better. R² above 0 is better than the mean of "
    "the outcomes, which nobody knew before. “Better by” compares with “no change” on the same "
    "forecasts, each session counting once; a range that holds 0 could be chance."
)


def draw(scores: Performance, source: str, judged: Judged) -> None:
    """The table, and what its columns mean."""
    st.subheader("How large were the errors?", anchor=False)
    sessions = wording.count(len(scores.days), "session")
    st.markdown(EXPLAINED[source].format(sessions=sessions))
    numbers.toolbar_room()
    st.dataframe(
        [_row(model, judged) for model in scores.models],
        hide_index=True,
        key="errors",
        column_config={
            "Model": st.column_config.TextColumn(pinned=True),
            **{name: st.column_config.Column(help=text) for name, text in HELP.items()},
        },
        alt="MAE, RMSE and R² of each model, and how much smaller its errors were than those of "
        "no change, with 95 % ranges",
    )
    if source == evidence.WALK_FORWARD and (text := of_late(scores.models, judged)):
        st.markdown(text)
    st.markdown(f":small[:gray[{NOTE}]]")


def of_late(models: Sequence[ModelScores], judged: Judged) -> str:
    """What to make of a model that looks better or worse on the newest sessions alone, or nothing.

    Only where the whole record does not decide, since the table seems to say otherwise then.
    """
    found = next((model.absolute for model in models if model.name == judged.candidate), None)
    if judged.verdict != "undecided" or found is None or found.low is None or found.high is None:
        return ""
    if found.low <= 0 <= found.high:
        return ""
    how = "better" if found.low > 0 else "worse"
    return (
        f"On these newest sessions alone the model looks **{how}**. Over the whole record that may "
        "be chance, so the verdict stays **no demonstrated edge**."
    )


def _row(model: ModelScores, judged: Judged) -> dict[str, Any]:
    name = NAMES.get(model.name, model.name.replace("_", " "))
    mark = " (the model)" if model.name == judged.candidate and model.name != "zero" else ""
    row = {
        "Model": f"{name}{mark}",
        "MAE": wording.percent(model.mae, 3),
        "RMSE": wording.percent(model.rmse, 3),
        "R²": "–" if model.r2 is None else wording.number(model.r2, 4),
        "MAE better by": wording.percent(model.absolute.value, signed=True),
        "95 % range": percent_range(model.absolute),
        "MSE better by": wording.percent(model.squared.value, signed=True),
        "95 % range of it": percent_range(model.squared),
        "Forecasts": f"{model.absolute.n:,}",
        "Independent": wording.periods(model.absolute.n_eff),
    }
    if model.name == "zero":
        row |= {"MAE better by": "–", "MSE better by": "–"}
    return row
