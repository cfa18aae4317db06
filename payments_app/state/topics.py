"""Live updates of everything but payments: tabs read anew what they show when it was announced."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import reflex as rx
import structlog
from reflex.event import Event
from reflex_base.utils.format import format_event_handler
from sqlalchemy.exc import SQLAlchemyError

from payments_app.services import audit, directory
from payments_app.services.context import Portal
from payments_app.services.live import Change

log = structlog.get_logger()

_GATHER_SECONDS: Final = 0.05
_LOOK_SECONDS: Final = 1.0

_readers: dict[tuple[str, str, str], Any] = {}
"""The event to send, by the tab's token, the topic, and the event's name: the parts of a page each
read anew what is theirs."""


def watch_topic(token: str, topic: str, event: Any) -> None:
    """Send a tab ``event`` whenever the topic is announced, until it is closed."""
    _readers[token, topic, format_event_handler(event)] = event


def leave(token: str) -> None:
    """Send a tab nothing more: it leaves the page that showed the topics."""
    for key in [key for key in _readers if key[0] == token]:
        del _readers[key]


def is_watched(topic: str) -> bool:
    """Tell whether any tab of this worker shows the topic."""
    return any(shown == topic for _, shown, _ in _readers)


@asynccontextmanager
async def follow_topics(app: rx.App, portal: Portal) -> AsyncIterator[None]:
    """Push announced topics to this worker's tabs until the block ends."""
    topics: asyncio.Queue[str] = asyncio.Queue()

    async def payment_changed(_change: Change) -> None:
        await topics.put(directory.TOPIC)

    unsubscribe = portal.feed.subscribe_topics(topics.put)
    unsubscribe_payments = portal.feed.subscribe(payment_changed)
    tasks = [
        asyncio.create_task(_follow(app, topics)),
        asyncio.create_task(_look_at_audit(portal, topics)),
    ]
    try:
        yield
    finally:
        unsubscribe()
        unsubscribe_payments()
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        _readers.clear()


async def _look_at_audit(portal: Portal, topics: asyncio.Queue[str]) -> None:
    """Announce what staff do anywhere, by the audit log that all of it goes to.

    One small read a second in each worker, while one of its tabs shows what may have changed.
    """
    seen = None
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        if not (is_watched(audit.TOPIC) or is_watched(directory.TOPIC)):
            continue
        try:
            found = await audit.revision(portal)
        except SQLAlchemyError:
            log.exception("live_update_failed")
            continue
        if found != seen:
            seen = found
            await topics.put(audit.TOPIC)
            await topics.put(directory.TOPIC)


async def _follow(app: rx.App, topics: asyncio.Queue[str]) -> None:
    while True:
        announced = {await topics.get()}
        await asyncio.sleep(_GATHER_SECONDS)
        while not topics.empty():
            announced.add(topics.get_nowait())
        try:
            await _tell(app, announced)
        except RuntimeError:
            # The next announcement or reload shows what this one did not.
            log.exception("live_update_failed")


async def _tell(app: rx.App, announced: set[str]) -> None:
    connected = app.event_namespace.token_to_sid if app.event_namespace else {}
    for key in [key for key in _readers if key[0] not in connected]:
        del _readers[key]
    for (token, topic, _), event in tuple(_readers.items()):
        if topic in announced:
            await app.event_processor.enqueue(token, Event.from_event_type(event)[0])
