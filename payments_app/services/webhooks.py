"""Webhooks: verified, stored before they are answered; the worker handles what is then left."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from payments_app.db import inbox
from payments_app.db.events import UNMATCHED
from payments_app.db.models import InboxEvent, Payment
from payments_app.gateways.base import GatewayEvent, Subject
from payments_app.gateways.errors import InvalidSignature
from payments_app.services import logs, refusals
from payments_app.services.arrivals import EVENT, TOPIC, Arrival, take_in
from payments_app.services.context import Portal
from payments_app.services.lookup import ask_gateway, find_for
from payments_app.services.refunds import record_takeback
from payments_app.services.settlement import settle

log = structlog.get_logger()

_LEASE: Final = timedelta(seconds=60)
_HANDLING_SECONDS: Final = 50
"""Less than the lease, so that no other worker begins with an event that is still in hand."""
_IDLE_SECONDS: Final = 1.0
_BATCH: Final = 10
_MATCH_ATTEMPTS: Final = 4
_LAST_ATTEMPT: Final = 15
_FAULT_LENGTH: Final = 200
_NOT_YET: Final = "the gateway did not answer, or its payment is not known yet"


async def receive(portal: Portal, code: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Verify and store one webhook; return whether it is new.

    It is on disk when this returns, and settled if it proves that its payment was paid. Raises
    NotFound for an unknown gateway and InvalidSignature for a message that its gateway did not
    sign, of which staff see a sample; it is never handled.
    """
    gateway = portal.gateway(code)
    try:
        event = await gateway.parse_webhook(headers, body)
    except InvalidSignature as error:
        if await refusals.note(portal, code, headers, body, str(error)):
            await portal.feed.announce(TOPIC)
        raise
    return await take_in(portal, Arrival(code, event, headers, body))


async def run(portal: Portal) -> None:
    """Handle stored webhooks for ever: at once when one arrives here, else once a second.

    Each gateway has a task of its own, so that a slow one does not hold up the others.
    """
    busy: dict[str, asyncio.Task[None]] = {}
    async with asyncio.TaskGroup() as group:
        while True:
            for code in await _due_gateways(portal):
                if code not in busy or busy[code].done():
                    busy[code] = group.create_task(_drain(portal, code))
            await _wait_for_more(portal)


async def _due_gateways(portal: Portal) -> Sequence[str]:
    try:
        async with portal.db.read() as session:
            return await inbox.due_gateways(session, portal.clock())
    except Exception:  # The worker outlives any single fault
        log.exception("inbox_worker_failed")
        return ()


async def _drain(portal: Portal, code: str) -> None:
    try:
        while await _handle_batch(portal, code):
            pass
    except Exception:  # The other gateways go on, and this one is tried again
        log.exception("inbox_worker_failed", gateway=code)
        await asyncio.sleep(_IDLE_SECONDS)
    else:
        portal.inbox_filled.set()  # What came since the last look waits for no clock.


async def _wait_for_more(portal: Portal) -> None:
    try:
        await asyncio.wait_for(portal.inbox_filled.wait(), _IDLE_SECONDS)
    except TimeoutError:
        return
    portal.inbox_filled.clear()


async def handle_due(portal: Portal) -> int:
    """Handle the events whose time has come; return how many there were."""
    async with portal.db.read() as session:
        due = await inbox.due_gateways(session, portal.clock())
    return sum(await asyncio.gather(*(_handle_batch(portal, code) for code in due)))


async def _handle_batch(portal: Portal, code: str) -> int:
    async with portal.db.write() as session:
        events = await inbox.claim_due(session, code, portal.worker, portal.clock(), _LEASE, _BATCH)
    of_payment: dict[str, list[InboxEvent]] = defaultdict(list)
    for row in events:
        of_payment[row.reference or row.event_id].append(row)
    await asyncio.gather(*(_handle_in_turn(portal, rows) for rows in of_payment.values()))
    if events:
        await portal.feed.announce(TOPIC)
    return len(events)


async def _handle_in_turn(portal: Portal, rows: Sequence[InboxEvent]) -> None:
    """Handle the events of one payment one after another, in the order they came."""
    for row in rows:
        with logs.about(row.reference or row.event_id, row.gateway):
            await _handle(portal, row)


async def _handle(portal: Portal, row: InboxEvent) -> None:
    try:
        event = EVENT.validate_python(row.event)
        async with asyncio.timeout(_HANDLING_SECONDS):
            outcome = await _act(portal, row, event)
        fault = _NOT_YET
    except Exception as error:  # One event's fault must not stop the others
        log.exception("webhook_failed", gateway=row.gateway, event_id=row.event_id)
        outcome, fault = None, repr(error)
    if outcome is None:
        await _try_later(portal, row, fault)


async def _act(portal: Portal, row: InboxEvent, event: GatewayEvent) -> str | None:
    """Do what the event calls for and mark it handled; None means to try again later."""
    if event.subject is Subject.OTHER:
        return await _mark(portal, row.key, None, "not needed")
    payment = await find_for(
        portal,
        reference=event.reference,
        gateway=row.gateway,
        gateway_reference=event.gateway_reference,
    )
    if payment is None or payment.gateway != row.gateway:
        # The row may be about to learn its gateway reference; later it is a stranger's.
        if row.attempts <= _MATCH_ATTEMPTS:
            return None
        return await _mark(portal, row.key, None, UNMATCHED)
    if event.takeback is not None:
        return await record_takeback(
            portal,
            payment,
            event.takeback,
            subject=event.subject,
            actor="webhook",
            inbox_id=row.key,
        )
    if event.result is not None:
        return await settle(portal, payment.key, event.result, actor="webhook", inbox_id=row.key)
    outcome = await ask_gateway(portal, payment, "webhook")
    return outcome and await _mark(portal, row.key, payment, outcome)


async def _mark(portal: Portal, row_id: int, payment: Payment | None, outcome: str) -> str:
    async with portal.db.write() as session:
        payment_id = payment.key if payment else None
        await inbox.mark_handled(session, row_id, payment_id, outcome, portal.clock())
    return outcome


async def _try_later(portal: Portal, row: InboxEvent, fault: str) -> None:
    until: datetime | None = portal.clock() + _delay_after(row.attempts)
    outcome = "waiting"
    if row.attempts >= _LAST_ATTEMPT:
        until, outcome = None, "dead letter"
        log.error("webhook_dead_letter", gateway=row.gateway, event_id=row.event_id)
    async with portal.db.write() as session:
        await inbox.postpone(session, row.key, portal.worker, until, outcome, fault[:_FAULT_LENGTH])


def _delay_after(attempts: int) -> timedelta:
    """Wait twice as long after each attempt, up to an hour, with jitter so that not all come at
    once when a gateway is back."""
    milliseconds = min(2**attempts, 3600) * random.randint(750, 1250)  # noqa: S311
    return timedelta(milliseconds=milliseconds)
