"""What a person writes as a ratio is read by its kind, or refused with what to write."""

import argparse

import pytest

from src.core.errors import UsageError
from src.data.corporate_actions.decisions.ratios import ratio_of, ratio_text


@pytest.mark.parametrize(
    ("text", "kind", "ratio"),
    [
        ("2", "bonus", 2.0),
        # One new share for each held makes two of one; one for two makes three of two.
        ("1:1", "bonus", 2.0),
        ("1:2", "bonus", 1.5),
        ("3/1", "bonus", 4.0),
        ("0.1", "split", 0.1),
        ("1", "demerger", 1.0),
        ("5", None, 5.0),
    ],
)
def test_a_ratio_is_read_by_its_kind(text, kind, ratio):
    assert ratio_of(ratio_text(text), kind) == ratio


@pytest.mark.parametrize(
    ("text", "kind", "sentence"),
    [
        (
            "1",
            "bonus",
            "A bonus leaves more shares than before, and a ratio of 1 does not: --ratio is shares "
            "after / before, so a 1:1 bonus is 2 and a 1:2 bonus 1.5 (or write --ratio 1:1, 1:2).",
        ),
        ("1", "split", "A split of ratio 1 changes nothing: --ratio is shares after / before."),
        (
            "1:2",
            "split",
            "A split of 1:2 may be read both ways: --ratio is shares after / before, so write 2 if "
            "1 became 2, or 0.5 if 2 became 1.",
        ),
        (
            "1:2",
            None,
            "1:2 is understood for a bonus alone: say --kind bonus, or write the ratio as one "
            "number.",
        ),
        (
            "1:2",
            "rights",
            "The ratio of rights is one number, not 1:2: the value of a share before it over the "
            "value after it, such as 1.05.",
        ),
        ("0:1", "bonus", "A bonus of 0:1 cannot be: write new shares : shares held, as 1:2."),
    ],
)
def test_what_has_two_readings_or_none_is_refused_in_one_sentence(text, kind, sentence):
    with pytest.raises(UsageError) as refused:
        ratio_of(ratio_text(text), kind)

    assert str(refused.value) == sentence


def test_words_are_no_ratio():
    with pytest.raises(argparse.ArgumentTypeError, match="'half' is not a ratio such as 2"):
        ratio_text("half")
