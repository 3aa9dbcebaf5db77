"""Load the settings from the environment, `.env` and the config file.

The sources of pydantic-settings would accept a misspelt ``FORECAST_…`` variable silently, refuse
variables of other programs in `.env`, and cannot put ``TICKER`` below ``data``.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource

from src.config.refusals import refusal
from src.config.settings import PROJECT_ROOT, Settings
from src.config.variables import is_setting, value_of, variables
from src.core.errors import BadConfig
from src.core.tables import HORIZONS


def load_settings(
    config: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    env_file: Path | None = PROJECT_ROOT / ".env",
) -> Settings:
    """The settings from all sources, the strongest first: see ``src.config.settings``.

    Args:
        config: A JSON file with the guide's keys, or None.
        overrides: Settings of the command line, nested like the settings.
        env_file: The ``.env`` file, or None for none.

    Raises:
        BadConfig: One sentence: the setting, its value and what it may be, or the line of a file
            that cannot be read.
    """
    file = _read_config(config)
    dotenv = _read_dotenv(env_file)
    sources = (dict(overrides or {}), _from_environ(os.environ), _from_environ(dotenv), file)
    given, *layers = map(_for_both_horizons, sources)

    class Loaded(Settings):  # defined here, since its sources are those of this call
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            sources = (InitSettingsSource(settings_cls, layer) for layer in layers)
            return (init_settings, *sources)

    try:
        settings = Loaded(**given)
    except ValidationError as error:
        environs = [(os.environ, ""), (dotenv, f" in {env_file}")]
        raise BadConfig(refusal(error, overrides or {}, environs, config)) from error
    _check_home(settings.home)
    return settings


def _check_home(home: Path) -> None:
    """Refuse what can be no home; one that is not there yet is made by who writes to it."""
    try:
        os.stat(os.path.join(home, os.curdir))  # a Path would drop the dot
    except FileNotFoundError:
        return
    except NotADirectoryError:
        raise BadConfig(
            f"FORECAST_HOME is a file, or below one: {home}; set it to a folder."
        ) from None
    except OSError as error:
        raise BadConfig(
            f"FORECAST_HOME, {home}, cannot be opened by this user ({error.strerror}): give the "
            "rights, or set it to another folder."
        ) from error


def config_hash(settings: Settings) -> str:
    """SHA-256 over every setting that influences results, in canonical JSON."""
    text = json.dumps(settings.result_settings(), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _read_config(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise BadConfig(f"The config file {path} does not exist: check --config.") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise BadConfig(
            f"The config file {path} is not readable JSON ({_defect(error)}): correct it."
        ) from error
    if not isinstance(content, dict):
        raise BadConfig(f'The config file {path} must contain an object such as {{"data": …}}.')
    return content


def _defect(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}, column {error.colno}"
    if isinstance(error, OSError):
        return error.strerror or "it cannot be opened"
    return "not UTF-8 text" if isinstance(error, UnicodeDecodeError) else "nested too deeply"


def _read_dotenv(path: Path | None) -> dict[str, str]:
    if path is None or not path.is_file():
        return {}
    from dotenv import dotenv_values

    try:
        _check_dotenv(path)
        values = dotenv_values(path)
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"The file {path} cannot be read as text ({_defect(error)}).") from error
    return {key: value for key, value in values.items() if value is not None}


def _check_dotenv(path: Path) -> None:
    """Refuse a file with a line that the library would leave out with a warning alone."""
    from dotenv.parser import parse_stream

    with path.open(encoding="utf-8") as file:
        for binding in parse_stream(file):
            # `export NAME` is for programs that read the file as a shell does.
            is_exported = binding.original.string.lstrip().startswith("export ")
            has_no_value = binding.value is None and binding.key is not None
            has_no_value &= is_setting(binding.key or "") or not is_exported
            if binding.error or has_no_value:
                # Blank lines before it belong to what the parser read in one piece.
                text = binding.original.string
                line = binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")
                raise BadConfig(
                    f"Line {line} of {path} is no setting: write NAME=VALUE, with the value in "
                    "quotes where it has spaces or #."
                )


def _from_environ(environ: Mapping[str, str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, path in variables(environ):
        branch = tree
        for part in path[:-1]:
            branch = branch.setdefault(part, {})
            if not isinstance(branch, dict):
                raise BadConfig(f"{name} contradicts another variable: remove one of them.")
        branch[path[-1]] = value_of(environ[name])
    return tree


def _for_both_horizons(layer: dict[str, Any]) -> dict[str, Any]:
    """Apply a plain ``min_mae_improvement`` to both horizons, so that layers merge by horizon."""
    validation = layer.get("validation")
    if not isinstance(validation, dict):
        return layer
    improvement = validation.get("min_mae_improvement")
    if improvement is None or isinstance(improvement, dict | bool):
        return layer
    both = dict.fromkeys(HORIZONS, improvement)
    return {**layer, "validation": {**validation, "min_mae_improvement": both}}
