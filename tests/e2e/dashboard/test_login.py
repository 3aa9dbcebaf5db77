"""Logging in to the dashboard, as a person does it."""

import os
import pty
import subprocess
import sys

import psycopg
import pytest

from src.dashboard.login.passwords import VARIABLE, hash_password, is_password
from tests.conftest import ROOT
from tests.support.alerts import MONDAY
from tests.support.dashboards import Dashboard, Visitor

CORRECT = "correct horse battery"
WRONG = "tr0ub4dor and 3"
GROUP = "f" * 12


@pytest.fixture(scope="module")
def guarded(place):
    """A dashboard with a password, of an installation with one alert."""
    url, home = place
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO alerts (rule, subject, alert_group, state, since, updated_at, sentence, "
            "measured_at, silenced) VALUES ('run_failed', '', '', 'firing', %(at)s, %(at)s, "
            "'It failed.', %(at)s, false)",
            {"at": MONDAY},
        )
        connection.execute(
            "INSERT INTO alert_groups VALUES ('run_failed', '', %s, 'WARNING', %s, %s, NULL, "
            "'INFO')",
            (GROUP, MONDAY, MONDAY),
        )
        with Dashboard(home, url, **{VARIABLE: hash_password(CORRECT)}) as dashboard:
            yield dashboard, connection, home


def test_a_setting_that_cannot_be_used_is_one_sentence_without_its_value(browser, home):
    with Dashboard(home, **{VARIABLE: "a plain word"}) as started:
        visitor = Visitor(browser, started.url)
        visitor.open("")
        said = visitor.text()
        visitor.context.close()
    assert f"{VARIABLE} is invalid: give a hash" in said
    assert "a plain word" not in said


def test_buttons_work_after_the_right_password_only(browser, guarded):
    dashboard, connection, home = guarded
    visitor = Visitor(browser, dashboard.url)
    page = visitor.open("monitoring")
    acknowledge = page.get_by_role("button", name="Acknowledge")
    assert acknowledge.is_disabled()

    page.get_by_role("button", name="Log in").click()
    send = page.locator("[data-testid=stFormSubmitButton] button", has_text="Log in")
    for seconds in (1, 2):
        page.get_by_label("Password", exact=True).fill(WRONG)
        send.click()
        page.get_by_text(f"wait {seconds} s").wait_for()
        if seconds == 1:
            page.wait_for_timeout(1100)
    # Too soon: not even the right one is looked at.
    page.get_by_label("Password", exact=True).fill(CORRECT)
    send.click()
    page.get_by_text("it came too soon").wait_for()
    page.wait_for_timeout(2500)
    page.get_by_label("Password", exact=True).fill(CORRECT)
    send.click()
    page.get_by_role("button", name="Log out").wait_for()

    acknowledge.click()
    page.get_by_label("Your name").fill("asha")
    page.locator("[data-testid=stFormSubmitButton] button", has_text="Acknowledge").click()
    page.get_by_role("heading", name="1 acknowledged").wait_for()
    taken = connection.execute("SELECT person FROM alert_acknowledgements WHERE note = ''")
    assert taken.fetchall() == [("asha",)]
    # Another page, the same session; a session of its own has to log in itself.
    page.get_by_role("link", name="Home").click()
    page.get_by_role("button", name="Log out").wait_for()
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("button", name="Log in").wait_for()

    log = (home / "logs" / "tcs-stock.log").read_text()
    assert "refused (1 in a row)" in log
    assert WRONG not in log
    assert CORRECT not in log
    assert visitor.problems() == []
    visitor.context.close()


@pytest.mark.parametrize(
    ("typed", "code", "told"),
    [
        ((CORRECT, CORRECT), 0, f"{VARIABLE}='scrypt$"),
        ((CORRECT, WRONG), 1, "The two differ"),
        (("short", "short"), 1, "8 characters"),
    ],
)
def test_the_hash_of_a_password_is_printed_and_the_password_never(environment, typed, code, told):
    ours, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "src.dashboard.login"],
        cwd=ROOT,
        env=environment,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    shown = b""
    for prompt, password in zip((b"Password: ", b"Again: "), typed, strict=True):
        while prompt not in shown:
            shown += os.read(ours, 1000)
        os.write(ours, f"{password}\n".encode())
    assert process.wait(60) == code
    shown += os.read(ours, 1000)
    os.close(terminal)
    os.close(ours)
    text = shown.decode()
    assert told in text
    assert all(password not in text for password in (CORRECT, WRONG))
    if code == 0:
        assert is_password(CORRECT, text.rpartition(f"{VARIABLE}='")[2].strip().rstrip("'"))
