"""Rows that were held back, in words and cells."""

from src.dashboard.parts.monitoring.quality.held_back import as_cells, sentence
from src.db.pages.held_back import HeldBackRow, RuleCount

BAR = {"at": "2026-04-20", "open": 1.5, "high": 2.0, "low": 1.0, "close": 1234.5, "volume": 9e6}


def row(values, at="2026-04-20", kind="daily", action="rejected"):
    return HeldBackRow(at, "A.NS", "s", kind, 1, 0, "a_rule", "yahoo", "why", action, values)


def test_the_sentence_counts_and_names_the_rules():
    counts = [
        RuleCount("null_bar", "rejected", 1200, "2026-04-20"),
        RuleCount("gap", "repaired", 7, "2026-04-21"),
        RuleCount("non_session", "rejected", 5, "no date"),
    ]
    assert sentence(counts[:2], None, 9) == (
        "**1,200 rows are held back:** missing prices (1,200). The newest is of Mon 20 Apr 2026. "
        "7 were filled from elsewhere."
    )
    assert "1,205 rows of A.NS are" in sentence(counts, "A.NS", 9)
    assert sentence([], "A.NS", 4321) == (
        "No row of A.NS is held back. 4,321 rows were checked in the last run."
    )


def test_cells_say_what_was_seen_in_which_field():
    seen = "open 1.5, high 2, low 1, close 1,234.5, volume 9,000,000"
    whole = as_cells(row(BAR))
    assert whole[:6] == ("Mon 20 Apr 2026", "A.NS", "whole row", seen, "why", "✕ held back")
    part = as_cells(row({**BAR, "open": None, "close": None, "adj_close": None}))
    assert part[2:4] == ("open, close", "high 2, low 1, volume 9,000,000")
    nothing = as_cells(row(dict.fromkeys(("open", "high", "low", "close", "volume"))))
    assert nothing[2:4] == ("whole row", "nothing")
    text = as_cells(row({"Date": "31/02/2026", "Close": "x"}, at="31/02/2026"))
    assert text[0] == "31/02/2026"
    assert text[2:4] == ("whole row", "Date 31/02/2026, Close x")
    assert as_cells(row(BAR, at="2026-04-20 04:15:00+00", kind="hourly"))[0] == (
        "Mon 20 Apr 2026 04:15:00"
    )
    assert as_cells(row(BAR, action="repaired"))[5] == "◆ filled from elsewhere"
