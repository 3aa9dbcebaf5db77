"""What tables hold after evenings on which nothing happens, to compare with and to begin from."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from src.config.settings import Settings
from src.core.model_events import Pair
from src.monitoring.checks.run import observe
from tests.chaos.world import prices
from tests.chaos.world.models import put_models
from tests.chaos.world.world import World
from tests.support import many_tickers
from tests.support.many_tickers import contents

# A forecast is logged by who is the first to make it, the run or the API; inputs that are stored
# already are left as they are, and when that was by a wrong clock, too. A file is known by its hash
# and the tickers that were asked for: the worker names those that are due. How often features were
# changed depends on how often they had to be, and when a price was seen first on which run did it.
OF_TIMES = ("made_at", "written_at", "first_seen")
NUMBERED = (*many_tickers.NUMBERED, *OF_TIMES, "file_hash", "changes")
# What happened to trials, without a challenger's forecasts that failed. On what a look was decided
# may differ by a forecast that the API was the first to log: its clock is the last evening's.
_TRIALS = """
SELECT challenger, kind, session::text
FROM trial_events e JOIN trials USING (hash) WHERE kind <> 'failed' ORDER BY 1, 2, 3
"""

Answer = tuple[str, float, dict[str, Any]]  # hash of the data, last close, inputs of models


@dataclass
class Evening:
    """One evening after another run, undisturbed.

    Attributes:
        database: A copy of it that is only read.
        tables: Rows and checksum by table.
        answers: By ticker, horizon and day of the features.
        bad: Rules and subjects that are bad on it: it has no channel, for one.
        trials: What has happened to trials.
        files: The files beside the database.
    """

    database: str
    tables: dict[str, tuple[int, str]]
    answers: dict[tuple[str, str, str], Answer]
    bad: set[Pair]
    trials: list[tuple[Any, ...]]
    files: Path


class Calm:
    """Evenings of a world on which nothing happened, the first with the models trained.

    Attributes:
        evenings: By number, 0 for that of ``prices.START``.
    """

    def __init__(self, world: World) -> None:
        self.evenings: list[Evening] = []
        prices.deliver(world.home / "prices", prices.START)
        _run(world, train=True)
        put_models(world)
        _run(world)
        self._keep(world)
        for day in prices.DAYS:
            world.now = prices.evening(day)
            prices.deliver(world.home / "prices", day)
            _run(world)
            _run(world)  # where the first has made another model live, that answers, too
            self._keep(world)

    def _keep(self, world: World) -> None:
        name = f"calm_{len(self.evenings)}"
        bad = bad_rules(world)
        answers = dict(self.evenings[-1].answers) if self.evenings else {}
        answers |= expected_answers(world)
        tables = contents(world.url, NUMBERED)
        files = world.folder / name
        shutil.copytree(world.home / "models", files / "models")
        self.evenings.append(Evening(name, tables, answers, bad, trial_events(world), files))
        world.server.copy_database("forecast_db", name)


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
    """What the API must answer from, in the rows of ``serving_inputs``."""
    rows = world.query(
        "SELECT ticker, horizon, feature_date::text, data_hash, last_close, inputs "
        "FROM serving_inputs"
    )
    return {
        (ticker, horizon, day): (data_hash, close, inputs)
        for ticker, horizon, day, data_hash, close, inputs in rows
    }


def trial_events(world: World) -> list[tuple[Any, ...]]:
    """What has happened to trials, whatever came first."""
    return world.query(_TRIALS)


def _run(world: World, *, train: bool = False) -> None:
    began = time.monotonic()
    process = world.start_run(world.now, train=train)
    assert process.wait(300) == 0 or train, world.said()["run.err"]
    world.set_pace(time.monotonic() - began)
