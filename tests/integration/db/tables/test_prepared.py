"""What tickers were last made of, on a real PostgreSQL."""

import datetime as dt

import pytest

from src.db.tables.prepared import PreparedTickers

DAY, NEXT = dt.date(2026, 4, 13), dt.date(2026, 4, 15)
AT = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)


def put(reader, table, **row):
    names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    reader.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))


def put_batch(reader, ticker="TCS.NS", source="yahoo"):
    put(
        reader,
        "ingest_batches",
        **{"ticker": ticker, "kind": "daily", "source": source, "layout": "test"},
        **{"price_basis": "split", "content_hash": "c", "fetched_at": AT, "origin": "a test"},
        **{"fetched_at_stated": True, "rows_delivered": 1, "rows_rejected": 0, "notes": ""},
    )


def put_action(reader, table="corporate_actions", date=DAY, **more):
    put(
        reader,
        table,
        **{"ticker": "TCS.NS", "date": date, "kind": "split", "source": "person"},
        **{"origin": "entered", "ratio": 2.0, "status": "applied", "decided_by": "person"},
        **{"evidence": "{}", "known_at": AT},
        **more,
    )


def put_bar(reader, date=DAY):
    put_batch(reader)
    (number,) = reader.execute("SELECT max(batch_id) FROM ingest_batches").fetchone()
    put(
        reader,
        "raw_daily_prices",
        **{"ticker": "TCS.NS", "date": date, "source": "yahoo", "close": 1.0},
        **{"batch_id": number, "first_seen": AT},
    )


CHANGES = {
    "a batch": put_batch,
    "a withdrawal": lambda reader: put(
        reader,
        "batch_withdrawals",
        ticker="TCS.NS",
        withdrawn_at=AT,
        batch_id=reader.execute("SELECT max(batch_id) FROM ingest_batches").fetchone()[0],
    ),
    "a decision": lambda reader: put_action(reader, "corporate_action_history", changed_at=AT),
    "an action": put_action,
    "an earlier symbol": lambda reader: put(
        reader,
        "symbol_changes",
        **{"ticker": "OLD.NS", "date": DAY, "new_ticker": "TCS.NS", "is_undone": False},
        **{"source": "a test", "stated_at": AT},
    ),
    "a state": lambda reader: put(
        reader,
        "instrument_states",
        **{"ticker": "TCS.NS", "state": "active", "date": DAY, "reason": "a test"},
        **{"stated_by": "a person", "stated_at": AT},
    ),
    "a listing date": lambda reader: reader.execute(
        "UPDATE instruments SET listed_on = %s WHERE ticker = 'TCS.NS'", (DAY,)
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_facts_of_a_ticker_change_with_what_is_stored_of_it(reader, change):
    put_bar(reader)
    prepared = PreparedTickers(reader)
    before = prepared.facts(["TCS.NS", "INFY.NS"], DAY)

    CHANGES[change](reader)

    after = prepared.facts(["TCS.NS", "INFY.NS"], DAY)
    assert after["TCS.NS"] != before["TCS.NS"]
    assert after["INFY.NS"] == before["INFY.NS"]


@pytest.mark.parametrize("put_later", [put_action, put_bar])
def test_what_is_of_a_later_session_counts_from_its_close_on(reader, put_later):
    put_bar(reader)
    put_later(reader, date=NEXT)
    prepared = PreparedTickers(reader)

    facts = [prepared.facts(["TCS.NS"], day)["TCS.NS"] for day in (DAY, NEXT)]

    assert facts[0] != facts[1]


def test_without_anything_new_the_facts_stay_as_sessions_close(reader):
    put_bar(reader)
    prepared = PreparedTickers(reader)

    assert prepared.facts(["TCS.NS"], DAY) == prepared.facts(["TCS.NS"], NEXT)


def test_tickers_with_features_of_another_version_or_horizon_are_outdated(reader):
    versions = {"A.NS": "v1", "B.NS": "v2", "C.NS": None, "D.NS": None, "E.NS": "v2"}
    for ticker, version in versions.items():
        put_batch(reader, ticker)
        if ticker != "D.NS":  # nothing was ever computed of it
            put(
                reader,
                "features_daily",
                **{"ticker": ticker, "date": DAY, "close": 1.0, "warm_up": False},
                **{"source": "yahoo", "features_version": "v1"},
            )
        if version:
            put(
                reader,
                "pool_members",
                **{"ticker": ticker, "pool": "NSE", "newest_session": DAY, "last_close": 1.0},
                **{"source": "yahoo", "return_basis": "price", "features_version": version},
                **{"horizons": "1/21" if ticker == "E.NS" else "1/63", "data_hash": "h"},
            )

    assert PreparedTickers(reader).outdated("v2", "1/63") == ["A.NS", "C.NS", "E.NS"]


def test_synthetic_tickers_are_not_real_ones(reader):
    put_batch(reader, "TCS.NS")
    put_batch(reader, "DEMO.NS", "sample")

    assert PreparedTickers(reader).real_tickers() == ["TCS.NS"]


def test_those_that_a_source_has_not_delivered_for_the_longest_come_first(reader):
    for ticker, hours in (("A.NS", 0), ("B.NS", 48), ("C.NS", 24)):
        put_batch(reader, ticker)
        reader.execute(
            "UPDATE ingest_batches SET fetched_at = fetched_at - make_interval(hours => %s) "
            "WHERE ticker = %s",
            (hours, ticker),
        )
    put_batch(reader, "D.NS", source="nse")
    tickers = ["A.NS", "B.NS", "C.NS", "D.NS"]

    order = PreparedTickers(reader).longest_unfetched(tickers, "yahoo")

    assert order == ["D.NS", "B.NS", "C.NS", "A.NS"]


def test_traded_tickers_are_the_real_ones_that_nobody_stated_to_be_gone(reader):
    for ticker in ("GONE.NS", "BACK.NS", "TCS.NS"):
        put_batch(reader, ticker)
    put_batch(reader, "DEMO.NS", "sample")
    for ticker, states in (("GONE.NS", ["delisted"]), ("BACK.NS", ["suspended", "active"])):
        for place, state in enumerate(states):
            put(
                reader,
                "instrument_states",
                **{"ticker": ticker, "state": state, "date": DAY, "reason": "a test"},
                **{"stated_by": "a person", "stated_at": AT + dt.timedelta(hours=place)},
            )

    assert PreparedTickers(reader).traded_tickers() == ["BACK.NS", "TCS.NS"]
    assert PreparedTickers(reader).untraded_tickers() == {"GONE.NS": f"delisted since {DAY}"}


def test_what_comes_under_an_earlier_symbol_changes_the_facts_of_the_ticker(reader):
    CHANGES["an earlier symbol"](reader)
    prepared = PreparedTickers(reader)
    before = prepared.facts(["TCS.NS", "INFY.NS"], DAY)

    put_batch(reader, "OLD.NS")

    after = prepared.facts(["TCS.NS", "INFY.NS"], DAY)
    assert after["TCS.NS"] != before["TCS.NS"]
    assert after["INFY.NS"] == before["INFY.NS"]
