"""The rows of reconciliation: our payments of a day, comparisons, and their differences."""

from collections.abc import Collection, Sequence
from datetime import date, datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db.models import Payment
from payments_app.db.operations_models import Difference, Reconciliation
from payments_app.domain.payment import PaymentKind


async def payments_of(
    session: AsyncSession, gateway: str, since: datetime, until: datetime
) -> Sequence[Payment]:
    """Return a gateway's top-ups that were created or completed in that time."""
    created = col(Payment.created_at).between(since, until)
    completed = col(Payment.completed_at).between(since, until)
    query = select(Payment).where(
        col(Payment.gateway) == gateway,
        col(Payment.kind) == PaymentKind.TOP_UP,
        or_(created, completed),
    )
    return (await session.execute(query)).scalars().all()


async def payments_named(
    session: AsyncSession, gateway: str, references: Collection[str]
) -> Sequence[Payment]:
    """Return a gateway's top-ups by our references."""
    query = select(Payment).where(
        col(Payment.gateway) == gateway,
        col(Payment.kind) == PaymentKind.TOP_UP,
        col(Payment.reference).in_(references),
    )
    return (await session.execute(query)).scalars().all()


async def latest(session: AsyncSession, limit: int) -> Sequence[Reconciliation]:
    """Return comparisons, the latest first."""
    query = select(Reconciliation).order_by(col(Reconciliation.id).desc()).limit(limit)
    return (await session.execute(query)).scalars().all()


async def was_done(session: AsyncSession, gateway: str, day: date) -> bool:
    """Whether a comparison of that day went through."""
    query = select(col(Reconciliation.id)).where(
        col(Reconciliation.gateway) == gateway,
        col(Reconciliation.day) == day,
        col(Reconciliation.failed).is_(None),
    )
    return (await session.execute(query.limit(1))).scalar_one_or_none() is not None


async def differences(
    session: AsyncSession, reconciliation_ids: Collection[int]
) -> Sequence[Difference]:
    """Return the differences of comparisons, in the order they were found."""
    query = (
        select(Difference)
        .where(col(Difference.reconciliation_id).in_(reconciliation_ids))
        .order_by(col(Difference.id))
    )
    return (await session.execute(query)).scalars().all()
