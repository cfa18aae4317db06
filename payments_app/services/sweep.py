"""The sweep: asks gateways about Pending payments, so that none waits for a webhook in vain."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import select
from sqlmodel import col

from payments_app.db.models import Payment
from payments_app.domain.payment import PaymentKind
from payments_app.gateways.base import Gateway
from payments_app.services.context import Portal
from payments_app.services.lookup import ask_gateway
from payments_app.services.refunds import check_refund

log = structlog.get_logger()

_BATCH: Final = 50


def delay_before_check(gateway: Gateway, checks: int) -> timedelta:
    """Return how long to wait after that many look-ups: soon at first, then rarer."""
    delays = gateway.check_delays
    return timedelta(seconds=delays[min(checks, len(delays) - 1)])


async def run(portal: Portal) -> None:
    """Sweep for ever, at the interval of the settings."""
    while True:
        try:
            await sweep_once(portal)
        except Exception:  # The sweep outlives any single fault
            log.exception("sweep_failed")
        await asyncio.sleep(portal.settings.sweep_interval_seconds)


async def sweep_once(portal: Portal) -> int:
    """Ask about every Pending payment whose time has come; return how many were asked about."""
    due = await _claim_due(portal)
    await asyncio.gather(*(_check(portal, payment) for payment in due))
    return len(due)


async def _check(portal: Portal, payment: Payment) -> None:
    try:
        if payment.kind is PaymentKind.REFUND:
            await check_refund(portal, payment, "sweep")
        else:
            await ask_gateway(portal, payment, "sweep")
    except Exception:  # One payment's fault must not stop the others
        log.exception("check_failed", reference=payment.reference)


async def _claim_due(portal: Portal) -> Sequence[Payment]:
    """Take the due payments by setting their next time, so that no other worker asks as well."""
    now = portal.clock()
    async with portal.db.write() as session:
        query = (
            select(Payment)
            .where(col(Payment.next_check_at) <= now)
            .order_by(col(Payment.next_check_at))
            .limit(_BATCH)
            .with_for_update(skip_locked=True)
        )
        due = (await session.execute(query)).scalars().all()
        for payment in due:
            payment.checks += 1
            payment.checked_at = now
            gateway = portal.gateway(payment.gateway)
            payment.next_check_at = now + delay_before_check(gateway, payment.checks)
    return due
