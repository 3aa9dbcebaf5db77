"""What the report says of the ledger's rows is in words."""

import datetime as dt
import json

from src.data.report.actions import action_cells, evidence_text

KNOWN = dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)


def cells(kind, ratio=None, amount=None, **evidence):
    return action_cells(
        {
            "kind": kind,
            "ratio": ratio,
            "amount": amount,
            "status": "applied",
            "origin": "stated",
            "source": "nse",
            "decided_by": "rule",
            "known_at": KNOWN,
            "evidence": json.dumps(evidence),
        }
    )


def test_a_demergers_ratio_is_no_split():
    assert cells("demerger", ratio=2.9)[1] == "divides earlier prices by 2.9"
    assert cells("bonus", ratio=1.5)[1] == "1.5 for 1"
    assert cells("dividend", amount=5.0)[1] == "5 a share"


def test_rights_are_told_with_their_price_and_what_follows_in_theory():
    evidence = {
        "subject": "Rights 9:77 @ Premium Rs 105/-",
        "offers": [{"new": 9.0, "held": 77.0, "premium": 105.0, "price": 110.0}],
        "theoretical": {
            "close_before": 302.5,
            "prev_date": "2020-06-30",
            "source": "nse",
            "ex_rights": 282.36046511627905,
        },
    }

    assert evidence_text(json.dumps(evidence)) == (
        "subject Rights 9:77 @ Premium Rs 105/-, offers 9 new for 77 held at 110.00, close before "
        "302.50 (nse, 2020-06-30), in theory 282.36 without the right"
    )


def test_a_jump_and_other_parts_have_no_brackets_and_no_long_fractions():
    evidence = {
        "doubt": "the price opened -65.2% on 2025-05-22",
        "jump": {
            "date": "2025-05-22",
            "prev_date": "2025-05-21",
            "prev_close": 266.95001220703125,
            "open": 93.0,
            "close": 89.8499984741211,
            "other_sources": {"yahoo": 2.9},
        },
        "other_securities": True,
        "more": [{"some": 1.25}, "words"],
    }

    assert evidence_text(json.dumps(evidence)) == (
        "doubt the price opened -65.2% on 2025-05-22, close of 2025-05-21 266.95, then on "
        "2025-05-22 open 93.00 and close 89.85, other securities, more some 1.25; words"
    )


def test_the_doubts_of_an_inference_are_words():
    evidence = {
        "open_ratio": 0.5,
        "close_ratio": 0.51,
        "nearest": "1/2",
        "doubts": ["no session after it yet", "the price bands allow the move"],
    }

    assert evidence_text(json.dumps(evidence)) == (
        "open ratio 0.5, close ratio 0.51, nearest 1/2, doubts no session after it yet; the price "
        "bands allow the move"
    )
