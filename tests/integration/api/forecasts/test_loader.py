import shutil
from http import HTTPStatus

import pytest

from src.api.forecasts.loader import Loader, forecast_by
from src.api.schemas.errors import NoForecast
from src.core.model_events import ModelEvent
from src.db.tables.model_events import EventLog
from src.registry.lifecycle.publish import publish
from src.registry.storage.artifact_store import ArtifactStore
from tests.support.answers import at, put_inputs, put_live, put_price
from tests.support.models import both_horizons, make_artifact, winner
from tests.support.registries import keys_of

SHORT, LONG = ("TCS.NS", "short"), ("TCS.NS", "long")


def forecasts(connection, models, *pairs, key=None):
    """The forecast of each ticker and horizon, or why there is none."""
    read = Loader(ArtifactStore(models, keys_of(key))).load(connection, pairs)
    return {pair: forecast_by(model) for pair, model in read.items()}


def test_reads_many_at_once_each_by_its_own_model(connection, models):
    put_live(connection, models, both_horizons())
    put_live(connection, models, [winner(ticker="INFY.NS")])

    results = forecasts(connection, models, SHORT, LONG, ("INFY.NS", "short"))

    answers = [forecast.answer for forecast in results.values()]
    assert [answer["horizon"] for answer in answers] == ["1-day", "63-day", "1-day"]
    assert [answer["model"]["name"] for answer in answers] == ["zero", "zero", "ridge"]


def test_a_ticker_without_prices_is_not_found_and_one_without_a_model_is_not_there_yet(
    connection, models
):
    put_price(connection, "INFY.NS")

    results = forecasts(connection, models, SHORT, ("INFY.NS", "short"))

    assert results[SHORT].status == HTTPStatus.NOT_FOUND
    assert results["INFY.NS", "short"].status == HTTPStatus.SERVICE_UNAVAILABLE
    assert "--ticker INFY.NS" in str(results["INFY.NS", "short"])


def test_a_model_without_inputs_says_what_to_run(connection, models):
    publish(ArtifactStore(models), EventLog(connection), [make_artifact()], at())

    refused = forecasts(connection, models, SHORT)[SHORT]

    assert refused.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert "--ticker TCS.NS --skip-training" in str(refused)


def test_inputs_of_the_model_before_are_not_given_to_the_new_one(connection, models):
    put_live(connection, models, [make_artifact()])
    publish(ArtifactStore(models), EventLog(connection), [winner()], at(1))

    assert isinstance(forecasts(connection, models, SHORT)[SHORT], NoForecast)


@pytest.mark.parametrize(
    "changes",
    [
        {"features_version": "v2"},
        {"inputs": {"mom_5": "much", "vol_14": 0.1}},
        {"inputs": {"mom_5": 1e308, "vol_14": -1e308}},
    ],
)
def test_inputs_that_make_no_forecast_are_refused_in_a_sentence(changes, connection, models):
    (live,) = put_live(connection, models, [winner()])
    put_inputs(connection, live, **changes)

    refused = forecasts(connection, models, SHORT)[SHORT]

    assert refused.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert str(refused).endswith(".")


def test_a_candidate_that_lacks_an_input_gives_way_to_zero_and_the_note_says_so(connection, models):
    put_live(connection, models, [winner()], inputs={"mom_5": 0.02})

    answer = forecasts(connection, models, SHORT)[SHORT].answer

    assert (answer["pred_return"], answer["model"]["name"]) == (0.0, "zero")
    assert "needs vol_14" in answer["note"]


def test_an_unsigned_model_is_refused_where_a_key_is_set(connection, models):
    put_live(connection, models, [make_artifact()])

    refused = forecasts(connection, models, SHORT, key=b"a key of sixteen or more")[SHORT]

    assert "not signed" in str(refused)


def test_a_set_that_was_read_once_is_not_looked_for_on_the_disk_again(connection, models):
    (live,) = put_live(connection, models, [winner()])
    loader = Loader(ArtifactStore(models))
    before = forecast_by(loader.load(connection, [SHORT])[SHORT])
    shutil.rmtree(models / "TCS.NS")
    put_inputs(connection, live, last_close=3100.0)

    after = forecast_by(loader.load(connection, [SHORT])[SHORT])

    assert after.answer["last_close"] == 3100.0
    assert after.answer["pred_return"] == before.answer["pred_return"]


def test_a_set_that_could_not_be_read_is_read_again_once_it_is_there(connection, models, tmp_path):
    put_live(connection, models, [winner()])
    loader = Loader(ArtifactStore(models))
    (models / "TCS.NS").rename(tmp_path / "aside")
    assert isinstance(loader.load(connection, [SHORT])[SHORT], NoForecast)

    (tmp_path / "aside").rename(models / "TCS.NS")

    assert forecast_by(loader.load(connection, [SHORT])[SHORT]).answer["verdict"] == "better"


def test_a_pinned_model_answers_with_the_verdict_of_now(connection, models):
    (live,) = put_live(connection, models, [winner()])
    events = EventLog(connection)
    fields = {"served": "ridge", "verdict": "better", "version_tag": "v1"}
    events.append([ModelEvent("pinned", *SHORT, live.digest, "a test", at(1).at, **fields)])
    worse = make_artifact(verdict="worse", reason="MAE 3 % above zero's")
    publish(ArtifactStore(models), events, [worse], at(2))

    answer = forecasts(connection, models, SHORT)[SHORT].answer

    assert (answer["model"]["name"], answer["model"]["version"]) == ("ridge", live.digest)
    assert answer["model"]["pinned"]["version_tag"] == "v1"
    assert answer["note"].startswith("version v1 is pinned since 2026-04-13")
    assert (answer["verdict"], answer["model"]["verdict"]) == ("worse", "worse")
    assert answer["reason"].startswith("MAE 3 % above zero's")
