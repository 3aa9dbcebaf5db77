"""One ticker through the pipeline with the server warm: seconds and memory of whole processes.

Run: python -m benchmarks.parts.one_ticker [--quick]. The ticker is the synthetic DEMO.NS; each
round has a home of its own, so that nothing has been fitted yet.
"""

from __future__ import annotations

from statistics import median

from benchmarks.page import result
from benchmarks.page.result import Budget, Result
from benchmarks.parts.home import Usage, temporary_home

SOURCE = ("mlops.pipeline", "--ticker", "DEMO.NS")


def measure(quick: bool) -> Result:
    """Without and with training, against the budgets of DESIGN."""
    rounds = [_round() for _ in range(1 if quick else 3)]
    first, without, trained = (list(usages) for usages in zip(*rounds, strict=True))
    peaks = [usage.peak for usage in trained]
    return Result(
        budgets=[
            _seconds("one ticker, the pipeline without training", without, 2.0, 0.8),
            _seconds("one ticker, with training of both horizons", trained, 20.0, 6.0),
            Budget("peak memory: a pool of one", max(peaks), "MiB", 400, 250),
        ],
        figures={
            "first run, tables empty, without training (s)": median(u.wall for u in first),
            "with training (cpu s)": median(u.cpu for u in trained),
        },
    )


def _round() -> tuple[Usage, Usage, Usage]:
    """The first run of a home, the same again, and the first training."""
    with temporary_home() as home:
        skipping = [*SOURCE, "--skip-training"]
        return home.run(skipping), home.run(skipping), home.run(SOURCE)


def _seconds(what: str, usages: list[Usage], must: float, aim: float) -> Budget:
    walls = [usage.wall for usage in usages]
    return Budget(what, median(walls), "s", must, aim, low=min(walls), high=max(walls))


if __name__ == "__main__":
    result.main(measure, __doc__)
