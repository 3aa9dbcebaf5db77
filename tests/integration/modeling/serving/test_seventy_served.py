"""Seventy daily runs of one ticker under a running service, with a winner and a way back in them.

A winner is published on the fourth evening. On the ninth, after its run, somebody goes back to
what was trained on the first; three trainings follow before the pin is taken out.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

from src.core.calendars.nse import nse
from src.db.tables.scores import ScoreLog
from src.modeling.evaluation.scoreboard import scoreboard
from src.registry.formats.models import LinearModel
from src.registry.lifecycle.events import Author
from tests.support.answers import scored_forecasts
from tests.support.daily_runs import after_close, clean_rows, daily_runs
from tests.support.databases import new_database
from tests.support.models import winner
from tests.support.plain_features import guides, scale_free
from tests.support.pools import wandering
from tests.support.services import Load, Service, eventually

TICKERS, TCS = ("HDFC.NS", "INFY.NS", "TCS.NS"), "TCS.NS"
SESSIONS = {"short": 1, "long": 63}
BEFORE, EVENINGS, WON, BACK = 340, 70, 3, 8
TRAINED = (0, 20, 45, 69)
# One more than the evenings: the session at which the pool is judged once the pin is out.
DAYS = [day for day in nse().array.tolist() if str(day) <= "2026-04-13"][-BEFORE - EVENINGS - 1 :]
PRICES = wandering(len(DAYS), len(TICKERS), seed=9)
# Forecast = slope x mom_5_s + level.
WINNER = {"short": (0.002, 0.0005), "long": (-0.01, 0.02)}


def close(evening):
    return PRICES.close[BEFORE + evening, TICKERS.index(TCS)]


def day(evening):
    return DAYS[BEFORE + evening]


def bars(evening):
    """The bars of TCS up to an evening, by hand."""
    names, column = ("open", "high", "low", "close", "volume"), TICKERS.index(TCS)
    known = {name: getattr(PRICES, name)[: BEFORE + evening + 1, column] for name in names}
    return pd.DataFrame({**known, "adj_close": known["close"]})


@dataclass
class Lived:
    """All forecasts and answers, by (horizon, evening) or by evening."""

    at: object
    forecasts: dict = field(default_factory=dict)
    answered: dict = field(default_factory=dict)
    features: dict = field(default_factory=dict)
    live: dict = field(default_factory=dict)
    first: dict = field(default_factory=dict)
    restored: dict = field(default_factory=dict)
    meanwhile: list = field(default_factory=list)
    freed: list = field(default_factory=list)
    logged: list = field(default_factory=list)


def live_digests(lived):
    return {h: lived.at.models.state("NSE", h).live.digest for h in SESSIONS}


def publish_winners(lived):
    version = lived.forecasts["short", WON - 1]["model"]["features_version"]
    made = [
        winner(
            horizon=horizon,
            sessions=sessions,
            since=str(day(WON - 1)),
            features_version=version,
            model=LinearModel(("mom_5_s",), np.array([WINNER[horizon][0]]), WINNER[horizon][1]),
        )
        for horizon, sessions in SESSIONS.items()
    ]
    lived.at.models.publish(made, Author("a test", after_close(day(WON))))


def answers(service, digests, evening):
    """What the service says of both horizons, once it is of this evening and of these models."""

    def consistent_answers():
        answered = {h: service.post(f"/predict/{h}").json() for h in SESSIONS}
        right = all(
            (one["model"]["version"], one["feature_date"]) == (digests[h], str(day(evening)))
            for h, one in answered.items()
        )
        return answered if right else None

    return eventually(consistent_answers)


def live_through(lived, evening, service):
    rows = BEFORE + evening + 1
    lived.at.store_prices(clean_rows(DAYS[:rows], PRICES.until(rows), TICKERS))
    lived.features[evening] = lived.at.connection.execute(
        "SELECT date, return_lag1, return_lag5, sma_21, mom_7, vol_14, volume "
        "FROM features_daily WHERE ticker = %s ORDER BY date DESC LIMIT 1",
        (TCS,),
    ).fetchone()
    if evening == WON:
        publish_winners(lived)
    forecasts, _ = lived.at.run_after_close([TCS], day(evening), training=evening in TRAINED)
    lived.forecasts |= {(h, evening): one for h, one in zip(SESSIONS, forecasts, strict=True)}
    lived.live[evening] = live_digests(lived)
    answered = answers(service, lived.live[evening], evening)
    lived.answered |= {(h, evening): one for h, one in answered.items()}
    if evening == 0:
        lived.first = live_digests(lived)
        lived.at.manager(day(evening)).version_models("first")
    if evening == BACK:
        with Load(service) as load:
            lived.at.manager(day(evening)).rollback_to_version("first")
            lived.restored = answers(service, lived.first, evening)
        lived.meanwhile = load.answers


def take_the_pin_out(lived):
    lived.freed = lived.at.manager(day(EVENINGS)).unpin(TCS)[1]
    lived.at.store_prices(clean_rows(DAYS, PRICES, TICKERS))
    lived.at.run_after_close([TCS], day(EVENINGS), training=True)
    lived.live["freed"] = live_digests(lived)


@pytest.fixture(scope="module")
def lived(server, template, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with new_database(server, template) as url:
        now = after_close(day(BACK)).isoformat()
        with daily_runs(url, home) as at, Service(home, url, FORECAST_NOW=now) as service:
            found = Lived(at)
            at.register(TICKERS, DAYS[0])
            for evening in range(EVENINGS):
                live_through(found, evening, service)
            eventually(lambda: service.metric("forecast_log_backlog") == 0)
            found.logged = at.connection.execute(
                "SELECT horizon, feature_date, version FROM predictions ORDER BY 1, 2, 3"
            ).fetchall()
            take_the_pin_out(found)
            yield found


def test_features_arrive_each_evening_as_worked_out_from_its_closes(lived):
    names = ["return_lag1", "return_lag5", "sma_21", "mom_7", "vol_14", "volume"]
    for evening in range(EVENINGS):
        found, *values = lived.features[evening]
        assert found == day(evening)
        assert values == pytest.approx(guides(bars(evening))[names].iloc[-1].tolist(), rel=1e-12)


def test_the_service_answers_each_evening_what_its_run_forecast(lived):
    for key, forecast in lived.forecasts.items():
        answer = lived.answered[key]
        shared = set(forecast) & set(answer)
        assert shared > {"pred_return", "est_future_close", "prob_up", "intervals", "candidate"}
        assert {name: answer[name] for name in shared} == {name: forecast[name] for name in shared}
        assert answer["predict_date"] == forecast["target_date"]
    assert len(lived.answered) == 2 * EVENINGS


def winners_point(horizon, evening):
    """By hand."""
    slope, level = WINNER[horizon]
    return slope * scale_free(bars(evening))["mom_5_s"] + level


def test_a_winner_is_answered_with_from_its_evening_until_the_way_back(lived):
    for (horizon, evening), answer in lived.answered.items():
        if WON <= evening <= BACK:
            # What models see is kept as float32.
            expected = winners_point(horizon, evening)
            assert answer["pred_return"] == pytest.approx(expected, rel=1e-6)
            assert answer["model"]["name"] == "ridge"
        else:
            assert (answer["pred_return"], answer["model"]["name"]) == (0.0, "zero")


def test_the_way_back_is_answered_the_same_evening_without_a_run(lived):
    for horizon, answer in lived.restored.items():
        assert answer["pred_return"] == 0.0
        assert answer["last_close"] == close(BACK)
        for name in ("prob_up", "intervals"):
            assert answer[name] == lived.answered[horizon, BACK][name]


def test_on_the_way_back_no_answer_mixes_two_models(lived):
    whole = [lived.answered["short", BACK], lived.restored["short"]]
    bodies = [answer.json() for answer in lived.meanwhile]
    of_evening = [one for one in bodies if one["feature_date"] == str(day(BACK))]

    assert {answer.status_code for answer in lived.meanwhile} == {200}
    assert [one for one in of_evening if {**one, "warnings": []} not in whole] == []
    assert {one["model"]["name"] for one in of_evening} == {"ridge", "zero"}


def test_on_the_way_back_no_answer_comes_from_older_prices_than_the_one_before(lived):
    dates = {answer.json()["feature_date"] for answer in lived.meanwhile}

    assert dates == {str(day(BACK))}


def test_three_trainings_after_the_way_back_do_not_undo_it(lived):
    after = [lived.live[evening] for evening in range(BACK + 1, EVENINGS)]
    trained = [one for one in lived.at.manager(day(0)).history(TCS) if one.kind == "trained"]
    later = {one.at.date() for one in trained if one.horizon == "short" and not one.made_live}

    assert after == [lived.first] * len(after)
    assert later >= {day(20), day(45), day(69)}


def test_once_unpinned_the_next_training_is_live(lived):
    assert sorted(lived.freed) == ["long", "short"]
    assert lived.live["freed"]["short"] != lived.first["short"]


def test_run_and_service_log_each_forecast_once(lived):
    expected = [(h, day(e), lived.live[e][h]) for h in SESSIONS for e in range(EVENINGS)]
    # The way back was answered after the evening's run, by another version.
    expected += [(h, day(BACK), lived.first[h]) for h in SESSIONS]

    assert lived.logged == sorted(expected)


def test_outcomes_end_at_the_session_that_was_answered_and_ripen_on_its_evening(lived):
    for horizon, sessions in SESSIONS.items():
        rows = scored_forecasts(lived.at.connection, TCS, horizon)
        label_ends = [
            str(row["label_end"]) for row in rows if row["version"] != lived.first[horizon]
        ]
        due = [e for e in range(WON, BACK + 1) if e + sessions <= EVENINGS]
        assert label_ends == [lived.answered[horizon, e]["predict_date"] for e in due]
        assert {row["matured_at"] for row in rows} == {
            after_close(day(e + sessions)) for e in range(EVENINGS + 1 - sessions)
        }


@pytest.mark.parametrize("horizon", SESSIONS)
@pytest.mark.parametrize("model", ["zero", "ridge"])
def test_the_scoreboard_keeps_the_winner_and_the_zero_around_it_apart(lived, horizon, model):
    (row,) = (
        one
        for one in scoreboard(ScoreLog(lived.at.connection))
        if (one["kind"], one["horizon"], one["ticker"]) == ("served", horizon, TCS)
        and one["model"] == model
    )
    due = range(EVENINGS + 1 - SESSIONS[horizon])
    # On the evening of the way back both were answered with: what was live the next day counts.
    mine = [e for e in due if (WON <= e < BACK) == (model == "ridge")]
    actual = np.array([close(e + SESSIONS[horizon]) / close(e) - 1 for e in mine])
    points = [winners_point(horizon, e) if model == "ridge" else 0.0 for e in mine]
    mae, mae_zero = np.abs(actual - points).mean(), np.abs(actual).mean()

    assert (row["n"], row["first"], row["last"]) == (len(mine), day(mine[0]), day(mine[-1]))
    assert row["mae"] == pytest.approx(mae, rel=1e-6)
    assert row["mae_zero"] == pytest.approx(mae_zero, rel=1e-9)
    assert row["skill"] == pytest.approx(1 - mae / mae_zero, rel=1e-6, abs=1e-12)
