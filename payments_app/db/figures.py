"""Figures for monitoring, cheap on any number of rows: each reads an index, or the last hour."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db.models import InboxEvent, Payment
from payments_app.domain.payment import PaymentKind, PaymentStatus

_MOST_ROWS = 1000


async def outcomes(session: AsyncSession, since: datetime) -> Sequence[tuple[str, str, int]]:
    """Count the payments dated since then, by gateway (empty: of none) and status."""
    gateway = func.coalesce(col(Payment.gateway), "")
    query = (
        select(gateway, col(Payment.status), func.count())
        .where(col(Payment.dated_at) >= since)
        .group_by(gateway, col(Payment.status))
    )
    return [(code, status.value, rows) for code, status, rows in await session.execute(query)]


async def settlement_times(session: AsyncSession, since: datetime) -> list[float]:
    """Return how many seconds top-ups took that completed since then, at most the newest 1000."""
    query = (
        select(col(Payment.created_at), col(Payment.completed_at))
        .where(
            col(Payment.dated_at) >= since,
            col(Payment.status) == PaymentStatus.COMPLETED,
            col(Payment.kind) == PaymentKind.TOP_UP,
        )
        .order_by(col(Payment.dated_at).desc())
        .limit(_MOST_ROWS)
    )
    return [(end - start).total_seconds() for start, end in await session.execute(query) if end]


async def oldest_pending(session: AsyncSession) -> datetime | None:
    """Return when the oldest payment was made that is still asked about."""
    query = select(func.min(col(Payment.created_at))).where(
        col(Payment.next_check_at).is_not(None), col(Payment.status) == PaymentStatus.PENDING
    )
    return (await session.execute(query)).scalar_one()


async def inbox(session: AsyncSession) -> tuple[int, datetime | None]:
    """Return how many webhooks wait to be handled, and when the oldest of them came."""
    query = select(func.count(), func.min(col(InboxEvent.received_at))).where(
        col(InboxEvent.next_attempt_at).is_not(None)
    )
    rows, oldest = (await session.execute(query)).one()
    return rows, oldest
