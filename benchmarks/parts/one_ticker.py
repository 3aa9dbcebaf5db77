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
    without, trained, again = (list(usages) for usages in zip(*rounds, strict=True))
    peak = max(usage.peak for usage in trained)
    return Result(
        budgets=[
            _seconds("one ticker, from empty tables, without training", without, 2.0, 0.8),
            _seconds("one ticker, first training of both horizons", trained, 20.0, 6.0),
            Budget("peak memory: a pool of one", peak, "MiB", 400, 250),
        ],
        figures={
            "first training (cpu s)": median(usage.cpu for usage in trained),
            "again without training, nothing new (s)": median(usage.wall for usage in again),
        },
    )


def _round() -> tuple[Usage, Usage, Usage]:
    """The data stages of an empty home, the first training, and the data stages once more.

    The first one ends with 1: it has no model to forecast with.
    """
    with temporary_home() as home:
        skipping = [*SOURCE, "--skip-training"]
        return home.run(skipping, codes=(0, 1)), home.run(SOURCE), home.run(skipping)


def _seconds(what: str, usages: list[Usage], must: float, aim: float) -> Budget:
    walls = [usage.wall for usage in usages]
    return Budget(what, median(walls), "s", must, aim, low=min(walls), high=max(walls))


if __name__ == "__main__":
    result.main(measure, __doc__)
