"""Decisions about hand-made bars: what is applied, what is pending, who is believed."""

import datetime as dt

import polars as pl
import pytest

from src.core.calendars.nse import nse
from src.data.corporate_actions.apply import apply_actions
from src.data.corporate_actions.ledger import LEDGER_SCHEMA

DAYS = nse().sessions(dt.date(2024, 1, 1), dt.date(2024, 2, 15))[:20]
JUMP = 10
FETCHED = dt.datetime(2024, 3, 1, tzinfo=dt.UTC)


def bars(basis="unadjusted", after=0.5):
    """Calm bars at 100 that stand at ``100 * after`` from the eleventh day on."""
    closes = [100.0 + day % 3 / 10 for day in range(20)]
    closes = [c if day < JUMP else c * after for day, c in enumerate(closes)]
    return pl.DataFrame(
        {
            "ticker": "TCS.NS",
            "date": DAYS,
            "open": closes,
            "high": [c * 1.002 for c in closes],
            "low": [c * 0.998 for c in closes],
            "close": closes,
            "volume": [1000.0] * 20,
            "adj_close": pl.Series([None] * 20, dtype=pl.Float64),
            "source": "nse",
            "price_basis": basis,
            "fetched_at": FETCHED,
        }
    )


def row(**changes):
    stated = {
        "ticker": "TCS.NS",
        "date": DAYS[JUMP],
        "kind": "split",
        "source": "yahoo",
        "origin": "stated",
        "ratio": 2.0,
        "amount": None,
        "status": "applied",
        "decided_by": "rule",
        "evidence": "{}",
        "known_at": FETCHED,
    }
    return pl.DataFrame([stated | changes], schema=LEDGER_SCHEMA)


NOTHING = pl.DataFrame(schema=LEDGER_SCHEMA)


def derived(ledger=NOTHING, **facts):
    return apply_actions(bars(**facts), ledger, nse())


def marked(result):
    return result.bars.filter("action_pending")["date"].to_list()


def test_a_halving_of_unadjusted_prices_is_a_split_and_is_applied():
    result = derived()

    assert result.inferred.select("date", "ratio", "status", "origin").rows() == [
        (DAYS[JUMP], 2.0, "applied", "inferred")
    ]
    assert result.bars["close"].to_list() == pytest.approx(
        [50 + day % 3 / 20 for day in range(20)], rel=1e-12
    )
    assert result.bars["volume"].to_list() == [2000.0] * JUMP + [1000.0] * JUMP
    assert marked(result) == []


@pytest.mark.parametrize("basis", ["split", "total"])
def test_a_halving_that_a_vendor_forgot_to_adjust_is_applied_as_well(basis):
    result = derived(basis=basis)

    assert result.inferred.select("date", "ratio", "status").rows() == [
        (DAYS[JUMP], 2.0, "applied")
    ]
    assert result.bars["close"][0] == 50
    assert result.bars["volume"].to_list() == [2000.0] * JUMP + [1000.0] * JUMP
    assert marked(result) == []


@pytest.mark.parametrize(("close_before", "expected"), [(100.0, 45.0), (50.0, 45.0)])
def test_an_adjusted_close_follows_unless_it_alone_knew_of_the_split(close_before, expected):
    """Before the split adj_close is 90 % of the close, or already of half of it."""
    closes = bars(basis="split")["close"]
    early = pl.Series(range(20)) < JUMP
    adj_close = 0.9 * pl.select(pl.when(early).then(closes * close_before / 100).otherwise(closes))
    series = bars(basis="split").with_columns(adj_close=adj_close.to_series())

    result = apply_actions(series, NOTHING, nse())

    assert result.bars["close"][0] == 50
    assert result.bars["adj_close"][0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("stated", [NOTHING, row()], ids=["inferred", "stated"])
def test_a_split_of_unadjusted_prices_leaves_no_halving_in_their_adjusted_close(stated):
    series = bars().with_columns(adj_close=0.9 * pl.col("close"))

    result = apply_actions(series, stated, nse())

    assert result.bars["adj_close"].pct_change().abs().max() < 0.01
    assert marked(result) == []


@pytest.mark.parametrize("factor", [2.006 / 0.94, 11.11, 0.6])
def test_a_leap_of_the_adjusted_close_alone_is_pending(factor):
    later = pl.int_range(pl.len()) >= JUMP
    adj_close = pl.col("close") * pl.when(later).then(1.0).otherwise(1 / factor)
    series = bars(basis="split", after=0.94).with_columns(adj_close=adj_close)

    result = apply_actions(series, NOTHING, nse())

    assert (marked(result), result.inferred.height) == ([DAYS[JUMP]], 0)


def test_a_stated_split_that_adjusted_prices_still_show_is_applied():
    # 14 for 10: too rare a ratio to be inferred, but somebody states it.
    result = derived(row(ratio=1.4), basis="split", after=1 / 1.4)

    assert result.bars["close"].to_list() == pytest.approx(
        [(100 + day % 3 / 10) / 1.4 for day in range(20)], rel=1e-12
    )
    assert (result.inferred.height, marked(result)) == (0, [])


def test_a_stated_split_that_adjusted_prices_no_longer_show_is_left_alone():
    # The price fell by a fifth on the day of a stated halving.
    result = derived(row(), basis="split", after=0.8)

    assert result.bars["close"][0] == 100


def test_what_a_person_accepted_is_applied_to_the_prices_it_was_found_in():
    accepted = row(origin="inferred", source="nse", decided_by="person", ratio=2.5)
    pending = derived(basis="split", after=0.43)

    result = derived(accepted, basis="split", after=0.43)

    assert pending.inferred["status"].to_list() == ["pending"]
    assert result.bars["close"][0] == 40
    assert marked(result) == []


def test_a_fall_to_no_simple_fraction_waits_for_a_person():
    result = derived(after=0.43)

    assert result.inferred["status"].to_list() == ["pending"]
    assert marked(result) == [DAYS[JUMP]]


def test_a_stated_split_is_applied_and_nothing_is_inferred():
    result = derived(row())

    assert result.inferred.is_empty()
    assert result.bars["close"][0] == 50
    assert marked(result) == []


def test_a_split_that_the_prices_have_in_them_is_not_applied_again():
    result = derived(row(), basis="split", after=1.0)

    assert result.bars["close"][0] == 100
    assert result.inferred.is_empty()


def test_what_a_person_rejected_is_a_real_fall():
    result = derived(row(origin="inferred", status="rejected", decided_by="person"))

    assert result.inferred.is_empty()
    assert result.bars["close"][0] == 100
    assert marked(result) == []


def test_what_a_rule_inferred_before_is_judged_anew():
    result = derived(row(origin="inferred", ratio=3.0))

    assert result.inferred["ratio"].to_list() == [2.0]


def test_a_pending_demerger_marks_the_first_bar_from_its_date():
    saturday = dt.date(2024, 1, 13)

    result = derived(
        row(kind="demerger", date=saturday, ratio=None, status="pending"), basis="split", after=1.0
    )

    assert marked(result) == [dt.date(2024, 1, 15)]


def test_dividends_in_force_make_the_adjusted_close():
    paid = row(kind="dividend", ratio=None, amount=5.0)

    result = derived(paid, basis="split", after=1.0)

    # The close before the ex-date is 100.0, so earlier prices keep nineteen twentieths.
    assert result.bars["adj_close"][0] == pytest.approx(95.0, rel=1e-12)
    assert result.bars["adj_close"][JUMP] == result.bars["close"][JUMP]
    assert set(result.bars["return_basis"]) == {"total"}


def test_a_dividend_that_the_price_did_not_feel_waits_for_a_person():
    # A fifth of the price is stated, and the price moved by a tenth of a percent.
    absurd = row(kind="dividend", ratio=None, amount=20.0)

    result = derived(absurd, basis="split", after=1.0)

    assert result.bars["adj_close"][0] == 100
    assert result.contradicted.select("date", "amount", "status").rows() == [
        (DAYS[JUMP], 20.0, "pending")
    ]
    assert "20.0% of the price" in result.contradicted["evidence"][0]


def test_a_dividend_that_a_person_stands_by_is_not_contradicted():
    entered = row(kind="dividend", ratio=None, amount=20.0, decided_by="person")

    result = derived(entered, basis="split", after=1.0)

    assert result.bars["adj_close"][0] == pytest.approx(80, rel=1e-12)
    assert result.contradicted.is_empty()


def test_where_the_vendor_has_its_own_adjusted_close_no_dividend_is_contradicted():
    series = bars(basis="split", after=1.0).with_columns(adj_close="close")
    absurd = row(kind="dividend", ratio=None, amount=20.0)

    assert apply_actions(series, absurd, nse()).contradicted.is_empty()


def test_a_dividend_as_paid_before_a_split_is_judged_by_the_price_it_was_paid_on():
    # 4 a share of 100, halved by a split five days later.
    paid = row(kind="dividend", ratio=None, amount=4.0, date=DAYS[5])

    result = derived(pl.concat([paid, row()]))

    assert result.contradicted.is_empty()
    assert result.bars["adj_close"][0] == pytest.approx(50 * (1 - 2 / 50.05), rel=1e-9)


@pytest.mark.parametrize("status", ["applied", "rejected"])
def test_what_a_person_says_of_a_dividend_says_nothing_of_a_split(status):
    decided = row(kind="dividend", ratio=None, amount=0.5, status=status, decided_by="person")

    result = derived(decided)

    assert result.inferred.select("date", "ratio", "status").rows() == [
        (DAYS[JUMP], 2.0, "applied")
    ]
    assert result.bars["close"][0] == 50


@pytest.mark.parametrize("kind", ["split", "bonus"])
def test_what_a_person_rejected_stays_rejected_when_another_source_states_it(kind):
    rejected = row(status="rejected", decided_by="person")
    later = row(kind=kind, source="bse")

    result = derived(pl.concat([rejected, later]), after=0.55)

    assert result.bars["close"][0] == 100
    assert (result.inferred.height, marked(result)) == (0, [])


def test_one_bonus_stated_as_a_split_and_as_a_bonus_is_applied_once():
    ledger = pl.concat(
        [row(), row(kind="bonus", origin="entered", source="person", decided_by="person")]
    )

    assert derived(ledger).bars["close"][0] == 50


def test_a_stated_split_that_unadjusted_prices_do_not_show_waits_for_a_person():
    result = derived(row(), after=1.0)

    assert result.bars["close"][0] == 100
    assert result.contradicted.select("date", "kind", "status").rows() == [
        (DAYS[JUMP], "split", "pending")
    ]
    assert "opened +0.1%" in result.contradicted["evidence"][0]
    assert marked(result) == [DAYS[JUMP]]


def test_a_split_stated_for_the_day_before_is_inferred_on_its_own_day():
    result = derived(row(date=DAYS[JUMP - 1]))

    assert result.bars["close"][0] in (50, 100)
    assert DAYS[JUMP - 1] in marked(result)
    assert result.contradicted.height == 1


def test_a_split_that_a_person_entered_is_applied_whatever_the_price_did():
    entered = row(origin="entered", source="person", decided_by="person")

    assert derived(entered, after=1.0).bars["close"][0] == 50


def test_a_contradiction_ends_with_its_cause():
    paid = row(kind="dividend", ratio=None, amount=20.0)
    doubted = derived(paid, basis="split", after=1.0).contradicted

    still = derived(doubted, basis="split", after=1.0)
    fallen = derived(doubted, basis="split", after=0.8)

    assert (still.contradicted.height, still.reinstated.height) == (1, 0)
    assert fallen.contradicted.is_empty()
    assert fallen.reinstated.select("amount", "status", "evidence").rows() == [
        (20.0, "applied", "{}")
    ]
    assert fallen.bars["adj_close"][0] == pytest.approx(80, rel=1e-12)


@pytest.mark.parametrize("after", [1 / 1.5, 1 / 1.6])
def test_a_jump_beyond_the_price_bands_is_never_passed_over(after):
    """At the last bar nobody can be sure of a split, and the close is above six tenths."""
    cut = bars(after=after).head(JUMP + 1)

    result = apply_actions(cut, NOTHING, nse())

    assert result.inferred["status"].to_list() == ["pending"]
    assert marked(result) == [DAYS[JUMP]]


def test_where_there_are_no_price_bands_a_crash_is_a_crash():
    american = bars(basis="split", after=0.75).with_columns(ticker=pl.lit("META"))
    halved = bars(basis="split", after=0.5).with_columns(ticker=pl.lit("META"))

    crash, half = (apply_actions(change, NOTHING, nse()) for change in (american, halved))

    assert (crash.inferred.height, marked(crash)) == (0, [])
    assert crash.bars["close"][0] == 100
    assert half.inferred["status"].to_list() == ["pending"]
    assert half.bars["close"][0] == 100


def test_a_stretch_at_twice_the_price_is_no_pair_of_splits():
    series = bars(basis="split", after=1.0)
    stretch = pl.int_range(pl.len()).is_between(8, 13)
    doubled = series.with_columns(
        pl.when(stretch).then(pl.col(n) * 2).otherwise(n).alias(n)
        for n in ("open", "high", "low", "close")
    )

    result = apply_actions(doubled, NOTHING, nse())

    assert result.bars["close"].to_list() == doubled["close"].to_list()
    assert set(result.inferred["status"]) == {"pending"}
    assert marked(result) == [DAYS[8], DAYS[14]]


def test_no_bars_give_no_bars():
    result = apply_actions(bars().clear(), NOTHING, nse())

    assert (result.bars.height, result.inferred.height) == (0, 0)


@pytest.mark.parametrize(
    "reports",
    [
        [{}, {"source": "nse"}],
        [{}, {"origin": "entered", "source": "person", "decided_by": "person"}],
        [{}, {"origin": "inferred", "source": "nse", "decided_by": "person"}],
        [{"kind": "bonus"}, {"origin": "inferred", "source": "nse", "decided_by": "person"}],
    ],
    ids=[
        "two sources",
        "a source and a person",
        "accepted, then stated",
        "a bonus accepted as split",
    ],
)
def test_a_split_that_is_reported_twice_is_applied_once(reports):
    result = derived(pl.concat([row(**report) for report in reports]))

    assert result.bars["close"][0] == 50


def test_what_a_person_entered_beats_what_a_source_states():
    entered = row(origin="entered", source="person", decided_by="person", ratio=2.0)

    result = derived(pl.concat([row(ratio=4.0), entered]))

    assert result.bars["close"][0] == 50


def test_a_split_and_a_bonus_of_one_date_that_one_source_states_both_count():
    result = derived(pl.concat([row(ratio=2.0), row(kind="bonus", ratio=2.0)]), after=0.25)

    assert result.bars["close"][0] == 25
    assert result.inferred.is_empty()
