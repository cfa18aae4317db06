"""Bring the books up to date from the gateways' lists: after a restore, and for late money.

What a gateway lists and we do not have is written anew; what we have is settled by what the gateway
says. Money moves in ``settle()`` as ever.
"""

from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Final

import structlog

from payments_app.db import ledger
from payments_app.db.models import Account, Payment
from payments_app.domain.money import Money
from payments_app.domain.payment import REVIEW_REASONS, PaymentKind, PaymentStatus
from payments_app.gateways.base import Gateway, ListedPayment, ListedRefund, Subject
from payments_app.gateways.errors import GatewayRejected, GatewayUnavailable, Unsupported
from payments_app.services.context import Portal
from payments_app.services.lookup import find_for, readable
from payments_app.services.references import account_of
from payments_app.services.refunds import record_takeback
from payments_app.services.settlement import Outcome, settle
from payments_app.services.sweep import delay_before_check, lifetime_of

log = structlog.get_logger()

_ACTOR: Final = "catch-up"


@dataclass(slots=True)
class CaughtUp:
    """What a run did: references of payments written anew, of those that changed or of which money
    was given back, and of those whose account is not known; ``unlisted`` are gateways that have no
    list of payments, or none of refunds, and ``silent`` those that did not answer."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)


async def catch_up(portal: Portal, since: datetime, until: datetime) -> CaughtUp:
    """Go through what every gateway dates from ``since`` until before ``until``, in UTC.

    Safe to repeat. A gateway that does not answer is named in the result.
    """
    done = CaughtUp()
    for gateway in portal.gateways.values():
        if not gateway.offered:
            continue
        try:
            with readable(gateway):
                found = [listed async for listed in gateway.list_payments(since, until)]
            for listed in found:
                await _take(portal, gateway, listed, done)
            with readable(gateway):
                refunds = [refund async for refund in gateway.list_refunds(since, until)]
            for refund in refunds:
                await _take_back(portal, gateway, refund, done)
        except Unsupported:
            done.unlisted.append(gateway.code)
        except (GatewayUnavailable, GatewayRejected) as error:
            log.warning("catch_up_failed", gateway=gateway.code, fault=str(error))
            done.silent.append(gateway.code)
    return done


async def _take(portal: Portal, gateway: Gateway, listed: ListedPayment, done: CaughtUp) -> None:
    reference = listed.result.own_reference
    if not reference:
        return  # of another shop on the same merchant account
    payment = await find_for(portal, reference=reference)
    added = payment is None
    if payment is None:
        payment = await _write(portal, gateway, listed, reference)
        if payment is None:
            log.error("payment_of_no_account", gateway=gateway.code, reference=reference)
            done.unknown.append(reference)
            return
        done.added.append(reference)
    if payment.gateway != gateway.code or not _tells_of_money(listed):
        return
    outcome = await settle(portal, payment.key, listed.result, actor=_ACTOR)
    if not added and outcome in (Outcome.COMPLETED, Outcome.CANCELLED, Outcome.MISMATCH):
        done.changed.append(reference)


async def _take_back(
    portal: Portal, gateway: Gateway, refund: ListedRefund, done: CaughtUp
) -> None:
    payment = await find_for(
        portal,
        reference=refund.reference,
        gateway=gateway.code,
        gateway_reference=refund.gateway_reference,
    )
    if payment is None or payment.gateway != gateway.code:
        return  # of another shop, or of a payment that is named already
    outcome = await record_takeback(
        portal, payment, refund.takeback, subject=Subject.REFUND, actor=_ACTOR
    )
    if outcome in (Outcome.COMPLETED, Outcome.CANCELLED, Outcome.MISMATCH):
        done.changed.append(payment.reference)


def _tells_of_money(listed: ListedPayment) -> bool:
    """Whether the list may change our row. A try that ended may have been followed by another, so
    only money counts, or a doubt about money; the sweep ends the others."""
    status, reason = listed.result.status, listed.result.reason
    return status is PaymentStatus.COMPLETED or reason in REVIEW_REASONS


async def _write(
    portal: Portal, gateway: Gateway, listed: ListedPayment, reference: str
) -> Payment | None:
    """Write a Pending row for a payment that is not in our books; None when it has no account."""
    account_id, paid = account_of(reference), listed.result.amount
    if account_id is None or paid is None:
        return None
    credit = _without_surcharge(gateway, paid)
    now = portal.clock()
    async with portal.db.write() as session:
        if await session.get(Account, account_id) is None:
            return None
        payment = Payment(
            reference=reference,
            account_id=account_id,
            kind=PaymentKind.TOP_UP,
            amount=credit.minor,
            currency=credit.currency,
            charge_amount=paid.minor,
            charge_currency=paid.currency,
            gateway=gateway.code,
            gateway_reference=listed.result.gateway_reference,
            description=f"{gateway.label} top-up",
            next_check_at=now + delay_before_check(gateway, 0),
            expires_at=listed.at + lifetime_of(portal, gateway),
            created_at=listed.at,
            dated_at=listed.at,
        )
        session.add(payment)
        await session.flush()
        ledger.add_timeline(session, payment, now, "restored", _ACTOR, gateway=gateway.code)
    return payment


def _without_surcharge(gateway: Gateway, paid: Money) -> Money:
    """Return what the account is credited with when ``paid`` includes the surcharge."""
    settings = gateway.settings
    if paid.currency in settings.surcharge_fixed:
        return paid - Money.from_decimal(settings.surcharge_fixed[paid.currency], paid.currency)
    share = 1 + Fraction(settings.surcharge_percent) / 100
    return Money(int(paid.minor / share + Fraction(1, 2)), paid.currency)
