"""Which exchange a ticker trades on, and the calendar of that exchange."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from src.core.calendars.calendar import Calendar
from src.core.calendars.exchange import EXCHANGES, INDICES, NSE, Exchange
from src.core.calendars.nse import nse
from src.core.calendars.other_exchanges import package_calendar
from src.core.errors import UsageError
from src.core.tickers import FIRST, MAX_LENGTH, REST, SERIES, written_forms

_INDIAN_INDEX = re.compile(rf"\^(NSE|CNX)[A-Z0-9]{{0,{MAX_LENGTH - len('^NSE')}}}")
# A bare BTC-USD may have been given the default suffix; BRK-B and BAC-PL are shares.
_PAIRS = "[A-Z0-9]{2,}-(USD|USDT|EUR|GBP|INR|JPY|CAD|AUD|BTC|ETH)"
_DEFAULTED = r"(\.(NS|BO))?"
_PAIR = re.compile(rf"({_PAIRS}){_DEFAULTED}")


def exchange_of(ticker: str) -> Exchange:
    """The exchange of a ticker as Yahoo writes it.

    Raises:
        UsageError: It trades around the clock, or its exchange is not known.
    """
    pair = _PAIR.fullmatch(ticker)
    if pair or "=" in ticker:
        raise UsageError(
            f"{pair[1] if pair else ticker} has no exchange sessions, as currencies and futures "
            "trade nearly around the clock: give the ticker of a share, such as TCS.NS."
        )
    if ticker.startswith("^"):
        suffix = ".NS" if _INDIAN_INDEX.fullmatch(ticker) else INDICES.get(ticker)
        if suffix is None:
            raise UsageError(f"The exchange of {ticker} is not known: give one such as ^NSEI.")
        return EXCHANGES[suffix]
    suffix = ticker[ticker.rindex(".") :] if "." in ticker else ""
    if suffix not in EXCHANGES:
        raise UsageError(
            f"The exchange of {ticker} is not known: its suffix {suffix} is none of "
            f"{', '.join(filter(None, EXCHANGES))}."
        )
    return EXCHANGES[suffix]


def ticker_pattern(suffix: str) -> str:
    """A regular expression for every text that is accepted as a ticker of a known exchange.

    It matches what ``normalise_ticker`` and ``exchange_of`` accept, up to ``LONGEST_TEXT``
    characters, and means the same in ECMA 262 and Python.

    Args:
        suffix: Added to a bare symbol: .NS or .BO.
    """
    endings: dict[int, list[str]] = {len(suffix): [""]}
    for ending in filter(None, EXCHANGES):
        endings.setdefault(len(ending), []).append(re.escape(ending))
    shares = [
        rf"{FIRST}{REST}{{0,{MAX_LENGTH - length - 1}}}{SERIES}({'|'.join(group)})"
        for length, group in endings.items()
    ]
    indices = "|".join([_INDIAN_INDEX.pattern, *map(re.escape, INDICES)])
    bodies = "|".join([*shares, f"({indices}){SERIES}"])
    no_pair = f"(?!{written_forms(_PAIRS + SERIES + _DEFAULTED)}$)"
    return re.sub("A-Z|[A-Z]", _in_either_case, f"^{no_pair}{written_forms(f'({bodies})')}$")


def _in_either_case(match: re.Match[str]) -> str:
    return "A-Za-z" if match[0] == "A-Z" else f"[{match[0]}{match[0].lower()}]"


def by_exchange(tickers: Iterable[str]) -> list[tuple[str, ...]]:
    """The tickers grouped by exchange, in the order in which each comes first."""
    groups: dict[Exchange, list[str]] = {}
    for ticker in tickers:
        groups.setdefault(exchange_of(ticker), []).append(ticker)
    return [tuple(group) for group in groups.values()]


def shared_exchange(tickers: Iterable[str]) -> Exchange:
    """The one exchange of all the tickers, NSE for none; raises UsageError for two."""
    groups = by_exchange(tickers)
    if len(groups) > 1:
        first, second = groups[0][0], groups[1][0]
        raise UsageError(
            f"{first} trades on {exchange_of(first).name} and {second} on "
            f"{exchange_of(second).name}, whose sessions differ: run one exchange at a time."
        )
    return exchange_of(groups[0][0]) if groups else NSE


@cache
def calendar_of(exchange: Exchange) -> Calendar:
    """The calendar of an exchange, built once.

    Raises:
        UsageError: It is not NSE, and the package `exchange_calendars` is not installed.
    """
    return nse() if exchange == NSE else package_calendar(exchange)
