"""The feed of several processes: two of them at one real Redis server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from payments_app.services.live import Change
from payments_app.services.shared_feed import SharedFeed
from tests.services.conftest import Shop
from tests.support.redis import RedisServer
from tests.support.sandbox import eventually

CHANGE = Change(payment_id=7, account_id=3)


class Process:
    """What one process sees: its feed, and what that told it."""

    def __init__(self, url: str) -> None:
        self.feed = SharedFeed(url)
        self.seen: list[Change | str] = []
        self.feed.subscribe(self.keep)
        self.feed.subscribe_topics(self.keep)

    async def keep(self, news: Change | str) -> None:
        self.seen.append(news)

    async def hears(self, other: "Process") -> None:
        """Wait until what the other one publishes arrives here."""

        async def greeted() -> bool:
            await other.feed.announce("hello")
            await asyncio.sleep(0)
            return "hello" in self.seen

        self.seen.clear()
        await eventually(greeted)


@asynccontextmanager
async def process(redis: RedisServer) -> AsyncIterator[Process]:
    made = Process(redis.url)
    task = asyncio.create_task(made.feed.listen())
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await made.feed.close()


async def test_what_one_process_publishes_all_are_told(redis: RedisServer) -> None:
    async with process(redis) as one, process(redis) as two:
        await two.hears(one)
        await one.hears(one)
        one.seen.clear()
        await one.feed.publish(CHANGE)
        await one.feed.announce("accounts")
        await eventually(lambda: told(one, CHANGE, "accounts"))
        await eventually(lambda: told(two, CHANGE, "accounts"))


async def told(process: Process, *news: Change | str) -> bool:
    return [item for item in process.seen if item != "hello"] == list(news)


async def test_a_restarted_redis_is_found_again(redis: RedisServer) -> None:
    async with process(redis) as one, process(redis) as two:
        await two.hears(one)
        redis.stop()
        redis.start()
        await two.hears(one)


async def test_without_redis_the_own_process_is_told(redis: RedisServer) -> None:
    async with process(redis) as one:
        redis.stop()
        await one.feed.publish(CHANGE)
        assert one.seen == [CHANGE]


async def test_a_message_of_another_kind_does_no_harm(redis: RedisServer) -> None:
    async with process(redis) as one:
        await one.hears(one)
        await one.feed._redis.publish("payments:changes", b"{broken")
        await one.feed.publish(CHANGE)
        await eventually(lambda: told(one, CHANGE))


async def test_rule_10_a_dead_redis_fails_no_payment(shop: Shop, redis: RedisServer) -> None:
    redis.stop()
    feed = SharedFeed(redis.url)
    shop.portal = replace(shop.portal, feed=feed)
    started = await shop.start()
    assert (await shop.payment(started.reference)).amount == 5000
    await feed.close()
