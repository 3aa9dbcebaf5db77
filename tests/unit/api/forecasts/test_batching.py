"""Values that are requested one by one are loaded together, once, and nobody waits for ever."""

import asyncio

import pytest

from src.api.forecasts.batching import BATCH_SIZE, BatchLoader


class Shelf:
    """Reads numbers as their squares, and remembers the batches."""

    def __init__(self, fails=()):
        self.batches, self.fails = [], set(fails)

    async def read(self, keys):
        self.batches.append(list(keys))
        await asyncio.sleep(0)
        if self.fails & set(keys):
            raise LookupError("torn page")
        return {key: key**2 for key in keys}


def run(shelf, story):
    return asyncio.run(story(BatchLoader(shelf.read)))


def test_keys_requested_together_are_loaded_together():
    shelf = Shelf()

    async def story(batches):
        return await asyncio.gather(*(batches.load(key) for key in (3, 1, 2)))

    assert run(shelf, story) == [9, 1, 4]
    assert shelf.batches == [[3, 1, 2]]


def test_a_key_requested_twice_is_loaded_once_and_again_after_it_was_loaded():
    shelf = Shelf()

    async def story(batches):
        await asyncio.gather(batches.load(1), batches.load(1))
        await batches.load(1)

    run(shelf, story)
    assert shelf.batches == [[1], [1]]


def test_a_key_requested_while_a_batch_is_loaded_is_in_the_next_batch():
    shelf = Shelf()

    async def story(batches):
        first = batches.load(1)
        await asyncio.sleep(0)
        assert shelf.batches == [[1]]
        return await asyncio.gather(first, batches.load(2), batches.load(1), batches.load(3))

    assert run(shelf, story) == [1, 4, 1, 9]
    assert shelf.batches == [[1], [2, 3]]


def test_no_batch_is_larger_than_the_limit():
    shelf = Shelf()

    async def story(batches):
        await asyncio.gather(*(batches.load(key) for key in range(2 * BATCH_SIZE + 1)))

    run(shelf, story)
    assert [len(keys) for keys in shelf.batches] == [BATCH_SIZE, BATCH_SIZE, 1]


def test_a_batch_that_fails_raises_for_its_own_keys_and_no_others():
    shelf = Shelf(fails={0})

    async def story(batches):
        futures = [batches.load(key) for key in range(BATCH_SIZE + 1)]
        results = await asyncio.gather(*futures, return_exceptions=True)
        shelf.fails = set()
        return results, await batches.load(0)

    results, again = run(shelf, story)
    assert {str(error) for error in results[:BATCH_SIZE]} == {"torn page"}
    assert results[BATCH_SIZE] == BATCH_SIZE**2
    assert again == 0


def test_a_request_that_gives_up_waiting_cancels_no_other():
    shelf = Shelf()

    async def story(batches):
        async def impatient():
            await asyncio.wait({batches.load(1)}, timeout=5)

        task = asyncio.create_task(impatient())
        other = batches.load(1)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await other

    assert run(shelf, story) == 1


def test_a_cancelled_key_cancels_no_other_and_stops_no_batch():
    shelf = Shelf()

    async def story(batches):
        cancelled, other = batches.load(1), batches.load(2)
        cancelled.cancel()
        return await other, await batches.load(3)

    assert run(shelf, story) == (4, 9)


def test_a_batch_without_one_of_its_keys_fails_and_the_next_is_loaded():
    async def read(keys):
        return {} if 1 in keys else dict.fromkeys(keys, "value")

    async def story():
        batches = BatchLoader(read)
        lacking = batches.load(1)
        await asyncio.wait({lacking})
        return lacking.exception(), await batches.load(2)

    error, results = asyncio.run(story())
    assert (type(error), results) == (KeyError, "value")
