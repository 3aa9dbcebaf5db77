"""The leak check as a user runs it."""


def test_the_check_says_part_by_part_that_nothing_knows_the_future(command):
    assert command("mlops.pipeline", "--ticker", "DEMO.NS", "--skip-training").returncode == 0

    ran = command("mlops.pipeline", "check-leakage", "--ticker", "DEMO.NS")

    assert ran.returncode == 0, ran.stderr
    *checks, verdict = ran.stdout.splitlines()
    assert checks[0].startswith("DEMO.NS with 0 others")
    assert sum("holds" in line for line in checks) >= 13
    assert verdict == "Nothing that is said at a session changes with what comes after it."


def test_without_prices_it_says_what_to_run(command):
    ran = command("mlops.pipeline", "check-leakage", "--ticker", "NOSUCH.NS")

    assert ran.returncode == 1
    (sentence,) = ran.stderr.splitlines()
    assert "NOSUCH.NS" in sentence
