"""The one place where money moves: ``settle()`` and nothing else changes status and balance."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from payments_app.db import inbox, ledger
from payments_app.db.ledger import OpenPayment, Paid
from payments_app.db.models import Payment
from payments_app.domain.errors import IllegalTransition
from payments_app.domain.payment import (
    REVIEW_REASONS,
    PaymentKind,
    PaymentStatus,
    Reason,
    check_transition,
)
from payments_app.gateways.base import PaymentResult
from payments_app.services import gateway_settings, mail
from payments_app.services.actions import stored_action
from payments_app.services.context import Portal
from payments_app.services.live import Change

log = structlog.get_logger()


class Outcome(StrEnum):
    """What a settlement did."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NOTED = "noted"
    UNCHANGED = "unchanged"
    MISMATCH = "mismatch"
    REFUSED = "refused"


async def settle(
    portal: Portal,
    payment_id: int,
    result: PaymentResult,
    *,
    actor: str,
    inbox_id: int | None = None,
    as_arrived: bool = False,
) -> Outcome:
    """Bring a payment in line with what its gateway (or staff) says, in one commit.

    Payment, balance, timeline and the inbox mark are written together. A repeat changes nothing, a
    wrong move is refused and logged, and a mismatch waits for staff. ``actor`` says who reported
    it (``webhook``, ``sweep``, ``customer`` ...). ``as_arrived``: see ``apply``.
    """
    async with portal.db.write() as session:
        payment = await ledger.lock_payment(session, payment_id)
        outcome = await apply(
            session, payment, result, actor, portal.clock(), portal, as_arrived=as_arrived
        )
        if inbox_id is not None:
            await inbox.mark_handled(session, inbox_id, payment_id, outcome, portal.clock())
    if outcome is not Outcome.UNCHANGED:
        log.info("settled", reference=payment.reference, outcome=outcome, actor=actor)
        await portal.feed.publish(Change(payment_id, payment.account_id))
    return outcome


@dataclass(frozen=True, slots=True)
class Proof:
    """What a gateway's signed message itself says of a payment of ours."""

    gateway: str
    reference: str
    result: PaymentResult


async def settle_proved(
    session: AsyncSession, proofs: Sequence[Proof], actor: str, now: datetime
) -> Sequence[OpenPayment]:
    """Complete many payments at once inside the caller's transaction; return those completed.

    Only open top-ups that were paid exactly as asked, without a fee to book. All others are left as
    they are, for ``settle()`` to decide one by one. There is at most one proof of each payment.
    """
    proved = {proof.reference: proof for proof in proofs}
    found = await ledger.lock_open(session, proved.keys()) if proved else ()
    payments = [payment for payment in found if _is_plain(payment, proved[payment.reference])]
    if not payments:
        return ()
    results = (proved[payment.reference].result for payment in payments)
    await ledger.complete(
        session,
        [
            Paid(payment, result.gateway_reference, result.method_detail)
            for payment, result in zip(payments, results, strict=True)
        ],
        now,
    )
    left = await _move_balances(session, payments)
    await ledger.tell_completed(session, {one.key: balance for one, balance in left}, now, actor)
    await mail.received(session, left, now)
    return payments


async def _move_balances(
    session: AsyncSession, payments: Sequence[OpenPayment]
) -> list[tuple[OpenPayment, int]]:
    """Return each payment with the balance that it left, in minor units."""
    moves: Counter[tuple[int, str]] = Counter()
    for payment in payments:
        moves[payment.account_id, payment.currency] += payment.amount
    balances = await ledger.add_to_balances(session, moves)
    running = {account: balances[account] - moved for account, moved in moves.items()}
    left = []
    for payment in payments:
        account = (payment.account_id, payment.currency)
        running[account] += payment.amount
        left.append((payment, running[account]))
    return left


def _is_plain(payment: OpenPayment, proof: Proof) -> bool:
    return (
        payment.kind is PaymentKind.TOP_UP
        and payment.gateway == proof.gateway
        and proof.result.status is PaymentStatus.COMPLETED
        and proof.result.fee is None
        and _mismatch(payment, proof.result) is None
    )


async def apply(
    session: AsyncSession,
    payment: Payment,
    result: PaymentResult,
    actor: str,
    now: datetime,
    portal: Portal,
    *,
    as_arrived: bool = False,
) -> Outcome:
    """Do the work of ``settle()`` on a locked row inside the caller's transaction.

    ``as_arrived`` lets an open payment be worth the result's amount instead of what was asked for:
    only people may decide that, customer or staff.
    """
    if payment.status is PaymentStatus.PENDING and result.status is PaymentStatus.PENDING:
        return await _note(session, payment, result, actor, now)
    if result.status is PaymentStatus.PENDING and result.reason in REVIEW_REASONS:
        return await _review_finished(session, payment, result, actor, now)
    if _more_arrived(payment, result):
        more = replace(result, reason=Reason.MORE_ARRIVED, received=result.amount)
        return await _review_finished(session, payment, more, actor, now)
    if result.status in (payment.status, PaymentStatus.PENDING):
        return Outcome.UNCHANGED
    paid = result.status is PaymentStatus.COMPLETED
    if as_arrived and paid:
        _take_as_arrived(session, payment, result, actor, now)
    mismatch = _mismatch(payment, result) if paid else None
    if mismatch:
        return _hold_for_review(session, payment, result, mismatch, actor, now)
    try:
        check_transition(payment.status, result.status, money_proved=paid)
    except IllegalTransition as error:
        log.warning("settlement_refused", reference=payment.reference, move=str(error))
        return Outcome.REFUSED
    if paid:
        await _complete(session, payment, result, actor, now, portal)
    else:
        _cancel(session, payment, result, actor, now)
    await mail.settled(session, payment, now)
    return Outcome.COMPLETED if paid else Outcome.CANCELLED


def _mismatch(payment: Payment | OpenPayment, result: PaymentResult) -> Reason | None:
    """Compare what the gateway says with what was asked for; rows of no gateway have nothing to
    compare."""
    if payment.charge_amount is None:
        return None
    if result.own_reference != payment.reference:
        return Reason.REFERENCE_MISMATCH
    known = payment.gateway_reference
    if known and result.gateway_reference and known != result.gateway_reference:
        return Reason.REFERENCE_MISMATCH
    if result.amount is None or result.amount.currency != payment.charge_currency:
        return Reason.CURRENCY_MISMATCH
    if result.amount.minor != payment.charge_amount:
        return Reason.AMOUNT_MISMATCH
    return None


def _more_arrived(payment: Payment, result: PaymentResult) -> bool:
    """Tell whether the gateway now has more than a Completed payment, credited as it arrived."""
    return (
        payment.status is result.status is PaymentStatus.COMPLETED
        and payment.charge_amount is not None
        and result.amount is not None
        and result.amount.currency == payment.charge_currency
        and result.amount.minor > payment.charge_amount
    )


def _take_as_arrived(
    session: AsyncSession, payment: Payment, result: PaymentResult, actor: str, now: datetime
) -> None:
    """Let the row be worth what arrived: the same part of the credit as of the charge, rounded
    down to the minor unit."""
    asked, arrived = payment.charge_amount, result.amount
    if asked is None or arrived is None or arrived.currency != payment.charge_currency:
        return
    payment.amount = max(1, payment.amount * arrived.minor // asked)
    payment.charge_amount = arrived.minor
    ledger.add_timeline(
        session, payment, now, "as_arrived", actor, asked=asked, arrived=arrived.minor
    )


def _remember(payment: Payment, result: PaymentResult) -> bool:
    """Keep what the gateway calls the payment and its means; return whether that was new."""
    before = (payment.gateway_reference, payment.method_detail)
    payment.gateway_reference = payment.gateway_reference or result.gateway_reference
    payment.method_detail = result.method_detail or payment.method_detail
    return before != (payment.gateway_reference, payment.method_detail)


async def _note(
    session: AsyncSession, payment: Payment, result: PaymentResult, actor: str, now: datetime
) -> Outcome:
    news = _remember(payment, result)
    if result.next_action is not None and payment.next_action is None:
        payment.next_action = stored_action(result.next_action)
        news = True
    if result.reason and (
        result.reason != payment.reason or await _another_sum(session, payment, result)
    ):
        payment.reason = result.reason
        payment.in_review = payment.in_review or result.reason in REVIEW_REASONS
        if result.reason == Reason.REFUND_BY_HAND:
            payment.next_check_at = None  # no machine will ever report it
        code = "in_review" if payment.in_review else "declined" if result.declined else "noted"
        ledger.add_timeline(session, payment, now, code, actor, **_noted(result))
        news = True
    return Outcome.NOTED if news else Outcome.UNCHANGED


def _noted(result: PaymentResult) -> dict[str, Any]:
    """Return what the timeline keeps of a result that waits for staff."""
    arrived = result.received
    sum_ = {"arrived": arrived.minor, "currency": arrived.currency} if arrived else {}
    return {"reason": result.reason, **sum_}


async def _another_sum(session: AsyncSession, payment: Payment, result: PaymentResult) -> bool:
    """Tell whether more arrived meanwhile, though still not what was asked for."""
    if result.received is None:
        return False
    return not await ledger.was_noted(session, payment, "in_review", _noted(result))


async def _review_finished(
    session: AsyncSession, payment: Payment, result: PaymentResult, actor: str, now: datetime
) -> Outcome:
    """Show staff, once per reason and sum, that more happened to a finished payment (a second
    deposit)."""
    if await ledger.was_noted(session, payment, "in_review", _noted(result)):
        return Outcome.UNCHANGED
    payment.in_review = True
    ledger.add_timeline(session, payment, now, "in_review", actor, **_noted(result))
    return Outcome.NOTED


def _hold_for_review(
    session: AsyncSession,
    payment: Payment,
    result: PaymentResult,
    reason: Reason,
    actor: str,
    now: datetime,
) -> Outcome:
    if payment.in_review and payment.status is not PaymentStatus.COMPLETED:
        return Outcome.UNCHANGED
    log.warning("settlement_mismatch", reference=payment.reference, reason=reason)
    if payment.status is PaymentStatus.PENDING:
        payment.reason = reason
    payment.in_review = True
    said = replace(result, reason=reason, received=result.amount)
    ledger.add_timeline(session, payment, now, "mismatch", actor, **_noted(said))
    return Outcome.MISMATCH


async def _complete(
    session: AsyncSession,
    payment: Payment,
    result: PaymentResult,
    actor: str,
    now: datetime,
    portal: Portal,
) -> None:
    if result.fee is not None and result.fee.currency == payment.currency:
        payment.fee = result.fee.minor
        await gateway_settings.refresh_in(session, portal)
        if payment.gateway and portal.gateway(payment.gateway).settings.fee_deducted:
            payment.amount -= result.fee.minor
    code = _mark_completed(payment, result, now)
    account = (payment.account_id, payment.currency)
    balances = await ledger.add_to_balances(session, {account: payment.amount})
    ledger.add_timeline(session, payment, now, code, actor, balance=balances[account])


def _mark_completed(payment: Payment, result: PaymentResult, now: datetime) -> str:
    """Return what the timeline calls it."""
    late = payment.status is PaymentStatus.CANCELLED
    _remember(payment, result)
    payment.status = PaymentStatus.COMPLETED
    payment.reason = None
    payment.in_review = False
    payment.completed_at = payment.dated_at = now
    payment.next_check_at = payment.next_action = None
    return "late_money" if late else "completed"


def _cancel(
    session: AsyncSession, payment: Payment, result: PaymentResult, actor: str, now: datetime
) -> None:
    _remember(payment, result)
    payment.status = PaymentStatus.CANCELLED
    payment.reason = result.reason or Reason.FAILED
    payment.in_review = False
    payment.next_check_at = payment.next_action = None
    ledger.add_timeline(session, payment, now, "cancelled", actor, reason=payment.reason)
