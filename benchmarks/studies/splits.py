"""Measure the inference of splits on real series whose splits are put back and not stated.

Run: python -m benchmarks.studies.splits [--tickers tune|report|all] [--seed N]. Prints counts;
nothing is asserted. The constants of ``split_odds`` were chosen on the tickers ``tune`` with
other seeds.

Adjusted series of NSE are made raw again: by the splits and bonuses that NSE states for them, on
their own ex-dates (``stated``), and by ratios as frequent as NSE's on dates drawn (``planted``);
TCS's own record has its three bonuses (``TCS``). Tickers of two vendors are also asked with the
other one beside them (``two sources``), and with ratios that prices alone cannot tell. Crashes and
demergers stay in. ``demergers`` are falls to a share of the price drawn from a fifth to four
fifths, with the volume as it was: how many of them are taken for a split.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gzip
import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations
from pathlib import Path

import numpy as np
import polars as pl

from src.core.calendars.nse import nse
from src.core.tables import OHLC, OHLCV
from src.data.corporate_actions.action import Action
from src.data.corporate_actions.adjust import shares_after
from src.data.corporate_actions.price_checks.split_inference import InferredSplit, infer_splits
from src.data.corporate_actions.price_checks.split_odds import COUNTS

DATA = Path(os.environ.get("FORECAST_TEST_DATA") or Path(__file__).parents[3] / "shared" / "data")
TCS_BONUSES = [dt.date(2006, 7, 28), dt.date(2009, 6, 16), dt.date(2018, 5, 31)]
# A true split that its vendor adjusted for no further back than to this session.
LEFT_IN = {("CGCL", dt.date(2024, 1, 1)): 4.0}
# Smaller ones are within the price bands: no rule on prices alone can see them.
SMALLEST = 1.3
PLANTED, DEMERGERS, BESIDE = 5, 5, 20
ANY_RATIO = (1.25, 1.4, 1.5, 2.0, 2.5, 3.0, 5.0, 10.0)
OUTCOMES = ("applied right", "waiting right", "waiting wrong", "not seen", "applied wrong")


@dataclass(frozen=True)
class Series:
    """One vendor's adjusted bars of a symbol, in date order."""

    symbol: str
    bars: pl.DataFrame

    @property
    def is_for_tuning(self) -> bool:
        return hashlib.sha256(self.symbol.encode()).digest()[0] % 2 == 0


def read_series() -> list[Series]:
    """All adjusted series, of two vendors."""
    series = []
    for path in sorted((DATA / "nse_daily_upstox").glob("*.csv")):
        names = {name: name for name in OHLCV}
        series.append(Series(path.name.split("_")[0], _bars(pl.read_csv(path), "timestamp", names)))
    for path in sorted((DATA / "nse_daily_yahoo").glob("*.csv.gz")):
        head, _ticker, _empty, *rows = gzip.decompress(path.read_bytes()).splitlines()
        raw = pl.read_csv(b"\n".join([head, *rows]), infer_schema=False)
        names = {name.capitalize(): name for name in OHLCV}
        series.append(Series(path.name.split(".")[0], _bars(raw, "Price", names)))
    return series


def read_tcs() -> Series:
    """TCS's own record, unadjusted."""
    raw = pl.read_csv(DATA / "tcs_daily" / "nse_raw_unadjusted_2004_2020.csv")
    return Series("TCS", _bars(raw, "Date", {name.capitalize(): name for name in OHLCV}))


def _bars(raw: pl.DataFrame, date: str, names: dict[str, str]) -> pl.DataFrame:
    prices = [pl.col(name).cast(pl.Float64).alias(field) for name, field in names.items()]
    day = pl.col(date).str.slice(0, 10).str.to_date().alias("date")
    # Days on which nothing traded are no ex-dates: some vendors fill holidays.
    return raw.select(day, *prices).drop_nulls("close").filter(pl.col("volume") > 0)


def stated_splits() -> dict[str, dict[dt.date, float]]:
    """Shares after / before by symbol and ex-date, from NSE's list of corporate actions."""
    rows = pl.read_csv(DATA / "nse_reference" / "CF-CA-equities.csv", infer_schema=False)
    stated: dict[str, dict[dt.date, float]] = {}
    for symbol, purpose, day in rows.select("SYMBOL", "PURPOSE", "EX-DATE").iter_rows():
        ratio = shares_of(purpose)
        if ratio != 1:
            date = dt.datetime.strptime(day, "%d-%b-%Y").date()  # noqa: DTZ007 - a date
            of_symbol = stated.setdefault(symbol, {})
            of_symbol[date] = of_symbol.get(date, 1.0) * float(ratio)
    return stated


def shares_of(purpose: str) -> Fraction:
    """Shares after / before that NSE's words mean: of a bonus, a change of face value, or both."""
    text = purpose.lower()
    ratio = Fraction(1)
    bonus = re.search(r"bonus\D*?(\d+)\s*:\s*(\d+)", text)
    if bonus and "debent" not in text and "pref" not in text:
        ratio *= Fraction(int(bonus[1]) + int(bonus[2]), int(bonus[2]))
    face = re.search(r"spli.*?r[se]\.?\s*(\d+).*?to\s*r[se]\.?\s*(\d+)", text)
    return ratio * Fraction(int(face[1]), int(face[2])) if face else ratio


def unadjusted(bars: pl.DataFrame, splits: dict[dt.date, float]) -> pl.DataFrame:
    """The bars as they were traded before these splits."""
    actions = [Action(day, "split", ratio=ratio) for day, ratio in splits.items()]
    shares = pl.Series(shares_after(bars["date"].to_numpy(), actions))
    return bars.with_columns(pl.col(*OHLC) * shares, pl.col("volume") / shares)


def judge(
    bars: pl.DataFrame,
    true: dict[dt.date, float],
    known: dict[dt.date, float],
    others: Sequence[pl.DataFrame] = (),
) -> Iterator[str]:
    """The outcome of each true split, and of everything else that was applied.

    ``known`` are true splits that are no part of the question.
    """
    inferred = {split.date: split for split in infer_splits(bars, [], nse(), others=others)}
    for day, ratio in true.items():
        row = int(bars["date"].search_sorted(day))
        yield _outcome(inferred.pop(bars["date"][row], None), ratio)
    for day, split in inferred.items():
        if split.confident and not np.isclose(split.ratio, known.get(day, 0.0)):
            yield "applied wrong"


def _outcome(split: InferredSplit | None, ratio: float) -> str:
    if split is None:
        return "not seen"
    is_right = bool(np.isclose(split.ratio, ratio))
    return f"{'applied' if split.confident else 'waiting'} {'right' if is_right else 'wrong'}"


def measure_stated(series: Sequence[Series]) -> Counter[str]:
    """Splits that NSE states, on their ex-dates."""
    stated, outcomes = stated_splits(), Counter[str]()
    for each in series:
        first, last = each.bars["date"][0], each.bars["date"][-1]
        of_symbol = stated.get(each.symbol, {})
        splits = {day: ratio for day, ratio in of_symbol.items() if first < day <= last}
        asked = {day: ratio for day, ratio in splits.items() if ratio >= SMALLEST}
        outcomes.update(judge(unadjusted(each.bars, splits), asked, _known(each)))
    return outcomes


def measure_planted(series: Sequence[Series], random: np.random.Generator) -> Counter[str]:
    """Splits as frequent as NSE's on dates drawn, one at a time."""
    ratios = np.array([float(Fraction(ratio)) for ratio in COUNTS])
    shares = np.array(list(COUNTS.values())) / sum(COUNTS.values())
    outcomes = Counter[str]()
    for each in series:
        for day in _dates(each, random, PLANTED):
            splits = {day: float(random.choice(ratios, p=shares))}
            outcomes.update(judge(unadjusted(each.bars, splits), splits, _known(each)))
    return outcomes


def measure_two_sources(series: Sequence[Series], random: np.random.Generator) -> Counter[str]:
    """Splits put into one vendor's series with the other vendor's beside it."""
    outcomes = Counter[str]()
    for own, other in permutations(series, 2):
        if own.symbol != other.symbol:
            continue
        first, last = other.bars["date"][1], other.bars["date"][-1]
        beside = other.bars.with_columns(price_basis=pl.lit("split"), source=pl.lit("other"))
        for day in _dates(own, random, BESIDE):
            if first < day <= last:
                splits = {day: float(random.choice(ANY_RATIO))}
                raw = unadjusted(own.bars, splits)
                outcomes.update(judge(raw, splits, _known(own), [beside]))
    return outcomes


def measure_demergers(series: Sequence[Series], random: np.random.Generator) -> Counter[str]:
    """Falls to a share of the price with unchanged volume, by whether they are taken for splits."""
    outcomes = Counter[str]()
    for each in series:
        for day in _dates(each, random, DEMERGERS):
            raw = unadjusted(each.bars, {day: 1 / random.uniform(0.2, 0.8)})
            inferred = infer_splits(raw.with_columns(each.bars["volume"]), [], nse())
            taken = any(split.confident for split in inferred if split.date == day)
            outcomes["taken for a split" if taken else "waiting"] += 1
    return outcomes


def _dates(series: Series, random: np.random.Generator, count: int) -> list[dt.date]:
    rows = random.integers(10, series.bars.height - 25, count)
    return [series.bars["date"][int(row)] for row in rows]


def _known(series: Series) -> dict[dt.date, float]:
    return {day: ratio for (symbol, day), ratio in LEFT_IN.items() if symbol == series.symbol}


def main() -> None:
    """Print one line for each kind of case."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tickers", choices=("tune", "report", "all"), default="report")
    parser.add_argument("--seed", type=int, default=2026)
    args = parser.parse_args()
    random = np.random.default_rng(args.seed)
    series = [
        each
        for each in read_series()
        if args.tickers in ("all", "tune" if each.is_for_tuning else "report")
    ]
    kinds = {
        "stated": measure_stated(series),
        "planted": measure_planted(series, random),
        "two sources": measure_two_sources(read_series(), random),
        "TCS": Counter(judge(read_tcs().bars, dict.fromkeys(TCS_BONUSES, 2.0), {})),
    }
    print(f"{len(series)} series ({args.tickers}), seed {args.seed}")
    print(f"{'':12}{'':>8}", *(f"{outcome:>14}" for outcome in OUTCOMES))
    for kind, outcomes in kinds.items():
        counts = (f"{outcomes[outcome]:>14}" for outcome in OUTCOMES)
        share = outcomes["applied right"] / max(outcomes.total(), 1)
        print(f"{kind:12}{outcomes.total():>8}", *counts, f"  {share:.0%} applied")
    demergers = measure_demergers(series, random)
    taken = demergers["taken for a split"]
    print(
        f"demergers   {demergers.total():>8}: {taken} taken for a split "
        f"({taken / demergers.total():.0%})"
    )


if __name__ == "__main__":
    main()
