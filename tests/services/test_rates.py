"""How often one may ask: by session and by address, in one process and over several workers."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from payments_app.domain.errors import TooManyAttempts
from payments_app.services.context import Portal
from payments_app.services.rates import Rate, Rates, SharedRates, spend, wait_for
from tests.support.clock import Clock
from tests.support.redis import RedisServer

RATE = Rate("tests", per_session=2, per_address=5)


@pytest.fixture
async def workers(portal: Portal, redis: RedisServer) -> AsyncIterator[list[Portal]]:
    """Two workers that share a Redis."""
    both = [replace(portal, rates=SharedRates(redis.url)) for _ in range(2)]
    yield both
    for worker in both:
        await worker.rates.close()


async def uses(portal: Portal, session_id: int | None, address: str = "192.0.2.1") -> int:
    """Use it until it is refused; return how often that went well."""
    for count in range(50):
        try:
            await spend(portal, RATE, session_id, address)
        except TooManyAttempts:
            return count
    raise AssertionError("there is no limit")


async def test_a_session_has_its_own_limit_and_an_address_a_wider_one(portal: Portal) -> None:
    assert await uses(portal, 1) == 2
    assert await uses(portal, 2) == 2
    assert await uses(portal, 3) == 0
    assert await uses(portal, 3, "192.0.2.2") == 1  # the refused one counted as well
    assert await uses(portal, None, "192.0.2.3") == 5


async def test_the_next_minute_is_free_again_and_the_wait_is_told(
    portal: Portal, clock: Clock
) -> None:
    clock.forward(seconds=20)
    assert await uses(portal, 1) == 2
    with pytest.raises(TooManyAttempts) as refused:
        await spend(portal, RATE, 1, "")
    assert refused.value.retry_after == 40
    assert await wait_for(portal, RATE, 1, "") == 40
    clock.forward(seconds=40)
    assert await wait_for(portal, RATE, 1, "") == 0
    assert await uses(portal, 1) == 2


async def test_asking_for_the_wait_uses_nothing_up(portal: Portal) -> None:
    for _ in range(10):
        assert await wait_for(portal, RATE, 1, "192.0.2.1") == 0
    assert await uses(portal, 1) == 2


async def test_workers_count_together(workers: list[Portal]) -> None:
    for worker in workers:
        await spend(worker, RATE, 1, "")
    for worker in workers:
        with pytest.raises(TooManyAttempts):
            await spend(worker, RATE, 1, "")


async def test_without_redis_each_worker_counts_for_itself(
    workers: list[Portal], redis: RedisServer
) -> None:
    redis.stop()
    assert await uses(workers[0], 1) == 2
    assert await uses(workers[1], 1) == 2


async def test_counts_of_past_minutes_are_forgotten() -> None:
    rates = Rates()
    for minute in range(3):
        for key in range(100):
            assert await rates.count(str(key), minute) == 1
    assert len(rates._counts) == 100
