"""Changed symbols on a real PostgreSQL: whose rows are whose, and as of when."""

import datetime as dt

from src.core.identities import Span

AT = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)
FIRST, SECOND, THIRD = dt.date(2010, 5, 3), dt.date(2012, 7, 2), dt.date(2014, 9, 1)


def change(reader, old, new, date, *, at=AT, undone=False):
    reader.execute(
        "INSERT INTO symbol_changes VALUES (%s, %s, %s, %s, 'a test', %s)",
        (old, date, new, undone, at),
    )


def put_bar(reader, ticker, date, source="nse"):
    (number,) = reader.execute(
        "INSERT INTO ingest_batches (ticker, kind, source, layout, price_basis, content_hash, "
        "fetched_at, origin, fetched_at_stated, rows_delivered, rows_rejected, notes) VALUES "
        "(%s, 'daily', %s, 'test', 'split', %s, %s, 'a test', true, 1, 0, '') RETURNING batch_id",
        (ticker, source, str(date), AT),
    ).fetchone()
    reader.execute(
        "INSERT INTO raw_daily_prices (ticker, date, source, close, batch_id, first_seen) "
        "VALUES (%s, %s, %s, 1, %s, %s)",
        (ticker, date, source, number, AT),
    )


def test_a_chain_of_changes_leads_to_the_ticker_of_today(reader, store):
    change(reader, "A.NS", "B.NS", FIRST)
    change(reader, "B.NS", "C.NS", SECOND)

    assert store.identities().spans == (
        Span("A.NS", None, FIRST, "C.NS"),
        Span("A.NS", FIRST, None, "A.NS"),
        Span("B.NS", None, SECOND, "C.NS"),
        Span("B.NS", SECOND, None, "B.NS"),
    )


def test_a_symbol_that_was_another_companys_before_leads_not_to_that_one(reader, store):
    # B was of another company, which became X before A became B.
    change(reader, "B.NS", "X.NS", FIRST)
    change(reader, "A.NS", "B.NS", SECOND)

    identities = store.identities()

    assert identities.resolve("A.NS", FIRST) == "B.NS"
    assert identities.resolve("B.NS", dt.date(2010, 5, 2)) == "X.NS"
    assert identities.resolve("B.NS", SECOND) == "B.NS"


def test_a_company_that_went_back_to_its_symbol_ends_there(reader, store):
    change(reader, "A.NS", "B.NS", FIRST)
    change(reader, "B.NS", "A.NS", SECOND)
    change(reader, "A.NS", "Z.NS", THIRD)

    identities = store.identities()

    assert identities.resolve("A.NS", dt.date(2009, 1, 1)) == "Z.NS"
    assert identities.resolve("B.NS", FIRST) == "Z.NS"
    assert identities.resolve("A.NS", THIRD) == "A.NS"


def test_an_undone_change_counts_no_longer_but_did_before(reader, store):
    later = AT + dt.timedelta(days=1)
    change(reader, "A.NS", "B.NS", FIRST)
    change(reader, "A.NS", "B.NS", FIRST, at=later, undone=True)

    assert store.identities().spans == ()
    assert store.identities(AT).resolve("A.NS", dt.date(2009, 1, 1)) == "B.NS"
    assert store.identities(AT - dt.timedelta(seconds=1)).spans == ()


def test_stored_tickers_are_those_of_today(reader, store):
    for ticker, date in (
        ("A.NS", dt.date(2010, 4, 30)),
        ("B.NS", dt.date(2010, 4, 30)),
        ("B.NS", FIRST),
        ("TCS.NS", FIRST),
    ):
        put_bar(reader, ticker, date)
    change(reader, "A.NS", "NEW.NS", FIRST)
    change(reader, "B.NS", "OTHER.NS", FIRST)

    # What came under B from the change on is of another company, whose ticker it is.
    assert store.tickers() == ["B.NS", "NEW.NS", "OTHER.NS", "TCS.NS"]


def test_listed_tickers_are_those_with_facts(reader, store):
    reader.execute("INSERT INTO instruments (ticker, name) VALUES ('ABC.NS', 'Abc Limited')")

    assert store.listed_tickers() == {"ABC.NS", "TCS.NS"}
