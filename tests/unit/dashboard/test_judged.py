"""The sentence about a verdict never says more than its range."""

import pytest

from src.dashboard.judged import Judged, headline, sentence
from src.dashboard.wording import NO_BREAK, periods


def judged(verdict="undecided", skill=0.004, low=-0.078, high=0.085, horizon=63, **fields):
    return Judged(
        **{
            "pool": "NSE",
            "horizon": "long",
            "sessions": horizon,
            "tickers": 21,
            "candidate": "drift",
            "verdict": verdict,
            "reason": "Undecided: t 1.86, more than 3.41 is needed",
            "skill": skill,
            "low": low,
            "high": high,
            "n": 43698,
            "n_eff": 38.03,
            "digest": "aa",
            **fields,
        }
    )


def plain(text):
    return text.replace(NO_BREAK, " ")


@pytest.mark.parametrize(
    ("values", "line"),
    [
        (
            judged(),
            "No demonstrated edge at 63 sessions: skill +0.4 %, 95 % range −7.8 to +8.5 %",
        ),
        (
            judged("better", 0.0004, 0.0002, 0.0006, 1),
            "Better than “no change” at 1 session: skill +0.040 %, 95 % range +0.020 to +0.060 %",
        ),
        # An end next to zero is not written as zero.
        (
            judged(skill=0.0094, low=-0.00002, high=0.0188),
            "No demonstrated edge at 63 sessions: skill +0.940 %, 95 % range −0.002 to +1.880 %",
        ),
        (judged(low=None, high=None), "No demonstrated edge at 63 sessions: skill +0.40 %"),
        (judged("none", None, None, None), "Too early to say at 63 sessions"),
    ],
)
def test_the_headline_has_the_skill_and_its_range(values, line):
    assert plain(headline(values)) == line


@pytest.mark.parametrize(
    ("values", "part"),
    [
        (judged(), "0.4 % lower than “no change”, but the 95 % range (−7.8 to +8.5 %) includes"),
        (judged(skill=-0.004), "0.4 % higher than “no change”, but"),
        (judged(low=0.001, high=0.007), "The gate asks for more than the 95 % range"),
        (judged(low=None, high=None), "The gate asks for more than that: Undecided: t 1.86"),
        (judged("better", 0.02, 0.01, 0.03), "(+1.0 to +3.0 %) is all above zero."),
        (judged("worse", -0.02, -0.03, -0.01), "is all below zero. Prefer the baseline."),
        # A gate that weighs more than this range gives its own reason.
        (judged("better", 0.02, -0.01, 0.05), "lower than “no change”; Undecided: t 1.86"),
        (judged("none", None, None, None), "38.0 independent outcomes so far."),
    ],
)
def test_a_sentence_says_what_the_range_says(values, part):
    assert part in plain(sentence(values))


@pytest.mark.parametrize(
    ("n_eff", "text"), [(3.97, "3.9"), (38.03, "38.0"), (99.98, "99.9"), (1741.4, "1,741")]
)
def test_periods_are_never_more_than_there_are(n_eff, text):
    assert periods(n_eff) == text
