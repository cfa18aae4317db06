"""Ask a gateway about one payment, and settle by its answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Final

import structlog

from payments_app.db import ledger
from payments_app.db.models import Account, Payment, User
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentStatus, Reason
from payments_app.gateways.base import (
    Customer,
    Gateway,
    PaymentLookup,
    PaymentRequest,
    PaymentResult,
)
from payments_app.gateways.errors import (
    GatewayRejected,
    GatewayUnavailable,
    UnknownPayment,
    Unsupported,
)
from payments_app.services.context import Portal
from payments_app.services.settlement import Outcome, settle
from payments_app.services.stamps import stamp

log = structlog.get_logger()

_NEVER_ARRIVED: Final = timedelta(minutes=2)
"""A payment that its gateway does not know after this long was never created there."""


def lookup_of(payment: Payment) -> PaymentLookup:
    """Return how to find a gateway's payment."""
    if payment.charge_amount is None or payment.charge_currency is None:
        raise ValueError(f"{payment.reference} is of no gateway")
    return PaymentLookup(
        reference=payment.reference,
        gateway_reference=payment.gateway_reference,
        charge=Money(payment.charge_amount, payment.charge_currency),
        created_at=payment.created_at,
        channel=payment.channel,
    )


async def request_of(portal: Portal, payment: Payment, address: str = "") -> PaymentRequest:
    """Return what creates the payment at its gateway: the same each time it is asked for."""
    async with portal.db.read() as session:
        user = await session.get_one(User, payment.user_id)
        account = await session.get_one(Account, payment.account_id)
    lookup = lookup_of(payment)
    base = portal.settings.public_url
    proof = stamp(portal.settings, payment.reference)
    return PaymentRequest(
        reference=payment.reference,
        charge=lookup.charge,
        description=f"{portal.settings.portal_name} top-up for {account.name}",
        customer=Customer(name=user.name, email=user.email, address=address),
        return_url=f"{base}/return/{payment.reference}",
        cancel_url=f"{base}/return/{payment.reference}/cancelled/{proof}",
        webhook_url=f"{base}/webhooks/{payment.gateway}",
        expires_at=payment.expires_at or payment.created_at,
        channel=payment.channel,
    )


@contextmanager
def readable(gateway: Gateway) -> Iterator[None]:
    """Take an answer in which the expected is missing for no answer: raises GatewayUnavailable."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        log.exception("unreadable_answer", gateway=gateway.code)
        raise GatewayUnavailable(
            f"{gateway.code} sent what cannot be read", retryable=False
        ) from error


async def ask_gateway(portal: Portal, payment: Payment, actor: str) -> Outcome | None:
    """Ask the payment's gateway how it stands and settle by that; None when it did not answer.

    Money that the customer approved is captured, an attempt that was declined is ended, and one
    past its time is given up, each at the gateway first.
    """
    gateway = portal.gateway(payment.gateway)
    try:
        with readable(gateway):
            result = await _current_result(portal, gateway, payment)
            if payment.status is PaymentStatus.PENDING:
                result = await _move_on(portal, gateway, payment, result)
    except GatewayUnavailable as error:
        log.warning("gateway_unavailable", reference=payment.reference, fault=str(error))
        return None
    except GatewayRejected as error:
        log.warning("gateway_rejected", reference=payment.reference, code=error.code)
        return None
    return await settle(portal, payment.key, result, actor=actor)


async def _current_result(portal: Portal, gateway: Gateway, payment: Payment) -> PaymentResult:
    lookup = lookup_of(payment)
    try:
        return await gateway.fetch_payment(lookup)
    except UnknownPayment:
        if portal.clock() - payment.created_at < _NEVER_ARRIVED:
            return PaymentResult(PaymentStatus.PENDING, None)
        return PaymentResult(PaymentStatus.CANCELLED, None, reason=Reason.ABANDONED)
    except Unsupported:
        # It cannot be found by our reference: creating it again with the same one finds it.
        if payment.gateway_reference is not None:
            return PaymentResult(PaymentStatus.PENDING, payment.gateway_reference)
        return await create_at(gateway, await request_of(portal, payment))


async def create_at(gateway: Gateway, request: PaymentRequest) -> PaymentResult:
    """Create the payment at its gateway; a request that the gateway refuses is a Cancelled result.

    Raises GatewayUnavailable.
    """
    try:
        with readable(gateway):
            return await gateway.create_payment(request)
    except GatewayRejected as error:
        log.warning("gateway_rejected", reference=request.reference, code=error.code)
        return PaymentResult(
            PaymentStatus.CANCELLED, None, reason=f"{Reason.REJECTED}:{error.code}"[:100]
        )


async def _move_on(
    portal: Portal, gateway: Gateway, payment: Payment, result: PaymentResult
) -> PaymentResult:
    """Capture, end or expire an open payment."""
    lookup = replace(
        lookup_of(payment),
        gateway_reference=payment.gateway_reference or result.gateway_reference,
    )
    if result.capturable:
        result = await gateway.capture_payment(lookup)
    if result.declined:
        return await end_attempt(gateway, lookup, result.reason or Reason.FAILED)
    expired = payment.expires_at is not None and portal.clock() >= payment.expires_at
    if result.status is PaymentStatus.PENDING and expired and not payment.in_review:
        return await end_attempt(gateway, lookup, result.reason or Reason.EXPIRED)
    return result


async def end_attempt(gateway: Gateway, lookup: PaymentLookup, reason: str) -> PaymentResult:
    """Void an open payment at its gateway; one that was paid meanwhile comes back Completed.

    Raises GatewayUnavailable and GatewayRejected.
    """
    if lookup.gateway_reference is None:
        return PaymentResult(PaymentStatus.CANCELLED, None, reason=reason)
    try:
        with readable(gateway):
            result = await gateway.cancel_payment(lookup)
    except Unsupported:
        result = PaymentResult(PaymentStatus.CANCELLED, lookup.gateway_reference)
    if result.status is PaymentStatus.CANCELLED:
        return replace(result, reason=reason)
    return result


async def payment_by_id(portal: Portal, payment_id: int) -> Payment:
    """Read a payment for a look-up."""
    async with portal.db.read() as session:
        return await session.get_one(Payment, payment_id)


async def find_for(
    portal: Portal,
    *,
    reference: str | None,
    gateway: str | None = None,
    gateway_reference: str | None = None,
) -> Payment | None:
    """Read a payment by our reference, or else by its gateway's."""
    async with portal.db.read() as session:
        return await ledger.find_payment(
            session, reference=reference, gateway=gateway, gateway_reference=gateway_reference
        )
