import pytest

from tests.support.registries import Place


@pytest.fixture
def place(database_url, home):
    """A registry on the test's own database and home."""
    return Place(database_url, home)
