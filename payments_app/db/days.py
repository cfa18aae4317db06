"""What each day brought, per gateway and currency: the figures behind the staff's overview."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Select, case, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db.models import Payment
from payments_app.domain.payment import PaymentKind, PaymentStatus


class DayFigure(NamedTuple):
    """The top-ups of one day (UTC), gateway and currency. ``received`` is in minor units."""

    gateway: str
    currency: str
    completed: int
    cancelled: int
    received: int


async def figures_of(session: AsyncSession, day: date) -> list[DayFigure]:
    """Return a day's figures: one stretch of the index by date, however many rows there are."""
    since = datetime.combine(day, time(), UTC)
    completed = col(Payment.status) == PaymentStatus.COMPLETED
    query: Any = (
        select(
            col(Payment.gateway),
            col(Payment.currency),
            func.sum(case((completed, 1), else_=0)),
            func.sum(case((col(Payment.status) == PaymentStatus.CANCELLED, 1), else_=0)),
            func.sum(case((completed, col(Payment.amount)), else_=0)),
        )
        .where(
            col(Payment.dated_at) >= since,
            col(Payment.dated_at) < since + timedelta(days=1),
            col(Payment.kind) == PaymentKind.TOP_UP,
        )
        .group_by(col(Payment.gateway), col(Payment.currency))
    )
    return [
        DayFigure(gateway or "", currency, int(done), int(gone), int(received))
        for gateway, currency, done, gone, received in await session.execute(query)
    ]


async def pending_since(
    session: AsyncSession, edges: list[datetime]
) -> list[tuple[int, str, int, int]]:
    """Return what is Pending by age: the number of ``edges`` that are later than its creation,
    currency, payments and signed sum. Only the open rows are read, which have an index."""
    age: Any = literal(0)
    for edge in edges:
        age = age + case((col(Payment.created_at) < edge, 1), else_=0)
    found = (
        select(age.label("age"), col(Payment.currency), col(Payment.amount))
        .where(col(Payment.status) == PaymentStatus.PENDING)
        .subquery()
    )
    query: Select[Any] = select(
        found.c.age, found.c.currency, func.count(), func.sum(found.c.amount)
    ).group_by(found.c.age, found.c.currency)
    return [(a, c, n, int(total)) for a, c, n, total in await session.execute(query)]
