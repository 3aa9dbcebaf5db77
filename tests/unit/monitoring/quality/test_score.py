import datetime as dt

import pytest

from src.monitoring.quality.dimensions import judge
from src.monitoring.quality.facts import Defect, Hole, TickerFacts
from src.monitoring.quality.observe import quality_observations
from src.monitoring.quality.score import as_row, combine, overall

SESSION = dt.date(2026, 4, 16)
WHOLE = TickerFacts("TCS.NS", 5000, 5000, 0, 0, 0, 0, SESSION)


def facts(**changes):
    return TickerFacts(**vars(WHOLE) | changes)


def defect(age=0, amount=1.0, what="refused by null_bar"):
    return Defect(age, SESSION, what, amount)


def score_of(name, stale_after=1, **changes):
    (dimension,) = (each for each in judge(facts(**changes), stale_after) if each.name == name)
    return dimension.score


def row(ticker_facts=WHOLE, pool="NSE"):
    made = as_row(judge(ticker_facts, 1), ticker_facts.behind)
    return {"session": SESSION, "pool": pool, **made}


def test_whole_data_score_a_hundred_and_nothing_would_raise_it():
    dimensions = judge(WHOLE, 1)
    assert [each.name for each in dimensions] == [
        *("completeness", "validity", "consistency", "timeliness", "continuity", "agreement")
    ]
    assert [each.score for each in dimensions] == [100.0] * 5 + [None]
    assert [each.remedy for each in dimensions[:5]] == [""] * 5
    assert row()["score"] == 100.0
    assert row()["dimensions"]["validity"] == {"score": 100.0}


@pytest.mark.parametrize(
    "changes",
    [
        {"refusals": (defect(),), "refused": 1},
        {"missing": (defect(),), "bars": 4999},
        {"incomplete": (defect(),)},
        {"contradictions": (defect(),), "pending": 1},
        {"compared": 21, "apart": (defect(),)},
        {"behind": 1},
    ],
)
def test_one_bad_newest_bar_among_five_thousand_is_below_the_line(changes):
    # The dimension has 70 at most, the others 100: .8 x 70 + .2 x (at most 95).
    assert row(facts(**changes))["score"] <= 75.0


def test_what_is_wrong_weighs_less_with_every_session():
    scores = [score_of("validity", refusals=(defect(age),)) for age in range(4)]
    assert scores == pytest.approx([70.0, 79.0, 85.3, 89.71])


def test_several_defects_of_one_session_count_once_those_of_several_add_up():
    assert score_of("validity", refusals=(defect(), defect())) == pytest.approx(70.0)
    assert score_of("validity", refusals=(defect(), defect(1))) == pytest.approx(49.0)
    everything = tuple(defect(age) for age in range(21))
    assert 0 <= score_of("validity", refusals=everything) < 0.1


def test_the_whole_history_counts_by_its_share():
    assert score_of("completeness", bars=4500) == pytest.approx(90.0)
    assert score_of("validity", refused=1250) == pytest.approx(80.0)
    assert score_of("consistency", pending=100, repaired=300) == pytest.approx(95.0)


def test_timeliness_falls_from_the_session_that_is_stale():
    assert [score_of("timeliness", behind=n) for n in (0, 1, 3)] == pytest.approx([100, 70, 34.3])
    assert [score_of("timeliness", stale_after=3, behind=n) for n in (2, 3)] == [
        100,
        pytest.approx(70),
    ]


def test_a_hole_costs_by_its_length_and_fades_over_a_year():
    def continuity(length, age):
        return score_of("continuity", holes=(Hole(length, age, SESSION),))

    assert continuity(2, 0) == pytest.approx(90.0)
    assert continuity(6, 0) == pytest.approx(100 * 0.9**5)
    assert continuity(6, 126) == pytest.approx(100 - 50 * (1 - 0.9**5))
    assert continuity(6, 252) == 100.0
    assert score_of("continuity", holes=(Hole(2, 0, SESSION), Hole(6, 0, SESSION))) == (
        pytest.approx(100 * 0.9**5)
    )


def test_a_repeated_bar_is_shown_by_its_session():
    day = SESSION - dt.timedelta(days=1)
    repeated = Defect(1, day, "the same bar as the session before")
    remedies = {row.name: row.remedy for row in judge(facts(contradictions=(repeated,)), 1)}
    assert f"report --ticker TCS.NS --date {day}`" in remedies["consistency"]


def test_each_dimension_says_what_was_found_and_what_would_raise_it():
    low = facts(
        bars=4998,
        missing=(defect(3, what="no bar"),),
        refusals=(defect(0),),
        refused=2,
        pending=1,
        contradictions=(defect(1, what="a jump that waits for a decision"),),
        behind=2,
        holes=(Hole(2, 5, SESSION),),
        compared=21,
        apart=(defect(2, 0.3, "the returns of nse and yahoo differ by 0.40%"),),
    )
    words = {each.name: (each.found, each.remedy) for each in judge(low, 1)}
    report = "`python -m src.data.report --ticker TCS.NS`"
    assert words == {
        "completeness": (
            "Of 5,000 sessions 2 have no bar; the newest: 2026-04-16, no bar.",
            f"Bring in the missing sessions: {report} lists them.",
        ),
        "validity": (
            "Refused rows: 2; the newest: 2026-04-16, refused by null_bar.",
            f"Bring in corrected bars: {report} has each refused row with its reason.",
        ),
        "consistency": (
            "Jumps that wait for a decision: 1, bars filled from another place: 0; the newest: "
            "2026-04-16, a jump that waits for a decision.",
            "Decide on the jumps: `python -m src.data.corporate_actions list --ticker TCS.NS` "
            "names them.",
        ),
        "timeliness": (
            "The newest features are of 2026-04-16, 2 sessions behind.",
            "Bring in newer prices: `python -m mlops.pipeline --ticker TCS.NS`.",
        ),
        "continuity": (
            "2 sessions in a row are missing before 2026-04-16.",
            "Bring in those sessions; where nothing traded, the score rises over 252 sessions.",
        ),
        "agreement": (
            "Of 21 recent returns 1 differ; the newest: 2026-04-16, the returns of nse and yahoo "
            "differ by 0.40%.",
            f"Find out which source is wrong: {report} sets them side by side.",
        ),
    }


def test_the_worst_dimension_has_four_fifths_of_the_say():
    assert combine([70.0, 100.0, None, 100.0]) == pytest.approx(0.8 * 70 + 0.2 * 90)


def test_the_score_of_all_is_of_the_mean_of_each_dimension():
    bad = row(facts(ticker="INFY.NS", refusals=(defect(),), refused=1))
    every = overall({"TCS.NS": row(), "INFY.NS": bad})
    validity = every["dimensions"]["validity"]
    assert validity["score"] == pytest.approx(85.0, abs=0.01)
    assert validity["found"] == "The mean of 2 tickers; lowest: INFY.NS 69.99."
    assert validity["remedy"].startswith("Bring in corrected bars: ")
    assert every["dimensions"]["completeness"] == {"score": 100.0}
    assert every["dimensions"]["agreement"]["score"] is None
    assert every["score"] == pytest.approx(0.8 * 85 + 0.2 * 97, abs=0.01)
    assert every["session"] == SESSION
    (found, remedy) = (bad["dimensions"]["validity"][key] for key in ("found", "remedy"))
    assert overall({"INFY.NS": bad})["dimensions"]["validity"] == {
        "score": 69.99,
        "found": found,
        "remedy": remedy,
    }


def test_a_dormant_ticker_is_left_out_of_the_score_of_all_unless_all_are():
    dormant = row(facts(ticker="OLD.NS", behind=21))
    assert overall({"TCS.NS": row(), "OLD.NS": dormant})["score"] == 100.0
    assert overall({"OLD.NS": dormant})["score"] < 20
    assert overall({}) is None


def test_a_low_score_is_observed_with_its_worst_dimension_and_not_for_its_age():
    latest = {
        "": row(pool=None),
        "INFY.NS": row(facts(ticker="INFY.NS", incomplete=(defect(0, what="no features"),))),
        "NEW.NS": row(facts(ticker="NEW.NS", behind=5), pool=None),
        "TCS.NS": row(facts(behind=5)),
    }
    infy, tcs = quality_observations(latest, 80.0)
    assert (infy.rule, infy.subject, infy.bad, infy.cause) == (
        *("data_quality_low", "INFY.NS", True, "NSE"),
    )
    assert infy.value == pytest.approx(0.8 * 70 + 0.2 * 92.5)
    assert infy.sentence == (
        "The data quality of INFY.NS is 74 of 100, its age left out. "
        "Completeness: Of 5,000 sessions 0 have no bar; "
        "of the last 21, 1 lack features or model inputs; the newest: 2026-04-16, no features. "
        "Run `python -m mlops.pipeline --ticker INFY.NS` to compute its features."
    )
    assert (tcs.subject, tcs.bad, tcs.value) == ("TCS.NS", False, 100.0)
