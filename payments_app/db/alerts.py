"""Alerts: one open row for each thing that is wrong."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db.ledger import insert_into
from payments_app.db.work_models import Alert


async def put(
    session: AsyncSession, code: str, subject: str, details: dict[str, Any], at: datetime
) -> bool:
    """Open an alert, or note that it is still so; return whether it is new."""
    insert = insert_into(session, Alert).values(
        code=code, subject=subject, details=details, raised_at=at, seen_at=at
    )
    statement = insert.on_conflict_do_update(
        index_elements=["code", "subject"],
        index_where=text("closed_at is null"),
        set_={"seen_at": insert.excluded.seen_at, "details": insert.excluded.details},
    ).returning(col(Alert.raised_at))
    raised_at: datetime = (await session.execute(statement)).scalar_one()
    return raised_at == at


async def close_unseen(session: AsyncSession, codes: Collection[str], at: datetime) -> None:
    """Close the alerts of these codes that a check at that time did not find again."""
    await session.execute(
        update(Alert)
        .where(col(Alert.closed_at).is_(None), col(Alert.code).in_(codes), col(Alert.seen_at) < at)
        .values(closed_at=at)
    )


async def unacknowledged(session: AsyncSession, limit: int) -> Sequence[Alert]:
    """Return the open alerts that nobody has acknowledged, newest first."""
    query = (
        select(Alert)
        .where(col(Alert.closed_at).is_(None), col(Alert.acknowledged_at).is_(None))
        .order_by(col(Alert.raised_at).desc(), col(Alert.id).desc())
        .limit(limit)
    )
    return (await session.execute(query)).scalars().all()


async def lock(session: AsyncSession, alert_id: int) -> Alert | None:
    """Return an alert that nobody else can change until this transaction ends."""
    query = select(Alert).where(col(Alert.id) == alert_id).with_for_update()
    return (await session.execute(query)).scalar_one_or_none()
