"""What tables hold after evenings on which nothing happens, to compare with and to begin from."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from src.config.settings import Settings
from src.core.model_events import Pair
from src.db.tables.model_events import EventLog
from src.monitoring.checks.run import observe
from src.registry.formats.models import LinearModel
from src.registry.lifecycle.events import Author
from src.registry.lifecycle.publish import publish
from src.registry.storage.artifact_store import MODELS, ArtifactStore
from tests.chaos.world import prices
from tests.chaos.world.world import World
from tests.support import many_tickers
from tests.support.many_tickers import contents
from tests.support.models import winner

# What the models of the world forecast from: forecasts can be computed by hand.
WEIGHTS = {"ret_lag1_s": 0.001, "ret_lag2_s": -0.002}
INTERCEPT = 0.0007
# A forecast is logged by who is the first to make it, the run or the API; inputs that are stored
# already are left as they are, and when that was by a wrong clock, too. A file is known by its hash
# and the tickers that were asked for: the worker names those that are due.
NUMBERED = (*many_tickers.NUMBERED, "made_at", "written_at", "file_hash")
SESSIONS = {"short": 1, "long": 63}

Answer = tuple[str, float, float]  # hash of the data, last close, forecast


@dataclass
class Evening:
    """One evening after another run, undisturbed.

    Attributes:
        database: A copy of it that is only read.
        tables: Rows and checksum by table.
        answers: By ticker, horizon and day of the features.
        bad: Rules and subjects that are bad on it: it has no channel, for one.
    """

    database: str
    tables: dict[str, tuple[int, str]]
    answers: dict[tuple[str, str, str], Answer]
    bad: set[Pair]


class Calm:
    """Evenings of a world on which nothing happened, the first with the models trained.

    Attributes:
        files: The files beside the database.
        evenings: By number, 0 for that of ``prices.START``.
    """

    def __init__(self, world: World) -> None:
        self.files = world.folder / "files"
        self.evenings: list[Evening] = []
        prices.deliver(world.home / "prices", prices.START)
        _run(world, train=True)
        _put_winners(world)
        _run(world)
        self._keep(world)
        shutil.copytree(world.home / "models", self.files / "models")
        for day in prices.DAYS:
            world.now = prices.evening(day)
            prices.deliver(world.home / "prices", day)
            _run(world)
            self._keep(world)

    def _keep(self, world: World) -> None:
        name = f"calm_{len(self.evenings)}"
        bad = bad_rules(world)
        answers = dict(self.evenings[-1].answers) if self.evenings else {}
        answers |= expected_answers(world)
        tables = contents(world.url, NUMBERED)
        self.evenings.append(Evening(name, tables, answers, bad))
        world.copy_database("forecast_db", name)


def settings_of(world: World) -> Settings:
    """The settings of a process in the world, for what is called here."""
    return Settings(
        home=world.home,
        database_url=world.url,
        now=world.now,
        data={
            "ticker": prices.TICKERS[0],
            "min_rows_required": 60,
            "stale_after_sessions": 10,
        },
    )


def bad_rules(world: World) -> set[Pair]:
    """Rules and subjects that the monitoring finds bad."""
    observed = observe(settings_of(world), world.now)
    return {(row.rule, row.subject) for row in observed if row.bad}


def expected_answers(world: World) -> dict[tuple[str, str, str], Answer]:
    """What the API must answer from the rows of ``serving_inputs``."""
    rows = world.query(
        "SELECT ticker, horizon, feature_date::text, data_hash, last_close, inputs "
        "FROM serving_inputs"
    )
    return {
        (ticker, horizon, day): (data_hash, close, forecast(inputs))
        for ticker, horizon, day, data_hash, close, inputs in rows
    }


def forecast(inputs: dict[str, Any]) -> float:
    """What the models of the world forecast."""
    return INTERCEPT + sum(weight * inputs[name] for name, weight in WEIGHTS.items())


def _run(world: World, *, train: bool = False) -> None:
    began = time.monotonic()
    process = world.start_run(world.now, train=train)
    assert process.wait(300) == 0 or train, world.said()["run.err"]
    world.set_pace(time.monotonic() - began)


def _put_winners(world: World) -> None:
    """Make a model live at each horizon whose forecasts differ from zero."""
    ((version,),) = world.query("SELECT DISTINCT features_version FROM pool_members")
    model = LinearModel(tuple(WEIGHTS), np.array(list(WEIGHTS.values())), INTERCEPT)
    live = [
        winner(model=model, horizon=name, sessions=sessions, features_version=version)
        for name, sessions in SESSIONS.items()
    ]
    with psycopg.connect(world.url, autocommit=True) as connection:
        author = Author("a test", world.now)
        publish(ArtifactStore(Path(world.home) / MODELS), EventLog(connection), live, author)
