"""How often the gate promotes what has no skill, and how often what has; simulated, seeded.

Run: python -m benchmarks.studies.gate [PANELS] [CLEAN.parquet]. Prints shares in percent; nothing
is asserted here. CLEAN holds rows of raw_daily_prices_clean, whose returns are used with
random signs.

Returns are Student t(5) with one market factor and clustered volatility. Three tables:
one look  a test made once, one configuration tried: the rule of 63 sessions and of small pools.
    A label of horizon h is the real overlapping sum of the h returns that follow. Forecasts are a
    persistent signal, of each ticker or shared in part: ``noise`` is unrelated to the returns, a
    burden on average; ``faint`` so small that it costs nothing, the edge of having no skill;
    ``break-even`` twice a true signal, so that what it knows is just lost by overstating it;
    ``rivals`` two of the kind noise, one of them the champion; ``skill`` a true signal; ``harm``
    the same with the sign turned on the first tenth of the tickers.
ranks     looks every week, one session, against zero: each ticker's volatility differs and changes
    (spread of its logarithm .3 over tickers, .3 and .4 over time for ticker and market). Forecasts
    are ranks of an AR(1) signal times volatility: ``planted`` with the slope that the rank tilt
    learns, in a world where ranks matter; ``noise``, ``faint``, ``twice`` (too large by that) and
    ``calm`` (right on the calmer four fifths of days, wrong on the others, a loss in all).
rivals    the same, of a champion that knows the planted ranks: its challenger adds noise, is
    smaller, larger, faint, or knows more; or neither has skill.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.signal import lfilter

from src.features.market import ranks
from src.modeling.gate import losses, verdict
from src.modeling.gate.rules import LEVELS, GateRules, rules_for
from src.modeling.panel.panel import pivot_wide
from src.modeling.points import rank_tilt
from src.modeling.points.candidate_names import CONFIGURATIONS

Floats = npt.NDArray[np.float64]
# Outcomes, challenger, champion or None, volatility; (dates, tickers) each.
Pair = tuple[Floats, Floats, Floats | None, Floats]

SETTINGS = ((1, 252), (1, 1260), (50, 252), (50, 1260))
FLOORS = {1: 0.0, 63: 0.01}
# Configurations tried from which the tests are at 1 %, as they are for whatever is served.
MANY = LEVELS[0][0] + 1
# Largest share of a label's variance that a forecast may have without failing on it alone.
SIZES = {1: 0.005, 63: 0.05}
YEAR = 252
# Volatility of a session's return, how it is kept and spread (its logarithm is an AR(1)), and the
# market's part of the variance.
VOLATILITY, KEPT, SPREAD, MARKET = 0.015, 0.97, 0.6, 0.3
# Sessions before a tilt has its first slope.
WARM_UP = rank_tilt.SLOPE_FROM + rank_tilt.SLOPE_EVERY


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


def student(random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return random.standard_t(5, shape) * np.sqrt(0.6)


def persistent(
    random: np.random.Generator, shape: tuple[int, ...], keep: float, shared: float = 0.0
) -> Floats:
    """AR(1) of unit variance along the first axis; tickers correlate by ``shared``."""
    common = random.standard_normal((*shape[:-1], 1))
    noise = np.sqrt(shared) * common + np.sqrt(1 - shared) * random.standard_normal(shape)
    noise[1:] *= np.sqrt(1 - keep**2)
    return np.asarray(lfilter([1.0], [1.0, -keep], noise, axis=0))


def labels(daily: Floats, horizon: int) -> Floats:
    """Sum of the ``horizon`` returns after each row."""
    reached = np.cumsum(np.concatenate([np.zeros((1, *daily.shape[1:])), daily]), axis=0)
    return reached[1 + horizon :] - reached[1:-horizon]


def pairs_of(world: World, pairs: int, seed: int) -> Iterator[Pair]:
    random = np.random.default_rng(seed)
    for _ in range(pairs):
        yield _pair(world, random)


def spread_of(world: World) -> float:
    """Standard deviation of an outcome."""
    return float(VOLATILITY * np.exp(SPREAD**2) * np.sqrt(world.horizon))


def overstated_by(world: World) -> float:
    """How many times as large as what it knows a forecast is; 0 for one that knows nothing."""
    return {"skill": 1.0, "harm": 1.0, "break-even": 2.0}.get(world.kind, 0.0)


def pull_of(world: World) -> float:
    """What a signal of 1 foretells of an outcome."""
    overstated = overstated_by(world)
    if not overstated:
        return 0.0
    size = world.size / overstated**2
    return float(np.sqrt(size / (1 - size)) * spread_of(world))


def pull_of_session(world: World) -> float:
    """What a signal of 1 adds to the next session's return."""
    keep = world.persistence
    return pull_of(world) * (1 - keep) / (1 - keep**world.horizon)


def _pair(world: World, random: np.random.Generator) -> Pair:
    h, keep, shape = world.horizon, world.persistence, (world.dates + world.horizon, world.tickers)
    log_vol = persistent(random, (shape[0], 1), KEPT) * SPREAD
    market, own = student(random, (shape[0], 1)), student(random, shape)
    daily = VOLATILITY * np.exp(log_vol) * (np.sqrt(MARKET) * market + np.sqrt(1 - MARKET) * own)
    spread = spread_of(world)
    signal = persistent(random, shape, keep, world.shared)
    champion: Floats | None = None
    overstated = overstated_by(world)
    if overstated:
        daily[1:] += signal[:-1] * pull_of_session(world)
        forecast = signal * pull_of(world) * overstated
        if world.kind == "harm":
            forecast[:, : world.tickers // 10] *= -1
    else:
        forecast = signal * spread * np.sqrt(world.size)
    if world.kind == "rivals":
        champion = persistent(random, shape, keep, world.shared)[:-h] * spread
        champion *= np.sqrt(world.size)
    sigma = np.broadcast_to(VOLATILITY * np.exp(KEPT * log_vol), shape)[:-h] * np.sqrt(h)
    return labels(daily, h), forecast[:-h], champion, sigma


def promoted(world: World, pairs: int, seed: int = 11) -> float:
    """Share of the simulated challengers whose verdict is better at one look."""
    rules = rules_for(world.horizon, FLOORS[world.horizon], tickers=world.tickers)
    won = [first_win(pair, rules, [world.dates]) for pair in pairs_of(world, pairs, seed)]
    return float(np.mean([row is not None for row in won]))


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
    rules = rules_for(
        world.horizon,
        FLOORS[world.horizon],
        configurations,
        tickers=world.tickers,
        repeated=repeated,
    )
    looks = range(every, world.dates + 1, every)
    won = [first_win(pair, rules, looks) for pair in pairs_of(world, pairs, seed)]
    return float(np.mean([row is not None for row in won]))


def first_win(pair: Pair, rules: GateRules, looks: range | list[int]) -> int | None:
    """The first of the looks, in realised dates, at which the verdict is better."""
    actual, challenger, champion, sigma = pair
    cumulative = losses.cumulate_losses(
        actual, challenger, champion, sigma=sigma if rules.standardised else None
    )
    # Without a gain on every measure there is no test to pass.
    gains = (cumulative.panel.values > 0).all(axis=(1, 2))
    for end in looks:
        if gains[end] and verdict.verdict_of(cumulative, 0, end, rules) == verdict.BETTER:
            return end
    return None


# --- ranks


@dataclass(frozen=True)
class RankWorld:
    """Ranks that matter by ``ic``, their correlation with outcomes in units of volatility."""

    kind: str
    ic: float
    tickers: int
    dates: int


def bars(random: np.random.Generator, days: int, tickers: int) -> tuple[Floats, Floats, Floats]:
    """Volatility of the return after each row, its forecast, and that return in units of it."""
    spread = np.exp(0.3 * random.standard_normal(tickers)) * 0.018
    own = 0.3 * persistent(random, (days, tickers), 0.85)
    market = 0.4 * persistent(random, (days, 1), 0.95)
    known = (
        spread
        * np.exp(0.85 * own + 0.95 * market)
        * np.exp(0.1 * random.standard_normal((days, tickers)))
    )
    scores = 0.5 * student(random, (days, 1)) + np.sqrt(0.75) * student(random, (days, tickers))
    return (spread * np.exp(own + market))[np.r_[1:days, -1]], known, scores


# Volatility, its forecast and scores, of so many days and tickers.
Draw = Callable[[np.random.Generator, int, int], tuple[Floats, Floats, Floats]]


class RealBars:
    """Returns of the past with a random sign on each date, of random tickers and years."""

    def __init__(self, path: str) -> None:
        clean = pl.read_parquet(path, columns=["ticker", "date", "adj_close"]).sort("date")
        (close,) = pivot_wide(
            clean["date"].to_numpy().astype("datetime64[D]"),
            clean["ticker"].to_numpy().astype(str),
            clean["adj_close"].to_numpy(),
        )
        close = close[np.isfinite(close).sum(axis=1) >= 40]
        self.returns = close[1:] / close[:-1] - 1
        last, self.sigma = np.nanvar(self.returns, axis=0), np.full(self.returns.shape, np.nan)
        least = last / 16
        for day, squared in enumerate(self.returns**2):
            there = np.isfinite(squared)
            last = np.where(there, np.maximum(0.94 * last + 0.06 * squared, least), last)
            self.sigma[day, there] = np.sqrt(last[there])

    def __call__(
        self, random: np.random.Generator, days: int, tickers: int
    ) -> tuple[Floats, Floats, Floats]:
        first = random.integers(0, len(self.returns) - days)
        after, known = self.returns[first + 1 : first + days + 1], self.sigma[first : first + days]
        there = np.flatnonzero((np.isfinite(after) & np.isfinite(known)).mean(axis=0) > 0.95)
        chosen = random.choice(there, tickers, replace=there.size < tickers)
        signs = random.choice([-1.0, 1.0], (days, 1))
        scale = known[:, chosen]
        return scale, scale, signs * after[:, chosen] / scale


def rank_pair(world: RankWorld, random: np.random.Generator, draw: Draw = bars) -> Pair:
    days = world.dates + WARM_UP
    volatility, known, scores = draw(random, days, world.tickers)
    rank = ranks(persistent(random, known.shape, 0.5))
    # Of ranks in [-.5, .5], with the market's quarter of the variance left out.
    slope = world.ic * np.sqrt(0.75 * 12)
    pull = np.full((days, 1), slope)
    if world.kind == "calm":
        level = np.nanmean(np.log(known), axis=1, keepdims=True)
        pull[level > np.quantile(level, 0.8)] *= -2.5
    actual = volatility * (scores + pull * rank)
    size = {"noise": 0.1, "faint": 0.005, "twice": 2 * slope, "calm": slope}.get(world.kind)
    if size is None:
        forecast = rank_tilt.tilts(rank, rank_tilt.slopes(rank, actual / known, 1), known)
    else:
        forecast = size * rank * known
    return actual[WARM_UP:], forecast[WARM_UP:], None, known[WARM_UP:]


def rival_pair(kind: str, random: np.random.Generator) -> Pair:
    days, tickers, slope = 5 * YEAR, 40, 0.045 * 3
    volatility, known, scores = bars(random, days, tickers)
    p, q = (ranks(persistent(random, known.shape, 0.5)) for _ in range(2))
    planted = {"adds": slope * (p + q), "neither": 0 * p, "neither, faint": 0 * p}
    champion, challenger = {
        "adds noise": (slope * p, slope * p + 0.1 * q),
        "adds faint noise": (slope * p, slope * p + 0.01 * q),
        "smaller": (slope * p, 0.7 * slope * p),
        "larger": (slope * p, 1.5 * slope * p),
        "faint": (slope * p, 0.005 * q),
        "neither": (0.1 * p, 0.1 * q),
        "neither, faint": (0.1 * p, 0.005 * q),
        "adds": (slope * p, slope * (p + q)),
        "right size": (2 * slope * p, slope * p),
    }[kind]
    actual = volatility * (scores + planted.get(kind, slope * p))
    return actual, challenger * known, champion * known, known


# --- tables

USELESS = (
    ("noise", 0.0),
    ("faint", 0.0),
    ("break-even", 0.0),
    ("break-even", 0.3),
    ("rivals", 0.0),
)
RANK_WORLDS = (
    ("faint", 0.0, 40),
    ("noise", 0.0, 40),
    ("twice", 0.04, 40),
    ("calm", 0.05, 40),
    ("planted", 0.04, 40),
    ("planted", 0.06, 40),
    ("planted", 0.04, 140),
)
RIVALS = (
    *("adds noise", "adds faint noise", "smaller", "larger", "faint", "neither", "neither, faint"),
    *("adds", "right size"),
)
# The rule of small pools, and that of 20 tickers and more, by how many configurations were tried.
RULES = {
    (label, tried): rules_for(1, 0.0, tried, tickers=tickers, repeated=True)
    for tried in (CONFIGURATIONS, 1)
    for label, tickers in (("losses", 1), ("encompassing", 20))
}


def one_look(pairs: int) -> None:
    print(f"one look, {pairs} pairs each")
    for horizon in (1, 63):
        size = SIZES[horizon]
        for tickers, dates in SETTINGS:
            for kind, shared in (*USELESS, ("skill", 0.0), ("skill", 0.3)):
                used = size / 100 if kind == "faint" else size
                world = World(kind, horizon, tickers, dates, used, shared=shared)
                name = f"{horizon:>3}{tickers:>4}{dates:>6}  {kind:<11}{shared:>4}"
                print(f"{name} {100 * promoted(world, pairs):6.1f}", flush=True)


def weekly_looks(panels: int, draw: Draw, name: str) -> None:
    print(f"{name}: promoted by 2, 5 (and, where planted, 8) years of weekly looks")
    print(" " * 25 + " | ".join(f"{label}, {tried}" for label, tried in RULES))
    for kind, ic, tickers in RANK_WORLDS:
        years, count = (2, 5), panels
        if kind == "planted":
            years, count = (2, 5, 8), max(panels // 10, 60)
        random, world = np.random.default_rng(5), RankWorld(kind, ic, tickers, years[-1] * YEAR)
        pairs = (rank_pair(world, random, draw) for _ in range(count))
        wins = _wins(pairs, range(YEAR, world.dates + 1, 5))
        cells = (
            "/".join(f"{100 * np.mean(won <= year * YEAR):.1f}" for year in years)
            for won in wins.values()
        )
        print(f"{kind:<8} {ic:<5}{tickers:>4}{count:>6} " + " | ".join(cells), flush=True)


def against_champions(panels: int) -> None:
    print("rivals: promoted within 5 years of looks every month")
    for kind in RIVALS:
        random = np.random.default_rng(3)
        wins = _wins((rival_pair(kind, random) for _ in range(panels)), range(YEAR, 1261, 21))
        cells = (f"{100 * np.mean(np.isfinite(won)):.1f}" for won in wins.values())
        print(f"{kind:<18}{panels:>6} " + " | ".join(cells), flush=True)


def _wins(pairs: Iterable[Pair], looks: range) -> dict[tuple[str, int], npt.NDArray[np.float64]]:
    """Dates at the first win of each panel, by rule; infinity without one."""
    rows = [[first_win(pair, rules, looks) or np.inf for rules in RULES.values()] for pair in pairs]
    return dict(zip(RULES, np.array(rows, dtype=float).T, strict=True))


def main() -> None:
    panels = int((*sys.argv[1:], "600")[0])
    weekly_looks(panels, bars, "ranks")
    if len(sys.argv) > 2:
        weekly_looks(panels, RealBars(sys.argv[2]), "real bars")
    against_champions(max(panels // 5, 1))
    one_look(max(panels // 5, 1))


if __name__ == "__main__":
    main()
