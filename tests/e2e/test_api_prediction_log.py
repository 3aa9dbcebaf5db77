"""The prediction log of the API: every served forecast once, whatever happens to the service."""

import itertools
import threading
from contextlib import ExitStack

import psycopg

from tests.support.answers import logged, put_inputs, put_live
from tests.support.models import both_horizons, make_artifact
from tests.support.services import Load, Service, eventually

KEY = ("ticker", "feature_date", "data_hash")


def write_inputs(url, tickers, stop):
    """Write new inputs of each ticker in turn, as fast as the database accepts them."""
    with psycopg.connect(url, autocommit=True) as other:
        for turn in itertools.count():
            for ticker in tickers:
                if stop.is_set():
                    return
                changes = {"data_hash": f"{turn:064d}", "last_close": 3001.0 + turn}
                put_inputs(other, ticker, "short", **changes)


def test_a_log_that_cannot_be_written_delays_no_answer_and_is_caught_up_with(
    database_url, connection, home, models
):
    put_live(connection, models, both_horizons())
    role = connection.info.dbname
    connection.execute(f"CREATE ROLE {role} LOGIN")
    connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    url = database_url.replace("postgres@", f"{role}@")
    try:
        with Service(home, url) as service:
            answers = [service.short(), service.get("/predict/long")]
            eventually(lambda: service.metric("forecast_log_failures_total") >= 1)
            assert [answer.status_code for answer in answers] == [200, 200]
            assert service.metric("forecast_log_backlog") == 2
            health = service.get("/health")
            assert (health.status_code, health.json()["status"]) == (200, "degraded")
            connection.execute(f"GRANT INSERT ON predictions TO {role}")
            eventually(lambda: logged(database_url) == [(2,)])
            eventually(lambda: service.metric("forecast_log_backlog") == 0)
    finally:
        connection.execute(f"DROP OWNED BY {role}")
        connection.execute(f"DROP ROLE {role}")


def test_killed_under_load_it_has_logged_every_answer_once_after_a_restart(
    service, connection, models, database_url
):
    tickers = [f"NUMBER{n}.NS" for n in range(12)]
    put_live(connection, models, [make_artifact()], tickers=tickers)
    stop = threading.Event()
    writer = threading.Thread(target=write_inputs, args=(database_url, tickers, stop))
    with ExitStack() as loads:
        started = [
            loads.enter_context(Load(service, f"/predict/short?ticker={ticker}", clients=1))
            for ticker in tickers
        ]
        writer.start()
        before = len(logged(database_url, "version"))
        # Changes are noticed by polling: each ticker has at most two new forecasts a second.
        eventually(lambda: len(logged(database_url, "version")) > before + 200, 30)
        service.kill()
        stop.set()
    writer.join()
    answers = [answer for load in started for answer in load.answers]
    answered = {tuple(answer.json()[name] for name in KEY) for answer in answers}
    assert len(answered) > 200

    service.start()
    eventually(lambda: service.metric("forecast_log_backlog") == 0)
    rows = logged(database_url, "ticker, feature_date::text, data_hash")

    assert {answer.status_code for answer in answers} == {200}
    assert answered <= set(rows)
    assert len(rows) == len(set(rows))


def test_what_waited_for_the_log_when_it_was_killed_is_logged_by_the_next_one(
    service, connection, database_url, models
):
    tickers = [f"NUMBER{n}.NS" for n in range(20)]
    put_live(connection, models, [make_artifact()], tickers=tickers)
    eventually(lambda: logged(database_url) == [(1,)])
    with psycopg.connect(database_url) as busy:
        busy.execute("LOCK TABLE predictions IN EXCLUSIVE MODE")
        assert {service.short(ticker).status_code for ticker in tickers} == {200}
        service.kill()

    assert logged(database_url) == [(1,)]
    service.start()
    eventually(lambda: logged(database_url) == [(21,)])
    assert service.metric("forecast_log_recovered_total") == 20
    assert service.metric("forecast_log_unsaved_total") == 0


def test_two_services_on_one_database_log_a_forecast_once(service, database_url, home):
    with Service(home, database_url) as other:
        assert other.short().content == service.short().content
        eventually(lambda: other.metric("forecast_log_backlog") == 0)

        assert logged(database_url) == [(1,)]


def test_a_refused_forecast_is_told_of_until_its_file_is_moved_away(
    connection, database_url, home, models
):
    put_live(connection, models, both_horizons())
    connection.execute("ALTER TABLE predictions ADD CHECK (ticker <> 'TCS.NS')")
    with Service(home, database_url) as service:
        assert service.short().status_code == 200
        eventually(lambda: service.metric("forecast_log_refused") == 1)
        health = service.get("/health")
        (path,) = (home / "var" / "forecasts").glob("*.refused.jsonl")
        path.unlink()
        afterwards = service.get("/health").json()["status"]

    (part,) = (part for part in health.json()["parts"] if part["name"] == "log")
    assert (health.status_code, health.json()["status"], part["ok"]) == (200, "degraded", False)
    assert part["detail"].startswith("Forecasts refused by the table predictions: 1; read")
    assert str(path) in part["detail"]
    assert afterwards == "ready"
