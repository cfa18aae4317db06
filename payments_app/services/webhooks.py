"""Webhooks: verified, stored before they are answered, handled afterwards by a worker."""

import asyncio
import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from pydantic import TypeAdapter

from payments_app.db import inbox
from payments_app.db.models import InboxEvent, Payment
from payments_app.gateways.base import GatewayEvent, Subject
from payments_app.gateways.errors import InvalidSignature
from payments_app.gateways.http import REDACTED, load_json, scrub
from payments_app.services.context import Portal
from payments_app.services.lookup import ask_gateway, find_for
from payments_app.services.refunds import record_takeback
from payments_app.services.settlement import settle

log = structlog.get_logger()

_EVENT: Final = TypeAdapter(GatewayEvent)
_LEASE: Final = timedelta(seconds=60)
_IDLE_SECONDS: Final = 1.0
_BATCH: Final = 20
_MATCH_ATTEMPTS: Final = 4
_LAST_ATTEMPT: Final = 15
_SECRET_HEADERS: Final = frozenset({"cookie", "authorization", "proxy-authorization"})


async def receive(portal: Portal, code: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Verify and store one webhook; return whether it is new.

    It is on disk when this returns. Raises NotFound for an unknown gateway and InvalidSignature for
    a message that its gateway did not sign, which is kept for staff but never handled.
    """
    gateway = portal.gateway(code)
    now = portal.clock()
    row = {
        "gateway": code,
        "headers": {k: REDACTED if k in _SECRET_HEADERS else v for k, v in headers.items()},
        "body": _readable(body),
        "received_at": now,
        "times_received": 1,
        "attempts": 0,
    }
    try:
        event = await gateway.parse_webhook(headers, body)
    except InvalidSignature as error:
        digest = hashlib.sha256(body).hexdigest()
        row |= {"event_id": f"refused:{digest}", "kind": "", "verified": False}
        row |= {"outcome": f"refused: {error}"[:100]}
        async with portal.db.write() as session:
            await inbox.store(session, row)
        raise
    row |= {
        "event_id": event.event_id,
        "kind": event.kind,
        "reference": event.reference or event.gateway_reference,
        "verified": True,
        "event": _EVENT.dump_python(event, mode="json"),
        "next_attempt_at": now,
    }
    async with portal.db.write() as session:
        stored = await inbox.store(session, row)
    portal.inbox_filled.set()
    return stored.times_received == 1


def _readable(body: bytes) -> str:
    """Return the body without secrets and personal data; what is not JSON is kept as its hash."""
    try:
        return str(TypeAdapter(Any).dump_json(scrub(load_json(body))), "utf-8")
    except ValueError:
        return f"sha256:{hashlib.sha256(body).hexdigest()}"


async def run(portal: Portal) -> None:
    """Handle stored webhooks for ever: at once when one arrives here, else once a second."""
    while True:
        try:
            if not await handle_due(portal):
                await _wait_for_more(portal)
        except Exception:  # The worker outlives any single fault
            log.exception("inbox_worker_failed")
            await asyncio.sleep(_IDLE_SECONDS)


async def _wait_for_more(portal: Portal) -> None:
    portal.inbox_filled.clear()
    try:
        await asyncio.wait_for(portal.inbox_filled.wait(), _IDLE_SECONDS)
    except TimeoutError:
        return


async def handle_due(portal: Portal) -> int:
    """Handle the events whose time has come, side by side; return how many there were."""
    async with portal.db.write() as session:
        events = await inbox.claim_due(session, portal.clock(), _LEASE, _BATCH)
    await asyncio.gather(*(_handle(portal, row) for row in events))
    return len(events)


async def _handle(portal: Portal, row: InboxEvent) -> None:
    event = _EVENT.validate_python(row.event)
    try:
        outcome = await _act(portal, row, event)
    except Exception:  # One event's fault must not stop the others
        log.exception("webhook_failed", gateway=row.gateway, event=row.event_id)
        outcome = None
    if outcome is None:
        await _try_later(portal, row)


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
        return await _mark(portal, row.key, None, "unmatched")
    if event.takeback is not None:
        return await record_takeback(
            portal, payment, event.takeback, subject=event.subject, inbox_id=row.key
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


async def _try_later(portal: Portal, row: InboxEvent) -> None:
    until: datetime | None = portal.clock() + timedelta(seconds=min(2**row.attempts, 3600))
    outcome = "waiting"
    if row.attempts >= _LAST_ATTEMPT:
        until, outcome = None, "dead letter"
        log.error("webhook_dead_letter", gateway=row.gateway, event=row.event_id)
    async with portal.db.write() as session:
        await inbox.postpone(session, row.key, until, outcome)
