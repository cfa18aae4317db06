"""The change feed: what was committed is told to whoever listens in this process.

With several processes ``services/shared_feed.py`` carries it to the others.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import structlog

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Change:
    """A payment was created or changed; readers fetch the row themselves."""

    payment_id: int
    account_id: int


Listener = Callable[[Change], Awaitable[None]]
TopicListener = Callable[[str], Awaitable[None]]
News = TypeVar("News", Change, str)


class Feed:
    """An in-process bus. A failing listener is logged and disturbs nobody else."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._topic_listeners: set[TopicListener] = set()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` for each change until the returned function is called."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def subscribe_topics(self, listener: TopicListener) -> Callable[[], None]:
        """Call ``listener`` for each topic announced until the returned function is called."""
        self._topic_listeners.add(listener)
        return lambda: self._topic_listeners.discard(listener)

    async def publish(self, change: Change) -> None:
        """Tell every listener of a committed change."""
        await self._tell(change)

    async def announce(self, topic: str) -> None:
        """Tell whoever shows something other than payments to read it anew (``accounts``)."""
        await self._tell(topic)

    async def listen(self) -> None:
        """Take in what other processes publish, for ever; alone there is nothing to take in."""

    async def answers(self) -> bool:
        """Tell whether what is published reaches the other processes; alone there are none."""
        return True

    async def close(self) -> None:
        """Close every connection; alone there is none."""

    async def _tell(self, news: Change | str) -> None:
        if isinstance(news, Change):
            for listener in tuple(self._listeners):
                await _shielded(listener, news)
        else:
            for topic_listener in tuple(self._topic_listeners):
                await _shielded(topic_listener, news)


async def _shielded(listener: Callable[[News], Awaitable[None]], news: News) -> None:
    try:
        await listener(news)
    except Exception:  # What is told is committed, whatever a listener does
        log.exception("feed_listener_failed", news=news)
