"""The command ``python -m src.modeling.evaluate F``: score forecasts of the past.

They are those of a backtest, as CSV, or those that a model set was judged by, as Parquet.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.core.errors import BadInput
from src.stages.arguments import Parser, command_parser
from src.stages.cli import run_command

if TYPE_CHECKING:
    import polars as pl
    from rich.table import Table

LOW_HIGH = ("lo", "hi")
KEY = ("horizon", "model", "ticker", "made")
NUMBERS = ("point", "actual", *(f"{end}{share}" for share in (50, 80, 90, 95) for end in LOW_HIGH))
ADVICE = "give a file that src.modeling.backtest wrote, or the forecasts.parquet of a model set."
PARQUET = b"PAR1"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the scores of point forecasts and of distributions."""
    args = _parser().parse_args(argv)
    from rich.console import Console

    from src.modeling.evaluation import leaderboard

    forecasts = read(args.file)
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(_points(leaderboard.point_leaderboard(forecasts)))
    models = forecasts["model"].unique().to_list()
    shown = "served" if "served" in models else sorted(models)[0]
    console.print(_distributions(leaderboard.interval_leaderboard(forecasts, shown)))
    return 0


def read(path: Path) -> pl.DataFrame:
    """The forecasts in a file, one row for each model, ticker and session, as a backtest has them.

    Raises:
        BadInput: It cannot be read, or another program wrote it.
    """
    table = _read_record(path) if _first_bytes(path) == PARQUET else _read_csv(path)
    defect = next(_defects(table), None)
    if defect:
        raise BadInput(f"{path}: {defect}: {ADVICE}")
    if table.is_empty():
        raise BadInput(f"{path}: it has no forecasts: widen --from and --to of the backtest.")
    return table


def _read_record(path: Path) -> pl.DataFrame:
    """The forecasts that a model set was judged by."""
    import numpy as np
    import polars as pl

    from src.modeling.evaluation import forecast_record, leaderboard
    from src.modeling.intervals import quantiles

    try:
        record = forecast_record.read_parquet(path.read_bytes())
    except ValueError as error:
        raise BadInput(f"{path}: {error}: {ADVICE}") from error
    rows, columns = np.nonzero(np.isfinite(np.stack(list(record.points.values()))).any(axis=0))
    places = [int(np.argmin(np.abs(quantiles.LEVELS - level))) for level in leaderboard.LEVELS]
    shared = pl.DataFrame(
        {
            "ticker": np.array(record.tickers, dtype=str)[columns],
            "made": record.sessions[rows],
            "horizon": np.full(len(rows), record.horizon),
            "actual": record.actual[rows, columns],
            **{
                name: record.quantiles[rows, columns, place]
                for name, place in zip(leaderboard.BOUNDS, places, strict=True)
            },
        }
    )
    frames = [
        shared.with_columns(pl.lit(name).alias("model"), pl.Series("point", points[rows, columns]))
        for name, points in record.points.items()
    ]
    return pl.concat(frames).select(*KEY, *NUMBERS).with_columns(pl.col(NUMBERS).fill_nan(None))


def _read_csv(path: Path) -> pl.DataFrame:
    """The forecasts of a backtest."""
    import polars as pl

    types = (
        dict.fromkeys(NUMBERS, pl.Float64)
        | {"horizon": pl.Int64, "made": pl.Date}
        | {"model": pl.String, "ticker": pl.String}
    )
    try:
        header = pl.read_csv(path, n_rows=0).columns
        missing = [name for name in types if name not in header]
        if missing:
            raise BadInput(f"{path}: no column {missing[0]}: {ADVICE}")
        table = pl.read_csv(path, columns=list(types), schema_overrides=types)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise BadInput(f"{path}: {_unreadable_cell(path, types)}: {ADVICE}") from error
    return table


def _first_bytes(path: Path) -> bytes:
    """What tells one format from the other."""
    try:
        with path.open("rb") as file:
            first = file.read(len(PARQUET))
        reason = "" if first else "it is empty"
    except OSError as error:
        first, reason = b"", (error.strerror or "it cannot be opened").lower()
    if reason:
        raise BadInput(f"{path}: it cannot be read ({reason}): {ADVICE}")
    return first


def _unreadable_cell(path: Path, types: Mapping[str, Any]) -> str:
    """The first cell that has not its column's type; only read where there is one."""
    import polars as pl

    try:
        texts = pl.read_csv(path, columns=list(types), infer_schema=False)
    except (OSError, pl.exceptions.PolarsError):
        return "it is not a table in CSV"
    for name, kind in types.items():
        text = pl.col(name)
        typed = text.str.to_date(strict=False) if kind == pl.Date else text.cast(kind, strict=False)
        lines = texts.with_row_index("line", 2).filter(text.is_not_null() & typed.is_null())
        if lines.height:
            line, cell = lines.select("line", name).row(0)
            return f"{cell!r} in line {line} cannot stand in its column {name}"
    return "it is not a table in CSV"


def _defects(table: pl.DataFrame) -> Iterator[str]:
    """What no file of a backtest has."""
    import polars as pl

    yield from (f"an empty cell in its column {name}" for name in KEY if table[name].null_count())
    if (table["horizon"] < 1).any():
        yield "a horizon below 1"
    finite = table.select(pl.col(NUMBERS).is_finite().all()).row(0)
    yield from (
        f"a value that is not a number in its column {name}"
        for name, is_finite in zip(NUMBERS, finite, strict=True)
        if not is_finite
    )
    if table.group_by(KEY).len().height < table.height:
        yield "two forecasts of one model, ticker, day and horizon"


def _points(rows: list[dict[str, Any]]) -> Table:
    headers = (
        *("horizon", "model", "tickers", "n", "n_eff", "MAE", "skill vs zero", "t (needs)"),
        *("vs mean", "tickers worse", "worst ticker", "RankIC"),
    )
    table = _table("Point forecasts", headers)
    for row in rows:
        table.add_row(
            *(str(row["horizon"]), row["model"], str(row["tickers"])),
            *(f"{row['n']:,}", f"{row['n_eff']:,.0f}", f"{row['mae']:.5f}"),
            *(_percent(row["skill_vs_zero"]), _t_and_limit(row["t"], row["limit"])),
            *(_percent(row[name]) for name in ("skill_vs_mean", "tickers_worse", "worst_ticker")),
            "-" if row["rank_ic"] is None else f"{row['rank_ic']:.3f}",
        )
    return table


def _distributions(rows: list[dict[str, Any]]) -> Table:
    headers = (
        *("horizon", "n", "in 50 %", "in 80 %", "in 90 %", "in 95 %"),
        *("CRPS skill vs last 500", "t", "width vs last 500"),
    )
    table = _table("Distributions", headers)
    for row in rows:
        table.add_row(
            *(str(row["horizon"]), f"{row['n']:,}"),
            *(_percent(row.get(f"coverage_{share}%"), 1) for share in (50, 80, 90, 95)),
            *(_percent(row["crps_skill"]), _plain(row["t"]), _plain(row["width_ratio"])),
        )
    return table


def _table(title: str, headers: Sequence[str]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    for number, header in enumerate(headers):
        left = number < 1 or header == "model"
        table.add_column(header, justify="left" if left else "right", no_wrap=header == "model")
    return table


def _t_and_limit(t: float | None, limit: float) -> str:
    """A t and what it must exceed; forecasts that never differ from zero have none."""
    return "-" if t is None else f"{t:.2f} ({limit:.2f})"


def _percent(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:+.{digits}%}" if digits > 1 else f"{value:.{digits}%}"


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _parser() -> Parser:
    parser = command_parser(
        "src.modeling.evaluate",
        "Score forecasts of the past beside those of no change, the expanding mean and the last "
        "500 outcomes.",
    )
    parser.add_argument(
        "file",
        type=Path,
        metavar="F",
        help="the CSV of src.modeling.backtest, or the forecasts.parquet of a model set",
    )
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main))
