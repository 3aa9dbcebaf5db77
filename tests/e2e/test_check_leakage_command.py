"""The leakage checks as a user runs them."""

from tests.support.data_runs import data_is_stored


def test_every_step_of_the_demo_passes(command):
    assert data_is_stored(command("mlops.pipeline", "--ticker", "DEMO.NS", "--skip-training"))

    ran = command("mlops.pipeline", "check-leakage", "--ticker", "DEMO.NS")

    assert ran.returncode == 0, ran.stderr
    *checks, verdict = ran.stdout.splitlines()
    assert checks[0].startswith("DEMO.NS with 0 others")
    assert sum(line.endswith("passed") for line in checks) >= 13
    assert verdict == f"All {len(checks) - 1} checks passed: no value depends on later prices."


def test_without_prices_it_says_what_to_run(command):
    ran = command("mlops.pipeline", "check-leakage", "--ticker", "NOSUCH.NS")

    assert ran.returncode == 1
    (sentence,) = ran.stderr.splitlines()
    assert "NOSUCH.NS" in sentence
