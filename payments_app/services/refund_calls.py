"""Ask a gateway for a refund, one at a time, and settle its row by the answer."""

import secrets
from datetime import timedelta
from typing import Final

import structlog

from payments_app.db import leases
from payments_app.db.models import Payment
from payments_app.domain.payment import PaymentStatus, Reason
from payments_app.gateways.base import PaymentResult, RefundRequest
from payments_app.gateways.errors import GatewayRejected, GatewayUnavailable, Unsupported
from payments_app.services import logs
from payments_app.services.context import Portal
from payments_app.services.lookup import lookup_of, readable
from payments_app.services.settlement import settle

log = structlog.get_logger()

_ALONE: Final = timedelta(minutes=10)
"""Longer than a request can be under way and two workers' clocks may differ."""


async def ask_about_refund(portal: Portal, row: Payment, payment: Payment, actor: str) -> None:
    """Ask the gateway for the refund, or how it stands, and settle its row by the answer.

    One that no gateway has named yet is asked for by one at a time, since not every gateway knows
    idempotency keys for refunds. A fault leaves it Pending for the sweep, which asks again when the
    request cannot be under way any more; a gateway that cannot refund leaves it to staff.
    """
    holder = secrets.token_hex(8)
    if row.gateway_reference is None:
        claimed = await _claim(portal, row, holder)
        if claimed is None:
            return
        row = claimed
    result = await _result_of_refund(portal, row, payment)
    if result is not None:
        await settle(portal, row.key, result, actor=actor)
        async with portal.db.write() as session:
            await leases.give_back(session, _claim_on(row), holder)


async def _claim(portal: Portal, row: Payment, holder: str) -> Payment | None:
    """Return the row as it is by now, or None while somebody else asks for the same refund."""
    now = portal.clock()
    async with portal.db.write() as session:
        if await leases.take(session, _claim_on(row), holder, now, now + _ALONE):
            return await session.get_one(Payment, row.key)
    return None


def _claim_on(row: Payment) -> str:
    return f"refund:{row.reference}"


async def _result_of_refund(portal: Portal, row: Payment, payment: Payment) -> PaymentResult | None:
    """Return what the gateway says of a refund; None when it does not answer."""
    with logs.about(row.reference, payment.gateway):
        return await _ask_about(portal, row, payment)


async def _ask_about(portal: Portal, row: Payment, payment: Payment) -> PaymentResult | None:
    gateway = portal.gateway(payment.gateway)
    amount = lookup_of(row).charge
    request = RefundRequest(reference=row.reference, payment=lookup_of(payment), amount=amount)
    try:
        with readable(gateway):
            if row.gateway_reference is None:
                answer = await gateway.refund(request)
            else:
                answer = await gateway.fetch_refund(request, row.gateway_reference)
    except GatewayUnavailable as error:
        log.warning("refund_waits", reference=row.reference, fault=str(error))
        return None
    except Unsupported:
        return PaymentResult(PaymentStatus.PENDING, None, reason=Reason.REFUND_BY_HAND)
    except GatewayRejected as error:
        reason = f"{Reason.REJECTED}:{error.code}"[:100]
        return PaymentResult(PaymentStatus.CANCELLED, None, reason=reason)
    return PaymentResult(
        answer.status,
        answer.gateway_reference,
        amount=answer.amount or amount,
        own_reference=row.reference,
        reason=answer.reason,
    )


async def check_refund(portal: Portal, row: Payment, actor: str) -> None:
    """Ask about an open refund that the sweep has found."""
    async with portal.db.read() as session:
        payment = await session.get_one(Payment, row.parent_id)
    await ask_about_refund(portal, row, payment, actor)
