"""Payments that staff add by hand: purchases, adjustments and money that came another way."""

from dataclasses import asdict, dataclass
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db import ledger
from payments_app.db.models import Payment
from payments_app.domain.errors import InvalidRequest
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentKind, PaymentStatus, Reason, Role
from payments_app.gateways.base import PaymentResult
from payments_app.services import approvals, audit, debit_limit, mail
from payments_app.services.audit import Actor
from payments_app.services.context import Portal
from payments_app.services.identity import Identity
from payments_app.services.live import Change
from payments_app.services.references import new_reference
from payments_app.services.settlement import apply

ADD: Final = "payment"
"""The action of a request that waits for a second person."""

PRIVATE_MARK: Final = "#"
"""What stands behind it in a typed description is for staff only."""

LONGEST_TEXT: Final = 500
KINDS: Final = (PaymentKind.CHARGE, PaymentKind.TOP_UP, PaymentKind.ADJUSTMENT)


@dataclass(frozen=True, slots=True)
class Entry:
    """What staff typed. ``amount`` is signed minor units and ``fee`` is for reference only, in the
    same currency. The same ``key`` makes one payment per account."""

    account_id: int
    text: str
    amount: int
    currency: str
    kind: PaymentKind
    status: PaymentStatus
    key: str
    fee: int | None = None
    confirm_by_email: bool = False


_ENTRY: Final = TypeAdapter(Entry)


def split_private(text: str) -> tuple[str, str]:
    """Return the description and the private note of a typed text (``SIM cards # bad payer``)."""
    public, _, private = text.partition(PRIVATE_MARK)
    return public.strip(), private.strip()


async def add(portal: Portal, who: Identity, entry: Entry, address: str = "") -> str | None:
    """Book a payment by hand and return its reference; None when it waits for a second person.

    Raises NotAllowed, and InvalidRequest: ``account`` unknown, ``total`` whose sign is not its
    kind's or that a charge would take below the account's debit limit, ``text`` too long.
    """
    who.require(Role.FINANCE)
    _check(entry)
    actor = Actor.of(who, address)
    amount = Money(entry.amount, entry.currency)
    if not approvals.needs_second(portal, amount):
        return await book(portal, who, entry, actor)
    order = _ENTRY.dump_python(entry, mode="json")
    reason = entry.text[:LONGEST_TEXT] or entry.kind.value
    await approvals.ask(portal, actor, ADD, f"account:{entry.account_id}", amount, order, reason)
    return None


def read_entry(order: dict[str, Any]) -> Entry:
    """Return the entry that a request keeps."""
    return _ENTRY.validate_python(order)


async def book(portal: Portal, who: Identity, entry: Entry, actor: Actor, request: int = 0) -> str:
    """Write the payment, with the approved ``request`` marked in the same commit."""
    now = portal.clock()
    async with portal.db.write() as session:
        account = await debit_limit.lock_account(session, entry.account_id)
        if account is None or account.disabled_at is not None:
            raise InvalidRequest("account", "unknown")
        if earlier := await _earlier(session, entry):
            return earlier.reference
        if entry.kind is PaymentKind.CHARGE and entry.status is not PaymentStatus.CANCELLED:
            await debit_limit.check(session, account, Money(entry.amount, entry.currency))
        row = _row(portal, entry, who.user_id)
        session.add(row)
        await session.flush()
        ledger.add_timeline(session, row, now, "created", actor.name)
        if entry.status is not PaymentStatus.PENDING:
            result = PaymentResult(entry.status, None, reason=Reason.CANCELLED_BY_STAFF)
            await apply(session, row, result, actor.name, now, portal)
        if entry.confirm_by_email and row.status is PaymentStatus.COMPLETED:
            await mail.payment_received(session, row)
        if request:
            taken = await approvals.take(session, portal, who, request, approved=True)
            taken.payment_reference = row.reference
        after = {**asdict(entry), "request": request} if request else asdict(entry)
        await audit.record(
            session, now, actor, "payment_added", f"payment:{row.reference}", after=after
        )
    await portal.feed.publish(Change(row.key, row.account_id))
    if request:
        await portal.feed.announce(approvals.APPROVALS_TOPIC)
    return row.reference


def _check(entry: Entry) -> None:
    if entry.kind not in KINDS:
        raise InvalidRequest("kind", "not_offered")
    if entry.amount == 0:
        raise InvalidRequest("total", "zero")
    if entry.kind is PaymentKind.CHARGE and entry.amount > 0:
        raise InvalidRequest("total", "not_negative")
    if entry.kind is PaymentKind.TOP_UP and entry.amount < 0:
        raise InvalidRequest("total", "not_positive")
    if entry.fee is not None and entry.fee < 0:
        raise InvalidRequest("fee", "negative")
    if max(map(len, split_private(entry.text))) > LONGEST_TEXT:
        raise InvalidRequest("text", "too_long", limit=LONGEST_TEXT)


async def _earlier(session: AsyncSession, entry: Entry) -> Payment | None:
    query = select(Payment).where(
        col(Payment.account_id) == entry.account_id, col(Payment.idempotency_key) == entry.key
    )
    return (await session.execute(query)).scalar_one_or_none()


def _row(portal: Portal, entry: Entry, user_id: int) -> Payment:
    now = portal.clock()
    description, private_note = split_private(entry.text)
    return Payment(
        reference=new_reference("M"),
        account_id=entry.account_id,
        user_id=user_id,
        kind=entry.kind,
        amount=entry.amount,
        currency=entry.currency,
        fee=entry.fee,
        description=description,
        private_note=private_note,
        idempotency_key=entry.key,
        created_at=now,
        dated_at=now,
    )
