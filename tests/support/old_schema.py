"""A database as it was at an earlier revision of the schema."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from src.db.connection import control_connection
from src.db.migrate import MIGRATIONS


def bring_to(url: str, revision: str) -> None:
    """Bring an empty database to a revision, such as ``0009``."""
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: control_connection(url, autocommit=False)
    )
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
