"""Queries for statements and receipts: what completed in a period, and the balance before it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, bindparam, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db.lines import BALANCE_WRITTEN
from payments_app.db.models import Balance, Payment, TimelineEntry
from payments_app.domain.payment import PaymentKind, PaymentStatus

_BALANCES_LEFT: Final = (
    select(col(TimelineEntry.payment_id), col(TimelineEntry.details))
    .where(
        col(TimelineEntry.payment_id).in_(bindparam("given_ids", expanding=True)),
        col(TimelineEntry.code).in_(BALANCE_WRITTEN),
    )
    .order_by(col(TimelineEntry.id))
)


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
    found = (await session.execute(_BALANCES_LEFT, {"given_ids": payment_ids})).all()
    return {number: details["balance"] for number, details in found if "balance" in details}


async def sums_by_kind(
    session: AsyncSession, account_id: int, currency: str, since: datetime
) -> list[tuple[PaymentKind, int, int]]:
    """Return kind, number of rows and signed sum of what completed from ``since`` on."""
    query = (
        select(col(Payment.kind), func.count(), func.sum(col(Payment.amount)))
        .where(*_counted(account_id, currency, since))
        .group_by(col(Payment.kind))
    )
    return [(kind, rows, int(sum_)) for kind, rows, sum_ in await session.execute(query)]


async def newest_counted(
    session: AsyncSession, account_id: int, currency: str, since: datetime, limit: int
) -> Sequence[Payment]:
    """Return the newest rows of those that moved a balance from ``since`` on."""
    query = (
        select(Payment)
        .where(*_counted(account_id, currency, since))
        .order_by(col(Payment.dated_at).desc(), col(Payment.id).desc())
        .limit(limit)
    )
    return (await session.execute(query)).scalars().all()


async def sums_between(
    session: AsyncSession, account_id: int, currency: str, edges: Sequence[datetime]
) -> list[tuple[int, int]]:
    """Return what came in and what went out, both positive, from each edge to before the next.

    The last stretch is open, so that everything up to now counts. All stretches are summed in one
    look at the rows, in the reader's own days, on every database alike.
    """
    at, amount = col(Payment.dated_at), col(Payment.amount)
    sums = []
    for number, start in enumerate(edges[:-1]):
        inside = at >= start
        if number < len(edges) - 2:
            inside &= at < edges[number + 1]
        sums.append(func.sum(case((inside & (amount > 0), amount), else_=0)))
        sums.append(func.sum(case((inside & (amount < 0), -amount), else_=0)))
    query = select(*sums).where(*_counted(account_id, currency, edges[0]))
    found = [int(sum_ or 0) for sum_ in (await session.execute(query)).one()]
    return list(zip(found[::2], found[1::2], strict=True))


def _counted(account_id: int, currency: str, since: datetime) -> list[ColumnElement[bool]]:
    return [
        col(Payment.account_id) == account_id,
        col(Payment.currency) == currency,
        col(Payment.status) == PaymentStatus.COMPLETED,
        col(Payment.dated_at) >= since,
    ]
