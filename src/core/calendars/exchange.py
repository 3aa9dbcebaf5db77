"""The exchanges whose tickers can be forecast, with their time zones and Yahoo's suffixes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Exchange:
    """Where tickers trade.

    Attributes:
        code: Market identifier code (ISO 10383).
        name: For messages.
        zone: IANA name of the time zone in which a session's date is meant.
        since: First date for which its calendar is trusted.
        announced: Last date whose holidays are announced and known; NSE's is in its own file.
    """

    code: str
    name: str
    zone: str
    since: date = date(2000, 1, 1)
    announced: date = date(2026, 12, 31)


NSE = Exchange("XNSE", "NSE", "Asia/Kolkata")
NYSE = Exchange("XNYS", "NYSE", "America/New_York", since=date(1962, 1, 2))
# By Yahoo's suffix. `exchange_calendars` does not know Shenzhen (.SZ) nor the make-up Saturdays
# of Taipei, and its calendar of Tel Aviv cannot be built.
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
    # `exchange_calendars` lacks the local elections of 2026-06-03 and the holiday of 2026-07-17.
    ".KS": Exchange("XKRX", "Seoul", "Asia/Seoul", announced=date(2025, 12, 31)),
    ".SI": Exchange("XSES", "Singapore", "Asia/Singapore"),
    ".AX": Exchange("XASX", "Sydney", "Australia/Sydney"),
    ".NZ": Exchange("XNZE", "Wellington", "Pacific/Auckland"),
    ".TO": Exchange("XTSE", "Toronto", "America/Toronto"),
    ".MX": Exchange("XMEX", "Mexico City", "America/Mexico_City"),
    ".SA": Exchange("BVMF", "São Paulo", "America/Sao_Paulo"),
}
# Indices do not carry a suffix: each is given that of its exchange.
INDICES = {
    **dict.fromkeys(("^GSPC", "^DJI", "^IXIC", "^NDX", "^RUT", "^NYA"), ""),
    **{"^FTSE": ".L", "^GDAXI": ".DE", "^FCHI": ".PA", "^AEX": ".AS", "^SSMI": ".SW"},
    **{"^N225": ".T", "^HSI": ".HK", "^KS11": ".KS", "^AXJO": ".AX", "^GSPTSE": ".TO"},
    **{"^BVSP": ".SA", "^BSESN": ".BO", "^INDIAVIX": ".NS"},
}
