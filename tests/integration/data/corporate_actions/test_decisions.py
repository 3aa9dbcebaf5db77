"""What a person accepts is held against the stored prices: it must leave no jump."""

import argparse
import datetime as dt
import json

import polars as pl
import pytest

from src.core.errors import BadInput
from src.core.tables import ACTION_HISTORY, CLEAN_DAILY, CORPORATE_ACTIONS, SYMBOL_CHANGES
from src.data.cleaning import stage as cleaning
from src.data.corporate_actions.decisions.decide import added, check_amounts, decided, move_left
from src.data.corporate_actions.decisions.listing import ledger_text
from src.data.corporate_actions.ledger import LEDGER_SCHEMA
from src.data.corporate_actions.recording.history import record_rows
from src.data.corporate_actions.recording.joined import joined_actions
from src.data.ingest import stage as ingest
from src.data.instruments.lists.stated import SymbolChange
from src.data.instruments.renames import change_rows
from tests.support.prices import (
    NOW,
    TCS,
    StubSource,
    bar,
    context,
    delivery,
    rows,
    run,
    sessions,
)

DAYS = sessions(dt.date(2026, 1, 5), 40)
EX_DATE, BEFORE = DAYS[30], DAYS[29]


@pytest.fixture
def run_context(store, home):
    return context(store, home)


@pytest.fixture
def cleaned(store, run_context):
    """Unadjusted bars at 1000 that stand at another close from the ex-date on, cleaned."""

    def ingest_and_clean(after, basis="unadjusted", *stated):
        if stated:
            record_rows(store, pl.concat(stated), NOW)
        bars = [
            bar(day, close, open=close, high=close * 1.01, low=close * 0.99, adj_close=None)
            for day in DAYS
            if (close := after if day >= EX_DATE else 1000.0)
        ]
        run(
            ingest.stage(StubSource([delivery(bars, vendor="csv", price_basis=basis)])), run_context
        )
        return run(cleaning.STAGE, run_context)

    return ingest_and_clean


@pytest.fixture
def decide(store):
    def decided_and_recorded(action, kind=None, ratio=None, day=EX_DATE, amount=None):
        args = argparse.Namespace(action=action, date=day, kind=kind, ratio=ratio, amount=amount)
        ledger = rows(store, CORPORATE_ACTIONS)
        changed = added(args, TCS, NOW) if action == "add" else decided(args, store, ledger)
        check_amounts(store, ledger, changed)
        left = move_left(store, ledger, changed)
        record_rows(store, changed, NOW)
        return left

    return decided_and_recorded


def stated(kind, *, ratio=None, status="applied", day=EX_DATE, **evidence):
    row = {
        "ticker": TCS,
        "date": day,
        "kind": kind,
        "source": "nse",
        "origin": "stated",
        "ratio": ratio,
        "amount": None,
        "status": status,
        "decided_by": "rule",
        "evidence": json.dumps(evidence),
        "known_at": NOW,
    }
    return pl.DataFrame([row], schema=LEDGER_SCHEMA)


def listed(store):
    return ledger_text(TCS, rows(store, CORPORATE_ACTIONS)).splitlines()[1:]


def marked(store):
    return rows(store, CLEAN_DAILY).filter("action_pending")["date"].to_list()


def test_a_jump_of_99_4_proposes_a_hundred_and_takes_it(store, run_context, cleaned, decide):
    # 1000 / 10.06 = 99.4, and 10.06 x 100 / 1000 = 1.006: .6 % is an ordinary move.
    cleaned(10.06)

    assert listed(store)[0].endswith("pending   inferred, csv: if a split, of 100 for 1")
    assert decide("accept") is None
    run(cleaning.STAGE, run_context)

    assert rows(store, CORPORATE_ACTIONS)["ratio"].to_list() == [100.0]
    assert rows(store, CLEAN_DAILY)["close"][0] == 10.0
    assert marked(store) == []


def test_a_ratio_that_leaves_a_jump_is_refused_with_the_move_that_is_left(store, cleaned, decide):
    # 10.06 x 50 / 1000 = .503, which is 49.7 % less.
    cleaned(10.06)

    with pytest.raises(BadInput) as refused:
        decide("accept", ratio=50.0)

    assert str(refused.value) == (
        f"TCS.NS: with a ratio of 50 the price still opens -49.7% and closes -49.7% on {EX_DATE} "
        "from the close before: give the ratio that explains the move with --ratio, reject the "
        "action if it did not happen, or enter it with `add` if it is right all the same."
    )
    assert rows(store, CORPORATE_ACTIONS)["status"].to_list() == ["pending"]


def test_a_persons_ratio_takes_the_place_of_the_inferred_one(store, run_context, cleaned, decide):
    cleaned(10.06)

    decide("accept", ratio=99.4)
    run(cleaning.STAGE, run_context)

    row = rows(store, CORPORATE_ACTIONS).row(0, named=True)
    assert (row["ratio"], row["status"], row["decided_by"]) == (99.4, "applied", "person")
    assert rows(store, CLEAN_DAILY)["close"][0] == pytest.approx(1000 / 99.4)


def test_a_fall_near_no_usual_ratio_needs_a_persons(store, cleaned, decide):
    # 1000 / 224 = 4.46: 4 leaves 10.4 % less, 5 leaves 12 % more.
    cleaned(224.0)

    assert listed(store)[0].endswith("if a split, of about 4.464 for 1, which is no usual ratio")
    with pytest.raises(BadInput) as refused:
        decide("accept")
    assert str(refused.value) == (
        f"No ratio is known for the split of {EX_DATE} (the price opened -77.6%, at 1/4.464 of "
        "the close before): give it with --ratio, or reject it if the move was real."
    )


def test_an_accepted_event_takes_the_jump_away_and_leaves_the_volume(
    store, run_context, cleaned, decide
):
    report = cleaned(360.0, "unadjusted", stated("demerger", subject="Demerger"))
    assert marked(store) == [EX_DATE]
    assert report.warnings == (
        f"TCS.NS: the close of {EX_DATE} is 0.36 times the one before, by the demerger that nse "
        f"states for {EX_DATE} (see `python -m src.data.corporate_actions accept`, `reject`): "
        "labels across it are left out.",
    )
    assert listed(store) == [
        f"{EX_DATE}  demerger  -          pending   stated, nse: Demerger; the price opened "
        f"-64.0% on {EX_DATE}; a ratio of 2.778 would explain all of it"
    ]

    with pytest.raises(BadInput) as refused:
        decide("accept")
    assert str(refused.value) == (
        f"No ratio is known for the demerger of {EX_DATE} (the price opened -64.0%, at 1/2.778 "
        "of the close before): give it with --ratio, or reject it if the move was real."
    )

    # 360 x 2.75 / 1000 = .99.
    decide("accept", ratio=2.75)
    run(cleaning.STAGE, run_context)

    clean = rows(store, CLEAN_DAILY)
    assert marked(store) == []
    assert clean["close"][0] == pytest.approx(1000 / 2.75)
    assert clean["volume"].unique().to_list() == [1000.0]


def test_rights_are_accepted_with_the_ratio_of_theory(store, run_context, cleaned, decide):
    # (4 x 1000 + 500) / 5 = 900, and 1000 / 900 = 1.1111.
    offer = {"new": 1, "held": 4, "price": 500.0}
    cleaned(910.0, "unadjusted", stated("rights", status="pending", offers=[offer]))
    assert listed(store) == [
        f"{EX_DATE}  rights    1.11111    pending   stated, nse: 1000 before, 900 in theory"
    ]

    decide("accept", "rights")
    run(cleaning.STAGE, run_context)

    clean = rows(store, CLEAN_DAILY)
    assert clean["close"][0] == pytest.approx(900.0)
    assert clean["close"][30] == 910.0
    assert marked(store) == []


def test_rejected_rights_leave_the_fall(store, run_context, cleaned, decide):
    offer = {"new": 1, "held": 4, "price": 500.0}
    cleaned(910.0, "unadjusted", stated("rights", status="pending", offers=[offer]))

    decide("reject")
    run(cleaning.STAGE, run_context)

    assert rows(store, CLEAN_DAILY)["close"][0] == 1000.0
    assert marked(store) == []
    assert rows(store, CORPORATE_ACTIONS)["status"].to_list() == ["rejected"]


def test_an_action_without_stored_prices_is_accepted_as_it_is(store, decide):
    record_rows(store, stated("split", ratio=3.0, status="pending"), NOW)

    assert decide("accept") is None
    assert rows(store, CORPORATE_ACTIONS)["status"].to_list() == ["applied"]


def test_what_is_entered_and_leaves_a_jump_is_said(store, cleaned, decide):
    cleaned(360.0)

    # 360 x 2 / 1000 = .72.
    assert decide("add", "demerger", 2.0) == "opens -28.0% and closes -28.0%"


def test_prices_and_actions_under_an_earlier_symbol_count_for_decisions(store, cleaned):
    cleaned(500.0, "unadjusted", stated("split", ratio=2.0))
    new, since = "NEWNAME.NS", DAYS[-1] + dt.timedelta(days=1)
    with store.transaction():
        store.insert(SYMBOL_CHANGES, change_rows([SymbolChange(TCS, new, since)], "a test", NOW))
    ledger = joined_actions(store, CORPORATE_ACTIONS, [new], store.identities())
    # What a person enters takes the place of what was stated: a quarter of 1000 was expected.
    add = argparse.Namespace(action="add", date=EX_DATE, kind="bonus", ratio=4.0, amount=None)

    assert ledger.select("ticker", "date", "ratio").rows() == [(new, EX_DATE, 2.0)]
    assert move_left(store, ledger, added(add, new, NOW)) == "opens +100.0% and closes +100.0%"


def test_adjusted_prices_without_a_jump_take_any_split(store, cleaned, decide):
    cleaned(990.0, "split")

    assert decide("add", "split", 5.0) is None


def test_of_two_kinds_on_one_date_a_ratio_needs_to_say_which(store, cleaned, decide):
    record_rows(store, pl.concat([stated("split", ratio=2.0), stated("demerger")]), NOW)

    with pytest.raises(BadInput, match=r"a demerger and a split on .*: say with --kind which"):
        decide("accept", ratio=3.0)


def test_an_event_of_another_date_than_its_jump_is_entered_where_it_jumped(store, cleaned, decide):
    cleaned(360.0, "unadjusted", stated("event", day=BEFORE))

    with pytest.raises(BadInput) as refused:
        decide("accept", ratio=2.75, day=BEFORE)

    assert f"jumped on {EX_DATE}: enter it there with `add --kind event" in str(refused.value)


def test_every_state_of_an_event_is_in_the_history(store, cleaned, decide):
    cleaned(360.0, "unadjusted", stated("demerger"))
    decide("accept", ratio=2.75)

    states = rows(store, ACTION_HISTORY).sort("changed_at")
    assert states.select("status", "ratio").rows() == [
        ("applied", None),
        ("pending", None),
        ("applied", 2.75),
    ]


def test_an_impossible_dividend_stops_no_other_ticker(store, home):
    # 5000 rupees of a share at 1000, and a sound share beside it.
    both = context(store, home, tickers=("INFY.NS", TCS))
    entered = stated("dividend").with_columns(
        amount=pl.lit(5000.0),
        source=pl.lit("person"),
        origin=pl.lit("entered"),
        decided_by=pl.lit("person"),
    )
    record_rows(store, entered, NOW)
    bars = [bar(day, 1000.0, open=1000.0, high=1010.0, low=990.0, adj_close=None) for day in DAYS]
    delivered = [
        delivery(bars, ticker=ticker, vendor="csv", price_basis="unadjusted", content_hash=ticker)
        for ticker in both.tickers
    ]
    run(ingest.stage(StubSource(delivered)), both)

    report = run(cleaning.STAGE, both)

    assert report.counts["INFY.NS"]["daily"] == report.counts[TCS]["daily"] == 40
    assert report.warnings == (
        f"TCS.NS: the dividend of 5000 stated for {EX_DATE} is not applied because it is not below "
        "the close before it: accept or reject it with `python -m src.data.corporate_actions`.",
    )


def test_an_amount_that_is_not_below_the_stored_close_is_refused(store, cleaned, decide):
    cleaned(1000.0)

    with pytest.raises(BadInput) as refused:
        decide("add", "dividend", amount=1000.0)

    assert str(refused.value) == (
        f"TCS.NS: a dividend of 1000 a share on {EX_DATE} cannot be, since the close before it was "
        f"1000 on {BEFORE}: give the amount that one share was paid."
    )
    assert rows(store, CORPORATE_ACTIONS).is_empty()


def test_an_amount_as_paid_is_held_against_the_price_of_its_day(store, cleaned, decide):
    # The vendor shows 1000 for 10,000 before a split of 10 for 1 that came later.
    cleaned(1000.0, "split", stated("split", ratio=10.0, day=DAYS[35]))

    assert decide("add", "dividend", amount=1500.0) is None
    with pytest.raises(BadInput, match="the close before it was 10000 on"):
        decide("add", "dividend", amount=10000.0)


def test_a_bonus_that_the_prices_do_not_show_is_told_beside_a_dividend_too(cleaned, decide):
    cleaned(1000.0)
    decide("add", "dividend", amount=50.0)

    # 1000 / 2 less 25 of each new share is 475, and the price stands at 1000.
    assert decide("add", "bonus", ratio=2.0) == "opens +110.5% and closes +110.5%"


def test_a_dividend_beside_a_jump_that_nothing_explains_is_told(cleaned, decide):
    cleaned(500.0)

    # 1000 less 10 is 990.
    assert decide("add", "dividend", amount=10.0) == "opens -49.5% and closes -49.5%"


def test_a_demerger_on_the_day_is_named_where_a_split_is_asked_for(cleaned, decide):
    cleaned(1000.0, "unadjusted", stated("demerger"))

    with pytest.raises(BadInput) as refused:
        decide("accept", "split", ratio=2.0)

    assert str(refused.value) == (
        f"The ledger has no split on {EX_DATE}. That day has: demerger; say --kind demerger."
    )


def test_rights_without_a_move_are_refused_with_the_way_to_their_ratio(cleaned, decide):
    cleaned(1000.0, "unadjusted", stated("rights", status="pending"))

    with pytest.raises(BadInput) as refused:
        decide("accept", "rights")

    assert str(refused.value) == (
        f"No ratio is known for the rights of {EX_DATE}, and the stored prices show no jump there: "
        "give with --ratio the close before, P, over the theoretical price after, "
        "(h P + r S) / (h + r), where r shares at S are offered for h held, or reject it if it "
        "took nothing from the price."
    )
