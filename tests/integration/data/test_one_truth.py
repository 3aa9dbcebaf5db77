"""Sources that differ in everything but the truth give one clean table."""

import dataclasses
import datetime as dt

import pytest

from src.core.tables import CLEAN_DAILY
from src.data.cleaning import stage as cleaning
from src.data.corporate_actions.decisions.manual import entered_row
from src.data.corporate_actions.recording.history import record_rows
from src.data.ingest import stage as ingest
from tests.support.price_files import file_source
from tests.support.price_layouts import LAYOUTS, TCS, Bar, as_text
from tests.support.prices import NOW, context, rows, run

BONUS, DIVIDEND = dt.date(2024, 12, 10), dt.date(2024, 12, 18)
AMOUNT = 7.5


def as_traded():
    """The bars as the exchange printed them: halved, with twice the volume, from the bonus on."""
    return [
        bar
        if bar.day < BONUS
        else Bar(bar.day, *(round(price / 2, 2) for price in bar.prices), 2 * bar.volume)
        for bar in TCS
    ]


def as_yahoo_gives_it():
    """The header and the rows: adjusted for the bonus, Adj Close also for the dividend."""
    traded = as_traded()
    split = [
        dataclasses.replace(
            bar,
            **{name: getattr(bar, name) / 2 for name in ("open", "high", "low", "close")},
            volume=2 * bar.volume,
        )
        if bar.day < BONUS
        else bar
        for bar in traded
    ]
    before = next(bar.close for bar in reversed(split) if bar.day < DIVIDEND)
    factor = (before - AMOUNT) / before
    header, *table = LAYOUTS["yahoo"].table("TCS", split)
    at = header.index("Adj Close")
    for row, bar in zip(table, split, strict=True):
        row[at] = repr(bar.close * factor if bar.day < DIVIDEND else bar.close)
    return [header, *table]


def files():
    traded = as_traded()
    return {
        "udiff": (LAYOUTS["udiff"].table("TCS", traded), {}),
        "old_bhavcopy": (LAYOUTS["old_bhavcopy"].table("TCS", traded), {}),
        "website": (LAYOUTS["website"].table("TCS", traded), {}),
        "amibroker": (LAYOUTS["amibroker"].table("TCS", traded), {"basis": "unadjusted"}),
        "yahoo": (as_yahoo_gives_it(), {}),
    }


@pytest.mark.parametrize("layout", files())
def test_every_source_gives_the_same_clean_table(tmp_path, store, home, layout):
    table, options = files()[layout]
    path = tmp_path / LAYOUTS[layout].name
    path.write_text(as_text(table))
    run_context = context(store, home)
    run(ingest.stage(file_source(path, ticker="TCS.NS", **options)), run_context)
    if layout != "yahoo":
        record_rows(store, entered_row("TCS.NS", BONUS, "bonus", 2.0, NOW), NOW)
        record_rows(store, entered_row("TCS.NS", DIVIDEND, "dividend", AMOUNT, NOW), NOW)
    run(cleaning.STAGE, run_context)

    clean = rows(store, CLEAN_DAILY).sort("date")
    assert clean["date"].to_list() == [bar.day for bar in TCS]
    # By hand: 4105.45 - 5 * 6.15 = 4074.70 closes the first day and, before the bonus is taken out,
    # that before the dividend: half of it is 2037.35, and Adj Close before the dividend is
    # (2037.35 - 7.5) / 2037.35 = 0.99632 of the close.
    assert clean["close"][0] == pytest.approx(2037.35, rel=1e-9)
    assert clean["adj_close"][0] == pytest.approx(2029.85, rel=1e-9)
    header, *right = as_yahoo_gives_it()
    for row, bar in zip(clean.iter_rows(named=True), right, strict=True):
        expected = dict(zip(map(str.lower, header[1:]), map(float, bar[1:]), strict=True))
        for name, value in expected.items():
            assert row[name.replace(" ", "_")] == pytest.approx(value, rel=1e-9), (row, name)
