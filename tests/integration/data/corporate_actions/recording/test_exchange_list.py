"""What an exchange lists goes into the ledger of the tickers of today, and decisions stand."""

import datetime as dt

import polars as pl
import pytest

from src.core.calendars.nse import nse
from src.core.tables import CORPORATE_ACTIONS, SYMBOL_CHANGES
from src.data.corporate_actions.intake.exchange_lists.rows import ActionRow
from src.data.corporate_actions.recording.exchange_list import (
    record_list,
    under_tickers_of_today,
)
from src.data.corporate_actions.recording.history import record_rows
from src.data.corporate_actions.recording.joined import joined_actions
from src.data.instruments.lists.stated import SymbolChange
from src.data.instruments.renames import change_rows
from tests.support.prices import NOW

OLD, NEW = "OLDNAME.NS", "NEWNAME.NS"
EX_DATE, CHANGED = dt.date(2026, 4, 7), dt.date(2026, 4, 9)
ROW = ActionRow(2, OLD, "EQ", "Bonus 1:1", 10.0, EX_DATE)


@pytest.fixture
def take(store):
    """Take the list of one bonus; how many rows of the ledger are new."""

    def taking(at):
        with store.transaction():
            listed = under_tickers_of_today([ROW], store.identities())
            tickers = [row.ticker for row in listed]
            return record_list(store, listed, tickers, "nse", nse(), at).changes.new

    return taking


def test_a_list_read_again_after_a_renaming_is_not_new_and_leaves_a_decision(store, take):
    first = take(NOW)
    reject = store.load(CORPORATE_ACTIONS, [OLD]).with_columns(
        status=pl.lit("rejected"), decided_by=pl.lit("person")
    )
    with store.transaction():
        record_rows(store, reject, NOW + dt.timedelta(hours=1))
        change = change_rows([SymbolChange(OLD, NEW, CHANGED)], "a test", NOW)
        store.insert(SYMBOL_CHANGES, change)

    second = take(NOW + dt.timedelta(hours=2))

    assert (first, second) == (1, 0)
    ledger = joined_actions(store, CORPORATE_ACTIONS, [NEW], store.identities())
    assert ledger.select("ticker", "date", "kind", "ratio", "status").rows() == [
        (NEW, EX_DATE, "bonus", 2.0, "rejected")
    ]
