"""Queries for statements and receipts: what completed in a period, and the balance before it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db.models import Balance, Payment, TimelineEntry
from payments_app.domain.payment import PaymentStatus


async def balances_at(
    session: AsyncSession, account_id: int, at: datetime | None
) -> dict[str, int]:
    """Return the balance per currency as it was before ``at``; None is now.

    It goes back from the kept balance, so that a recent period reads only what came since.
    """
    kept = select(col(Balance.currency), col(Balance.amount)).where(
        col(Balance.account_id) == account_id
    )
    balances = {row.currency: int(row.amount) for row in await session.execute(kept)}
    if at is None:
        return balances
    later = (
        select(col(Payment.currency), func.sum(col(Payment.amount)))
        .where(
            col(Payment.account_id) == account_id,
            col(Payment.dated_at) >= at,
            col(Payment.status) == PaymentStatus.COMPLETED,
        )
        .group_by(col(Payment.currency))
    )
    for currency, moved in await session.execute(later):
        balances[currency] = balances.get(currency, 0) - int(moved)
    return balances


async def completed(
    session: AsyncSession,
    account_id: int,
    since: datetime | None,
    until: datetime | None,
    limit: int,
) -> Sequence[Payment]:
    """Return up to ``limit`` Completed rows from ``since`` to before ``until``, oldest first."""
    query = select(Payment).where(
        col(Payment.account_id) == account_id, col(Payment.status) == PaymentStatus.COMPLETED
    )
    if since is not None:
        query = query.where(col(Payment.dated_at) >= since)
    if until is not None:
        query = query.where(col(Payment.dated_at) < until)
    query = query.order_by(col(Payment.dated_at), col(Payment.id)).limit(limit)
    return (await session.execute(query)).scalars().all()


async def balances_after(session: AsyncSession, payment_ids: Sequence[int]) -> dict[int, int]:
    """Return the balance that each Completed payment left, by its number.

    It was written into the timeline in the commit that moved the money, so that a page of a list
    costs one look-up, however long the list is.
    """
    query = (
        select(col(TimelineEntry.payment_id), col(TimelineEntry.details))
        .where(
            col(TimelineEntry.payment_id).in_(payment_ids),
            col(TimelineEntry.code).in_(("completed", "late_money")),
        )
        .order_by(col(TimelineEntry.id))
    )
    found = (await session.execute(query)).all()
    return {number: details["balance"] for number, details in found if "balance" in details}
