from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.data.corporate_actions.intake.subjects.grammar import parse_subject


def ratios(subject: str) -> list[tuple[str, float | None]]:
    return [(part.kind, part.ratio) for part in parse_subject(subject) if part.kind != "nothing"]


@pytest.mark.parametrize(
    ("subject", "ratio"),
    [
        ("Bonus 1:1", 2.0),
        (" Bonus - 1 : 2 ", 1.5),
        ("BONUS-3:1", 4.0),
        ("Bonus issue 3:2", 2.5),
        ("Bonus2:5", 1.4),
        ("Bon 5:1purpose Revised", 6.0),
        ("Bonus Shares In The Ratio Of 1:4", 1.25),
        ("Bonus Issue 1:1 (1 Equity Share For Every 1 Share Held)", 2.0),
        ("Bonus 1 For 4", 1.25),
        ("1:1 Bonus", 2.0),
        ("Bonus 1:1 (Pursuant To Scheme Of Amalgamation)", 2.0),
        ("Bonous 1:1", 2.0),
        ("Bonus 1:1250", 1.0008),
    ],
)
def test_a_bonus_of_new_for_held_adds_them_up(subject: str, ratio: float) -> None:
    assert ratios(subject) == [("bonus", ratio)]


@pytest.mark.parametrize(
    ("subject", "ratio"),
    [
        ("Face Value Split (Sub-Division) - From Rs 10/- Per Share To Re 1/- Per Share", 10.0),
        ("Face Valus Split (Sub-Division) - From Rs 10/- Per To Rs 2/- Per Share", 5.0),
        ("Face Value Split From Rs.10/- To Rs.5/-", 2.0),
        ("Fv Splt Frm Rs 10 To Re 1", 10.0),
        ("Fv Split Rs.10/- To Rs.2/Rd Date Revised", 5.0),
        ("FVSPLT FRMRS 100 TO RS 10", 10.0),
        ("Fv Spl-Rs10tors2", 5.0),
        ("F.V. SPL-RS5/- TO RS2/-", 2.5),
        ("SPLT-RS.10-RE.1", 10.0),
        ("FVSPLTFRM10TO4", 2.5),
        ("Sub Div Frm Rs 6 To Rs 2", 3.0),
        ("Sub-Division Of 1 Share Of Rs 10 Into 5 Shares Of Rs 2 Each", 5.0),
        ("Stock  Split From Rs.10/- to Rs.2/-", 5.0),
        ("Stock Split 1:5", 5.0),
        ("Consolidation Of Shares From Re 1 To Rs 10", 0.1),
        ("Fv Consoldtn Frm Rs 2 To Rs 10", 0.2),
        ("Reverse Stock Split 1:10", 0.1),
    ],
)
def test_a_change_of_face_value_is_the_old_by_the_new(subject: str, ratio: float) -> None:
    assert ratios(subject) == [("split", ratio)]


def test_a_split_keeps_its_face_values() -> None:
    (part,) = parse_subject("Face Value Split From Rs 10 To Rs 2")
    assert part.detail == {"from_face_value": 10.0, "to_face_value": 2.0}


@pytest.mark.parametrize(
    "subject",
    [
        "Bonus 1:2/Face Value Split (Sub-Division) - From Rs 10/- Per Share To Rs 5/- Per Share",
        "Bonus 1:2 And Face Value Split Rs.10/- To Rs.5/-",
        "BONUS1:2/FVSPLIT10TO5",
        "Bon-1:2 Spl-Rs 10/ To 5/",
    ],
)
def test_a_bonus_and_a_split_are_both_read(subject: str) -> None:
    assert ratios(subject) == [("bonus", 1.5), ("split", 2.0)]


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        ("Bonus", "it names no ratio"),
        ("Bonus 0:1", "a bonus of 0:1 is impossible"),
        ("Bonus 1:0", "a bonus of 1:0 is impossible"),
        ("Bonus 1:1 (Revised From 1:2)", "it names more than one ratio"),
        ("Bonus 1:1 (Cancelled)", "the word 'cancelled' is not known"),
        ("Bonus 1:1 Deferred", "the word 'deferred' is not known"),
        ("Face Value Split From Rs 10 To Rs", "it does not name two face values"),
        ("Face Value Split From Rs 2 To Rs 10", "a split from 2 to 10 is impossible"),
        ("Face Value Split From Rs 10 To Rs 10", "a split from 10 to 10 is impossible"),
        ("Face Value Split From Rs 0 To Re 1", "a split from 0 to 1 is impossible"),
        ("Consolidation From Rs 10 To Re 1", "a consolidation from 10 to 1 is impossible"),
        ("Change In Face Value From Rs 10 To Rs 2", "no word says what it is"),
        ("Split Us 64 Into 2 Parts", "the word 'us' is not known"),
    ],
)
def test_what_is_not_said_clearly_is_not_guessed(subject: str, reason: str) -> None:
    (part,) = parse_subject(subject)
    assert (part.kind, part.label) == ("unclear", reason)


@pytest.mark.parametrize(
    "subject",
    [
        "Bonus Ncrps 4:1",
        "Bonus 1:1 (Debentures)",
        "Bonus Preference Shares 21:1",
        "Bonus Deb1:1",
        "Bonus Ccps 1:2",
    ],
)
def test_a_bonus_of_other_securities_changes_no_shares(subject: str) -> None:
    assert [part.kind for part in parse_subject(subject)] == ["nothing"]


def test_a_bonus_of_another_class_of_shares_is_an_event_without_a_ratio() -> None:
    (part,) = parse_subject("Bonus 1 Dvr : 10 Eq Share")
    assert (part.kind, part.ratio) == ("event", None)


@pytest.mark.parametrize(
    ("subject", "premium", "price", "is_partly_paid"),
    [
        ("Rights 1:4 @ Premium Rs 190/-", 190.0, None, False),
        ("Rights 1:4@Prem Rs 190", 190.0, None, False),
        ("RGHTS 1:4 @PRM RS 190/-", 190.0, None, False),
        ("Rights At 1:4 At A Premium Of Rs.190 Per Share", 190.0, None, False),
        ("Rights 1:4 @ Par", 0.0, None, False),
        ("Rights 1:4 @ Premium Rs 0/-", 0.0, None, False),
        ("Rights 1:4 Partly Paid @ Premium Rs 190/-", 190.0, None, True),
        ("Rights 1:4 @ Rs 200/-", None, 200.0, False),
        ("Rights 1:4", None, None, False),
    ],
)
def test_rights_have_their_offer(
    subject: str, premium: float | None, price: float | None, is_partly_paid: bool
) -> None:
    (part,) = parse_subject(subject)
    assert part.kind == "rights"
    assert part.detail["offers"] == [
        {
            "new": 1.0,
            "held": 4.0,
            "premium": premium,
            "price": price,
            "partly_paid": is_partly_paid,
        }
    ]


def test_two_offers_of_rights_are_both_kept() -> None:
    (part,) = parse_subject(
        "Rights - 3:20 Fully Paid Up Shares @ Premium Rs 400/- Per Share / 1:20 Partly Paid Up "
        "Shares @ Premium Rs 450/- Per Share"
    )
    offers = [
        (offer["new"], offer["premium"], offer["partly_paid"]) for offer in part.detail["offers"]
    ]
    assert offers == [(3.0, 400.0, False), (1.0, 450.0, True)]


counts = st.integers(1, 60)
bonus_spellings = st.sampled_from(
    (
        *("Bonus {}:{}", "BONUS {} : {}", "Bonus-{}:{}", "bonus issue {}:{}", "Bon {}:{}"),
        *("Annual General Meeting/Dividend - Rs 5 Per Share/Bonus {}:{}", "Bonus {}: {} (Revised)"),
        *("Bonus {}:{}/Fv Splt Frm Rs 10 To Rs 5", "Dividend Rs.2/- And Bonus {} :{}"),
    )
)


@given(counts, counts, bonus_spellings)
def test_every_spelling_of_a_bonus_is_read_back(new: int, held: int, spelling: str) -> None:
    parts = [part for part in parse_subject(spelling.format(new, held)) if part.kind == "bonus"]
    assert len(parts) == 1
    assert isclose(parts[0].ratio or 0, 1 + new / held)


values = st.sampled_from(["0.5", "1", "2", "2.50", "4", "5", "6", "10", "100", "1,000"])
money = st.sampled_from(["Rs {}", "Rs.{}", "Rs.{}/-", "Rs{}/-", "Re {}", "Rs. {} /- Per Share"])
split_spellings = st.sampled_from(
    (
        *("Face Value Split (Sub-Division) - From {} To {}", "Fv Splt Frm {} To {}"),
        *("Fv Split {} To {}", "Sub-Division From {} To {}", "Stock  Split From {} to {}"),
        *(
            "FACE VALUE SPLIT {} TO {}",
            "Spl-{} To {}",
            "Bonus 1:1 / Face Value Split From {} To {}",
        ),
    )
)


@given(values, values, money, money, split_spellings)
def test_every_spelling_of_a_split_is_read_back(
    before: str, after: str, first: str, second: str, spelling: str
) -> None:
    subject = spelling.format(first.format(before), second.format(after))
    parts = [part for part in parse_subject(subject) if part.kind in ("split", "unclear")]
    was, becomes = (float(value.replace(",", "")) for value in (before, after))
    assert len(parts) == 1
    if 1 < was / becomes <= 1000:
        assert isclose(parts[0].ratio or 0, was / becomes)
    else:
        assert parts[0].kind == "unclear"
