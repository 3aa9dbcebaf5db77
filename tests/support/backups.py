"""Installations to back up, and empty ones to restore into."""

import subprocess
from pathlib import Path

import psycopg

from src.config.settings import Settings
from src.db.embedded.binaries import find_binaries
from src.db.embedded.os_account import server_account
from src.db.tables.trials import TrialLog
from tests.support.installations import Installation
from tests.support.registries import Place
from tests.support.trials import AT, registered_trial, trial_event

# Texts and numbers that a careless copy would change.
ODD_ROWS = """
CREATE TABLE notes_of_ours (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text);
INSERT INTO notes_of_ours (note)
    VALUES (E'tab\\tline\\nbackslash \\\\N \\\\. quote " '' end'), (NULL), (''), ('नमस्ते');
ALTER TABLE features_daily ADD COLUMN sma_9 double precision;
UPDATE features_daily SET sma_9 = 1e-320 + 0.1::float8 + 0.2, variance = 'NaN',
    inputs = '{1e-40,-0,Infinity}'
    WHERE ticker = 'TCS.NS';
ALTER TABLE notes_of_ours ADD COLUMN bytes bytea DEFAULT decode('00ff5c0a095c2e', 'hex');
INSERT INTO run_requests (idempotency_key, kind, tickers, source, person)
    VALUES ('one', 'full', '{"A B","C\\"D"}', 'stored', 'somebody');
"""


class BackedUp(Installation):
    """A small installation with a version and rows that are hard to copy."""

    def __init__(self, url, home):
        super().__init__(url, home)
        Place(url, home).version("v1")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(ODD_ROWS)
            trials, trial = TrialLog(connection), registered_trial(smallest_effect=0.1 + 0.2)
            trials.register(trial)
            trials.add_event(trial_event(trial, "looked", session=AT.date()))

    @property
    def settings(self):
        return Settings(home=self.home, database_url=self.url)


def files_below(home):
    """The bytes of every file of models and versions by its place; locks are left out."""
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for folder in ("models", "mlops")
        for path in (home / folder).rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def dumped_schema(url):
    """Tables, views, triggers, indexes, comments and rights, as pg_dump writes them."""
    with psycopg.connect(url) as connection:
        major = connection.info.server_version // 10_000
        folder = connection.info.host
    program = find_binaries(major, server_account(Path(folder))) / "pg_dump"
    ran = subprocess.run(
        [program, "--schema-only", url], capture_output=True, text=True, check=True
    )
    # pg_dump marks the beginning and the end with a new random word each time.
    lines = ran.stdout.splitlines()
    return [line for line in lines if not line.startswith(("\\restrict", "\\unrestrict", "--"))]
