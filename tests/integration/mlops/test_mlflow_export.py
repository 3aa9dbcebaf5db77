"""Trainings logged to a real tracking store of MLflow, and who is champion there."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlops.mlflow_export.export import export
from mlops.mlflow_export.start import start_export
from mlops.mlflow_export.store import CHAMPION, ENVIRONMENT, TrackingUnavailable
from src.config import logs
from src.config.settings import Settings
from tests.conftest import ROOT
from tests.support.models import make_artifact, winner
from tests.support.registries import DAY, Place, author

# Of MLflow's own code.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

MODEL = "tcsns-forecast-NSE-short"
REPORT = "<html>the evidence</html>"


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """A tracking store without a run: to make its tables takes seconds."""
    path = tmp_path_factory.mktemp("tracking") / "mlflow.db"
    script = "import sys; from mlflow import MlflowClient; MlflowClient(sys.argv[1])"
    subprocess.run(
        [sys.executable, "-c", script, f"sqlite:///{path}"],
        env={**ENVIRONMENT, "PATH": ""},
        cwd=path.parent,
        check=True,
        capture_output=True,
    )
    return path


@pytest.fixture
def place(database_url, home):
    return Place(database_url, home)


@pytest.fixture
def settings(tables, place, tmp_path):
    """An installation whose tracking server is a store of its own."""
    shutil.copy(tables, tmp_path / "mlflow.db")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    return Settings(home=place.home, database_url=place.url, mlflow={"tracking_uri": uri})


@pytest.fixture
def client(settings):
    """MLflow's own client, to read what was logged."""
    from mlflow import MlflowClient

    return MlflowClient(settings.mlflow.tracking_uri.get_secret_value())


def runs_of(client):
    experiment = client.get_experiment_by_name("tcsns-forecast")
    return client.search_runs([experiment.experiment_id], order_by=["attributes.start_time ASC"])


def champion(client):
    """The digest of the model that has the alias, by MLflow's own look-up; None without one."""
    from mlflow.exceptions import MlflowException

    try:
        version = client.get_model_version_by_alias(MODEL, CHAMPION)
    except MlflowException:
        return None
    return version.tags["forecast.digest"]


def test_a_training_is_logged_with_parameters_metrics_report_and_model(
    place, settings, client, tmp_path
):
    (artifact,) = place.publish([make_artifact(coverage={"0.9": 0.9})])
    folder = place.home / "mlops" / "runs" / "a test"
    folder.mkdir(parents=True)
    (folder / "report_NSE_short.html").write_text(REPORT)
    done = export(settings)
    assert list(done.trainings) == ["NSE short 2025-11-14"]
    (run,) = runs_of(client)
    assert run.info.status == "FINISHED"
    assert run.info.start_time == int(DAY.timestamp() * 1000)
    assert {
        "pool": "NSE",
        "candidate": "ridge",
        "served": "zero",
        "trials": "3",
        "tickers": "141",
        "config.embargo": "5",
        "data_hash": "d" * 64,
    }.items() <= run.data.params.items()
    assert run.data.metrics == {
        "zero.mae": 0.0094,
        "zero.skill_vs_zero": 0.0,
        "gate.recent_skill.limit": 0.0,
        "judged.n": 479,
        "judged.dates": 479,
        "judged.n_eff": 450.0,
        "judged.sessions_until_decidable": 900,
    }
    assert run.data.tags["forecast.digest"] == artifact.digest
    stored = place.models / "NSE" / "short" / artifact.digest
    for name in ("manifest.json", "model.safetensors"):
        path = client.download_artifacts(run.info.run_id, f"model/{name}", str(tmp_path))
        assert Path(path).read_bytes() == (stored / name).read_bytes()
    page = client.download_artifacts(run.info.run_id, "report/report_NSE_short.html", str(tmp_path))
    assert Path(page).read_text() == REPORT
    (version,) = client.search_model_versions(f"name = '{MODEL}'")
    assert (version.run_id, version.tags["forecast.digest"]) == (run.info.run_id, artifact.digest)
    assert champion(client) is None


def test_what_is_logged_is_not_logged_again_and_half_a_run_is_replaced(place, settings, client):
    place.publish([make_artifact()])
    export(settings)
    (run,) = runs_of(client)
    assert export(settings).trainings == []
    client.update_run(run.info.run_id, "RUNNING")
    assert len(export(settings).trainings) == 1
    (again,) = runs_of(client)
    assert again.info.run_id != run.info.run_id
    assert len(client.search_model_versions(f"name = '{MODEL}'")) == 1


def test_the_champion_follows_promotion_demotion_rollback_and_unpin(place, settings, client):
    (first,) = place.publish([winner()])
    place.version("v1", days=1)
    export(settings)
    assert champion(client) == first.digest
    (second,) = place.publish(
        [winner(session="2026-04-20", candidate="drift", served="drift")], days=2
    )
    export(settings)
    assert champion(client) == second.digest
    place.publish([make_artifact(session="2026-04-21", verdict="worse")], days=3)
    export(settings)
    assert champion(client) is None
    place.roll_back("v1", days=4)
    assert export(settings).champions == ["NSE short"]
    assert champion(client) == first.digest
    pinned = client.get_model_version_by_alias(MODEL, CHAMPION)
    assert pinned.tags["pinned"] == "v1"
    place.connected(lambda registry: registry.unpin("NSE", author(5)))
    export(settings)
    unpinned = client.get_model_version_by_alias(MODEL, CHAMPION)
    assert unpinned.version == pinned.version
    assert "pinned" not in unpinned.tags


def test_a_rolled_back_model_of_before_mlflow_was_used_is_registered_late(place, settings, client):
    (first,) = place.publish([winner()])
    place.version("v1")
    for day in (1, 2):
        place.publish([make_artifact(session=f"2026-04-2{day}", verdict="worse")], days=day)
    assert not (place.models / "NSE" / "short" / first.digest).exists()
    export(settings)
    assert len(runs_of(client)) == 3
    place.roll_back("v1", days=3)
    export(settings)
    assert champion(client) == first.digest
    version = client.get_model_version_by_alias(MODEL, CHAMPION)
    files = client.list_artifacts(version.run_id, "model")
    assert {file.path for file in files} == {"model/manifest.json", "model/model.safetensors"}


def test_a_server_that_refuses_is_one_sentence_and_the_next_try_logs_all(place, settings, client):
    place.publish([make_artifact()])
    refusing = Settings(
        home=place.home,
        database_url=place.url,
        mlflow={"tracking_uri": "http://somebody:secretword@127.0.0.1:9"},
    )
    with pytest.raises(TrackingUnavailable) as refused:
        export(refusing)
    assert "secretword" not in str(refused.value)
    assert str(refused.value).startswith(
        "The tracking server of MLFLOW_TRACKING_URI failed (Connection refused): "
    )
    assert str(refused.value).count("\n") == 0
    assert len(export(settings).trainings) == 1


def test_without_the_package_a_warning_says_what_to_do(settings, monkeypatch):
    logs.configure(settings.home)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    start_export(settings)
    lines = (settings.home / logs.LOG_FILE).read_text().splitlines()
    assert [line for line in lines if "pip install mlflow-skinny" in line]


def test_no_use_is_reported_to_anyone():
    script = (
        "import mlops.mlflow_export.store as store, os; os.environ.update(store.ENVIRONMENT);"
        "from mlflow.telemetry.utils import is_telemetry_disabled; print(is_telemetry_disabled())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "True\n"
