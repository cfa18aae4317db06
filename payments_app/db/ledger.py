"""The rows that money moves on: locked payments, balances and the timeline."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col

from payments_app.db.models import Balance, Payment, TimelineEntry
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentStatus


def insert_into(session: AsyncSession, table: type[SQLModel]) -> Any:
    """Return the database's own INSERT, which knows ON CONFLICT on SQLite and PostgreSQL alike."""
    dialect = session.get_bind().dialect.name
    return (sqlite if dialect == "sqlite" else postgresql).insert(table)


async def lock_payment(session: AsyncSession, payment_id: int) -> Payment:
    """Return a payment that nobody else can change until this transaction ends."""
    query = (
        select(Payment)
        .where(col(Payment.id) == payment_id)
        .with_for_update()
        # What this session read before it waited for the lock may be out of date by now.
        .execution_options(populate_existing=True)
    )
    return (await session.execute(query)).scalar_one()


async def find_payment(
    session: AsyncSession,
    *,
    reference: str | None = None,
    gateway: str | None = None,
    gateway_reference: str | None = None,
) -> Payment | None:
    """Find a payment by our reference, or else by its gateway's."""
    query = select(Payment)
    if reference:
        query = query.where(col(Payment.reference) == reference)
    elif gateway_reference:
        query = query.where(
            col(Payment.gateway) == gateway, col(Payment.gateway_reference) == gateway_reference
        )
    else:
        return None
    return (await session.execute(query)).scalar_one_or_none()


async def lock_open(session: AsyncSession, references: Collection[str]) -> Sequence[Payment]:
    """Return those of our payments that are Pending and that nobody else is just changing.

    Nobody can until this transaction ends.
    """
    query = (
        select(Payment)
        .where(col(Payment.reference).in_(references), col(Payment.status) == PaymentStatus.PENDING)
        .order_by(col(Payment.id))
        .with_for_update(skip_locked=True)
    )
    return (await session.execute(query)).scalars().all()


async def add_to_balances(
    session: AsyncSession, moves: Mapping[tuple[int, str], int]
) -> dict[tuple[int, str], int]:
    """Move the balances of (account, currency) by minor units; return what they are then.

    Missing rows are made. All are locked in one order, so that no two transactions can wait for
    each other.
    """
    inserting = insert_into(session, Balance)
    statement = inserting.on_conflict_do_update(
        index_elements=["account_id", "currency"],
        set_={"amount": col(Balance.amount) + inserting.excluded.amount},
    ).returning(col(Balance.account_id), col(Balance.currency), col(Balance.amount))
    values = [
        {"account_id": account_id, "currency": currency, "amount": amount}
        for (account_id, currency), amount in sorted(moves.items())
    ]
    moved = (await session.execute(statement, values)).all()
    return {(account_id, currency): amount for account_id, currency, amount in moved}


async def balance_of(session: AsyncSession, account_id: int, currency: str) -> int:
    """Return an account's balance in one currency, in minor units."""
    row = await session.get(Balance, (account_id, currency))
    return row.amount if row else 0


async def wrong_balances(session: AsyncSession) -> Sequence[tuple[int, str, int, int]]:
    """Return (account, currency, kept, recomputed) for each balance that differs from its rows."""
    summed = (
        select(
            col(Payment.account_id),
            col(Payment.currency),
            func.sum(col(Payment.amount)).label("total"),
        )
        .where(col(Payment.status) == PaymentStatus.COMPLETED)
        .group_by(col(Payment.account_id), col(Payment.currency))
        .subquery()
    )
    kept = select(Balance).subquery()
    joined = summed.join(
        kept,
        (summed.c.account_id == kept.c.account_id) & (summed.c.currency == kept.c.currency),
        full=True,
    )
    amount, total = func.coalesce(kept.c.amount, 0), func.coalesce(summed.c.total, 0)
    query = (
        select(
            func.coalesce(summed.c.account_id, kept.c.account_id),
            func.coalesce(summed.c.currency, kept.c.currency),
            amount,
            total,
        )
        .select_from(joined)
        .where(amount != total)
    )
    rows = (await session.execute(query)).all()
    return [(account, currency, int(kept), int(found)) for account, currency, kept, found in rows]


async def was_noted(
    session: AsyncSession, payment: Payment, code: str, noted: Mapping[str, Any]
) -> bool:
    """Tell whether the timeline has an entry of this code with these details."""
    query = select(col(TimelineEntry.details)).where(
        col(TimelineEntry.payment_id) == payment.key, col(TimelineEntry.code) == code
    )
    found = (await session.execute(query)).scalars().all()
    return any(noted.items() <= details.items() for details in found)


async def last_arrival(session: AsyncSession, payment: Payment) -> tuple[int, Money] | None:
    """Return what a gateway last said to have arrived instead of what was asked for, with the
    number of the entry of the timeline that says so."""
    for entry in await _reviews(session, payment):
        if arrived := entry.details.get("arrived"):
            return entry.key, Money(arrived, entry.details["currency"])
    return None


async def last_review_reason(session: AsyncSession, payment: Payment) -> str | None:
    """Return why a payment was last put into review."""
    found = await _reviews(session, payment)
    return found[0].details.get("reason") if found else None


async def _reviews(session: AsyncSession, payment: Payment) -> Sequence[TimelineEntry]:
    """Return the entries that put a payment into review, newest first."""
    query = (
        select(TimelineEntry)
        .where(
            col(TimelineEntry.payment_id) == payment.key,
            col(TimelineEntry.code).in_(("in_review", "mismatch")),
        )
        .order_by(col(TimelineEntry.id).desc())
    )
    return (await session.execute(query)).scalars().all()


def add_timeline(
    session: AsyncSession, payment: Payment, at: datetime, code: str, actor: str, **details: Any
) -> None:
    """Write down one thing that happened to a payment, in the running transaction."""
    session.add(TimelineEntry(**_entry(payment, at, code, actor, details)))


async def add_timelines(
    session: AsyncSession,
    happened: Iterable[tuple[Payment, Mapping[str, Any]]],
    at: datetime,
    code: str,
    actor: str,
) -> None:
    """Write down the same of many payments, each with its own details."""
    entries = [_entry(payment, at, code, actor, details) for payment, details in happened]
    await session.execute(insert(TimelineEntry.__table__), entries)  # type: ignore[attr-defined]


def _entry(
    payment: Payment, at: datetime, code: str, actor: str, details: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "payment_id": payment.key,
        "at": at,
        "code": code,
        "actor": actor,
        "details": details,
    }
