"""How often the gate promotes what has no skill, and how often what has; simulated, seeded.

Run: python -m benchmarks.gate [PAIRS]. Prints shares; nothing is asserted here.

Returns are Student t(5) with one market factor (correlation .3) and clustered volatility, the
log of which is an AR(1) shared by all tickers. A label of horizon h is the real overlapping sum of
the h returns that follow. Forecasts are a persistent signal, of each ticker or shared in part:
  noise       unrelated to the returns; a burden on average
  faint       unrelated and so small that it costs nothing: the edge of having no skill
  break-even  twice a true signal, so that what it knows is just lost by overstating it
  rivals      two of the kind noise, one of them the champion
  skill       a true signal, forecast as it is
  harm        the same, but with the sign turned on the first tenth of the tickers
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from src.modeling.evaluation import hac
from src.modeling.gate import criteria, losses, verdict

Floats = npt.NDArray[np.float64]

SETTINGS = ((1, 252), (1, 1260), (50, 252), (50, 1260))
FLOORS = {1: 0.0, 63: 0.01}
# Configurations tried from which the tests are at 1 %, as they are for whatever is served.
MANY = verdict.LEVELS[0][0] + 1
# Largest share of a label's variance that a forecast may have without failing on it alone.
SIZES = {1: 0.005, 63: 0.05}


@dataclass(frozen=True)
class World:
    """What is simulated; ``size`` is variance of forecast / of outcome, R2 of a true signal."""

    kind: str
    horizon: int
    tickers: int
    dates: int
    size: float
    persistence: float = 0.98
    shared: float = 0.0


def returns(random: np.random.Generator, days: int, pairs: int, tickers: int) -> Floats:
    """Without any signal; (days, pairs, tickers)."""
    log_vol = persistent(random, (days, pairs, 1), 0.97, 0.0) * 0.6
    market, own = student(random, (days, pairs, 1)), student(random, (days, pairs, tickers))
    return 0.015 * np.exp(log_vol) * (np.sqrt(0.3) * market + np.sqrt(0.7) * own)


def student(random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return random.standard_t(5, shape) * np.sqrt(0.6)


def persistent(
    random: np.random.Generator, shape: tuple[int, int, int], keep: float, shared: float
) -> Floats:
    """AR(1) of unit variance along the first axis; tickers correlate by ``shared``."""
    common = random.standard_normal((*shape[:2], 1))
    out = np.sqrt(shared) * common + np.sqrt(1 - shared) * random.standard_normal(shape)
    for day in range(1, shape[0]):
        out[day] = keep * out[day - 1] + np.sqrt(1 - keep**2) * out[day]
    return out


def labels(daily: Floats, horizon: int) -> Floats:
    """Sum of the ``horizon`` returns after each row."""
    reached = np.cumsum(np.concatenate([np.zeros((1, *daily.shape[1:])), daily]), axis=0)
    return reached[1 + horizon :] - reached[1:-horizon]


def pairs_of(world: World, pairs: int, seed: int) -> Iterator[tuple[Floats, Floats, Floats | None]]:
    """Outcomes, challenger, champion; (dates, tickers) each."""
    random = np.random.default_rng(seed)
    batch = max(1, 2500 // world.tickers)
    for left in range(pairs, 0, -batch):
        yield from _batch(world, min(batch, left), random)


def _batch(
    world: World, pairs: int, random: np.random.Generator
) -> Iterator[tuple[Floats, Floats, Floats | None]]:
    days, h, keep = world.dates + world.horizon, world.horizon, world.persistence
    daily = returns(random, days, pairs, world.tickers)
    spread = float(np.std(labels(daily, h)))
    signal = persistent(random, daily.shape, keep, world.shared)
    champions: Floats | None = None
    if world.kind in ("skill", "harm", "break-even"):
        overstated = 2 if world.kind == "break-even" else 1
        size = world.size / overstated**2
        pull = np.sqrt(size / (1 - size)) * spread
        daily[1:] += signal[:-1] * pull * (1 - keep) / (1 - keep**h)
        forecast = signal * pull * overstated
        if world.kind == "harm":
            forecast[..., : world.tickers // 10] *= -1
    else:
        forecast = signal * spread * np.sqrt(world.size)
    if world.kind == "rivals":
        champions = persistent(random, daily.shape, keep, world.shared) * spread
        champions = champions * np.sqrt(world.size)
    actual = labels(daily, h)
    for k in range(pairs):
        champion = None if champions is None else champions[:-h, k]
        yield actual[:, k], forecast[:-h, k], champion


def promoted(world: World, pairs: int, seed: int = 11) -> float:
    """Share of the simulated challengers whose verdict is better."""
    rules = verdict.rules_for(world.horizon, FLOORS[world.horizon])
    verdicts = [
        verdict.verdict_of(losses.cumulate_losses(*pair), 0, len(pair[0]), rules)
        for pair in pairs_of(world, pairs, seed)
    ]
    return verdicts.count(verdict.BETTER) / pairs


def passed(world: World, pairs: int, seed: int = 11) -> dict[str, float]:
    """Share that passes by each rule alone, by the tests at other levels and by all of it."""
    rules = verdict.rules_for(world.horizon, FLOORS[world.horizon])
    passed_by: list[dict[str, bool]] = []
    for pair in pairs_of(world, pairs, seed):
        cumulative, end = losses.cumulate_losses(*pair), len(pair[0])
        tests = hac.mean_test_at(cumulative.panel, 0, end, rules.horizon)
        row = {"MAE 1 % lower": gains(cumulative)[-1] >= 0.01}
        for level in (0.05, 0.01):
            beyond = tests.t > hac.critical(tests.b, level)
            row |= {f"t abs {level}": bool(beyond[-1, 0]), f"both {level}": bool(beyond.all())}
        for criterion in criteria.further_criteria(cumulative, 0, end, rules):
            name = criterion.name.partition("_vs_")[0]
            row[name] = row.get(name, True) and criterion.passed
        row["gate"] = verdict.verdict_of(cumulative, 0, end, rules) == verdict.BETTER
        strict = replace(rules, level=0.01)
        row["gate at 1 %"] = verdict.verdict_of(cumulative, 0, end, strict) == verdict.BETTER
        passed_by.append(row)
    return {name: float(np.mean([row[name] for row in passed_by])) for name in passed_by[0]}


def gains(cumulative: losses.CumulativeLosses) -> Floats:
    """MAE skill against each reference."""
    return cumulative.tickers.values[-1].sum(axis=-1) / cumulative.errors[-1].sum(axis=-1)


def ever_promoted(
    world: World,
    pairs: int,
    *,
    every: int = 21,
    configurations: int = MANY,
    repeated: bool = True,
    seed: int = 11,
) -> float:
    """Share promoted at any of the looks taken every ``every`` sessions."""
    rules = verdict.rules_for(
        world.horizon, FLOORS[world.horizon], configurations, repeated=repeated
    )
    looked = [
        verdict.replay(actual, challenger, rules=rules, every=every).promoted.any()
        for actual, challenger, _ in pairs_of(world, pairs, seed)
    ]
    return float(np.mean(looked))


def worlds() -> Iterator[World]:
    for horizon in (1, 63):
        size = SIZES[horizon]
        for tickers, dates in SETTINGS:
            for kind in ("noise", "faint", "break-even", "rivals"):
                used = size / 100 if kind == "faint" else size
                yield World(kind, horizon, tickers, dates, used)
            yield World("break-even", horizon, tickers, dates, size, shared=0.3)
            yield World("skill", horizon, tickers, dates, size)
            yield World("skill", horizon, tickers, dates, size, shared=0.3)
        for dates in (252, 1260, 2520):
            yield World("harm", horizon, 50, dates, size)


def main() -> None:
    pairs = int((*sys.argv[1:], "500")[0])
    heading = False
    for world in worlds():
        shares = passed(world, pairs)
        if not heading:
            print(f"{'kind':<11}{'h':>3}{'tickers':>8}{'dates':>6}{'shared':>7}  ", end="")
            print(" | ".join(shares))
            heading = True
        print(
            f"{world.kind:<11}{world.horizon:>3}{world.tickers:>8}{world.dates:>6}"
            f"{world.shared:>7}  "
            + " | ".join(f"{100 * share:>{len(name)}.1f}" for name, share in shares.items()),
            flush=True,
        )
    for every, looks in ((21, pairs), (1, max(pairs // 4, 1))):
        _print_looks(every, looks)


def _print_looks(every: int, pairs: int) -> None:
    print(
        f"promoted at any look in 1260 dates, every {every} sessions, {pairs} pairs: "
        "1 % | 1 % without patience | 5 %"
    )
    for horizon in (1, 63):
        for kind in ("faint", "break-even", "skill"):
            for tickers in (1, 50):
                size = SIZES[horizon] / (100 if kind == "faint" else 1)
                world = World(kind, horizon, tickers, 1260, size)
                shares = [
                    ever_promoted(
                        world, pairs, every=every, configurations=tried, repeated=repeated
                    )
                    for tried, repeated in ((MANY, True), (MANY, False), (1, True))
                ]
                print(
                    f"{kind:<11}{horizon:>3}{tickers:>8} "
                    + " | ".join(f"{100 * share:.1f}" for share in shares),
                    flush=True,
                )


if __name__ == "__main__":
    main()
