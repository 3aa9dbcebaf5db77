"""Arguments that do not fit together are wrong usage, in one sentence."""

import datetime as dt

import pytest

from src.config.load import load_settings
from src.core.calendars.nse import nse
from src.core.errors import UsageError
from src.data.sources.select import SourceRequest, open_source

NOW = dt.datetime(2026, 4, 20, 12, tzinfo=dt.UTC)


def opened(request, known_at, home):
    settings = load_settings(None, {"home": home}, env_file=None)
    return open_source(
        request, ticker="TCS.NS", settings=settings, calendar=nse(), now=NOW, known_at=known_at
    )


@pytest.mark.parametrize(
    ("request_", "to_remove"),
    [
        (SourceRequest(fetched_at=NOW), "--fetched-at"),
        (SourceRequest(vendor="nse"), "--vendor"),
        (SourceRequest(basis="split"), "--basis"),
        (SourceRequest(name="stored", vendor="nse", basis="total"), "--vendor and --basis"),
        (SourceRequest(name="yahoo"), "--source"),
    ],
)
def test_known_at_excludes_the_options_of_a_source(request_, to_remove, tmp_path):
    with pytest.raises(UsageError) as refused:
        opened(request_, NOW, tmp_path)

    assert str(refused.value) == f"--known-at uses only stored prices: remove {to_remove}."


@pytest.mark.parametrize(
    ("fetched_at", "sentence"),
    [
        (NOW + dt.timedelta(minutes=1), "is in the future"),
        (dt.datetime(1999, 12, 31, tzinfo=dt.UTC), "calendar of NSE, which begins on 2000-01-01"),
        # No session had closed before the first one.
        (dt.datetime(2000, 1, 3, 12, tzinfo=dt.UTC), "calendar of NSE, which begins on 2000-01-01"),
    ],
)
def test_a_time_of_download_that_cannot_be_is_refused(fetched_at, sentence, tmp_path):
    request = SourceRequest(name="csv", paths=(tmp_path,), fetched_at=fetched_at)

    with pytest.raises(UsageError, match=sentence):
        opened(request, None, tmp_path)


def test_known_at_needs_no_source(tmp_path):
    assert opened(SourceRequest(name="stored"), NOW, tmp_path) is None
