"""The scoreboard of a running service, beside the forecasts that it answers meanwhile."""

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.support.answers import put_live
from tests.support.models import make_artifact


@pytest.mark.parametrize("path", ["/scoreboard", "/scoreboard?ticker=TCS"])
def test_forecasts_are_read_while_scoreboards_wait_for_the_database(
    service, connection, database_url, models, path
):
    tickers = [f"NUMBER{n}.NS" for n in range(4)]
    put_live(connection, models, [make_artifact()], tickers=tickers)
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    with ThreadPoolExecutor(3) as pool, psycopg.connect(database_url) as busy:
        busy.execute("LOCK TABLE prediction_outcomes")
        boards = [pool.submit(service.get, path) for _ in range(3)]
        while connection.execute(waiting).fetchone() == (0,):
            time.sleep(0.02)
        answers = {ticker: service.short(ticker) for ticker in tickers}
        busy.rollback()
        statuses = [board.result().status_code for board in boards]

    assert {answer.status_code for answer in answers.values()} == {200}
    assert max(answer.elapsed.total_seconds() for answer in answers.values()) < 2
    assert statuses == [200, 200, 200]
