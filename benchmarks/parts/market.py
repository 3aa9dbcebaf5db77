"""Synthetic tickers from files to forecasts: growth with tickers and years, and the next evening.

Run: python -m benchmarks.parts.market [--quick]. Every size is a run of ``mlops.pipeline --all``
from empty tables, in one process, training included. The greatest is run once more an evening
later, with one session more in every file, and its rows are written and read by ADBC alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg

from benchmarks.page import result
from benchmarks.page.result import Budget, Curve, Result
from benchmarks.parts import adbc
from benchmarks.parts.home import Home, Usage, temporary_home
from benchmarks.parts.many_tickers import evening, newest_sessions, write_files

TICKERS, SESSIONS = (1, 8, 40, 141, 500), 5000
YEARS, YEARS_OF = (250, 1250, 5000), 40
QUICK = ((1, 3), 320, (260,), 3)
STORED_STAGES = ("data_cleaning", "feature_engineering", "validation")
# Of memory at sizes that DESIGN names, in MiB.
MEMORY = {141: (1024, 700), 500: (2048, 1536)}


@dataclass(frozen=True)
class Size:
    """What the runs of one size took; ``seconds`` are those of each stage of the first run."""

    tickers: int
    sessions: int
    first: Usage
    seconds: Mapping[str, float]


def measure(quick: bool) -> Result:
    """All sizes, the evening and ADBC's rate, against the budgets of DESIGN."""
    tickers, sessions, years, of_years = QUICK if quick else (TICKERS, SESSIONS, YEARS, YEARS_OF)
    found = Result()
    sizes = [_size(count, sessions) for count in tickers[:-1]]
    sizes.append(_greatest(found, tickers[-1], sessions))
    by_years = [_size(of_years, count) for count in years if count != sessions]
    by_years += [size for size in sizes if size.tickers == of_years]
    _growth(found, sizes, by_years)
    for size in sizes:
        if size.tickers in MEMORY:
            must, aim = MEMORY[size.tickers]
            what = f"peak memory: {size.tickers} tickers x {size.sessions:,} sessions"
            found.budgets.append(Budget(what, size.first.peak, "MiB", must, aim))
    return found


def _size(tickers: int, sessions: int) -> Size:
    with temporary_home() as home:
        return first_run(home, tickers, sessions)


def first_run(home: Home, tickers: int, sessions: int, *options: str) -> Size:
    """All from empty tables; the files keep the evening's session back."""
    days = newest_sessions(sessions + 1)
    files, delivered = home.folder / "files", home.folder / "delivered"
    write_files(files, tickers, days)
    delivered.mkdir()
    for path in files.iterdir():
        lines = path.read_text().splitlines(keepends=True)
        (delivered / path.name).write_text("".join(lines[:-1]))
    usage = home.run([*_command(delivered), *options], evening(days[-2]))
    return Size(tickers, sessions, usage, stage_seconds(home.url))


def _greatest(found: Result, tickers: int, sessions: int) -> Size:
    """The first run, the evening after it, and ADBC's own rate, in one home."""
    with temporary_home() as home:
        size = first_run(home, tickers, sessions)
        next_evening(found, home, size)
        stored = sum(size.seconds[stage] for stage in STORED_STAGES)
        bare, volume = adbc.seconds(home.url)
        found.budgets.append(
            Budget(
                f"{tickers} tickers from raw prices to stored features, as a share of ADBC's rate",
                bare / stored,
                "",
                0.4,
                0.6,
                higher=True,
            )
        )
        found.figures |= unit_costs(home, size)
        found.figures["ADBC's own write and read (MiB/s)"] = volume / 2**20 / bare
    return size


def next_evening(found: Result, home: Home, size: Size, *options: str) -> None:
    """One session more of every ticker, with the models fitted."""
    day = newest_sessions(1)[0]
    shutil.rmtree(home.folder / "delivered")
    (home.folder / "files").rename(home.folder / "delivered")
    usage = home.run([*_command(home.folder / "delivered"), *options], evening(day))
    what = f"one new session of {size.tickers} tickers"
    found.budgets += [
        Budget(f"{what}, as a share of the rebuild's cpu", usage.cpu / size.first.cpu, "", 0.05),
        Budget(f"{what}, data to forecasts", usage.wall, "s", 60),
    ]
    found.figures[f"{what} (cpu s)"] = usage.cpu


def _command(files: Path) -> list[str]:
    return ["mlops.pipeline", "--all", "--source", "csv", "--path", str(files)]


def stage_seconds(url: str) -> dict[str, float]:
    """Wall seconds of each stage of the newest run."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT stage, duration_seconds FROM stage_runs WHERE run_id = "
            "(SELECT run_id FROM pipeline_runs ORDER BY started_at DESC LIMIT 1)"
        ).fetchall()
    return dict(rows)


def unit_costs(home: Home, size: Size) -> dict[str, float]:
    """Of a ticker and session: microseconds of each stage, and bytes on disk of each table."""
    rows = size.tickers * size.sessions
    costs = {
        f"{stage}: µs a ticker and session": 1e6 * s / rows for stage, s in size.seconds.items()
    }
    with psycopg.connect(home.url) as connection:
        tables = connection.execute(
            "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind IN ('r', 'p') "
            "AND relnamespace = 'public'::regnamespace ORDER BY 2 DESC LIMIT 8"
        ).fetchall()
        (whole,) = connection.execute("SELECT pg_database_size(current_database())").fetchone() or (
            0,
        )
    costs |= {f"{table}: bytes a ticker and session": size_ / rows for table, size_ in tables}
    return costs | {"the database: bytes a ticker and session": whole / rows}


def exponent(sizes: Sequence[float], taken: Sequence[float]) -> float:
    """Slope of the logarithm of what was taken on that of the size, by least squares."""
    return float(np.polyfit(np.log(sizes), np.log(taken), 1)[0])


def _growth(found: Result, sizes: Sequence[Size], by_years: Sequence[Size]) -> None:
    tickers = [float(size.tickers) for size in sizes]
    cpu = [size.first.cpu for size in sizes]
    last = exponent(tickers[-2:], cpu[-2:])
    found.budgets += [
        Budget("growth of cpu with tickers: exponent", exponent(tickers, cpu), "", 1.05),
        Budget(f"the same from {tickers[-2]:.0f} to {tickers[-1]:.0f} tickers", last, "", 1.05),
    ]
    by = "tickers"
    found.curves = [
        Curve("the whole run", tickers, cpu, by, "cpu seconds"),
        Curve("peak memory of the process", tickers, [s.first.peak for s in sizes], by, "MiB"),
    ]
    for stage in sizes[-1].seconds:
        seconds = [max(size.seconds[stage], 1e-3) for size in sizes]
        found.curves.append(Curve(stage, tickers, seconds, by, "seconds of a stage"))
    if len(by_years) > 1:
        years = [size.sessions / 250 for size in by_years]
        of = f"{by_years[0].tickers} tickers"
        cpu = [size.first.cpu for size in by_years]
        found.curves.append(Curve(of, years, cpu, "years of prices", "cpu seconds"))
        found.notes.append(
            f"With the years of prices ({of}, {years[0]:g} to {years[-1]:g}) cpu grows with the "
            f"exponent {exponent(years, cpu):.2f}."
        )


if __name__ == "__main__":
    result.main(measure, __doc__)
