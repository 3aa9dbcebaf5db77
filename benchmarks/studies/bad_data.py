"""Measure the detectors of vendors' errors on recorded errors of Yahoo and their repaired twins.

Run: python -m benchmarks.studies.bad_data [FOLDER]. Prints counts; nothing is asserted. No
calendar is used: the files are of many exchanges.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from src.core.calendars.nse import nse
from src.core.tables import OHLC
from src.data.cleaning.rules.catalogue import BROKEN, DAILY_RULES
from src.data.cleaning.rules.engine import apply_rules
from src.data.cleaning.rules.unit_errors import unit_errors
from src.data.corporate_actions.price_checks.dividends import implausible_dividends
from src.data.corporate_actions.price_checks.jumps import JUMP_DOWN, JUMP_UP
from src.data.corporate_actions.price_checks.split_inference import infer_splits
from src.data.sources.files.source import FileSource

DATA = Path(os.environ.get("FORECAST_TEST_DATA") or Path(__file__).parents[3] / "shared" / "data")
FOLDER = DATA / "yahoo_bad_data"
BAR_KINDS = ("100x-error", "bad-stock-split")
DIVIDEND_KINDS = ("bad-div", "missing-div-adjust", "cg-double-count")
GOOD_KINDS = ("no-bad-divs",)
RULES = tuple(rule for rule in DAILY_RULES if rule.__name__ in BROKEN)
# The twins were rounded, and some are repaired by a factor that was estimated.
SAME = 0.01


@dataclass(frozen=True)
class CheckedBars:
    """The bars that the rules keep and refuse, and the dates of jumps that are pending."""

    bars: pl.DataFrame
    refused: pl.DataFrame
    pending: set[dt.date]


@dataclass(frozen=True)
class Detection:
    """Errors of one file, how many were found, and alarms without an error."""

    name: str
    kind: str
    errors: int
    found: int
    false_alarms: int
    false_in_twin: int

    @property
    def recall(self) -> str:
        return f"{self.found / self.errors:.0%}" if self.errors else "-"


def read(path: Path) -> pl.DataFrame:
    """A recorded file in date order, under the column names of bars, ``dividends`` included."""
    raw = pl.read_csv(path, infer_schema_length=None)
    names = ["date", *(name.lower().replace(" ", "_") for name in raw.columns[1:])]
    raw = raw.rename(dict(zip(raw.columns, names, strict=True)))
    numbers = [*OHLC, "adj_close", "volume", "dividends"]
    return raw.select(
        pl.col("date").str.slice(0, 10).str.to_date(), pl.col(numbers).cast(pl.Float64)
    ).sort("date")


def files(kinds: tuple[str, ...], folder: Path = FOLDER) -> list[tuple[str, Path]]:
    """The daily files of these kinds, without the twins: (kind, path)."""
    return [(kind, path) for kind in kinds for path in sorted(folder.glob(f"*-1d-{kind}.csv"))]


def twin_of(path: Path) -> Path:
    return path.with_name(f"{path.stem}-fixed.csv")


def dividends(bars: pl.DataFrame) -> pl.DataFrame:
    return bars.filter(pl.col("dividends") > 0).select("date", amount="dividends")


def check_bars(bars: pl.DataFrame) -> CheckedBars:
    """Apply the rules that need no calendar, and find the jumps that a person must explain."""
    result = apply_rules(bars.with_columns(ticker=pl.lit("")), RULES, None)
    kept = result.kept
    ratio = pl.col("close") / pl.col("close").shift(1)
    jumped = kept.filter((ratio < JUMP_DOWN) | (ratio > JUMP_UP))["date"]
    inferred = {split.date for split in infer_splits(kept, stated=[], calendar=None)}
    return CheckedBars(kept, result.refused, {*jumped.to_list(), *inferred})


def false_returns(bars: pl.DataFrame, twin: pl.DataFrame) -> set[dt.date]:
    """Sessions whose return from the bar before, in these bars, is not that of the twin."""
    both = bars.join(twin.select("date", true="close"), on="date").drop_nulls(["close", "true"])
    off = (pl.col("close") / pl.col("true")).log().diff().abs() > SAME
    return set(both.filter(off)["date"].to_list())


def wrong_rows(bars: pl.DataFrame, twin: pl.DataFrame) -> set[dt.date]:
    both = bars.join(twin, on="date", suffix="_true")
    off = pl.any_horizontal((pl.col(f) / pl.col(f"{f}_true") - 1).abs() > SAME for f in OHLC)
    return set(both.filter(off)["date"].to_list())


def measure_rows(kind: str, path: Path) -> Detection:
    """Rows with a wrong price, those refused, and rows refused that are not wrong."""
    bars, twin = read(path), read(twin_of(path))
    errors, refused = wrong_rows(bars, twin), set(check_bars(bars).refused["date"].to_list())
    in_twin = check_bars(twin).refused.height
    found = len(errors & refused)
    return Detection(_name(path), kind, len(errors), found, len(refused - errors), in_twin)


def measure_returns(kind: str, path: Path) -> Detection:
    """False returns, those that no label would cross, and true returns that are pending."""
    bars, twin = read(path), read(twin_of(path))
    checked = check_bars(bars)
    errors, left = false_returns(bars, twin), false_returns(checked.bars, twin)
    found = len(errors) - len(left - checked.pending)
    in_twin = len(check_bars(twin).pending)
    return Detection(_name(path), kind, len(errors), found, len(checked.pending - left), in_twin)


def _name(path: Path) -> str:
    return path.name.split("-1d-")[0]


def wrong_dividends(bars: pl.DataFrame, twin: pl.DataFrame) -> set[dt.date]:
    """Stated dividends whose amount, or whose step in adj_close, is not that of the twin."""

    def facts(frame: pl.DataFrame) -> pl.DataFrame:
        ratio = pl.col("adj_close") / pl.col("close")
        priced = frame.drop_nulls(["close", "adj_close"])
        return priced.select("date", "dividends", step=ratio.shift(1) / ratio)

    both = facts(bars).join(facts(twin), on="date", suffix="_true")
    amount = (pl.col("dividends") / pl.col("dividends_true") - 1).abs() > SAME
    step = (pl.col("step") / pl.col("step_true") - 1).abs() > 1e-4
    return set(both.filter((pl.col("dividends") > 0) & (amount | step))["date"].to_list())


def measure_dividends(kind: str, path: Path, *, with_adj_close: bool = True) -> Detection:
    bars, twin = read(path), read(twin_of(path))
    errors = wrong_dividends(bars, twin)
    flagged, in_twin = (
        set(_implausible_days(frame, with_adj_close=with_adj_close)) for frame in (bars, twin)
    )
    found = len(errors & flagged)
    return Detection(_name(path), kind, len(errors), found, len(flagged - errors), len(in_twin))


def _implausible_days(bars: pl.DataFrame, *, with_adj_close: bool) -> list[dt.date]:
    columns = ["date", "close", *(["adj_close"] if with_adj_close else [])]
    return implausible_dividends(bars.select(columns), dividends(bars))["date"].to_list()


def implausible_of_tcs(*, with_adj_close: bool = True) -> pl.DataFrame:
    """Which of Yahoo's 70 dividends of TCS Yahoo's own bars contradict, and why."""
    actions = pl.read_csv(DATA / "tcs_daily/yahoo_actions_2021-09-30.csv", try_parse_dates=True)
    stated = actions.select(date="Date", amount="Dividends")
    bars = pl.read_csv(DATA / "tcs_daily/yahoo_2026-04-13.csv", try_parse_dates=True)
    columns = {
        "date": "Date",
        "close": "Close",
        **({"adj_close": "Adj Close"} if with_adj_close else {}),
    }
    return implausible_dividends(bars.select(**columns).sort("date"), stated)


def series(
    folders: tuple[str, ...] = ("nse_daily_upstox", "nse_daily_yahoo"),
) -> list[pl.DataFrame]:
    """Bars of every real series there, without those that have a price or the volume missing."""
    source = FileSource(
        [DATA / name for name in folders],
        calendar=nse(),
        now=dt.datetime(2026, 4, 20, 12, tzinfo=dt.UTC),
    )
    deliveries = [
        delivery
        for ticker in source.tickers()
        for delivery in source.fetch("daily", ticker, None, None)
    ]
    columns = ["date", *OHLC, "volume"]
    return [
        delivery.frame.select(columns).drop_nulls().filter(pl.min_horizontal(OHLC) > 0).sort("date")
        for delivery in sorted(deliveries, key=lambda delivery: delivery.origin)
    ]


def inject(
    bars: pl.DataFrame, error: str, rng: np.random.Generator
) -> tuple[pl.DataFrame, set[int]]:
    """The bars with one error of that name put in, and the rows that have it."""
    row = int(rng.integers(1, bars.height - 26))
    first, length = {
        "first bar": (0, 1),
        "last bar": (bars.height - 1, 1),
        "run of 25 bars": (row, 25),
    }.get(error, (row, 1))
    fields = {"only the high": ("high",), "only the low": ("low",)}.get(error, OHLC)
    factor = 0.01 if error == "only the low" or (fields == OHLC and rng.random() < 0.5) else 100.0
    inside = pl.int_range(pl.len()).is_between(first, first + length - 1)
    spoiled = bars.with_columns(
        pl.when(inside).then(pl.col(fields) * factor).otherwise(pl.col(fields))
    )
    return spoiled, set(range(first, first + length))


INJECTED = ("one bar", "first bar", "last bar", "run of 25 bars", "only the high", "only the low")


def measure_injected(all_bars: list[pl.DataFrame], error: str, seed: int = 7) -> Detection:
    rng = np.random.default_rng(seed)
    errors = found = alarms = alarms_without_error = 0
    for bars in all_bars:
        spoiled, rows = inject(bars, error, rng)
        flagged = set(unit_errors(spoiled).arg_true().to_list())
        errors += len(rows)
        found += len(flagged & rows)
        alarms += len(flagged - rows)
        alarms_without_error += int(unit_errors(bars).sum())
    return Detection(
        f"{len(all_bars)} NSE series", error, errors, found, alarms, alarms_without_error
    )


def show(title: str, rows: list[Detection], *, totals: bool = True) -> None:
    print(f"\n{title}")
    print(f"{'name':18}{'kind':22}{'errors':>7}{'found':>7}{'recall':>8}{'false':>7}{'twin':>6}")
    for kind in dict.fromkeys(row.kind for row in rows):
        of_kind = [row for row in rows if row.kind == kind]
        sums = [
            sum(getattr(row, field) for row in of_kind)
            for field in ("errors", "found", "false_alarms", "false_in_twin")
        ]
        total = [Detection("= total", kind, *sums)] if totals else []
        for row in [*of_kind, *total]:
            print(
                f"{row.name:18}{row.kind:22}{row.errors:7}{row.found:7}{row.recall:>8}"
                f"{row.false_alarms:7}{row.false_in_twin:6}"
            )


def show_bars(folder: Path) -> None:
    """What the bar rules do to every file, so that false alarms on good bars show too."""
    print("\nBars: what is refused and pending in each file")
    kinds = (*BAR_KINDS, *DIVIDEND_KINDS, *GOOD_KINDS)
    paths = [path for _, path in files(kinds, folder)]
    with_twins = [file for path in paths for file in (path, twin_of(path)) if file.exists()]
    for path in with_twins:
        checked = check_bars(read(path))
        rules = dict(sorted(checked.refused.group_by("rule").len().iter_rows()))
        refused = ", ".join(f"{count} {rule}" for rule, count in rules.items()) or "-"
        print(f"{path.stem:42} refused: {refused:48} pending: {len(checked.pending)}")


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    bars = files(BAR_KINDS, folder)
    show("Bars: wrong rows, and whether they are refused", [measure_rows(*file) for file in bars])
    show(
        "Bars: false returns, and whether a label is kept from crossing them",
        [measure_returns(*file) for file in bars],
    )
    for with_adj_close in (True, False):
        show(
            f"Dividends, {'with' if with_adj_close else 'without'} adj_close",
            [
                measure_dividends(kind, path, with_adj_close=with_adj_close)
                for kind, path in files(DIVIDEND_KINDS, folder)
            ],
        )
    print("\nDividends flagged in files without an error")
    for _, path in files(GOOD_KINDS, folder):
        bars = read(path)
        flagged = _implausible_days(bars, with_adj_close=True)
        print(f"{path.stem:42} {len(flagged)} of {dividends(bars).height}")
    show_bars(folder)
    if folder == FOLDER:
        print("\nDividends of TCS on which Yahoo's list and Yahoo's adj_close differ")
        for day, amount, reason in implausible_of_tcs().iter_rows():
            print(f"{day} {amount:6.2f} {reason}")
        real = series()
        rows = [measure_injected(real, error) for error in INJECTED]
        show("Unit errors put into real series (bars)", rows, totals=False)


if __name__ == "__main__":
    main()
