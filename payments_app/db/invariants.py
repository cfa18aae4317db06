"""Queries for what must never be in the tables, whatever the code did."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, case, func, not_, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from payments_app.db.models import InboxEvent, Payment, TimelineEntry
from payments_app.domain.payment import NEGATIVE_KINDS, PaymentKind, PaymentStatus

MOST: Final = 100
"""So many rows are named of each kind; where there are more, these are enough to act on."""

Found = list[tuple[Any, ...]]
"""The rows found, at most ``MOST``."""

_COMPLETIONS: Final = ("completed", "late_money")


async def overdue_events(session: AsyncSession, before: datetime) -> Found:
    """Return (gateway, event id, outcome, fault) of verified webhooks that should have been handled
    before that time, and of dead letters."""
    waits = col(InboxEvent.next_attempt_at)
    query = select(
        col(InboxEvent.gateway),
        col(InboxEvent.event_id),
        col(InboxEvent.outcome),
        col(InboxEvent.fault),
    ).where(
        col(InboxEvent.handled_at).is_(None),
        col(InboxEvent.verified).is_(True),
        or_(waits.is_(None), waits < before),
    )
    return await _first(session, query)


async def forgotten_payments(session: AsyncSession, before: datetime) -> Found:
    """Return (reference, gateway) of gateways' Pending payments that nobody will finish: no one is
    to ask about them, or should have asked before that time, and no member of staff is to look."""
    asks = col(Payment.next_check_at)
    query = select(col(Payment.reference), col(Payment.gateway)).where(
        text("payment.status = 'pending'"),  # As the index has it, not as a parameter.
        # Not "is not null", for which SQLite would walk the whole index of gateways.
        func.coalesce(col(Payment.gateway), "") != "",
        col(Payment.kind).in_([PaymentKind.TOP_UP, PaymentKind.REFUND]),
        col(Payment.in_review).is_(False),
        or_(asks < before, and_(asks.is_(None), col(Payment.created_at) < before)),
    )
    return await _first(session, query)


async def wrong_signs(session: AsyncSession) -> Found:
    """Return (reference, kind, amount) of rows whose amount has the wrong sign for their kind."""
    amount, kind = col(Payment.amount), col(Payment.kind)
    right = case(
        (kind == PaymentKind.TOP_UP, amount > 0),
        (kind.in_(NEGATIVE_KINDS), amount < 0),
        else_=amount != 0,
    )
    query = select(col(Payment.reference), kind, amount).where(not_(right))
    return await _first(session, query)


async def repeated_gateway_references(session: AsyncSession) -> Found:
    """Return (gateway, gateway reference, rows) where more than one row stands for one of the
    gateway's payments."""
    gateway, reference = col(Payment.gateway), col(Payment.gateway_reference)
    query = (
        select(gateway, reference, func.count())
        .where(gateway.is_not(None), reference.is_not(None))
        .group_by(gateway, reference)
        .having(func.count() > 1)
    )
    return await _first(session, query)


async def illegal_histories(session: AsyncSession) -> Found:
    """Return (reference, status, completions, cancellations) of payments whose timeline does not
    lead to their status by legal moves: completed once at most, cancelled before late money."""
    code = col(TimelineEntry.code)
    counts = (
        select(
            col(TimelineEntry.payment_id).label("payment_id"),
            func.sum(case((code.in_(_COMPLETIONS), 1), else_=0)).label("completed"),
            func.sum(case((code == "late_money", 1), else_=0)).label("late"),
            func.sum(case((code == "cancelled", 1), else_=0)).label("cancelled"),
        )
        .group_by(col(TimelineEntry.payment_id))
        .subquery()
    )
    completed, late, cancelled = counts.c.completed, counts.c.late, counts.c.cancelled
    right = case(
        (
            col(Payment.status) == PaymentStatus.COMPLETED,
            and_(completed == 1, late == case((cancelled > 0, 1), else_=0)),
        ),
        (col(Payment.status) == PaymentStatus.CANCELLED, and_(completed == 0, cancelled == 1)),
        else_=and_(completed == 0, cancelled == 0),
    )
    query = (
        select(col(Payment.reference), col(Payment.status), completed, cancelled)
        .join(counts, counts.c.payment_id == col(Payment.id))
        .where(not_(right))
    )
    return await _first(session, query)


async def excessive_refunds(session: AsyncSession) -> Found:
    """Return (reference, charged, given back) of payments of which more was refunded than paid."""
    parent = aliased(Payment)
    back = func.sum(col(Payment.charge_amount))
    query = (
        select(col(parent.reference), col(parent.charge_amount), back)
        .join(parent, col(Payment.parent_id) == col(parent.id))
        .where(
            col(Payment.kind) == PaymentKind.REFUND,
            col(Payment.status) != PaymentStatus.CANCELLED,
        )
        .group_by(col(parent.id), col(parent.reference), col(parent.charge_amount))
        .having(back > func.coalesce(col(parent.charge_amount), 0))
    )
    return await _first(session, query)


async def _first(session: AsyncSession, query: Any) -> Found:
    return [tuple(row) for row in await session.execute(query.limit(MOST))]
