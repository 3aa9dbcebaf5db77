"""Faults of every kind, the same each time, and the proof that what is violated is found."""

from dataclasses import replace

import pytest

from tests.chaos.episodes.draw import Episode, Happening, draw
from tests.chaos.episodes.evening import play
from tests.chaos.episodes.invariants import INVARIANTS, one_model_is_live
from tests.chaos.episodes.shrink import shrink
from tests.chaos.faults.table import FAULTS, KINDS
from tests.chaos.world import prices

SEED, EACH = 1, 10
CALM = Episode(SEED, 0, "none", "hand", "embedded", "csv", ())
ALL = frozenset({"disk", "dashboard"})


# In halves, so that two processes end at about the same time.
@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, EACH, prices.EVENINGS))
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_goes_wrong_what_must_hold_does(suite, kind, first):
    if kind == "disk" and not suite.world.has_disk:
        pytest.skip("no file system may be mounted here")
    failed = len(suite.report.failures)
    numbers = range(first, first + prices.EVENINGS)
    suite.run([draw(SEED, number, kind, suite.parts) for number in numbers])
    assert "\n".join(map(str, suite.report.failures[failed:])) == ""


# What each invariant is for, done on purpose: a statement, or a change of the world or the record.
def _damage_model(world, record):
    path = next((world.home / "models").glob("NSE/short/*/model.safetensors"))
    path.write_bytes(path.read_bytes()[:-1])


def _print_traceback(world, record):
    with world.errors("run.err") as file:
        file.write(b"Traceback (most recent call last):\n")


def _answer_otherwise(world, record):
    changed = {
        key: (hash_, close + 1, ahead)
        for key, (hash_, close, ahead) in record.after.answers.items()
    }
    record.after = replace(record.after, answers=changed)


SPOILERS = {
    "run_ends": lambda world, record: setattr(record, "code", None),
    "one_sentence": _print_traceback,
    "tables_are_whole": lambda world, record: world.query(
        "DELETE FROM dataset_short WHERE ticker = 'S001.NS' AND date > '2026-06-01'"
    ),
    "rows_are_conserved": lambda world, record: world.query(
        "DELETE FROM raw_daily_prices WHERE ticker = 'S002.NS' AND date = '2026-06-10'"
    ),
    "logs_only_grow": lambda world, record: world.query(
        "ALTER TABLE model_events DISABLE TRIGGER ALL; DELETE FROM model_events WHERE event_id = 1"
    ),
    "answers_are_true": _answer_otherwise,
    "forecasts_are_logged": lambda world, record: world.query(
        "ALTER TABLE prediction_outcomes DISABLE TRIGGER ALL; "
        "ALTER TABLE predictions DISABLE TRIGGER ALL; "
        "DELETE FROM predictions WHERE ticker = 'S000.NS'"
    ),
    "one_model_is_live": _damage_model,
    "trials_are_sound": lambda world, record: world.query(
        "ALTER TABLE predictions DISABLE TRIGGER ALL; "
        "DELETE FROM predictions WHERE kind = 'shadow' AND ticker = 'S001.NS' "
        "AND feature_date = '2026-06-24'"
    ),
    "alerts_come_and_go": lambda world, record: world.query(
        "UPDATE pipeline_runs SET status = 'failed', error = 'No.'"
    ),
    "nothing_is_left": lambda world, record: world.query(
        "UPDATE pipeline_runs SET status = 'running'"
    ),
}


@pytest.mark.slow
def test_each_invariant_finds_what_it_is_for(suite):
    assert suite.run_alone(CALM) == {}
    record = play(suite.world, suite.calm, replace(CALM, number=1), frozenset())
    # What is done for the models is seen by the alerts as well.
    for check in sorted(INVARIANTS, key=lambda check: check is one_model_is_live):
        assert list(check(suite.world, record)) == [], check.__name__
        if check.__name__ not in SPOILERS:
            continue
        SPOILERS[check.__name__](suite.world, record)
        assert list(check(suite.world, record)) != [], check.__name__
        if check.__name__ == "run_ends":
            record.code = 0


def test_the_same_seed_and_number_are_the_same_episode():
    drawn = [draw(3, number, None, ALL) for number in range(400)]
    assert drawn == [draw(3, number, None, ALL) for number in range(400)]
    assert drawn != [draw(4, number, None, ALL) for number in range(400)]
    assert {each.fault for episode in drawn for each in episode.happenings} == set(FAULTS)
    assert {episode.kind for episode in drawn} == set(KINDS)
    for episode in drawn:
        has = ALL | {episode.reached, episode.by, episode.source}
        assert all(FAULTS[each.fault].needs <= has for each in episode.happenings)


def test_a_failure_is_shrunk_to_the_fault_that_causes_it():
    parts = (Happening("full disk", 0.4, 1.2), Happening("kill API", 0.8, 1.0))
    episode = replace(CALM, happenings=(*parts, Happening("stop run", 1.0, 0.5)))
    tried = []

    def fails(candidate):
        tried.append(candidate)
        return any(each.fault == "kill API" and each.lasts > 0.3 for each in candidate.happenings)

    smallest = shrink(episode, fails, 10)
    assert [each.fault for each in smallest.happenings] == ["kill API"]
    assert 0.3 < smallest.happenings[0].lasts <= 0.6
    assert len(tried) < 40
    assert shrink(episode, fails, 0) == episode


def test_prices_of_a_day_are_the_same_in_a_file_and_in_a_chart(tmp_path):
    day = prices.DAYS[0]
    prices.deliver(tmp_path, day)
    line = (tmp_path / "S001.NS.csv").read_text().splitlines()[-1]
    answer = prices.charts(day)["S001.NS"]["chart"]["result"][0]
    assert line.split(",")[0] == str(day)
    assert float(line.split(",")[4]) == answer["indicators"]["quote"][0]["close"][-1]
