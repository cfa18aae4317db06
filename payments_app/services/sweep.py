"""The sweep: asks gateways about Pending payments, so that none waits for a webhook in vain."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Final

import structlog
from sqlalchemy import select
from sqlmodel import col

from payments_app.db.models import Payment
from payments_app.domain.payment import PaymentKind
from payments_app.gateways.base import Gateway
from payments_app.services import leases
from payments_app.services.context import Portal
from payments_app.services.lookup import ask_gateway
from payments_app.services.refund_calls import check_refund

log = structlog.get_logger()

_BATCH: Final = 50
_AT_ONCE: Final = 6


def delay_before_check(gateway: Gateway, checks: int) -> timedelta:
    """Return how long to wait after that many look-ups: soon at first, then rarer."""
    delays = gateway.check_delays
    return timedelta(seconds=delays[min(checks, len(delays) - 1)])


def lifetime_of(portal: Portal, gateway: Gateway) -> timedelta:
    """Return how long a Pending payment of a gateway is waited for."""
    seconds = gateway.lifetime_seconds or portal.settings.payment_lifetime_seconds
    return timedelta(seconds=seconds)


async def run(portal: Portal) -> None:
    """Sweep for ever, each gateway by itself, so that a slow one does not hold up the others.

    However many workers there are, one of them sweeps a gateway.
    """
    seconds = portal.settings.sweep_interval_seconds
    async with asyncio.TaskGroup() as group:
        for code in portal.gateways:
            group.create_task(
                leases.every(portal, f"sweep:{code}", seconds, partial(_sweep, portal, code))
            )


async def sweep_once(portal: Portal) -> int:
    """Ask about every Pending payment whose time has come; return how many were asked about."""
    return sum(await asyncio.gather(*(_sweep(portal, code) for code in portal.gateways)))


async def _sweep(portal: Portal, code: str) -> int:
    # Customers who pay just now need the gateway's slots too.
    slots = asyncio.Semaphore(_AT_ONCE)
    asked = 0
    # What a dead gateway is not asked stays due, instead of coming up ever more rarely.
    while portal.gateway(code).answering:
        due = await _claim_due(portal, code)
        await asyncio.gather(*(_check(portal, payment, slots) for payment in due))
        asked += len(due)
        if len(due) < _BATCH:
            break
    return asked


async def _check(portal: Portal, payment: Payment, slots: asyncio.Semaphore) -> None:
    try:
        async with slots:
            if payment.kind is PaymentKind.REFUND:
                await check_refund(portal, payment, "sweep")
            else:
                await ask_gateway(portal, payment, "sweep")
    except Exception:  # One payment's fault must not stop the others
        log.exception("check_failed", reference=payment.reference)


async def _claim_due(portal: Portal, code: str) -> Sequence[Payment]:
    """Take the due payments by setting their next time, so that no other worker asks as well."""
    now = portal.clock()
    gateway = portal.gateway(code)
    async with portal.db.write() as session:
        query = (
            select(Payment)
            .where(col(Payment.next_check_at) <= now, col(Payment.gateway) == code)
            .order_by(col(Payment.next_check_at))
            .limit(_BATCH)
            .with_for_update(skip_locked=True)
        )
        due = (await session.execute(query)).scalars().all()
        for payment in due:
            payment.checks += 1
            payment.checked_at = now
            payment.next_check_at = now + delay_before_check(gateway, payment.checks)
    return due
