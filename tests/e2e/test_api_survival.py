"""The API while models change and while the database fails: no wrong number, no restart."""

import json
import pickle
import socket
import struct
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import psutil
import psycopg
import pytest

from src.config.logs import LOG_FILE
from src.core.model_events import ModelEvent
from src.db.embedded.lease import acquire
from src.db.migrate import ensure_schema
from src.db.tables.model_events import EventLog
from src.registry.formats.models import LinearModel, RankTilt
from src.registry.lifecycle.publish import publish
from src.registry.lifecycle.state import live_states
from src.registry.storage.artifact_store import ArtifactStore
from tests.support.answers import (
    at,
    logged,
    put_inputs,
    put_live,
    put_member,
    put_pool_inputs,
)
from tests.support.models import both_horizons, forged_set, winner
from tests.support.registries import Place
from tests.support.services import Load, Service, die, eventually
from tests.support.trees import stump

PAIR, ASKED = ("NSE", "short"), ("TCS.NS", "short")
UNROUTED = 'forecast_api_requests_total{method="GET",route="none",status="200"}'


def winner_forecasting(value, **changes):
    """A winner whose forecast is a number that only it gives."""
    return winner(model=LinearModel((), np.zeros(0), value), **changes)


def tilt():
    """A model of ranks over inputs that are there."""
    trees = stump(0, -0.25, 0.125)
    model = RankTilt(("mom_5", "vol_14", "rank_mean"), trees, 0.5)
    return winner(candidate="rank_tilt", served="rank_tilt", model=model)


def version(answer):
    return answer.json()["model"]["version"]


def warned(service):
    """The answer for TCS.NS where it has a warning, else None."""
    answer = service.short()
    return answer if answer.json()["warnings"] else None


def test_a_promotion_is_served_within_two_seconds(service, connection, models):
    (new,) = put_live(connection, models, [winner_forecasting(0.01)], minutes=1)

    answer = eventually(
        lambda: service.short() if version(service.short()) == new.digest else None, 2
    )
    assert answer.json()["pred_return"] == 0.01
    assert answer.json()["warnings"] == []


def test_a_service_that_is_stopped_leaves_what_it_was_asked_for(service, home):
    for ticker in ("TCS.NS", "TCS.NS", "UNKNOWN.NS"):
        service.short(ticker)
    service.get("/health")
    service.stop()

    (path,) = (home / "mlops" / "metrics").iterdir()
    assert path.name == "2026-04-13.jsonl"
    points = [json.loads(line) for line in path.read_text().splitlines()]
    values = {point["name"]: point["value"] for point in points}
    # The fixture asked once before.
    assert (values["api_requests"], values["api_errors"]) == (4, 1)
    assert 0 < values["api_seconds_mean"] < 5


def test_new_inputs_of_the_same_model_are_served(service, connection):
    put_inputs(connection, *ASKED, last_close=3100.0)

    eventually(lambda: service.short().json()["last_close"] == 3100.0, 2)


def test_the_model_before_answers_with_a_warning_until_the_new_one_has_inputs_of_the_pool(
    service, connection, models
):
    before = version(service.short())
    (new,) = publish(ArtifactStore(models), EventLog(connection), [tilt()], at(1))

    answer = eventually(lambda: warned(service))
    assert version(answer) == before
    assert "have not been computed for TCS.NS yet" in answer.json()["warnings"][0]
    assert service.get("/health").status_code == 503
    put_pool_inputs(connection, new, rank_mean=-0.05)
    eventually(
        lambda: (version(service.short()), service.short().json()["warnings"]) == (new.digest, [])
    )


def test_a_ticker_without_inputs_is_not_forecast_until_they_are_there(
    database_url, connection, home, models
):
    put_live(connection, models, both_horizons(), tickers=["INFY.NS"])
    put_member(connection, "TCS.NS")
    with Service(home, database_url) as service:
        answer, health = service.short(), service.get("/health")
        put_inputs(connection, *ASKED)
        eventually(lambda: service.short().status_code == 200, 2)

    assert (answer.status_code, health.status_code) == (503, 503)
    assert "run `python -m mlops.pipeline --ticker TCS.NS`" in (answer.json()["detail"])


def test_two_promotions_at_once_end_with_the_one_that_the_audit_names(
    service, connection, models, database_url
):
    def promote(value):
        with psycopg.connect(database_url, autocommit=True) as other:
            put_live(other, models, [winner_forecasting(value)], minutes=value * 100)

    values = {0.01, 0.02}
    threads = [threading.Thread(target=promote, args=(value,)) for value in values]
    with Load(service) as load:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        named = live_states(EventLog(connection).decisive(["NSE"]))[PAIR].live
        eventually(lambda: version(service.short()) == named.digest, 2)

    assert {answer.status_code for answer in load.answers} == {200}
    assert {answer.json()["pred_return"] for answer in load.answers} <= values | {0.0}


def test_a_rollback_under_load_is_never_a_mixture(service, connection, models, database_url, home):
    registry, returns = Place(database_url, home), {version(service.short()): 0.0}
    for minutes, value in ((1, 0.01), (2, -0.02)):
        (stored,) = put_live(connection, models, [winner_forecasting(value)], minutes=minutes)
        returns[stored.digest] = value
        registry.version(f"v{minutes}", days=minutes)
    with Load(service) as load:
        for turn, tag in enumerate(["v1", "v2", "v1", "v2", "v1"]):
            registry.roll_back(tag, days=3 + turn)
            wanted = {"v1": 0.01, "v2": -0.02}[tag]
            eventually(lambda wanted=wanted: service.short().json()["pred_return"] == wanted, 2)

    assert {answer.status_code for answer in load.answers} == {200}
    for answer in load.answers:
        body = answer.json()
        assert body["pred_return"] == returns[body["model"]["version"]]
        assert body["est_future_close"] == 3000.0 * (1 + body["pred_return"])
    assert {answer.json()["pred_return"] for answer in load.answers} >= {0.01, -0.02}


def test_without_a_database_at_start_it_says_so_and_answers_once_there_is_one(home, tmp_path):
    data = tmp_path / "later"
    with acquire(data) as lease:
        url = lease.url
        ensure_schema(url)
        with psycopg.connect(url, autocommit=True) as connection:
            put_live(connection, home / "models", both_horizons())
    # The last lease stops the server, so it is given back when the service has left.
    with ExitStack() as leases, Service(home, url) as service:
        answer = service.short()
        assert answer.status_code == 503
        assert "does not answer" in answer.json()["detail"]
        assert "does not answer" in service.get("/health").json()["detail"]
        assert service.get("/health/live").status_code == 200
        leases.enter_context(acquire(data))
        eventually(lambda: service.short().status_code == 200)
        eventually(lambda: service.get("/health").status_code == 200)


def test_with_the_database_lost_it_answers_what_it_knows_with_a_warning_until_it_is_back(
    home, tmp_path
):
    data = tmp_path / "lost"
    first = acquire(data)
    ensure_schema(first.url)
    with psycopg.connect(first.url, autocommit=True) as connection:
        put_live(connection, home / "models", both_horizons())
    with ExitStack() as leases, Service(home, first.url) as service:
        cached = service.short().json()
        eventually(lambda: logged(first.url) == [(1,)])
        die(data / "postmaster.pid")
        lost = eventually(lambda: warned(service))
        long = service.get("/predict/long")

        assert "does not answer" in lost.json()["warnings"][0]
        assert {**lost.json(), "warnings": []} == cached
        assert (long.status_code, service.short("INFY").status_code) == (200, 503)
        assert service.get("/health").status_code == 503
        assert service.metric("forecast_log_backlog") == 1
        first.unlock()
        leases.enter_context(acquire(data))
        eventually(lambda: service.short().json()["warnings"] == [])
        eventually(lambda: service.get("/health").status_code == 200)
        eventually(lambda: logged(first.url) == [(2,)])


def test_its_own_embedded_database_is_started_again_when_it_dies(home):
    data = home / "var" / "postgres"
    with Service(home) as service:
        eventually(lambda: service.short().status_code == 404)
        with acquire(data) as lease, psycopg.connect(lease.url, autocommit=True) as connection:
            put_live(connection, home / "models", both_horizons())
        assert service.short().status_code == 200
        die(data / "postmaster.pid")
        eventually(lambda: service.get("/health").status_code == 200)
        assert service.short().json()["warnings"] == []


def test_a_service_that_loses_its_connections_misses_no_change(service, connection, models):
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = "
        "'tcsns-api' AND datname = current_database()"
    )
    with Load(service) as load:
        for turn in range(3):
            connection.execute(cut)
            (new,) = put_live(
                connection, models, [winner_forecasting(0.01 + turn / 100)], minutes=1 + turn
            )
            eventually(lambda digest=new.digest: version(service.short()) == digest, 3)

    assert {answer.status_code for answer in load.answers} == {200}


@pytest.mark.parametrize("name", ["model.safetensors", "manifest.json"])
def test_a_damaged_model_is_not_served_where_nothing_good_is_known(
    name, database_url, connection, home, models
):
    short, _ = put_live(connection, models, both_horizons())
    path = models / "NSE" / "short" / short.digest / name
    content = path.read_bytes()
    path.write_bytes(content[:-9] + b"!" + content[-8:])

    with Service(home, database_url) as service:
        answer = service.short()
        assert answer.status_code == 503
        assert "cannot be used" in answer.json()["detail"]
        assert service.get("/predict/long").status_code == 200
        put_live(connection, models, [winner_forecasting(0.01)], minutes=1)
        eventually(lambda: service.short().status_code == 200)


def test_a_damaged_new_model_leaves_the_good_one_answering_with_a_warning(
    service, connection, models
):
    good = version(service.short())
    folder = models / "NSE" / "short" / good
    digest = forged_set(folder, b"no model")
    go_live(connection, digest)

    answer = eventually(lambda: warned(service))
    assert version(answer) == good
    assert "cannot be used" in answer.json()["warnings"][0]


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_pickle_in_the_place_of_a_model_is_refused_and_not_run(service, connection, models, home):
    trace = home / "was-run"
    folder = models / "NSE" / "short" / version(service.short())
    go_live(connection, forged_set(folder, pickle.dumps(Bomb(trace))))

    answer = eventually(lambda: warned(service))
    assert "cannot be used" in answer.json()["warnings"][0]
    assert not trace.exists()


def go_live(connection, digest):
    """Make the audit say that a set is live."""
    when = at(1)
    event = ModelEvent("trained", *PAIR, digest, when.by_whom, when.at, made_live=True)
    EventLog(connection).append([event])


def test_clients_that_leave_without_reading_are_no_failure_of_the_service(service, home):
    request = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 400
    clients = []
    for _ in range(20):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.connect(("127.0.0.1", service.port))
        client.setblocking(False)
        client.send(request)
        clients.append(client)
    seen = [0.0]

    def stalled():
        seen.append(service.metric(UNROUTED))
        time.sleep(0.1)
        return seen[-1] == seen[-2] > 0

    eventually(stalled)
    for client in clients:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()

    assert service.short().status_code == 200
    assert 'status="500"' not in service.get("/metrics").text
    assert "failed unexpectedly" not in (home / LOG_FILE).read_text()


def test_a_database_that_hangs_delays_no_cached_answer(home, tmp_path):
    data = tmp_path / "hung"
    with acquire(data) as lease:
        ensure_schema(lease.url)
        with psycopg.connect(lease.url, autocommit=True) as connection:
            put_live(connection, home / "models", both_horizons())
        with Service(home, lease.url) as service:
            cached = service.short().json()
            main = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
            processes = [main, *main.children(recursive=True)]
            for process in processes:
                process.suspend()
            try:
                answer = eventually(
                    lambda: service.short() if service.short().json()["warnings"] else None
                )
                other, health = service.short("INFY"), service.get("/health")
            finally:
                for process in reversed(processes):
                    process.resume()
            eventually(lambda: service.short().json() == cached)
            eventually(lambda: service.get("/health").status_code == 200)

    assert {**answer.json(), "warnings": []} == cached
    assert answer.elapsed.total_seconds() < 2
    assert (other.status_code, health.status_code) == (503, 503)
