import shutil
from http import HTTPStatus

import pytest

from src.api.forecasts.loader import Loader, forecast_by
from src.api.schemas.errors import NoForecast
from src.core.model_events import ModelEvent
from src.db.tables.model_events import EventLog
from src.registry.formats.models import RankTilt
from src.registry.lifecycle.publish import publish
from src.registry.storage.artifact_store import ArtifactStore
from tests.support.answers import (
    at,
    put_inputs,
    put_live,
    put_member,
    put_pool_inputs,
    put_price,
)
from tests.support.models import both_horizons, make_artifact, winner
from tests.support.registries import keys_of
from tests.support.trees import stump

SHORT, LONG = ("TCS.NS", "short"), ("TCS.NS", "long")


def forecasts(connection, models, *pairs, key=None):
    """The forecast of each ticker and horizon, or why there is none."""
    read = Loader(ArtifactStore(models, keys_of(key))).load(connection, pairs)
    return {pair: forecast_by(model) for pair, model in read.items()}


def test_reads_many_at_once_each_by_its_own_model(connection, models):
    put_live(connection, models, both_horizons(), tickers=["TCS.NS", "INFY.NS"])
    put_live(connection, models, [winner(pool="BSE")], tickers=["TCS.BO"])

    pairs = [SHORT, LONG, ("INFY.NS", "short"), ("TCS.BO", "short")]
    results = forecasts(connection, models, *pairs)

    answers = [forecast.answer for forecast in results.values()]
    assert [(answer["ticker"], answer["horizon"]) for answer in answers] == [
        *(("TCS.NS", "1-day"), ("TCS.NS", "63-day"), ("INFY.NS", "1-day"), ("TCS.BO", "1-day")),
    ]
    assert [answer["model"]["pool"] for answer in answers] == ["NSE", "NSE", "NSE", "BSE"]
    assert [answer["model"]["name"] for answer in answers] == ["zero", "zero", "zero", "ridge"]
    versions = [answer["model"]["version"] for answer in answers]
    assert versions[0] == versions[2]
    assert len(set(versions)) == 3


def test_a_ticker_without_prices_is_not_found_and_one_without_a_model_is_not_there_yet(
    connection, models
):
    put_price(connection, "INFY.NS")
    put_price(connection, "ITC.NS")
    put_member(connection, "ITC.NS")

    results = forecasts(connection, models, SHORT, ("INFY.NS", "short"), ("ITC.NS", "short"))

    assert results[SHORT].status == HTTPStatus.NOT_FOUND
    for ticker in ("INFY.NS", "ITC.NS"):
        refused = results[ticker, "short"]
        assert refused.status == HTTPStatus.SERVICE_UNAVAILABLE
        assert f"no short model of {ticker} yet: run `python -m mlops.pipeline" in str(refused)


def test_a_ticker_of_a_pool_with_a_model_but_without_inputs_says_what_to_run(connection, models):
    put_live(connection, models, [make_artifact()], tickers=["INFY.NS"])
    put_member(connection, "TCS.NS")

    refused = forecasts(connection, models, SHORT)[SHORT]

    assert refused.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert "model of NSE have not been computed for TCS.NS yet: run" in str(refused)
    assert "--ticker TCS.NS" in str(refused)


def test_a_new_model_forecasts_from_the_same_inputs(connection, models):
    put_live(connection, models, [make_artifact()])
    (new,) = publish(ArtifactStore(models), EventLog(connection), [winner()], at(1))

    answer = forecasts(connection, models, SHORT)[SHORT].answer

    assert (answer["model"]["version"], answer["model"]["name"]) == (new.digest, "ridge")


def test_a_model_of_ranks_waits_for_its_own_inputs_of_the_pool(connection, models):
    features = ("mom_5", "volatility_1", "rank_mean")
    trees = stump(0, -0.25, 0.125)
    tilt = winner(candidate="rank_tilt", served="rank_tilt", model=RankTilt(features, trees, 0.5))
    store, inputs = ArtifactStore(models), {"mom_5": 0.02, "volatility_1": 0.01}
    put_live(connection, models, [make_artifact()], inputs=inputs)
    (new,) = publish(store, EventLog(connection), [tilt], at(1))
    assert isinstance(forecasts(connection, models, SHORT)[SHORT], NoForecast)

    put_pool_inputs(connection, new, rank_mean=-0.05)

    answer = forecasts(connection, models, SHORT)[SHORT].answer
    # .5 x (.125 + .05) x .01
    assert answer["pred_return"] == pytest.approx(0.000875)


@pytest.mark.parametrize(
    "changes",
    [
        {"features_version": "v2"},
        {"inputs": {"mom_5": "much", "vol_14": 0.1}},
        {"inputs": {"mom_5": 1e308, "vol_14": -1e308}},
    ],
)
def test_inputs_that_make_no_forecast_are_refused_in_a_sentence(changes, connection, models):
    put_live(connection, models, [winner()])
    put_inputs(connection, *SHORT, **changes)

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
    put_live(connection, models, [winner()])
    loader = Loader(ArtifactStore(models))
    before = forecast_by(loader.load(connection, [SHORT])[SHORT])
    shutil.rmtree(models / "NSE")
    put_inputs(connection, *SHORT, last_close=3100.0)

    after = forecast_by(loader.load(connection, [SHORT])[SHORT])

    assert after.answer["last_close"] == 3100.0
    assert after.answer["pred_return"] == before.answer["pred_return"]


def test_a_set_that_could_not_be_read_is_read_again_once_it_is_there(connection, models, tmp_path):
    put_live(connection, models, [winner()])
    loader = Loader(ArtifactStore(models))
    (models / "NSE").rename(tmp_path / "aside")
    assert isinstance(loader.load(connection, [SHORT])[SHORT], NoForecast)

    (tmp_path / "aside").rename(models / "NSE")

    assert forecast_by(loader.load(connection, [SHORT])[SHORT]).answer["verdict"] == "better"


def test_a_pinned_model_answers_with_the_verdict_of_now(connection, models):
    (live,) = put_live(connection, models, [winner()])
    events = EventLog(connection)
    fields = {"served": "ridge", "verdict": "better", "version_tag": "v1"}
    events.append([ModelEvent("pinned", *live.pair, live.digest, "a test", at(1).at, **fields)])
    worse = make_artifact(verdict="worse", reason="MAE 3 % above zero's")
    publish(ArtifactStore(models), events, [worse], at(2))

    answer = forecasts(connection, models, SHORT)[SHORT].answer

    assert (answer["model"]["name"], answer["model"]["version"]) == ("ridge", live.digest)
    assert answer["model"]["pinned"]["version_tag"] == "v1"
    assert answer["note"].startswith("version v1 is pinned since 2026-04-13")
    assert (answer["verdict"], answer["model"]["verdict"]) == ("worse", "worse")
    assert answer["reason"].startswith("MAE 3 % above zero's")
