"""Check what cleaning found in the newest prices: pending jumps, refused bars, sources apart."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from src.core.errors import UsageError
from src.monitoring.checks.sessions import calendar_of_tickers, of_each
from src.monitoring.observation import Observation
from src.monitoring.quality.facts import HARMLESS

if TYPE_CHECKING:
    from src.db.watched.data_state import PendingAction, RefusedBar, ReturnPair
    from src.monitoring.checks.facts import Facts

RULES = ("action_pending", "phantom_bar", "bars_refused", "sources_apart")
# Sessions that are recent: for refused bars, and for returns of two sources.
RECENT_BARS, RECENT_RETURNS = 5, 10
# Returns of two sources over the same sessions: more than rounding and closing auctions explain.
APART = 0.01
EVENTS = {"rights": "a rights issue", "demerger": "a demerger", "event": "a stated event"}
# Cleaning's rule for bars on days without a session.
PHANTOM = "non_session"


def check(facts: Facts) -> list[Observation]:
    """All observations of these rules."""
    from src.db.watched import data_state

    tickers, connection = facts.tickers, facts.connection
    refused = data_state.refused_bars(connection, facts.sessions_ago(RECENT_BARS))
    refused = [bar for bar in refused if matters(bar, facts.now)]
    pairs = data_state.return_pairs(connection, facts.sessions_ago(RECENT_RETURNS))
    return [
        *pending(facts.pools, data_state.pending_actions(connection)),
        *phantoms(tickers, [bar for bar in refused if bar.rule == PHANTOM]),
        *refusals(tickers, [bar for bar in refused if bar.rule != PHANTOM]),
        *apart(tickers, pairs),
    ]


def matters(bar: RefusedBar, now: dt.datetime) -> bool:
    """Whether a bar that was refused may be lacking: its session is over, and it was no repeat."""
    if bar.rule in HARMLESS:
        return False
    try:
        calendar = calendar_of_tickers([bar.ticker])
    except UsageError:
        return True  # its exchange has no calendar here
    return bar.rule == PHANTOM or bar.date <= calendar.last_closed(now)


def pending(pools: Mapping[str, str], actions: Sequence[PendingAction]) -> Iterator[Observation]:
    """Tickers with a jump that waits for a decision; ``pools`` has the pool of each ticker."""
    jumps = defaultdict(list)
    for action in actions:
        jumps[action.ticker].append(action)
    found = {ticker: _told(ticker, of_ticker) for ticker, of_ticker in jumps.items()}
    for ticker, bad, sentence in of_each(pools, found):
        yield Observation("action_pending", ticker, bad, sentence, cause=pools.get(ticker, ""))


def _told(ticker: str, jumps: Sequence[PendingAction]) -> str:
    """Which jumps nothing explains, and which a stated event does, whose ratio is open."""
    unexplained = [str(jump.date) for jump in jumps if jump.kind not in EVENTS]
    explained = [f"{jump.date} by {EVENTS[jump.kind]}" for jump in jumps if jump.kind in EVENTS]
    clauses = []
    if unexplained:
        days = " and ".join(unexplained)
        clauses.append(f"jumps on {days}, which no known corporate action explains")
    if explained:
        clauses.append(f"moves on {' and '.join(explained)} of unknown ratio")
    return f"The price of {ticker} {', and '.join(clauses)}: a person must decide."


def phantoms(tickers: Sequence[str], bars: Sequence[RefusedBar]) -> Iterator[Observation]:
    """Tickers with a recent bar on a day on which the exchange was closed, by source and day."""
    yield from _refused("phantom_bar", tickers, bars)


def refusals(tickers: Sequence[str], bars: Sequence[RefusedBar]) -> Iterator[Observation]:
    """Tickers with another recent bar that cleaning refused, by source and reason."""
    yield from _refused("bars_refused", tickers, bars)


def _refused(
    rule: str, tickers: Iterable[str], bars: Sequence[RefusedBar]
) -> Iterator[Observation]:
    newest = {bar.ticker: bar for bar in sorted(bars, key=lambda bar: bar.date)}
    found = {
        bar.ticker: f"The bar of {bar.ticker} of {bar.date} from {bar.source} was refused "
        f"({bar.rule}: {bar.reason})."
        for bar in newest.values()
    }
    for ticker, bad, sentence in of_each(tickers, found):
        cause = f"{newest[ticker].source} {newest[ticker].rule}" if bad else ""
        yield Observation(rule, ticker, bad, sentence, cause=cause)


def apart(tickers: Sequence[str], pairs: Sequence[ReturnPair]) -> Iterator[Observation]:
    """Whether the returns of recent sessions differ between two sources of a ticker.

    Where no two sources have the same sessions, as after one was withdrawn, none differ.
    """
    for ticker in sorted({*tickers} - {pair.ticker for pair in pairs}):
        sentence = f"No two sources of {ticker} have the same recent sessions."
        yield Observation("sources_apart", ticker, False, sentence)
    worst: dict[str, tuple[float, ReturnPair]] = {}
    for pair in pairs:
        if pair.change is None or pair.other_change is None:
            continue
        difference = abs(pair.change - pair.other_change)
        if difference >= worst.get(pair.ticker, (-1.0,))[0]:
            worst[pair.ticker] = difference, pair
    for ticker, (difference, pair) in sorted(worst.items()):
        sentence = (
            f"The close of {ticker} of {pair.date} moved {pair.change:+.2%} by {pair.source} and "
            f"{pair.other_change:+.2%} by {pair.other}."
        )
        cause = f"{pair.source} and {pair.other}" if difference > APART else ""
        yield Observation("sources_apart", ticker, difference > APART, sentence, difference, cause)
