"""The inbox of webhooks: stored once, claimed by one worker, marked when handled."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db.ledger import insert_into
from payments_app.db.models import InboxEvent


async def store(session: AsyncSession, values: dict[str, Any]) -> InboxEvent:
    """Store a webhook, or count it when (gateway, event_id) is there already; return the row."""
    insert = insert_into(session, InboxEvent).values(**values)
    statement = insert.on_conflict_do_update(
        index_elements=["gateway", "event_id"],
        set_={"times_received": col(InboxEvent.times_received) + 1},
    ).returning(InboxEvent)
    return (await session.execute(statement)).scalar_one()  # type: ignore[no-any-return]


async def claim_due(
    session: AsyncSession, now: datetime, lease: timedelta, limit: int
) -> Sequence[InboxEvent]:
    """Take events whose time has come; until the lease ends no other worker gets them."""
    due = (
        select(InboxEvent)
        .where(col(InboxEvent.next_attempt_at) <= now)
        .order_by(col(InboxEvent.next_attempt_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    events = (await session.execute(due)).scalars().all()
    for event in events:
        event.attempts += 1
        event.next_attempt_at = now + lease
    return events


async def mark_handled(
    session: AsyncSession, event_row_id: int, payment_id: int | None, outcome: str, at: datetime
) -> None:
    """Write what an event did; it is never handled again."""
    await session.execute(
        update(InboxEvent)
        .where(col(InboxEvent.id) == event_row_id)
        .values(handled_at=at, outcome=outcome, payment_id=payment_id, next_attempt_at=None)
    )


async def postpone(
    session: AsyncSession, event_row_id: int, until: datetime | None, outcome: str
) -> None:
    """Set when an event is tried again; None leaves it to staff."""
    await session.execute(
        update(InboxEvent)
        .where(col(InboxEvent.id) == event_row_id)
        .values(next_attempt_at=until, outcome=outcome)
    )
