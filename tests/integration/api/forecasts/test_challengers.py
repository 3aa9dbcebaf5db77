"""Challengers in the forecast service on a database: whom they answer, and when they cannot."""

import asyncio
import shutil

import numpy as np
import orjson
import pytest
from structlog.testing import capture_logs

from src.api.forecasts import challengers
from src.db.tables.trials import TrialLog
from src.registry.formats.models import LinearModel, RankTilt
from tests.integration.api.forecasts.test_service import service  # noqa: F401 a fixture
from tests.support.answers import put_inputs, put_live, put_pool_inputs
from tests.support.models import make_artifact
from tests.support.splits import POINT, put_challenger, put_trial, split
from tests.support.trees import stump
from tests.support.trials import trial_event

PAIR = ("TCS.NS", "short")
CLIENT = b"id:somebody"


@pytest.fixture
def trial(connection, models):
    """A trial that has a model, and answers everybody who can be told from others."""
    put_live(connection, models, [make_artifact()], tickers=["TCS.NS", "INFY.NS"])
    registered = put_trial(connection)
    put_challenger(connection, models, registered)
    split(connection, registered, 1.0)
    return registered


@pytest.fixture
def polling(service, trial):  # noqa: F811
    """The service with a poller that has seen the split."""

    async def start():
        service.poller.start()
        assert await asyncio.to_thread(service.poller.wait_for_first_poll, 10)

    asyncio.run(start())
    yield service
    service.poller.stop()


def answers(service, *pairs, client=CLIENT):  # noqa: F811
    """The answers to a client, one after the other."""

    async def story():
        return [orjson.loads((await service.answer(pair, client))[0]) for pair in pairs]

    return asyncio.run(story())


def test_the_challenger_s_answer_is_its_own_forecast_with_the_same_distribution(polling, trial):
    (served,), (answer,) = answers(polling, PAIR, client=None), answers(polling, PAIR)

    assert (served["pred_return"], "arm" in served, "trial" in served) == (0.0, False, False)
    assert (answer["arm"], answer["trial"]) == ("challenger", trial.hash)
    assert answer["pred_return"] == pytest.approx(POINT, rel=1e-12)
    assert answer["est_future_close"] == pytest.approx(3000 * (1 + POINT), rel=1e-12)
    assert answer["model"]["name"] == "ridge"
    assert answer["note"].startswith("forecast of a challenger, which has not been promoted")
    # No training has scored the ridge on this ticker.
    assert (answer["skill"]["mae_vs_zero"], answer["skill"]["n"]) == (None, 0)
    assert (answer["skill"]["pool"]["tickers"], served["skill"]["mae_vs_zero"]) == (141, 0.0)
    same = ("feature_date", "predict_date", "last_close", "prob_up", "intervals", "data_hash")
    assert [answer[name] for name in same] == [served[name] for name in same]
    assert answer["warnings"] == served["warnings"]


def test_a_challenger_s_answer_is_not_offered_to_the_log_and_the_served_one_is(polling):
    answers(polling, PAIR, PAIR)
    assert polling.log.backlog == 0

    answers(polling, PAIR, client=None)

    assert polling.log.backlog == 1


def test_it_is_computed_once_until_something_changes(polling):
    async def story():
        return [(await polling.answer(PAIR, CLIENT))[1] for _ in range(3)]

    first, second, third = asyncio.run(story())

    assert first is second is third


def test_other_horizons_and_tickers_that_it_does_not_cover_are_served_ones(
    polling, connection, models
):
    put_live(connection, models, [make_artifact(horizon="long", sessions=63)])
    split(connection, put_trial(connection, horizon="long", sessions=63, tickers=("X.NS",)), 1.0)
    asyncio.run(polling.read_splits())

    assert ["arm" in answer for answer in answers(polling, PAIR, ("TCS.NS", "long"))] == [
        True,
        False,
    ]
    assert polling.challengers.answered.total() == 1


def test_the_arm_is_logged_once_a_client_and_counted_each_time(polling, trial):
    with capture_logs() as lines:
        for client in (CLIENT, CLIENT, b"id:another"):
            answers(polling, PAIR, client=client)

    assert polling.challengers.answered == {(trial.hash, "challenger"): 3}
    assert [line["arm"] for line in lines] == ["challenger", "challenger"]
    assert "somebody" not in str(lines)


def test_no_more_clients_are_logged_than_a_log_can_hold(polling, monkeypatch):
    monkeypatch.setattr(challengers, "MOST_LOGGED", 5)
    with capture_logs() as lines:
        for number in range(20):
            answers(polling, PAIR, client=b"id:%d" % number)

    assert len(lines) == 5


def linear(name, coefficient, intercept=0.0):
    return LinearModel((name,), np.array([coefficient]), intercept)


def broken_set(connection, models, trial):
    stored = put_challenger(connection, models, trial, make_artifact(trials=9))
    shutil.rmtree(models / "NSE" / "short" / stored.digest)


def damaged_set(connection, models, trial):
    stored = put_challenger(connection, models, trial, make_artifact(trials=9))
    path = models / "NSE" / "short" / stored.digest / "model.safetensors"
    path.chmod(0o600)
    path.write_bytes(b"no tensors")


def lacks_an_input(connection, models, trial):
    model = linear("mom_63", 1.0)
    put_challenger(connection, models, trial, make_artifact(model=model))


def forecasts_no_price(connection, models, trial):
    model = linear("mom_5", 0.0, -7.0)
    put_challenger(connection, models, trial, make_artifact(model=model))


def lacks_inputs_of_the_pool(connection, models, trial):
    tilt = RankTilt(("mom_5", "volatility_1", "rank_mean"), stump(0, -0.25, 0.125), 0.5)
    put_challenger(connection, models, trial, make_artifact(candidate="rank_tilt", model=tilt))


def was_trained_on_other_features(connection, models, trial):
    put_challenger(connection, models, trial, make_artifact(features_version="v0"))


def is_not_understood(connection, models, trial):
    put_challenger(connection, models, trial, make_artifact(metrics=[{"mae": 0.01}]))


BROKEN = {
    is_not_understood: "failed unexpectedly (KeyError): see logs",
    broken_set: "is missing",
    damaged_set: "cannot be used",
    lacks_an_input: "needs",
    forecasts_no_price: "cannot be a price",
    lacks_inputs_of_the_pool: "needs",
    was_trained_on_other_features: "was trained on v0",
}


@pytest.mark.parametrize("way", BROKEN)
def test_where_the_challenger_cannot_answer_the_served_forecast_does_and_says_so(
    way, polling, trial, connection, models
):
    way(connection, models, trial)
    asyncio.run(polling.read_splits())

    (answer,), (served,) = answers(polling, PAIR), answers(polling, PAIR, client=None)

    warning, *rest = answer["warnings"]
    assert BROKEN[way] in warning
    assert warning.endswith(f"Trial {trial.hash[:12]} answers by the served forecast.")
    assert {**answer, "warnings": rest} == served
    assert polling.challengers.answered == {(trial.hash, "fallback"): 1}
    assert polling.log.backlog == 1


def test_a_challenger_without_a_model_yet_leaves_the_served_forecast(service, connection, models):  # noqa: F811
    put_live(connection, models, [make_artifact()])
    split(connection, put_trial(connection), 1.0)
    service.poller.start()
    assert service.poller.wait_for_first_poll(10)

    (answer,) = answers(service, PAIR)

    service.poller.stop()
    assert answer["warnings"][0].startswith("No run has made the model of the challenger yet. ")


def test_a_broken_challenger_is_tried_again_after_a_moment(
    polling, trial, connection, models, monkeypatch, tmp_path
):
    monkeypatch.setattr(challengers, "RETRY_AFTER", 0.05)
    stored = put_challenger(connection, models, trial, make_artifact(trials=9))
    folder = models / "NSE" / "short" / stored.digest
    folder.rename(tmp_path / "aside")
    asyncio.run(polling.read_splits())
    assert "arm" not in answers(polling, PAIR)[0]

    (tmp_path / "aside").rename(folder)
    asyncio.run(asyncio.sleep(0.06))

    assert answers(polling, PAIR)[0]["arm"] == "challenger"


def test_while_changes_may_be_missed_nobody_gets_the_challenger(service, trial):  # noqa: F811
    asyncio.run(service.read_splits())

    (answer,) = answers(service, PAIR)

    assert "arm" not in answer
    assert "database has not answered" in answer["warnings"][0]
    assert "answers by the served forecast" in answer["warnings"][0]


def test_an_ended_trial_has_no_split_with_the_next_reading(polling, trial, connection):
    assert "arm" in answers(polling, PAIR)[0]
    TrialLog(connection).add_event(trial_event(trial, "stopped"))

    asyncio.run(polling.read_splits())

    (answer,) = answers(polling, PAIR)
    assert ("arm" in answer, answer["warnings"]) == (False, [])


def test_new_inputs_and_a_new_model_of_the_challenger_are_answered_from(
    polling, trial, connection, models
):
    before = answers(polling, PAIR)[0]
    put_inputs(connection, *PAIR, last_close=3100.0)
    put_challenger(connection, models, trial, make_artifact(model=linear("mom_5", 0.5)))
    asyncio.run(polling.read_splits())

    after = answers(polling, PAIR)[0]

    assert before["last_close"] == 3000.0
    assert (after["last_close"], after["pred_return"]) == (3100.0, pytest.approx(0.01))
    assert after["model"]["version"] != before["model"]["version"]


def test_a_challenger_of_ranks_answers_from_its_own_inputs_of_the_pool(
    polling, trial, connection, models
):
    tilt = RankTilt(("mom_5", "volatility_1", "rank_mean"), stump(0, -0.25, 0.125), 0.5)
    put_inputs(connection, *PAIR, inputs={"mom_5": 0.02, "volatility_1": 0.01})
    stored = put_challenger(
        connection, models, trial, make_artifact(candidate="rank_tilt", model=tilt)
    )
    put_pool_inputs(connection, stored, rank_mean=-0.05)
    asyncio.run(polling.read_splits())

    (answer,) = answers(polling, PAIR)

    # .5 x (.125 + .05) x .01
    assert (answer["model"]["name"], answer["pred_return"]) == (
        "rank_tilt",
        pytest.approx(0.000875),
    )


def test_many_tickers_are_read_in_batches_before_they_are_answered(polling):
    pairs = [PAIR, ("INFY.NS", "short")]

    async def story():
        refused = await polling.load_missing(pairs, CLIENT)
        read = len(polling.challengers._entries)
        bodies = [orjson.loads((await polling.answer(pair, CLIENT))[0]) for pair in pairs]
        return refused, read, [(body["ticker"], body["arm"]) for body in bodies]

    assert asyncio.run(story()) == (
        {},
        2,
        [("TCS.NS", "challenger"), ("INFY.NS", "challenger")],
    )
