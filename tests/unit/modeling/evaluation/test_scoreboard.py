"""How good each model was, live: every number worked out by hand."""

import datetime as dt

import pytest

from src.modeling.evaluation.scoreboard import POOLED, scoreboard

# The 14th is a holiday, the 18th a Saturday.
DAYS = [dt.date(2026, 4, day) for day in (13, 15, 16, 17, 20)]
LEVELS = [0.025, 0.05, 0.1, 0.25, 0.75, 0.9, 0.95, 0.975]
QUANTILES = [-0.07, -0.06, -0.05, -0.01, 0.01, 0.05, 0.06, 0.07]


def scored(day=0, realised=0.02, **bent):
    made = dt.datetime.combine(DAYS[day], dt.time(12), tzinfo=dt.UTC)
    usual = {
        "ticker": "TCS.NS",
        "horizon": "short",
        "feature_date": DAYS[day],
        "version": f"{day}" * 64,
        "kind": "served",
        "sessions": 1,
        "label_end": DAYS[day + 1],
        "model": "zero",
        "point": 0.0,
        "candidate": None,
        "candidate_point": None,
        "levels": LEVELS,
        "quantiles": QUANTILES,
        "data_source": "yahoo",
        "made_at": made,
        "realised_return": realised,
        "live_from": None,
        "live_until": None,
    }
    return usual | bent


def only(rows, **wanted):
    (found,) = (
        row for row in scoreboard(rows) if all(row[name] == value for name, value in wanted.items())
    )
    return found


def test_errors_skill_and_signs_of_a_served_model():
    said = {"model": "ridge"}
    rows = [
        scored(0, 0.02, point=0.01, **said),
        scored(1, -0.03, point=0.01, **said),
        scored(2, 0.04, point=0.02, **said),
        scored(3, 0.01, point=-0.01, **said),
    ]

    row = only(rows, ticker="TCS.NS")

    # Errors .01 .04 .02 .02; of zero .02 .03 .04 .01.
    assert row["mae"] == pytest.approx(0.0225)
    assert row["mae_zero"] == pytest.approx(0.025)
    assert row["skill"] == pytest.approx(0.1)
    # Right on the first and third; three of four rose.
    assert (row["direction"], row["base_rate"]) == (0.5, 0.75)
    assert (row["n"], row["n_eff"], row["versions"]) == (4, 4.0, 4)
    assert (row["first"], row["last"]) == (DAYS[0], DAYS[3])


def test_coverage_is_the_share_inside_each_interval():
    rows = [scored(day, at) for day, at in enumerate((0.005, -0.045, 0.055, 0.08))]

    row = only(rows, ticker="TCS.NS")

    assert row["coverage"] == {"0.5": 0.25, "0.8": 0.5, "0.9": 0.75, "0.95": 0.75}
    assert row["coverage_n"] == 4


def test_a_forecast_without_a_distribution_is_scored_but_covers_nothing():
    rows = [scored(0, 0.005), scored(1, 0.005, levels=[], quantiles=[])]

    row = only(rows, ticker="TCS.NS")
    assert (row["n"], row["coverage_n"], row["coverage"]["0.5"]) == (2, 1, 1.0)
    assert only(rows[1:], ticker="TCS.NS")["coverage"] == {}


def test_an_interval_that_a_grid_does_not_have_is_not_scored():
    narrow = {"levels": [0.25, 0.75], "quantiles": [-0.01, 0.01]}

    row = only([scored(0, 0.005, **narrow), scored(1, 0.06)], ticker="TCS.NS")

    assert row["coverage"] == {"0.5": 0.5, "0.8": 0.0, "0.9": 1.0, "0.95": 1.0}


def test_zero_has_no_skill_and_no_direction():
    row = only([scored(0), scored(1)], ticker="TCS.NS")

    assert (row["skill"], row["direction"], row["base_rate"]) == (0.0, None, None)


def test_a_price_that_never_moved_says_nothing_of_skill():
    assert only([scored(0, 0.0)], ticker="TCS.NS")["skill"] is None


def test_the_candidate_beside_what_was_served_stands_in_the_shadow():
    row = scored(0, 0.02, candidate="ridge", candidate_point=0.005)

    shadow = only([row], kind="shadow", ticker="TCS.NS")

    assert (shadow["model"], shadow["mae"]) == ("ridge", pytest.approx(0.015))
    assert only([row], kind="served", ticker="TCS.NS")["model"] == "zero"


def test_a_candidate_that_is_served_is_not_its_own_shadow():
    row = scored(0, model="ridge", point=0.01, candidate="ridge", candidate_point=0.01)

    assert {one["kind"] for one in scoreboard([row])} == {"served"}


def test_a_logged_shadow_is_never_taken_for_served():
    rows = [scored(0, model="ridge", point=0.01, kind="shadow")]

    assert {one["kind"] for one in scoreboard(rows)} == {"shadow"}


def test_a_session_forecast_twice_counts_once_by_what_was_said_first():
    later = dt.datetime(2026, 4, 13, 18, tzinfo=dt.UTC)
    said = {"model": "ridge"}
    again = scored(0, 0.02, point=0.02, made_at=later, version="f" * 64, **said)

    row = only([again, scored(0, 0.02, point=0.01, **said)], ticker="TCS.NS")

    assert (row["n"], row["mae"], row["versions"]) == (1, pytest.approx(0.01), 1)


def at(day, hour, minute=0):
    return dt.datetime(2026, 4, day, hour, minute, tzinfo=dt.UTC)


# Made at 12:00 UTC on the 13th; the next session, the 15th, closes at 10:00 UTC.
@pytest.mark.parametrize(
    ("live_from", "live_until", "counts"),
    [
        ([at(13, 12)], [None], True),
        ([at(13, 12)], [at(15, 12)], True),
        ([at(13, 12)], [at(13, 14)], False),
        ([at(13, 12)], [at(15, 9, 59)], False),
        ([at(13, 12), at(13, 15)], [at(13, 14), None], True),
        ([at(13, 12), at(16, 12)], [at(13, 14), None], False),
    ],
    ids=("live", "until later", "same evening", "before the close", "back in time", "back late"),
)
def test_a_forecast_counts_if_its_version_was_live_when_the_next_session_closed(
    live_from, live_until, counts
):
    row = scored(0, live_from=live_from, live_until=live_until)

    assert len(scoreboard([row])) == 2 * counts


def test_of_two_versions_of_a_model_the_one_that_was_not_withdrawn_counts():
    tilt = {"model": "rank_tilt"}
    withdrawn = scored(
        0, point=0.01, version="a" * 64, live_from=[at(13, 12)], live_until=[at(13, 13)], **tilt
    )
    stood = scored(
        *(0, 0.02),
        **(tilt | {"point": 0.015, "version": "b" * 64, "made_at": at(13, 13)}),
        **{"live_from": [at(10, 12), at(13, 13)], "live_until": [at(13, 12), None]},
    )

    row = only([withdrawn, stood], ticker="TCS.NS")

    assert (row["n"], row["versions"], row["mae"]) == (1, 1, pytest.approx(0.005))


def test_with_a_forecast_its_candidate_is_withdrawn():
    beside = {"candidate": "ridge", "candidate_point": 0.005}

    assert scoreboard([scored(0, live_from=[at(13, 12)], live_until=[at(13, 13)], **beside)]) == []


def test_a_logged_shadow_was_never_live_and_counts():
    shadow = scored(0, kind="shadow", live_from=[at(13, 12)], live_until=[at(13, 13)])

    assert {one["kind"] for one in scoreboard([shadow])} == {"shadow"}


def test_tickers_are_shown_apart_and_together_and_share_the_days_market():
    rows = [scored(0, 0.02), scored(0, -0.04, ticker="INFY.NS"), scored(1, 0.03)]

    both = only(rows, ticker=POOLED)

    assert (both["n"], both["n_eff"], both["tickers"]) == (3, 2.0, 2)
    assert both["mae"] == pytest.approx(0.03)
    assert [row["ticker"] for row in scoreboard(rows)] == [POOLED, "INFY.NS", "TCS.NS"]


def test_overlapping_quarters_are_no_independent_evidence():
    rows = [scored(day, horizon="long", sessions=3) for day in range(4)]

    assert only(rows, ticker="TCS.NS")["n_eff"] == pytest.approx(4 / 3)


def test_synthetic_prices_are_not_pooled_with_real_ones():
    rows = [scored(0), scored(0, 0.5, ticker="DEMO.NS", data_source="sample")]

    assert only(rows, ticker=POOLED)["n"] == 1
    assert only(rows, ticker="DEMO.NS")["mae"] == 0.5


def test_served_come_before_shadows_and_the_next_day_before_the_quarter():
    beside = {"candidate": "drift", "candidate_point": 0.01}
    rows = [scored(0, horizon="long", sessions=63, **beside), scored(0)]

    order = [(row["kind"], row["horizon"]) for row in scoreboard(rows) if row["ticker"]]
    assert order == [("served", "short"), ("served", "long"), ("shadow", "long")]


def test_without_outcomes_there_is_nothing_to_show():
    assert scoreboard([]) == []


# NSE closes at 15:30 in India, which is 10:00 UTC.
@pytest.mark.parametrize(
    ("made", "counts"),
    [
        ((2026, 4, 15, 1, 30), 1),
        ((2026, 4, 15, 9, 59), 1),
        ((2026, 4, 15, 10, 0), 0),
        ((2026, 4, 15, 18, 0), 0),
        ((2026, 7, 1, 0, 0), 0),
    ],
)
def test_a_forecast_counts_when_it_was_made_before_the_close_that_decided_it(made, counts):
    row = scored(0, made_at=dt.datetime(*made, tzinfo=dt.UTC))

    assert len(scoreboard([row])) == 2 * counts


def test_an_outcome_on_a_day_that_is_no_session_any_more_needs_a_forecast_of_the_day_before():
    saturday = {"label_end": dt.date(2026, 4, 18)}
    made = dt.datetime(2026, 4, 18, 1, 0, tzinfo=dt.UTC)

    assert scoreboard([scored(3, made_at=made, **saturday)]) == []
    assert len(scoreboard([scored(3, made_at=made - dt.timedelta(hours=2), **saturday)])) == 2


def test_forecasts_of_other_lengths_are_not_averaged():
    rows = [scored(0, 0.01), scored(1, 0.05, sessions=5)]

    found = [row for row in scoreboard(rows) if row["ticker"] == "TCS.NS"]

    assert [(row["sessions"], row["n"], row["mae"]) for row in found] == [
        (1, 1, 0.01),
        (5, 1, 0.05),
    ]
