"""Decide which tickers to take from a table: by all that it states and by the one requested."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from src.core.errors import BadInput

if TYPE_CHECKING:
    from src.data.sources.files.identity.file_names import NamedTicker

_WHOLE_LIST = 100
_EXCHANGES = {".NS": "NSE", ".BO": "BSE"}


@dataclass(frozen=True)
class KnownTickers:
    """The ``tickers`` that are stored or listed, and the ``suffixes`` of the exchanges listed."""

    tickers: frozenset[str] = frozenset()
    suffixes: frozenset[str] = frozenset()

    def spelled(self, name: NamedTicker, suffix: str) -> str | None:
        """The one ticker that a name is of, None where none or several are.

        Also & and - may be written as _.
        """
        ticker = name.symbol + suffix
        if ticker in self.tickers or "_" not in name.symbol:
            return ticker if ticker in self.tickers else None
        found = [other for other in self.tickers if name.is_of(other) and other.endswith(suffix)]
        return found[0] if len(found) == 1 else None


def known_tickers(stored: Iterable[str], in_lists: Iterable[str]) -> KnownTickers:
    """The stored and the listed tickers; fewer than a hundred are no list."""
    listed = frozenset(in_lists)
    counts = Counter(_suffix(ticker) for ticker in listed)
    whole = frozenset(suffix for suffix, count in counts.items() if count >= _WHOLE_LIST)
    return KnownTickers(listed | frozenset(stored), whole)


@dataclass(frozen=True)
class Statements:
    """What a table says of its ticker.

    Attributes:
        columns: The tickers in its columns.
        names: Those in its sheet's name, its titles and its file's name, most telling first.
        suffix: Of the exchange whose layout it is, or that a column names.
        is_yahoo: Whether it is Yahoo's: there a ticker without a suffix is New York's.
    """

    columns: Sequence[str] = ()
    names: Sequence[NamedTicker] = ()
    suffix: str | None = None
    is_yahoo: bool = False

    @property
    def kind(self) -> str | None:
        """The kind of bars that a name tells."""
        return next((name.kind for name in self.names if name.kind), None)


@dataclass(frozen=True)
class Selection:
    """The tickers to take from a table: none when it is another ticker's beside others.

    ``reason`` says then why, empty where the table plainly names another ticker.
    """

    tickers: list[str]
    notes: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class TickerRules:
    """How tickers are chosen, for all files of a command.

    Attributes:
        requested: The ticker of ``--ticker``.
        suffix: That of ``--suffix``, None where it is not given.
        default: The suffix for bare symbols where nothing tells another.
        known: The stored and listed tickers.
    """

    requested: str | None = None
    suffix: str | None = None
    default: str = ".NS"
    known: KnownTickers = field(default_factory=KnownTickers)

    def for_bare(self, statements: Statements) -> str:
        """The suffix for symbols in the columns that name no exchange.

        A bare ``TCS`` does not contradict TCS.BO where the file does not name its exchange.
        """
        if statements.suffix is not None:
            return statements.suffix
        if self.suffix is not None:
            return self.suffix
        if statements.is_yahoo:
            return ""
        if self.requested is None:
            return self.default
        return self.requested[self.requested.index(".") :] if "." in self.requested else ""


def select_tickers(rules: TickerRules, statements: Statements, *, explicit: bool) -> Selection:
    """The tickers to take from a table; an ``explicit`` one was given by its file's own path.

    Raises:
        BadInput: when an explicit table has another ticker than the one requested, when two of its
            statements contradict each other, or when no ticker is known.
    """
    if rules.requested is not None:
        return _select_requested(rules.requested, rules, statements, explicit=explicit)
    if statements.columns:
        _check_against_columns(rules, statements)
        return Selection(list(statements.columns))
    for name in statements.names:
        ticker, note = _ticker_of(name, rules, statements)
        if ticker is not None:
            _, others = _check_requested(ticker, rules, statements)
            if note and others:
                raise BadInput(f"{name.place} says {name.symbol}, {_saying(others)}: add --ticker.")
            return Selection([ticker], note or _notes(others, ticker))
    if statements.names:
        name = statements.names[0]
        if name.is_index:
            raise BadInput(f"{name.place} says {name.symbol}, an index: add --ticker.")
        raise BadInput(
            f"{name.place} has {name.symbol}, which is no stored or listed symbol, and nothing "
            f"else states a ticker: add --ticker{_or_import(rules, statements)}."
        )
    raise BadInput("neither its columns nor its name state a ticker: add --ticker.")


def _or_import(rules: TickerRules, statements: Statements) -> str:
    """The other way where NSE's list of shares, which tells symbols from words, is not stored."""
    suffix = statements.suffix or rules.suffix or rules.default
    if suffix != ".NS" or suffix in rules.known.suffixes:
        return ""
    return (
        ", or import NSE's list of shares first (`python -m src.data.instruments import --path "
        "EQUITY_L.csv`)"
    )


def _select_requested(
    requested: str, rules: TickerRules, statements: Statements, *, explicit: bool
) -> Selection:
    try:
        agrees, others = _check_requested(requested, rules, statements)
    except BadInput:
        if explicit:
            raise
        return Selection([])
    if agrees or explicit:
        return Selection([requested], () if statements.columns else _notes(others, requested))
    if others:
        return Selection([])
    return Selection([], reason=f"nothing in it names {requested}: give it alone, by its own path.")


def _check_requested(
    requested: str, rules: TickerRules, statements: Statements
) -> tuple[bool, list[NamedTicker]]:
    """Whether a table names a ticker, and which words in it may name another.

    Raises:
        BadInput: where it names another.
    """
    columns = statements.columns
    if columns and requested not in columns:
        raise BadInput(
            f"it has prices of {listed(columns)}, not of {requested}: give the file of "
            f"{requested}, or use --ticker {columns[0]}{_of_new_york(columns[0], statements)}."
        )
    suffix = statements.suffix
    if suffix is not None and not columns and not requested.endswith(suffix):
        raise BadInput(
            f"it has prices of {_EXCHANGES[suffix]}, not of {requested}: give the file "
            f"of {requested}, or use --ticker {requested.partition('.')[0]}{suffix}."
        )
    others = [name for name in statements.names if not any(map(name.is_of, (requested, *columns)))]
    agrees = bool(columns) or any(name.is_of(requested) for name in statements.names)
    for name in others:
        if name.is_index and not agrees and not requested.startswith("^"):
            raise BadInput(
                f"{name.place} says {name.symbol}, an index, not {requested}: give the file of "
                f"{requested}, or rename it."
            )
        if name.suffix is not None or (not columns and _is_known(name, rules, requested)):
            ticker = name.ticker if name.suffix else name.symbol + _suffix(requested)
            raise BadInput(
                f"{name.place} says {ticker}, not {requested}: give the file of {requested}, or "
                "rename it."
            )
    return agrees, [name for name in others if name.is_upper]


def _notes(others: Sequence[NamedTicker], ticker: str) -> tuple[str, ...]:
    return (f"{_saying(others)}: taken as {ticker}",) if others else ()


def _saying(names: Sequence[NamedTicker]) -> str:
    return " and ".join(f"{name.place} says {name.symbol}" for name in names)


def _of_new_york(ticker: str, statements: Statements) -> str:
    is_bare = statements.is_yahoo and "." not in ticker and not ticker.startswith("^")
    return " (in Yahoo's spelling a share of New York: else add --suffix)" if is_bare else ""


def _check_against_columns(rules: TickerRules, statements: Statements) -> None:
    """Refuse a name that states another ticker than the columns do."""
    columns = statements.columns
    for name in statements.names:
        if any(name.is_of(ticker) for ticker in columns):
            continue
        if name.suffix is not None or (len(columns) == 1 and _is_ticker(name, rules, columns[0])):
            way = "rename it." if name.suffix else "rename it, or add --ticker."
            raise BadInput(f"{name.place} says {name.ticker}, its columns {listed(columns)}: {way}")


def _is_ticker(name: NamedTicker, rules: TickerRules, ticker: str) -> bool:
    """Whether a bare name would be taken for the ticker of a file without symbols."""
    if _is_known(name, rules, ticker):
        return True
    is_listed = _suffix(ticker) in rules.known.suffixes
    # M&M is spelled MM in names of files.
    return not is_listed and name.is_upper and name.symbol != re.sub("[&-]|[.].*", "", ticker)


def _ticker_of(
    name: NamedTicker, rules: TickerRules, statements: Statements
) -> tuple[str | None, tuple[str, ...]]:
    """The ticker that a name alone states, and a note about it."""
    if name.suffix is not None:
        ticker = name.ticker if "_" not in name.symbol else None
        return rules.known.spelled(name, name.suffix) or ticker, ()
    if name.symbol.startswith("^"):
        return name.symbol, ()
    suffix = statements.suffix or rules.suffix
    if suffix is None and statements.is_yahoo:
        if not name.is_upper:
            return None, ()
        raise BadInput(
            f"{name.place} says {name.symbol}, which in Yahoo's spelling is a share of New York: "
            f"add --ticker, or --suffix {rules.default} for {name.symbol}{rules.default}."
        )
    suffix = rules.default if suffix is None else suffix
    ticker = rules.known.spelled(name, suffix)
    if ticker is not None:
        return ticker, ()
    if suffix in rules.known.suffixes or not name.is_upper:
        return None, ()
    return name.symbol + suffix, (f"the ticker is taken from {name.place}",)


def _is_known(name: NamedTicker, rules: TickerRules, ticker: str) -> bool:
    return rules.known.spelled(name, _suffix(ticker)) is not None


def _suffix(ticker: str) -> str:
    return ticker[ticker.index(".") :] if "." in ticker else ""


def listed(tickers: Sequence[str]) -> str:
    """Up to three tickers, and how many more there are."""
    shown = ", ".join(tickers[:3])
    return shown if len(tickers) <= 3 else f"{shown} and {len(tickers) - 3} more"
