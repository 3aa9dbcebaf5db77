"""`python -m mlops.monitoring` as a person types it: versions, rollback, history, unpin."""

import pytest

from src.core.model_events import ModelEvent
from tests.support.models import both_horizons, winner
from tests.support.registries import DAY, Place, put_member

MONITORING = "mlops.monitoring"
AT = {"FORECAST_NOW": "2026-04-20T18:00+05:30"}


@pytest.fixture
def monitoring(command, database_url):
    variables = {"DATABASE_URL": database_url, **AT}
    return lambda *arguments, **extra: command(MONITORING, *arguments, **variables | extra)


@pytest.fixture
def place(database_url, home):
    return Place(database_url, home)


def output(ran, code=0):
    """What a command printed; what it complained of where it had to fail."""
    assert ran.returncode == code, ran.stderr
    if code == 0:
        return ran.stdout
    assert ran.stdout == ""
    (sentence,) = ran.stderr.splitlines()
    return sentence


def test_version_train_again_rollback_and_history(monitoring, place):
    place.publish([*both_horizons(), *both_horizons("BSE")])
    version = output(monitoring("version", "--version-tag", "v0.9-2026-04-14"))
    assert version == "Version v0.9-2026-04-14 holds 4 models of BSE, NSE.\n"
    place.publish([winner(), *both_horizons("XNYS")], days=2)
    output(monitoring("version", "--version-tag", "v1.0", FORECAST_NOW="2026-04-21T18:00+05:30"))
    assert output(monitoring("version", "--list")) == "v1.0\nv0.9-2026-04-14\n"

    back = output(monitoring("rollback", "--version-tag", "v0.9-2026-04-14"))

    assert back == (
        "Version v0.9-2026-04-14 is live again: BSE, NSE, pinned until the gate "
        "promotes another model or `unpin` is run.\n"
        "Not in that version, so left as they were: XNYS.\n"
    )
    assert "is live already" in output(monitoring("rollback", "--version-tag", "v0.9-2026-04-14"))
    place.connected(lambda registry: put_member(registry.models.log._connection, "TCS.NS", "NSE"))
    history = output(monitoring("history", "--ticker", "tcs", "--at", "2026-04-16T00:00Z"))
    short = history.splitlines()[1]
    assert short.startswith("NSE short: ridge from set ")
    assert short.endswith("live since 2026-04-15 12:30:00 UTC, promoted by a test (p = .004).")
    now = output(monitoring("history", "--ticker", "TCS.NS", "--at", "2026-04-20T12:30Z"))
    assert "rolled back by " in now.splitlines()[1]
    assert now.splitlines()[1].endswith(
        "pinned with version v0.9-2026-04-14 since 2026-04-20 12:30:00 UTC."
    )
    events = output(monitoring("history", "--ticker", "TCS.NS", "--newest", "3")).splitlines()
    assert [event.split("  ")[2] for event in events] == ["pinned", "rolled back", "pinned"]
    assert output(monitoring("unpin", "--ticker", "TCS.NS")) == (
        "NSE, long and short: no longer pinned, training may replace what is live.\n"
    )
    assert "NSE has no pinned model" in output(monitoring("unpin", "--ticker", "TCS.NS"), 1)


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("version", "--version-tag", "../x"), 2, "'../x' is not a version tag"),
        (("rollback", "--version-tag", "../x"), 2, "'../x' is not a version tag"),
        (("rollback", "--version-tag", "v1"), 1, "There is no version 'v1': make one with"),
        (("version", "--version-tag", "v1"), 1, "There is no model yet"),
        (("history",), 1, "No model has been trained yet: run"),
        (
            ("history", "--ticker", "TCS.NS", "--at", "2026-01-01T00:00Z"),
            1,
            "No model of TCS.NS was live",
        ),
        (("history", "--at", "2026-01-01"), 2, "write it as 2026-01-01T18:00+05:30"),
        (("history", "--newest", "-1"), 2, "--help"),
        (("unpin",), 2, "--ticker"),
        (("unpin", "--ticker", "TCS.NS"), 1, "TCS.NS belongs to no pool yet"),
        (("unpin", "--ticker", "a b"), 2, "is not a ticker"),
        (("version",), 2, "--help"),
        (("version", "--list", "--version-tag", "v1"), 2, "not allowed with"),
        (("rollback",), 2, "--version-tag"),
        ((), 2, "--help"),
        (("health2",), 2, "--help"),
        (("metrics", "--days", "0"), 2, "'0' is not a number of days"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_one_sentence(monitoring, arguments, code, sentence):
    assert sentence in output(monitoring(*arguments), code)


def test_without_a_server_of_ones_own_the_embedded_one_is_asked(command):
    assert "No model has been trained yet" in output(command(MONITORING, "history"), 1)


def test_no_version_yet_is_an_empty_list(monitoring):
    assert output(monitoring("version", "--list")) == ""


def test_a_version_that_exists_is_not_overwritten(monitoring, place):
    place.publish(both_horizons())
    output(monitoring("version", "--version-tag", "v1"))

    assert "v1 exists already" in output(monitoring("version", "--version-tag", "v1"), 1)


def test_a_tampered_version_is_one_sentence_and_changes_nothing(monitoring, place):
    place.publish(both_horizons())
    output(monitoring("version", "--version-tag", "v1"))
    before = place.events()
    next((place.archive / "v1").rglob("model.safetensors")).write_bytes(b"x")

    sentence = output(monitoring("rollback", "--version-tag", "v1"), 1)

    assert "model.safetensors was changed" in sentence
    assert place.events() == before


def test_an_archive_that_cannot_be_made_is_one_sentence(monitoring, place, home):
    place.publish(both_horizons())
    (home / "mlops").write_text("a file where a folder should be")

    assert "cannot be written" in output(monitoring("version", "--version-tag", "v1"), 1)


def test_without_the_database_nothing_is_restored(monitoring, place):
    place.publish(both_horizons())
    output(monitoring("version", "--version-tag", "v1"))

    away = monitoring(
        "rollback", "--version-tag", "v1", DATABASE_URL="postgresql://me@127.0.0.1:1/none"
    )

    assert "does not answer" in output(away, 1)


def test_a_short_signing_key_is_refused_without_quoting_it(monitoring):
    sentence = output(monitoring("history", FORECAST_SIGNING_KEY="hunter2"), 1)

    assert "FORECAST_SIGNING_KEY is shorter than 16" in sentence
    assert "hunter2" not in sentence


def test_help_names_every_command_and_imports_nothing_heavy(fresh):
    ran = fresh("-X", "importtime", "-m", "mlops.monitoring", "--help")

    words = ("metrics", "version", "rollback", "history", "unpin")
    assert all(word in ran.stdout for word in words)
    heavy = ("polars", "numpy", "pydantic", "psycopg", "sklearn", "rich")
    loaded = {line.split("|")[-1].strip() for line in ran.stderr.splitlines()}
    assert loaded.isdisjoint(heavy)


def test_the_guides_snippet_works(home, place, monkeypatch):
    monkeypatch.setenv("FORECAST_HOME", str(home))
    monkeypatch.setenv("DATABASE_URL", place.url)
    place.publish(both_horizons(data_hash="one"))
    from mlops.monitoring import DeploymentManager

    deployer = DeploymentManager()
    deployer.version_models("v0.9-2025-01-14")
    deployer.version_models("v1.0-2025-01-15")
    versions = deployer.list_versions()
    deployer.rollback_to_version("v0.9-2025-01-14")

    assert versions == ["v1.0-2025-01-15", "v0.9-2025-01-14"]
    assert all(one.pinned for one in deployer.live_at())


def test_a_rollback_says_what_to_run_where_models_have_nothing_to_be_asked_with(monitoring, place):
    place.publish(both_horizons())
    output(monitoring("version", "--version-tag", "v1"))

    back = monitoring("rollback", "--version-tag", "v1")

    assert back.returncode == 0
    assert back.stdout.startswith("Version v1 is live ")
    (sentence,) = back.stderr.splitlines()
    assert sentence.startswith("The models are live, but those of NSE cannot answer yet (no inputs")
    assert sentence.endswith("run `python -m mlops.pipeline --all`.")


def test_a_signing_key_is_set_and_then_replaced_without_losing_a_model(monitoring, place):
    old, new = "the old key of 16", "the new key of 16"
    place.publish(both_horizons())
    output(monitoring("version", "--version-tag", "v1"))
    keyed = {"FORECAST_SIGNING_KEY": old}

    refused = monitoring("sign", **keyed)
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 3
    assert "run `python -m mlops.monitoring sign --unsigned`" in refused.stderr
    assert output(monitoring("sign", "--unsigned", **keyed)) == (
        "3 models and versions were signed with the first key, 0 had been before.\n"
    )
    assert "signed by another key" in output(
        monitoring("rollback", "--version-tag", "v1", FORECAST_SIGNING_KEY=new), 1
    )
    both = {"FORECAST_SIGNING_KEY": f"{new},{old}"}
    assert output(monitoring("sign", **both)).startswith("3 models and versions were signed")
    back = monitoring("rollback", "--version-tag", "v1", FORECAST_SIGNING_KEY=new)
    assert back.stdout.startswith("Version v1 is live")
    assert "FORECAST_SIGNING_KEY is not set" in output(monitoring("sign"), 1)


def test_the_list_marks_what_cannot_be_restored_and_a_used_tag_is_refused(monitoring, place):
    place.publish(both_horizons())
    output(monitoring("version", "--version-tag", "v1"))
    output(monitoring("version", "--version-tag", "v2"))
    next((place.archive / "v1").rglob("model.safetensors")).write_bytes(b"x")

    listed = output(monitoring("version", "--list")).splitlines()

    assert listed[0] == "v2"
    assert listed[1].startswith("v1   cannot be restored: NSE/")
    assert listed[1].endswith("model.safetensors was changed")
    (place.archive / "v2").rename(place.archive.parent / "away")
    place.publish(both_horizons(data_hash="two"), days=8)
    sentence = output(monitoring("version", "--version-tag", "v2"), 1)
    assert sentence.startswith("Version v2 was made of other models on 2026-04-20")
    assert "v2   cannot be restored: its folder is missing" in output(
        monitoring("version", "--list")
    )


def test_the_history_of_a_ticker_has_its_own_events_of_before_pools_and_those_of_its_pool(
    monitoring, place
):
    def of_before(ticker):
        kind = ("trained", "", "short", "a" * 64, "an old run", DAY)
        return ModelEvent(*kind, made_live=True, served="ridge", ticker=ticker)

    def write(registry):
        log = registry.models.log
        log.append([of_before("TCS.NS"), of_before("INFY.NS")])
        put_member(log._connection, "TCS.NS", "NSE")

    place.connected(write)
    place.publish([*both_horizons(), *both_horizons("BSE")], days=1)

    lines = output(monitoring("history", "--ticker", "TCS.NS")).splitlines()

    assert [line.split("  ")[1] for line in lines] == [
        "TCS.NS short",
        *2 * ["NSE short"],
        *2 * ["NSE long"],
    ]
    assert "INFY.NS short" in output(monitoring("history"))
