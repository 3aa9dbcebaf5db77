"""What running trials add to the cpu of a run, in a pool of forty tickers: none, one and three.

Run: python -m benchmarks.parts.trials [--quick]. Served forecasts and those of the trials are two
years old by then. Each run is on an evening of its own, with one session more; some train, some
forecast with stored models. The first run of a trial, which fits its challenger and looks at the
trial, is not counted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from statistics import median
from typing import Any

import psycopg

from benchmarks.page import result
from benchmarks.page.result import Budget, Result
from benchmarks.parts.home import Home, temporary_home
from benchmarks.parts.many_tickers import evening, newest_sessions, write_files
from src.core.tables import DATASETS, PREDICTION_OUTCOMES, PREDICTIONS
from src.core.trials import Trial
from src.db import sql
from src.db.tables.trials import TrialLog

# Tickers, sessions of prices and of forecasts, and runs of each kind that are counted.
SIZE, SMALL = (40, 1500, 500, 3), (22, 440, 20, 1)
TRIALS = (0, 1, 3)
KINDS = {"with training": (), "without training": ("--skip-training",)}
MUST = 0.10
CHALLENGERS: Sequence[dict[str, Any]] = (
    {"challenger": "ridge"},
    {"challenger": "rank_tilt", "settings": {"refit_every": 126}},
    {"challenger": "drift", "horizon": "long", "sessions": 63, "settings": {"embargo": 7}},
)

_NEWEST = (
    "SELECT DISTINCT ON (ticker, horizon) * FROM predictions WHERE kind = 'served' "
    "ORDER BY ticker, horizon, feature_date DESC"
)
_OUTCOMES = (
    f"INSERT INTO prediction_outcomes ({sql.names(PREDICTION_OUTCOMES.columns)}) "  # noqa: S608
    f"SELECT {sql.names(PREDICTIONS.key, 'p')}, p.made_at + interval '1 day', d.label_end, "
    "d.target, p.return_basis, '' FROM predictions p "
    "JOIN {table} d ON d.ticker = p.ticker AND d.date = p.feature_date "
    "WHERE p.horizon = %(horizon)s AND d.target IS NOT NULL AND NOT EXISTS ("
    f"SELECT FROM prediction_outcomes o WHERE {sql.same_key(PREDICTIONS, 'o', 'p')})"
)


class Evenings:
    """Runs on one evening after another, each with one session more in every file."""

    def __init__(self, home: Home, tickers: int, days: Sequence[dt.date], first: int) -> None:
        self._home, self._tickers, self._days, self.count = home, tickers, days, first - 1

    def run(self, *options: str) -> float:
        """The cpu seconds of the next one."""
        self.count += 1
        days, files = list(self._days[: self.count]), self._home.folder / "files"
        write_files(files, self._tickers, days)
        command = ["mlops.pipeline", "--all", "--source", "csv", "--path", str(files)]
        return self._home.run([*command, *options], evening(days[-1])).cpu


def measure(quick: bool) -> Result:
    """Cpu seconds of all runs, and what a trial adds to them, against the budget of DESIGN."""
    tickers, sessions, old, runs = SMALL if quick else SIZE
    days = newest_sessions(sessions + 1 + len(TRIALS) * (1 + len(KINDS) * runs))
    found, running = Result(), list[Trial]()
    cpu: dict[tuple[str, int], float] = {}
    with temporary_home() as home:
        evenings = Evenings(home, tickers, days, sessions)
        evenings.run()
        evenings.run()
        first = days[evenings.count - old]
        _add_served(home.url, first, days[evenings.count - 1])
        for number in TRIALS:
            added = [_trial(first, **each) for each in CHALLENGERS[len(running) : number]]
            for trial in added:
                _add_trial(home.url, trial, first, days[evenings.count - 1])
            running += added
            evenings.run()
            for kind, options in KINDS.items():
                cpu[kind, number] = median(evenings.run(*options) for _ in range(runs))
    for kind in KINDS:
        for number in TRIALS:
            found.figures[f"a run {kind}, {number} trials (cpu s)"] = cpu[kind, number]
        most = TRIALS[-1]
        share = (cpu[kind, most] / cpu[kind, 0] - 1) / most
        what = f"each of {most} trials in a run {kind}, {tickers} tickers, as a share of its cpu"
        found.budgets.append(Budget(what, share, "", MUST))
    return found


def _trial(first: dt.date, **changes: Any) -> Trial:
    """A trial that was registered on a day, and will not end here."""
    fields = {
        "pool": "NSE",
        "horizon": "short",
        "sessions": 1,
        "reference": "live",
        "loss": "absolute",
        "smallest_effect": 0.0001,
        "look_every": 21,
        "max_sessions": 2520,
        "author": "benchmark",
        "reason": "its cost",
        "registered_at": evening(first),
    }
    return Trial(**fields | changes)


def _add_served(url: str, first: dt.date, last: dt.date) -> None:
    """The newest served forecasts of all tickers again for earlier sessions, with outcomes."""
    _add(url, {}, {"first": first, "last": last, "horizons": list(DATASETS)})


def _add_trial(url: str, trial: Trial, first: dt.date, last: dt.date) -> None:
    """A trial with forecasts a little beside those that were served, with outcomes."""
    with psycopg.connect(url, autocommit=True) as connection:
        TrialLog(connection).register(trial)
    values = {
        "version": "%(version)s",
        "kind": "'shadow'",
        "point": "p.point + 0.0005 * (random() - 0.5)",
        "levels": "'{}'",
        "quantiles": "'{}'",
        "prob_up": "NULL",
    }
    parameters = {"version": trial.candidate_version, "horizons": [trial.horizon]}
    _add(url, values, {"first": first, "last": last, **parameters})


def _add(url: str, changes: dict[str, str], parameters: dict[str, Any]) -> None:
    made_at = "f.date::timestamp AT TIME ZONE 'UTC' + interval '14 hours'"
    of_day = {
        "feature_date": "f.date",
        "target_date": "f.date + (p.target_date - p.feature_date)",
        "last_close": "f.close",
        "made_at": made_at,
    }
    values = {name: f'p."{name}"' for name in PREDICTIONS.columns} | of_day | changes
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            f"{sql.insert(PREDICTIONS, values, '(' + _NEWEST + ') p')} "
            "JOIN features_daily f USING (ticker) WHERE f.date >= %(first)s AND f.date < %(last)s "
            "AND p.horizon = ANY(%(horizons)s) ON CONFLICT DO NOTHING",
            parameters,
        )
        connection.execute("ANALYZE predictions")
        for horizon, table in DATASETS.items():
            connection.execute(_OUTCOMES.format(table=table.name), {"horizon": horizon})
        # Else the server would do so while runs are measured.
        connection.execute("VACUUM (ANALYZE) predictions, prediction_outcomes")


if __name__ == "__main__":
    result.main(measure, __doc__)
