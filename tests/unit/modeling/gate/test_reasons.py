from operator import gt

import pytest

from src.modeling.gate import criteria, reasons
from src.modeling.gate import verdict as gate
from tests.support.gate_outcomes import UNIT, WIDE, outcomes, skilled


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (-0.4, "a step from forecasting zero towards it lowers no errors in units of volatility"),
        (2.1, "towards it lowers absolute errors in units of volatility could be chance (t 2.10"),
        (float("nan"), "do not differ enough from forecasting zero"),
    ],
)
def test_why_encompassing_is_not_enough_is_said(value, words):
    failed = criteria.weigh("t_encompassing_absolute_vs_zero", value, gt, 3.5)

    assert words in reasons.objection(failed)


def test_every_piece_of_evidence_has_its_question():
    actual = outcomes(300)
    verdict = gate.judge(actual, skilled(actual), -actual, sigma=UNIT[:300], rules=WIDE)

    assert {one.name.partition("_vs_")[0] for one in verdict.evidence} == set(reasons.QUESTIONS)


def test_unknown_evidence_is_named_and_does_not_pass():
    strange = criteria.weigh("rank_ic", float("nan"), gt, 0.02)

    assert (strange.passed, strange.value) == (False, None)
    assert reasons.objection(strange) == "rank_ic could not be measured"
    low = criteria.weigh("rank_ic", 0.01, gt, 0.02)
    assert reasons.objection(low) == "rank_ic is 0.01 against a limit of 0.02"
