"""One world for all tests of a process that run episodes."""

import pytest

from tests.chaos.episodes.suite import Suite


@pytest.fixture(scope="session")
def suite(tmp_path_factory):
    made = Suite(tmp_path_factory.mktemp("chaos"), shrinking=0)
    yield made
    left = made.close()
    assert left == []
