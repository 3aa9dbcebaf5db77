"""What is wanted one by one is read together, once, and nobody waits for ever."""

import asyncio

import pytest

from src.api.forecasts.batching import CHUNK, Gathering


class Shelf:
    """Reads numbers as their squares, and remembers what was asked for at a time."""

    def __init__(self, fails=()):
        self.asked, self.fails = [], set(fails)

    async def read(self, keys):
        self.asked.append(list(keys))
        await asyncio.sleep(0)
        if self.fails & set(keys):
            raise LookupError("torn page")
        return {key: key**2 for key in keys}


def told(shelf, story):
    return asyncio.run(story(Gathering(shelf.read)))


def test_what_is_wanted_together_is_read_together():
    shelf = Shelf()

    async def story(gathering):
        return await asyncio.gather(*(gathering.want(key) for key in (3, 1, 2)))

    assert told(shelf, story) == [9, 1, 4]
    assert shelf.asked == [[3, 1, 2]]


def test_what_is_wanted_twice_is_read_once_and_again_after_it_was_read():
    shelf = Shelf()

    async def story(gathering):
        await asyncio.gather(gathering.want(1), gathering.want(1))
        await gathering.want(1)

    told(shelf, story)
    assert shelf.asked == [[1], [1]]


def test_what_is_wanted_during_a_reading_is_read_after_it():
    shelf = Shelf()

    async def story(gathering):
        first = gathering.want(1)
        await asyncio.sleep(0)
        assert shelf.asked == [[1]]
        return await asyncio.gather(first, gathering.want(2), gathering.want(1), gathering.want(3))

    assert told(shelf, story) == [1, 4, 1, 9]
    assert shelf.asked == [[1], [2, 3]]


def test_a_reading_is_never_larger_than_a_chunk():
    shelf = Shelf()

    async def story(gathering):
        await asyncio.gather(*(gathering.want(key) for key in range(2 * CHUNK + 1)))

    told(shelf, story)
    assert [len(keys) for keys in shelf.asked] == [CHUNK, CHUNK, 1]


def test_a_reading_that_fails_says_so_to_all_who_wait_for_it_and_to_nobody_else():
    shelf = Shelf(fails={0})

    async def story(gathering):
        wanted = [gathering.want(key) for key in range(CHUNK + 1)]
        found = await asyncio.gather(*wanted, return_exceptions=True)
        shelf.fails = set()
        return found, await gathering.want(0)

    found, again = told(shelf, story)
    assert {str(one) for one in found[:CHUNK]} == {"torn page"}
    assert found[CHUNK] == CHUNK**2
    assert again == 0


def test_who_gives_up_waiting_takes_nothing_from_the_others():
    shelf = Shelf()

    async def story(gathering):
        async def impatient():
            await asyncio.wait({gathering.want(1)}, timeout=5)

        task = asyncio.create_task(impatient())
        other = gathering.want(1)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await other

    assert told(shelf, story) == 1


def test_what_was_cancelled_takes_nothing_from_the_others_and_stops_no_reading():
    shelf = Shelf()

    async def story(gathering):
        cancelled, other = gathering.want(1), gathering.want(2)
        cancelled.cancel()
        return await other, await gathering.want(3)

    assert told(shelf, story) == (4, 9)


def test_a_reading_that_lacks_something_fails_and_the_next_one_is_made():
    async def read(keys):
        return {} if 1 in keys else dict.fromkeys(keys, "found")

    async def story():
        gathering = Gathering(read)
        lacking = gathering.want(1)
        await asyncio.wait({lacking})
        return lacking.exception(), await gathering.want(2)

    error, found = asyncio.run(story())
    assert (type(error), found) == (KeyError, "found")
