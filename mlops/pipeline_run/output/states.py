"""Say which shares of a run are stated to be delisted or suspended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# So many tickers are named.
NAMED = 3
SHARES = "python -m src.data.instruments list"


def left_out_sentence(left_out: Mapping[str, str]) -> str:
    """How many tickers a run of all leaves out, and why; by ticker such as ``delisted since D``."""
    return f"{_count(left_out)} left out: stated to be {_named(left_out)}."


def state_lines(results: Mapping[str, Any]) -> Iterator[str]:
    """Of the content of results.json the tickers that are not traded, and those left out."""
    states, left_out = results.get("states"), results.get("left_out")
    if states and results["ticker"]:
        ((ticker, state),) = states.items()
        yield f"{ticker} is stated to be {state} (`{SHARES} --ticker {ticker}`)."
    elif states:
        yield f"{_count(states)} forecast though stated to be {_named(states)}."
    if left_out:
        yield left_out_sentence(left_out)


def _count(tickers: Mapping[str, str]) -> str:
    return f"{len(tickers):,} ticker" + (" is" if len(tickers) == 1 else "s are")


def _named(states: Mapping[str, str]) -> str:
    named = ", ".join(f"{state} ({ticker})" for ticker, state in [*states.items()][:NAMED])
    more = f" and {len(states) - NAMED:,} more" if len(states) > NAMED else ""
    return f"{named}{more}; `{SHARES}` shows why"
