"""Refunds we ask for, and money taken back at the gateway: linked negative rows."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from payments_app.db import inbox, ledger
from payments_app.db.models import Payment
from payments_app.domain.errors import InvalidRequest, NotFound
from payments_app.domain.money import Money
from payments_app.domain.payment import LINKED_KINDS, PaymentKind, PaymentStatus
from payments_app.gateways.base import PaymentResult, Subject, Takeback
from payments_app.services.context import Portal
from payments_app.services.live import Change
from payments_app.services.references import new_reference
from payments_app.services.refund_calls import ask_about_refund
from payments_app.services.settlement import Outcome, apply

log = structlog.get_logger()

_FIRST_CHECK: Final = timedelta(minutes=1)
Beside = Callable[[AsyncSession, Payment], Awaitable[None]]
"""Writes more into the transaction that makes a refund's row."""

_KINDS: Final = {Subject.REFUND: PaymentKind.REFUND, Subject.DISPUTE: PaymentKind.CHARGEBACK}


async def refund(
    portal: Portal,
    reference: str,
    amount: Money,
    *,
    key: str,
    actor: str,
    user_id: int | None,
    beside: Beside | None = None,
) -> str:
    """Give back ``amount`` (positive, in the charged currency) of a Completed payment.

    The row is committed before the gateway is asked; the same ``key`` refunds once. Where the
    gateway cannot, the row stays Pending for staff. Returns the refund's reference. Raises
    NotFound, and InvalidRequest when the payment is not refundable or less is left. ``beside``
    writes what belongs into the same commit as the row.
    """
    row, payment = await _commit_refund(portal, reference, amount, key, actor, user_id, beside)
    if row.status is PaymentStatus.PENDING:
        await ask_about_refund(portal, row, payment, actor)
    return row.reference


async def _commit_refund(
    portal: Portal,
    reference: str,
    amount: Money,
    key: str,
    actor: str,
    user_id: int | None,
    beside: Beside | None,
) -> tuple[Payment, Payment]:
    async with portal.db.write() as session:
        found = await ledger.find_payment(session, reference=reference)
        if found is None:
            raise NotFound(reference)
        payment = await ledger.lock_payment(session, found.key)
        if earlier := await made_with(session, payment, key):
            return earlier, payment
        left = await refundable(session, payment)
        if amount.currency != payment.charge_currency or not 0 < amount.minor <= left:
            raise InvalidRequest("amount", "more_than_left", left=left)
        taken = await _taken(session, payment)
        part = _part(payment, amount, taken)
        if taken[1] + part > payment.amount:
            raise InvalidRequest("amount", "too_small", left=left)
        row = _linked_row(portal, payment, PaymentKind.REFUND, amount, part)
        row.idempotency_key, row.user_id = key, user_id
        row.next_check_at = portal.clock() + _FIRST_CHECK
        session.add(row)
        await session.flush()
        ledger.add_timeline(session, row, portal.clock(), "refund_requested", actor)
        if beside is not None:
            await beside(session, row)
    await portal.feed.publish(Change(row.key, row.account_id))
    return row, payment


async def made_with(session: AsyncSession, payment: Payment, key: str) -> Payment | None:
    """Return the refund that the key has made already, if any."""
    query = select(Payment).where(
        col(Payment.account_id) == payment.account_id, col(Payment.idempotency_key) == key
    )
    return (await session.execute(query)).scalar_one_or_none()


async def refundable(session: AsyncSession, payment: Payment) -> int:
    """Return how much of a payment can still be given back, in charged minor units."""
    if payment.status is not PaymentStatus.COMPLETED or payment.charge_amount is None:
        return 0
    return payment.charge_amount - (await _taken(session, payment))[0]


async def _taken(session: AsyncSession, payment: Payment) -> tuple[int, int]:
    """Return what refunds and disputes take of a payment: of the charge, and of the credit."""
    returned = aliased(Payment)
    query = select(
        func.coalesce(func.sum(col(Payment.charge_amount)), 0),
        func.coalesce(-func.sum(col(Payment.amount)), 0),
    ).where(
        col(Payment.parent_id) == payment.id,
        col(Payment.kind).in_(LINKED_KINDS),
        col(Payment.status) != PaymentStatus.CANCELLED,
        # A refund that came back, or a dispute won after all, takes nothing.
        ~exists().where(col(returned.parent_id) == col(Payment.id)),
    )
    charged, credited = (await session.execute(query)).one()
    return int(charged or 0), int(credited or 0)


def _part(payment: Payment, amount: Money, taken: tuple[int, int]) -> int:
    """Return what giving ``amount`` of the charge back takes of the credit, at least a minor unit.

    All of the charge takes all of the credit, in however many parts: each is rounded down together
    with those before it.
    """
    charged = payment.charge_amount or payment.amount
    until_now, credited = taken
    return max(1, payment.amount * (until_now + amount.minor) // charged - credited)


def _linked_row(
    portal: Portal, payment: Payment, kind: PaymentKind, amount: Money, part: int
) -> Payment:
    """Make the negative row that takes ``part`` of what was credited."""
    now = portal.clock()
    return Payment(
        reference=new_reference("R" if kind is PaymentKind.REFUND else "D"),
        account_id=payment.account_id,
        parent_id=payment.id,
        kind=kind,
        amount=-part,
        currency=payment.currency,
        charge_amount=amount.minor,
        charge_currency=amount.currency,
        gateway=payment.gateway,
        method_detail=payment.method_detail,
        description=f"{kind.value.capitalize()} of {payment.reference}",
        created_at=now,
        dated_at=now,
    )


async def record_takeback(
    portal: Portal,
    payment: Payment,
    takeback: Takeback,
    *,
    subject: Subject,
    actor: str,
    inbox_id: int | None = None,
) -> str | None:
    """Record a refund, reversal or dispute that a webhook or a list tells of, once, and settle its
    row.

    None means to try again later: the payment itself is still Pending here.
    """
    now = portal.clock()

    async def handled(payment_id: int, outcome: str) -> None:
        if inbox_id is not None:
            await inbox.mark_handled(session, inbox_id, payment_id, outcome, now)

    async with portal.db.write() as session:
        parent = await ledger.lock_payment(session, payment.key)
        row = await _find_takeback(session, parent, takeback)
        if row is None and parent.status is PaymentStatus.PENDING:
            return None
        if row is None and parent.status is PaymentStatus.CANCELLED:
            await handled(parent.key, Outcome.REFUSED)
            log.warning("takeback_of_unpaid", reference=parent.reference)
            return Outcome.REFUSED
        if row is None:
            part = _part(parent, takeback.amount, await _taken(session, parent))
            row = _linked_row(portal, parent, _KINDS[subject], takeback.amount, part)
            row.gateway_reference = takeback.gateway_reference
            row.reason = takeback.reason
            session.add(row)
            await session.flush()
            ledger.add_timeline(session, row, now, "created", actor)
        result = PaymentResult(
            takeback.status,
            takeback.gateway_reference,
            amount=takeback.amount,
            own_reference=row.reference,
            reason=takeback.reason,
        )
        outcome = await apply(session, row, result, actor, now, portal)
        if outcome is Outcome.REFUSED and takeback.status is PaymentStatus.CANCELLED:
            outcome = await _give_back(session, portal, row)
        await handled(row.key, outcome)
    await portal.feed.publish(Change(row.key, row.account_id))
    return outcome


async def _give_back(session: AsyncSession, portal: Portal, row: Payment) -> Outcome:
    """Credit again what a Completed refund or chargeback took and its gateway then returned.

    The Completed row stays as it is; a linked adjustment undoes it, once.
    """
    now = portal.clock()
    undone = f"{row.gateway_reference}:returned"
    if await ledger.find_payment(session, gateway=row.gateway, gateway_reference=undone):
        return Outcome.UNCHANGED
    adjustment = Payment(
        reference=new_reference("A"),
        account_id=row.account_id,
        parent_id=row.id,
        kind=PaymentKind.ADJUSTMENT,
        amount=-row.amount,
        currency=row.currency,
        gateway=row.gateway,
        gateway_reference=undone,
        description=f"{row.kind.value.capitalize()} {row.reference} was returned",
        created_at=now,
        dated_at=now,
    )
    session.add(adjustment)
    await session.flush()
    ledger.add_timeline(session, adjustment, now, "created", "webhook")
    proof = PaymentResult(PaymentStatus.COMPLETED, undone)
    return await apply(session, adjustment, proof, "webhook", now, portal)


async def _find_takeback(
    session: AsyncSession, parent: Payment, takeback: Takeback
) -> Payment | None:
    found = await ledger.find_payment(
        session, gateway=parent.gateway, gateway_reference=takeback.gateway_reference
    )
    if found is None and takeback.own_reference:
        found = await ledger.find_payment(session, reference=takeback.own_reference)
    return found if found and found.parent_id == parent.id else None
