"""Tickers in, their exchange and its calendar out; NSE's is ours, others come from a package."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Protocol

from src.core.calendars.calendar import Calendar, Days, Hours, Ids, nse
from src.core.calendars.other_exchanges import listed_calendar
from src.core.errors import UsageError
from src.core.tickers import FIRST, LONGEST, REST, SERIES, spelt


class TradingCalendar(Protocol):
    """What a stage asks of an exchange's calendar; ``Calendar`` says what each answer means."""

    def __hash__(self) -> int:
        """One calendar is equal to itself alone."""

    @property
    def array(self) -> Days:
        """All sessions in order, datetime64[D], read-only."""
        ...

    @property
    def covered_from(self) -> date:
        """First date the calendar knows."""
        ...

    @property
    def covered_through(self) -> date:
        """Last date whose sessions are announced."""
        ...

    def is_session(self, d: date) -> bool: ...  # noqa: D102 - as in Calendar, here and below
    def is_estimated(self, d: date) -> bool: ...  # noqa: D102
    def next_session(self, d: date) -> date: ...  # noqa: D102
    def previous_session(self, d: date) -> date: ...  # noqa: D102
    def sessions(self, start: date, end: date) -> list[date]: ...  # noqa: D102
    def count(self, after: date, through: date) -> int: ...  # noqa: D102
    def ahead(self, d: date, h: int) -> date: ...  # noqa: D102
    def ahead_many(self, dates: Days, h: int) -> Days: ...  # noqa: D102
    def hours(self, d: date) -> Hours: ...  # noqa: D102
    def last_closed(self, now: datetime) -> date: ...  # noqa: D102
    def session_ids(self, dates: Days) -> Ids: ...  # noqa: D102


@dataclass(frozen=True)
class Exchange:
    """Where tickers trade.

    Attributes:
        code: Its MIC.
        name: As a sentence may call it.
        zone: The time zone whose date a session has.
        since: First date from which its calendar is trusted.
        announced: Last date whose holidays are announced and known; for NSE its file says it.
    """

    code: str
    name: str
    zone: str
    since: date = date(2000, 1, 1)
    announced: date = date(2026, 12, 31)


NSE = Exchange("XNSE", "NSE", "Asia/Kolkata")
NYSE = Exchange("XNYS", "NYSE", "America/New_York", since=date(1962, 1, 2))
# By Yahoo's suffix. Shenzhen (.SZ) is unknown to the package, and so are the make-up Saturdays
# of Taipei; its Tel Aviv cannot be built.
EXCHANGES = {
    ".NS": NSE,
    ".BO": NSE,
    "": NYSE,
    ".L": Exchange("XLON", "London", "Europe/London"),
    ".DE": Exchange("XETR", "Xetra", "Europe/Berlin"),
    ".F": Exchange("XFRA", "Frankfurt", "Europe/Berlin"),
    ".PA": Exchange("XPAR", "Paris", "Europe/Paris"),
    ".AS": Exchange("XAMS", "Amsterdam", "Europe/Amsterdam"),
    ".BR": Exchange("XBRU", "Brussels", "Europe/Brussels"),
    ".LS": Exchange("XLIS", "Lisbon", "Europe/Lisbon"),
    ".IR": Exchange("XDUB", "Dublin", "Europe/Dublin"),
    ".MI": Exchange("XMIL", "Milan", "Europe/Rome"),
    ".MC": Exchange("XMAD", "Madrid", "Europe/Madrid"),
    ".SW": Exchange("XSWX", "Zurich", "Europe/Zurich"),
    ".VI": Exchange("XWBO", "Vienna", "Europe/Vienna"),
    ".ST": Exchange("XSTO", "Stockholm", "Europe/Stockholm"),
    ".CO": Exchange("XCSE", "Copenhagen", "Europe/Copenhagen"),
    ".HE": Exchange("XHEL", "Helsinki", "Europe/Helsinki"),
    ".OL": Exchange("XOSL", "Oslo", "Europe/Oslo"),
    ".T": Exchange("XTKS", "Tokyo", "Asia/Tokyo"),
    ".HK": Exchange("XHKG", "Hong Kong", "Asia/Hong_Kong"),
    ".SS": Exchange("XSHG", "Shanghai", "Asia/Shanghai"),
    # The package misses the local elections of 2026-06-03 and the holiday of 2026-07-17.
    ".KS": Exchange("XKRX", "Seoul", "Asia/Seoul", announced=date(2025, 12, 31)),
    ".SI": Exchange("XSES", "Singapore", "Asia/Singapore"),
    ".AX": Exchange("XASX", "Sydney", "Australia/Sydney"),
    ".NZ": Exchange("XNZE", "Wellington", "Pacific/Auckland"),
    ".TO": Exchange("XTSE", "Toronto", "America/Toronto"),
    ".MX": Exchange("XMEX", "Mexico City", "America/Mexico_City"),
    ".SA": Exchange("BVMF", "São Paulo", "America/Sao_Paulo"),
}
_INDICES = {
    **dict.fromkeys(("^GSPC", "^DJI", "^IXIC", "^NDX", "^RUT", "^NYA"), ""),
    **{"^FTSE": ".L", "^GDAXI": ".DE", "^FCHI": ".PA", "^AEX": ".AS", "^SSMI": ".SW"},
    **{"^N225": ".T", "^HSI": ".HK", "^KS11": ".KS", "^AXJO": ".AX", "^GSPTSE": ".TO"},
    **{"^BVSP": ".SA", "^BSESN": ".BO", "^INDIAVIX": ".NS"},
}
_INDIAN_INDEX = re.compile(rf"\^(NSE|CNX)[A-Z0-9]{{0,{LONGEST - len('^NSE')}}}")
# A bare BTC-USD may have been given the default suffix; BRK-B and BAC-PL are shares.
_PAIRS = "[A-Z0-9]{2,}-(USD|USDT|EUR|GBP|INR|JPY|CAD|AUD|BTC|ETH)"
_DEFAULTED = r"(\.(NS|BO))?"
_PAIR = re.compile(rf"({_PAIRS}){_DEFAULTED}")


def exchange_of(ticker: str) -> Exchange:
    """The exchange of a ticker as Yahoo writes it.

    Raises:
        UsageError: For what trades around the clock, and for an exchange that is not known.
    """
    pair = _PAIR.fullmatch(ticker)
    if pair or "=" in ticker:
        raise UsageError(
            f"{pair[1] if pair else ticker} has no exchange sessions, as currencies and futures "
            "trade nearly around the clock: give the ticker of a share, such as TCS.NS."
        )
    if ticker.startswith("^"):
        suffix = ".NS" if _INDIAN_INDEX.fullmatch(ticker) else _INDICES.get(ticker)
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


def texts_of_tickers(suffix: str) -> str:
    """The pattern of every text that is a ticker of a known exchange.

    Nothing else is read by ``normalise_ticker`` and let through by ``exchange_of``, as far as
    it is no longer than ``LONGEST_TEXT``. The pattern means the same in ECMA 262 and Python.

    Args:
        suffix: What a bare symbol is given: .NS or .BO.
    """
    endings: dict[int, list[str]] = {len(suffix): [""]}
    for one in filter(None, EXCHANGES):
        endings.setdefault(len(one), []).append(re.escape(one))
    shares = [
        rf"{FIRST}{REST}{{0,{LONGEST - length - 1}}}{SERIES}({'|'.join(group)})"
        for length, group in endings.items()
    ]
    indices = "|".join([_INDIAN_INDEX.pattern, *map(re.escape, _INDICES)])
    bodies = "|".join([*shares, f"({indices}){SERIES}"])
    no_pair = f"(?!{spelt(_PAIRS + SERIES + _DEFAULTED)}$)"
    return re.sub("A-Z|[A-Z]", _in_either_case, f"^{no_pair}{spelt(f'({bodies})')}$")


def _in_either_case(found: re.Match[str]) -> str:
    return "A-Za-z" if found[0] == "A-Z" else f"[{found[0]}{found[0].lower()}]"


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
        UsageError: The package that knows other exchanges than NSE is not installed.
    """
    return nse() if exchange == NSE else listed_calendar(exchange)


@lru_cache(maxsize=4096)
def close_of(ticker: str, session: date) -> datetime:
    """When a session of a ticker's exchange closes, UTC.

    Raises:
        NotASession: It is none.
        UsageError: The exchange is not known, or its package is not installed.
    """
    return calendar_of(exchange_of(ticker)).hours(session).closes
