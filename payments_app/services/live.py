"""The change feed: what was committed is told to whoever listens in this process."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Change:
    """A payment was created or changed; readers fetch the row themselves."""

    payment_id: int
    account_id: int


Listener = Callable[[Change], Awaitable[None]]
TopicListener = Callable[[str], Awaitable[None]]


class Feed:
    """An in-process bus. A failing listener is logged and disturbs nobody else."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._topic_listeners: set[TopicListener] = set()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` for each change until the returned function is called."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    async def publish(self, change: Change) -> None:
        """Tell every listener of a committed change."""
        for listener in tuple(self._listeners):
            try:
                await listener(change)
            except Exception:  # The change is committed, whatever a listener does
                log.exception("feed_listener_failed", payment_id=change.payment_id)

    def subscribe_topics(self, listener: TopicListener) -> Callable[[], None]:
        """Call ``listener`` for each topic announced until the returned function is called."""
        self._topic_listeners.add(listener)
        return lambda: self._topic_listeners.discard(listener)

    async def announce(self, topic: str) -> None:
        """Tell whoever shows something other than payments to read it anew (``accounts``)."""
        for listener in tuple(self._topic_listeners):
            try:
                await listener(topic)
            except Exception:  # What was announced is committed, whatever a listener does
                log.exception("feed_listener_failed", topic=topic)
