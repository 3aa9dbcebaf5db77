"""Who is served, as stories: promoted, kept while undecided, demoted, promoted again."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.modeling.experiment.promotion import DEMOTED, KEPT, PROMOTED, Champion, decide_promotion
from src.modeling.gate.verdict import BETTER, UNDECIDED, WORSE
from src.registry.formats.models import LinearModel
from src.registry.storage.artifact import Artifact
from tests.support.walk_forward_results import panel_of, walk_forward_result, weekdays

ROWS, TICKERS = 1_800, 10
OUTCOMES = np.random.default_rng(1).normal(0, 0.02, (ROWS, TICKERS))
ZERO = np.zeros_like(OUTCOMES)
# Knows a twentieth of every outcome, or the same of its reverse.
SKILLED, HARMFUL = 0.05 * OUTCOMES, -0.05 * OUTCOMES


def day(row: int) -> dt.date:
    return weekdays(ROWS)[row].item()


def back_to_zero(row):
    return Champion("zero", day(row), day(row))


def turning(*parts):
    """Forecasts that change from one kind to the next: (first row, forecasts) in order."""
    out = np.full_like(OUTCOMES, np.nan)
    for first, forecasts in parts:
        out[first:] = forecasts[first:]
    return out


def look(rows, now, challenger, unfitted=(), **others):
    """The decision at the close of the ``rows``-th session, whose outcome is not known yet."""
    actual = OUTCOMES[:rows].copy()
    actual[-1:] = np.nan
    points = {"zero": ZERO, "drift": challenger, **others}
    points = {name: values[:rows] for name, values in points.items()}
    return decide_promotion(walk_forward_result(actual, points, "drift", unfitted=unfitted), now)


# --- zero is served


def test_at_a_first_look_with_too_few_outcomes_zero_is_served():
    decision = look(200, Champion(), SKILLED)

    assert decision.champion == Champion("zero", None)
    assert (decision.candidate, decision.event) == ("drift", UNDECIDED)
    assert "199 dates" in decision.reason
    assert "too few" in decision.reason


def test_a_challenger_that_is_better_is_promoted_as_of_the_last_session():
    decision = look(400, Champion(), SKILLED)

    assert decision.champion == Champion("drift", day(399))
    assert (decision.candidate, decision.event) == ("drift", PROMOTED)
    assert decision.verdict.verdict == BETTER
    assert decision.reason == decision.verdict.reason
    assert "5.00 % less than forecasting zero over 399 dates" in decision.reason


def test_the_first_look_that_can_decide_is_that_at_250_outcomes():
    assert look(250, Champion(), SKILLED).event == UNDECIDED
    assert look(251, Champion(), SKILLED).event == PROMOTED


def test_a_challenger_that_is_worse_leaves_zero_served():
    decision = look(400, Champion(), HARMFUL)

    assert (decision.champion, decision.candidate) == (Champion(), "drift")
    assert decision.event == decision.verdict.verdict == WORSE


def test_a_challenger_that_says_zero_leaves_zero_served():
    decision = look(400, Champion(), ZERO)

    assert (decision.champion, decision.event) == (Champion(), UNDECIDED)


def test_a_challenger_without_a_forecast_leaves_zero_served():
    decision = look(400, Champion(), np.full_like(OUTCOMES, np.nan))

    assert (decision.champion, decision.event) == (Champion(), UNDECIDED)


# --- the champion is served


PROMOTED_THEN = Champion("drift", day(399))


@pytest.mark.parametrize("rows", [400, 401, 600])
def test_a_champion_that_goes_on_well_is_kept(rows):
    decision = look(rows, PROMOTED_THEN, SKILLED)

    assert decision.champion == PROMOTED_THEN
    assert (decision.candidate, decision.event) == ("drift", KEPT)
    assert decision.reason.startswith("Better")


def test_a_champion_that_is_undecided_by_now_is_kept_and_the_reason_names_its_promotion():
    # It says nothing since: no gain over the latest 250 dates.
    decision = look(700, PROMOTED_THEN, turning((0, SKILLED), (400, ZERO)))

    assert decision.champion == PROMOTED_THEN
    assert (decision.event, decision.verdict.verdict) == (KEPT, UNDECIDED)
    assert decision.reason == (
        f"Served since it was better on {day(399)}; by now: {decision.verdict.reason}"
    )


def test_a_champion_that_has_harmed_since_its_promotion_is_demoted_to_zero():
    decision = look(700, PROMOTED_THEN, turning((0, SKILLED), (400, HARMFUL)))

    assert decision.champion == back_to_zero(699)
    assert (decision.candidate, decision.event) == ("drift", DEMOTED)
    assert decision.verdict.verdict == WORSE
    # Rows 400 to 698: the whole record would not have shown it.
    assert decision.verdict.dates == 299
    assert decision.reason.startswith("Worse")


def test_a_short_harm_after_a_promotion_is_not_enough_to_demote():
    faded = turning((0, SKILLED), (400, HARMFUL))

    # 250 outcomes of rows 400 on are known at the 651st session.
    assert look(650, PROMOTED_THEN, faded).event == KEPT
    assert look(651, PROMOTED_THEN, faded).event == DEMOTED


def test_a_champion_whose_whole_record_is_worse_is_demoted_however_new_it_is():
    decision = look(400, PROMOTED_THEN, HARMFUL)

    assert (decision.champion, decision.event) == (back_to_zero(399), DEMOTED)


# --- after a demotion


RECOVERED = turning((0, SKILLED), (400, HARMFUL), (700, SKILLED))
DEMOTED_THEN = back_to_zero(699)


def test_after_a_demotion_only_later_forecasts_count():
    # With its whole record it would be undecided for long: 300 of 700 rows are harm.
    assert look(950, DEMOTED_THEN, RECOVERED).event == UNDECIDED
    decision = look(951, DEMOTED_THEN, RECOVERED)

    assert decision.event == PROMOTED
    assert decision.champion == Champion("drift", day(950), counted_since=day(699))
    assert decision.verdict.dates == 250


def test_skill_from_before_a_demotion_does_not_promote_again():
    silent = turning((0, SKILLED), (700, ZERO))

    decision = look(1000, DEMOTED_THEN, silent)

    assert (decision.champion, decision.event) == (DEMOTED_THEN, UNDECIDED)
    assert look(690, Champion(), silent).event == PROMOTED


def test_who_is_promoted_again_is_not_demoted_for_what_was_harm_before_its_demotion():
    again = Champion("drift", day(950), counted_since=day(699))
    forecasts = turning((0, -0.2 * OUTCOMES), (700, SKILLED))

    assert look(980, again, forecasts).event == KEPT
    assert look(980, Champion("drift", day(950)), forecasts).event == DEMOTED


def test_a_persons_way_back_to_zero_counts_as_a_demotion():
    # It is served zero because of a rollback after row 699, whatever happened to the pin since.
    rolled_back = Champion("zero", None, counted_since=day(699))

    assert look(950, rolled_back, SKILLED).event == UNDECIDED
    assert look(951, rolled_back, SKILLED).event == PROMOTED


def test_another_look_at_the_same_session_decides_nothing_new():
    promoted = look(400, Champion(), SKILLED).champion
    assert look(400, promoted, SKILLED).champion == promoted

    faded = turning((0, SKILLED), (400, HARMFUL))
    demoted = look(700, promoted, faded).champion
    again = look(700, demoted, faded)

    assert (again.champion, again.event) == (demoted, UNDECIDED)
    assert again.verdict.dates == 0


def test_a_life_of_a_candidate_from_look_to_look():
    forecasts = turning((0, SKILLED), (400, HARMFUL), (1000, SKILLED))
    now, events = Champion(), []
    for rows in range(21, ROWS, 21):
        decision = look(rows, now, forecasts)
        if decision.event in (PROMOTED, DEMOTED):
            events.append((decision.event, rows))
            assert decision.champion.since == day(rows - 1)
        now = decision.champion

    assert [event for event, _ in events] == [PROMOTED, DEMOTED, PROMOTED]
    first, second, third = (rows for _, rows in events)
    # 251 outcomes are known at row 252. Harm must outweigh what was good since the promotion, and
    # then the good what was harm since the demotion.
    assert first == 252
    assert 400 + (400 - 252) < second < 1000
    assert third > 1000 + (1000 - second)


# --- a champion of another name


ANOTHER = Champion("ridge", day(299))


def test_a_challenger_that_beats_the_champion_takes_its_place():
    decision = look(600, ANOTHER, SKILLED, ridge=0.02 * OUTCOMES)

    assert decision.champion == Champion("drift", day(599))
    assert (decision.candidate, decision.event) == ("drift", PROMOTED)
    assert "the champion" in decision.reason
    passed = {criterion.name: criterion.passed for criterion in decision.verdict.evidence}
    assert passed["mae_improvement_vs_champion"]


@pytest.mark.parametrize("known", [0.05, 0.08])
def test_a_champion_that_the_challenger_does_not_beat_is_kept(known):
    # As good as the challenger, or better; small enough not to swing too far.
    decision = look(600, ANOTHER, SKILLED, ridge=known * OUTCOMES)

    assert decision.champion == ANOTHER
    assert (decision.candidate, decision.event) == ("ridge", KEPT)
    assert decision.reason.startswith("Better")


def test_a_challenger_that_beats_the_champion_but_not_zero_takes_no_place():
    # The champion has long been silent, and harmed of late; nobody is better than zero.
    decision = look(600, ANOTHER, ZERO, ridge=turning((0, ZERO), (500, HARMFUL)))

    assert decision.champion.served != "drift"


def test_a_champion_that_is_worse_by_its_own_record_is_demoted_though_no_challenger_beat_it():
    decision = look(600, ANOTHER, HARMFUL, ridge=HARMFUL)

    assert decision.champion == back_to_zero(599)
    assert (decision.candidate, decision.event) == ("ridge", DEMOTED)


# --- a champion that is no longer a candidate


RETIRED = Champion("forest", day(299))


def test_a_champion_that_is_no_candidate_any_more_gives_its_place_to_zero():
    decision = look(600, RETIRED, ZERO)

    assert decision.champion == Champion("zero", None)
    assert (decision.candidate, decision.event) == ("drift", DEMOTED)
    assert decision.reason.startswith("forest, served so far, is no longer a candidate. Undecided")


def test_a_champion_that_is_no_candidate_any_more_gives_its_place_to_a_better_challenger():
    decision = look(600, RETIRED, SKILLED)

    assert decision.champion == Champion("drift", day(599))
    assert (decision.candidate, decision.event) == ("drift", PROMOTED)


def test_the_promotion_of_another_does_not_shorten_the_challengers_record():
    # The challenger was never demoted: all that it has forecast counts.
    decision = look(600, Champion("forest", day(580)), SKILLED)

    assert decision.event == PROMOTED
    assert decision.verdict.dates == 599


# --- a champion or a challenger of which there is no model


def test_a_champion_that_could_not_be_fitted_gives_its_place_to_zero():
    decision = look(600, PROMOTED_THEN, SKILLED, unfitted=("drift",))

    assert decision.champion == Champion("zero", None)
    assert (decision.candidate, decision.event) == ("drift", DEMOTED)
    assert decision.reason.startswith("drift, served so far, could not be fitted. Undecided")
    # Its record is not lost.
    assert look(601, decision.champion, SKILLED).event == PROMOTED


def test_a_challenger_takes_the_place_of_a_champion_that_could_not_be_fitted():
    decision = look(600, ANOTHER, SKILLED, ridge=0.08 * OUTCOMES, unfitted=("ridge",))

    assert decision.champion == Champion("drift", day(599))
    assert (decision.candidate, decision.event) == ("drift", PROMOTED)


@pytest.mark.parametrize("now", [Champion(), ANOTHER])
def test_a_challenger_that_could_not_be_fitted_is_not_promoted(now):
    decision = look(600, now, SKILLED, ridge=0.02 * OUTCOMES, unfitted=("drift",))

    assert decision.champion == now
    assert decision.event == (UNDECIDED if now.served == "zero" else KEPT)
    if now.served == "zero":
        assert "could not be fitted at the last session. By its record: Better" in decision.reason


def test_an_earlier_demotion_outlives_a_champion_without_a_model():
    champion = Champion("drift", day(950), counted_since=day(699))

    decision = look(960, champion, SKILLED, unfitted=("drift",))

    assert decision.champion == Champion("zero", None, counted_since=day(699))


# --- a last session that most tickers lack


def test_it_is_decided_at_the_last_complete_session():
    actual, close = OUTCOMES[:252].copy(), np.ones((252, TICKERS))
    close[-1, 1:] = np.nan
    # One ticker's outcome of the next to last session is known, and says nothing yet.
    actual[-2:] = np.nan
    actual[-2, 0] = 0.5
    points = {"zero": ZERO[:252], "drift": SKILLED[:252]}
    result = walk_forward_result(actual, points, "drift")
    result = replace(result, panel=panel_of(close))

    decision = decide_promotion(result, Champion())

    assert decision.champion == Champion("drift", day(250))
    assert decision.verdict.dates == 250


# --- the backtest's replay


@pytest.mark.parametrize(("horizon", "tickers"), [(1, 10), (1, 20), (5, 10)])
def test_the_replay_of_a_backtest_says_what_training_decided_at_each_look(horizon, tickers):
    random = np.random.default_rng(5)
    actual = random.normal(0, 0.02, (1_800, tickers))
    skill = np.repeat([0.05, -0.08, 0.05], [400, 300, 1_100])[:, None]
    forecasts = skill * actual + random.normal(0, 5e-4, actual.shape)
    whole = walk_forward_result(actual, {"drift": forecasts}, "drift", horizon=horizon)
    replayed = whole.replay

    now, served, rows = Champion(), [], range(20, len(actual), 21)
    for row in rows:
        decision = decide_promotion(
            replace(whole, panel=panel_of(np.ones((row + 1, tickers)))), now
        )
        now = decision.champion
        served.append(now.served == "drift")

    np.testing.assert_array_equal(served, replayed.promoted[rows])
    # Promoted, demoted, and promoted again.
    assert np.count_nonzero(np.diff([0, *served])) == 3


# --- whatever happens

KINDS = st.sampled_from([SKILLED, HARMFUL, ZERO, 0.02 * OUTCOMES, np.full_like(OUTCOMES, np.nan)])
CHAMPIONS = st.one_of(
    st.just(Champion()),
    st.builds(
        Champion,
        st.sampled_from(["zero", "drift", "ridge", "forest"]),
        st.integers(0, 350).map(day),
        st.none() | st.integers(0, 350).map(day),
    ),
)


@settings(max_examples=120)
@given(
    st.integers(351, 900),
    st.integers(1, 899),
    CHAMPIONS,
    KINDS,
    KINDS,
    KINDS,
    st.sets(st.sampled_from(["drift", "ridge"])),
)
def test_whatever_is_decided_follows_from_its_verdict_and_can_be_stored(
    rows, turn, now, first, then, champion, unfitted
):
    forecasts = turning((0, first), (turn, then))
    decision = look(rows, now, forecasts, unfitted=unfitted, ridge=champion)

    served, verdict = decision.champion, decision.verdict.verdict
    if decision.event == PROMOTED:
        promoted = Champion("drift", day(rows - 1), now.counted_since)
        assert (served, verdict) == (promoted, BETTER)
    elif decision.event == DEMOTED:
        retired = now.served in ("forest", *unfitted)
        assert served == (
            Champion("zero", None, now.counted_since) if retired else back_to_zero(rows - 1)
        )
        assert now.served != "zero"
        assert verdict != BETTER
    elif decision.event == KEPT:
        assert served == now
        assert decision.candidate == now.served
        assert verdict != WORSE
    else:
        assert decision.event == verdict != BETTER
        assert served == now
        assert now.served == "zero"
    stored = Artifact(
        pool="NSE",
        horizon="short",
        sessions=1,
        candidate=decision.candidate,
        model=LinearModel((), np.zeros(0), 0.0),
        features_version="v1",
        trained_at="",
        code_version="",
        data_hash="",
        config_hash="",
        verdict=verdict,
        reason=decision.reason,
        served=served.served,
        since=served.since.isoformat() if served.since else "",
    )
    assert stored.served == served.served
    assert len(decision.reason) > 20
    assert verdict in (BETTER, WORSE, UNDECIDED)
