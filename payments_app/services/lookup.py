"""Ask a gateway about one payment, and settle by its answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Final

import structlog

from payments_app.db import ledger
from payments_app.db.models import Payment, User
from payments_app.domain.money import Money
from payments_app.domain.payment import REVIEW_REASONS, PaymentStatus, Reason
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
from payments_app.services import logs
from payments_app.services.context import Portal
from payments_app.services.settlement import Outcome, settle
from payments_app.services.stamps import stamp

log = structlog.get_logger()

CREATED_WITHIN: Final = timedelta(minutes=5)
"""A payment is not created at its gateway any more when it is older than this."""
_NEVER_ARRIVED: Final = timedelta(minutes=10)
"""A payment that its gateway does not know after this long was never created there, and an answer
that did not come by then never will. The last creation may be under way for half a minute, and two
workers' clocks may differ by some."""


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
    """Return what creates the payment at its gateway.

    It says the same each time, whatever was renamed meanwhile: gateways refuse a repeat that says
    something else.
    """
    async with portal.db.read() as session:
        user = await session.get_one(User, payment.user_id)
    lookup = lookup_of(payment)
    base = portal.settings.public_url
    proof = stamp(portal.settings, payment.reference)
    return PaymentRequest(
        reference=payment.reference,
        charge=lookup.charge,
        description=f"{payment.description} {payment.reference}",
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
    with logs.about(payment.reference, payment.gateway):
        return await _ask_gateway(portal, payment, actor)


async def _ask_gateway(portal: Portal, payment: Payment, actor: str) -> Outcome | None:
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
        if _too_late_to_repeat(portal, gateway, payment):
            return PaymentResult(PaymentStatus.PENDING, None, reason=Reason.UNKNOWN_OUTCOME)
        return await create_at(gateway, await request_of(portal, payment))


def _too_late_to_repeat(portal: Portal, gateway: Gateway, payment: Payment) -> bool:
    """Tell whether creating the payment again might make a second one."""
    seconds = gateway.repeat_seconds
    age = portal.clock() - payment.created_at
    return seconds is not None and age >= timedelta(seconds=seconds)


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
    """Capture, end or expire an open payment; what staff have to see stays as it is."""
    lookup = replace(
        lookup_of(payment),
        gateway_reference=payment.gateway_reference or result.gateway_reference,
    )
    if result.capturable:
        result = await gateway.capture_payment(lookup)
    if result.declined:
        return await end_attempt(gateway, lookup, result.reason or Reason.FAILED)
    if (
        result.status is not PaymentStatus.PENDING
        or payment.in_review
        or result.reason in REVIEW_REASONS
    ):
        return result
    if payment.expires_at is not None and portal.clock() >= payment.expires_at:
        return await end_attempt(gateway, lookup, result.reason or Reason.EXPIRED)
    if _page_lost(portal, gateway, payment, result):
        return await end_attempt(gateway, lookup, Reason.PAGE_LOST)
    return result


def _page_lost(portal: Portal, gateway: Gateway, payment: Payment, result: PaymentResult) -> bool:
    """Tell whether the answer with the page to pay on never came, and does not come again.

    Nobody was shown that page, so nobody pays there; rows that a catch-up wrote, which are of no
    user, may have one open.
    """
    return (
        not gateway.collects_card
        and payment.user_id is not None
        and payment.next_action is None
        and result.next_action is None
        and portal.clock() - payment.created_at >= _NEVER_ARRIVED
    )


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
