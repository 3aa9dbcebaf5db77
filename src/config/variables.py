"""Name settings as the environment and ``.env`` name them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

PREFIX = "FORECAST_"
# Settings with names of their own: the guide's, and MLflow's.
GUIDE = {
    "DATABASE_URL": ["database_url"],
    "TICKER": ["data", "ticker"],
    "LOG_LEVEL": ["log_level"],
    "FORECAST_API_KEYS": ["api", "keys"],
    "MLFLOW_TRACKING_URI": ["mlflow", "tracking_uri"],
    "MLFLOW_EXPERIMENT_NAME": ["mlflow", "experiment"],
}
# Variables of the tests, which are not settings.
NOT_SETTINGS = {"FORECAST_TEST_DATA", "FORECAST_TEST_SERVER"}


def variables(environ: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    """The variables that are settings, each with its path among the settings."""
    for name in sorted(environ):
        if is_setting(name) and name not in GUIDE:
            yield name, name.removeprefix(PREFIX).lower().split("__")
    # The guide's names come last, so that they take precedence over the long ones.
    yield from ((name, path) for name, path in GUIDE.items() if environ.get(name))


def is_setting(name: str) -> bool:
    """Whether a variable of that name is read as a setting, be there such a setting or not."""
    return name in GUIDE or (name.startswith(PREFIX) and name not in NOT_SETTINGS)


def name_of(path: Sequence[str]) -> str:
    """The variable of a setting."""
    for name, guide_path in GUIDE.items():
        if guide_path == list(path):
            return name
    return PREFIX + "__".join(path).upper()


def value_of(text: str) -> object:
    """A variable's value: lists and objects are written as JSON."""
    if text[:1] in "[{":
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return text
    return text
