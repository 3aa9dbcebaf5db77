"""How good each model was, live: every number worked out by hand, on real tables."""

import datetime as dt

import psycopg
import pytest

from src.core.tables import PREDICTION_OUTCOMES, PREDICTIONS
from src.db.migrate import ensure_schema
from src.db.tables.scores import ScoreLog
from src.modeling.evaluation.scoreboard import POOLED, scoreboard, scored_forecasts
from tests.support.answers import put_member
from tests.support.databases import new_database
from tests.support.logged_forecasts import log_forecasts, logged_forecast, record_outcomes
from tests.support.old_schema import bring_to

# The 14th is a holiday, the 18th a Saturday.
DAYS = [dt.date(2026, 4, day) for day in (13, 15, 16, 17, 20)]
LEVELS = [0.025, 0.05, 0.1, 0.25, 0.75, 0.9, 0.95, 0.975]
QUANTILES = [-0.07, -0.06, -0.05, -0.01, 0.01, 0.05, 0.06, 0.07]


TABLES = ("predictions", "prediction_outcomes", "model_events")


@pytest.fixture(scope="module")
def url(server, template):
    """A database of this module whose tables can be emptied."""
    with new_database(server, template) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            for table in TABLES:
                connection.execute(f"DROP TRIGGER {table}_append_only ON {table}")
        yield url


@pytest.fixture
def connection(url):
    with psycopg.connect(url, autocommit=True) as opened:
        opened.execute(f"TRUNCATE {', '.join(TABLES)}, pool_members")
        yield opened


@pytest.fixture
def log(connection):
    return ScoreLog(connection)


def check_against_single_forecasts(log, line, ticker):
    if line["ticker"] == POOLED:
        return
    horizon, name = (line["horizon"], line["sessions"]), line["ticker"]
    every = scored_forecasts(log, horizon, dt.date(2000, 1, 1), [name], ticker)
    kind = (line["kind"], line["model"], name)
    errors = [
        abs(realised - point)
        for *of, _, realised, point in (r[:6] for r in every)
        if tuple(of) == kind
    ]
    assert len(errors) == line["n"]
    assert sum(errors) / len(errors) == pytest.approx(line["mae"])
    inside = [row[6] <= row[4] <= row[7] for row in every if row[:3] == kind and row[6] is not None]
    if "0.5" in line["coverage"]:
        assert sum(inside) / len(inside) == pytest.approx(line["coverage"]["0.5"])


@pytest.fixture
def board(connection, log):
    """The scoreboard of these forecasts with their outcomes, and of those stored before.

    Each of its lines is that of the forecasts that ``scored_forecasts`` lists one by one.
    """

    def store_and_score(rows, ticker=None):
        log_forecasts(connection, *rows)
        record_outcomes(connection, *rows)
        lines = scoreboard(log, ticker)
        for line in lines:
            check_against_single_forecasts(log, line, ticker)
        return lines

    return store_and_score


def scored(day=0, realised=0.02, **bent):
    """A forecast from one of ``DAYS`` for the next one, with its outcome."""
    made = dt.datetime.combine(DAYS[day], dt.time(12), tzinfo=dt.UTC)
    usual = {
        "version": f"{day}" * 64,
        "levels": LEVELS,
        "quantiles": QUANTILES,
        "made_at": made,
        "matured_at": made + dt.timedelta(days=9),
    }
    return logged_forecast(DAYS[day], DAYS[day + 1], realised, **(usual | bent))


def only(rows, **wanted):
    (found,) = (row for row in rows if all(row[name] == value for name, value in wanted.items()))
    return found


def test_errors_skill_and_signs_of_a_served_model(board):
    said = {"model": "ridge"}
    rows = [
        scored(0, 0.02, point=0.01, **said),
        scored(1, -0.03, point=0.01, **said),
        scored(2, 0.04, point=0.02, **said),
        scored(3, 0.01, point=-0.01, **said),
    ]

    row = only(board(rows), ticker="TCS.NS")

    # Errors .01 .04 .02 .02; of zero .02 .03 .04 .01.
    assert row["mae"] == pytest.approx(0.0225)
    assert row["mae_zero"] == pytest.approx(0.025)
    assert row["skill"] == pytest.approx(0.1)
    # Right on the first and third; three of four rose.
    assert (row["direction"], row["base_rate"]) == (0.5, 0.75)
    assert (row["n"], row["n_eff"], row["versions"]) == (4, 4.0, 4)
    assert (row["first"], row["last"]) == (DAYS[0], DAYS[3])


def test_coverage_is_the_share_inside_each_interval(board):
    rows = [scored(day, at) for day, at in enumerate((0.005, -0.045, 0.055, 0.08))]

    row = only(board(rows), ticker="TCS.NS")

    assert row["coverage"] == {"0.5": 0.25, "0.8": 0.5, "0.9": 0.75, "0.95": 0.75}
    assert row["coverage_n"] == 4


def test_a_forecast_without_a_distribution_is_scored_but_covers_nothing(board):
    rows = [scored(0, 0.005), scored(1, 0.005, levels=[], quantiles=[])]

    assert only(board(rows[1:]), ticker="TCS.NS")["coverage"] == {}
    row = only(board(rows[:1]), ticker="TCS.NS")
    assert (row["n"], row["coverage_n"], row["coverage"]["0.5"]) == (2, 1, 1.0)


def test_an_interval_that_a_grid_does_not_have_is_not_scored(board):
    narrow = {"levels": [0.25, 0.75], "quantiles": [-0.01, 0.01]}

    row = only(board([scored(0, 0.005, **narrow), scored(1, 0.06)]), ticker="TCS.NS")

    assert row["coverage"] == {"0.5": 0.5, "0.8": 0.0, "0.9": 1.0, "0.95": 1.0}


def test_zero_has_no_skill_and_no_direction(board):
    row = only(board([scored(0), scored(1)]), ticker="TCS.NS")

    assert (row["skill"], row["direction"], row["base_rate"]) == (0.0, None, None)


def test_a_price_that_never_moved_says_nothing_of_skill(board):
    assert only(board([scored(0, 0.0)]), ticker="TCS.NS")["skill"] is None


def test_the_candidate_beside_what_was_served_stands_in_the_shadow(board):
    rows = board([scored(0, 0.02, candidate="ridge", candidate_point=0.005)])

    shadow = only(rows, kind="shadow", ticker="TCS.NS")

    assert (shadow["model"], shadow["mae"]) == ("ridge", pytest.approx(0.015))
    assert only(rows, kind="served", ticker="TCS.NS")["model"] == "zero"


def test_a_candidate_that_is_served_is_not_its_own_shadow(board):
    row = scored(0, model="ridge", point=0.01, candidate="ridge", candidate_point=0.01)

    assert {one["kind"] for one in board([row])} == {"served"}


def test_the_shadow_forecast_of_a_trial_is_not_scored(board):
    beside = {"candidate": "drift", "candidate_point": 0.005}

    assert board([scored(0, model="ridge", point=0.01, kind="shadow", **beside)]) == []


def test_a_session_forecast_twice_counts_once_by_what_was_said_first(board):
    later = dt.datetime(2026, 4, 13, 18, tzinfo=dt.UTC)
    said = {"model": "ridge"}
    again = scored(0, 0.02, point=0.02, made_at=later, version="f" * 64, **said)

    row = only(board([again, scored(0, 0.02, point=0.01, **said)]), ticker="TCS.NS")

    assert (row["n"], row["mae"], row["versions"]) == (1, pytest.approx(0.01), 1)


@pytest.fixture
def go_live(connection):
    """Let versions go live, each named by a digit, at times of April 2026.

    They are of a pool, or of a ticker as they were before pools had models.
    """

    def publish(*events, pool=None, ticker=None):
        rows = [(pool, ticker, version * 64, at(*moment)) for version, *moment in events]
        connection.cursor().executemany(
            "INSERT INTO model_events (kind, pool, ticker, horizon, digest, made_live, served, "
            "verdict, reason, evidence, by_whom, at) VALUES ('trained', %s, %s, 'short', %s, true, "
            "'zero', 'undecided', '', '{}', 'a test', %s)",
            rows,
        )

    return publish


def at(day, hour, minute=0):
    return dt.datetime(2026, 4, day, hour, minute, tzinfo=dt.UTC)


# Version 0 forecasts at 12:00 UTC on the 13th; the next session, the 15th, closes at 10:00 UTC.
@pytest.mark.parametrize(
    ("events", "counts"),
    [
        ([("0", 13, 12)], True),
        ([("0", 13, 12), ("1", 15, 12)], True),
        ([("0", 13, 12), ("1", 13, 14)], False),
        ([("0", 13, 12), ("1", 15, 9, 59)], False),
        ([("0", 13, 12), ("1", 13, 14), ("0", 13, 15)], True),
        ([("0", 13, 12), ("1", 13, 14), ("0", 16, 12)], False),
        ([("1", 13, 14)], True),
    ],
    ids=("live", "until later", "same evening", "before the close", "back", "late", "unknown"),
)
@pytest.mark.parametrize("owner", [{"pool": "NSE"}, {"ticker": "TCS.NS"}], ids=("pool", "ticker"))
def test_a_forecast_counts_if_its_version_was_live_when_the_next_session_closed(
    board, go_live, events, counts, owner
):
    go_live(*events, **owner)
    go_live(("3", 13, 12), ("4", 13, 14), ticker="INFY.NS")
    go_live(("5", 13, 12), ("6", 13, 14), pool="BSE")

    assert len(board([scored(0)])) == 2 * counts
    assert len(board([], "TCS.NS")) == 2 * counts


def test_the_model_of_a_ticker_gives_way_to_the_first_one_of_its_pool(board, go_live, connection):
    put_member(connection, "TCS.NS")
    go_live(("0", 13, 12), ticker="TCS.NS")
    go_live(("1", 13, 14), pool="BSE")
    assert len(board([scored(0)])) == 2

    go_live(("2", 13, 15), ("3", 15, 15), pool="NSE")

    assert board([]) == []
    again = scored(0, version="2" * 64, made_at=at(13, 15))
    assert [row["n"] for row in board([again])] == [1, 1]


def test_of_two_versions_of_a_model_the_one_that_was_not_withdrawn_counts(board, go_live):
    go_live(("1", 10, 12), ("0", 13, 12), ("1", 13, 13), pool="NSE")
    tilt = {"model": "rank_tilt"}
    withdrawn = scored(0, point=0.01, **tilt)
    stood = scored(0, point=0.015, version="1" * 64, made_at=at(13, 13), **tilt)

    row = only(board([withdrawn, stood]), ticker="TCS.NS")

    assert (row["n"], row["versions"], row["mae"]) == (1, 1, pytest.approx(0.005))


def test_with_a_forecast_its_candidate_is_withdrawn(board, go_live):
    go_live(("0", 13, 12), ("1", 13, 13), pool="NSE")
    beside = {"candidate": "ridge", "candidate_point": 0.005}

    assert board([scored(0, **beside)]) == []


def test_tickers_are_shown_apart_and_together_and_share_the_days_market(board):
    rows = [scored(0, 0.02), scored(0, -0.04, ticker="INFY.NS"), scored(1, 0.03)]

    found = board(rows)
    both = only(found, ticker=POOLED)

    assert (both["n"], both["n_eff"], both["tickers"]) == (3, 2.0, 2)
    assert both["mae"] == pytest.approx(0.03)
    assert [row["ticker"] for row in found] == [POOLED, "INFY.NS", "TCS.NS"]


def test_overlapping_quarters_are_no_independent_evidence(board):
    rows = [scored(day, horizon="long", sessions=3) for day in range(4)]

    assert only(board(rows), ticker="TCS.NS")["n_eff"] == pytest.approx(4 / 3)


def test_synthetic_prices_are_not_pooled_with_real_ones(board):
    rows = board([scored(0), scored(0, 0.5, ticker="DEMO.NS", data_source="sample")])

    assert only(rows, ticker=POOLED)["n"] == 1
    assert only(rows, ticker="DEMO.NS")["mae"] == 0.5


def test_a_ticker_with_synthetic_and_real_prices_counts_in_the_pool_by_its_first_real_forecast(
    board,
):
    later = dt.datetime(2026, 4, 13, 18, tzinfo=dt.UTC)
    synthetic = scored(0, 0.5, data_source="sample")
    real = scored(0, 0.02, version="f" * 64, made_at=later)

    rows = board([synthetic, real])

    assert (only(rows, ticker=POOLED)["n"], only(rows, ticker=POOLED)["mae"]) == (1, 0.02)
    assert (only(rows, ticker="TCS.NS")["n"], only(rows, ticker="TCS.NS")["mae"]) == (1, 0.5)


def test_served_come_before_shadows_and_the_next_day_before_the_quarter(board):
    beside = {"candidate": "drift", "candidate_point": 0.01}
    rows = [scored(0, horizon="long", sessions=63, **beside), scored(0)]

    order = [(row["kind"], row["horizon"]) for row in board(rows) if row["ticker"]]
    assert order == [("served", "short"), ("served", "long"), ("shadow", "long")]


def test_without_outcomes_there_is_nothing_to_show(board):
    assert board([]) == []


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
def test_a_forecast_counts_when_it_was_made_before_the_close_that_decided_it(board, made, counts):
    row = scored(0, made_at=dt.datetime(*made, tzinfo=dt.UTC))

    assert len(board([row])) == 2 * counts


def test_an_outcome_on_a_day_that_is_no_session_any_more_needs_a_forecast_of_the_day_before(board):
    saturday = {"label_end": dt.date(2026, 4, 18)}
    made = dt.datetime(2026, 4, 18, 1, 0, tzinfo=dt.UTC)

    earlier = scored(3, made_at=made - dt.timedelta(hours=2), ticker="INFY.NS", **saturday)

    assert board([scored(3, made_at=made, **saturday)]) == []
    assert [row["ticker"] for row in board([earlier])] == [POOLED, "INFY.NS"]


def test_forecasts_of_other_lengths_are_not_averaged(board):
    rows = [scored(0, 0.01), scored(1, 0.05, sessions=5)]

    found = [row for row in board(rows) if row["ticker"] == "TCS.NS"]

    assert [(row["sessions"], row["n"], row["mae"]) for row in found] == [
        (1, 1, 0.01),
        (5, 1, 0.05),
    ]


def test_the_newest_outcome_counts_and_decides_whether_the_forecast_was_in_time(board):
    first = scored(0, 0.02)
    restated = first | {
        "realised_return": 0.05,
        "matured_at": first["matured_at"] + dt.timedelta(1),
    }

    assert only(board([first, restated]), ticker="TCS.NS")["mae"] == 0.05
    # Measured at an earlier close than the forecast was made, after all.
    again = {"label_end": DAYS[0], "matured_at": first["matured_at"] + dt.timedelta(2)}
    assert board([restated | again]) == []


def test_the_scores_of_one_ticker_are_those_of_its_forecasts_alone(board):
    rows = [scored(0, 0.02), scored(0, -0.04, ticker="INFY.NS")]

    found = board(rows, "INFY.NS")

    assert [(row["ticker"], row["n"], row["mae"]) for row in found] == [
        (POOLED, 1, 0.04),
        ("INFY.NS", 1, 0.04),
    ]
    assert board([], "SBIN.NS") == []


def test_each_exchange_has_its_own_closes(board):
    """16:00 in New York is 20:00 UTC in April, when NSE has long closed."""
    made = dt.datetime(2026, 4, 15, 19, 59, tzinfo=dt.UTC)
    rows = [scored(0, made_at=made), scored(0, made_at=made, ticker="AAPL")]

    assert [row["ticker"] for row in board(rows)] == [POOLED, "AAPL"]


def test_forecasts_and_outcomes_are_counted_for_one_ticker_and_for_all(board, log, go_live):
    first = scored(0, 0.02)
    later = first["matured_at"] + dt.timedelta(1)
    board([first, first | {"realised_return": 0.05, "matured_at": later}])
    board([scored(0, ticker="INFY.NS")])

    assert log.counts() == (2, 3, 0)
    assert [log.counts(ticker) for ticker in ("TCS.NS", "SBIN.NS")] == [(1, 2, 0), (0, 0, 0)]
    go_live(("0", 13, 12), ticker="TCS.NS")
    go_live(("0", 13, 12), pool="NSE")
    assert [log.counts(ticker)[2] for ticker in (None, "TCS.NS", "SBIN.NS")] == [2, 2, 1]


def insert(connection, table, rows, leave_out=()):
    names = [name for name in table.columns if name not in leave_out]
    values = ", ".join(f"%({name})s" for name in names)
    connection.cursor().executemany(
        f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({values})", rows
    )


def test_the_scores_are_the_same_before_and_after_models_came_to_belong_to_pools(
    server, board, go_live
):
    """Forecasts by models of tickers: stored before and migrated, or stored as they are now."""
    beside = {"candidate": "ridge", "candidate_point": 0.005}
    events = [("0", 13, 12), ("1", 13, 13), ("2", 15, 13), ("3", 17, 12)]
    rows = [
        *(scored(day, 0.01 * (day - 1), **beside) for day in range(4)),
        scored(0, 0.02, version="1" * 64, made_at=at(13, 13), **beside),
        scored(1, 0.04, ticker="INFY.NS", version="a" * 64),
        scored(1, 0.03, kind="shadow", model="drift", data_hash="e" * 64),
    ]
    with new_database(server) as url:
        bring_to(url, "0009")
        with psycopg.connect(url, autocommit=True) as old:
            insert(old, PREDICTIONS, rows)
            insert(old, PREDICTION_OUTCOMES, rows, leave_out=("kind",))
            for version, *moment in events:
                old.execute(
                    "INSERT INTO model_events (kind, ticker, horizon, digest, made_live, served, "
                    "verdict, reason, evidence, by_whom, at) VALUES ('trained', 'TCS.NS', "
                    "'short', %s, true, 'zero', 'undecided', '', '{}', 'a test', %s)",
                    (version * 64, at(*moment)),
                )
        ensure_schema(url)
        with psycopg.connect(url, autocommit=True) as migrated:
            found = scoreboard(ScoreLog(migrated))
            with pytest.raises(psycopg.Error, match="append-only"):
                migrated.execute("UPDATE prediction_outcomes SET note = ''")

    go_live(*events, ticker="TCS.NS")
    assert found == board(rows)
    # Version 0 was withdrawn on the evening of the 13th, version 1 on that of the 15th; the shadow
    # forecast was of no trial of today, and is not scored either.
    assert [(row["model"], row["n"]) for row in found if row["ticker"] == "TCS.NS"] == [
        *(("zero", 3), ("ridge", 3)),
    ]
