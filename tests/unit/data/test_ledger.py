"""The ledger's own decisions over hand-made bars: what is applied, what waits, who is heard."""

import datetime as dt

import polars as pl
import pytest

from src.core.sessions import nse
from src.data.ledger import LEDGER_SCHEMA, derive

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


def row(**said):
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
    return pl.DataFrame([stated | said], schema=LEDGER_SCHEMA)


NOTHING = pl.DataFrame(schema=LEDGER_SCHEMA)


def derived(ledger=NOTHING, **facts):
    return derive(bars(**facts), ledger, nse())


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
def test_a_halving_of_adjusted_prices_waits_for_a_person(basis):
    result = derived(basis=basis)

    assert result.inferred["status"].to_list() == ["pending"]
    assert result.bars["close"].to_list() == bars()["close"].to_list()
    assert marked(result) == [DAYS[JUMP]]


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
    paid = row(kind="dividend", ratio=None, amount=10.0)

    result = derived(paid, basis="split", after=1.0)

    # The close before the ex-date is 100.0, so earlier prices keep nine tenths.
    assert result.bars["adj_close"][0] == pytest.approx(90.0, rel=1e-12)
    assert result.bars["adj_close"][JUMP] == result.bars["close"][JUMP]
    assert set(result.bars["return_basis"]) == {"total"}


def test_no_bars_give_no_bars():
    result = derive(bars().clear(), NOTHING, nse())

    assert (result.bars.height, result.inferred.height) == (0, 0)


@pytest.mark.parametrize(
    "told",
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
def test_a_split_that_two_have_told_of_is_applied_once(told):
    result = derived(pl.concat([row(**said) for said in told]))

    assert result.bars["close"][0] == 50


def test_what_a_person_entered_beats_what_a_source_states():
    entered = row(origin="entered", source="person", decided_by="person", ratio=2.0)

    result = derived(pl.concat([row(ratio=4.0), entered]))

    assert result.bars["close"][0] == 50


def test_a_split_and_a_bonus_of_one_date_both_count():
    result = derived(pl.concat([row(ratio=2.0), row(kind="bonus", ratio=2.0)]), after=0.25)

    assert result.bars["close"][0] == 25
    assert result.inferred.is_empty()
