"""Evening by evening the panel of files and newer rows is that of the tables, bit for bit."""

import random

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from src.core.calendars.nse import nse
from src.core.tables import POOL_MEMBERS
from src.features.catalogue import version
from src.modeling.panel import kept_panel
from src.modeling.panel.kept_panel import PoolTables, load_kept_panel
from src.modeling.panel.panel_file import MANIFEST, PanelFile
from src.modeling.panel.pools import load_panel
from tests.support.evenings import EVENTS, Evenings, Share

BASES = ("split", "split", "unadjusted", "split", "split", "split")
EVENINGS = st.lists(st.tuples(*[st.sampled_from(EVENTS)] * len(BASES)), min_size=2, max_size=4)
# What is not ordinary, and ordinary events up to the last evening's end.
EVERY_EVENT = [
    tuple((*EVENTS[6:], *["day"] * len(BASES))[first : first + len(BASES)])
    for first in range(0, len(EVENTS[6:]), len(BASES))
]
ORDINARY = ("whole", "day", "whole", "day", "nothing", "three days")
MATRICES = ("sessions", "close", "log_returns", "variance", "days_ahead")
# To find a smaller example would take many times as long as to find one.
FAST = {
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    "phases": (Phase.explicit, Phase.generate),
}


def shares(number):
    return [
        Share(f"K{number}{place}.NS", basis, random.Random(f"{number} {place}"))  # noqa: S311
        for place, basis in enumerate(BASES)
    ]


def tables_of(evenings):
    rows = evenings.store.load(POOL_MEMBERS, evenings.tickers).filter(features_version=version())
    members = {row["ticker"]: row for row in rows.iter_rows(named=True)}
    return PoolTables(evenings.store, members, evenings.context().settings, nse())


def bits(values):
    return np.ascontiguousarray(values).view(np.uint8).tobytes()


def assert_same(ours, theirs):
    assert ours.tickers == theirs.tickers
    for name in MATRICES:
        assert bits(getattr(ours, name)) == bits(getattr(theirs, name)), name
    assert ours.labels.keys() == theirs.labels.keys()
    for horizon, target in ours.labels.items():
        assert bits(target) == bits(theirs.labels[horizon])
    assert (ours.inputs.names, ours.inputs.shape) == (theirs.inputs.names, theirs.inputs.shape)
    for name in ("rows", "columns", "per_bar"):
        assert bits(getattr(ours.inputs, name)) == bits(getattr(theirs.inputs, name)), name


def assert_as_stored(evenings, file, *, keep=True):
    tables = tables_of(evenings)
    whole = load_panel(evenings.store, list(tables.members), nse(), tables.horizons)
    assert_same(load_kept_panel(tables, file, keep=keep), whole)


@pytest.fixture
def numbers():
    """Numbers that no other example has."""
    return iter(range(10_000))


@pytest.fixture
def evenings(store, home):
    return Evenings(store, home, shares(1))


@pytest.fixture
def file(tmp_path):
    return PanelFile(tmp_path / "panels" / "NSE")


@settings(max_examples=2, **FAST)
@example(EVERY_EVENT)
@given(EVENINGS)
def test_panels_are_those_of_the_tables(store, home, tmp_path, numbers, days):
    number = next(numbers)
    evenings, file = (
        Evenings(store, home, shares(number)),
        PanelFile(tmp_path / str(number), b"a key of this test"),
    )
    for events in days:
        assert_as_stored(evenings, file)
        evenings.evening(events)
        assert_as_stored(evenings, file, keep=False)
    assert_as_stored(evenings, file)


def test_an_evening_adds_a_small_segment(evenings, file):
    assert_as_stored(evenings, file)
    (first,) = file.manifest().segments

    evenings.evening(ORDINARY)
    assert_as_stored(evenings, file)

    before, newer = file.manifest().segments
    assert before == first
    # One session of five of the shares, and two more of the last.
    assert newer.bars == 7
    assert newer.labels == {"1": 7, "63": newer.labels["63"]}
    assert_as_stored(evenings, file)
    assert len(file.manifest().segments) == 2


def test_what_is_not_read_again_comes_from_the_file(evenings, file, monkeypatch):
    assert_as_stored(evenings, file)
    monkeypatch.setattr(kept_panel, "load_panel", None)

    evenings.evening(ORDINARY)

    load_kept_panel(tables_of(evenings), file, keep=True)


def test_changed_history_is_read_of_its_ticker_alone(evenings, file, monkeypatch):
    assert_as_stored(evenings, file)
    evenings.evening(("dividend", *["day"] * 5))
    read = []
    load = kept_panel._load
    monkeypatch.setattr(
        kept_panel,
        "_load",
        lambda pool, tickers, *rest: read.append(tickers) or load(pool, tickers, *rest),
    )

    assert_as_stored(evenings, file)

    assert read[1] == [evenings.shares[0].ticker]
    assert len(file.manifest().segments) == 1


def test_rows_that_were_changed_by_hand_are_read_again(evenings, file, database_url):
    assert_as_stored(evenings, file)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE features_daily SET adj_close = 2 * adj_close "
            "WHERE ticker = %s AND date = (SELECT min(date) FROM features_daily)",
            [evenings.tickers[0]],
        )

    assert_as_stored(evenings, file)
    # What the table has now is counted, and as the newest prices are.
    evenings.work()
    assert_as_stored(evenings, file)
    assert_as_stored(evenings, file)


def test_many_evenings_are_put_together(evenings, file, monkeypatch):
    monkeypatch.setattr(kept_panel, "MOST_SEGMENTS", 2)

    counts = []
    for _ in range(4):
        evenings.evening(["day"] * len(BASES))
        assert_as_stored(evenings, file)
        counts.append(len(file.manifest().segments))

    assert counts == [1, 2, 1, 2]
    assert len(list(file.folder.iterdir())) == 3


@pytest.mark.parametrize(
    "damage", ["bent", "short", "gone", "no manifest", "manifest", "other key"]
)
def test_damaged_files_are_as_if_there_were_none(evenings, file, damage):
    assert_as_stored(evenings, file)
    path = file.folder / file.manifest().segments[0].file
    if damage == "bent":
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    elif damage == "short":
        path.write_bytes(path.read_bytes()[:-8])
    elif damage == "gone":
        path.unlink()
    elif damage == "no manifest":
        (file.folder / MANIFEST).unlink()
    elif damage == "manifest":
        text = (file.folder / MANIFEST).read_text()
        (file.folder / MANIFEST).write_text(text.replace(evenings.tickers[0], "OTHER.NS"))
    else:
        file = PanelFile(file.folder, b"another key than before")

    evenings.evening(ORDINARY)

    assert_as_stored(evenings, file)
    assert_as_stored(evenings, file)
    assert len(list(file.folder.iterdir())) == 2


def test_a_folder_that_cannot_be_written_is_no_error(evenings, tmp_path):
    (tmp_path / "panels").write_text("a file in the folder's place")

    assert_as_stored(evenings, PanelFile(tmp_path / "panels" / "NSE"))


def test_a_ticker_more_and_one_less(evenings, file):
    tables = tables_of(evenings)
    fewer = {ticker: row for ticker, row in tables.members.items() if ticker != evenings.tickers[2]}
    some = PoolTables(tables.store, fewer, tables.settings, nse())
    load_kept_panel(some, file, keep=True)

    assert_as_stored(evenings, file)
    whole = load_panel(evenings.store, list(fewer), nse(), tables.horizons)
    assert_same(load_kept_panel(some, file, keep=True), whole)
