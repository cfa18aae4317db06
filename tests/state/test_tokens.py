"""A tab keeps its name when its worker dies, and never shares it with another tab."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from payments_app.state.tokens import SurvivingTokens
from tests.support.redis import RedisServer


class Workers:
    """Workers at one Redis, each with its own connections."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.made: list[SurvivingTokens] = []

    def start(self) -> SurvivingTokens:
        self.made.append(SurvivingTokens(Redis.from_url(self.url)))
        return self.made[-1]

    async def kill(self, worker: SurvivingTokens) -> None:
        """Cut its connections, as the end of its process does; it cleans nothing up."""
        await worker.redis.connection_pool.disconnect()
        assert worker._presence is not None
        await worker._presence.aclose()


@pytest.fixture
async def workers(redis: RedisServer) -> AsyncIterator[Workers]:
    workers = Workers(redis.url)
    yield workers
    for worker in workers.made:
        await worker.close()


async def test_a_tab_of_a_dead_worker_keeps_its_name(workers: Workers) -> None:
    first, second = workers.start(), workers.start()
    assert await first.link_token_to_sid("tab", "one") is None
    await workers.kill(first)
    assert await second.link_token_to_sid("tab", "two") is None


async def test_a_second_tab_with_the_name_of_an_open_one_gets_another(workers: Workers) -> None:
    first, second = workers.start(), workers.start()
    assert await first.link_token_to_sid("tab", "one") is None
    assert await second.link_token_to_sid("tab", "two") not in (None, "tab")
    assert await first.link_token_to_sid("tab", "three") not in (None, "tab")


async def test_a_tab_is_served_while_redis_is_away(workers: Workers, redis: RedisServer) -> None:
    worker = workers.start()
    redis.stop()
    assert await worker.link_token_to_sid("tab", "one") is None
