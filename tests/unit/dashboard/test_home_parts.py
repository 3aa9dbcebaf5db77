"""Home's sentences and its table: what is odd comes first, and no number without its range."""

import datetime as dt
from collections import Counter
from dataclasses import replace

import pytest

from src.core.alerts import Acknowledgement, Alert
from src.dashboard import banner, wording
from src.dashboard.alert_pages import page_of
from src.dashboard.parts.home import attention, rows, status, summary, table, today
from src.dashboard.parts.home.rows import CHANGED, HELD_BACK, OUTSIDE, STALE, AllStocks, StockRow
from src.dashboard.parts.monitoring.alerts.alert_board import Card
from src.db.pages.attention import LastRun
from src.db.pages.home import TickerState, Trainings
from src.db.pages.overview import StoredTicker
from src.modeling.report.statistics.measures import NOTHING, Measure
from src.monitoring.rules import RULES

DAY = dt.date(2026, 4, 17)
AT = dt.datetime(2026, 4, 17, 12, 30, tzinfo=dt.UTC)


def plain(text):
    return text.replace(wording.NO_BREAK, " ")


def row(ticker, *flags, age=0, **fields):
    given = {
        "lag": age,
        "pool": "NSE",
        "low": 98.0,
        "high": 103.5,
        "verdict": "undecided",
        "last_close": 100.0,
        "point": 100.0,
        "skill": Measure(0.0024, -0.001, 0.0058, 980, 980, 980.0),
        "why": tuple(flag.lower() for flag in flags),
    }
    return StockRow(ticker=ticker, age=age, flags=flags, **given | fields)


def stocks(*all_rows):
    return AllStocks(tuple(all_rows), DAY, len(all_rows), 1)


def state(**fields):
    given = {
        "pool": "NSE",
        "horizon": "short",
        "note": None,
        "label_end": DAY,
        "outside_95": False,
        "inside_80": True,
        "verdict": "undecided",
        "verdict_before": "undecided",
    }
    return TickerState(ticker="A.NS", **given | fields)


def test_made_up_prices_do_not_say_which_session_was_scored_last():
    stored = [
        StoredTicker("A.NS", "NSE", DAY, 100.0, "csv"),
        StoredTicker("DEMO.NS", "SAMPLE", DAY, 100.0, "sample"),
    ]
    before = DAY - dt.timedelta(days=1)
    states = [state(label_end=before), replace(state(label_end=DAY), ticker="DEMO.NS")]
    assert rows.last_outcome(stored, states) == before
    assert rows.last_outcome(stored[1:], states) == DAY


@pytest.mark.parametrize(
    ("fields", "age", "flags"),
    [
        ({}, 0, []),
        ({"outside_95": True}, 0, [OUTSIDE]),
        ({"outside_95": True, "label_end": dt.date(2026, 4, 16)}, 0, []),  # no news
        ({"outside_95": None}, 0, []),
        ({"note": "it was suspended"}, 0, [HELD_BACK]),
        ({}, 1, [STALE]),
        ({"verdict": "better"}, 0, [CHANGED]),
        ({"verdict": "better", "verdict_before": None}, 0, []),
        ({"verdict": None}, 0, []),
        ({"outside_95": True, "verdict": "worse"}, 2, [OUTSIDE, STALE, CHANGED]),
    ],
)
def test_what_is_odd_of_a_stock(fields, age, flags, monkeypatch, tmp_path):
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path))
    found = rows._flags(age, 0, state(**fields), {"model": {"name": "zero"}}, DAY, "zero")
    assert [flag for flag, _ in found] == flags


def test_no_change_in_the_place_of_the_model_in_use_is_held_back(monkeypatch, tmp_path):
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path))
    zero = {"model": {"name": "zero"}}
    assert [flag for flag, _ in rows._flags(0, 0, state(), zero, DAY, "ridge")] == [HELD_BACK]
    assert rows._flags(0, 0, state(), {"model": {"name": "ridge"}}, DAY, "ridge") == []


def test_a_changed_verdict_of_a_whole_pool_and_a_share_that_is_gone_need_nobody():
    assert row("A.NS", OUTSIDE).needs_a_look
    assert not row("A.NS", CHANGED).needs_a_look
    assert not row("A.NS", STALE, age=21).needs_a_look
    # Nobody brings in prices of the pool: none of its shares is gone.
    assert row("A.NS", STALE, age=156, lag=0).needs_a_look


def test_a_share_that_others_left_behind_may_be_delisted(monkeypatch, tmp_path):
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path))
    zero = {"model": {"name": "zero"}}
    words = [plain(rows._flags(156, lag, state(), zero, DAY, "zero")[0][1]) for lag in (0, 20, 21)]
    assert words == ["156 sessions old", "156 sessions old", "156 sessions old, delisted?"]


def test_what_is_rare_comes_before_what_waits_for_a_run_and_what_is_gone_comes_last():
    gone, calm = row("A.NS", STALE, age=99), row("B.NS", CHANGED)
    odd = [row("Z.NS", OUTSIDE), row("C.NS", HELD_BACK, STALE, age=1), row("D.NS", STALE, age=1)]
    assert sorted([gone, calm, *odd[::-1]], key=rows._rank) == [*odd, calm, gone]


def test_five_stocks_are_named_and_the_others_counted():
    odd = [row(f"{letter}.NS", OUTSIDE) for letter in "ABCDEFG"]
    long = [row("A.NS", OUTSIDE, why=("outside 95 % at 63 sessions",)), row("Z.NS")]
    text = plain(table.needs_sentence([stocks(*odd, row("Z.NS")), stocks(*long)]))
    assert text.startswith("**7 of 8 stocks need a look:** **A.NS** (outside 95 %, outside 95 % at")
    assert text.endswith("**E.NS** (outside 95 %) and 2 more.")
    calm = plain(table.needs_sentence([stocks(row("Z.NS"))]))
    assert calm.endswith("No stock needs a look.")


def test_filters_show_what_any_of_them_asks_for():
    some = [row("A.NS", OUTSIDE), row("B.NS", STALE, age=30), row("C.NS", CHANGED), row("D.NS")]
    assert table.narrowed(some, []) == some
    assert table.narrowed(some, [table.NEEDS]) == some[:1]
    assert table.narrowed(some, [STALE, CHANGED]) == some[1:3]


def test_the_cells_of_a_stock_with_and_without_a_forecast():
    missing = row(
        "B.NS", rows.MISSING, low=None, high=None, verdict=None, last_close=None, point=None,
        skill=None,
    )  # fmt: skip
    cells = table.content([row("A.NS"), missing], {"A.NS": [1.0, 2.0]}, indian=False)
    assert cells.row(0)[:6] == ("A.NS", "98.00 – 103.50", "○ no edge", "", 100.0, 100.0)
    assert cells.row(0)[6:] == ([1.0, 2.0], "+0.24 (−0.10 to +0.58)")
    assert cells.row(1)[1:] == ("–", "– too early", "no forecast", None, None, [], "–")
    lakh = table.content([row("A.NS", last_close=250000.0)], {}, indian=True)
    assert lakh["Last close"].to_list() == ["₹2,50,000.00"]


def test_a_skill_without_a_range_is_said_to_rest_on_too_few():
    few = Measure(0.01, None, None, 100, 100, 1.6)
    assert table.skill_text(few) == "+1.00 (too few)"
    assert table.skill_text(NOTHING) == "–"
    note = plain(table.footnote([row(f"{n}.NS") for n in range(60)]))
    assert "about 3 of these ranges would leave out zero by chance" in note
    assert "by chance" not in table.footnote([row("A.NS")])


@pytest.mark.parametrize(
    ("counts", "headline"),
    [
        ({}, "No forecast is stored yet"),
        ({"undecided": 40, "none": 2}, "No demonstrated edge for 42 of 42 forecasts"),
        ({"better": 137, "undecided": 137}, "No demonstrated edge for 137 of 274 forecasts"),
        ({"better": 3, "worse": 1}, "Better than “no change” for 3 of 4 forecasts"),
    ],
)
def test_the_headline_counts_what_is_not_decided(counts, headline):
    assert plain(summary.headline(Counter(counts))) == headline


def test_forecasts_of_other_pools_are_not_counted():
    made_up = row("DEMO.NS", pool="SAMPLE", verdict="better")
    stocks = {"short": AllStocks((row("A.NS"), made_up), DAY, 2, 1)}
    assert summary.verdicts(stocks, {"NSE"}) == Counter(undecided=1)


def trained(horizon, trainings, better):
    return Trainings("NSE", horizon, trainings, better, AT, AT, "undecided")


def test_the_paragraph_says_whether_a_model_ever_won_and_praises_no_range_that_missed(
    monkeypatch, tmp_path
):
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path))
    counts = Counter(undecided=4)
    kept = Measure(0.79, 0.77, 0.82, 5000, 250, 250.0)
    never = plain(summary.paragraph(counts, [trained("short", 2, 0), trained("long", 2, 0)], kept))
    assert "No model has ever beaten it here: 4 trainings since Fri 17 Apr 2026" in never
    assert "80 % ranges held **79 %** of outcomes of the last 250 sessions" in never
    missed = Measure(0.7, 0.68, 0.72, 5000, 250, 250.0)
    once = plain(summary.paragraph(counts, [trained("short", 3, 1), trained("long", 3, 0)], missed))
    assert "A model has beaten it in 1 of 3 for NSE at 1 session, of 6 trainings" in once
    assert "held" not in once


def answer(**fields):
    interval = {"low_close": 2500.25, "high_close": 2610.5, "low_return": 0, "high_return": 0}
    given = {
        "ticker": "A.NS",
        "predict_date": "2026-04-20",
        "predict_date_estimated": False,
        "feature_date": "2026-04-17",
        "data_age_sessions": 0,
        "last_close": 2550.0,
        "est_future_close": 2550.0,
        "pred_return": 0.0,
        "prob_up": 0.476,
        "model": {"name": "zero"},
        "intervals": [{"level": level, **interval} for level in (0.5, 0.8, 0.9, 0.95)],
    }
    return given | fields


def test_a_forecast_in_words():
    line = (
        "A.NS: 8 in 10 outcomes between 2,500.2 and 2,610.5 by the next session (Mon 20 Apr 2026)"
    )
    assert today.headline("A.NS", answer(), 1, indian=False) == line
    past = today.headline("A.NS", answer(data_age_sessions=1), 1, indian=False)
    assert past.endswith("were expected between 2,500.2 and 2,610.5 by Mon 20 Apr 2026, now past")
    assert plain(today.when(answer(), 1)) == "In 1 session: Mon 20 Apr 2026"
    assert today.when(answer(data_age_sessions=1), 1) == "Mon 20 Apr 2026, now past"
    text = plain(today.explanation(answer(), indian=True))
    assert "19 in 20 inside ₹2,500.2 – ₹2,610.5" in text
    assert "Point ₹2,550.00 (no change)" in text
    assert "rise in 48 of 100 cases" in text
    bare = answer(intervals=[], prob_up=None, pred_return=0.01, model={"name": "ridge"})
    assert plain(today.explanation(bare, indian=False)).endswith("(+1.00 %, ridge).")
    assert "no range is known" in today.headline("A.NS", bare, 1, indian=False)
    assert "no range is known" in today.headline("A.NS", None, 1, indian=False)


def card(rule="run_failed", state="firing", severity="WARNING", subjects=("",), **facts):
    """Alerts of a rule since Friday."""
    alerts = (
        Alert(rule, subject, "", "firing", AT, AT, "It failed.", 1.0, AT) for subject in subjects
    )
    return Card(rule, "", state, severity, tuple(alerts), AT, "f", **facts)


def test_an_alert_tells_how_many_are_like_it_and_who_takes_care():
    some = card(subjects=("A", "B", "C"))
    assert attention.alert_title(some) == "It failed. And 2 more like it."
    line = "▲ warning · Firing · since Fri 17 Apr 2026, 18:00 IST"
    assert attention.status_line(some) == line
    taken = card(state="acknowledged", taken=Acknowledgement("f", "A. Rao", AT))
    assert "▲ warning · Acknowledged by A. Rao · since" in attention.status_line(taken)
    note = card(state="informing", severity="INFO")
    assert attention.status_line(note).startswith("For information · since")


def test_every_rule_leads_to_a_page_and_a_part_is_as_bad_as_its_worst_alert():
    pages = {page_of(rule) for rule in RULES}
    assert pages == {"pipeline_control", "analytics", "predictions", "monitoring"}
    assert page_of("skill_negative") == "analytics"
    assert page_of("disk_nearly_full") == "monitoring"
    alerts = [card("model_stale"), card("model_corrupt", severity="CRITICAL")]
    assert status.state_of(alerts, status.PARTS["Models"], checked=True) == "✕ critical"
    assert status.state_of(alerts, status.PARTS["Database"], checked=True) == "✓ working"
    silenced = [card("model_corrupt", "silenced", "CRITICAL"), card("model_stale")]
    assert status.state_of(silenced, status.PARTS["Models"], checked=True) == "▲ warning"
    assert status.state_of([], status.PARTS["Evaluation"], checked=False) == "– not checked"


def test_a_run_that_failed_says_where():
    run = LastRun("r_1", None, "failed", AT, "No file.", 2, 61.4, "data_ingest", 20, 3)
    text = plain(status.run_text(run))
    assert "20 stocks, 3 of them failed · 2 stages done" in text
    assert text.endswith("Ingest failed.  \nNo file.")
    alone = LastRun("r_1", "A.NS", "failed", AT, "No file.", 0, 0.0, "data_ingest", 1, 1)
    assert "A.NS · 0 stages done" in plain(status.run_text(alone))


def test_signs_of_markdown_in_stored_sentences_are_shown_and_code_stays_code():
    assert wording.plain("a_b [c] `d_e` $5") == r"a\_b \[c\] `d_e` \$5"
    assert set(banner.RUNS) == set(status.RUNS)
