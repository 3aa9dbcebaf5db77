"""Seventy daily runs of a small pool: logged, matured and scored as worked out on the raw closes.

Three tickers; INFY pays a dividend of 2 % of its close on the fortieth evening.
"""

from dataclasses import dataclass, field

import numpy as np
import polars as pl
import pytest

from src.core.calendars.nse import nse
from src.db.tables.scores import ScoreLog
from src.modeling.evaluation.outcomes import record_outcomes
from src.modeling.evaluation.scoreboard import POOLED, scoreboard
from src.modeling.serving import stored_models
from src.modeling.serving.predict import forecast_from_row
from src.modeling.training import stage as train
from src.stages.context import make_context
from tests.support.answers import scored_forecasts
from tests.support.daily_runs import after_close, clean_rows, daily_runs
from tests.support.databases import new_database
from tests.support.pools import wandering
from tests.support.prices import run

TICKERS = ("HDFC.NS", "INFY.NS", "TCS.NS")
BEFORE, EVENINGS, PAID_ON = 430, 70, 40
SESSIONS = {"short": 1, "long": 63}
DAYS = [day for day in nse().array.tolist() if str(day) <= "2026-04-13"][-BEFORE - EVENINGS :]
FIRST = BEFORE
LAST = FIRST + EVENINGS - 1
PAID = FIRST + PAID_ON
PRICES = wandering(BEFORE + EVENINGS, len(TICKERS))
DIVIDEND = round(0.02 * float(PRICES.close[PAID - 1, 1]), 2)


def known_on(row):
    """The clean prices after the close of a session."""
    clean = clean_rows(DAYS[: row + 1], PRICES.until(row + 1), TICKERS)
    if row < PAID:
        return clean
    factor = 1 - DIVIDEND / PRICES.close[PAID - 1, 1]
    paid = (pl.col("ticker") == "INFY.NS") & (pl.col("date") < DAYS[PAID])
    return clean.with_columns(
        adj_close=pl.when(paid).then(pl.col("adj_close") * factor).otherwise("adj_close")
    )


def realised(ticker, row, sessions):
    """By hand: what a share bought at one close was worth at the other, dividend put in again."""
    close, end = PRICES.close[:, TICKERS.index(ticker)], row + sessions
    ratio = close[end] / close[row]
    if ticker == "INFY.NS" and row < PAID <= end:
        ratio /= 1 - DIVIDEND / close[PAID - 1]
    return ratio - 1


@dataclass
class Lived:
    """All forecasts on the way by (ticker, horizon, row), and outcomes by row."""

    at: object
    forecasts: dict = field(default_factory=dict)
    outcomes: dict = field(default_factory=dict)
    answered: dict = field(default_factory=dict)


def pay(lived):
    lived.at.connection.execute(
        "INSERT INTO corporate_actions (ticker, date, kind, source, origin, amount, status, "
        "decided_by, evidence, known_at) VALUES ('INFY.NS', %s, 'dividend', 'yahoo', 'stated', "
        "%s, 'applied', 'rule', '{}', %s)",
        (DAYS[PAID], DIVIDEND, after_close(DAYS[PAID])),
    )


def live_through(lived, row):
    lived.at.store_prices(known_on(row))
    if row == PAID:
        pay(lived)
    training = (row - FIRST) % 25 == 0
    forecasts, lived.outcomes[row] = lived.at.run_after_close(TICKERS, DAYS[row], training=training)
    pairs = [(ticker, horizon) for ticker in TICKERS for horizon in SESSIONS]
    for (ticker, horizon), one in zip(pairs, forecasts, strict=True):
        assert (one["ticker"], one["horizon"]) == (ticker, f"{SESSIONS[horizon]}-day")
        lived.forecasts[ticker, horizon, row] = one
        artifact, pool_row = lived.at.models.load("NSE", horizon), lived.at.pool_row(horizon)
        again = forecast_from_row(artifact, lived.at.row(ticker, horizon), pool_row, nse())
        lived.answered[ticker, horizon, row] = again


@pytest.fixture(scope="module")
def lived(server, template, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with new_database(server, template) as url, daily_runs(url, home) as at:
        found = Lived(at)
        at.register(TICKERS, DAYS[0])
        for row in range(FIRST, LAST + 1):
            live_through(found, row)
        yield found


def due(horizon):
    """Rows whose forecasts have come true by the last evening."""
    return range(FIRST, LAST + 1 - SESSIONS[horizon])


def board(lived, **wanted):
    (found,) = (
        row
        for row in scoreboard(ScoreLog(lived.at.connection))
        if all(row[name] == value for name, value in wanted.items())
    )
    return found


def test_every_evening_logs_both_horizons_of_every_ticker_once(lived):
    logged = lived.at.connection.execute(
        "SELECT ticker, horizon, count(*), count(DISTINCT feature_date) FROM predictions "
        "GROUP BY 1, 2 ORDER BY 1, 2"
    ).fetchall()

    assert logged == [(t, h, EVENINGS, EVENINGS) for t in TICKERS for h in ("long", "short")]


def test_a_row_and_its_artifact_give_each_evenings_forecast_to_the_last_bit(lived):
    assert lived.answered == lived.forecasts
    assert repr(lived.answered) == repr(lived.forecasts)


def test_each_outcome_is_recorded_on_the_evening_of_its_session(lived):
    outcomes = [lived.outcomes[row] for row in range(FIRST, LAST + 1)]

    # From the second evening on those of the day; from the 64th on those of the quarter besides.
    recorded = [found["recorded"] for found in outcomes]
    assert recorded == [len(TICKERS) * count for count in (0, *[1] * 62, *[2] * 7)]
    assert all(found["notes"] == [] and found["restated"] == 0 for found in outcomes)


@pytest.mark.parametrize("horizon", ["short", "long"])
@pytest.mark.parametrize("ticker", TICKERS)
def test_outcomes_are_the_returns_of_the_raw_closes_with_the_dividend(lived, ticker, horizon):
    rows = scored_forecasts(lived.at.connection, ticker, horizon)

    assert [row["feature_date"] for row in rows] == [DAYS[row] for row in due(horizon)]
    expected = [realised(ticker, row, SESSIONS[horizon]) for row in due(horizon)]
    assert [row["realised_return"] for row in rows] == pytest.approx(expected, rel=1e-9)
    paid = [row["note"] for row in rows if row["note"]]
    across = sum(row < PAID <= row + SESSIONS[horizon] for row in due(horizon))
    notes = [f"dividend of {DIVIDEND:g} on {DAYS[PAID]}"] * across
    assert paid == (notes if ticker == "INFY.NS" else [])


def by_hand(lived, tickers, horizon, kind):
    """What the scoreboard must say, from the forecasts as they were made and the raw closes."""
    pairs = [(t, row) for row in due(horizon) for t in tickers]
    made = [lived.forecasts[t, horizon, row] for t, row in pairs]
    actual = np.array([realised(t, row, SESSIONS[horizon]) for t, row in pairs])
    points = [
        one["pred_return"] if kind == "served" else one["candidate"]["pred_return"] for one in made
    ]
    mae, mae_zero = np.abs(actual - points).mean(), np.abs(actual).mean()
    inside = [
        [one["low_return"] <= y <= one["high_return"] for one in entry["intervals"]]
        for entry, y in zip(made, actual, strict=True)
    ]
    signs = np.sign(points) == np.sign(actual)
    rises = (actual > 0).mean()
    return {
        "n": len(pairs),
        "n_eff": max(len(due(horizon)) / SESSIONS[horizon], 1),
        "mae": mae,
        "mae_zero": mae_zero,
        "skill": 1 - mae / mae_zero,
        "covered": np.mean(inside, axis=0).tolist(),
        "direction": signs.mean(),
        "base_rate": max(rises, 1 - rises),
    }


CANDIDATES = {"short": "ridge", "long": "drift"}


@pytest.mark.parametrize("horizon", ["short", "long"])
@pytest.mark.parametrize("kind", ["served", "shadow"])
@pytest.mark.parametrize("ticker", [*TICKERS, POOLED])
def test_the_scoreboard_equals_the_table_worked_out_by_hand(lived, ticker, horizon, kind):
    model = "zero" if kind == "served" else CANDIDATES[horizon]
    row = board(lived, kind=kind, horizon=horizon, ticker=ticker, model=model)

    expected = by_hand(lived, [ticker] if ticker else TICKERS, horizon, kind)
    covered = expected.pop("covered")
    if kind == "served":
        # Zero never says which way.
        assert (row["direction"], row["base_rate"]) == (None, None)
        del expected["direction"], expected["base_rate"]
    assert {name: row[name] for name in expected} == pytest.approx(expected, rel=1e-9)
    assert list(row["coverage"]) == ["0.5", "0.8", "0.9", "0.95"]
    assert list(row["coverage"].values()) == pytest.approx(covered)
    assert row["versions"] == (3 if horizon == "short" else 1)


def test_each_ticker_has_one_row_and_each_live_model_one_of_the_pool(lived):
    left = lived.at.connection.execute(
        "SELECT ticker, horizon, count(*), max(feature_date) FROM serving_inputs "
        "GROUP BY 1, 2 ORDER BY 1, 2"
    ).fetchall()

    assert left == [(t, h, 1, DAYS[LAST]) for t in TICKERS for h in ("long", "short")]
    pool = lived.at.connection.execute(
        "SELECT pool, horizon, digest, session FROM pool_inputs ORDER BY horizon"
    ).fetchall()
    live = {h: lived.at.models.state("NSE", h).live.digest for h in SESSIONS}
    assert pool == [("NSE", h, live[h], DAYS[LAST]) for h in ("long", "short")]


def checksums(lived):
    return [
        lived.at.connection.execute(
            f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t"
        ).fetchone()
        for table in (
            *("predictions", "prediction_outcomes", "serving_inputs", "pool_inputs"),
            *("model_events", "data_version"),
        )
    ]


def test_an_evening_that_is_repeated_changes_nothing(lived):
    before = checksums(lived)

    lived.at.run_after_close(TICKERS, DAYS[LAST])
    lived.at.run_after_close(["TCS.NS"], DAYS[LAST])

    assert checksums(lived) == before


@pytest.mark.parametrize(
    "looking_back",
    [
        {"as_of": DAYS[LAST - 5]},
        {"known_at": after_close(DAYS[LAST - 5])},
        {"write": False},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_run_that_is_not_live_logs_keeps_and_records_nothing(lived, looking_back):
    before, at = checksums(lived), lived.at
    given = make_context(
        at.context(TICKERS, DAYS[LAST]).settings,
        at.store,
        ("TCS.NS",),
        run_id="a test",
        now=after_close(DAYS[LAST]),
        models=at.models,
        records=at.records,
        **looking_back,
    )

    assert stored_models.run(given).details["forecasts"] == []
    assert record_outcomes(given) == {}
    assert checksums(lived) == before


def test_a_run_up_to_a_past_session_trains_without_a_trace(lived):
    before, at = checksums(lived), lived.at
    given = make_context(
        at.context(TICKERS, DAYS[LAST]).settings,
        at.store,
        ("TCS.NS",),
        run_id="a test",
        now=after_close(DAYS[LAST]),
        as_of=DAYS[LAST - 5],
        models=at.models,
        records=at.records,
    )

    report = run(train.STAGE, given)

    assert report.details["forecasts"][0]["feature_date"] == str(DAYS[LAST - 5])
    assert checksums(lived) == before
