"""How fast `/predict/*` answers, against endpoints that answer a constant, and against MLflow.

    .venv/bin/python benchmarks/serving.py [seconds] [--mlflow PATH]

One uvicorn worker, 32 connections over loopback, from another process: `wrk` if it is installed
and no body is sent, else asyncio. The database is a PostgreSQL of its own in a temporary folder.
The forecast is a ridge over all inputs that the challengers have. `mlflow models serve` serves the
same ridge, where there is an mlflow: --mlflow or $BENCHMARK_MLFLOW names it, or the python that
has it; else it is looked for.
"""

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support"), str(ROOT / "benchmarks")]

import mlflow_peer  # noqa: E402 found by the line above

CONNECTIONS = 32
NOW = "2026-04-13T12:30:00Z"
SAME, ALONE = "constant, same app", "constant, bare FastAPI"
CACHED, MLFLOW = "/predict/short, cached", "mlflow models serve"
AGREE = 1e-12  # two sums of the same products may differ in their last bits
TICKERS = [f"BENCH{number}.NS" for number in range(CONNECTIONS)]


def create():
    """The application with two more routes: a constant, and a forecast that is always read."""
    from fastapi import Request

    from src.api import predict_simple
    from src.api.routes import forecasts

    app = predict_simple.create()

    @app.get("/constant")
    async def constant():
        return {"status": "alive"}

    @app.get("/read")
    async def read(request: Request, ticker: str):
        entry = request.app.state.service.cache.get((ticker, "short"))
        if entry is not None:
            entry.outdated = True
        return await forecasts.short(request)

    return app


def bare():
    """A FastAPI application with nothing but the constant."""
    from fastapi import FastAPI

    app = FastAPI()

    @app.get("/constant")
    async def constant():
        return {"status": "alive"}

    return app


class Client(asyncio.Protocol):
    """Asks again as soon as it has been answered."""

    def __init__(self, request, until, times):
        self.request, self.until, self.times, self.buffer = request, until, times, b""

    def connection_made(self, transport):
        self.transport = transport
        self.ask()

    def ask(self):
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
            self.ask()
        else:
            self.transport.close()


def request_of(asked):
    """The bytes of a GET of ``PATH``, or of a POST of ``PATH BODY``, JSON in ASCII."""
    path, _, body = asked.partition(" ")
    lines = [f"{'POST' if body else 'GET'} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", body]).encode()


async def load(port, asked, seconds):
    """Requests a second, and the times of all of them in order of size."""
    loop, times = asyncio.get_running_loop(), []
    until = time.perf_counter() + seconds
    for number in range(CONNECTIONS):
        request = request_of(asked[number % len(asked)])
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


def ask_in_another_process(port, asked, seconds):
    """What `load` finds, or `wrk` where it is installed and there is one path and no body."""
    if len(asked) == 1 and " " not in asked[0] and shutil.which("wrk"):
        return _wrk(f"http://127.0.0.1:{port}{asked[0]}", seconds)
    found = subprocess.run(
        [sys.executable, __file__, "load", str(port), str(seconds), *asked],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(found.stdout)


def _wrk(url, seconds):
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", url]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
    said = {line.split()[0]: line.split()[1] for line in lines if len(line.split()) == 2}
    scale = {"us": 1e-3, "ms": 1.0, "s": 1e3}

    def milliseconds(text):
        unit = next(one for one in scale if text.endswith(one))
        return float(text.removesuffix(unit)) * scale[unit]

    rate = float(said["Requests/sec:"])
    p50, p99 = milliseconds(said["50%"]), milliseconds(said["99%"])
    return {"rate": rate, "p50": p50, "p99": p99, "n": rate * seconds}


def fill(home):
    """A database with live models; returns its lease."""
    import psycopg
    from answers import put_live
    from models import winner

    from src.db.database import DATA_DIR
    from src.db.embedded.lease import acquire
    from src.db.migrate import ensure_schema

    ridge, inputs = mlflow_peer.ridge()
    lease = acquire(home / DATA_DIR)
    ensure_schema(lease.url)
    with psycopg.connect(lease.url, autocommit=True) as connection:
        live = [winner(ticker=ticker, model=ridge) for ticker in TICKERS]
        put_live(connection, home / "models", live, inputs=inputs)
    return lease


class Server:
    """One worker, in a process or a family of processes of its own: ``command`` and a port."""

    def __init__(self, command, environment):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        said = tempfile.TemporaryFile("w+")  # noqa: SIM115 closed with the last who holds it
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port)],
            env=os.environ | environment,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        while self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.05)
        said.seek(0)
        raise SystemExit(f"{' '.join(command)} ended: {said.read()}")

    def cpu(self):
        """Seconds of processor time so far, of the whole family."""
        ticks = 0
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):  # another process may end meanwhile
                stat = path.read_text().rsplit(")", 1)[1].split()
                if int(stat[2]) == self.process.pid:
                    ticks += int(stat[11]) + int(stat[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def measured(self, asked, seconds):
        """What a load finds, and the server's processor time a request in microseconds."""
        ask_in_another_process(self.port, asked, 1)
        before = self.cpu()
        found = ask_in_another_process(self.port, asked, seconds)
        return found | {"cpu": (self.cpu() - before) / found["n"] * 1e6}

    def answer(self, asked):
        """One answer, from its JSON."""
        path, _, body = asked.partition(" ")
        address = f"http://127.0.0.1:{self.port}{path}"
        request = urllib.request.Request(address, body.encode() or None, mlflow_peer.JSON)
        with urllib.request.urlopen(request) as said:  # noqa: S310 our own address
            return json.load(said)

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()


def application(factory, home):
    """One of this file's applications, served by uvicorn."""
    command = f"-m uvicorn --factory serving:{factory} --no-access-log --log-level error"
    environment = {"FORECAST_HOME": str(home), "FORECAST_NOW": NOW, "LOG_LEVEL": "ERROR"}
    environment["PYTHONPATH"] = f"{ROOT}:{ROOT / 'benchmarks'}"
    return Server([sys.executable, *command.split()], environment)


def ours(home, seconds):
    """A row for each way to be asked, and the forecast that is given."""
    rows, started = {}, time.perf_counter()
    forecasts = [f"/predict/short?ticker={ticker}" for ticker in TICKERS]
    with application("create", home) as server:
        spent = time.perf_counter() - started
        print(f"ready after {spent:.2f} s, {server.cpu():.2f} s of processor")
        rows[SAME] = server.measured(["/constant"], seconds)
        rows[CACHED] = server.measured(forecasts[:1], seconds)
        rows["/predict/short, 32 tickers"] = server.measured(forecasts, seconds)
        read = [f"/read?ticker={ticker}" for ticker in TICKERS]
        rows["read anew each time"] = server.measured(read, seconds)
        given = server.answer(forecasts[0])["pred_return"]
    with application("bare", home) as server:
        rows[ALONE] = server.measured(["/constant"], seconds)
    return rows, given


def beside_mlflow(program, home, forecast, seconds):
    """The row of `mlflow models serve`, once it has given ``forecast`` for the same inputs."""
    asked = mlflow_peer.question()
    with Server(*mlflow_peer.served(program, home / "mlflow")) as server:
        (given,) = server.answer(asked)["predictions"]
        if abs(given - forecast) > AGREE:
            raise SystemExit(f"mlflow forecasts {given!r}, we {forecast!r}: not the same ridge.")
        return server.measured([asked], seconds)


def main(seconds, mlflow):
    with tempfile.TemporaryDirectory(prefix="serving-") as folder, fill(Path(folder)):
        rows, forecast = ours(Path(folder), seconds)
        if mlflow is not None:
            rows[MLFLOW] = beside_mlflow(mlflow, Path(folder), forecast, seconds)
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
        port, span, *asked = sys.argv[2:]
        print(json.dumps(asyncio.run(load(int(port), asked, float(span)))))
    else:
        parser = argparse.ArgumentParser()
        parser.add_argument("seconds", nargs="?", type=int, default=10)
        parser.add_argument("--mlflow", default=os.environ.get("BENCHMARK_MLFLOW"))
        args = parser.parse_args()
        main(args.seconds, mlflow_peer.found(args.mlflow))
