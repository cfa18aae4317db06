"""A tab keeps its name, and with it its state, when the worker that it was connected to has died.

Reflex writes into Redis which worker a tab is connected to. A worker that is killed leaves that
record behind, and Reflex then takes the tab that comes back for a second one with the same name
and gives it a new name and an empty state. Here each worker subscribes to a channel of its own:
Redis forgets the subscription together with the connection, so that one without it is dead.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import reflex as rx
import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError
from reflex.utils.token_manager import RedisTokenManager

from payments_app.services.metrics import OPEN_TABS

_COUNT_SECONDS: Final = 5

log = structlog.get_logger()


class SurvivingTokens(RedisTokenManager):
    """Reflex's register of connected tabs, without the records of dead workers."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis)
        self._presence: PubSub | None = None

    async def link_token_to_sid(self, token: str, sid: str) -> str | None:
        """Connect a tab; return its new name if the one it has is another tab's."""
        try:
            await self._show_presence()
            owner = await self._get_token_owner(token, refresh=True)
            if owner is not None and not await self._lives(owner):
                await self.redis.delete(self._get_redis_key(token))
        except (RedisError, OSError) as error:
            log.warning("tab_not_looked_up", cause=str(error))
        return await super().link_token_to_sid(token, sid)

    async def close(self) -> None:
        """Close the connections to Redis."""
        if self._presence is not None:
            await self._presence.aclose()  # type: ignore[no-untyped-call]
        await super().close()

    async def _show_presence(self) -> None:
        if self._presence is None:
            self._presence = self.redis.pubsub()
        if not self._presence.subscribed:
            await self._presence.subscribe(_channel(self.instance_id))

    async def _lives(self, instance_id: str) -> bool:
        [(_, listeners)] = await self.redis.pubsub_numsub(_channel(instance_id))
        return bool(listeners)


def keep_tabs(app: rx.App) -> None:
    """Install the register where Reflex keeps its own in Redis; a single worker needs none."""
    namespace = app.event_namespace
    if namespace and isinstance(namespace._token_manager, RedisTokenManager):
        namespace._token_manager = SurvivingTokens(namespace._token_manager.redis)


@asynccontextmanager
async def count_tabs(app: rx.App) -> AsyncIterator[None]:
    """Keep the number of this worker's open tabs up to date in the metrics."""

    async def count() -> None:
        while app.event_namespace:
            manager = app.event_namespace._token_manager
            own = (record.instance_id for record in manager.token_to_socket.values())
            OPEN_TABS.set(sum(instance == manager.instance_id for instance in own))
            await asyncio.sleep(_COUNT_SECONDS)

    task = asyncio.create_task(count())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _channel(instance_id: str) -> str:
    return f"portal:worker:{instance_id}"
