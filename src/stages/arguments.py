"""The command-line arguments that several commands share, each declared once.

A command builds its parser from these, and adds its own arguments:

    parser = command_parser("src.data.report", "Show what is stored of a ticker's prices.")
    add_ticker(parser)
    add_config(parser)
    ...
    ticker = ticker_of(parser.parse_args(argv), settings)
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from src.core.errors import UsageError

if TYPE_CHECKING:
    from src.config.settings import Settings

EPILOG = "Exit codes: 0 done, 1 failed, 2 wrong usage. Details: logs/tcs-stock.log"
# No list of tickers has these: a slash, or the ending of a list's file.
_PATH = re.compile(r"[/\\]|\.(txt|csv|tsv|lst|list|json|xlsx?)$", re.IGNORECASE)
FIRST_YEAR, LAST_YEAR = 1990, 2100


class Parser(argparse.ArgumentParser):
    """An argument parser that reports wrong usage in one sentence.

    Attributes:
        usage_code: The exit code after that.
    """

    usage_code = UsageError.exit_code

    def __init__(self, **options: Any) -> None:
        # An abbreviation would change its meaning with the next argument of that beginning.
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """Write what is wrong and how to find out more, and exit."""
        self.exit(self.usage_code, f"{self.prog}: {message}: try --help.\n")


def command_parser(module: str, summary: str) -> Parser:
    """The parser of ``python -m MODULE``; a module may be followed by a subcommand."""
    return Parser(prog=f"python -m {module}", description=summary, epilog=EPILOG)


def add_command(
    commands: argparse._SubParsersAction[Parser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    summary: str,
) -> Parser:
    """Add a subcommand, whose arguments have ``run`` and a file of settings."""
    parser = commands.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
    add_config(parser)
    parser.set_defaults(run=run)
    return parser


def add_ticker(
    parser: argparse.ArgumentParser,
    *,
    default: str = "the configuration's",
    required: bool = False,
    group: argparse._MutuallyExclusiveGroup | None = None,
) -> None:
    """``--ticker`` and, for bare symbols, ``--suffix``.

    ``--help`` says what the default is. ``--ticker`` stands in a ``group`` when it excludes other
    arguments.
    """
    example = "such as TCS.NS" if required else f"such as TCS.NS (default: {default})"
    if group is None:
        parser.add_argument("--ticker", required=required, help=example)
    else:
        group.add_argument("--ticker", help=example)
    add_suffix(parser)


def add_tickers(parser: argparse._ActionsContainer) -> None:
    """``--tickers``, as ``listed_tickers`` reads it."""
    parser.add_argument(
        "--tickers", metavar="T1,T2|FILE", help="several, or a file with one a line"
    )


def add_suffix(parser: argparse.ArgumentParser) -> None:
    """``--suffix``, for a command that names its tickers in another way than ``--ticker``."""
    parser.add_argument("--suffix", help="for bare symbols (default: .NS)")


def add_config(parser: argparse.ArgumentParser) -> None:
    """``--config``."""
    parser.add_argument("--config", type=Path, metavar="F", help="a JSON file with settings")


def add_looking_back(parser: argparse.ArgumentParser) -> None:
    """``--as-of`` and ``--known-at``, of a run that uses less than is stored and writes nothing."""
    parser.add_argument("--as-of", type=date, metavar="DATE", help="last session to use")
    parser.add_argument(
        "--known-at",
        type=moment,
        metavar="TIME",
        help="use only what had been fetched by then; nothing is written",
    )


def add_engine(parser: argparse.ArgumentParser) -> None:
    """``--workers`` and ``--engine``, which ``engine_settings`` reads."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--workers", metavar="N", help="processes of this machine that share the work (default: 1)"
    )
    which.add_argument(
        "--engine", metavar="dask://HOST:PORT", help="a Dask cluster that shares it instead"
    )


def engine_settings(args: argparse.Namespace) -> dict[str, Any]:
    """The settings that the arguments of ``add_engine`` stand for, if there are any."""
    stated = {"workers": getattr(args, "workers", None), "address": getattr(args, "engine", None)}
    chosen = {name: value for name, value in stated.items() if value is not None}
    if chosen.keys() == {"workers"}:
        chosen["address"] = None  # of this machine, whatever the settings say
    return {"engine": chosen} if chosen else {}


def ticker_of(args: argparse.Namespace, settings: Settings) -> str:
    """The ticker of ``add_ticker``'s arguments, or the configured one.

    Raises:
        UsageError: It is not a ticker.
    """
    from src.core.tickers import normalise_ticker

    text = settings.data.ticker if args.ticker is None else args.ticker
    return normalise_ticker(text, args.suffix)


def listed_tickers(text: str, suffix: str | None) -> tuple[str, ...]:
    """The tickers of ``T1,T2`` or of a file with one a line, each once, in order.

    Raises:
        UsageError: One of them is not a ticker, or there is none, or the file is not there or
            cannot be read.
    """
    from src.core.tickers import normalise_ticker

    names = [name for part in _lines(text) for name in part.split(",") if name.strip()]
    tickers = tuple(dict.fromkeys(normalise_ticker(name, suffix) for name in names))
    if not tickers:
        raise UsageError("--tickers names no ticker: give some such as TCS.NS,INFY.NS, or a file.")
    return tickers


def _lines(text: str) -> list[str]:
    # A long list is too long for a path, which pathlib refuses with an error.
    from src.core.tickers import quoted

    if not os.path.isfile(text):
        if _PATH.search(text):
            raise UsageError(f"--tickers {quoted(text)}: there is no such file.")
        return [text]
    try:
        lines = Path(text).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The list of tickers {text} cannot be read ({error}).") from error
    return [line.partition("#")[0] for line in lines]


def date(text: str) -> dt.date:
    """A date as ``YYYY-MM-DD``."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-04-13") from None


def moment(text: str) -> dt.datetime:
    """A time in UTC from one with its zone, such as ``2026-04-13T18:00:00+05:30``."""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}(Z|[+-]\d{2}:?\d{2})?", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} has no time of day: write it as {text[:10]}T18:00+05:30"
        )
    try:
        value = dt.datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time such as 2026-04-13T18:00Z"
        ) from None
    if value.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no time zone: add Z or +05:30")
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise argparse.ArgumentTypeError(
            f"{text!r}: the year must be between {FIRST_YEAR} and {LAST_YEAR}"
        )
    return value.astimezone(dt.UTC)
