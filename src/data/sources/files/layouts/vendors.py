"""Tell from the names of a file's columns whose prices they are, and on which basis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from src.data.sources.files.layouts.words import FACTS, SERIES

if TYPE_CHECKING:
    from src.data.sources.delivery import Basis

# Columns of BSE's page of past prices, of which some may be left out.
_BSE_PAGE = frozenset(
    {
        *("wap", "no of shares", "total turnover rs", "deliverable quantity"),
        *("deli qty to traded qty", "spread high low", "spread close open"),
    }
)

# Vendors of closes as traded beside adjusted ones, by their column of splits.
_BY_SPLITS = {"split coefficient": "alphavantage", "splitfactor": "tiingo"}


class Origin(NamedTuple):
    """A layout's name, vendor and price basis, and its exchange's suffix where it names one."""

    name: str
    vendor: str | None
    basis: Basis | None
    suffix: str | None = None


def vendor_of(titles: Sequence[str], values: Mapping[str, int]) -> Origin:
    """The vendor and basis of a file with these canonical column names."""
    present = set(titles)
    if present & {*SERIES, "fininstrmtp"}:
        # Both exchanges have the UDiFF layout: there a column names the exchange.
        return Origin("nse", "nse", "unadjusted", None if "src" in present else ".NS")
    if len(_BSE_PAGE & present) > 1:
        return Origin("bse", "bse", "unadjusted", ".BO")
    if present & set(FACTS["prev_close"]):
        return Origin("nse", "nse", "unadjusted")
    return _other_vendor(present, values)


def _other_vendor(present: set[str], values: Mapping[str, int]) -> Origin:
    for column, vendor in _BY_SPLITS.items():
        if column in present:
            return Origin(vendor, vendor, "unadjusted")
    if origin := _yahoo(present, values):
        return origin
    if "price" in present and "close" not in present:
        return Origin("investing", "investing", "split")
    if "oi" in present and "timestamp" in present:
        return Origin("upstox", "upstox", "split")
    if "dtyyyymmdd" in present or "per" in present:
        return Origin("metastock", None, None)
    return Origin("plain", None, None)


def _yahoo(present: set[str], values: Mapping[str, int]) -> Origin | None:
    if "adj_close" in values:
        return Origin("yahoo", "yahoo", "split")
    if {"dividends", "stock splits"} <= present:
        return Origin("yahoo_adjusted", "yahoo", "total")
    is_corner = {"price", "close"} <= present
    is_stacked = "ticker" in present and _are_by_name(values)
    return Origin("yfinance", "yahoo", "total") if is_corner or is_stacked else None


def _are_by_name(values: Mapping[str, int]) -> bool:
    """Whether the prices stand as yfinance stacks those of several tickers: by their names."""
    first = values["close"]
    return [values[name] - first for name in ("high", "low", "open")] == [1, 2, 3]
