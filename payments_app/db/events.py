"""Queries for the list of webhooks: filtered, searched by reference, paged by keyset."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, and_, func, or_, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db.models import InboxEvent, Payment

UNMATCHED: Final = "unmatched"
"""The outcome of an event that belongs to no payment of ours."""


class EventState(StrEnum):
    """Where a webhook stands: acted on, of no payment, to be tried (again), given up, refused."""

    HANDLED = "handled"
    UNMATCHED = "unmatched"
    WAITING = "waiting"
    DEAD = "dead"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which webhooks to list. ``until`` is exclusive; ``search`` is one whole reference or id."""

    gateway: str | None = None
    state: EventState | None = None
    since: datetime | None = None
    until: datetime | None = None
    search: str = ""


def state_of(event: InboxEvent) -> EventState:
    """Return where a webhook stands."""
    if not event.verified:
        return EventState.REFUSED
    if event.handled_at is not None:
        return EventState.UNMATCHED if event.outcome == UNMATCHED else EventState.HANDLED
    return EventState.WAITING if event.next_attempt_at is not None else EventState.DEAD


def _in_state(state: EventState) -> ColumnElement[bool]:
    verified = col(InboxEvent.verified).is_(True)
    handled = col(InboxEvent.handled_at).is_not(None)
    unmatched = col(InboxEvent.outcome) == UNMATCHED
    due = col(InboxEvent.next_attempt_at).is_not(None)
    return {
        EventState.REFUSED: ~verified,
        EventState.HANDLED: and_(verified, handled, ~unmatched),
        EventState.UNMATCHED: and_(verified, handled, unmatched),
        EventState.WAITING: and_(verified, ~handled, due),
        EventState.DEAD: and_(verified, ~handled, ~due),
    }[state]


def _named(name: str, gateways: Collection[str]) -> ColumnElement[bool]:
    """Match a reference, the gateway's or ours, or the event's own id: each through an index."""
    payments = select(col(Payment.id)).where(
        or_(
            col(Payment.reference) == name,
            and_(
                col(Payment.gateway).in_(gateways),
                col(Payment.gateway_reference) == name,
            ),
        )
    )
    return or_(
        col(InboxEvent.reference) == name,
        col(InboxEvent.gateway_reference) == name,
        col(InboxEvent.payment_id).in_(payments),
        and_(col(InboxEvent.gateway).in_(gateways), col(InboxEvent.event_id) == name),
    )


async def page(
    session: AsyncSession,
    chosen: EventFilter,
    gateways: Collection[str],
    after: tuple[datetime, int] | None,
    limit: int,
) -> Sequence[tuple[InboxEvent, str | None]]:
    """Return webhooks, newest first, each with its payment's reference.

    ``gateways`` are all codes there are; ``after`` is (received_at, id) of the row before the page.
    """
    key = tuple_(col(InboxEvent.received_at), col(InboxEvent.id))
    query = select(InboxEvent, col(Payment.reference)).join(
        Payment, col(Payment.id) == col(InboxEvent.payment_id), isouter=True
    )
    if chosen.gateway:
        query = query.where(col(InboxEvent.gateway) == chosen.gateway)
    if chosen.state:
        query = query.where(_in_state(chosen.state))
    if chosen.since:
        query = query.where(col(InboxEvent.received_at) >= chosen.since)
    if chosen.until:
        query = query.where(col(InboxEvent.received_at) < chosen.until)
    if chosen.search:
        query = query.where(_named(chosen.search, gateways))
    if after is not None:
        query = query.where(key < after)
    newest = (col(InboxEvent.received_at).desc(), col(InboxEvent.id).desc())
    rows = (await session.execute(query.order_by(*newest).limit(limit))).all()
    return [(event, reference) for event, reference in rows]


async def find(session: AsyncSession, event_row_id: int) -> tuple[InboxEvent, str | None] | None:
    """Return one webhook with its payment's reference."""
    query = (
        select(InboxEvent, col(Payment.reference))
        .join(Payment, col(Payment.id) == col(InboxEvent.payment_id), isouter=True)
        .where(col(InboxEvent.id) == event_row_id)
    )
    row = (await session.execute(query)).one_or_none()
    return None if row is None else (row[0], row[1])


_NO_PAYMENT: Final = text("gateway_event.outcome = 'unmatched'")
"""As the index has it, not as a parameter."""


async def unmatched(session: AsyncSession, limit: int) -> Sequence[InboxEvent]:
    """Return the newest webhooks that belong to no payment."""
    query = select(InboxEvent).where(_NO_PAYMENT, _in_state(EventState.UNMATCHED))
    query = query.order_by(col(InboxEvent.id).desc()).limit(limit)
    return (await session.execute(query)).scalars().all()


async def count_unmatched(session: AsyncSession) -> int:
    """Return how many webhooks belong to no payment."""
    query = select(func.count()).select_from(InboxEvent)
    query = query.where(_NO_PAYMENT, _in_state(EventState.UNMATCHED))
    return (await session.execute(query)).scalar_one()


async def count_unhandled(session: AsyncSession) -> int:
    """Return how many verified webhooks came to nothing and can be replayed."""
    query = select(func.count()).select_from(InboxEvent).where(_unhandled())
    return (await session.execute(query)).scalar_one()


def _unhandled() -> ColumnElement[bool]:
    nothing_done = or_(_in_state(EventState.DEAD), _in_state(EventState.UNMATCHED))
    return and_(nothing_done, col(InboxEvent.emptied_at).is_(None))


async def schedule_again(
    session: AsyncSession, now: datetime, event_row_id: int | None = None
) -> Sequence[int]:
    """Make one verified webhook due again, or all that are unhandled; return their numbers.

    One that is still waiting for its next try is tried at once; one without its content never.
    """
    if event_row_id is None:
        chosen = _unhandled()
    else:
        chosen = and_(col(InboxEvent.id) == event_row_id, col(InboxEvent.verified).is_(True))
    statement = (
        update(InboxEvent)
        .where(chosen, col(InboxEvent.emptied_at).is_(None))
        .values(next_attempt_at=now, handled_at=None, attempts=0, outcome="replayed")
        .returning(col(InboxEvent.id))
    )
    numbers = (await session.execute(statement)).scalars().all()
    return sorted(number for number in numbers if number is not None)
