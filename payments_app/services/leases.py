"""Work that one worker does at a time, however many there are, on one host or several.

A lease saves work and noise, no more: whatever is done under one must also be right when two do it
at once, since a worker that was frozen past its lease goes on where it stood.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

import structlog

from payments_app.db import leases
from payments_app.services.context import Portal

log = structlog.get_logger()

LEASE: Final = timedelta(seconds=30)
"""After this long without a sign of its holder another worker takes over."""

_RENEW_BEFORE: Final = timedelta(seconds=15)
_RENEW_SECONDS: Final = 10


class LeaseLost(Exception):
    """Another worker has taken the work over."""


class Lease:
    """One worker's hold on the work called ``name``, such as ``sweep:till``."""

    def __init__(self, portal: Portal, name: str) -> None:
        self._portal = portal
        self.name = name
        self._until: datetime | None = None

    async def take(self) -> bool:
        """Take the lease or keep it; False while another worker holds it.

        One that lasts long enough is believed without asking the database.
        """
        now = self._portal.clock()
        if self._until is not None and now + _RENEW_BEFORE < self._until <= now + LEASE:
            return True
        async with self._portal.db.write() as session:
            held = await leases.take(session, self.name, self._portal.worker, now, now + LEASE)
        self._until = now + LEASE if held else None
        return held

    async def give_back(self) -> None:
        """Let another worker take over at once."""
        if self._until is not None:
            self._until = None
            async with self._portal.db.write() as session:
                await leases.give_back(session, self.name, self._portal.worker)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Renew the lease as long as the block runs; raises LeaseLost when another took it."""
        work = asyncio.current_task()
        renewing = asyncio.create_task(self._renew())
        renewing.add_done_callback(lambda done: work and not done.cancelled() and work.cancel())
        try:
            yield
        except asyncio.CancelledError:
            if renewing.done() and work is not None and work.uncancel() == 0:
                raise LeaseLost(self.name) from None
            raise
        finally:
            renewing.cancel()

    async def _renew(self) -> None:
        """Return when the lease is lost."""
        held = True
        while held:
            await asyncio.sleep(_RENEW_SECONDS)
            try:
                held = await self.take()
            except Exception:  # The database may answer again before the lease ends
                log.exception("lease_not_renewed", work=self.name)


async def every(
    portal: Portal, name: str, seconds: float, work: Callable[[], Awaitable[object]]
) -> None:
    """Do ``work`` again and again for ever, ``seconds`` apart, in one worker at a time.

    A fault is logged and the next round goes on. When this worker stops, another takes over.
    """
    lease = Lease(portal, name)
    try:
        while True:
            await _one_round(lease, work)
            await asyncio.sleep(seconds)
    finally:
        await lease.give_back()


async def _one_round(lease: Lease, work: Callable[[], Awaitable[object]]) -> None:
    try:
        if await lease.take():
            async with lease.kept():
                await work()
    except Exception:  # The schedule outlives any single fault
        log.exception("scheduled_work_failed", work=lease.name)
