"""Know the names that files give to their columns."""

from __future__ import annotations

import re

_NAMES: dict[str, tuple[str, ...]] = {
    "open": ("open", "open price", "opnpric", "opening price", "ch opening price", "openprice"),
    "high": ("high", "high price", "hghpric", "ch trade high price", "highprice"),
    "low": ("low", "low price", "lwpric", "ch trade low price", "lowprice"),
    "close": (
        "close",
        "close price",
        "clspric",
        "closing price",
        "ch closing price",
        "closeprice",
        "close close price adjusted for splits",
    ),
    "adj_close": (
        "adj close",
        "adjclose",
        "adjusted close",
        "adj close price",
        "adjusted close price",
        "adjusted closing price",
        "adj close adjusted close price adjusted for splits and dividend and or capital gain"
        " distributions",
    ),
    "volume": (
        "volume",
        "vol",
        "ttl trd qnty",
        "ttltradgvol",
        "tottrdqty",
        "ch tot traded qty",
        "total traded quantity",
        "totaltradedquantity",
        "total trade quantity",
        "traded quantity",
        "no of shares",
        "no of shrs",
        "shares traded",
        "volume traded",
        "traded volume",
        "total volume",
        "volume nos",
        "volume shares",
        "volume in shares",
    ),
}
_FIELDS = {name: field for field, names in _NAMES.items() for name in names}
# As they are named where the columns have letters alone.
LETTERS = {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume", "t": "date"}
DATES = (
    "ch timestamp",
    "datetime",
    "mtimestamp",
    "timestamp",
    "date",
    "date1",
    "traddt",
    "trade date",
    "trading date",
    "date time",
    "dtyyyymmdd",
    "time",
)
# The first column of a table that pandas saved with its row numbers, or with dates as an index.
INDEXES = ("", "unnamed 0", "index", "level 0")
SYMBOLS = (
    "symbol",
    "ticker",
    "tckrsymb",
    "tradingsymbol",
    "trading symbol",
    "ch symbol",
    "stock symbol",
    "ticker symbol",
    "nse symbol",
)
STOCK_CODES = ("stock code", "stockcode")
INDEX_NAMES = ("index name", "indexname")
# Columns that have a symbol in some files, and a name or a vendor's code in others.
SHARE_NAMES = (
    *("stock", "scrip", "name", "stockname", "stock name", "company", "company name"),
    *("security name", *STOCK_CODES, *INDEX_NAMES),
)
# Numbers of instruments: in a file without symbols several of them are several shares.
SHARE_NUMBERS = (
    *("isin", "instrument token", "instrument key", "symbol token", "symboltoken", "token"),
    *("security id", "fininstrmid"),
)
SERIES = ("series", "sctysrs", "ch series")
# Columns that say what a row is of, by what they say.
FACTS: dict[str, tuple[str, ...]] = {
    "exchange": ("src", "exchange", "exch", "exchange name", "exchange code"),
    "segment": ("sgmt", "segment"),
    "instrument": ("fininstrmtp", "instrument", "instrument type", "instrumenttype", "type"),
    "option": ("optntp", "option type", "option typ", "opt type"),
    "strike": ("strkpric", "strike price", "strike pr", "strike"),
    "expiry": ("xprydt", "expiry", "expiry dt", "expiry date", "expirydate"),
    "open_interest": ("oi", "open interest", "openint", "open int", "openinterest"),
    "currency": ("currency", "ccy"),
    "period": ("per", "period", "interval", "timeframe"),
    "prev_close": (
        "prev close",
        "prevclose",
        "prev close price",
        "previous close",
        "prvsclsgpric",
        "ch previous cls price",
    ),
}
_RUPEES = re.compile(r" (rs|inr|rupees|in rs|in inr)$")
_FOREIGN = re.compile(r"\$(?![A-Z])|[€£¥]|\b(USD|EUR|GBP|JPY|HKD|CAD|AUD|SGD|CHF)\b", re.IGNORECASE)


def canonical(name: str) -> str:
    """A column name in lower case without punctuation: ``PREV. CLOSE`` becomes prev close."""
    return re.sub(r"[^a-z0-9]+", " ", name.lower()).strip()


def field_of(name: str) -> str | None:
    """The price, or the volume, that a column of this name has."""
    plain = canonical(name)
    return _FIELDS.get(plain) or _FIELDS.get(_RUPEES.sub("", plain))


def foreign_currency(text: str) -> str | None:
    """The currency other than rupees that a text names."""
    match = _FOREIGN.search(text)
    return match[0].upper() if match else None


def first_of(titles: list[str], names: tuple[str, ...]) -> int | None:
    """The place of the first of ``names`` that is among the canonical ``titles``."""
    return next((titles.index(name) for name in names if name in titles), None)
