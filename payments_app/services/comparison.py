"""Compares a gateway's payments of one UTC day with ours, to the minor unit. Changes nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from payments_app.db import reconciliation as rows
from payments_app.db.models import Payment
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentStatus
from payments_app.gateways.base import Gateway, ListedPayment, PaymentResult
from payments_app.gateways.errors import UnknownPayment, Unsupported
from payments_app.services import logs
from payments_app.services.context import Portal
from payments_app.services.lookup import lookup_of

_DONE: Final = PaymentStatus.COMPLETED
_MARGIN: Final = timedelta(days=1)
"""Gateways date a payment by its start or by its money; ours may be of the day beside."""

LISTED: Final = "listed"
LOOKED_UP: Final = "looked_up"


class Kind(StrEnum):
    """What differs."""

    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    AMOUNT = "amount"
    STATUS = "status"
    FEE = "fee"


@dataclass(frozen=True, slots=True)
class Found:
    """One difference: our row, what the gateway says, or both; amounts in minor units."""

    kind: Kind
    payment: Payment | None
    theirs: PaymentResult | None
    our_amount: int | None
    their_amount: int | None
    currency: str | None
    at: datetime | None = None


@dataclass(slots=True)
class Comparison:
    """What a comparison found; ``totals`` are [ours, theirs] in minor units, by currency."""

    method: str
    compared: int = 0
    totals: dict[str, list[int]] = field(default_factory=dict)
    found: list[Found] = field(default_factory=list)

    def add(self, ours: Money | None, theirs: Money | None) -> None:
        """Count one payment's money on either side."""
        self.compared += 1
        for side, money in enumerate((ours, theirs)):
            if money is not None:
                self.totals.setdefault(money.currency, [0, 0])[side] += money.minor


async def compare(portal: Portal, gateway: Gateway, day: date) -> Comparison:
    """Compare by the gateway's list; where it has none, by looking each of our rows up.

    Raises GatewayUnavailable and GatewayRejected.
    """
    since = datetime.combine(day, time(), UTC)
    until = since + timedelta(days=1)
    async with portal.db.read() as session:
        ours = await rows.payments_of(session, gateway.code, since, until)
    try:
        wide = [one async for one in gateway.list_payments(since - _MARGIN, until + _MARGIN)]
    except Unsupported:
        return await _compare_by_look_up(gateway, ours, since, until)
    references = {one.result.own_reference for one in wide if one.result.own_reference}
    async with portal.db.read() as session:
        named = await rows.payments_named(session, gateway.code, references)
    known = {payment.reference: payment for payment in (*named, *ours)}
    comparison = Comparison(LISTED)
    _compare_listed(comparison, known, wide, since, until)
    unlisted = [
        payment
        for payment in ours
        if payment.reference not in references and _completed_in(payment, since, until)
    ]
    await _compare_looked_up(comparison, gateway, unlisted)
    return comparison


def _compare_listed(
    comparison: Comparison,
    known: dict[str, Payment],
    wide: Iterable[ListedPayment],
    since: datetime,
    until: datetime,
) -> None:
    """Take what the gateway dates on the day. A reference may be listed more than once: what was
    paid counts, and money beyond the first is missing here."""
    by_reference: dict[str, list[ListedPayment]] = {}
    for one in wide:
        if one.result.own_reference:
            by_reference.setdefault(one.result.own_reference, []).append(one)
    for reference, several in by_reference.items():
        payment = known.get(reference)
        paid = [one for one in several if one.result.status is _DONE]
        paid.sort(key=lambda one: not _same(payment, one.result))
        main = paid[0] if paid else several[-1]
        if since <= main.at < until:
            _compare_one(comparison, payment, main.result, main.at)
        for extra in paid[1:]:
            if since <= extra.at < until:
                _miss_here(comparison, None, extra.result, extra.at)


def _same(payment: Payment | None, result: PaymentResult) -> bool:
    return payment is not None and payment.gateway_reference == result.gateway_reference


def _compare_one(
    comparison: Comparison,
    payment: Payment | None,
    result: PaymentResult,
    at: datetime | None = None,
) -> None:
    there = result.amount if result.status is _DONE else None
    if payment is None:
        if there is not None:
            _miss_here(comparison, None, result, at)
        return
    charged = lookup_of(payment).charge
    here = charged if payment.status is _DONE else None
    if here is None and there is None:
        comparison.compared += 1
        return
    comparison.add(here, there)
    if here is None or there is None:
        kind = Kind.STATUS
    elif here != there:
        kind = Kind.AMOUNT
    else:
        _compare_fee(comparison, payment, result, at)
        return
    comparison.found.append(
        Found(
            kind,
            payment,
            result,
            here.minor if here else None,
            there.minor if there else None,
            charged.currency if there is None else there.currency,
            at,
        )
    )


def _compare_fee(
    comparison: Comparison, payment: Payment, result: PaymentResult, at: datetime | None
) -> None:
    fee = result.fee
    if fee is None or fee.currency != payment.currency or fee.minor == payment.fee:
        return
    comparison.found.append(
        Found(Kind.FEE, payment, result, payment.fee, fee.minor, fee.currency, at)
    )


def _miss_here(
    comparison: Comparison, payment: Payment | None, result: PaymentResult, at: datetime | None
) -> None:
    comparison.add(None, result.amount)
    minor = result.amount.minor if result.amount else None
    currency = result.amount.currency if result.amount else None
    comparison.found.append(Found(Kind.MISSING_HERE, payment, result, None, minor, currency, at))


async def _compare_by_look_up(
    gateway: Gateway, ours: Sequence[Payment], since: datetime, until: datetime
) -> Comparison:
    comparison = Comparison(LOOKED_UP)
    await _compare_looked_up(
        comparison,
        gateway,
        [
            payment
            for payment in ours
            if _completed_in(payment, since, until)
            or (payment.status is not _DONE and since <= payment.created_at < until)
        ],
    )
    return comparison


async def _compare_looked_up(
    comparison: Comparison, gateway: Gateway, payments: Sequence[Payment]
) -> None:
    """Ask about each row: the gateway's list may hold it on another day, or not at all."""
    for payment in payments:
        if gateway.staff_confirmed:
            comparison.compared += 1
            continue
        try:
            with logs.about(payment.reference, gateway.code):
                result = await gateway.fetch_payment(lookup_of(payment))
        except UnknownPayment:
            _miss_there(comparison, payment)
            continue
        except Unsupported:
            comparison.compared += 1
            continue
        _compare_one(comparison, payment, result, payment.completed_at)


def _miss_there(comparison: Comparison, payment: Payment) -> None:
    if payment.status is not _DONE:
        comparison.compared += 1
        return
    charge = lookup_of(payment).charge
    comparison.add(charge, None)
    comparison.found.append(
        Found(
            Kind.MISSING_THERE,
            payment,
            None,
            charge.minor,
            None,
            charge.currency,
            payment.completed_at,
        )
    )


def _completed_in(payment: Payment, since: datetime, until: datetime) -> bool:
    return payment.completed_at is not None and since <= payment.completed_at < until
