"""The rate of forecasts over HTTP, beside constant endpoints, `mlflow models serve` and BentoML.

Run: python -m benchmarks.parts.serving [--quick]. All servers are up, with one worker each, and are
loaded in turn by 32 connections from another process; all of them answer with the same ridge.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from benchmarks.page import result
from benchmarks.page.result import Budget, Peer, Result
from benchmarks.parts.race import NO_PEERS, PEERS_PYTHON
from benchmarks.serving import bento_peer, mlflow_peer, rates

BENTOML = "BentoML"
READ = tuple(rates.READ)
TASK = "requests a second for a ridge's forecast"
Case = tuple[rates.Server, list[str]]
Rows = Mapping[str, list[dict[str, float]]]


def measure(quick: bool) -> Result:
    """Rounds of all cases, and the budgets of DESIGN."""
    rounds, seconds = (1, 1) if quick else (4, 3)
    found = Result()
    with tempfile.TemporaryDirectory(prefix="serving-") as folder, ExitStack() as stack:
        stack.enter_context(rates.fill(Path(folder)))
        cases = dict(_cases(Path(folder), stack, found))
        rows: dict[str, list[dict[str, float]]] = {name: [] for name in cases}
        for _ in range(rounds):
            for name, (server, targets) in cases.items():
                rows[name].append(server.measure(targets, seconds))
    return summary(found, rows)


def _cases(folder: Path, stack: ExitStack, found: Result) -> Iterator[tuple[str, Case]]:
    ours = stack.enter_context(rates.application("create", folder))
    forecasts = [f"/predict/short?ticker={ticker}" for ticker in rates.TICKERS]
    yield rates.CACHED, (ours, forecasts[:1])
    for name, factory in rates.READ.items():
        yield name, (stack.enter_context(rates.application(factory, folder)), forecasts[1:])
    yield rates.ALONE, (stack.enter_context(rates.application("bare", folder)), ["/constant"])
    forecast = ours.answer(forecasts[0])["pred_return"]
    if not PEERS_PYTHON.exists():
        found.missing |= dict.fromkeys((rates.MLFLOW, BENTOML), NO_PEERS)
        return
    with _reason(found, rates.MLFLOW):
        program = mlflow_peer.find_program(str(PEERS_PYTHON))
        server = rates.Server(*mlflow_peer.serve_command(program, folder / "mlflow"))
        stack.enter_context(server)
        (theirs,) = server.answer(mlflow_peer.request())["predictions"]
        yield rates.MLFLOW, (server, [_same(mlflow_peer.request(), theirs, forecast)])
    with _reason(found, BENTOML):
        server = stack.enter_context(rates.Server(*bento_peer.serve_command(folder / "bento")))
        theirs = server.answer(bento_peer.request())
        yield BENTOML, (server, [_same(bento_peer.request(), theirs, forecast)])


@contextmanager
def _reason(found: Result, name: str) -> Iterator[None]:
    """Keep why a peer cannot be measured."""
    try:
        yield
    except (Exception, SystemExit) as error:
        found.missing[name] = str(error).strip().splitlines()[-1]


def _same(request: str, theirs: float, ours: float) -> str:
    if abs(theirs - ours) > rates.AGREE:
        raise ValueError(f"it forecasts {theirs!r}, we {ours!r}: another ridge")
    return request


def summary(found: Result, rows: Rows) -> Result:
    """Rows of the page, by rates in the same round."""
    found.budgets = [
        _share(rows, rates.CACHED, rates.ALONE, "cached forecasts", 0.6, 0.85),
        *(_share(rows, name, rates.ALONE, f"forecasts {name}", 0.5, None) for name in READ),
    ]
    if rates.MLFLOW in rows:
        times = _share(rows, rates.CACHED, rates.MLFLOW, "cached forecasts", 3.0, 6.0)
        found.budgets.append(times)
    for ours in (rates.CACHED, *READ):
        for name in rows:
            if name not in (rates.CACHED, *READ):
                found.peers.append(_peer(rows, ours, name))
    for name, measured in rows.items():
        found.figures[f"{name}: requests a second"] = median(row["rate"] for row in measured)
        found.figures[f"{name}: cpu µs a request"] = median(row["cpu"] for row in measured)
        found.figures[f"{name}: p99 ms"] = median(row["p99"] for row in measured)
    return found


def _ratios(rows: Rows, ours: str, theirs: str) -> list[float]:
    return [a["rate"] / b["rate"] for a, b in zip(rows[ours], rows[theirs], strict=True)]


def _share(rows: Rows, ours: str, theirs: str, what: str, must: float, aim: float | None) -> Budget:
    ratios = _ratios(rows, ours, theirs)
    words = f"{what}: rate over that of {theirs}"
    return Budget(
        words, median(ratios), "", must, aim, higher=True, low=min(ratios), high=max(ratios)
    )


def _peer(rows: Rows, ours: str, theirs: str) -> Peer:
    ratios = _ratios(rows, ours, theirs)
    own, other = (median(row["rate"] for row in rows[name]) for name in (ours, theirs))
    task = f"{TASK}, {'cached' if ours == rates.CACHED else ours}"
    return Peer(task, theirs, median(ratios), own, other, "/s", min(ratios), max(ratios))


if __name__ == "__main__":
    result.main(measure, __doc__)
