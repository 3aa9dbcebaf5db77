from http import HTTPStatus

import pytest
from answers import at, put_inputs, put_live, put_price
from models import both, made, winner

from src.api.loader import Loader, Refused
from src.db.audit import EventLog
from src.registry.publishing import publish

SHORT, LONG = ("TCS.NS", "short"), ("TCS.NS", "long")


def test_reads_many_at_once_each_by_its_own_model(connection, models):
    put_live(connection, models, both())
    put_live(connection, models, [winner(ticker="INFY.NS")])

    found = Loader(models).load(connection, [SHORT, LONG, ("INFY.NS", "short")])

    assert [one.said["horizon"] for one in found.values()] == ["1-day", "63-day", "1-day"]
    assert [one.said["model"]["name"] for one in found.values()] == ["zero", "zero", "ridge"]


def test_a_ticker_without_prices_is_not_found_and_one_without_a_model_is_not_there_yet(
    connection, models
):
    put_price(connection, "INFY.NS")

    found = Loader(models).load(connection, [SHORT, ("INFY.NS", "short")])

    assert found[SHORT].status == HTTPStatus.NOT_FOUND
    assert found["INFY.NS", "short"].status == HTTPStatus.SERVICE_UNAVAILABLE
    assert "--ticker INFY.NS" in found["INFY.NS", "short"].detail


def test_a_model_that_cannot_be_asked_yet_says_what_to_run(connection, models):
    publish(models, EventLog(connection), [made()], at())

    refused = Loader(models).load(connection, [SHORT])[SHORT]

    assert refused.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert "--ticker TCS.NS --skip-training" in refused.detail


def test_inputs_of_the_model_before_are_not_given_to_the_new_one(connection, models):
    put_live(connection, models, [made()])
    publish(models, EventLog(connection), [winner()], at(1))

    assert isinstance(Loader(models).load(connection, [SHORT])[SHORT], Refused)


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

    refused = Loader(models).load(connection, [SHORT])[SHORT]

    assert refused.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert refused.detail.endswith(".")


def test_a_candidate_that_lacks_an_input_gives_way_to_zero_and_the_note_says_so(connection, models):
    put_live(connection, models, [winner()], inputs={"mom_5": 0.02})

    said = Loader(models).load(connection, [SHORT])[SHORT].said

    assert (said["pred_return"], said["model"]["name"]) == (0.0, "zero")
    assert "needs vol_14" in said["note"]


def test_an_unsigned_model_is_refused_where_a_key_is_set(connection, models):
    put_live(connection, models, [made()])

    refused = Loader(models, b"a key of sixteen or more").load(connection, [SHORT])[SHORT]

    assert "not signed" in refused.detail
