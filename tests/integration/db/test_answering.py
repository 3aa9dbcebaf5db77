import threading
from pathlib import Path

import psycopg
import pytest
from answers import INPUTS, at, put_inputs, put_live, put_price
from models import both, made

from src.db import answering
from src.db.audit import EventLog
from src.registry.publishing import publish


@pytest.fixture
def connection(database_url):
    with psycopg.connect(database_url, autocommit=True) as opened:
        yield opened


def test_finds_what_each_of_many_models_is_asked_with(connection, home):
    short, long = put_live(connection, home / "models", both())
    wanted = [(one.ticker, one.horizon, one.digest) for one in (short, long)]

    found = answering.inputs(connection, [*wanted, ("TCS.NS", "short", "0" * 64)])

    assert set(found) == set(wanted)
    assert found[wanted[0]]["inputs"] == INPUTS


def test_knows_which_tickers_have_a_price(connection):
    put_price(connection, "INFY.NS")

    assert answering.priced(connection, ["INFY.NS", "TCS.NS"]) == {"INFY.NS"}


def test_the_version_changes_with_inputs_and_with_models_and_with_nothing_else(connection, home):
    (live,) = put_live(connection, home / "models", [made()])
    seen = [answering.version(connection)]
    put_price(connection, "INFY.NS")
    assert answering.version(connection) == seen[0]

    put_inputs(connection, live)
    seen.append(answering.version(connection))
    publish(home / "models", EventLog(connection), [made(trials=4)], at(1))
    seen.append(answering.version(connection))

    assert len(set(seen)) == 3


def test_hears_of_new_inputs_and_of_new_models(connection, database_url, home):
    heard = answering.notices(connection, 0.1)
    assert next(heard) is None

    def work(folder: Path):
        with psycopg.connect(database_url, autocommit=True) as other:
            publish(folder, EventLog(other), [made()], at())
            put_inputs(other, made(ticker="INFY.NS", digest="0" * 64))

    writer = threading.Thread(target=work, args=(home / "models",))
    writer.start()
    found = set()
    while found < {"TCS.NS", "INFY.NS"}:
        found |= {next(heard)} - {None}
    writer.join()
