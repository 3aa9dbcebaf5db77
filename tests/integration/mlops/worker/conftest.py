import psycopg
import pytest


@pytest.fixture
def connect(database_url):
    """Opens connections of the test's own database."""
    opened = []

    def make():
        opened.append(psycopg.connect(database_url, autocommit=True))
        return opened[-1]

    yield make
    for each in opened:
        each.close()
