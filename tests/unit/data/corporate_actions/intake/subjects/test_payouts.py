from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.data.corporate_actions.intake.subjects.grammar import parse_subject


def amounts(subject: str, *, is_unit: bool = False) -> list[float | None]:
    parts = parse_subject(subject, is_unit=is_unit)
    assert {part.kind for part in parts} <= {"dividend", "nothing"}
    return [part.amount for part in parts if part.kind == "dividend"]


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Interim Dividend - Rs 6.50 Per Share", [6.5]),
        ("Interim Dividend - Re 0.50 Per Share", [0.5]),
        ("Annual General Meeting/Dividend - Rs 5 Per Share", [5.0]),
        ("Annual General Meetingdividend - Rs 7.50 Per Share", [7.5]),
        ("AGM/DIV-RS.2.50 PR SH", [2.5]),
        ("Intdiv-Rs.2/-", [2.0]),
        ("2ND INT DIV-RS.3/- PR SHR", [3.0]),
        ("Interim Dividend Rs - 5 Per Share", [5.0]),
        ("Dividend - Rs5/- Per Sh", [5.0]),
        ("Dividend - Rs 1,000 Per Share", [1000.0]),
        ("Dividend - Rs.0.60 Per Share", [0.6]),
        ("Dividend - Re 0..45 Per Share", [0.45]),
        ("Dividend - Rs 0 .85 Per Share", [0.85]),
        ("Interim Dividend - Rs. - 18.0000", [18.0]),
        ("Dividned - 4 Per Share", [4.0]),
        ("Dividend - Rs 5/- (50%)", [5.0]),
        ("Interim Dividend Rs 6/- Plus Special Dividend Rs 4/- Per Share", [6.0, 4.0]),
        ("Interim Dividend - Rs 7 Per Share Special Dividend - Rs 3 Per Share", [7.0, 3.0]),
        ("Dividend - Final Rs 22 + Special Rs 10", [22.0, 10.0]),
        ("Agm/Spl Div- Rs.6/- Div-8.5/-", [6.0, 8.5]),
        ("DIV/SPDIV - RS 3 & RS 4", [3.0, 4.0]),
        ("Dividend-Rs.9.25 Per Share (Including Special Dividend Of Rs.3/- Per Share).", [9.25]),
        ("Dividend Rs.3/- (Final Rs.2/- And Special Re.1/-)", [3.0]),
        ("AGM/DIV-(FIN-RS 3+SPL-RS 2)", [3.0, 2.0]),
        ("Interim Dividend - Rs 3 Per Equity Share Of Face Value Of Rs 10 Each", [3.0]),
        ("Dividend - Rs 13.50 Per Share Pursuant To Scheme", [13.5]),
        ("Interest Dividend - Re 1 Per Share", [1.0]),
    ],
)
def test_dividends_are_read_in_rupees_a_share(subject: str, expected: list[float]) -> None:
    assert amounts(subject) == expected


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Dividend-50%", [50.0]),
        ("Int Div-180% Purpose Revised", [180.0]),
        ("AGM/DIV.170%/SPL DIV.600%", [170.0, 600.0]),
        ("Agm/Div Fin-10% + Spl-5%", [10.0, 5.0]),
    ],
)
def test_per_cents_of_the_face_value_stay_per_cents(subject: str, expected: list[float]) -> None:
    parts = [part for part in parse_subject(subject) if part.kind == "dividend"]
    assert [(part.percent, part.amount) for part in parts] == [(value, None) for value in expected]


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (
            "Distribution - Rs 3.75 Per Unit Consisting Of Rs 1.55 Per Unit As Interest Income & "
            "Rs 2.20 Per Unit As Repayment Of Spv Loan",
            3.75,
        ),
        ("Distribution Rs 4 Per Unit For The Third Quarter Of Fy 2020-21(Purpose Revised)", 4.0),
        ("Distribution - Interest Payment Rs 2.60 Per Unit/ Principle Re 0.90 Per Unit", 3.5),
        ("Interest -Rs 1.3/Return On Capital -Rs 0.52/Interim Dividend -Rs 0.81", 2.63),
        ("Distribution - Rs 5 Per Unit/Interest - Rs 2 Per Unit/Dividend - Rs 3 Per Unit", 5.0),
        ("Dividend - Rs Per 0.07 Unit/Interest Payment - Rs 2.81 Per Unit", 2.88),
    ],
)
def test_a_trust_pays_out_its_total_once(subject: str, expected: float) -> None:
    assert amounts(subject, is_unit=True) == [expected]


def test_interest_is_paid_out_by_trusts_alone() -> None:
    assert amounts("Interest Payment") == []
    assert amounts("Interest - Rs 2 Per Unit") == [2.0]


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        ("Interim Dividend", "it names no amount"),
        ("Annual General Meeting/Dividend - Rs  Per Share", "it names no amount"),
        ("Dividend/Special Dividend - Rs 5 Per Share", "it names several amounts"),
        ("Dividend - Rs 5 Rs 6 Per Share", "it names several amounts"),
        ("Dividend - Re 0.0 Per Share", "a dividend of 0.0 is impossible"),
        ("Dividend - Rs 2,50 Per Share", "',' is not understood in a dividend"),
        ("Dividend - Rs 5 Per Share Cancelled", "'cancelled' is not understood in a dividend"),
        ("Annual General Meeting- Re 0.65 Per Share", "0.65 is not said to be a dividend"),
        (
            "Dividend Rs.3/- (Special Re.1/-)",
            "what stands in brackets is not the sum of what stands before them",
        ),
        ("Distribution", "it names no amount"),
        (
            "Distribution - Rs 5 Per Unit/Interest - Rs 2 Per Unit/Dividend - Rs 2 Per Unit",
            "its total is not the sum of its parts",
        ),
    ],
)
def test_amounts_that_are_not_clear_are_not_guessed(subject: str, reason: str) -> None:
    reasons = [part.label for part in parse_subject(subject) if part.kind == "unclear"]
    assert reasons == [reason]
    assert not any(part.kind == "dividend" for part in parse_subject(subject))


paise = st.integers(1, 500_000)
spellings = st.sampled_from(
    (
        *("Dividend - Rs {} Per Share", "Interim Dividend Rs.{}/- Per Share", "Intdiv-Rs.{}/-"),
        *("AGM/DIV - RS {} PER SH", "Annual General Meeting/ Dividend -Rs {}/- (Date Revised)"),
        *("Special Dividend Rs - {} Per Share", "Dividend of {} Per Share", "Bonus 1:1/Div-Rs{}"),
    )
)


@given(paise, spellings)
def test_every_spelling_of_a_dividend_is_read_back(amount: int, spelling: str) -> None:
    read = [part.amount for part in parse_subject(spelling.format(f"{amount / 100:.2f}"))]
    (value,) = [value for value in read if value is not None]
    assert isclose(value, amount / 100)
