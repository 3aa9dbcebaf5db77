"""Measure how fast `/predict/*` answers, against constant endpoints and against MLflow.

    python -m benchmarks.serving.rates [seconds] [--mlflow PATH]

One uvicorn worker, 32 connections over loopback, from another process. The database is a
PostgreSQL of its own in a temporary folder. The forecast is a ridge over all inputs of the
candidates. `mlflow models serve` serves the same ridge where mlflow is installed: --mlflow or
$BENCHMARK_MLFLOW names the program or its python, else PATH is searched.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from benchmarks.serving import mlflow_peer

ROOT = Path(__file__).resolve().parents[2]
CONNECTIONS = 32
NOW = "2026-04-13T12:30:00Z"
SAME, ALONE = "constant, same app", "constant, bare FastAPI"
CACHED, MLFLOW = "/predict/short, cached", "mlflow models serve"
AGREE = 1e-12  # two sums of the same products may differ in their last bits
# What is read from the database for each answer, and the application that does so.
READ = {"read anew, unchanged": "outdated", "read anew, changed": "changed"}
TICKERS = [f"BENCH{number}.NS" for number in range(CONNECTIONS)]


def with_constant(app):
    """An application with a route that answers a constant."""

    @app.get("/constant")
    async def constant():
        return {"status": "alive"}

    return app


def create():
    """The application, with the constant."""
    from src.api import predict_simple

    return with_constant(predict_simple.create())


def outdated(*, changed=False):
    """The application; cached forecasts of all tickers but the first are outdated at once.

    With ``changed`` their inputs count as changed each time; else they prove to be the same.
    """
    from dataclasses import replace

    from src.api import predict_simple
    from src.api.forecasts.cache import Cache

    class Outdated(Cache):
        def put(self, pair, entry, epoch):
            super().put(pair, entry, epoch)
            entry.outdated = pair[0] != TICKERS[0]
            if changed:
                entry.forecast = replace(entry.forecast, made_from=())

    predict_simple.Cache = Outdated
    return predict_simple.create()


def changed():
    """The application, where cached forecasts are outdated at once and their inputs changed."""
    return outdated(changed=True)


def bare():
    """A FastAPI application with nothing but the constant."""
    from fastapi import FastAPI

    return with_constant(FastAPI())


class Client(asyncio.Protocol):
    """Sends its request again after each answer."""

    def __init__(self, request, until, times):
        self.request, self.until, self.times, self.buffer = request, until, times, b""

    def connection_made(self, transport):
        self.transport = transport
        self.send()

    def send(self):
        self.began = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data):
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.buffer[:end].lower()
        at = head.index(b"content-length: ") + 16
        length = int(head[at:].split(b"\r\n", 1)[0])
        if len(self.buffer) < end + 4 + length:
            return
        if b" 200 " not in self.buffer[:15]:
            raise SystemExit(self.buffer.decode())
        self.buffer = b""
        now = time.perf_counter()
        self.times.append(now - self.began)
        if now < self.until:
            self.send()
        else:
            self.transport.close()


def encode(target):
    """The bytes of a GET of ``PATH``, or of a POST of ``PATH BODY``, JSON in ASCII."""
    path, _, body = target.partition(" ")
    lines = [f"{'POST' if body else 'GET'} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", body]).encode()


async def load(port, targets, seconds):
    """Requests a second, and the times of all of them in order of size."""
    loop, times = asyncio.get_running_loop(), []
    until = time.perf_counter() + seconds
    for number in range(CONNECTIONS):
        request = encode(targets[number % len(targets)])
        await loop.create_connection(
            lambda request=request: Client(request, until, times), "127.0.0.1", port
        )
    await asyncio.sleep(seconds + 0.3)
    times.sort()
    return {
        "rate": len(times) / seconds,
        "p50": times[len(times) // 2] * 1e3,
        "p99": times[int(len(times) * 0.99)] * 1e3,
        "n": len(times),
    }


def load_from_another_process(port, targets, seconds):
    """The result of `load`."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks.serving.rates",
            "load",
            str(port),
            str(seconds),
            *targets,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def fill(home):
    """A database with live models; returns its lease."""
    import psycopg

    from src.db.database import DATA_DIR
    from src.db.embedded.lease import acquire
    from src.db.migrate import ensure_schema
    from tests.support.answers import put_live
    from tests.support.models import winner

    ridge, inputs = mlflow_peer.ridge()
    lease = acquire(home / DATA_DIR)
    ensure_schema(lease.url)
    with psycopg.connect(lease.url, autocommit=True) as connection:
        live = [winner(model=ridge)]
        put_live(connection, home / "models", live, tickers=TICKERS, inputs=inputs)
    return lease


class Server:
    """One worker, started by ``command`` and a port, in a process group of its own."""

    def __init__(self, command, environment):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        output = tempfile.TemporaryFile("w+")  # noqa: SIM115 closed with the process
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port)],
            env=os.environ | environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        while self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.05)
        output.seek(0)
        raise SystemExit(f"{' '.join(command)} ended: {output.read()}")

    def cpu(self):
        """Seconds of processor time so far, of the whole process group."""
        ticks = 0
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):  # another process may end meanwhile
                stat = path.read_text().rsplit(")", 1)[1].split()
                if int(stat[2]) == self.process.pid:
                    ticks += int(stat[11]) + int(stat[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def measure(self, targets, seconds):
        """The result of a load, and the server's processor time a request in microseconds."""
        load_from_another_process(self.port, targets, 1)
        before = self.cpu()
        result = load_from_another_process(self.port, targets, seconds)
        return result | {"cpu": (self.cpu() - before) / result["n"] * 1e6}

    def answer(self, target):
        """One answer, from its JSON."""
        path, _, body = target.partition(" ")
        address = f"http://127.0.0.1:{self.port}{path}"
        request = urllib.request.Request(address, body.encode() or None, mlflow_peer.JSON)
        with urllib.request.urlopen(request) as response:  # noqa: S310 our own address
            return json.load(response)

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()


def application(factory, home):
    """One of this file's applications, served by uvicorn."""
    command = (
        f"-m uvicorn --factory benchmarks.serving.rates:{factory} --no-access-log --log-level error"
    )
    environment = {"FORECAST_HOME": str(home), "FORECAST_NOW": NOW, "LOG_LEVEL": "ERROR"}
    environment["PYTHONPATH"] = str(ROOT)
    return Server([sys.executable, *command.split()], environment)


def measure_ours(home, seconds):
    """A row for each kind of request, and a forecast."""
    rows, started = {}, time.perf_counter()
    forecasts = [f"/predict/short?ticker={ticker}" for ticker in TICKERS]
    with application("create", home) as server:
        spent = time.perf_counter() - started
        print(f"ready after {spent:.2f} s, {server.cpu():.2f} s of processor")
        rows[SAME] = server.measure(["/constant"], seconds)
        rows[CACHED] = server.measure(forecasts[:1], seconds)
        rows["/predict/short, 32 tickers"] = server.measure(forecasts, seconds)
        forecast = server.answer(forecasts[0])["pred_return"]
    for name, factory in READ.items():
        with application(factory, home) as server:
            rows[name] = server.measure(forecasts[1:], seconds)
    with application("bare", home) as server:
        rows[ALONE] = server.measure(["/constant"], seconds)
    return rows, forecast


def measure_mlflow(program, home, forecast, seconds):
    """The row of `mlflow models serve`, once it has made the same ``forecast``."""
    target = mlflow_peer.request()
    with Server(*mlflow_peer.serve_command(program, home / "mlflow")) as server:
        (by_mlflow,) = server.answer(target)["predictions"]
        if abs(by_mlflow - forecast) > AGREE:
            raise SystemExit(f"mlflow forecasts {by_mlflow!r}, we {forecast!r}: another ridge.")
        return server.measure([target], seconds)


def main(seconds, mlflow):
    with tempfile.TemporaryDirectory(prefix="serving-") as folder, fill(Path(folder)):
        rows, forecast = measure_ours(Path(folder), seconds)
        if mlflow is not None:
            rows[MLFLOW] = measure_mlflow(mlflow, Path(folder), forecast, seconds)
    same, alone = rows[SAME], rows[ALONE]
    print(f"{'':28}{'rps':>8}{'p50 ms':>8}{'p99 ms':>8}{'cpu µs':>8}  rate / same app, bare; cpu")
    for name, row in rows.items():
        print(
            f"{name:28}{row['rate']:8.0f}{row['p50']:8.2f}{row['p99']:8.2f}{row['cpu']:8.0f}"
            f"  {row['rate'] / same['rate']:.2f} {row['rate'] / alone['rate']:.2f};"
            f" {same['cpu'] / row['cpu']:.2f} {alone['cpu'] / row['cpu']:.2f}"
        )
    if mlflow is None:
        print(mlflow_peer.HOW)
    else:
        rate = rows[CACHED]["rate"] / rows[MLFLOW]["rate"]
        cpu = rows[MLFLOW]["cpu"] / rows[CACHED]["cpu"]
        print(f"{CACHED}: {rate:.1f} times the rate of {MLFLOW}, its processor time / {cpu:.1f}.")


if __name__ == "__main__":
    if sys.argv[1:2] == ["load"]:
        port, span, *targets = sys.argv[2:]
        print(json.dumps(asyncio.run(load(int(port), targets, float(span)))))
    else:
        parser = argparse.ArgumentParser()
        parser.add_argument("seconds", nargs="?", type=int, default=10)
        parser.add_argument("--mlflow", default=os.environ.get("BENCHMARK_MLFLOW"))
        args = parser.parse_args()
        main(args.seconds, mlflow_peer.find_program(args.mlflow))
