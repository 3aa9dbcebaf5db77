"""The tab Trials: what it says of every state of a trial, and how it looks in a real browser."""

import dataclasses
import datetime as dt
import uuid

import numpy as np
import psutil
import psycopg
import pytest

from src.core.calendars.nse import nse
from src.dashboard import wording
from src.db.connection import normalise_url
from src.db.migrate import ensure_schema
from src.db.tables.trials import TrialLog
from src.modeling.trials.judging.evidence import TrialEvidence
from src.modeling.trials.judging.judge import judge_trial, trial_rules
from src.modeling.trials.looks import look_evidence
from tests.support.answers import put_live
from tests.support.dashboard_apps import installation, open_page, text
from tests.support.dashboards import Dashboard, Visitor
from tests.support.models import both_horizons
from tests.support.trial_looks import look_event
from tests.support.trials import AT, registered_trial, trial_event

TAB = "analytics?stock=TCS.NS&view=Trials"
# Seconds of the processor for a visit that finds everything in memory.
WARM = 2.0


@pytest.fixture
def connection(database_url, home):
    """A database with TCS.NS served and no trial."""
    with psycopg.connect(database_url, autocommit=True) as opened:
        put_live(opened, home / "models", both_horizons())
        yield opened


@pytest.fixture
def shown(connection, database_url, home):
    """Store trials and events, open the tab, and return its text."""

    def show(trials=(), events=(), **query):
        log = TrialLog(connection)
        for trial in trials:
            log.register(trial)
        for event in events:
            assert log.add_event(event)
        with installation(home, database_url):
            app = open_page("analytics", stock="TCS.NS", view="Trials", **query)
            assert not app.exception
            code = "\n".join(each.value for each in app.code)
            return f"{text(app)}\n{code}".replace(wording.NO_BREAK, " ")

    return show


def test_without_a_trial_it_says_how_to_register_one(shown):
    said = shown()
    assert "No trial is registered." in said
    assert "`python -m mlops.trials register --pool NSE --horizon short" in said


def test_a_trial_without_outcomes_says_when_it_is_looked_at_first(shown):
    trial = registered_trial(reference="live", look_every=21)
    said = shown([trial])
    assert "1 trial; 1 running." in said
    assert "● The ridge challenger has not been compared with the live model yet" in said
    assert "It has not been looked at yet; it takes at most 504 sessions with outcomes." in said
    # 21 sessions after the 13th of April and one for the outcome: 1 May is a holiday.
    assert "The first look comes about Fri 15 May 2026" in said
    assert "by A. Rao: the ridge looked good on paper." in said
    assert f"python -m mlops.trials stop {trial.hash[:12]} --author NAME --reason TEXT" in said


def test_a_look_that_no_run_took_is_said(shown):
    said = shown([registered_trial(look_every=1)])
    assert "The first look was to come about Thu 16 Apr 2026: a run of the pipeline" in said


def test_a_running_trial_has_its_numbers_and_what_the_gate_asked(
    shown, connection, database_url, home
):
    trial = registered_trial(configurations=3)
    said = shown([trial], [look_event(trial, sessions=21), look_event(trial, sessions=42)])

    assert (
        "● The ridge challenger has been better than “no change” so far, which could be chance"
        in said
    )
    assert "its errors 0.42 % smaller than with the live model, over 42 sessions" in said
    assert "at this effect about 240 more sessions." in said
    assert "is better" not in said
    assert "**42 of at most 504 sessions** had outcomes when it was looked at last" in said
    assert "1 of its 3 questions are passed." in said
    assert "asked as of 3 configurations" in said
    assert "95 % sure at every look together" in said
    with installation(home, database_url):
        app = open_page("analytics", stock="TCS.NS", view="Trials")
    charts = [chart.proto.alt for chart in app.get("plotly_chart")]
    # The band at the last look: .0042 of the error, with .02 / sqrt(42) / 10 of .0125 either way.
    half = 100 * 0.02 / 42**0.5 / 10 / 0.0125
    span = f"{0.42 - half:.3f} to +{0.42 + half:.3f}".replace("-", wording.MINUS)
    (alt,) = charts
    assert alt.replace(wording.NO_BREAK, " ") == (
        f"Difference of mean losses over 42 sessions: +0.420 %, range {span} %"
    )
    gate = next(table.value for table in app.dataframe if "Question" in table.value.columns)
    assert list(gate["Passed"]) == ["✕ no", "✓ yes", "✕ no"]
    assert list(gate["Value"]) == ["1.31", "0.42 %", "not known"]
    assert list(gate["Limit"]) == ["> 2.24", "≥ 0.00 %", f"≥ {wording.MINUS}5.00 %"]


def test_what_a_run_stores_of_a_look_is_what_is_shown(shown, connection, database_url, home):
    generator = np.random.default_rng(11)
    actual = generator.normal(0, 0.02, (300, 6))
    challenger = 0.1 * actual + generator.normal(0, 0.001, actual.shape)
    days = nse().sessions(dt.date(2025, 1, 1), dt.date(2026, 4, 15))[:300]
    names = [f"S{number}.NS" for number in range(6)]
    pairs = TrialEvidence(days, names, actual, challenger, None, np.full(actual.shape, 0.02))
    rules = trial_rules(1, smallest_effect=0.005, max_sessions=504, tickers=6)
    verdict = judge_trial(actual, challenger, None, pairs.sigma, rules)
    trial = registered_trial(registered_at=AT - dt.timedelta(days=470))
    stored = look_evidence(pairs, verdict, 300)
    event = trial_event(trial, "looked", session=days[-1], evidence=stored, reason=verdict.reason)

    said = shown([trial], [event])

    assert "The ridge challenger has been better than “no change” so far, more than" in said
    assert wording.plain(verdict.reason) in said
    assert "**300 of at most 504 sessions** had outcomes" in said
    gain = 1 - np.abs(actual - challenger).mean() / np.abs(actual).mean()
    with installation(home, database_url):
        app = open_page("analytics", stock="TCS.NS", view="Trials")
    (chart,) = app.get("plotly_chart")
    alt = chart.proto.alt.replace(wording.NO_BREAK, " ")
    assert alt.startswith(f"Difference of mean losses over 300 sessions: +{100 * gain:.3f} %")
    asked = next(table.value for table in app.dataframe if "Question" in table.value.columns)
    assert len(asked) == len(stored["criteria"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"gain": -0.0031}, "has been worse than “no change” so far, which could be chance"),
        ({"gain": 0.0}, "has been as good as “no change” so far"),
        ({"gain": None}, "has not been compared with “no change” yet"),
        ({"low": 1e-6}, "so far, more than chance explains, but the gate asks for more"),
        ({"low": None, "high": None}, "so far, which could be chance"),
    ],
)
def test_what_is_known_so_far_is_said_as_it_is(shown, changes, words):
    trial = registered_trial()
    assert words in shown([trial], [look_event(trial, **changes)])


@pytest.mark.parametrize(
    ("kind", "words", "command"),
    [
        ("better", "▲ Ended: the ridge challenger has been better than “no change”", "promote"),
        ("worse", "▼ Ended: the ridge challenger has been worse", "show"),
        ("equivalent", "≈ Ended: the ridge challenger and “no change” have done equally", "show"),
        ("ran_out", "– Ended: the ridge challenger ran out of sessions, and nothing is", "show"),
    ],
)
def test_an_ending_is_said_with_what_to_do_next(shown, kind, words, command):
    trial = registered_trial()
    said = shown([trial], [look_event(trial, kind, verdict=kind, reason="So it is.")])
    assert words in said
    assert "So it is." in said
    assert f"python -m mlops.trials {command} {trial.hash[:12]}" in said
    assert "1 trial; 0 running." in said
    assert "look comes about" not in said


def test_a_trial_that_was_stopped_says_by_whom_and_why(shown):
    trial = registered_trial()
    reason = "the *vendor* changed <its> prices."
    stop = trial_event(trial, "stopped", author="B. Sen", reason=reason)
    said = shown([trial], [look_event(trial), stop])
    assert r"■ Stopped by B. Sen because: the \*vendor\* changed \<its\> prices" in said


def test_a_promoted_trial_says_so(shown):
    trial = registered_trial()
    promoted = trial_event(trial, "promoted", author="B. Sen", reason="agreed")
    said = shown([trial], [look_event(trial, "better"), promoted])
    assert "▲ Promoted by B. Sen because: agreed" in said


def test_a_challenger_that_failed_is_named_with_its_sentence(shown):
    trial = registered_trial()
    days = (dt.date(2026, 4, 15), dt.date(2026, 4, 16))
    failed = [
        trial_event(trial, "failed", session=day, reason="The model is damaged: train it.")
        for day in days
    ]
    said = shown([trial], failed)
    assert (
        "✕ **The challenger's forecast failed at Thu 16 Apr 2026**: The model is damaged\\: train "
        "it. It has failed at 2 sessions; what is served is not affected." in said
    )
    assert "● The ridge challenger has not been compared" in said


def test_a_share_of_clients_that_the_challenger_answers_is_said_while_it_is_not_off(shown):
    trial = registered_trial()
    split = trial_event(trial, "split", evidence={"share": 0.1}, reason="a small share first.")
    said = shown([trial], [split])
    assert (
        "**10 % of the API's clients** are answered by the challenger since Mon 13 Apr 2026, "
        "18:00 IST, by A. Rao: a small share first." in said
    )
    assert "1 trial; 1 running." in said
    off = trial_event(trial, "split", evidence={"share": 0.0}, reason="enough seen")
    assert "API's clients" not in shown(events=[off])


def test_the_trial_in_the_address_is_shown_and_an_unknown_one_is_not(shown):
    ridge = registered_trial()
    digest = registered_trial(
        challenger="c" * 64,
        horizon="long",
        sessions=63,
        loss="squared",
        registered_at=AT + dt.timedelta(days=1),
    )
    # The page's own horizon first, though it is the older one.
    said = shown([ridge, digest])
    assert ridge.hash in said
    label = f"model cccccccccccc against “no change”, NSE 63 ahead, {digest.hash[:12]}"
    said = shown(trial=label)
    assert "The model cccccccccccc challenger has not been compared" in said
    assert "squared errors of forecasts of NSE" in said
    assert ridge.hash in shown(trial="nonsense")


def test_a_row_that_was_changed_in_the_database_is_said_and_the_page_stays(shown, connection):
    trial = registered_trial()
    changed = dataclasses.replace(trial, reason="another one")
    values = {**trial.as_json(), "hash": changed.hash, "settings": "{}", "registered_at": AT}
    names = ", ".join(values)
    places = ", ".join(f"%({name})s" for name in values)
    connection.execute(f"INSERT INTO trials ({names}) VALUES ({places})", values)
    said = shown()
    assert "The trials cannot be shown." in said
    assert "its row was changed" in said


def test_without_a_database_the_page_says_so(home):
    with installation(home, "postgresql://nobody@127.0.0.1:9/nothing"):
        app = open_page("analytics", view="Trials")
    assert not app.exception
    assert len(app.error) == 1


@pytest.fixture(scope="module")
def busy(server, tmp_path_factory):
    """A dashboard with a running trial after a year of looks, an ended, a stopped and a new one."""
    home, name = tmp_path_factory.mktemp("trials"), f"trials_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        url = normalise_url(server.replace("/forecast_db?", f"/{name}?"))
        ensure_schema(url)
        with psycopg.connect(url, autocommit=True) as connection:
            put_live(connection, home / "models", both_horizons())
            _store(TrialLog(connection))
        with Dashboard(home, url) as dashboard:
            yield dashboard
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _store(log: TrialLog) -> None:
    running, ended, stopped, new = (
        registered_trial(challenger=challenger, registered_at=AT - dt.timedelta(hours=hours))
        for hours, challenger in enumerate(("ridge", "drift", "rank_tilt", "a" * 64))
    )
    for trial in (running, ended, stopped, new):
        log.register(trial)
    for sessions in range(5, 251, 5):
        log.add_event(look_event(running, sessions=sessions))
    for sessions in range(5, 121, 5):
        log.add_event(look_event(ended, sessions=sessions))
    log.add_event(look_event(ended, "equivalent", sessions=125))
    log.add_event(look_event(stopped, sessions=5))
    log.add_event(trial_event(stopped, "stopped", reason="nobody needs it"))
    log.add_event(trial_event(new, "failed", session=dt.date(2026, 4, 16), reason="No model."))


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_everybody_can_use_it_on_every_screen(busy, browser, width, dark):
    visitor = Visitor(browser, busy.url, width=width, dark=dark)
    page = visitor.open(TAB)

    assert "has been better so far" in visitor.text()
    assert page.get_by_role("tab", name="Trials").get_attribute("aria-selected") == "true"
    assert visitor.violations() == []
    wide = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    assert wide <= width
    assert visitor.problems() == []
    visitor.context.close()


def test_another_trial_is_chosen_and_every_look_is_in_a_table(busy, browser):
    visitor = Visitor(browser, busy.url)
    page = visitor.open(TAB)

    chooser = page.get_by_role("combobox", name="Show trial")
    chooser.click()
    chooser.fill("drift")
    page.get_by_role("option", name="drift against").click()
    visitor.settle()
    assert "≈ Ended: the drift challenger" in visitor.text()
    assert "trial=drift" in page.url
    page.get_by_text("Every look", exact=True).click()
    visitor.settle()
    tables = page.locator("[data-testid=stDataFrame]").filter(has_text="Looked at")
    tables.locator("tbody tr").first.wait_for(state="attached")
    looks = tables.locator("tbody tr").first.text_content()
    assert "≈ ended: equivalent" in looks
    assert "125" in looks
    assert visitor.violations() == []
    assert visitor.problems() == []
    visitor.context.close()


def test_it_is_soon_there(busy, browser):
    process = psutil.Process(busy.process.pid)
    for _ in range(2):
        before = sum(process.cpu_times()[:2])
        visitor = Visitor(browser, busy.url)
        visitor.open(TAB)
        spent = sum(process.cpu_times()[:2]) - before
        visitor.context.close()
    assert spent < WARM
