"""The command ``python -m src.modeling.evaluate F.csv``: what a backtest's forecasts were worth."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.core.errors import BadInput
from src.stages.cli import EPILOG, Parser, guarded

if TYPE_CHECKING:
    import polars as pl
    from rich.table import Table

COLUMNS = ("ticker", "made", "horizon", "model", "point", "actual", "lo95", "hi95")


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables of points and of distributions."""
    args = _parser().parse_args(argv)
    from rich.console import Console

    from src.modeling import league

    forecasts = read(args.file)
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(_points(league.points(forecasts)))
    models = forecasts["model"].unique().to_list()
    shown = "served" if "served" in models else sorted(models)[0]
    console.print(_distributions(league.distributions(forecasts, shown)))
    return 0


def read(path: Path) -> pl.DataFrame:
    """The backtest's file; raises BadInput for one that cannot be read or is another."""
    import polars as pl

    try:
        table = pl.read_csv(path, try_parse_dates=True, infer_schema_length=None)
    except (OSError, pl.exceptions.PolarsError) as error:
        first = str(error).splitlines()[0]
        raise BadInput(f"{path}: it cannot be read as CSV ({first}).") from error
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing or table.schema["made"] != pl.Date:
        what = f"no column {missing[0]}" if missing else "no dates in its column made"
        raise BadInput(f"{path}: {what}: give a file that src.modeling.backtest wrote.")
    if table.is_empty():
        raise BadInput(f"{path}: it holds no forecast: widen --from and --to of the backtest.")
    return table


def _points(rows: list[dict[str, Any]]) -> Table:
    heads = (
        *("horizon", "model", "tickers", "n", "n_eff", "MAE", "skill vs zero", "t (needs)"),
        *("vs mean", "tickers worse", "worst ticker"),
    )
    table = _table("Point forecasts", heads)
    for row in rows:
        table.add_row(
            *(str(row["horizon"]), row["model"], str(row["tickers"])),
            *(f"{row['n']:,}", f"{row['n_eff']:,.0f}", f"{row['mae']:.5f}"),
            *(_percent(row["skill_vs_zero"]), f"{row['t']:.2f} ({row['limit']:.2f})"),
            *(_percent(row[name]) for name in ("skill_vs_mean", "tickers_worse", "worst_ticker")),
        )
    return table


def _distributions(rows: list[dict[str, Any]]) -> Table:
    heads = (
        *("horizon", "n", "in 50 %", "in 80 %", "in 90 %", "in 95 %"),
        *("CRPS skill vs last 500", "t", "width vs last 500"),
    )
    table = _table("Distributions", heads)
    for row in rows:
        table.add_row(
            *(str(row["horizon"]), f"{row['n']:,}"),
            *(_percent(row.get(f"coverage_{share}%"), 1) for share in (50, 80, 90, 95)),
            *(_percent(row["crps_skill"]), _plain(row["t"]), _plain(row["width_ratio"])),
        )
    return table


def _table(title: str, heads: Sequence[str]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    for number, head in enumerate(heads):
        table.add_column(head, justify="left" if number < 1 or head == "model" else "right")
    return table


def _percent(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:+.{digits}%}" if digits > 1 else f"{value:.{digits}%}"


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _parser() -> Parser:
    parser = Parser(
        prog="python -m src.modeling.evaluate",
        description="What the forecasts of a backtest were worth, beside predicting zero, the "
        "expanding mean and the last 500 outcomes.",
        epilog=EPILOG,
    )
    parser.add_argument("file", type=Path, metavar="F", help="the CSV of src.modeling.backtest")
    return parser


if __name__ == "__main__":
    sys.exit(guarded(main))
