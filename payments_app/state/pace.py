"""How fast one tab may send: what comes faster waits its turn, and the tab is told so."""

import asyncio
import time
from typing import Final

import reflex as rx
from reflex.event import Event

from payments_app.state.notice import NoticeState

BURST: Final = 60
SECONDS_EACH: Final = 0.05
_TOLERATED: Final = 20
"""So many messages may be late, without a pause, before the tab is told."""


class Pace:
    """A bucket of ``BURST`` messages that gets one back every ``SECONDS_EACH``."""

    def __init__(self) -> None:
        self._spent: float = 0
        self._seen = time.monotonic()
        self.late = 0

    def delay(self) -> float:
        """Count one message; return the seconds until it is due."""
        now = time.monotonic()
        self._spent = max(0, self._spent - (now - self._seen) / SECONDS_EACH)
        self._seen = now
        self._spent += 1
        delay = max(0, self._spent - BURST) * SECONDS_EACH
        self.late = self.late + bool(delay) if self._spent > 1 else 0
        return delay


async def keep_pace(app: rx.App, pace: Pace, token: str) -> None:
    """Wait until the next message of a connection is due.

    Nothing more is read from it meanwhile, so a flood fills the sender's own buffers.
    """
    delay = pace.delay()
    if not delay:
        return
    if token and pace.late == _TOLERATED:
        notice = Event.from_event_type(NoticeState.too_fast())[0]
        await app.event_processor.enqueue(token, notice)
    await asyncio.sleep(delay)
