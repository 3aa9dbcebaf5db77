"""Evening by evening the tables are those of a rebuild from empty ones, whatever has arrived."""

import random

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from src.core.hashing import rows_hash
from src.core.tables import CLEAN_DAILY, CLEAN_SERIES, FEATURES_DAILY
from tests.support.evenings import EVENTS, Evenings, Share

BASES = ("split", "split", "unadjusted")
EVENINGS = st.lists(st.tuples(*[st.sampled_from(EVENTS)] * len(BASES)), min_size=2, max_size=6)
# The evening at which a ticker joins; with fewer evenings none does.
JOINS = st.integers(0, 6)
ONE_STORE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
# To find a smaller example would take many times as long as to find one.
NO_SHRINKING = (Phase.explicit, Phase.generate)
ORDINARY = ("whole", "day", "whole")


def share(number, place, basis):
    return Share(f"E{number}{place}.NS", basis, random.Random(f"{number} {place}"))  # noqa: S311


def shares(number):
    return [share(number, place, basis) for place, basis in enumerate(BASES)]


def assert_as_rebuilt(evenings):
    stored, rebuilt = evenings.tables(), evenings.rebuilt()
    for name, frame in stored.items():
        other = rebuilt[name].select(frame.columns)
        assert frame.equals(other), (name, frame.join(other, on=frame.columns, how="anti"))
        assert rows_hash([frame]) == rows_hash([other]), name


def play(store, home, number, days, joins):
    """Evenings with their events; a ticker joins at the one with the number ``joins``."""
    evenings = Evenings(store, home, shares(number))
    for evening, events in enumerate(days):
        newcomer = share(number, len(BASES), "split") if evening == joins else None
        evenings.evening(events, newcomer)
        assert_as_rebuilt(evenings)


def written_by(url, table):
    """The transaction that wrote each row, by ticker and date."""
    with psycopg.connect(url) as reader:
        rows = reader.execute(f"SELECT ticker, date, xmin::text FROM {table.name}").fetchall()
    return {(ticker, day): transaction for ticker, day, transaction in rows}


@pytest.fixture
def numbers():
    """Numbers that no other example has."""
    return iter(range(10_000))


@settings(max_examples=2, suppress_health_check=ONE_STORE, phases=NO_SHRINKING)
@example([(event, other, "day") for event, other in zip(EVENTS[6:], EVENTS[:5:-1], strict=True)], 3)
@given(EVENINGS, JOINS)
def test_tables_are_those_of_a_rebuild(store, home, numbers, days, joins):
    play(store, home, next(numbers), days, joins)


@pytest.mark.long
@settings(max_examples=200, suppress_health_check=ONE_STORE, phases=NO_SHRINKING, derandomize=False)
@example([(event, "whole", "day") for event in EVENTS[6:]], 0)
@example([("day", "dividend", event) for event in EVENTS[6:]], 5)
@given(EVENINGS, JOINS)
def test_tables_are_those_of_a_rebuild_in_many_cases(store, home, numbers, days, joins):
    play(store, home, next(numbers), days, joins)


def test_an_ordinary_evening_adds_rows_and_touches_no_other(store, home, database_url):
    evenings = Evenings(store, home, shares(1))
    before = {
        table.name: written_by(database_url, table) for table in (CLEAN_DAILY, FEATURES_DAILY)
    }

    evenings.evening(ORDINARY)

    assert set(store.load(CLEAN_SERIES, evenings.tickers)["basis"]) != {""}
    for table in (CLEAN_DAILY, FEATURES_DAILY):
        after = written_by(database_url, table)
        assert {key: after.get(key) for key in before[table.name]} == before[table.name]
        assert len(after) == len(before[table.name]) + len(BASES)


def test_changed_history_concerns_its_own_ticker_alone(store, home, database_url):
    evenings = Evenings(store, home, shares(1))
    before = {
        table.name: written_by(database_url, table) for table in (CLEAN_DAILY, FEATURES_DAILY)
    }

    evenings.evening(("dividend", "day", "whole"))

    changed = evenings.shares[0].ticker
    for table in (CLEAN_DAILY, FEATURES_DAILY):
        after = written_by(database_url, table)
        touched = {
            key[0] for key in before[table.name] if after.get(key) != before[table.name][key]
        }
        assert touched == {changed}
    assert_as_rebuilt(evenings)
