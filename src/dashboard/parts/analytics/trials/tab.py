"""The tab Trials: all of them in a table, and one that is chosen in full."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from src.core.calendars.calendar import Calendar
from src.core.calendars.exchanges import calendar_of, exchange_of
from src.core.trials import Trial
from src.dashboard import frame, readers, wording
from src.dashboard.parts.analytics import numbers
from src.dashboard.parts.analytics.trials import gate, looks, words
from src.db.pages import trials
from src.db.pages.trials import TrialState


def draw(pool: str, horizon: str) -> None:
    """The tab; the trial that is shown first is of this pool and horizon, where there is one."""
    every = readers.read(trials.trials)
    if not every:
        st.markdown(words.NO_TRIAL)
        return
    st.markdown(_counted(every))
    _table(every)
    _details(_choose(every, pool, horizon))


def _counted(every: Sequence[TrialState]) -> str:
    running = sum(state.decided is None for state in every)
    more = f", the newest {trials.MOST}" if len(every) == trials.MOST else ""
    return (
        f"{wording.count(len(every), 'trial')}{more}; {running} running. Each compares a "
        "challenger with a reference on forecasts that were made after it was registered."
    )


def _table(every: Sequence[TrialState]) -> None:
    numbers.toolbar_room()
    st.dataframe(
        [_row(state) for state in every],
        hide_index=True,
        key="trials",
        column_config={
            "Challenger": st.column_config.TextColumn(pinned=True),
            "Outcomes": st.column_config.TextColumn(
                help="Sessions with outcomes at the newest look, of how many at most."
            ),
            "Why": st.column_config.TextColumn(width="large"),
        },
        alt=f"{len(every)} trials; the first: {words.label(every[0].trial)}",
    )


def _row(state: TrialState) -> dict[str, str]:
    trial = state.trial
    failed_at = state.failure.session if state.failure else None
    return {
        "Challenger": words.challenger(trial),
        "State": words.state(state),
        "Outcomes": f"{state.outcomes:,} of {trial.max_sessions:,}",
        "Against": words.reference(trial),
        "Pool": trial.pool,
        "Ahead": wording.ahead(trial.sessions),
        "Since": wording.moment(state.decided.at if state.decided else trial.registered_at),
        "Registered by": trial.author,
        "Why": trial.reason,
        "Failed at": wording.day(failed_at) if failed_at else "",
        "Hash": trial.hash[: words.HASH],
    }


def _choose(every: Sequence[TrialState], pool: str, horizon: str) -> TrialState:
    """The trial that was chosen."""

    def is_of_another_place(state: TrialState) -> bool:
        return (state.trial.pool, state.trial.horizon) != (pool, horizon)

    usual = sorted(every, key=is_of_another_place)
    labels = {words.label(state.trial): state for state in usual}
    chosen = st.selectbox("Show trial", list(labels), key="trial", bind="query-params")
    return labels.get(str(chosen), usual[0])


def _details(state: TrialState) -> None:
    evidence = readers.read(trials.newest_evidence, state.trial.hash)
    st.subheader(words.headline(state, evidence), anchor=False)
    if said := evidence.get("reason"):
        st.markdown(wording.plain(said))
    if state.failure:
        failed = readers.read(trials.count_failures, state.trial.hash)
        st.markdown(words.failure(state.failure, failed))
    every = readers.read(trials.looks, state.trial.hash)
    st.markdown(words.progress(state, every, _calendar(state.trial), readers.now()))
    split = readers.read(trials.newest_split, state.trial.hash)
    if split is not None and split.share and state.decided is None:
        st.markdown(words.answers(split))
    looks.draw(state, every, evidence)
    gate.draw(state, evidence)
    _registered(state)


def _registered(state: TrialState) -> None:
    """What was registered, beside what to do next."""
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("What was registered", anchor=False)
        st.markdown("\n".join(f"- {line}" for line in words.facts(state)))
    with right:
        st.subheader("What to do next", anchor=False)
        sentence, command = words.next_step(state)
        st.markdown(sentence)
        st.code(command, language=None, wrap_lines=True)


def _calendar(trial: Trial) -> Calendar | None:
    """That of the trial's pool; None where no stock of it is stored."""
    tickers = [each.ticker for each in frame.stored() if each.pool == trial.pool]
    return calendar_of(exchange_of(tickers[0])) if tickers else None
