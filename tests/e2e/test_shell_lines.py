# ruff: noqa: E501 - lines of the documents, as they stand there
"""Every shell line of README, documents and guide works, or is listed here with why it is not run.

Lines are run as they stand, by bash, in a folder that is FORECAST_HOME and has the files that they
name. What stands for something of the reader's own (TAG, PID …) is replaced as PLACEHOLDERS say.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from src.db.database import DATA_DIR
from src.db.embedded.lease import acquire
from src.db.migrate import ensure_schema
from tests.conftest import ROOT
from tests.support.many_tickers import LAST, write_files
from tests.support.shell_lines import SQL, lines_of, pages

SIGNING_KEY = "ab" * 32
TICKERS = ("TCS.NS", "INFY.NS", "RELIANCE.NS")

# In this order: later lines need what earlier ones stored. Exit codes other than 0 are named.
RUN = """
. .venv/bin/activate
python -m src.data.ingest write --all --source csv --path FOLDER
python -m src.data.cleaning write --all
python -m src.features.features_daily write --all
python -m mlops.pipeline --all --source csv --path FOLDER
python -m mlops.pipeline --all
python -m mlops.pipeline --all --workers 2
python -m mlops.pipeline
python -m mlops.pipeline --ticker TCS.NS
python -m mlops.pipeline --ticker T
python -m mlops.pipeline --ticker TCS.NS --skip-training
python -m mlops.pipeline --ticker TCS.NS --config config.json
python -m mlops.pipeline --ticker TCS.NS --source csv --path TCS.NS.csv
python -m mlops.pipeline --ticker T --source csv --path FILE
python -m src.data.cleaning write --ticker TCS.NS
python -m src.features.features_daily write --ticker TCS.NS
python -m src.data.report --ticker TCS.NS --html report.html
python -m src.data.report --ticker T
python -m src.data.report --ticker T --date DATE
python -m src.data.ingest show --ticker TCS.NS
python -m src.data.ingest show --path FILE
python -m src.data.ingest write --tickers FILE --source csv --path FOLDER
python -m src.data.corporate_actions list --ticker TCS.NS
python -m src.data.corporate_actions list --ticker T
python -m src.data.corporate_actions list --pending
python -m src.data.corporate_actions import --ticker TCS.NS --path ACTIONS.csv
python -m src.data.corporate_actions import --all --path CF-CA-equities.csv
python -m src.data.corporate_actions import --path F --all
python -m src.data.corporate_actions add --ticker TCS.NS --date 2018-05-31 --kind split --ratio 2
python -m src.data.corporate_actions accept --ticker TCS.NS --date 2018-05-31
python -m src.data.instruments import --path EQUITY_L.csv
python -m src.data.instruments import --path symbolchange.csv
python -m src.data.instruments rename --from INFOSYSTCH --to INFY --date 2011-06-29
python -m src.data.instruments state --ticker TCS.NS --state active --date 2004-08-25 --because TEXT
python -m src.data.instruments list
python -m src.data.instruments list --ticker TCS.NS
python -m src.modeling.backtest --all --from 2023-01-01 --out forecasts.csv
python -m src.modeling.evaluate forecasts.csv
python -m src.modeling.evaluate FILE
python -m mlops.pipeline report --ticker TCS.NS
python -m mlops.pipeline report --ticker TCS.NS --out tcs.html
python -m mlops.monitoring history --ticker TCS.NS
python -m mlops.monitoring history
python -m mlops.monitoring history | tail
python -m mlops.monitoring version --version-tag TAG
python -m mlops.monitoring version --list
python -m mlops.monitoring rollback --version-tag TAG
python -m mlops.monitoring unpin --ticker T
python -m mlops.trials register --pool NSE --horizon short --challenger ridge --author NAME --reason TEXT
python -m mlops.trials list
python -m mlops.trials show HASH
python -m mlops.trials split HASH --share 0.1 --author NAME --reason TEXT
printf '%s\\nid:%s' HASH CLIENT | sha256sum
python -m mlops.trials promote HASH --author NAME --reason TEXT
python -m mlops.trials stop HASH --author NAME --reason TEXT
python -m mlops.monitoring metrics
python -m mlops.monitoring scoreboard
python -m mlops.monitoring health
python -m mlops.monitoring health --ticker T --json
python -m mlops.monitoring watch
python -m mlops.worker --once
python -m mlops.worker
python -m mlops.worker status
python -m mlops.worker clean
python -m mlops.backup create
python -m mlops.backup list
python -m mlops.backup verify
python -m mlops.monitoring alerts list
python -m mlops.monitoring alerts silence --rule 'features_*' --subject 'TCS.NS' --hours 4 --reason TEXT
python -m mlops.monitoring alerts silence --end NUMBER
python -m mlops.monitoring alerts test
ls models/POOL/short models/POOL/long
ls -la models/
ls mlops/runs | tail -3
ls -ld mlops models var var/*
ls -ld logs logs/tcs-stock.log
chown -R USER mlops models
chown USER var
chown -R USER logs
tail logs/tcs-stock.log
tail -f logs/tcs-stock.log
tail var/postgres.log
du -xh -d 2 . | sort -h | tail
openssl rand -hex 32
printf %s KEY | sha256sum
psql "$DATABASE_URL"
psql -h "$(sed -n 's|.*socket "\\(.*\\)/.s.PGSQL.*|\\1|p' var/postgres.log | tail -1)" -U postgres forecast_db
pg_isready -h HOST -p PORT
python -m src.data.ingest withdraw --batch N
FORECAST_SIGNING_KEY=KEY python -m mlops.monitoring sign --unsigned
python -m mlops.monitoring sign
""".strip().splitlines()

CODES = {
    "python -m mlops.monitoring health": (0, 1, 2),  # as the page of usage says
    "python -m mlops.monitoring health --ticker T --json": (0, 1, 2),
    # It is still running, which the sentence says.
    "python -m mlops.trials promote HASH --author NAME --reason TEXT": (1,),
    # Without a channel, which the sentence says.
    "python -m mlops.monitoring alerts test": (1,),
}

# README's, but of those that wait for Yahoo, which does not answer here, only one is quick.
TAKE_LONG = {
    "python -m mlops.pipeline --ticker TCS.NS --skip-training",
    "python -m mlops.pipeline --ticker TCS.NS --config config.json",
    "python -m mlops.monitoring sign",  # after the line that signs for the first time
}

# These end by a signal: what is awaited before it.
ENDLESS = {
    "python -m mlops.monitoring watch": "Watching: all rules",
    "python -m mlops.worker": "The worker has started",
    "tail -f logs/tcs-stock.log": '"event"',
}

# Commands that the text names; what they need is said beside them.
NAMES = """
python -m src.data.cleaning
python -m src.data.corporate_actions add
python -m src.data.ingest
python -m src.data.report
python -m src.features.features_daily
python -m src.dashboard.probe
python -m src.dashboard.login
python -m src.api
python -m src.modeling.backtest
""".strip().splitlines()

NOT_RUN_PROGRAMS = {
    "docker": "it needs an engine and images; tests of compose run those lines where one is",
    "docker-compose": "as docker",
    "journalctl": "it needs systemd",
    "pip": "it asks the package index",
    "systemctl": "it needs systemd",
    "unzip": "any program for zip files does it",
}

NOT_RUN = {
    "45 19 * * * cd /srv/forecast && .venv/bin/python -m mlops.backup create > /dev/null": "as the command in it",
    "*/15 * * * * cd /srv/forecast && .venv/bin/python -m mlops.worker --once 2>&1 | logger -t tcsns-forecast": "tests/e2e/test_schedules.py",
    "TCSNS_CHECKOUT=/srv/forecast /srv/airflow/bin/airflow dags test tcsns_forecast": "tests/e2e/test_schedules.py",
    "cp ops/airflow/tcsns_forecast.py ~/airflow/dags/": "tests/e2e/test_schedules.py",
    "python3.11 -m venv /srv/airflow": "tests/e2e/test_schedules.py",
    "sudo cp ops/systemd/tcsns-forecast-* /etc/systemd/system/": "it needs systemd",
    "sudo systemctl enable --now tcsns-forecast-once.timer": "it needs systemd",
    "mv var/postgres var/postgres.before": "it takes the database away",
    "mkdir -p var/before/mlops": "with the next two lines",
    "mv var/postgres models var/before/": "tests/e2e/test_backup_command.py",
    "mv mlops/model_archive var/before/mlops/": "with the line before it",
    "python -m mlops.backup verify FILE": "tests/e2e/test_backup_command.py",
    "python -m mlops.backup restore FILE": "tests/e2e/test_backup_command.py",
    "python -m mlops.backup restore backups/FILE": "tests/e2e/test_backup_command.py",
    "python -m mlops.mlflow_export": "tests/e2e/test_mlflow_export.py",
    "python -m src.data.corporate_actions accept --ticker ABFRL.NS --date 2025-05-22 --kind demerger --ratio 2.9": "tests/integration/data/corporate_actions/test_decisions.py",
    "python -m mlops.monitoring alerts ack FINGERPRINT --by NAME": "tests/e2e/test_alerts_command.py",
    "curl -X POST http://localhost:8000/predict/short": "tests/e2e/test_api.py",
    'curl -X POST "http://localhost:8000/predict/short?ticker=DEMO.NS"': "tests/e2e/test_api.py",
    """curl -X POST http://localhost:8000/trials -H "X-API-Key: $KEY" -H "Content-Type: application/json" -d '{"pool": "NSE", "horizon": "short", "challenger": "ridge", "author": "NAME", "reason": "TEXT"}'""": "tests/e2e/test_api_trials.py",
    "make up": "tests/e2e/test_up.py",
    "make down": "tests/e2e/test_up.py",
    "make demo": "tests/e2e/test_pipeline_command.py",
    'make run ARGS="--ticker INFY.NS"': "the same command by make, which would install packages",
    "make test": "it is what runs this",
    "make test TESTS=tests/unit/core": "a part of it",
    "make test-long": "it is what runs this",
    "make chaos SEED=1 EPISODES=500": "tests/chaos/test_chaos.py",
    "make chaos SEED=1 EPISODE=37": "tests/chaos/test_chaos.py",
    "make chaos SEED=1 EPISODES=50 KIND=disk": "tests/chaos/test_chaos.py",
    "make test-compose": "it needs a Docker engine",
    "make bench": "tests/e2e/test_benchmarks.py",
    "make bench-large": "it measures for an hour",
    "git pull": "it needs a remote",
    "git clone ADDRESS tcsns-forecast && cd tcsns-forecast": "it needs a remote",
    "sudo apt install git make python3-venv": "it installs packages of the system",
    "python -m http.server 8080 -d var/site": "it is Python's own, for the pages of tests/e2e/test_website.py",
    "python -m mlops.migrate": "tests/integration/db/test_roles.py",
    "make lint": "CI runs it before the tests",
    "make docs": "tests/e2e/test_website.py",
    "make lock": "it asks the package index",
    "python -m website": "tests/e2e/test_website.py",
    "streamlit run streamlit_app.py": "tests/e2e/dashboard",
    "uvicorn src.api.predict_simple:app": "tests/e2e/test_api.py",
    "python -m mlops.run_request ID": "tests/e2e/test_run_request_command.py",
    "python -m mlops.run_request 7": "tests/e2e/test_run_request_command.py",
    "python -m mlops.pipeline check-leakage --ticker TCS.NS": "tests/e2e/test_check_leakage_command.py",
    "python -m mlops.pipeline check-leakage --ticker T": "tests/e2e/test_check_leakage_command.py",
    "python -m mlops.pipeline --tickers TCS.NS,INFY.NS --source yahoo": "it asks Yahoo",
    "python -m src.modeling.backtest --all --from 2019-01-01": "the same from 2023 on is run",
    "python -m benchmarks.studies.splits": "it measures for minutes, on real prices",
    "python -m benchmarks.studies.bad_data": "it measures for minutes, on real prices",
    "python -m benchmarks.studies.intervals": "it measures for minutes, on real prices",
    "python -m benchmarks.studies.gate 600 CLEAN.parquet": "it measures for an hour",
    "python -m benchmarks.studies.trials": "it measures for minutes",
    "python -m mlops.pipeline --all --engine dask://10.0.0.5:8786": "tests/e2e/test_engines.py",
    "python -m dask scheduler --host 127.0.0.1 --port 8786 --no-dashboard": "tests/e2e/test_engines.py",
    "python -m dask scheduler --host 10.0.0.5 --port 8786 --no-dashboard": "tests/e2e/test_engines.py",
    "python -m dask worker tcp://10.0.0.5:8786 --nthreads 1 --nworkers 2 --no-dashboard": "tests/e2e/test_engines.py",
    "prometheus --config.file=ops/prometheus/prometheus.yml": "tests/e2e/test_ops.py",
    "promtool test rules ops/prometheus/alerts_test.yml": "tests/e2e/test_ops.py",
    "*/5 * * * * cd /srv/forecast && python -m mlops.monitoring deadman": "tests/integration/monitoring/test_watch.py",
    "cat /proc/PID/wchan": "it needs a process that hangs",
    "kill PID": "it needs a process that hangs",
    "kill -9 PID": "it needs a process that hangs",
    "PGOPTIONS='-c default_transaction_read_only=off' psql … -c "
    '"ALTER DATABASE forecast_db RESET default_transaction_read_only"': "its … stands for the line of psql",
}

# Of the guide's chapter "Troubleshooting", without Docker.
GUIDE = """
python -m mlops.monitoring health
SELECT COUNT(*) FROM raw_daily_prices;
tail -f logs/tcs-stock.log
ls -la models/
python -m mlops.pipeline --ticker TCS.NS
SELECT MAX(date) FROM features_daily;
python -m src.data.cleaning write --ticker TCS.NS
python -m src.features.features_daily write --ticker TCS.NS
""".strip().splitlines()


def documented():
    return {line for page in pages(ROOT) for line in lines_of(page.read_text())}


def quick():
    """Lines of README and guide; `make test-long` runs those of the documents, too."""
    readme = set(lines_of((ROOT / "README.md").read_text()))
    return (readme | set(GUIDE)) - TAKE_LONG


def test_every_line_is_run_or_listed_with_the_reason():
    programs = re.compile(rf"(?:\S*/bin/)?(?:{'|'.join(NOT_RUN_PROGRAMS)}) ")
    commands = {line for line in documented() if not (SQL.match(line) or programs.match(line))}
    listed = {*RUN, *NAMES, *NOT_RUN}

    assert sorted(commands - listed) == [], "add these to RUN, or to NOT_RUN with the reason"
    assert sorted(listed - commands - set(GUIDE)) == [], "no page has these any more"
    assert {line for line in GUIDE if not SQL.match(line)} <= set(RUN)
    tests = [reason for reason in NOT_RUN.values() if reason.startswith("tests/")]
    assert [path for path in tests if not (ROOT / path).exists()] == []


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A home with an embedded database, and the files that lines name in it."""
    home = tmp_path_factory.mktemp("lines")
    folder = home / "FOLDER"
    for written, ticker in zip(write_files(folder, len(TICKERS), 420), TICKERS, strict=True):
        (folder / f"{written}.csv").rename(folder / f"{ticker}.csv")
    for copy in ("TCS.NS.csv", "FILE.csv"):
        shutil.copy(folder / "TCS.NS.csv", home / copy)
    (home / "config.json").write_text('{"features": {"sma_periods": [7, 21]}}')
    (home / "EQUITY_L.csv").write_text(
        "SYMBOL,NAME OF COMPANY,DATE OF LISTING,ISIN NUMBER\n"
        "TCS,Tata Consultancy Services Limited,25-AUG-2004,INE467B01029\n"
    )
    (home / "symbolchange.csv").write_text("A Limited,OLDNAME,NEWNAME,16-JUN-2006\n")
    (home / "CF-CA-equities.csv").write_text(
        "SYMBOL,SERIES,FACE VALUE,PURPOSE,EX-DATE\n"
        "TCS,EQ,1,Interim Dividend - Rs 10 Per Share,02-Jun-2025\n"
    )
    (home / "tickers.txt").write_text("TCS.NS\nINFY.NS\n")
    (home / "ACTIONS.csv").write_text("Date,Dividends,Stock Splits\n2025-06-02,10,0\n")
    (home / ".venv").symlink_to(Path(sys.prefix))
    with acquire(home / DATA_DIR) as lease:
        ensure_schema(lease.url)
        yield home, lease.url


@pytest.fixture(scope="module")
def shell(place):
    home, url = place
    names = ("FORECAST_", "PG", "DATABASE_URL", "TICKER", "LOG_LEVEL")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(names)}
    environment |= {
        "FORECAST_HOME": str(home),
        "FORECAST_NOW": f"{LAST}T18:00+05:30",
        "FORECAST_WORKER__SOURCE": "stored",
        # Nobody answers there: runs go on from stored prices, as README says.
        "FORECAST_YAHOO_URL": "http://127.0.0.1:9",
        "PYTHONPATH": str(ROOT),
        "PATH": f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }

    def start(line, **more):
        if line.startswith("psql "):
            line = f"echo 'SELECT 1' | {line}"
            environment["DATABASE_URL"] = url
        else:
            environment.pop("DATABASE_URL", None)
        return subprocess.Popen(
            ["bash", "-o", "pipefail", "-c", line],
            cwd=home,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            **more,
        )

    return start


def filled(line, home, url):
    """The line with what stands for something of the reader's own."""
    with psycopg.connect(url) as connection:

        def value(statement):
            row = connection.execute(statement).fetchone()
            assert row is not None, statement
            return str(row[0])

        replacements = {
            r"--ticker T\b": lambda: "--ticker TCS.NS",
            r"\bDATE\b": lambda: str(LAST),
            r"evaluate FILE": lambda: "evaluate forecasts.csv",
            r"show --path FILE": lambda: "show --path TCS.NS.csv",
            r"--tickers FILE": lambda: "--tickers tickers.txt",
            r"--path F\b": lambda: "--path CF-CA-equities.csv",
            r"--path FILE": lambda: "--path FILE.csv",
            r"--end NUMBER": lambda: f"--end {value('SELECT max(silence_id) FROM alert_silences')}",
            r"--batch N": lambda: f"--batch {value('SELECT max(batch_id) FROM ingest_batches')}",
            r"\bPOOL\b": lambda: "NSE",
            r"\bHASH\b": lambda: value("SELECT left(hash, 12) FROM trials"),
            r"\bUSER\b": lambda: str(os.getuid()),
            r"-h HOST -p PORT": lambda: f"-h {re.search('host=([^&]+)', url)[1]} -p 5432",
            r"=KEY ": lambda: f"={SIGNING_KEY} ",
            r"^(?=\S+ -m mlops.monitoring sign$)": lambda: f"FORECAST_SIGNING_KEY={SIGNING_KEY} ",
            r"\bPID\b": lambda: "0",
            r"'INPUT'": lambda: "'ret_lag1_s'",
        }
        for pattern, replacement in replacements.items():
            if re.search(pattern, line):
                line = re.sub(pattern, replacement(), line)
    return line


def run(line, command, shell):
    """Exit code and output of a line."""
    process = shell(command)
    try:
        if awaited := ENDLESS.get(line):
            shown = ""
            while awaited not in shown:
                shown += (piece := process.stdout.readline())
                assert piece, shown
            os.killpg(process.pid, signal.SIGINT)
            process.communicate(timeout=30)
            return 0, shown
        output = process.communicate(timeout=120)[0]
        return process.returncode, output
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("which", ["quick", pytest.param("all", marks=pytest.mark.long)])
def test_the_lines_do_what_they_are_there_for(which, place, shell):
    home, url = place
    failed, done = [], set()
    for line in RUN:
        if which == "quick" and line not in quick():
            continue
        command = filled(line, home, url)
        if command in done:
            continue
        if line.startswith(("psql", "pg_isready")) and shutil.which(line.split()[0]) is None:
            continue
        done.add(command)
        code, output = run(line, command, shell)
        if code not in CODES.get(line, (0,)) or output.startswith("Traceback"):
            failed.append(f"{line}\n  exit code {code}: {output[-600:]}")
    assert failed == [], "\n".join(failed)


def test_commands_that_are_named_exist(shell):
    started = [(name, shell(f"{name} --help")) for name in NAMES]
    ended = [
        (name, process.communicate(timeout=60)[0], process.returncode) for name, process in started
    ]

    assert [name for name, output, code in ended if code or not output.startswith("usage:")] == []


def test_sql_of_the_documents_can_be_run(place):
    home, url = place
    statements = sorted({line for line in [*documented(), *GUIDE] if SQL.match(line)})
    assert len(statements) > 10
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(filled(statement, home, url))
