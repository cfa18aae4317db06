"""The inbox of webhooks: stored once, claimed by one worker, marked when handled."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    Integer,
    String,
    case,
    delete,
    literal,
    null,
    select,
    true,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db.dialects import dialect_of
from payments_app.db.ledger import insert_for, insert_into
from payments_app.db.models import InboxEvent
from payments_app.db.unpacked import (
    as_json,
    given,
    table_of,
    text_given,
    time_given,
    unpacked,
)

EMPTY: Final[dict[str, Any]] = {"headers": {}, "body": "", "event": None}
"""What an event holds once its content was removed."""


async def store(session: AsyncSession, values: dict[str, Any]) -> InboxEvent:
    """Store a webhook, or count it when (gateway, event_id) is there already; return the row."""
    insert = insert_into(session, InboxEvent).values(**values)
    statement = insert.on_conflict_do_update(
        index_elements=["gateway", "event_id"],
        set_={"times_received": col(InboxEvent.times_received) + 1},
    ).returning(InboxEvent)
    return (await session.execute(statement)).scalar_one()  # type: ignore[no-any-return]


class Received(NamedTuple):
    """A verified webhook to be stored; ``headers`` and ``event`` are written as JSON.

    ``payment_id`` is set when it is handled: the payment that it completed.
    """

    gateway: str
    event_id: str
    kind: str
    reference: str | None
    gateway_reference: str | None
    headers: str
    body: str
    event: str
    times_received: int
    payment_id: int | None


_AS_THEY_ARE: Final = ("gateway", "event_id", "kind", "reference", "gateway_reference", "body")


async def store_all(
    session: AsyncSession, received: Sequence[Received], outcome: str, now: datetime
) -> dict[tuple[str, str], int]:
    """Store webhooks, each (gateway, event_id) once, as ``store`` does.

    Those of a payment are handled with the ``outcome``. Returns how often each was received by now.
    They are sorted, so that two workers which store the same ones wait for each other instead of
    both for ever.
    """
    rows = [one._asdict() for one in sorted(received)]
    stored = await session.execute(
        _storing(dialect_of(session)), given(rows, at=now, outcome=outcome)
    )
    return {(gateway, event_id): times for gateway, event_id, times in stored}


@cache
def _storing(dialect: str) -> Any:
    event = table_of(InboxEvent)
    texts = dict.fromkeys((*_AS_THEY_ARE, "headers", "event"), String())
    new = unpacked(dialect, **texts, times_received=Integer(), payment_id=BigInteger()).c
    handled, at = new.payment_id.is_not(None), time_given("at")
    values = {
        **{name: new[name] for name in _AS_THEY_ARE},
        "headers": as_json(dialect, new.headers),
        "event": as_json(dialect, new.event),
        "times_received": new.times_received,
        "payment_id": new.payment_id,
        "verified": true(),
        "received_at": at,
        "handled_at": case((handled, at)),
        "outcome": case((handled, text_given("outcome"))),
        "attempts": literal(0),
        "next_attempt_at": case((handled, null()), else_=at),
    }
    inserting = insert_for(dialect, event).from_select(
        list(values), select(*values.values()).where(true())
    )
    times = event.c.times_received + inserting.excluded.times_received
    return inserting.on_conflict_do_update(
        index_elements=["gateway", "event_id"], set_={"times_received": times}
    ).returning(event.c.gateway, event.c.event_id, event.c.times_received)


async def due_gateways(session: AsyncSession, now: datetime) -> Sequence[str]:
    """Return the gateways that have events whose time has come."""
    query = select(col(InboxEvent.gateway)).where(col(InboxEvent.next_attempt_at) <= now).distinct()
    return (await session.execute(query)).scalars().all()


async def claim_due(
    session: AsyncSession, gateway: str, worker: str, now: datetime, lease: timedelta, limit: int
) -> Sequence[InboxEvent]:
    """Take one gateway's events whose time has come, in the order they came.

    They are the worker's until the lease ends: PostgreSQL skips rows that another worker is just
    taking, and SQLite lets one write at a time.
    """
    due = (
        select(InboxEvent)
        .where(col(InboxEvent.next_attempt_at) <= now, col(InboxEvent.gateway) == gateway)
        .order_by(col(InboxEvent.next_attempt_at), col(InboxEvent.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    events = (await session.execute(due)).scalars().all()
    for event in events:
        event.attempts += 1
        event.next_attempt_at = now + lease
        event.claimed_by = worker
    return events


async def mark_handled(
    session: AsyncSession, event_row_id: int, payment_id: int | None, outcome: str, at: datetime
) -> None:
    """Write what an event did; it is never handled again."""
    await session.execute(
        update(InboxEvent)
        .where(col(InboxEvent.id) == event_row_id)
        .values(
            handled_at=at,
            outcome=outcome,
            payment_id=payment_id,
            next_attempt_at=None,
            claimed_by=None,
            fault=None,
        )
    )


async def postpone(
    session: AsyncSession,
    event_row_id: int,
    worker: str,
    until: datetime | None,
    outcome: str,
    fault: str,
) -> None:
    """Set when an event is tried again; None leaves it to staff.

    Nothing happens when the worker's lease had ended and another has taken the event since.
    """
    await session.execute(
        update(InboxEvent)
        .where(col(InboxEvent.id) == event_row_id, col(InboxEvent.claimed_by) == worker)
        .values(next_attempt_at=until, outcome=outcome, fault=fault, claimed_by=None)
    )


async def forget_refused(session: AsyncSession, before: datetime) -> None:
    """Delete what was refused and received before that time."""
    await session.execute(
        delete(InboxEvent).where(
            col(InboxEvent.verified).is_(False), col(InboxEvent.received_at) < before
        )
    )


async def empty_received(session: AsyncSession, before: datetime, now: datetime, limit: int) -> int:
    """Remove the content of up to ``limit`` handled events that came before that time."""
    old = (
        select(col(InboxEvent.id))
        .where(
            col(InboxEvent.received_at) < before,
            col(InboxEvent.emptied_at).is_(None),
            col(InboxEvent.handled_at).is_not(None),
        )
        .limit(limit)
    )
    numbers = (await session.execute(old)).scalars().all()
    await session.execute(
        update(InboxEvent).where(col(InboxEvent.id).in_(numbers)).values(emptied_at=now, **EMPTY)
    )
    return len(numbers)
