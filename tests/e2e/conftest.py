import pytest

from src.db.database import DATA_DIR
from src.db.embedded import acquire


@pytest.fixture
def embedded(home):
    """Attach to the home's own server: ``with embedded() as url``."""
    from contextlib import contextmanager

    @contextmanager
    def attach():
        with acquire(home / DATA_DIR) as lease:
            yield lease.url

    return attach
