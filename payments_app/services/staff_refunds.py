"""Refunds that staff ask for: at once, or above the limit once a second person agrees."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from payments_app.db import ledger
from payments_app.db.models import Payment
from payments_app.domain.errors import InvalidRequest, NotFound
from payments_app.domain.money import Money
from payments_app.domain.payment import Role
from payments_app.services import approvals, audit
from payments_app.services.context import Portal
from payments_app.services.refunds import made_with, refund, refundable
from payments_app.services.review import Decision, check_reason

REFUND: Final = "refund"
"""The action of a request that waits for a second person."""


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """What to give back, positive and in the charged currency. The same ``key`` refunds once."""

    decision: Decision
    amount: Money
    key: str


async def ask_for_refund(portal: Portal, order: RefundOrder) -> str | None:
    """Refund a Completed payment and return the refund's reference; None when it has to wait for a
    second person.

    Raises NotAllowed, NotFound, and InvalidRequest (no reason, or more than what is left).
    """
    decision = order.decision
    decision.who.require(Role.FINANCE)
    reason = check_reason(decision.reason)
    if not await _needs_second(portal, order):
        return await give_back(portal, order, reason)
    await approvals.ask(
        portal,
        decision.actor,
        REFUND,
        f"payment:{decision.reference}",
        -order.amount,
        {"reference": decision.reference, "key": order.key},
        reason,
    )
    return None


async def give_back(portal: Portal, order: RefundOrder, reason: str, request: int = 0) -> str:
    """Make the refund, with the approved ``request`` marked in the commit of its row."""
    decision = order.decision

    async def note(session: AsyncSession, row: Payment) -> None:
        after: dict[str, str | int] = {
            "refund": row.reference,
            "amount": order.amount.to_decimal(),
            "why": reason,
        }
        if request:
            approved = await approvals.take(session, portal, decision.who, request, approved=True)
            approved.payment_reference = row.reference
            after["request"] = request
        row.private_note = reason
        await audit.record(
            session,
            portal.clock(),
            decision.actor,
            "payment_refunded",
            f"payment:{decision.reference}",
            after=after,
        )

    made = await refund(
        portal,
        decision.reference,
        order.amount,
        key=order.key,
        actor=decision.who.email,
        user_id=decision.who.user_id,
        beside=note,
    )
    if request:
        await portal.feed.announce(approvals.APPROVALS_TOPIC)
    return made


async def _needs_second(portal: Portal, order: RefundOrder) -> bool:
    """Tell whether a second person has to agree; refuses at once what could never be approved.

    What was given back before counts too, so that the limit is not passed in small parts.
    """
    async with portal.db.read() as session:
        payment = await ledger.find_payment(session, reference=order.decision.reference)
        if payment is None:
            raise NotFound(order.decision.reference)
        if await made_with(session, payment, order.key):
            return False
        left = await refundable(session, payment)
    if order.amount.currency != payment.charge_currency or not 0 < order.amount.minor <= left:
        raise InvalidRequest("amount", "more_than_left", left=left)
    before = Money((payment.charge_amount or 0) - left, order.amount.currency)
    return approvals.needs_second(portal, before + order.amount)
