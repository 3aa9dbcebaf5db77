"""The split of a trial over HTTP: real services on one database, told by ids and by keys."""

import hashlib
import json
import shutil
import time
import uuid

import psycopg
import pytest
from scipy import stats

from src.api.database.change_poller import INTERVAL
from src.db.connection import normalise_url
from src.db.migrate import ensure_schema
from src.db.tables.trials import TrialLog
from tests.support.answers import logged, put_live
from tests.support.bodies import Sent, send_all
from tests.support.models import both_horizons
from tests.support.services import Service, eventually
from tests.support.splits import POINT, number_of, put_challenger, put_trial, split
from tests.support.trials import AT, trial_event

KEYS = [f"key number {number}" for number in range(20)]
HASHES = {key: hashlib.sha256(key.encode()).hexdigest() for key in KEYS}
IDS = [f"user-{number}" for number in range(200)]
MANY = 10_000
WHO = {"author": "A. Rao", "reason": "to see it"}


@pytest.fixture(scope="module")
def place(tmp_path_factory, server):
    """A database where zero is live and the challenger of a trial is a ridge, and its home."""
    home, name = tmp_path_factory.mktemp("home"), f"split_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        url = normalise_url(server.replace("/forecast_db?", f"/{name}?"))
        ensure_schema(url)
        with psycopg.connect(url, autocommit=True) as connection:
            tickers = ["TCS.NS", "INFY.NS", "SBIN.NS"]
            put_live(connection, home / "models", both_horizons(), tickers=tickers)
        yield url, home
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def services(place):
    """Two services of the same database: any client may reach either."""
    url, home = place
    with Service(home, url) as first, Service(home, url) as second:
        yield first, second


@pytest.fixture(scope="module")
def keyed(place):
    """A service that wants a key."""
    url, home = place
    with Service(home, url, FORECAST_API_KEYS=",".join(HASHES.values())) as service:
        service.client.headers["X-API-Key"] = KEYS[0]
        yield service


@pytest.fixture
def connection(place):
    with psycopg.connect(place[0], autocommit=True) as opened:
        yield opened


@pytest.fixture
def trial(connection, place):
    """A running trial with a model, without a split; it is stopped in the end."""
    registered = put_trial(connection, reason=f"trial {uuid.uuid4()}")
    put_challenger(connection, place[1] / "models", registered)
    yield registered
    TrialLog(connection).add_event(trial_event(registered, "stopped"))


def ask(service, client=None, ticker="TCS.NS", **headers):
    """The answer to a client as JSON; asked again where a slow machine kept it from its arm."""
    return eventually(lambda: ask_once(service, client, ticker, **headers), 20)


def ask_once(service, client=None, ticker="TCS.NS", **headers):
    """The answer to a client as JSON, None for one by the served forecast; it is no error."""
    if client is not None:
        headers["X-Client-ID"] = client
    answer = service.get("/predict/short", params={"ticker": ticker}, headers=headers)
    assert answer.status_code == 200, answer.text
    content = answer.json()
    is_late = any("database has not answered" in warning for warning in content["warnings"])
    return None if is_late else content


def is_challenger(answer):
    """Whether an answer is the challenger's: then it is marked, and forecasts otherwise."""
    marked = "arm" in answer
    assert marked == ("trial" in answer) == (answer["pred_return"] == pytest.approx(POINT))
    return marked


def chosen(service, clients=IDS):
    """The clients that get the challenger."""
    return {client for client in clients if is_challenger(ask(service, client))}


def set_and_wait(connection, trial, share, *services):
    """Set a share, and wait until services follow."""
    split(connection, trial, share)
    # One that a smaller share leaves out.
    numbers = ((f"p{n}", number_of(trial, f"id:p{n}")) for n in range(10_000))
    probe = next(client for client, number in numbers if share - 0.05 < number < share)
    for service in services:
        eventually(lambda s=service: ask(s, probe).get("trial") == trial.hash, 20)


def test_a_client_gets_the_same_arm_of_every_process_and_after_a_restart(
    place, services, connection, trial
):
    first, second = services
    set_and_wait(connection, trial, 0.3, first, second)

    expected = {client for client in IDS if number_of(trial, f"id:{client}") < 0.3}
    assert chosen(first) == chosen(second) == expected
    assert 0 < len(expected) < len(IDS)
    with Service(place[1], place[0]) as restarted:
        # The split is known before the first answer.
        assert chosen(restarted) == expected


def test_nobody_loses_the_challenger_when_the_share_grows(services, connection, trial):
    service, _ = services
    groups = []
    for share in (0.1, 0.25, 0.6, 1.0):
        set_and_wait(connection, trial, share, service)
        groups.append(chosen(service))

    assert groups[0] < groups[1] < groups[2] < groups[3] == set(IDS)


def test_of_ten_thousand_ids_the_share_is_right_within_chance(services, connection, trial):
    service, _ = services
    set_and_wait(connection, trial, 0.1, service)
    line = (
        b"GET /predict/short?ticker=TCS.NS HTTP/1.1\r\nhost: localhost\r\nx-client-id: %d\r\n\r\n"
    )
    answers = send_all(service.port, (Sent("", line % n, whole=True) for n in range(MANY)))

    arms = [json.loads(answer.body).get("arm") for _, answer in answers]
    ids = [int(sent.raw.split()[-1]) for sent, _ in answers]
    # 1,000 expected, standard deviation 30.
    low, high = stats.binom.ppf([1e-4, 1 - 1e-4], MANY, 0.1)
    assert len(arms) == MANY
    assert low <= arms.count("challenger") <= high
    assert arms.count(None) == MANY - arms.count("challenger")
    assert sorted(ids) == list(range(MANY))
    assert [arm == "challenger" for arm in arms] == [number_of(trial, f"id:{n}") < 0.1 for n in ids]


def test_without_a_split_or_without_an_id_an_answer_is_the_same_bytes(services, connection, trial):
    service, _ = services
    path = "/predict/short?ticker=TCS.NS"
    # The trial of the test before has been stopped, which a service sees by its next poll.
    eventually(lambda: not is_challenger(ask(service, "somebody")), 20)
    before = service.get(path, headers={"X-Client-ID": "somebody"}).content
    set_and_wait(connection, trial, 1.0, service)

    assert service.get(path).content == before
    assert service.get(path, headers={"X-Client-ID": ""}).content == before
    # Without keys in the settings nobody is told by one.
    assert service.get(path, headers={"X-API-Key": "any"}).content == before
    assert is_challenger(ask(service, "somebody"))
    assert not is_challenger(service.get("/predict/long?ticker=TCS.NS").json())


def test_any_text_is_an_id(services, connection, trial):
    service, _ = services
    set_and_wait(connection, trial, 0.5, service)

    for client in ("a b", "x" * 4000, "{}", "'; --"):
        assert is_challenger(ask(service, client)) == (number_of(trial, f"id:{client}") < 0.5)
    answer = service.get("/predict/short", headers={"X-Client-ID": "J\u00fcrgen".encode()})
    assert ("arm" in answer.json()) == (number_of(trial, "id:J\u00fcrgen") < 0.5)


def test_clients_without_an_id_are_told_by_their_key_and_an_id_comes_first(
    keyed, connection, trial
):
    set_and_wait(connection, trial, 0.5, keyed)

    by_key = {key for key in KEYS if is_challenger(ask(keyed, **{"X-API-Key": key}))}
    assert by_key == {key for key in KEYS if number_of(trial, f"key:{HASHES[key]}") < 0.5}
    assert 0 < len(by_key) < len(KEYS)
    bearer = {"X-API-Key": "", "Authorization": f"Bearer {KEYS[1]}"}
    assert is_challenger(ask(keyed, **bearer)) == (KEYS[1] in by_key)
    ids = [{is_challenger(ask(keyed, client, **{"X-API-Key": k})) for k in KEYS} for client in IDS]
    assert {len(arms) for arms in ids} == {1}


def seconds_until_off(service, client):
    """How long a client still gets the challenger."""
    began = time.perf_counter()
    eventually(lambda: not is_challenger(ask(service, client)), 5)
    return time.perf_counter() - began


def test_switched_off_by_anybody_it_is_off_with_the_next_poll(services, connection, trial):
    spent = []
    for _ in range(5):
        set_and_wait(connection, trial, 1.0, *services)
        split(connection, trial, 0)
        spent += [seconds_until_off(service, "somebody") for service in services]

    assert max(spent) < INTERVAL + 0.5


def test_switched_off_over_http_it_is_off_with_the_next_request(keyed, connection, trial):
    path = f"/trials/{trial.hash[:12]}/split"
    for _ in range(10):
        on = keyed.post(path, json={"share": 1.0, **WHO})
        assert (on.status_code, is_challenger(ask(keyed, "somebody"))) == (200, True)
        off = keyed.post(path, json={"share": 0, **WHO})
        assert (off.status_code, is_challenger(ask(keyed, "somebody"))) == (200, False)

    assert off.json()["events"][-1]["evidence"] == {"share": 0.0}


def test_a_trial_that_is_stopped_over_http_answers_nobody_any_more(keyed, connection, trial):
    set_and_wait(connection, trial, 1.0, keyed)
    assert is_challenger(ask(keyed, "somebody"))

    assert keyed.post(f"/trials/{trial.hash}/stop", json=WHO).status_code == 200

    answer = ask(keyed, "somebody")
    assert (is_challenger(answer), answer["warnings"]) == (False, [])
    again = keyed.post(f"/trials/{trial.hash}/split", json={"share": 0.5, **WHO})
    assert again.status_code == 409
    assert "has ended: its challenger answers nobody" in again.json()["detail"]


@pytest.mark.parametrize("kind", ["better", "worse"])
def test_a_trial_that_a_run_ended_answers_nobody_after_the_next_poll(
    services, connection, trial, kind
):
    service, _ = services
    set_and_wait(connection, trial, 1.0, service)
    TrialLog(connection).add_event(trial_event(trial, kind, session=AT.date()))

    assert seconds_until_off(service, "somebody") < INTERVAL + 0.5


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ({"share": 1.5, **WHO}, 422, "share: the number is too large: send at most 1"),
        ({"share": -0.1, **WHO}, 422, "share: the number is too small: send at least 0"),
        ({"share": 0.5, "author": "A. Rao"}, 422, "reason"),
        ({"share": "some", **WHO}, 422, "share"),
    ],
)
def test_what_is_no_split_is_refused(keyed, trial, body, status, sentence):
    answer = keyed.post(f"/trials/{trial.hash}/split", json=body)

    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert sentence in answer.json()["detail"]


def test_who_may_not_write_may_not_split(keyed, services, trial):
    path, body = f"/trials/{trial.hash}/split", {"share": 0.5, **WHO}

    assert keyed.post(path, json=body, headers={"X-API-Key": "none"}).status_code == 401
    assert services[0].post(path, json=body).status_code == 403
    assert keyed.post("/trials/abcdef/split", json=body).status_code == 404


def test_a_challenger_that_is_broken_costs_nobody_the_served_answer(
    place, services, connection, trial
):
    service, _ = services
    served = ask(service)
    stored = put_challenger(connection, place[1] / "models", trial)
    folder = place[1] / "models" / "NSE" / "short" / stored.digest
    shutil.move(folder, place[1] / "aside")
    try:
        split(connection, trial, 1.0)
        # Its set is in no service's memory.
        with Service(place[1], place[0]) as fresh:
            answer = ask(fresh, "somebody")
            arms = [f'{{arm="{arm}",trial="{trial.hash}"}}' for arm in ("fallback", "challenger")]
            counted = [fresh.metric(f"forecast_api_trial_answers_total{each}") for each in arms]
    finally:
        shutil.move(place[1] / "aside", folder)

    warning, *rest = answer["warnings"]
    assert "is missing from" in warning
    assert warning.endswith(f"Trial {trial.hash[:12]} answers by the served forecast.")
    assert {**answer, "warnings": rest} == served
    assert counted == [1, 0]


def test_a_batch_has_the_same_arms_as_single_requests(services, connection, trial):
    service, _ = services
    set_and_wait(connection, trial, 0.5, service)
    tickers = ["TCS.NS", "INFY.NS", "SBIN.NS", "NONE.NS"]

    for client in IDS[:10]:
        answer = service.post(
            "/predict/batch", json={"tickers": tickers}, headers={"X-Client-ID": client}
        ).json()
        arms = [(each["horizon"], each.get("arm")) for each in answer["forecasts"]]
        arm = "challenger" if number_of(trial, f"id:{client}") < 0.5 else None
        assert arms == [("1-day", arm), ("63-day", None)] * 3
        assert [error["status"] for error in answer["errors"]] == [404, 404]


def test_the_log_has_no_served_row_of_a_challenger_s_answer_and_the_counts_say_whose(
    place, connection, trial
):
    url, home = place
    set_before = set(logged(url, "ticker, horizon, version, kind"))
    split(connection, trial, 1.0)
    with Service(home, url) as service:
        for _ in range(3):
            assert is_challenger(ask(service, "somebody", ticker="INFY.NS"))
        line = f'forecast_api_trial_answers_total{{arm="challenger",trial="{trial.hash}"}}'
        assert service.metric(line) == 3
        time.sleep(0.5)
    assert set(logged(url, "ticker, horizon, version, kind")) == set_before

    lines = list(map(json.loads, (home / "logs" / "tcs-stock.log").read_text().splitlines()))
    (mark,) = [each for each in lines if each.get("trial") == trial.hash and "client" in each]
    digest = hashlib.sha256(f"{trial.hash}\nid:somebody".encode()).hexdigest()
    assert (mark["client"], mark["arm"], mark["share"]) == (digest[:16], "challenger", 1.0)
    assert mark["number"] == pytest.approx(int(digest[:13], 16) / 16**13, abs=1e-6)
    assert "somebody" not in json.dumps(lines)


def test_the_answer_is_the_forecast_that_the_run_logged_for_the_trial(command, home, database_url):
    def run(*arguments, day=13):
        now = f"2026-04-{day}T18:00+05:30"
        ran = command(*arguments, DATABASE_URL=database_url, FORECAST_NOW=now)
        assert ran.returncode == 0, ran.stderr

    who = ("--author", "A. Rao", "--reason", "to see it")
    pipeline = ("mlops.pipeline", "--ticker", "DEMO.NS", "--source", "sample")
    place = ("--pool", "SAMPLE", "--horizon", "short")
    run(*pipeline)
    run("mlops.trials", "register", *place, "--challenger", "ridge", *who)
    run(*pipeline, day=15)
    with psycopg.connect(database_url, autocommit=True) as connection:
        (trial,) = TrialLog(connection).running()
        run("mlops.trials", "split", trial.hash, "--share", "1", *who)
        with Service(home, database_url, FORECAST_NOW="2026-04-15T18:30+05:30") as service:
            served, answer = (ask(service, name, ticker="DEMO.NS") for name in (None, "somebody"))
        rows = connection.execute(
            "SELECT version, point, model, feature_date::text, target_date::text "
            "FROM predictions WHERE kind = 'shadow'"
        ).fetchall()

    assert (answer["arm"], answer["trial"]) == ("challenger", trial.hash)
    assert rows == [
        (
            trial.candidate_version,
            answer["pred_return"],
            "ridge",
            answer["feature_date"],
            answer["predict_date"],
        )
    ]
    assert answer["pred_return"] != served["pred_return"] == 0
    assert answer["intervals"] == served["intervals"]
