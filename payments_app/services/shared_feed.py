"""The change feed of several processes and machines, through Redis."""

import asyncio
from typing import Final

import structlog
from pydantic import TypeAdapter, ValidationError
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from payments_app.services.live import Change, Feed

log = structlog.get_logger()

_CHANNEL: Final = "payments:changes"
_ANSWER_SECONDS: Final = 1
_LISTEN_SECONDS: Final = 5
_RECONNECT_SECONDS: Final = 0.5
_NEWS: Final[TypeAdapter[Change | str]] = TypeAdapter(Change | str)


class SharedFeed(Feed):
    """A bus that all processes at one Redis share.

    What is published while Redis or the way to it is down reaches this process only; the others
    show it at their next refresh. The payment behind it never fails for that.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self._redis = Redis.from_url(
            url,
            socket_connect_timeout=_ANSWER_SECONDS,
            socket_timeout=_ANSWER_SECONDS,
            socket_keepalive=True,
            health_check_interval=_LISTEN_SECONDS,
            # Once more at once, since the connection may have been closed while it was idle.
            retry=Retry(NoBackoff(), 1),
        )

    async def publish(self, change: Change) -> None:
        """Tell every listener of every process of a committed change."""
        await self._send(change)

    async def announce(self, topic: str) -> None:
        """Tell every process's tabs that show the topic to read it anew."""
        await self._send(topic)

    async def listen(self) -> None:
        """Tell this process's listeners what is published anywhere, and reconnect, for ever."""
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as channel:
                    await channel.subscribe(_CHANNEL)
                    await self._take_in(channel)
            except (RedisError, OSError) as error:
                log.warning("feed_disconnected", cause=str(error))
                await asyncio.sleep(_RECONNECT_SECONDS)

    async def answers(self) -> bool:
        """Tell whether Redis answers; raises RedisError when there is no way to it."""
        return bool(await self._redis.execute_command("PING"))  # type: ignore[no-untyped-call]

    async def close(self) -> None:
        """Close every connection."""
        await self._redis.aclose()

    async def _send(self, news: Change | str) -> None:
        try:
            await self._redis.publish(_CHANNEL, _NEWS.dump_json(news))
        except (RedisError, OSError) as error:
            log.warning("feed_not_published", news=news, cause=str(error))
            await self._tell(news)

    async def _take_in(self, channel: PubSub) -> None:
        while True:
            message = await channel.get_message(timeout=_LISTEN_SECONDS)
            if message is None:
                continue
            try:
                news = _NEWS.validate_json(message["data"])
            except ValidationError:
                log.warning("feed_message_not_understood")
            else:
                await self._tell(news)
