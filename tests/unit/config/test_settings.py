import datetime as dt
import json
import os

import pydantic
import pytest

from src.config.clock import now
from src.config.load import config_hash, load_settings
from src.config.settings import Settings
from src.core.errors import BadConfig


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in os.environ:
        if name.startswith("FORECAST_") or name in ("DATABASE_URL", "TICKER", "LOG_LEVEL"):
            monkeypatch.delenv(name)


@pytest.fixture
def config(tmp_path):
    """Write a config file: an object as JSON, or text as it is."""

    def write(content):
        path = tmp_path / "config.json"
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def env_file(tmp_path):
    def write(text):
        path = tmp_path / ".env"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def load(config=None, overrides=None, env_file=None):
    return load_settings(config, overrides, env_file)


def refusal(config=None, overrides=None):
    with pytest.raises(BadConfig) as refused:
        load(config, overrides)
    return str(refused.value)


# --- precedence


def test_defaults_hold_without_any_source():
    settings = load()

    assert settings.data.ticker == "TCS.NS"
    assert settings.data.min_rows_required == 100
    assert settings.features.lag_periods == (1, 2, 3, 4, 5)
    assert settings.features.sma_periods == (7, 21)
    assert settings.features.momentum_periods == (7,)
    assert settings.features.volatility_periods == (14,)
    assert (settings.training.horizons.short, settings.training.horizons.long) == (1, 63)
    assert settings.database_url is None
    assert settings.log_level == "INFO"


def test_each_source_beats_those_after_it(config, env_file, monkeypatch):
    file = config({"data": {"ticker": "FILE.NS"}})
    dotenv = env_file("FORECAST_DATA__TICKER=DOTENV.NS\n")
    overrides = {"data": {"ticker": "ASKED.NS"}}

    assert load(file).data.ticker == "FILE.NS"
    assert load(file, env_file=dotenv).data.ticker == "DOTENV.NS"
    monkeypatch.setenv("FORECAST_DATA__TICKER", "ENV.NS")
    assert load(file, env_file=dotenv).data.ticker == "ENV.NS"
    assert load(file, overrides, dotenv).data.ticker == "ASKED.NS"


def test_sources_complete_one_another_key_by_key(config, env_file, monkeypatch):
    monkeypatch.setenv("FORECAST_TRAINING__HORIZONS__LONG", "21")
    file = config({"training": {"seed": 7, "horizons": {"long": 42, "short": 2}}})

    training = load(file, {"training": {"embargo": 9}}, env_file("LOG_LEVEL=debug\n")).training

    assert (training.seed, training.embargo) == (7, 9)
    assert (training.horizons.short, training.horizons.long) == (2, 21)


@pytest.mark.parametrize("where", ["environment", "dotenv"])
def test_the_guides_own_names_work_in_the_environment_and_in_dotenv(where, env_file, monkeypatch):
    variables = {
        "DATABASE_URL": "postgresql://me@db/prices",
        "TICKER": "INFY.NS",
        "LOG_LEVEL": "warning",
    }
    dotenv = env_file(
        "".join(f"{k}={v}\n" for k, v in variables.items()) if where == "dotenv" else ""
    )
    for name, value in variables.items() if where == "environment" else ():
        monkeypatch.setenv(name, value)

    settings = load(env_file=dotenv)

    assert settings.database_url.get_secret_value() == "postgresql://me@db/prices"
    assert (settings.data.ticker, settings.log_level) == ("INFY.NS", "WARNING")


def test_the_guides_short_name_beats_the_long_spelling(monkeypatch):
    monkeypatch.setenv("FORECAST_DATA__TICKER", "LONG.NS")
    monkeypatch.setenv("TICKER", "SHORT.NS")

    assert load().data.ticker == "SHORT.NS"


def test_an_empty_variable_of_the_guide_says_nothing(config, monkeypatch):
    monkeypatch.setenv("TICKER", "")
    monkeypatch.setenv("DATABASE_URL", "")

    settings = load(config({"data": {"ticker": "FILE.NS"}}))

    assert settings.data.ticker == "FILE.NS"
    assert settings.database_url is None


def test_lists_come_from_the_environment_as_json(monkeypatch):
    monkeypatch.setenv("FORECAST_FEATURES__SMA_PERIODS", "[50, 7]")

    assert load().features.sma_periods == (7, 50)


def test_a_missing_dotenv_is_no_error(tmp_path):
    assert load(env_file=tmp_path / "none.env").data.ticker == "TCS.NS"


# --- keys and values


def test_the_keys_of_the_guides_config_file_are_understood(config):
    settings = load(
        config(
            {
                "data": {"ticker": "TCS.NS", "min_rows_required": 250},
                "features": {"lag_periods": [1, 2, 3], "sma_periods": [5, 10]},
                "validation": {"min_mae_improvement": 0.02},
            }
        )
    )

    assert settings.data.min_rows_required == 250
    assert settings.features.lag_periods == (1, 2, 3)
    assert settings.features.sma_periods == (5, 10)


def test_a_plain_improvement_holds_for_both_horizons(config):
    floors = load(config({"validation": {"min_mae_improvement": 0.02}}))
    floors = floors.validation.min_mae_improvement

    assert (floors.short, floors.long) == (0.02, 0.02)


def test_an_improvement_given_for_one_horizon_leaves_the_other_at_its_default(config):
    floors = load(config({"validation": {"min_mae_improvement": {"short": 0.03}}}))
    floors = floors.validation.min_mae_improvement

    assert (floors.short, floors.long) == (0.03, 0.01)


def test_windows_are_sorted_and_distinct():
    features = load(overrides={"features": {"sma_periods": [21, 7, 21]}}).features

    assert features.sma_periods == (7, 21)


@pytest.mark.parametrize(
    ("content", "nearest"),
    [
        ({"data": {"tikcer": "TCS.NS"}}, "data.ticker"),
        ({"data": {"min_rows": 50}}, "data.min_rows_required"),
        ({"features": {"sma_period": [7]}}, "features.sma_periods"),
        ({"trainning": {}}, "training"),
        ({"validation": {"min_mae_improvement": {"shrt": 0.1}}}, "short"),
    ],
)
def test_an_unknown_key_is_answered_with_the_nearest_right_one(config, content, nearest):
    sentence = refusal(config(content))

    assert sentence.startswith("Unknown setting '")
    assert f"{nearest}'?" in sentence


def test_an_unknown_variable_of_ours_is_refused(monkeypatch):
    monkeypatch.setenv("FORECAST_TRAINING__SEDE", "3")

    assert refusal() == (
        "FORECAST_TRAINING__SEDE is not a setting: did you mean FORECAST_TRAINING__SEED?"
    )


def test_variables_of_other_programs_are_left_alone(monkeypatch):
    bare = load().model_dump()
    monkeypatch.setenv("FORECASTER", "x")
    monkeypatch.setenv("PGHOST", "nowhere")

    assert load().model_dump() == bare


@pytest.mark.parametrize(
    ("content", "key", "value"),
    [
        ({"data": {"min_rows_required": "many"}}, "data.min_rows_required", "'many'"),
        ({"data": {"min_rows_required": 1.5}}, "data.min_rows_required", "1.5"),
        ({"features": {"sma_periods": 7}}, "features.sma_periods", "7"),
        ({"features": {"sma_periods": ["week"]}}, "features.sma_periods.0", "'week'"),
        ({"data": []}, "data", "[]"),
        (
            {"validation": {"min_mae_improvement": True}},
            "validation.min_mae_improvement",
            "True",
        ),
    ],
)
def test_a_value_of_the_wrong_type_is_named_with_its_key(config, content, key, value):
    assert refusal(config(content)).startswith(f"Setting '{key}' cannot be {value}: ")


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ({"data": {"min_rows_required": 0}}, "data.min_rows_required"),
        ({"features": {"sma_periods": []}}, "features.sma_periods"),
        ({"features": {"sma_periods": [1]}}, "features.sma_periods.0"),
        ({"features": {"lag_periods": [0]}}, "features.lag_periods.0"),
        ({"features": {"volatility_periods": [1]}}, "features.volatility_periods.0"),
        ({"training": {"refit_every": 0}}, "training.refit_every"),
        ({"training": {"horizons": {"short": 0}}}, "training.horizons.short"),
        (
            {"validation": {"min_mae_improvement": -0.01}},
            "validation.min_mae_improvement.short",
        ),
        ({"log_level": "LOUD"}, "log_level"),
    ],
)
def test_an_impossible_value_is_refused_by_name(config, content, key):
    assert refusal(config(content)).startswith(f"Setting '{key}' cannot be ")


def test_not_a_number_is_no_improvement(config):
    sentence = refusal(config('{"validation": {"min_mae_improvement": NaN}}'))

    assert sentence.startswith("Setting 'validation.min_mae_improvement.short' cannot be nan")


def test_a_refusal_of_a_file_names_it(config):
    path = config({"data": {"min_rows_required": 0}})

    assert refusal(path) == (
        f"Setting 'data.min_rows_required' cannot be 0: it must be at least 1 (in {path})."
    )


@pytest.mark.parametrize(
    ("variable", "value", "demand"),
    [
        ("FORECAST_API__PORT", "web", "it must be a whole number"),
        ("FORECAST_API__PORT", "0", "it must be at least 1"),
        ("FORECAST_API__PORT", "65536", "it must be at most 65535"),
        ("FORECAST_FEATURES__SMA_PERIODS", "7,21", "it must be a list, such as [7, 21]"),
        ("FORECAST_FEATURES__SMA_PERIODS", "[7, 1]", "each value must be at least 2"),
        ("FORECAST_FEATURES__SMA_PERIODS", "[]", "it must have at least 1 value"),
        ("FORECAST_VALIDATION__MIN_MAE_IMPROVEMENT", "1", "it must be below 1"),
        ("FORECAST_VALIDATION__MIN_MAE_IMPROVEMENT", "little", "it must be a number"),
        ("FORECAST_TRAINING", "x", "it must be a group of settings"),
        ("FORECAST_NOW", "noon", "it must be a time with its zone, such as "),
        (
            "LOG_LEVEL",
            "LOUD",
            "it must be one of 'DEBUG', 'INFO', 'WARNING', 'ERROR' or 'CRITICAL'",
        ),
    ],
)
def test_a_bad_variable_is_named_with_its_value_and_what_it_must_be(
    variable, value, demand, env_file, monkeypatch
):
    path = env_file(f"{variable}='{value}'\n" if "'" not in value else "")
    with pytest.raises(BadConfig) as in_dotenv:
        load(env_file=path)
    monkeypatch.setenv(variable, value)

    assert refusal().startswith(f"{variable} cannot be '{value}': {demand}")
    assert refusal().endswith(".")
    assert str(in_dotenv.value) == refusal().replace(variable, f"{variable} in {path}", 1)


def test_the_source_that_a_bad_value_is_from_is_the_one_that_is_named(config, monkeypatch):
    monkeypatch.setenv("FORECAST_API__PORT", "8001")
    monkeypatch.setenv("FORECAST_TRAINING__SEED", "1")
    path = config({"api": {"port": 0}, "training": {"embargo": -1}})

    assert refusal(path).startswith("Setting 'training.embargo' cannot be -1: it must be at least")
    assert refusal(path, {"training": {"seed": -1, "embargo": 5}}).startswith(
        "Setting 'training.seed' cannot be -1: "
    )


def test_a_long_value_is_cut(monkeypatch):
    monkeypatch.setenv("FORECAST_API__PORT", "9" * 5000)

    assert len(refusal()) < 200


# --- the file itself


def test_a_missing_file_is_named(tmp_path):
    assert refusal(tmp_path / "no.json") == (
        f"The config file {tmp_path / 'no.json'} does not exist: check --config."
    )


@pytest.mark.parametrize("text", ["[1, 2]", '"TCS.NS"', "3", "null"])
def test_json_that_is_no_object_is_refused(config, text):
    assert "must contain an object such as" in refusal(config(text))


@pytest.mark.parametrize("text", ["{", "", "{'data': {}}"])
def test_text_that_is_no_json_is_refused(config, text):
    assert "is not readable JSON" in refusal(config(text))


def test_a_folder_is_no_config_file(tmp_path):
    assert "is not readable JSON" in refusal(tmp_path)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "config.json"
    path.write_bytes(b'{"data": "\xff\xfe"}')

    assert "is not readable JSON" in refusal(path)


# --- the object


@pytest.mark.parametrize("part", ["", "data", "features", "validation", "training"])
def test_nothing_can_be_changed_afterwards(part):
    settings = load()
    owner = getattr(settings, part) if part else settings
    name = next(iter(type(owner).model_fields))

    with pytest.raises(pydantic.ValidationError, match="frozen"):
        setattr(owner, name, getattr(owner, name))


def test_the_database_password_is_not_in_what_settings_print(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:hunter2@db/prices")

    assert "hunter2" not in repr(load())


def test_a_time_without_a_zone_is_refused(monkeypatch):
    monkeypatch.setenv("FORECAST_NOW", "2026-04-13T18:00:00")

    assert "it needs a time zone, such as 2026-04-13T18:00:00+05:30" in refusal()


def test_a_stated_time_is_the_clock_in_utc(monkeypatch):
    monkeypatch.setenv("FORECAST_NOW", "2026-04-13T18:00:00+05:30")

    at = now(load())

    assert at == dt.datetime(2026, 4, 13, 12, 30, tzinfo=dt.UTC)
    assert at.utcoffset() == dt.timedelta(0)


def test_without_a_stated_time_the_clock_runs():
    before = dt.datetime.now(dt.UTC)

    assert before <= now(load()) <= dt.datetime.now(dt.UTC)


# --- the hash


def test_the_hash_does_not_depend_on_the_order_of_keys(config):
    one = config_hash(load(config({"data": {"min_rows_required": 9, "overlap_sessions": 4}})))
    other = config_hash(load(config({"data": {"overlap_sessions": 4, "min_rows_required": 9}})))

    assert one == other


def test_the_hash_is_the_same_however_a_value_was_given(config, monkeypatch):
    from_file = config_hash(load(config({"features": {"sma_periods": [50, 7]}})))
    monkeypatch.setenv("FORECAST_FEATURES__SMA_PERIODS", "[7,50]")

    assert config_hash(load()) == from_file


@pytest.mark.parametrize(
    "change",
    [
        {"features": {"sma_periods": [7, 22]}},
        {"features": {"lag_periods": [1, 2, 3, 4]}},
        {"data": {"ticker": "INFY.NS"}},
        {"training": {"horizons": {"long": 64}}},
        {"validation": {"min_mae_improvement": 0.02}},
    ],
)
def test_the_hash_changes_with_whatever_decides_a_result(change):
    assert config_hash(load(overrides=change)) != config_hash(load())


def test_the_hash_does_not_cover_where_and_how_a_run_happens(tmp_path):
    elsewhere = {"home": tmp_path, "log_level": "DEBUG", "database_url": "postgresql://x/y"}

    assert config_hash(load(overrides=elsewhere)) == config_hash(load())


def test_the_hash_is_sha256_over_canonical_json():
    digest = config_hash(Settings(_env_file=None))

    assert len(digest) == 64
    assert set(digest) <= set("0123456789abcdef")


def test_one_horizons_improvement_leaves_the_plain_number_of_a_weaker_source(config, monkeypatch):
    monkeypatch.setenv("FORECAST_VALIDATION__MIN_MAE_IMPROVEMENT__SHORT", "0.02")

    floors = load(config({"validation": {"min_mae_improvement": 0.05}})).validation

    assert floors.min_mae_improvement.model_dump() == {"short": 0.02, "long": 0.05}


def test_variables_that_contradict_each_other_are_refused(monkeypatch):
    monkeypatch.setenv("FORECAST_DATA", "x")
    monkeypatch.setenv("FORECAST_DATA__TICKER", "TCS.NS")

    assert "contradict" in refusal()


def test_a_config_file_may_begin_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "config.json"
    path.write_bytes(b'\xef\xbb\xbf{"data": {"ticker": "INFY.NS"}}')

    assert load(path).data.ticker == "INFY.NS"


def test_json_nested_without_end_is_refused(tmp_path):
    path = tmp_path / "config.json"
    path.write_text("[" * 200_000)

    assert refusal(path).startswith(f"The config file {path} is not readable JSON")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("TICKER INFY.NS\n", 1),
        ("LOG_LEVEL=DEBUG\n# a comment\n\n\nTICKER: INFY.NS\nA=1\n", 5),
        ('A=1\nDATABASE_URL="postgresql://me:hunter2@db/prices\nTICKER=INFY.NS\n', 2),
        ("A=1\nTICKER\n", 2),
        ("A=1\nhello\n", 2),
        ("export TICKER\n", 1),
        ("=3\n", 1),
    ],
)
def test_a_line_of_dotenv_that_is_no_setting_is_refused_by_its_number(env_file, text, line):
    path = env_file(text)

    with pytest.raises(BadConfig) as refused:
        load(env_file=path)

    assert str(refused.value).startswith(f"Line {line} of {path} is no setting: write NAME=VALUE")
    assert "hunter2" not in str(refused.value)


def test_other_programs_may_name_variables_without_a_value_in_dotenv(env_file):
    path = env_file("export EDITOR\nPGHOST=db # a comment\n\nexport TICKER='INFY.NS'\n")

    assert load(env_file=path).data.ticker == "INFY.NS"


# --- home


def test_a_home_that_is_a_file_or_below_one_is_refused(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.touch()
    for home in (file, file / "home"):
        monkeypatch.setenv("FORECAST_HOME", str(home))
        assert refusal() == f"FORECAST_HOME is a file, or below one: {home}; set it to a folder."


def test_a_home_without_rights_is_refused(no_rights, monkeypatch):
    for home in (no_rights, no_rights / "home"):
        monkeypatch.setenv("FORECAST_HOME", str(home))
        assert refusal().startswith(f"FORECAST_HOME, {home}, cannot be opened by this user (")


def test_a_home_that_is_not_there_yet_is_none_to_refuse(tmp_path, monkeypatch):
    monkeypatch.setenv("FORECAST_HOME", str(tmp_path / "new" / "home"))
    assert load().home == tmp_path / "new" / "home"


@pytest.mark.parametrize(
    "address", ["nonsense", "/tmp/mlf", "file:///tmp/mlf", "http://", "hunter2"]
)
def test_an_address_that_mlflow_cannot_log_to_is_refused(address, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    assert refusal() == (
        "MLFLOW_TRACKING_URI is invalid: it must be the address of a tracking server or of its "
        "database, such as http://127.0.0.1:5000 or sqlite:////srv/mlflow.db."
    )


@pytest.mark.parametrize(
    "address",
    [
        "http://me:secret@127.0.0.1:5000",
        "https://mlflow.example.org",
        "sqlite:///mlflow.db",
        "postgresql+psycopg://db/mlflow",
        "databricks",
        "databricks://profile",
    ],
)
def test_addresses_of_servers_and_their_databases_are_taken(address, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    assert load().mlflow.tracking_uri.get_secret_value() == address


def test_a_dotenv_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / ".env"
    path.write_bytes(b"TICKER=\xff\xfe")

    with pytest.raises(BadConfig, match="cannot be read as text"):
        load_settings(env_file=path)
