"""How long the content of webhooks is kept: it may name people, and after a while nobody needs it.

Body, headers and translation are removed together; what the webhook did stays, and so does its id,
so that a repeat is still known as one. One that was never handled keeps its content: it may be the
only sign of money.
"""

from datetime import timedelta
from typing import Final

import structlog

from payments_app.db import inbox
from payments_app.services import arrivals
from payments_app.services.context import Portal

log = structlog.get_logger()

_BATCH: Final = 500


async def empty_old(portal: Portal) -> int:
    """Remove the content of handled webhooks whose time is over; return how many there were.

    Some hundred in one transaction, so that no payment waits for them.
    """
    now = portal.clock()
    before = now - timedelta(days=portal.settings.raw_events_days)
    total = 0
    while True:
        async with portal.db.write() as session:
            count = await inbox.empty_received(session, before, now, _BATCH)
        total += count
        if count < _BATCH:
            break
    if total:
        log.info("webhooks_emptied", count=total)
        await portal.feed.announce(arrivals.TOPIC)
    return total
