"""Run every session after its close, from Airflow 3.

Airflow has an environment of its own: it needs another FastAPI than this system. Here it starts a
command of the checkout in the checkout's environment, and decides nothing: which sessions are due,
and what is tried again, the command works out from the calendar and from finished runs.
"""

from __future__ import annotations

import os
from datetime import timedelta

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

CHECKOUT = os.environ.get("TCSNS_CHECKOUT", "/srv/forecast")

with DAG(
    "tcsns_forecast",
    description="Run what is due of every exchange's sessions",
    # Also in evenings and at weekends, for late prices and special sessions; mostly nothing is due.
    schedule="*/15 * * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="Asia/Kolkata"),
    catchup=False,  # what was missed is due at the next time
    max_active_runs=1,
    default_args={"cwd": CHECKOUT, "append_env": True, "retries": 0},
) as dag:
    BashOperator(
        task_id="run_due_sessions",
        bash_command="exec .venv/bin/python -m mlops.worker --once",
        execution_timeout=timedelta(hours=3),
    )
