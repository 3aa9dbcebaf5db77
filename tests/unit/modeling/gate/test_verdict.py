from dataclasses import replace
from operator import gt

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.gate import MANY, SETTINGS, SIZES, World, ever_promoted, passed, promoted
from src.modeling.evaluation import hac
from src.modeling.gate import criteria, losses, reasons
from src.modeling.gate import verdict as gate
from src.modeling.gate.criteria import GateRules
from src.modeling.panel.panel import pivot_wide

SHORT = gate.rules_for(1, 0.0)
LONG = gate.rules_for(63, 0.01)
TINY = GateRules(1, 0.05, 0.0, min_dates=2, min_n_eff=2, max_variance_ratio=1.0)


def outcomes(dates=600, tickers=20, seed=1):
    return np.random.default_rng(seed).normal(0, 0.02, (dates, tickers))


def skilled(actual, share=0.05):
    """Knows a share of every outcome, so that errors are smaller by exactly that share."""
    return share * actual


def named(verdict, name):
    (criterion,) = (one for one in verdict.evidence if one.name == name)
    return criterion


def test_hand_worked_evidence():
    actual = np.array([[0.02, -0.01], [0.01, -0.02], [0.03, 0.01]])
    ours = np.array([[0.01, 0.01], [0.01, -0.01], [0.01, 0.0]])
    champion = np.full((3, 2), 0.01)

    verdict = gate.judge(actual, ours, champion, rules=TINY)
    value = {one.name: one.value for one in verdict.evidence}

    # Our errors by ticker: .01 0 .02 and .02 .01 .01; zero's .02 .01 .03 and .01 .02 .01;
    # the champion's .01 0 .02 and .02 .03 0. Sums: .07, .10, .08.
    assert value["mae_improvement_vs_zero"] == pytest.approx(0.3)
    assert value["mae_improvement_vs_champion"] == pytest.approx(0.125)
    # The first ticker gains .03 of .06, and 0 of .03 against the champion. Over 1 % of their
    # errors both gains deviate by 0, -1 and 1 times .0001 from their mean: squares of the window
    # sums 2, divided by 3 x 3. At b = 1 the coefficients of .1 % add up to 9.3743. Of the second
    # ticker's gains, which vary 100 times as much, nothing can be said.
    doubt = 9.3743 * 1e-4 * np.sqrt(3 * 2 / 9)
    assert value["worst_ticker_vs_zero"] == pytest.approx((0.03 + doubt) / 0.06, rel=1e-4)
    assert value["worst_ticker_vs_champion"] == pytest.approx(doubt / 0.03, rel=1e-4)
    # The last two dates: ours .04, zero's .07.
    assert value["recent_skill"] == pytest.approx(3 / 7)
    # Squares less n means squared: forecasts .0005 - .03^2/6 = .00035 over outcomes
    # .0020 - .04^2/6 = .001733, of which chance may have added all over three dates.
    assert value["variance_ratio"] == 0
    # Gains by date against zero: 0, .01, .005; deviations from .005 in units of it: -1 1 0. The
    # window of 3 holds everything: its sums -1 0 0 1 0, their squares 2, divided by 3 x 3.
    assert value["t_absolute_vs_zero"] == pytest.approx(1 / np.sqrt(2 / 9 / 3))
    assert (verdict.n, verdict.dates, verdict.n_eff) == (6, 3, 3)


def test_a_challenger_with_skill_everywhere_is_better():
    actual = outcomes()

    verdict = gate.judge(actual, skilled(actual), rules=gate.rules_for(1, 0.0, 3))

    assert verdict.verdict == "better"
    assert all(one.passed for one in verdict.evidence)
    assert verdict.sessions_until_decidable == 0
    assert verdict.configurations == 3
    # It knows exactly 5 % of every outcome.
    assert "5.00 % less than forecasting zero over 600 dates" in verdict.reason


def test_beating_zero_is_not_enough_when_the_champion_does_too():
    actual = outcomes()

    verdict = gate.judge(actual, skilled(actual, 0.05), skilled(actual, 0.06), rules=SHORT)

    assert verdict.verdict == "worse"
    assert "the champion" in verdict.reason


def test_equal_forecasts_are_undecided():
    actual = outcomes()

    verdict = gate.judge(actual, skilled(actual), skilled(actual), rules=SHORT)

    assert verdict.verdict == "undecided"
    assert "do not differ enough from the champion" in verdict.reason
    assert verdict.sessions_until_decidable is None


def far_worse_ticker(actual, forecast):
    forecast[:, 0] = -forecast[:, 0]
    return forecast


def one_ticker_of_ten_worse(actual, forecast):
    # Significantly, but by less than the limit of one ticker.
    forecast[:, :3] = -0.005 * actual[:, :3]
    return forecast


def faded(actual, forecast):
    forecast[-250:] = -0.005 * actual[-250:]
    return forecast


def swinging(actual, forecast):
    return 0.2 * actual


@pytest.mark.parametrize(
    ("spoil", "failed", "words"),
    [
        (
            far_worse_ticker,
            "worst_ticker_vs_zero",
            "worst ticker, with room for chance, has a skill of -4.",
        ),
        (one_ticker_of_ten_worse, "share_of_tickers_worse_vs_zero", "15.00 % of the tickers"),
        (faded, "recent_skill", "-0.50 %, not above zero"),
        (swinging, "variance_ratio", "with room for chance, at least 3."),
    ],
)
def test_each_single_rule_can_withhold_a_promotion(spoil, failed, words):
    actual = outcomes()

    verdict = gate.judge(actual, spoil(actual, skilled(actual)), rules=SHORT)

    assert verdict.verdict == "undecided"
    assert [one.name for one in verdict.evidence if not one.passed] == [failed]
    assert words in verdict.reason


def test_a_gain_below_the_floor_is_not_worth_a_change():
    actual = outcomes()

    verdict = gate.judge(
        actual, skilled(actual, 0.005), rules=replace(SHORT, min_mae_improvement=0.01)
    )

    assert verdict.verdict == "undecided"
    assert "0.50 %, less than the required 1.00 %" in verdict.reason
    assert verdict.sessions_until_decidable is None


def test_the_reverse_of_skill_is_worse():
    actual = outcomes()

    verdict = gate.judge(actual, -skilled(actual), rules=SHORT)

    assert verdict.verdict == "worse"
    assert "more than forecasting zero" in verdict.reason


def wild_at_times(actual):
    """Smaller absolute errors nearly always, a much larger one once in 100 sessions."""
    forecast = skilled(actual)
    forecast[::100] = -2.5 * actual[::100]
    return forecast


def test_forecasts_that_err_rarely_but_wildly_are_not_better():
    actual = outcomes(1000)

    verdict = gate.judge(actual, wild_at_times(actual), rules=SHORT)

    # A gain of 5 % on 99 of 100 less 2.5 times the outcome once: .0245 of it. Squared, 9.75 %
    # on 99 of 100 less 3.5^2 - 1 once: a loss.
    assert named(verdict, "t_absolute_vs_zero").passed
    assert not named(verdict, "t_squared_vs_zero").passed
    assert verdict.verdict == "undecided"


def test_forecasts_that_err_rarely_but_wildly_are_never_served():
    actual = outcomes(1000)
    # Nothing but the squared losses speaks against it.
    rules = replace(SHORT, max_variance_ratio=1.0, max_share_worse=1.0, worst_ticker=-1.0)

    told = gate.replay(actual, wild_at_times(actual), rules=rules)

    assert not told.promoted.any()


@pytest.mark.parametrize("horizon", [1, 63])
@pytest.mark.parametrize("dates", [0, 1, 2, 100, 249])
def test_too_few_outcomes_are_a_verdict_and_no_error(horizon, dates):
    actual = outcomes(dates)
    rules = gate.rules_for(horizon, 0.0)

    verdict = gate.judge(actual, skilled(actual), rules=rules)

    assert verdict.verdict == "undecided"
    assert f"a verdict needs {rules.dates_needed} dates" in verdict.reason
    assert verdict.sessions_until_decidable >= rules.dates_needed - dates
    assert verdict.n_eff == dates / horizon


def test_four_periods_and_250_dates_are_the_least():
    assert (SHORT.dates_needed, LONG.dates_needed) == (250, 252)


def test_outcomes_that_are_all_missing_are_too_few():
    actual = np.full((400, 3), np.nan)

    assert gate.judge(actual, np.zeros((400, 3)), rules=SHORT).verdict == "undecided"


def test_many_configurations_need_one_percent_at_any_horizon():
    for horizon in (1, 63):
        levels = [gate.rules_for(horizon, 0, tried).level for tried in (1, 10, 11)]
        assert levels == [0.05, 0.05, 0.01]
    assert (LONG.worst_ticker, LONG.max_variance_ratio) == (-0.1, 0.1)
    assert (SHORT.worst_ticker, SHORT.max_variance_ratio) == (-0.01, 0.01)


def test_matrices_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        gate.judge(np.zeros((5, 2)), np.zeros((5, 3)), rules=SHORT)


def test_a_missing_cell_is_no_pair_whoever_lacks_it():
    actual = outcomes(300, 4)
    ours, champion = skilled(actual), skilled(actual, 0.01)
    holed = [one.copy() for one in (actual, ours, champion)]
    holed[0][3, 0] = holed[1][4, 1] = holed[2][5, 2] = np.nan
    every = [one.copy() for one in holed]
    for one in every:
        one[3, 0] = one[4, 1] = one[5, 2] = np.nan

    verdict = gate.judge(*holed, rules=SHORT)

    assert verdict.n == 1197
    assert verdict == gate.judge(*every, rules=SHORT)


def test_each_date_counts_once_however_many_tickers_it_has():
    actual = outcomes(300, 2)
    forecast = skilled(actual)
    actual[:150, 1] = np.nan
    per_date = np.nanmean(np.abs(actual) - np.abs(actual - forecast), axis=1)

    verdict = gate.judge(actual, forecast, rules=SHORT)

    assert named(verdict, "t_absolute_vs_zero").value == pytest.approx(
        float(hac.mean_test(per_date, 1).t)
    )


def test_swapping_challenger_and_champion_turns_the_sign():
    actual = outcomes(300)
    one, other = skilled(actual, 0.05), skilled(actual, 0.02)

    there, back = (
        gate.judge(actual, one, other, rules=SHORT),
        gate.judge(actual, other, one, rules=SHORT),
    )

    for name in ("t_absolute_vs_champion", "t_squared_vs_champion"):
        assert named(there, name).value == pytest.approx(-named(back, name).value)


def test_a_champion_that_forecasts_zero_is_zero():
    actual = outcomes(300)

    assert gate.judge(actual, skilled(actual), np.zeros_like(actual), rules=SHORT) == gate.judge(
        actual, skilled(actual), rules=SHORT
    )


def centred_noise(spread, seed=7):
    noise = np.random.default_rng(seed).normal(0, spread, 600)
    return noise - noise.mean()


def hac_error(noise, lags):
    fit = sm.OLS(noise, np.ones(len(noise))).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False}
    )
    return fit.bse[0]


def one_ticker_with(t, skill, lags=31, tickers=10):
    """600 returns of .02 either way; the first ticker's t of its gain over a skill is ``t``.

    All others gain 2 %. Returned with the error of the first one's mean skill.
    """
    actual = 0.02 * np.random.default_rng(8).choice([-1.0, 1.0], (600, tickers))
    noise = centred_noise(0.01)
    error = hac_error(noise, lags)
    share = np.full((600, tickers), 0.02)
    share[:, 0] = skill + noise + t * error
    return actual, share * actual, error


@pytest.mark.parametrize(
    ("rules", "lags", "t", "worse"),
    [(SHORT, 31, -1.7, 0), (SHORT, 31, -1.8, 0.1), (LONG, 62, -2.7, 0), (LONG, 62, -2.8, 0.1)],
)
def test_a_ticker_is_worse_at_five_percent_or_over_few_periods_at_one(rules, lags, t, worse):
    # 600 periods, b = 32/600: 1.6449 + 2.1859 b + .3142 b^2 - .3427 b^3 = 1.7623.
    # 9.5 periods, b = 63/600: 2.3263 + 4.1299 b + .4165 b^2 - .8336 b^3 = 2.7636.
    actual, forecast, _ = one_ticker_with(t, skill=0.0, lags=lags)

    share = named(gate.judge(actual, forecast, rules=rules), "share_of_tickers_worse_vs_zero")

    assert (share.value, share.passed) == (worse, not worse)


@pytest.mark.parametrize(("t", "passes"), [(-3.4, True), (-3.6, False)])
def test_the_worst_ticker_is_refused_only_when_it_is_surely_below_its_limit(t, passes):
    # With 32 of 600: 3.0902 + 7.9671 b - .2978 b^2 - 1.3852 b^3 = 3.5141.
    actual, forecast, error = one_ticker_with(t, skill=-0.01)

    worst = named(gate.judge(actual, forecast, rules=SHORT), "worst_ticker_vs_zero")

    assert worst.passed is passes
    assert worst.value == pytest.approx(-0.01 + (t + 3.5141) * error, abs=1e-6)


@pytest.mark.parametrize(("t", "passes"), [(2.5, True), (2.6, False)])
def test_the_size_of_forecasts_is_refused_only_when_surely_above_its_limit(t, passes):
    # Two tickers that mirror each other around a mean: the squared deviations of the forecasts
    # are 1 % of the outcomes' and t errors more; 1 % with 32 of 600 is 2.5477.
    noise = centred_noise(2e-7)
    error = hac_error(noise, lags=31)
    swing = 0.02 + 0.005 * np.sin(np.arange(600))
    size = np.sqrt(0.01 * swing**2 + noise + t * error)
    mirror = np.array([1.0, -1.0])

    verdict = gate.judge(
        0.005 + swing[:, None] * mirror, 0.01 + size[:, None] * mirror, rules=SHORT
    )
    found = named(verdict, "variance_ratio")

    assert found.passed is passes
    expected = 0.01 + (t - 2.5477) * error / (swing**2).mean()
    assert found.value == pytest.approx(expected, abs=1e-7)


def test_long_columns_become_matrices_by_date_and_ticker():
    days = np.array(["2025-01-02", "2025-01-01", "2025-01-02"], dtype="datetime64[D]")
    names = np.array(["TCS.NS", "TCS.NS", "INFY.NS"])

    made, doubled = pivot_wide(days, names, np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0]))

    np.testing.assert_array_equal(made, [[np.nan, 2.0], [3.0, 1.0]])
    np.testing.assert_array_equal(doubled, 2 * made)
    with pytest.raises(ValueError, match="one forecast a date"):
        pivot_wide(days[[0, 0]], names[[0, 0]], np.array([1.0, 2.0]))


def panel_test(means, noises, n, b=0.05):
    means, noises = np.array(means), np.array(noises)
    t = means / noises * np.sqrt(n)
    return hac.MeanTest(means, noises, t, np.array([[n]]), np.array([[b]]))


def limit(n):
    """The 5 % limit of a one-session horizon, written out again."""
    b = (int(1.3 * n**0.5) + 1) / n
    return 1.644854 + 2.1859 * b + 0.3142 * b**2 - 0.3427 * b**3


def test_a_record_longer_than_forty_years_still_has_an_answer():
    tests = panel_test([[1e-4, 1e-4]], [[1.0, 1.0]], 12_000)

    assert criteria.sessions_until_decidable(tests, SHORT) is None


@pytest.mark.parametrize("sign", [1, -1])
def test_waiting_ends_when_the_slower_loss_passes_its_limit(sign):
    # t of .05 sqrt(n) and .04 sqrt(n).
    tests = panel_test([[sign * 0.05, sign * 0.04]], [[1.0, 1.0]], 400)

    wait = criteria.sessions_until_decidable(tests, SHORT)

    assert wait > 0
    assert 0.04 * (400 + wait) ** 0.5 > limit(400 + wait)
    assert 0.04 * (400 + wait - 1) ** 0.5 <= limit(400 + wait - 1)


@pytest.mark.parametrize(
    "means", [[[0.05, -0.05]], [[0.0, 0.0]], [[1e-9, 1e-9]], [[0.5, 0.5], [0.5, -0.5]]]
)
def test_waiting_never_ends_without_a_direction_or_an_effect(means):
    tests = panel_test(means, np.ones_like(means), 400)

    assert criteria.sessions_until_decidable(tests, SHORT) is None


def test_waiting_is_at_least_for_the_dates_that_lack():
    assert criteria.sessions_until_decidable(panel_test([[9, 9]], [[1, 1]], 90), SHORT) == 160


def test_waiting_for_worse_needs_one_reference_only():
    tests = panel_test([[0.5, 0.5], [-0.5, -0.5]], np.ones((2, 2)), 400)

    assert criteria.sessions_until_decidable(tests, SHORT) == 0


def test_unknown_evidence_is_named_and_does_not_pass():
    strange = criteria.weigh("rank_ic", float("nan"), gt, 0.02)

    assert (strange.passed, strange.value) == (False, None)
    assert reasons.objection(strange) == "rank_ic could not be measured"
    low = criteria.weigh("rank_ic", 0.01, gt, 0.02)
    assert reasons.objection(low) == "rank_ic is 0.01 against a limit of 0.02"


# --- replay


def changing_skill(dates, turn, seed=3):
    actual = outcomes(dates, 10, seed)
    forecast = skilled(actual)
    forecast[turn:] = -forecast[turn:]
    return actual, forecast


def test_zero_is_served_until_the_evidence_is_there_and_again_when_it_has_turned():
    actual, forecast = changing_skill(1500, turn=700)

    told = gate.replay(actual, forecast, rules=SHORT, every=10)

    first, last = np.flatnonzero(told.promoted)[[0, -1]]
    # 250 labels are realised at row 250; it is asked at rows 9, 19, ...
    assert first == 259
    # Of the latest 500 rows more than half are harm only from row 950 on, and all at 1200.
    assert 950 < last < 1200
    assert told.promoted[first : last + 1].all()
    assert told.verdicts[(last + 1 - 9) // 10] == "worse"
    np.testing.assert_array_equal(told.served[told.promoted], forecast[told.promoted])
    assert not told.served[~told.promoted].any()


def test_after_a_demotion_only_forecasts_made_since_count():
    actual, forecast = changing_skill(3000, turn=700)
    forecast[1400:] = skilled(actual)[1400:]

    told = gate.replay(actual, forecast, rules=SHORT, every=10)

    changes = np.flatnonzero(np.diff(told.promoted.astype(int))) + 1
    assert len(changes) == 3
    # At least 250 dates after the demotion at changes[1].
    assert changes[2] >= changes[1] + 250


def test_who_is_served_is_worse_as_soon_as_its_latest_forecasts_are():
    actual, forecast = changing_skill(1500, turn=700)

    before = gate.judge_served(actual[:900], forecast[:900], rules=SHORT, since=259)
    after = gate.judge_served(actual[:1250], forecast[:1250], rules=SHORT, since=259)

    assert before.verdict == "undecided"
    assert after.verdict == "worse"
    # Twice 250 dates.
    assert after.dates == 500


def test_a_replayed_verdict_is_that_of_the_realised_rows_alone():
    world = outcomes(900, 8, seed=5)
    forecast = skilled(world, 0.012) + np.random.default_rng(6).normal(0, 5e-4, world.shape)

    told = gate.replay(world, forecast, rules=SHORT, every=21)
    asked = [gate.judge(world[:row], forecast[:row], rules=SHORT).verdict for row in told.rows]

    until = told.verdicts.index("better") + 1
    assert list(told.verdicts[:until]) == asked[:until]


@pytest.mark.parametrize("horizon", [1, 63])
@settings(max_examples=25)
@given(cut=st.integers(1, 899), seed=st.integers(0, 9))
def test_nothing_after_a_row_changes_what_was_said_or_served_by_then(horizon, cut, seed):
    actual, forecast = changing_skill(900, turn=600, seed=seed)
    rules = gate.rules_for(horizon, 0.0)
    random = np.random.default_rng(seed)
    # The labels of the last rows before the cut end after it.
    later, other = actual.copy(), forecast.copy()
    later[max(cut + 1 - horizon, 0) :] = random.normal(
        0, 0.3, later[max(cut + 1 - horizon, 0) :].shape
    )
    other[cut + 1 :] = np.nan

    one = gate.replay(actual, forecast, rules=rules, every=7)
    two = gate.replay(later, other, rules=rules, every=7)
    short = gate.replay(later[: cut + 1], other[: cut + 1], rules=rules, every=7)

    known = one.rows <= cut
    for told in (two, short):
        assert told.verdicts[: known.sum()] == one.verdicts[: known.sum()]
        np.testing.assert_array_equal(told.promoted[: cut + 1], one.promoted[: cut + 1])
        np.testing.assert_array_equal(told.served[: cut + 1], one.served[: cut + 1])


@pytest.mark.parametrize("cut", [1, 300, 599])
def test_cumulated_losses_of_a_row_know_nothing_after_it(cut):
    actual = outcomes()
    forecast, champion = skilled(actual), skilled(actual, 0.01)
    changed = actual.copy()
    changed[cut:] = 9.0

    seen = [losses.cumulate_losses(one, forecast, champion) for one in (actual, changed)]

    for one, other in zip(*(book[1:] for book in seen), strict=True):
        for a, b in zip(one, other, strict=True) if isinstance(one, hac.Sums) else [(one, other)]:
            np.testing.assert_array_equal(a[: cut + 1], b[: cut + 1])


# --- simulated: how often the gate errs

PAIRS = 500
USELESS = (
    ("noise", 0.0),
    ("faint", 0.0),
    ("break-even", 0.0),
    ("break-even", 0.3),
    ("rivals", 0.0),
)


def useless(kind, horizon, tickers, dates, shared):
    size = SIZES[horizon] / (100 if kind == "faint" else 1)
    return World(kind, horizon, tickers, dates, size, shared=shared)


@pytest.mark.parametrize("horizon", [1, 63])
def test_a_truly_better_challenger_is_told_from_a_useless_one(horizon):
    skill = promoted(World("skill", horizon, 50, 252, SIZES[horizon]), 100)
    without = promoted(useless("break-even", horizon, 50, 252, 0.0), 100)

    assert without <= 0.08
    assert skill >= 0.40


@pytest.mark.slow
@pytest.mark.parametrize("horizon", [1, 63])
@pytest.mark.parametrize(("tickers", "dates"), SETTINGS)
@pytest.mark.parametrize(("kind", "shared"), USELESS)
def test_a_challenger_without_skill_is_rarely_promoted(kind, shared, horizon, tickers, dates):
    assert promoted(useless(kind, horizon, tickers, dates, shared), PAIRS) <= 0.08


@pytest.mark.slow
@pytest.mark.parametrize("horizon", [1, 63])
@pytest.mark.parametrize("kind", ["faint", "break-even"])
def test_asking_every_month_for_five_years_seldom_promotes_one_without_skill(kind, horizon):
    world = useless(kind, horizon, 1, 1260, 0.0)

    assert ever_promoted(world, PAIRS, configurations=MANY) <= 0.15


@pytest.mark.slow
def test_its_test_alone_errs_little_more_often_than_it_says():
    shares = passed(World("break-even", 63, 50, 252, 0.05), PAIRS)

    assert 0.03 <= shares["t abs 0.05"] <= 0.12
    assert shares["t abs 0.01"] <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize(
    ("horizon", "dates", "least"),
    [(1, 252, 0.60), (63, 252, 0.60), (1, 1260, 0.90), (63, 1260, 0.80)],
)
def test_a_truly_better_challenger_is_promoted_from_a_panel(horizon, dates, least):
    world = World("skill", horizon, 50, dates, SIZES[horizon])

    assert promoted(world, PAIRS if dates == 252 else 100) >= least


@pytest.mark.slow
@pytest.mark.parametrize(("horizon", "dates"), [(1, 1260), (63, 2520)])
def test_harm_to_a_tenth_of_the_tickers_is_refused_after_years(horizon, dates):
    assert promoted(World("harm", horizon, 50, dates, SIZES[horizon]), 100) <= 0.08
