"""Checkout: one payment of a customer from start to end."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db import ledger
from payments_app.db.models import Payment
from payments_app.domain.errors import (
    IdempotencyConflict,
    InvalidRequest,
    NotAllowed,
    NotFound,
)
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentKind, PaymentStatus, Reason
from payments_app.gateways.base import NextAction, PaymentResult
from payments_app.gateways.errors import GatewayRejected, GatewayUnavailable
from payments_app.services import logs
from payments_app.services.actions import read_action
from payments_app.services.catalogues import say
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.live import Change
from payments_app.services.lookup import (
    CREATED_WITHIN,
    ask_gateway,
    create_at,
    end_attempt,
    lookup_of,
    payment_by_id,
    request_of,
)
from payments_app.services.offers import quote
from payments_app.services.references import top_up_reference
from payments_app.services.settlement import settle
from payments_app.services.sweep import delay_before_check, lifetime_of

ASK_AT_MOST_EVERY: Final = timedelta(seconds=5)
"""How often a customer can have a payment's gateway asked."""


@dataclass(frozen=True, slots=True)
class TopUp:
    """What the customer asks to pay in. ``amount`` is what the account is credited with."""

    gateway: str
    amount: Money
    idempotency_key: str
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How a payment stands. ``next_action`` is what the customer has to do, if anything;
    ``arrived`` is what came of one that was paid in part, which may be credited as it is."""

    reference: str
    status: PaymentStatus
    reason: str | None
    amount: Money
    gateway: str
    gateway_label: str
    channel: str | None
    next_action: NextAction | None
    description: str
    balance: Money | None
    created_at: datetime
    checked_at: datetime | None
    next_check_at: datetime | None
    arrived: Money | None = None


async def start(portal: Portal, who: Identity, order: TopUp, address: str = "") -> Progress:
    """Commit a Pending payment, then create it at the gateway; ``address`` is the browser's IP.

    The same idempotency key gives the same payment, however often it is sent. A gateway that does
    not answer leaves it Pending and the sweep finds out; one that is known not to answer is not
    begun with, an InvalidRequest. Raises what ``quote`` raises, and IdempotencyConflict for a key
    that came with other parameters.
    """
    who.require_acting()
    cost = await quote(portal, who, order.gateway, order.amount, order.channel)
    gateway = portal.gateway(order.gateway)
    if not gateway.answering and await _find_earlier(portal, who, order) is None:
        raise InvalidRequest("gateway", "not_answering", label=say(gateway.label))
    payment = await _commit_pending(portal, who, order, cost.pay)
    if payment.status is not PaymentStatus.PENDING or payment.next_action is not None:
        return await progress(portal, who, payment.reference)
    if payment.gateway_reference is None and _too_late_to_create(portal, payment):
        return await progress(portal, who, payment.reference)
    try:
        with logs.about(payment.reference, payment.gateway):
            result = await create_at(gateway, await request_of(portal, payment, address))
    except GatewayUnavailable:
        return await progress(portal, who, payment.reference)
    await settle(portal, payment.key, result, actor="customer")
    return await progress(portal, who, payment.reference, result.next_action)


def _too_late_to_create(portal: Portal, payment: Payment) -> bool:
    """Tell whether another worker may be giving the payment up as one that was never created."""
    return portal.clock() - payment.created_at >= CREATED_WITHIN


async def _commit_pending(portal: Portal, who: Identity, order: TopUp, pay: Money) -> Payment:
    payment = _new_payment(portal, who, order, pay)
    try:
        async with portal.db.write() as session:
            session.add(payment)
            await session.flush()
            ledger.add_timeline(
                session, payment, payment.created_at, "created", who.email, gateway=order.gateway
            )
    except IntegrityError:
        return await _earlier(portal, who, order)
    await portal.feed.publish(Change(payment.key, payment.account_id))
    return payment


def _new_payment(portal: Portal, who: Identity, order: TopUp, pay: Money) -> Payment:
    gateway = portal.gateway(order.gateway)
    now = portal.clock()
    channel = next((c.label for c in gateway.channels if c.code == order.channel), None)
    return Payment(
        reference=top_up_reference(who.own_account()),
        account_id=who.own_account(),
        user_id=who.user_id,
        kind=PaymentKind.TOP_UP,
        reason=Reason.AWAITING_CONFIRMATION if gateway.staff_confirmed else None,
        in_review=gateway.staff_confirmed,
        amount=order.amount.minor,
        currency=order.amount.currency,
        charge_amount=pay.minor,
        charge_currency=pay.currency,
        gateway=gateway.code,
        channel=order.channel,
        description=f"{channel or gateway.label} top-up",
        idempotency_key=order.idempotency_key,
        next_check_at=None if gateway.staff_confirmed else now + delay_before_check(gateway, 0),
        expires_at=now + lifetime_of(portal, gateway),
        created_at=now,
        dated_at=now,
    )


async def _find_earlier(portal: Portal, who: Identity, order: TopUp) -> Payment | None:
    async with portal.read_as(who) as session:
        query = select(Payment).where(
            col(Payment.account_id) == who.own_account(),
            col(Payment.idempotency_key) == order.idempotency_key,
        )
        return (await session.execute(query)).scalar_one_or_none()


async def _earlier(portal: Portal, who: Identity, order: TopUp) -> Payment:
    """Return the payment that this idempotency key made before."""
    payment = await _find_earlier(portal, who, order)
    if payment is None:
        raise NotFound(order.idempotency_key)
    same = (payment.gateway, payment.channel, payment.amount, payment.currency)
    if same != (order.gateway, order.channel, order.amount.minor, order.amount.currency):
        raise IdempotencyConflict(order.idempotency_key)
    return payment


async def progress(
    portal: Portal, who: Identity, reference: str, next_action: NextAction | None = None
) -> Progress:
    """Return how one of the customer's payments stands in our books; raises NotFound.

    ``next_action`` is a fresh one of the gateway's that is not kept (a card confirmation).
    """
    payment = await _own_payment(portal, who, reference)
    async with portal.read_as(who) as session:
        balance = await ledger.balance_of(session, payment.account_id, payment.currency)
        arrived = await _arrived_in_part(session, payment)
    pending = payment.status is PaymentStatus.PENDING
    gateway = portal.gateways.get(payment.gateway or "")
    return Progress(
        reference=payment.reference,
        status=payment.status,
        reason=payment.reason,
        amount=Money(payment.amount, payment.currency),
        gateway=payment.gateway or "",
        gateway_label=say(gateway.label) if gateway else "",
        channel=payment.channel,
        next_action=(read_action(payment.next_action) or next_action) if pending else None,
        description=payment.description,
        balance=Money(balance, payment.currency),
        created_at=payment.created_at,
        checked_at=payment.checked_at,
        next_check_at=payment.next_check_at,
        arrived=arrived,
    )


async def _arrived_in_part(session: AsyncSession, payment: Payment) -> Money | None:
    """Return what came of a payment that waits for its rest, in the charged currency."""
    if payment.status is not PaymentStatus.PENDING or payment.reason != Reason.PARTIALLY_PAID:
        return None
    known = await ledger.last_arrival(session, payment)
    if known is None or known[1].currency != payment.charge_currency:
        return None
    return known[1]


async def credit_arrived(portal: Portal, who: Identity, reference: str) -> Progress:
    """Let a payment of which only a part came be worth that part, as its customer chose.

    What comes afterwards waits for staff and is never lost. Raises NotFound, and NotAllowed when
    nothing of it arrived.
    """
    who.require_acting()
    payment = await _own_payment(portal, who, reference)
    async with portal.read_as(who) as session:
        arrived = await _arrived_in_part(session, payment)
    if arrived is None:
        raise NotAllowed("nothing arrived of it")
    proof = PaymentResult(
        PaymentStatus.COMPLETED,
        payment.gateway_reference,
        amount=arrived,
        own_reference=payment.reference,
    )
    await settle(portal, payment.key, proof, actor=who.email, as_arrived=True)
    return await progress(portal, who, reference)


async def _own_payment(portal: Portal, who: Identity, reference: str) -> Payment:
    async with portal.read_as(who) as session:
        payment = await ledger.find_payment(session, reference=reference)
    if payment is None or payment.account_id != who.own_account():
        raise NotFound(reference)
    return payment


async def check(
    portal: Portal,
    who: Identity,
    reference: str,
    source: str = "customer",
    at_most_every: timedelta = timedelta(0),
) -> Progress:
    """Ask the gateway how a payment stands now, settle by its answer; raises NotFound.

    It is not asked, by whomever, when it was asked less than ``at_most_every`` ago.
    """
    who.require_acting()
    payment = await _own_payment(portal, who, reference)
    open_at_gateway = payment.gateway and payment.status is not PaymentStatus.COMPLETED
    if (
        open_at_gateway
        and payment.kind is PaymentKind.TOP_UP
        and await _note_check(portal, payment, at_most_every)
    ):
        await ask_gateway(portal, payment, source)
    return await progress(portal, who, reference)


async def _note_check(portal: Portal, payment: Payment, at_most_every: timedelta) -> bool:
    """Write down that the gateway is asked now, unless it was just asked."""
    now = portal.clock()
    if _asked_lately(payment, now, at_most_every):
        return False
    async with portal.db.write() as session:
        row = await ledger.lock_payment(session, payment.key)
        if _asked_lately(row, now, at_most_every):
            return False
        row.checked_at = now
    return True


def _asked_lately(payment: Payment, now: datetime, at_most_every: timedelta) -> bool:
    return payment.checked_at is not None and now - payment.checked_at < at_most_every


async def cancel(portal: Portal, who: Identity, reference: str) -> Progress:
    """Give up an open payment: voided at the gateway first, then Cancelled here.

    One that was paid meanwhile is completed instead. When the gateway does not answer, it stays
    Pending and GatewayUnavailable is raised. Raises NotFound, and NotAllowed for what is no open
    top-up.
    """
    who.require_acting()
    payment = await _own_payment(portal, who, reference)
    if payment.status is not PaymentStatus.PENDING:
        return await progress(portal, who, reference)
    if payment.kind is not PaymentKind.TOP_UP or payment.gateway is None:
        raise NotAllowed("only an open top-up can be cancelled")
    gateway = portal.gateway(payment.gateway)
    try:
        result = await end_attempt(gateway, lookup_of(payment), Reason.CANCELLED_BY_CUSTOMER)
    except GatewayRejected:
        # The gateway's own state forbids it, so its own state decides.
        await ask_gateway(portal, await payment_by_id(portal, payment.key), "customer")
    else:
        await settle(portal, payment.key, result, actor=who.email)
    return await progress(portal, who, reference)


async def open_attempts(portal: Portal, who: Identity, amount: Money) -> tuple[Progress, ...]:
    """Return the customer's other open payments of the same amount, newest first."""
    async with portal.read_as(who) as session:
        query = (
            select(col(Payment.reference))
            .where(
                col(Payment.account_id) == who.own_account(),
                col(Payment.currency) == amount.currency,
                col(Payment.status) == PaymentStatus.PENDING,
                col(Payment.kind) == PaymentKind.TOP_UP,
                col(Payment.amount) == amount.minor,
            )
            .order_by(col(Payment.dated_at).desc())
        )
        references = (await session.execute(query)).scalars().all()
    return tuple([await progress(portal, who, reference) for reference in references])
