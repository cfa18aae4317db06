"""One payment as staff see it: everything known of it, and what may be done with it now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlmodel import col

from payments_app.db import ledger, payments
from payments_app.db.models import Account, InboxEvent, Payment, TimelineEntry, User
from payments_app.domain.errors import NotFound
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentKind, PaymentStatus, Role
from payments_app.services import formatting, reports, staff_wording, wording
from payments_app.services.catalogues import say
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.refunds import refundable
from payments_app.services.reports import Linked, Row
from payments_app.services.review import approvable
from payments_app.services.unmasked import unmasked


@dataclass(frozen=True, slots=True)
class StaffStep:
    """One entry of the timeline; ``note`` is why, who wrote it, and the figures."""

    at: str
    text: str
    actor: str
    note: str


@dataclass(frozen=True, slots=True)
class EventLine:
    """One webhook about the payment."""

    kind: str
    at: str
    outcome: str
    times: int


@dataclass(frozen=True, slots=True)
class Deeds:
    """What may be done with the payment now by whoever looks at it; a viewer may do nothing."""

    ask: bool = False
    approve: bool = False
    cancel: bool = False
    credit: bool = False
    close: bool = False
    refund: bool = False
    assign: bool = False


@dataclass(frozen=True, slots=True)
class StaffDetail:
    """One payment in full. ``arrived`` and ``left`` are what a typed amount starts from, as plain
    decimals of ``charge_currency``; ``arrived_text`` and ``left_text`` are for reading."""

    row: Row
    account_id: int
    account_name: str
    user: str
    reason: str
    private_note: str
    charged: str
    fee: str
    created: str
    completed: str
    expires: str
    checked: str
    gateway_reference: str
    in_review: bool
    assigned_to: str
    charge_currency: str
    arrived: str
    arrived_text: str
    left: str
    left_text: str
    steps: tuple[StaffStep, ...]
    events: tuple[EventLine, ...]
    linked: tuple[Linked, ...]
    deeds: Deeds


async def detail(portal: Portal, who: Identity, reference: str) -> StaffDetail:
    """Return any account's payment; raises NotAllowed and NotFound."""
    who.require(Role.VIEWER)
    async with portal.db.read() as session:
        payment = await ledger.find_payment(session, reference=reference)
        if payment is None:
            raise NotFound(reference)
        account = await session.get_one(Account, payment.account_id)
        user = await session.get(User, payment.user_id) if payment.user_id else None
        assigned = await session.get(User, payment.assigned_to) if payment.assigned_to else None
        entries = await payments.timeline(session, payment.key)
        linked = await payments.relatives(session, payment)
        left = await refundable(session, payment)
        arrival = await ledger.last_arrival(session, payment)
        query = select(InboxEvent).where(col(InboxEvent.payment_id) == payment.key)
        events = (await session.execute(query.order_by(col(InboxEvent.id)))).scalars().all()
    arrived = arrival[1] if arrival else None
    currency = payment.charge_currency or payment.currency
    return StaffDetail(
        row=reports.row_of(portal, who, payment),
        account_id=account.key,
        account_name=unmasked(account.name),
        user=unmasked(user.email) if user else "",
        reason=staff_wording.reason(payment.reason),
        private_note=unmasked(payment.private_note),
        charged=_money(payment.charge_amount, payment.charge_currency, who),
        fee=_money(payment.fee, payment.currency, who),
        created=_when(payment.created_at, who),
        completed=_when(payment.completed_at, who),
        expires=_when(payment.expires_at, who) if _pending(payment) else "",
        checked=_when(payment.checked_at, who),
        gateway_reference=payment.gateway_reference or "",
        in_review=payment.in_review,
        assigned_to=unmasked(assigned.name) if assigned else "",
        charge_currency=currency,
        arrived=arrived.to_decimal() if arrived and arrived.currency == currency else "",
        arrived_text=formatting.money(arrived, who.locale) if arrived else "",
        left=Money(left, currency).to_decimal() if left else "",
        left_text=_money(left or None, currency, who),
        steps=_steps(who, payment, entries),
        events=tuple(_event(who, event) for event in events),
        linked=tuple(_linked(who, other) for other in linked),
        deeds=_deeds(who, payment, left, approvable(payment, portal.clock())),
    )


def _deeds(who: Identity, payment: Payment, left: int, may_approve: bool) -> Deeds:
    if not who.may(Role.FINANCE):
        return Deeds()
    pending = _pending(payment)
    top_up = payment.kind is PaymentKind.TOP_UP and payment.charge_amount is not None
    asks = payment.gateway is not None and payment.kind in (PaymentKind.TOP_UP, PaymentKind.REFUND)
    completed = payment.status is PaymentStatus.COMPLETED
    return Deeds(
        ask=asks and payment.charge_amount is not None and not completed,
        approve=may_approve,
        cancel=pending,
        credit=top_up and payment.in_review,
        close=payment.in_review and not pending,
        refund=left > 0,
        assign=pending or payment.in_review,
    )


def _steps(
    who: Identity, payment: Payment, entries: Sequence[TimelineEntry]
) -> tuple[StaffStep, ...]:
    return tuple(
        StaffStep(
            _when(entry.at, who),
            staff_wording.step(entry.code),
            entry.actor,
            ". ".join(_noted(who, payment, entry)),
        )
        for entry in entries
    )


def _noted(who: Identity, payment: Payment, entry: TimelineEntry) -> list[str]:
    """Write what an entry keeps: why, who it was given to, figures."""
    kept = entry.details
    arrived, currency = kept.get("arrived"), kept.get("currency") or payment.charge_currency
    balance = kept.get("balance")
    texts = (
        staff_wording.reason(kept.get("reason")),
        str(kept.get("note") or kept.get("to") or ""),
        say("Arrived: {amount}", amount=_money(arrived, currency, who))
        if isinstance(arrived, int)
        else "",
        say("Balance: {amount}", amount=_money(balance, payment.currency, who))
        if balance is not None
        else "",
    )
    return [text for text in texts if text]


def _event(who: Identity, event: InboxEvent) -> EventLine:
    at = _when(event.received_at, who)
    return EventLine(event.kind, at, event.outcome or "waiting", event.times_received)


def _linked(who: Identity, other: Payment) -> Linked:
    total = formatting.money(Money(other.amount, other.currency), who.locale)
    status = wording.STATUSES[other.status]
    return Linked(
        other.reference,
        say("{kind} {total}, {status}", kind=wording.KINDS[other.kind], total=total, status=status),
    )


def _pending(payment: Payment) -> bool:
    return payment.status is PaymentStatus.PENDING


def _money(minor: int | None, currency: str | None, who: Identity) -> str:
    if minor is None or currency is None:
        return ""
    return formatting.money(Money(minor, currency), who.locale)


def _when(at: datetime | None, who: Identity) -> str:
    return "" if at is None else formatting.day_and_time(at, who.locale, who.time_zone)
