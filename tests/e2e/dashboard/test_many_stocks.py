"""The first page with 500 stocks: soon there, in little memory, and it names the few to look at."""

import psutil
import psycopg

from tests.support.answers import put_live
from tests.support.dashboards import Dashboard, Visitor
from tests.support.models import both_horizons

STOCKS = 500
# Megabytes, and seconds of the processor for a visit that finds everything in memory.
MEMORY, WARM = 400, 2.0


def test_500_stocks_are_shown_soon_and_five_of_them_are_named(database_url, browser, tmp_path):
    tickers = [f"S{number:03}.NS" for number in range(STOCKS)]
    with psycopg.connect(database_url, autocommit=True) as connection:
        put_live(connection, tmp_path / "models", both_horizons(), tickers=tickers)
        connection.execute("UPDATE pool_members SET newest_session = '2026-04-17'")
        connection.execute("UPDATE serving_inputs SET feature_date = '2026-04-17'")
        connection.execute(
            "UPDATE serving_inputs SET note = 'it was suspended' "
            "WHERE ticker BETWEEN 'S100' AND 'S107'"
        )
    with Dashboard(tmp_path, database_url) as dashboard:
        process = psutil.Process(dashboard.process.pid)
        for _ in range(2):
            before = sum(process.cpu_times()[:2])
            visitor = Visitor(browser, dashboard.url)
            visitor.open("?stock=S250.NS")
            text = visitor.text().replace("\N{NO-BREAK SPACE}", " ")
            spent = sum(process.cpu_times()[:2]) - before
            assert visitor.problems() == []
            visitor.context.close()
        assert spent < WARM
        assert process.memory_info().rss < MEMORY * 2**20
    assert "No demonstrated edge for 1,000 of 1,000 forecasts" in text
    assert "7 of 500 stocks need a look: S100.NS (held back); S101.NS (held back)" in text
    assert "S104.NS (held back) and 2 more." in text
    assert "500 of 500 stocks" in text
