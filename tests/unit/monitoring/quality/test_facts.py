import datetime as dt

import numpy as np
import pytest

from src.core.calendars.nse import nse
from src.core.quality_rows import Bar, NewestFeatures, Refusal, Span, Step
from src.features.bars import Bars
from src.features.catalogue import time_series_features
from src.monitoring.quality.facts import ONE_PRICE_INPUTS, Comparison, StoredTicker, gather_facts

CALENDAR = nse()
# Thursday; Tuesday 2026-04-14 is Ambedkar Jayanti, so that the sessions before are 15, 13, 10, 9.
CLOSED = dt.date(2026, 4, 16)
SESSIONS = CALENDAR.sessions(dt.date(2025, 4, 16), CLOSED)


def bar(day, **changes):
    """A bar unlike that of any other day."""
    price = 100 + day.toordinal() % 97
    row = {
        "ticker": "TCS.NS",
        "date": day,
        "open": price,
        "high": price + 1.0,
        "low": price - 1.0,
        "close": price + 0.5,
        "volume": 1000.0 + day.toordinal() % 89,
        "source": "yahoo",
        "repaired_by": None,
        "action_pending": False,
        "has_features": True,
        "features_close": price + 0.5,
        "warm_up": False,
        "unknown_inputs": 0,
    }
    return Bar(**row | changes)


def stored(bars=None, **changes):
    bars = [bar(day) for day in SESSIONS[-22:]] if bars is None else bars
    row = {
        "span": Span("TCS.NS", SESSIONS[0], CLOSED, len(SESSIONS), 0, 0),
        "bars": bars,
        "features": NewestFeatures("TCS.NS", bars[-1].date, 0),
    }
    return StoredTicker(**row | changes)


def gather(bars=None, **changes):
    return gather_facts(stored(bars, **changes), CLOSED, CALENDAR)


def with_newest(**changes):
    return [*(bar(day) for day in SESSIONS[-22:-1]), bar(CLOSED, **changes)]


def found(defects):
    return [(defect.age, defect.day, defect.what) for defect in defects]


def test_whole_data_have_no_defect():
    facts = gather()
    assert (facts.sessions, facts.bars, facts.behind) == (len(SESSIONS), len(SESSIONS), 0)
    assert facts.missing == facts.incomplete == facts.refusals == facts.contradictions == ()
    assert (facts.holes, facts.compared, facts.apart) == ((), 0, ())


def test_a_session_without_a_bar_has_its_age_in_sessions():
    bars = [bar(day) for day in SESSIONS[-22:] if day != dt.date(2026, 4, 13)]
    assert found(gather(bars).missing) == [(2, dt.date(2026, 4, 13), "no bar")]


def test_a_refused_newest_bar_is_missing_and_refused():
    refusal = Refusal("TCS.NS", "null_bar", "2026-04-16")
    span = Span("TCS.NS", SESSIONS[0], SESSIONS[-2], len(SESSIONS) - 1, 0, 0)
    facts = gather(
        [bar(day) for day in SESSIONS[-23:-1]],
        span=span,
        refusals=[refusal],
        features=NewestFeatures("TCS.NS", SESSIONS[-2], 0),
    )
    assert found(facts.refusals) == [(0, CLOSED, "refused by null_bar")]
    assert found(facts.missing) == [(0, CLOSED, "no bar")]
    assert (facts.behind, facts.newest) == (1, SESSIONS[-2])


def test_a_refused_bar_of_a_session_to_come_is_no_defect_yet():
    friday, saturday = "2026-04-17", "2026-04-18"
    refusals = [Refusal("TCS.NS", "null_bar", friday), Refusal("TCS.NS", "non_session", saturday)]
    assert gather(refusals=refusals).refusals == ()


def test_what_is_not_there_yet_is_no_hole():
    span = Span("TCS.NS", SESSIONS[0], SESSIONS[-4], len(SESSIONS) - 3, 0, 0)
    bars = [bar(day) for day in SESSIONS[-25:-3]]
    facts = gather(bars, span=span)
    assert (facts.missing, facts.behind) == ((), 3)
    assert facts.sessions == facts.bars


def test_a_bar_on_a_day_without_a_session_counts_as_one_of_the_session_before():
    holiday = Refusal("TCS.NS", "non_session", "2026-04-14")
    unreadable = Refusal("TCS.NS", "unreadable_date", "14.04.2026")
    old = Refusal("TCS.NS", "null_bar", "2025-05-02")
    facts = gather(refusals=[holiday, unreadable, old])
    assert found(facts.refusals) == [(2, dt.date(2026, 4, 14), "refused by non_session")]
    assert facts.refused == 3


@pytest.mark.parametrize(
    ("changes", "what", "amount"),
    [
        ({"action_pending": True}, "a jump that waits for a decision", 1.0),
        ({"repaired_by": "hourly"}, "filled from another place (hourly)", 0.5),
        ({"features_close": 55.0}, "features of another close than the stored one", 1.0),
        (
            {
                **dict(zip(Bar._fields[2:7], bar(SESSIONS[-2])[2:7], strict=True)),
                "features_close": bar(SESSIONS[-2]).close,
            },
            "the same bar as the session before",
            1.0,
        ),
    ],
)
def test_the_newest_bar_is_doubted(changes, what, amount):
    (defect,) = gather(with_newest(**changes)).contradictions
    assert (defect.age, defect.day, defect.what, defect.amount) == (0, CLOSED, what, amount)


def test_an_untraded_bar_may_repeat():
    flat = {"open": 5.0, "high": 5.0, "low": 5.0, "close": 5.0, "volume": 0.0}
    flat["features_close"] = 5.0
    bars = [*(bar(day) for day in SESSIONS[-22:-2]), bar(SESSIONS[-2], **flat), bar(CLOSED, **flat)]
    assert gather(bars).contradictions == ()


def test_features_that_are_missing_or_lost():
    without = {"has_features": False, "features_close": None, "warm_up": None}
    assert found(gather(with_newest(**without)).incomplete) == [(0, CLOSED, "no features")]
    lost = gather(with_newest(unknown_inputs=2))
    assert found(lost.incomplete) == [(0, CLOSED, "2 model inputs are not known")]
    newest = gather(features=NewestFeatures("TCS.NS", CLOSED, 3))
    assert found(newest.incomplete) == [(0, CLOSED, "3 features are not known")]


def test_what_one_price_a_session_leaves_unknown_is_not_missing():
    limit = {"open": 5.0, "high": 5.0, "low": 5.0, "close": 5.0, "features_close": 5.0}
    days = SESSIONS[-22:]
    bars = [bar(day) for day in days[:-6]]
    bars += [bar(days[-6], **limit, unknown_inputs=2)]
    bars += [bar(day, unknown_inputs=1) for day in days[-5:]]
    # The price range of five sessions is whole again at the last one: there it is missing.
    assert found(gather(bars).incomplete) == [(0, CLOSED, "1 model inputs are not known")]


def test_the_inputs_that_one_price_leaves_unknown_are_those():
    close = 100 * np.exp(np.cumsum(np.random.default_rng(3).normal(0, 0.02, 400)))
    volume = np.linspace(1e5, 2e5, 400)

    def unknown(range_of_last):
        spread = np.append(np.full(399, 0.01), range_of_last)
        bars = Bars(close, close * (1 + spread), close * (1 - spread), close, volume)
        return {f.name for f in time_series_features() if np.isnan(f.compute(bars)[-1])}

    assert unknown(0.01) == set()
    assert unknown(0.0) == set(ONE_PRICE_INPUTS)


def test_what_a_new_share_has_not_known_yet_is_not_missing():
    unknown = range(30, 8, -1)
    bars = [
        bar(day, warm_up=number < 5, unknown_inputs=count)
        for number, (day, count) in enumerate(zip(SESSIONS[-22:], unknown, strict=True))
    ]
    assert gather(bars).incomplete == ()


def test_only_holes_of_two_sessions_and_more_are_holes():
    # Friday to Wednesday, with the holiday of Tuesday: Monday alone is missing.
    short = Step("TCS.NS", dt.date(2026, 4, 10), dt.date(2026, 4, 15))
    # 7 to 9 April are missing, a Tuesday to a Thursday.
    long = Step("TCS.NS", dt.date(2026, 4, 6), dt.date(2026, 4, 10))
    (hole,) = gather(steps=[short, long]).holes
    assert (hole.length, hole.age, hole.after) == (3, 3, dt.date(2026, 4, 10))


def test_sources_are_compared_where_one_of_them_is_the_chosen_one():
    newest, ex_date, before = CLOSED, SESSIONS[-2], SESSIONS[-3]
    comparisons = [
        Comparison(newest, "nse", "yahoo", 0.0055),
        Comparison(newest, "nse", "upstox", 0.5),
        Comparison(ex_date, "nse", "yahoo", 0.5),
        Comparison(before, "nse", "yahoo", 0.0004),
        Comparison(SESSIONS[-22], "nse", "yahoo", 0.5),
    ]
    facts = gather(comparisons=comparisons, ex_dates=frozenset([ex_date]))
    assert facts.compared == 2
    (defect,) = facts.apart
    assert (defect.age, defect.day) == (0, newest)
    assert defect.what == "the returns of nse and yahoo differ by 0.55%"
    # Half way from .1 %, which is explained, to 1 %.
    assert defect.amount == pytest.approx(0.5)
