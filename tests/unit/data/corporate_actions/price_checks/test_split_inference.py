import datetime as dt
import json
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.core.calendars.nse import nse
from src.data.corporate_actions.action import Action
from src.data.corporate_actions.price_checks.split_inference import infer_splits
from tests.support.prices import sessions

DAYS = sessions(dt.date(2026, 2, 2), 14)
JUMP = 8
EX_DATE = DAYS[JUMP]


def bars(opened=0.5, close=0.5, days=DAYS, jump=JUMP):
    """Closes at 100 until one session opens and closes at these multiples, and stays there."""
    levels = [100.0] * jump + [100.0 * close] * (len(days) - jump)
    opens = [level * 1.001 for level in levels]
    opens[jump] = 100.0 * opened
    return frame(days, opens, levels)


def frame(days, opens, closes):
    pairs = list(zip(opens, closes, strict=True))
    return pl.DataFrame(
        {
            "date": days,
            "open": opens,
            "high": [max(pair) * 1.01 for pair in pairs],
            "low": [min(pair) * 0.99 for pair in pairs],
            "close": closes,
            "volume": [1000.0] * len(days),
        }
    )


NOT_SURE = "another ratio or a demerger explains it nearly as well"
FAR = "open or close is far from every usual fraction"


def moved(at, factor, **kind):
    """The same, with every price from one session on at a multiple."""
    later = pl.int_range(pl.len()) >= at
    prices = pl.col("open", "high", "low", "close")
    return bars(**kind).with_columns(pl.when(later).then(prices * factor).otherwise(prices))


def inferred(series, *stated):
    splits = infer_splits(series, stated, nse())
    return [(split.date, split.ratio, split.confident) for split in splits]


def doubts(series, *stated):
    (split,) = infer_splits(series, stated, nse())
    assert split.confident == (not split.evidence["doubts"])
    return split.evidence["doubts"]


@pytest.mark.parametrize(
    "ratio",
    [4 / 3, 1.5, 2, 2.5, 3, 4, 5, 10, 15, 20],
)
def test_open_and_close_at_a_usual_fraction_are_a_split(ratio):
    assert inferred(bars(0.99 / ratio, 1.01 / ratio)) == [(EX_DATE, pytest.approx(ratio), True)]


def test_the_evidence_says_what_it_was_judged_by():
    (split,) = infer_splits(bars(0.495, 0.49), [], nse())

    assert json.loads(json.dumps(split.evidence)) == {
        "prev_date": DAYS[JUMP - 1].isoformat(),
        "prev_close": 100.0,
        "open": 49.5,
        "close": 49.0,
        "open_ratio": 0.495,
        "close_ratio": 0.49,
        "nearest": "1/2",
        "distance_open": pytest.approx(0.01005, abs=1e-5),
        "distance_close": pytest.approx(0.02020, abs=1e-5),
        "ratios": {"2": pytest.approx(0.98, abs=0.02)},
        "volume_ratio": None,
        "other_sources": {},
        "sessions_elapsed": 1,
        "returns_before": [0.0] * 5,
        "returns_after": [0.0] * 5,
        "doubts": [],
    }


def test_an_ordinary_series_has_no_jump():
    assert inferred(bars(1.0, 1.0)) == []


def test_a_crash_within_the_session_waits_for_a_person():
    # Satyam, 7 January 2009: opened as usual, closed at .22.
    assert doubts(bars(0.98, 0.223)) == [NOT_SURE, FAR, "the price bands allow the move"]


def test_a_demerger_off_every_fraction_waits_for_a_person():
    # Aditya Birla Fashion, 22 May 2025: closed at a third, but did not open there.
    assert FAR in doubts(bars(0.3644, 0.3341))


@pytest.mark.parametrize(("opened", "close"), [(0.46, 0.5), (0.54, 0.5), (0.5, 0.40), (0.5, 0.62)])
def test_open_and_close_both_count(opened, close):
    assert FAR in doubts(bars(opened, close))


def test_a_small_bonus_has_less_room_than_a_halving():
    # Small demergers are many: 4 % off a bonus of 1:3 is as likely one.
    assert FAR in doubts(bars(0.75 * 1.04, 0.75 * 1.04))
    assert inferred(bars(0.5 * 1.04, 0.5 * 1.04)) == [(EX_DATE, 2.0, True)]


@pytest.mark.parametrize(
    ("ratio", "opened", "close"),
    [
        # Ex-dates of NSE: BDL 2024-05-24, CDSL 2024-08-23, IEX 2021-12-03, KPR Mill 2021-09-24,
        # Trent 2016-09-12, Sapphire 2024-09-05, Choice 2024-02-20.
        (2, 1.021, 1.084),
        (2, 1.035, 1.082),
        (3, 1.018, 1.052),
        (5, 1.016, 1.100),
        (10, 0.955, 1.030),
        (5, 1.042, 0.986),
        (2, 1.051, 1.028),
    ],
)
def test_an_ex_date_may_move_as_much_as_ex_dates_do(ratio, opened, close):
    assert inferred(bars(opened / ratio, close / ratio)) == [(EX_DATE, ratio, True)]


@pytest.mark.parametrize(
    ("opened", "close", "first", "second"),
    [
        # VBL's 3/2 of 2021-06-10 opened at .721; Eclerx's of 2022-09-21 at .703.
        (0.721, 0.686, "7/5", "3/2"),
        (0.703, 0.701, "3/2", "7/5"),
        (0.445, 0.447, "2", "5/2"),
    ],
)
def test_where_two_ratios_are_likely_both_are_named(opened, close, first, second):
    (split,) = infer_splits(bars(opened, close), [], nse())

    assert not split.confident
    weights = split.evidence["ratios"]
    assert {first, second} <= set(weights)
    assert max(weights, key=weights.get) == first
    assert split.ratio == pytest.approx(float(Fraction(first)))


def with_volume(change):
    """A halving after which the median volume is a multiple, on 30 sessions."""
    days = sessions(dt.date(2026, 1, 5), 30)
    series = bars(0.475, 0.47, days=days, jump=15)
    early = pl.int_range(pl.len()) < 15
    sway = 1 + pl.int_range(pl.len()) % 3 / 10
    return series.with_columns(volume=1000.0 * sway * pl.when(early).then(1.0).otherwise(change))


def test_the_volume_tells_more_shares_from_a_smaller_company():
    assert [confident for *_, confident in inferred(with_volume(1.9))] == [True]
    assert [confident for *_, confident in inferred(with_volume(0.6))] == [False]


def other_source(*, falls=1.0, basis="split", source="yahoo"):
    """The same days of a vendor whose prices move by ``falls`` on the ex-date."""
    return bars(falls, falls).with_columns(
        close=pl.col("close") * 3, price_basis=pl.lit(basis), source=pl.lit(source)
    )


def with_others(series, *others):
    return [
        (split.ratio, split.confident, split.evidence["doubts"])
        for split in infer_splits(series, [], nse(), others=others)
    ]


@pytest.mark.parametrize("ratio", [1.25, 1.4, 2.0, 2.5, 0.1])
def test_a_second_source_without_the_jump_gives_the_ratio(ratio):
    # The session itself moved by 9 %, by both.
    series = bars(0.97 / ratio, 0.91 / ratio)

    assert with_others(series, other_source(falls=0.91)) == [(pytest.approx(ratio), True, [])]


def test_a_second_source_decides_for_the_newest_session_too():
    assert with_others(bars().head(JUMP + 1), other_source()) == [(2.0, True, [])]


def test_a_second_source_that_shows_no_fraction_speaks_against_a_split():
    # A vendor adjusted for a demerger: the share kept 53 % of its price.
    assert with_others(bars(0.505, 0.5), other_source(falls=0.943)) == [
        (2.0, False, ["by yahoo the shares became 1.89 times as many"])
    ]


def test_a_second_source_with_the_same_jump_or_unadjusted_says_nothing():
    alone = with_others(bars(0.505, 0.5))

    assert with_others(bars(0.505, 0.5), other_source(falls=0.5)) == alone
    assert with_others(bars(0.505, 0.5), other_source(basis="unadjusted")) == alone


def test_sources_that_disagree_leave_it_to_a_person():
    ((_, confident, against),) = with_others(
        bars(), other_source(), other_source(falls=0.9, source="upstox")
    )

    assert (confident, len(against)) == (False, 2)


def test_a_small_jump_has_less_room():
    assert inferred(bars(0.75 * 1.019, 0.75)) == [(EX_DATE, pytest.approx(4 / 3), True)]
    assert inferred(bars(0.75 * 1.035, 0.75)) == [(EX_DATE, pytest.approx(4 / 3), False)]


@pytest.mark.parametrize("ratio", [1.1, 1.2])
def test_a_fraction_within_the_price_bands_is_no_jump(ratio):
    assert inferred(bars(1 / ratio, 1 / ratio)) == []


def test_a_limit_down_day_is_no_jump():
    assert inferred(bars(0.8, 0.8)) == []


@pytest.mark.parametrize("ratio", [7 / 5, 8 / 5, 5 / 3])
def test_a_rare_ratio_waits_for_a_person(ratio):
    assert NOT_SURE in doubts(bars(1 / ratio, 1 / ratio))


@pytest.mark.parametrize("ratio", [0.5, 0.2, 0.1])
def test_a_consolidation_waits_for_a_person(ratio):
    assert inferred(bars(1 / ratio, 1 / ratio)) == [(EX_DATE, pytest.approx(ratio), False)]


def test_a_rise_beyond_the_price_bands_waits_for_a_person():
    # Motherson, 14 January 2022: a vendor adjusted for a demerger that the prices lacked.
    assert [confident for _, _, confident in inferred(bars(1.3506, 1.2855))] == [False]


@pytest.mark.parametrize("at", [JUMP - 3, JUMP + 3])
def test_a_second_large_move_nearby_raises_a_doubt(at):
    assert doubts(moved(at, 0.81)) == ["the sessions around it are not ordinary"]


def test_prices_that_come_back_were_no_split():
    assert [confident for _, _, confident in inferred(moved(JUMP + 2, 2.0))] == [False, False]


def test_the_newest_session_waits_for_the_next():
    assert doubts(bars().head(JUMP + 1)) == ["no session after it yet"]
    assert doubts(bars().head(JUMP + 2)) == []


def test_too_short_a_past_raises_a_doubt():
    # A vendor's first bar may be all that it forgot to adjust.
    assert doubts(bars().tail(-3)) == ["fewer than 5 sessions before it"]
    assert doubts(bars().tail(-2)) == []


def test_a_jump_after_a_suspension_waits_for_a_person():
    days = [*DAYS[:JUMP], *sessions(dt.date(2026, 4, 6), 6)]

    assert doubts(bars(days=days)) == [
        "the price bands allow the move",
        "more than 3 sessions since the bar before",
    ]


def test_bars_without_trade_do_not_hide_a_suspension():
    flat = pl.col("date").is_between(DAYS[2], DAYS[JUMP - 1])
    idle = bars().with_columns(
        pl.when(flat).then(100.0).otherwise(pl.col(name)).alias(name)
        for name in ("open", "high", "low")
    )
    idle = idle.with_columns(volume=pl.when(flat).then(0.0).otherwise("volume"))

    assert "more than 3 sessions since the bar before" in doubts(idle)


def test_one_missing_session_is_no_suspension():
    assert inferred(bars().filter(pl.col("date") != DAYS[JUMP - 1])) == [(EX_DATE, 2.0, True)]


def test_without_a_calendar_weekdays_count():
    (split,) = infer_splits(bars(), [])

    assert (split.date, split.confident) == (EX_DATE, True)


@pytest.mark.parametrize("date", [EX_DATE, DAYS[JUMP - 1] + dt.timedelta(days=1)])
def test_a_stated_action_explains_its_jump(date):
    assert inferred(bars(0.49, 0.51), Action(date, "bonus", ratio=2.0)) == []


def test_split_bonus_and_dividend_of_one_date_explain_together():
    # (100 - 10) / (2 x 5) = 9.
    stated = [
        Action(EX_DATE, "split", ratio=5.0),
        Action(EX_DATE, "bonus", ratio=2.0),
        Action(EX_DATE, "dividend", amount=10.0),
    ]

    assert inferred(bars(0.091, 0.089), *stated) == []


def test_a_large_dividend_explains_its_fall():
    assert inferred(bars(0.55, 0.55), Action(EX_DATE, "dividend", amount=44.0)) == []


@pytest.mark.parametrize(
    "stated",
    [
        Action(EX_DATE, "split", ratio=4.0),
        Action(EX_DATE + dt.timedelta(days=1), "bonus", ratio=2.0),
        Action(EX_DATE - dt.timedelta(days=7), "split", ratio=2.0),
    ],
)
def test_a_stated_split_that_does_not_fit_raises_a_doubt(stated):
    assert doubts(bars(), stated) == ["a split stated nearby does not explain it"]


def test_a_stated_demerger_explains_nothing_by_itself():
    assert len(inferred(bars(0.36, 0.36), Action(EX_DATE, "demerger", ratio=1.0))) == 1


def test_a_split_stated_elsewhere_changes_nothing():
    stated = Action(EX_DATE - dt.timedelta(days=90), "split", ratio=2.0)

    assert inferred(bars(), stated) == [(EX_DATE, 2.0, True)]


@pytest.mark.parametrize("rows", [0, 1])
def test_no_bars_and_one_bar_have_no_jump(rows):
    assert inferred(bars().head(rows)) == []


def test_null_and_zero_prices_are_passed_over():
    bent = bars().with_columns(
        open=pl.when(pl.col("date") == DAYS[1]).then(None).otherwise("open"),
        close=pl.when(pl.col("date") == DAYS[2]).then(0.0).otherwise("close"),
    )

    assert inferred(bent) == [(EX_DATE, 2.0, True)]


MOVES = st.lists(st.floats(0.90, 1.12), min_size=30, max_size=30)
SESSIONS = sessions(dt.date(2026, 1, 1), 30)


def walked(moves):
    closes = [100.0]
    for move in moves[1:]:
        closes.append(closes[-1] * move)
    before = [100.0, *closes[:-1]]
    opens = [(a * b) ** 0.5 for a, b in zip(before, closes, strict=True)]
    return frame(SESSIONS, opens, closes)


@given(MOVES)
def test_moves_within_the_bands_are_never_jumps(moves):
    assert infer_splits(walked(moves), [], nse()) == []


@given(MOVES, st.integers(1, 29), st.floats(0.01, 0.75))
def test_a_jump_far_beyond_the_bands_is_never_silent(moves, at, fall):
    moves[at] = fall

    splits = infer_splits(walked(moves), [], nse())

    assert SESSIONS[at] in [split.date for split in splits] or fall > 0.6


@given(MOVES, st.integers(1, 29), st.sampled_from([2.0, 5.0]), st.floats(0.01, 100.0))
def test_the_verdict_does_not_depend_on_the_price_level(moves, at, ratio, level):
    moves[at] /= ratio
    low = walked(moves)
    high = low.with_columns(pl.col("open", "high", "low", "close") * level)

    assert inferred(low) == inferred(high)
