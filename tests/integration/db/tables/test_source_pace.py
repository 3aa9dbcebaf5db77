"""The pace of a source in the database: what processes take together, and what a dead one keeps."""

import datetime as dt

import psycopg
import pytest

from src.core.pace import PaceRules, after_answer, after_refusal, take_turn
from src.db.tables.source_pace import SourcePace, source_pauses

RULES = PaceRules(
    burst=20, seconds_per_request=1000, longest_wait=0, first_pause=900, longest_pause=3600
)
# Takes turns as long as it gets any, says how many, and stays.
TAKER = """
import sys
import psycopg
from src.core.pace import PaceRules, take_turn
from src.db.tables.source_pace import SourcePace

rules = PaceRules(burst=20, seconds_per_request=1000, longest_wait=0, first_pause=900,
    longest_pause=3600)
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    pace = SourcePace(connection, "yahoo", rules.burst)
    print("ready", flush=True)
    sys.stdin.readline()
    turns = 0
    while pace.change(lambda state, at: take_turn(state, rules, at))[0].granted:
        turns += 1
    print(turns, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def pace(reader):
    return SourcePace(reader, "yahoo", RULES.burst)


def turn(pace, rules=RULES):
    return pace.change(lambda state, at: take_turn(state, rules, at))[0]


def tokens(reader):
    (row,) = reader.execute("SELECT tokens FROM source_pace WHERE source = 'yahoo'").fetchall()
    return row[0]


def test_two_processes_at_once_have_one_budget_together(database_url, python):
    takers = [python(TAKER, database_url) for _ in range(2)]
    try:
        for taker in takers:
            assert taker.stdout.readline() == "ready\n"
        for taker in takers:
            taker.stdin.write("go\n")
            taker.stdin.flush()
        taken = [int(taker.stdout.readline()) for taker in takers]
    finally:
        for taker in takers:
            taker.kill()
            taker.communicate()
    assert sum(taken) == 20


def test_a_killed_process_takes_none_of_the_budget_with_it(database_url, python, pace, reader):
    taker = python(TAKER, database_url)
    taker.stdout.readline()
    taker.stdin.write("go\n")
    taker.stdin.flush()
    assert taker.stdout.readline() == "20\n"
    taker.kill()
    taker.communicate()
    assert not turn(pace).granted

    # As if the time of two requests had passed.
    reader.execute("UPDATE source_pace SET counted_at = counted_at - interval '2000 s'")

    assert [turn(pace).granted for _ in range(3)] == [True, True, False]


def test_a_process_killed_in_the_middle_of_a_change_changes_nothing(database_url, pace, reader):
    pace.change(lambda state, at: take_turn(state, RULES, at))
    before = tokens(reader)
    with psycopg.connect(database_url, autocommit=True) as other:
        dying = SourcePace(other, "yahoo", RULES.burst)

        def killed(state, at):
            reader.execute("SELECT pg_terminate_backend(%s)", (other.info.backend_pid,))
            return take_turn(state, RULES, at)

        with pytest.raises(psycopg.OperationalError):
            dying.change(killed)
    assert tokens(reader) == before


def test_a_source_that_refuses_says_when_it_may_be_asked_again(pace, reader):
    assert source_pauses(reader) == {"yahoo": None}

    pace.change(
        lambda state, at: (after_refusal(state, RULES, at), None), "HTTP 429 Too Many Requests"
    )
    pause = source_pauses(reader)["yahoo"]

    assert pause.reason == pace.reason() == "HTTP 429 Too Many Requests"
    assert pause.resumes_at - pause.refused_at == dt.timedelta(seconds=900)
    assert 800 < pause.seconds <= 900
    # By the clock of the database, which is this machine's.
    assert abs(pause.refused_at - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=2)
    assert not turn(pace).granted

    reader.execute("UPDATE source_pace SET resumes_at = now()")
    assert turn(pace).is_trial
    assert source_pauses(reader)["yahoo"].seconds == 0
    pace.change(lambda state, at: (after_answer(state, at, is_trial=True), None))
    assert source_pauses(reader) == {"yahoo": None}


def test_each_source_has_a_budget_of_its_own(pace, reader):
    other = SourcePace(reader, "another", 1)

    assert turn(other, RULES).granted
    assert not turn(other, RULES).granted
    assert turn(pace).granted
