import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.data.corporate_actions.intake.subjects.grammar import parse_subject


@pytest.mark.parametrize(
    "subject",
    [
        "Annual General Meeting",
        "Annaul Genral Meeting (Book Closure Dates Revised)",
        "Extra Oridinary General Meeting",
        "AGM",
        "A.G.M.",
        "Court Convened Meeting",
        "Annual Book Closure",
        "Buyback Of Shares",
        "Buy Back Of Equity Shares @ Rs.4500/- Per Share",
        "Interest Payment",
        "Redemption",
        "First And Final Call Money Rs 5 Per Share",
        "Warrants Conversion",
        "Election Of Directors",
    ],
)
def test_meetings_buy_backs_and_interest_change_nothing(subject: str) -> None:
    assert {part.kind for part in parse_subject(subject)} == {"nothing"}


@pytest.mark.parametrize(
    ("subject", "kind", "label"),
    [
        ("Demerger", "demerger", ""),
        ("De-Merger", "demerger", ""),
        ("Scheme Of Arrangement In The Nature Of Demerger", "demerger", ""),
        ("Spin Off / Demerger", "demerger", ""),
        ("Scheme Of Arangement", "event", "scheme of arrangement"),
        ("Sheme Of Arrangement & Reconstruction", "event", "scheme of arrangement"),
        ("Capital Reduction -  From Rs 10/- To Rs 4/- Per Share", "event", "capital reduction"),
        ("Reduction Of Capital", "event", "capital reduction"),
        ("Scheme Of Amalgamation", "event", "amalgamation"),
        ("Spin Off", "event", "spin-off"),
    ],
)
def test_events_have_a_name_and_no_ratio(subject: str, kind: str, label: str) -> None:
    parts = {(part.kind, part.label, part.ratio) for part in parse_subject(subject)}
    assert parts == {(kind, label, None)}


def test_a_reduction_and_a_consolidation_are_told_apart() -> None:
    reduction, consolidation = parse_subject(
        "Capital Reduction Rs 10 To Rs 2.50 / Consolidation Rs 2.50 To Rs.10"
    )
    assert reduction.kind == "event"
    assert (consolidation.kind, consolidation.ratio) == ("split", 0.25)


@pytest.mark.parametrize("subject", ["", "   ", "-", "Rs 5", "Resolution Plan", "9:1"])
def test_a_subject_without_a_known_word_is_unclear(subject: str) -> None:
    assert [part.kind for part in parse_subject(subject)] == ["unclear"]


def test_what_is_clear_is_read_beside_what_is_not() -> None:
    kinds = [part.kind for part in parse_subject("Agm/Spl/Bon-1:1/Div-20%")]
    assert kinds == ["nothing", "unclear", "bonus", "dividend"]


@given(st.text(max_size=60))
def test_any_text_is_read_as_parts(subject: str) -> None:
    assert parse_subject(subject)
