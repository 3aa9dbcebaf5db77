import datetime as dt

import orjson

from src.api.forecasts.cache import Cache, new_entry
from src.api.forecasts.response import prepare_forecast
from src.core.calendars.nse import nse
from tests.support.answers import SERVING_ROW
from tests.support.models import make_artifact

EVENING = dt.datetime(2026, 4, 13, 12, 0, tzinfo=dt.UTC)
PAIR = ("TCS.NS", "short")


def entry(**changes):
    row = {**SERVING_ROW, "ticker": "TCS.NS", "horizon": "short", **changes}
    return new_entry(prepare_forecast(make_artifact(), row, None, nse()), EVENING, stale_after=1)


def test_an_entry_is_outdated_by_a_change():
    cache = Cache()
    cache.put(PAIR, entry(), cache.epoch)
    assert not cache.get(PAIR).outdated

    cache.invalidate()

    assert cache.get(PAIR).outdated


def test_an_entry_that_changed_while_it_was_read_is_outdated_from_the_start():
    cache = Cache()
    epoch = cache.epoch
    cache.invalidate()
    cache.put(PAIR, entry(), epoch)

    assert cache.get(PAIR).outdated


def test_the_same_forecast_read_again_is_not_logged_again():
    cache = Cache()
    first = entry()
    first.logged = True
    cache.put(PAIR, first, cache.epoch)
    cache.put(PAIR, entry(), cache.epoch)

    assert cache.get(PAIR).logged


def test_another_forecast_is_logged():
    cache = Cache()
    first = entry()
    first.logged = True
    cache.put(PAIR, first, cache.epoch)
    cache.put(PAIR, entry(last_close=3001.0), cache.epoch)

    assert not cache.get(PAIR).logged


def test_an_answer_grows_older_at_the_close_of_the_next_session():
    kept = entry()
    # Wednesday 15 April, 15:00 and 16:10 in India.
    open_still = dt.datetime(2026, 4, 15, 9, 30, tzinfo=dt.UTC)
    closed = dt.datetime(2026, 4, 15, 10, 40, tzinfo=dt.UTC)

    ages = [orjson.loads(kept.answer(at, 1))["data_age_sessions"] for at in (open_still, closed)]

    assert ages == [0, 1]


def test_a_warning_for_the_moment_is_gone_with_it():
    kept = entry()

    assert orjson.loads(kept.answer(EVENING, 1, "lost"))["warnings"] == ["lost"]
    assert orjson.loads(kept.answer(EVENING, 1))["warnings"] == []
