"""What staff decide about a payment: approve, cancel, credit what arrived, ask again, assign.

Every decision needs a reason, is written to the audit log in the same commit and moves money only
through ``settlement.apply``: the proof is a ``PaymentResult`` made here, with the actor's name.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from payments_app.db import ledger
from payments_app.db.models import Payment, User
from payments_app.domain.errors import IllegalTransition, InvalidRequest, NotFound
from payments_app.domain.money import Money
from payments_app.domain.payment import (
    STAFF_ROLES,
    PaymentKind,
    PaymentStatus,
    Reason,
    Role,
)
from payments_app.gateways.base import PaymentResult
from payments_app.services import audit, debit_limit
from payments_app.services.audit import Actor
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.live import Change
from payments_app.services.lookup import ask_gateway, end_attempt, find_for, lookup_of
from payments_app.services.references import new_reference
from payments_app.services.refund_calls import check_refund
from payments_app.services.settlement import Outcome, apply

LONGEST_REASON: Final = 300


@dataclass(frozen=True, slots=True)
class Decision:
    """What a member of staff decides on which payment, and why. ``address`` is the browser's."""

    who: Identity
    reference: str
    reason: str
    address: str = ""

    @property
    def actor(self) -> Actor:
        """Who decides, for the audit log."""
        return Actor.of(self.who, self.address)


def check_reason(reason: str) -> str:
    """Return the reason without spaces around it; raises InvalidRequest for none or too long."""
    text = " ".join(reason.split())
    if not text:
        raise InvalidRequest("reason", "required")
    if len(text) > LONGEST_REASON:
        raise InvalidRequest("reason", "too_long", limit=LONGEST_REASON)
    return text


def approvable(payment: Payment, now: datetime) -> bool:
    """Tell whether staff may complete it: never what its gateway may still report by itself."""
    if payment.status is PaymentStatus.COMPLETED:
        return False
    if payment.in_review:
        return True
    at_gateway = payment.kind is PaymentKind.TOP_UP and payment.gateway is not None
    overdue = payment.expires_at is not None and payment.expires_at <= now
    return payment.status is PaymentStatus.PENDING and (overdue or not at_gateway)


async def approve(portal: Portal, decision: Decision) -> Outcome:
    """Complete a payment as it was asked for: a transfer came, a refund was sent by hand.

    Raises NotAllowed, NotFound, InvalidRequest (also for a purchase that would go below the
    account's debit limit by now), and IllegalTransition for one that is finished.
    """

    async def complete(session: AsyncSession, payment: Payment) -> Outcome:
        now = portal.clock()
        if not approvable(payment, now):
            raise IllegalTransition("only its gateway can complete it")
        if payment.kind is PaymentKind.CHARGE:
            account = await debit_limit.lock_account(session, payment.account_id)
            if account is not None:
                await debit_limit.check(session, account, Money(payment.amount, payment.currency))
        return await apply(session, payment, _proof(payment), decision.who.email, now, portal)

    return await _decide(portal, decision, "payment_approved", complete)


async def cancel(portal: Portal, decision: Decision) -> Outcome:
    """Give a Pending payment up: at its gateway first, unless it waits for staff to decide.

    One that was paid meanwhile is completed instead. Raises what ``approve`` raises,
    GatewayUnavailable and GatewayRejected; the payment then stays Pending.
    """
    decision.who.require(Role.FINANCE)
    check_reason(decision.reason)
    payment = await _find(portal, decision.reference)
    result = PaymentResult(PaymentStatus.CANCELLED, None, reason=Reason.CANCELLED_BY_STAFF)
    at_gateway = payment.gateway is not None and payment.kind is PaymentKind.TOP_UP
    if at_gateway and not payment.in_review and payment.status is PaymentStatus.PENDING:
        result = await end_attempt(
            portal.gateway(payment.gateway), lookup_of(payment), Reason.CANCELLED_BY_STAFF
        )

    async def end(session: AsyncSession, payment: Payment) -> Outcome:
        return await apply(session, payment, result, decision.who.email, portal.clock(), portal)

    return await _decide(portal, decision, "payment_cancelled", end)


async def credit(portal: Portal, decision: Decision, arrived: Money) -> Outcome:
    """Credit what arrived instead of what was asked for, in the charged currency.

    An open payment completes with that; behind a Completed one a linked top-up is written, once for
    each arrival. ``arrived`` may not be more than what the gateway says came. Raises what
    ``approve`` raises.
    """
    actor, now = decision.who.email, portal.clock()

    async def take(session: AsyncSession, payment: Payment) -> Outcome:
        known = await ledger.last_arrival(session, payment)
        _check_arrived(payment, arrived, known and known[1])
        if payment.status is PaymentStatus.COMPLETED:
            if known is None or not payment.in_review:
                raise InvalidRequest("amount", "nothing_arrived")
            return await _credit_more(session, portal, payment, arrived, known[0], actor)
        proof = replace(_proof(payment), amount=arrived)
        return await apply(session, payment, proof, actor, now, portal, as_arrived=True)

    return await _decide(portal, decision, "arrived_credited", take, arrived=arrived.to_decimal())


async def close(portal: Portal, decision: Decision) -> Outcome:
    """Take a finished payment out of the queue without moving money."""

    async def leave(session: AsyncSession, payment: Payment) -> Outcome:
        if payment.status is PaymentStatus.PENDING or not payment.in_review:
            raise IllegalTransition("only a finished payment in review can be closed")
        payment.in_review = False
        return Outcome.NOTED

    return await _decide(portal, decision, "review_closed", leave)


async def ask(portal: Portal, who: Identity, reference: str) -> Outcome | None:
    """Ask the payment's gateway now and settle by its answer; None when it did not answer.

    Raises NotAllowed, NotFound, and InvalidRequest for a row of no gateway.
    """
    who.require(Role.FINANCE)
    payment = await _find(portal, reference)
    if payment.gateway is None or payment.charge_amount is None:
        raise InvalidRequest("gateway", "none")
    if payment.kind is PaymentKind.REFUND:
        await check_refund(portal, payment, who.email)
        return Outcome.NOTED
    if payment.kind is not PaymentKind.TOP_UP:
        raise InvalidRequest("gateway", "reports_by_itself")
    return await ask_gateway(portal, payment, who.email)


async def assign(
    portal: Portal, who: Identity, reference: str, user_id: int | None, address: str = ""
) -> None:
    """Say who looks into a payment, None for nobody. Raises NotAllowed, NotFound."""
    who.require(Role.FINANCE)
    async with portal.db.write() as session:
        payment = await _locked(session, reference)
        user = await session.get(User, user_id) if user_id is not None else None
        if user_id is not None and (user is None or user.role not in STAFF_ROLES):
            raise NotFound(f"user {user_id}")
        before, payment.assigned_to = payment.assigned_to, user_id
        now = portal.clock()
        name = user.name if user else ""
        ledger.add_timeline(session, payment, now, "assigned", who.email, to=name)
        await audit.record(
            session,
            now,
            Actor.of(who, address),
            "payment_assigned",
            f"payment:{reference}",
            before={"assigned_to": before},
            after={"assigned_to": user_id},
        )
    await portal.feed.publish(Change(payment.key, payment.account_id))


def _proof(payment: Payment) -> PaymentResult:
    """Return what staff vouch for: all of it came, as asked for."""
    charge = None
    if payment.charge_amount is not None and payment.charge_currency is not None:
        charge = Money(payment.charge_amount, payment.charge_currency)
    return PaymentResult(
        PaymentStatus.COMPLETED,
        payment.gateway_reference,
        amount=charge,
        own_reference=payment.reference,
    )


def _check_arrived(payment: Payment, arrived: Money, known: Money | None) -> None:
    if payment.charge_amount is None or payment.kind is not PaymentKind.TOP_UP:
        raise InvalidRequest("amount", "nothing_arrived")
    if arrived.currency != payment.charge_currency or arrived.minor <= 0:
        raise InvalidRequest("amount", "other_currency")
    if known and known.currency == arrived.currency and arrived.minor > known.minor:
        raise InvalidRequest("amount", "more_than_arrived", left=known.minor)


async def _credit_more(
    session: AsyncSession, portal: Portal, payment: Payment, more: Money, entry: int, actor: str
) -> Outcome:
    """Write the top-up of a further arrival. Its gateway reference names the entry of the timeline
    that told of it, so that the database itself refuses it a second time."""
    now = portal.clock()
    row = Payment(
        reference=new_reference("P"),
        account_id=payment.account_id,
        user_id=payment.user_id,
        parent_id=payment.id,
        kind=PaymentKind.TOP_UP,
        amount=max(1, payment.amount * more.minor // (payment.charge_amount or payment.amount)),
        currency=payment.currency,
        charge_amount=more.minor,
        charge_currency=more.currency,
        gateway=payment.gateway,
        gateway_reference=f"{payment.gateway_reference or payment.reference}:{entry}"[:128],
        method_detail=payment.method_detail,
        description=payment.description,
        created_at=now,
        dated_at=now,
    )
    session.add(row)
    await session.flush()
    ledger.add_timeline(session, row, now, "created", actor)
    payment.in_review = False
    return await apply(session, row, _proof(row), actor, now, portal)


async def _decide(
    portal: Portal,
    decision: Decision,
    action: str,
    act: Callable[[AsyncSession, Payment], Awaitable[Outcome]],
    **noted: str,
) -> Outcome:
    """Do what was decided on the locked row and write down who decided it, in one commit."""
    decision.who.require(Role.FINANCE)
    reason = check_reason(decision.reason)
    async with portal.db.write() as session:
        payment = await _locked(session, decision.reference)
        before = {"status": payment.status.value, "in_review": payment.in_review}
        outcome = await act(session, payment)
        if outcome in (Outcome.REFUSED, Outcome.UNCHANGED):
            raise IllegalTransition(f"{decision.reference} is finished")
        now = portal.clock()
        ledger.add_timeline(session, payment, now, action, decision.who.email, note=reason, **noted)
        await audit.record(
            session,
            now,
            decision.actor,
            action,
            f"payment:{payment.reference}",
            before=before,
            after={"status": payment.status.value, "why": reason, **noted},
        )
    await portal.feed.publish(Change(payment.key, payment.account_id))
    return outcome


async def _find(portal: Portal, reference: str) -> Payment:
    payment = await find_for(portal, reference=reference)
    if payment is None:
        raise NotFound(reference)
    return payment


async def _locked(session: AsyncSession, reference: str) -> Payment:
    found = await ledger.find_payment(session, reference=reference)
    if found is None:
        raise NotFound(reference)
    return await ledger.lock_payment(session, found.key)
