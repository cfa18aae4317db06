"""The review queue: every payment that waits for staff, with what is known from both sides."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db import ledger
from payments_app.db.models import Account, Payment, User
from payments_app.domain.languages import later
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentKind, PaymentStatus, Role
from payments_app.services import formatting, reports, staff_wording, wording
from payments_app.services.catalogues import say
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.unmasked import unmasked

MOST_SHOWN: Final = 200
OVERDUE: Final = later("Pending past its time")


class Whose(StrEnum):
    """Which part of the queue is shown."""

    ALL = "all"
    MINE = "mine"
    NOBODYS = "nobodys"


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One payment that waits. ``asked`` is what we asked for, ``said`` what the other side says."""

    id: int
    reference: str
    why: str
    account: str
    method: str
    asked: str
    said: str
    since: str
    status: str
    status_label: str
    assigned_to: str


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits, oldest first."""

    rows: tuple[QueueRow, ...]
    more: bool


async def queue(portal: Portal, who: Identity, whose: Whose) -> Queue:
    """Return what waits for staff, oldest first; raises NotAllowed."""
    who.require(Role.VIEWER)
    overdue = and_(
        col(Payment.status) == PaymentStatus.PENDING,
        col(Payment.kind) == PaymentKind.TOP_UP,
        col(Payment.expires_at) <= portal.clock(),
    )
    query = (
        select(Payment, Account, User)
        .join(Account, col(Payment.account_id) == col(Account.id))
        .outerjoin(User, col(Payment.assigned_to) == col(User.id))
        .where(or_(col(Payment.in_review), overdue))
        .order_by(col(Payment.id))
        .limit(MOST_SHOWN + 1)
    )
    if whose is Whose.MINE:
        query = query.where(col(Payment.assigned_to) == who.user_id)
    elif whose is Whose.NOBODYS:
        query = query.where(col(Payment.assigned_to).is_(None))
    async with portal.db.read() as session:
        found = (await session.execute(query)).all()
        rows = [await _row(session, portal, who, *each) for each in found[:MOST_SHOWN]]
    return Queue(tuple(rows), len(found) > MOST_SHOWN)


async def _row(
    session: AsyncSession,
    portal: Portal,
    who: Identity,
    payment: Payment,
    account: Account,
    assigned: User | None,
) -> QueueRow:
    arrival = await ledger.last_arrival(session, payment)
    asked, currency = payment.charge_amount, payment.charge_currency
    shown = (
        Money(asked, currency) if asked and currency else Money(payment.amount, payment.currency)
    )
    return QueueRow(
        id=payment.key,
        reference=payment.reference,
        why=await _why(session, payment),
        account=unmasked(account.name),
        method=reports.method_text(portal, payment.gateway, payment.channel, payment.method_detail),
        asked=formatting.money(shown, who.locale),
        said=formatting.money(arrival[1], who.locale) if arrival else "",
        since=formatting.day_and_time(payment.created_at, who.locale, who.time_zone),
        status=payment.status.value,
        status_label=wording.STATUSES[payment.status],
        assigned_to=unmasked(assigned.name) if assigned else "",
    )


async def _why(session: AsyncSession, payment: Payment) -> str:
    """Say what is wrong; a finished payment keeps its own reason, so its timeline tells."""
    if not payment.in_review:
        return say(OVERDUE)
    if payment.status is PaymentStatus.PENDING:
        return staff_wording.reason(payment.reason)
    noted = await ledger.last_review_reason(session, payment)
    return staff_wording.reason(noted or payment.reason)


async def account_choices(portal: Portal, who: Identity, text: str) -> Sequence[tuple[int, str]]:
    """Return up to twenty open accounts whose name holds the text, by name."""
    who.require(Role.VIEWER)
    query = (
        select(Account)
        .where(
            col(Account.disabled_at).is_(None), col(Account.name).icontains(text, autoescape=True)
        )
        .order_by(col(Account.name), col(Account.id))
        .limit(20)
    )
    async with portal.db.read() as session:
        found = (await session.execute(query)).scalars().all()
    return [(account.key, account.name) for account in found]
