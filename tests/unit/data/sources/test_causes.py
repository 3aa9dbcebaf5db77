"""Why a server did not answer is said in words."""

from src.data.sources.causes import short_cause


def test_what_a_library_adds_is_left_out():
    raw = "Failed to perform, curl: (6) Could not resolve host: a.b. See https://curl.se/x first."

    assert short_cause(OSError(raw)) == "Could not resolve host: a.b"
    assert short_cause(OSError("plain")) == "plain"
    assert short_cause(TimeoutError()) == "TimeoutError"
