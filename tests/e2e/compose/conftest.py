"""Fixtures of the tests of containers: a Docker engine, and the services on it."""

import pytest

from tests.support.compose import Stack, reason_to_skip
from tests.support.dashboards import start_browser


@pytest.fixture(scope="package")
def stack(tmp_path_factory):
    """A copy of the tree, from which nothing runs yet; all of it is removed in the end."""
    reason = reason_to_skip()
    if reason is not None:
        pytest.skip(reason)
    made = Stack(tmp_path_factory.mktemp("compose"))
    made.remove()
    yield made
    made.remove()


@pytest.fixture(scope="module")
def browser():
    """A real Chromium."""
    yield from start_browser()
