"""What ends the start of the API: one sentence, and no service."""

import socket
import subprocess
import sys

import pytest

from tests.support.services import ROOT


def test_a_port_that_is_taken_is_named(command):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = command("src.api", FORECAST_API__PORT=port)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"Port {port} of 127.0.0.1 is in use: end the program that listens there, or set "
        "FORECAST_API__PORT to another port.\n"
    )


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_of_another_machine_is_named(command, host):
    done = command("src.api", FORECAST_API__HOST=host)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"The service cannot listen on {host} (")
    assert done.stderr.count("\n") == 1


@pytest.fixture
def uvicorn(environment):
    """Run uvicorn as its own command does, to its end."""

    def run(*arguments, **variables):
        return subprocess.run(
            [sys.executable, "-m", "uvicorn", "src.api.predict_simple:app", "--port=0", *arguments],
            cwd=ROOT,
            env=environment | variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


@pytest.mark.parametrize(("argument", "variable"), [("--workers=2", ""), ("--port=0", "2")])
def test_several_processes_are_refused_in_one_sentence(uvicorn, argument, variable):
    done = uvicorn(argument, **({"WEB_CONCURRENCY": variable} if variable else {}))

    assert "The service is one process, which counts and limits requests: start it" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_setting_that_cannot_be_used_is_one_sentence_under_uvicorn_as_well(uvicorn):
    done = uvicorn(FORECAST_API__PROT="80")

    assert done.returncode == 3
    assert "FORECAST_API__PROT is not a setting: did you mean FORECAST_API__PORT?" in done.stderr
    assert "Traceback" not in done.stderr
