"""Which changes of symbols can be entered beside those that count."""

import datetime as dt

import pytest

from src.core.errors import BadInput
from src.data.instruments.lists.stated import SymbolChange
from src.data.instruments.renames import ChangeIndex, change_rows

AT = dt.datetime(2026, 4, 13, 12, tzinfo=dt.UTC)
TODAY = dt.date(2026, 4, 13)
DAY, LATER = dt.date(2011, 6, 29), dt.date(2015, 1, 5)
STORED = SymbolChange("OLD.NS", "NEW.NS", DAY)


def check(change, *stored):
    return ChangeIndex(change_rows(stored, "a file", AT)).is_new(change, TODAY)


@pytest.mark.parametrize(
    "change",
    [
        SymbolChange("NEW.NS", "NEWEST.NS", LATER),
        SymbolChange("OLDER.NS", "OLD.NS", dt.date(2005, 1, 3)),
        # The symbol was taken up by another company, which changed it too.
        SymbolChange("OLD.NS", "OTHER.NS", LATER),
        # The company went back to its symbol.
        SymbolChange("NEW.NS", "OLD.NS", LATER),
    ],
)
def test_a_further_change_is_new(change):
    assert check(change, STORED)


def test_what_is_stored_already_is_not_new():
    assert not check(STORED, STORED)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (SymbolChange("OLD.NS", "OLD.NS", DAY), "cannot be renamed to itself"),
        (SymbolChange("OLD.NS", "NEW.BO", DAY), "are of two exchanges"),
        (SymbolChange("OLD.NS", "NEW.NS", dt.date(2026, 4, 14)), "lies in the future"),
        (SymbolChange("OLD.NS", "NEW.NS", dt.date(1911, 4, 14)), "is before 1990-01-01"),
        (SymbolChange("OLD.NS", "X.NS", DAY), r"OLD.NS became NEW.NS on 2011-06-29 .* undo that"),
        (SymbolChange("NEW.NS", "OLD.NS", DAY), "on the same day"),
        (SymbolChange("NEW.NS", "X.NS", DAY), "on the same day"),
        (SymbolChange("OLD.NS", "NEW.NS", LATER), "not on 2015-01-05: undo that first"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(change, sentence):
    with pytest.raises(BadInput, match=sentence):
        check(change, STORED)
