"""The digest of a session: short whatever the number of tickers, and right by hand."""

import datetime as dt

from src.core.alerts import fingerprint_of
from src.db.watched.data_state import Member, PendingAction
from src.db.watched.session_summary import Decision, SessionSummary, SettledForecast
from src.monitoring.digest import Digest, digest_lines, digest_message, due

SESSION, BEFORE = dt.date(2026, 4, 16), dt.date(2026, 4, 15)
EVENING = dt.datetime(2026, 4, 16, 13, 0, tzinfo=dt.UTC)
LEVELS = [0.025, 0.5, 0.975]
DECISIONS = [
    Decision("long", "undecided", "zero", "undecided", "Undecided over 2396 dates"),
    Decision("short", "promoted", "rank_tilt", "better", "Better: it has erred less."),
]


def member(ticker, newest=SESSION, pool="NSE"):
    return Member(ticker, pool, "yahoo", newest)


def summary(moves=None, settled=(), held_back=()):
    return SessionSummary(moves or {}, list(settled), list(held_back), DECISIONS)


def lines(members, *, pending=(), open_alerts=(), **facts):
    digest = Digest("NSE", SESSION, members, summary(**facts), pending, open_alerts)
    return list(digest_lines(digest))


def test_five_hundred_tickers_in_at_most_25_lines():
    names = [f"T{number:03}.NS" for number in range(500)]
    moves = {name: (number - 250) / 10_000 for number, name in enumerate(names)}
    settled = [
        SettledForecast(name, horizon, 0.5, LEVELS, [-0.03, 0.0, 0.03])
        for name in names
        for horizon in ("short", "long")
    ]
    pending = [PendingAction(name, BEFORE, "split") for name in names]
    told = lines(
        [member(name, SESSION if number % 2 else BEFORE) for number, name in enumerate(names)],
        pending=pending,
        open_alerts=[f"WARNING ticker_stale {name}" for name in names],
        moves=moves,
        settled=settled,
        held_back=names,
    )
    assert len(told) <= 25
    assert max(map(len, told)) < 250


def test_who_has_the_session_and_who_has_not():
    members = [
        member("A.NS"),
        member("B.NS", BEFORE),
        member("C.NS", dt.date(2025, 9, 29)),
        member("D.NS", None),
    ]
    assert lines(members)[0] == "1 of 4 tickers have the session, 1 is behind (B.NS); dormant: 2."


def test_moves_and_the_largest_of_them():
    moves = dict(zip("ABCDEFG", (0.01, 0.02, -0.03, 0.0, 0.05, -0.01, 0.04), strict=True))
    told = lines([member("A.NS")], moves=moves)
    assert told[1:4] == [
        "Median move +1.00%; 4 of 7 rose.",
        "Largest rises: E +5.0%, G +4.0%, B +2.0%.",
        "Largest falls: C -3.0%, F -1.0%, D +0.0%.",
    ]


def test_outcomes_outside_their_range_beside_what_is_to_be_expected():
    inside = [
        SettledForecast(f"I{number}.NS", "short", 0.03, LEVELS, [-0.03, 0.0, 0.03])
        for number in range(38)
    ]
    outside = [
        SettledForecast("UP.NS", "short", 0.031, LEVELS, [-0.03, 0.0, 0.03]),
        SettledForecast("DOWN.NS", "short", -0.08, LEVELS, [-0.03, 0.0, 0.03]),
    ]
    unknown = [SettledForecast("NONE.NS", "short", 0.9, [], [])]
    told = lines([member("A.NS")], settled=[*inside, *outside, *unknown])
    # Of 40 forecasts 5 %, which is 2.
    assert (
        "Next session: 2 of 40 outcomes lay outside their 95% range, 2 are to be expected: "
        "DOWN.NS -8.0%, UP.NS +3.1%."
    ) in told


def test_verdicts_and_what_waits():
    told = lines(
        [member("A.NS")],
        pending=[PendingAction("A.NS", BEFORE, "split")],
        open_alerts=["WARNING run_failed"],
        held_back=["B.NS"],
    )
    assert told[1:] == [
        "Next session: rank_tilt is in use. Better: it has erred less.",
        "Next quarter: zero is in use. Undecided over 2396 dates.",
        "Held back, zero is forecast: 1 (B.NS).",
        "Jumps that wait for a decision: 1 (A.NS 2026-04-15).",
        "Open alerts: WARNING run_failed.",
    ]


def test_a_digest_is_due_for_the_last_session_that_closed_while_it_is_news():
    assert list(due([member("A.NS")], EVENING)) == [("NSE", SESSION)]
    assert list(due([member("A.NS", BEFORE)], EVENING)) == []
    # Sunday evening: Friday's session is a different one; on Saturday Thursday's is not the last.
    assert list(due([member("A.NS")], EVENING + dt.timedelta(days=2))) == []


def test_a_session_of_a_pool_has_one_fingerprint():
    digest = Digest("NSE", SESSION, [member("A.NS")], summary(), (), ())
    message = digest_message(digest, EVENING)
    assert message.fingerprint == fingerprint_of("session_digest", "NSE 2026-04-16")
    assert message.title == f"INFO: 2026-04-16 on NSE [{message.fingerprint}]"
