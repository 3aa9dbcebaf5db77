"""Runs beside a tracking server that is broken: nothing of them changes."""

import fcntl
import http.server
import json
import socket
import threading
from contextlib import contextmanager

from tests.support.data_runs import data_is_stored
from tests.support.services import eventually

DEMO = ("mlops.pipeline", "--ticker", "DEMO.NS", "--skip-training")
AT = "2026-06-30T18:00+05:30"
SAME = ("status", "data_hash", "config_hash", "tickers", "forecasts", "warnings")


@contextmanager
def hanging():
    """A server that takes connections and never answers: its address, and who came."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        came = []

        def accept():
            while True:
                try:
                    came.append(listening.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", came
        listening.shutdown(socket.SHUT_RDWR)
        for connection in came:
            connection.close()


@contextmanager
def full():
    """A server whose disk is full, as it says in answer to everything."""

    class Full(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(507)
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Full)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def results_of(home):
    (path,) = (home / "mlops" / "runs").glob("*/results.json")
    return {name: value for name, value in json.loads(path.read_text()).items() if name in SAME}


def is_over(home):
    """Whether no process exports: it would hold the lock."""
    with (home / "var" / "mlflow.lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def test_a_run_waits_for_no_server_and_comes_to_the_same(command, home, tmp_path):
    plain = tmp_path / "plain"
    assert data_is_stored(command(*DEMO, FORECAST_NOW=AT, FORECAST_HOME=plain))
    with hanging() as (address, came):
        ran = command(*DEMO, FORECAST_NOW=AT, MLFLOW_TRACKING_URI=address)
        # It has ended, and nothing was answered yet.
        assert data_is_stored(ran), ran.stderr
        assert "MLflow" not in ran.stderr
        assert eventually(lambda: came, seconds=120)
        assert not is_over(home)
        assert results_of(home) == results_of(plain)
    assert eventually(lambda: is_over(home), seconds=120)


def test_the_watch_tries_by_itself(start, home):
    with hanging() as (address, came):
        watching = start("mlops.monitoring", "watch", MLFLOW_TRACKING_URI=address)
        assert eventually(lambda: came, seconds=120)
        watching.terminate()
        watching.wait()
    assert eventually(lambda: is_over(home), seconds=120)


def test_a_full_server_is_one_sentence_for_who_exports_by_hand(command):
    with full() as address:
        ran = command("mlops.mlflow_export", MLFLOW_TRACKING_URI=address)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "The tracking server of MLFLOW_TRACKING_URI failed" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_without_an_address_the_command_says_what_is_missing(command):
    ran = command("mlops.mlflow_export")
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)
    assert "MLFLOW_TRACKING_URI is not set" in ran.stderr
