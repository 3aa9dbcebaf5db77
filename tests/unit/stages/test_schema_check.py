"""What may stand in a table, and what a store refuses to take."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandera.errors import SchemaError

from src.core.tables import CLEAN_DAILY, DATASET_SHORT, FEATURES_DAILY, QUARANTINE, RAW_DAILY
from src.stages import schema_check
from src.stages.schema_check import CheckedStore, SchemaMismatch, check

BAR = {
    "ticker": "TCS.NS",
    "date": dt.date(2026, 4, 6),
    **dict.fromkeys(("open", "high", "low", "close", "volume", "adj_close"), 100.0),
    "source": "yahoo",
    "return_basis": "price",
    "action_pending": False,
    "repaired_by": None,
}
FEATURES = {
    "ticker": "TCS.NS",
    "date": dt.date(2026, 4, 6),
    "close": 100.0,
    "adj_close": 100.0,
    "log_return": None,
    "variance": None,
    "action_pending": False,
    "warm_up": False,
    "source": "yahoo",
    "return_basis": "price",
    "features_version": "v",
    "inputs": [0.5, float("nan")],
    "sma_7": None,
}
LABEL = {
    "ticker": "TCS.NS",
    "date": dt.date(2026, 4, 6),
    "label_end": dt.date(2026, 4, 7),
    "target": 0.01,
    "warm_up": False,
    "source": "yahoo",
    "features_version": "v",
}
KINDS = {
    **dict.fromkeys(("repaired_by", "source", "return_basis"), pl.String),
    **dict.fromkeys(("log_return", "variance", "sma_7"), pl.Float64),
    "inputs": pl.List(pl.Float32),
}


def frame(row, **change):
    kinds = {name: kind for name, kind in KINDS.items() if name in row}
    return pl.DataFrame([row | change], schema_overrides=kinds)


def test_a_bar_as_declared_passes():
    check(CLEAN_DAILY, frame(BAR))
    check(CLEAN_DAILY, frame(BAR, repaired_by="hourly", volume=0.0))
    check(CLEAN_DAILY, frame(BAR).clear())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"open": 0.0}, "'open' failed .*0.0"),
        ({"low": -1.0}, "'low' failed .*-1.0"),
        ({"close": float("nan")}, "'close' contains null"),
        ({"high": float("inf")}, "'high' failed .*inf"),
        ({"volume": -1.0}, "'volume' failed .*-1.0"),
        ({"adj_close": None}, "'adj_close'"),
        ({"source": None}, "'source' contains null"),
        ({"return_basis": "guess"}, "'return_basis' failed .*guess"),
        ({"repaired_by": "a hunch"}, "'repaired_by' failed .*a hunch"),
        ({"action_pending": 1}, "'action_pending' to have type Boolean, got Int64"),
        ({"date": "2026-04-06"}, "'date' to have type Date, got String"),
        ({"more": 1.0}, "'more' not in"),
    ],
    ids=str,
)
def test_a_value_or_column_that_cannot_be_is_refused_and_named(change, reason):
    with pytest.raises(
        SchemaMismatch, match=rf"raw_daily_prices_clean was left unchanged, .*{reason}"
    ):
        check(CLEAN_DAILY, frame(BAR, **change))


def test_a_missing_column_is_refused():
    with pytest.raises(SchemaMismatch, match="'volume' not in dataframe"):
        check(CLEAN_DAILY, frame(BAR).drop("volume"))


@settings(max_examples=30)
@given(
    st.fixed_dictionaries(
        {
            "close": st.sampled_from([100.0, 0.0, -1.0, float("nan"), float("inf"), None]),
            "volume": st.sampled_from([5.0, 0.0, -1.0, float("nan"), float("inf"), None]),
            "source": st.sampled_from(["yahoo", None]),
            "return_basis": st.sampled_from(["total", "guess", None]),
            "repaired_by": st.sampled_from([None, "hourly", "a hunch"]),
        }
    )
)
def test_pandera_refuses_just_what_the_quick_check_does(change):
    types = schema_check._types(CLEAN_DAILY, ())
    bars = pl.concat([frame(BAR), pl.DataFrame([BAR | change], schema=types).select(list(BAR))])

    try:
        schema_check._schema(CLEAN_DAILY, types).validate(bars)
        fits = True
    except SchemaError:
        fits = False
    assert schema_check._fits(CLEAN_DAILY, bars, types) == fits


def test_raw_rows_may_lack_what_their_source_lacked():
    raw = {name: BAR.get(name) for name in RAW_DAILY.columns}
    raw |= {"batch_id": 1, "first_seen": dt.datetime(2026, 4, 6, tzinfo=dt.UTC), "close": None}

    check(RAW_DAILY, pl.DataFrame([raw], schema_overrides={"close": pl.Float64}))


def test_features_are_further_columns_of_numbers():
    check(FEATURES_DAILY, frame(FEATURES))
    check(FEATURES_DAILY, frame(FEATURES, sma_7=3.0, vol_14=0.1))
    with pytest.raises(SchemaMismatch, match="'vol_14' to have type Float64, got String"):
        check(FEATURES_DAILY, frame(FEATURES, vol_14="much"))


@pytest.mark.parametrize("target", [-1.0, float("inf"), None])
def test_a_label_is_a_return(target):
    check(DATASET_SHORT, pl.DataFrame([LABEL]))
    with pytest.raises(SchemaMismatch, match="'target'"):
        check(DATASET_SHORT, pl.DataFrame([LABEL | {"target": target}]))


def test_a_store_takes_nothing_of_a_frame_that_it_refuses(store):
    checked = CheckedStore(store)
    bad = pl.concat([frame(BAR), frame(BAR, date=dt.date(2026, 4, 7), close=-1.0)])

    for write in (
        lambda: checked.replace(CLEAN_DAILY, ["TCS.NS"], bad),
        lambda: checked.upsert(CLEAN_DAILY, bad),
    ):
        with pytest.raises(SchemaMismatch):
            write()
    assert checked.load(CLEAN_DAILY, ["TCS.NS"]).is_empty()

    with checked.transaction():
        assert checked.replace(CLEAN_DAILY, ["TCS.NS"], frame(BAR)) == 1
    assert checked.load(CLEAN_DAILY, ["TCS.NS"]).height == 1


def test_an_action_of_the_quarantine_is_one_of_two():
    row = {name: "x" for name, kind in QUARANTINE.columns.items() if kind != "bigint"}
    row |= {"line": 0, "batch_id": 1, "kind": "daily"}

    check(QUARANTINE, pl.DataFrame([row | {"action": "rejected"}]))
    with pytest.raises(SchemaMismatch, match="'action'"):
        check(QUARANTINE, pl.DataFrame([row | {"action": "thrown away"}]))
