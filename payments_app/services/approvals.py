"""The second person: what is above the limit waits until someone else of the staff agrees."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from payments_app.db import approvals
from payments_app.db.approval_models import ApprovalRequest
from payments_app.domain.errors import IllegalTransition, NotAllowed, NotFound
from payments_app.domain.money import Money
from payments_app.domain.payment import Role
from payments_app.services import audit, formatting
from payments_app.services.audit import Actor
from payments_app.services.context import Portal
from payments_app.services.identity import Identity

APPROVALS_TOPIC: Final = "approvals"
"""Announced on the feed when a request was made or decided."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One request that waits. ``own`` marks the reader's, who may only withdraw it."""

    id: int
    action: str
    subject: str
    amount: str
    reason: str
    asked_by: str
    asked_at: str
    own: bool


def needs_second(portal: Portal, amount: Money) -> bool:
    """Tell whether an amount, of either sign, is above its currency's limit."""
    limit = portal.settings.second_person_above.get(amount.currency)
    if limit is None:
        return False
    return abs(amount.minor) > Money.from_decimal(limit, amount.currency).minor


async def ask(
    portal: Portal,
    actor: Actor,
    action: str,
    subject: str,
    amount: Money,
    order: Mapping[str, Any],
    reason: str,
) -> None:
    """Write down what someone else has to approve; nothing else happens yet."""
    now = portal.clock()
    async with portal.db.write() as session:
        request = ApprovalRequest(
            action=action,
            subject=subject,
            amount=amount.minor,
            currency=amount.currency,
            order=dict(order),
            reason=reason,
            requested_by=actor.user_id or 0,
            requested_at=now,
        )
        session.add(request)
        await session.flush()
        after = {"request": request.key, "amount": amount.to_decimal(), "why": reason}
        await audit.record(session, now, actor, "approval_requested", subject, after=after)
    await portal.feed.announce(APPROVALS_TOPIC)


async def waiting(portal: Portal, who: Identity) -> tuple[Waiting, ...]:
    """Return what waits for a decision, oldest first; raises NotAllowed."""
    who.require(Role.VIEWER)
    async with portal.db.read() as session:
        found = await approvals.waiting(session)
    return tuple(
        Waiting(
            id=request.key,
            action=request.action,
            subject=request.subject,
            amount=formatting.money(Money(request.amount, request.currency), who.locale),
            reason=request.reason,
            asked_by=user.name,
            asked_at=formatting.day_and_time(request.requested_at, who.locale, who.time_zone),
            own=request.requested_by == who.user_id,
        )
        for request, user in found
    )


async def take(
    session: AsyncSession, portal: Portal, who: Identity, number: int, *, approved: bool
) -> ApprovalRequest:
    """Mark a request decided in the caller's transaction, which then does what it asks for.

    Raises NotFound, NotAllowed for the one who asked, IllegalTransition when it is decided already.
    """
    who.require(Role.FINANCE)
    request = await approvals.lock(session, number)
    if request is None:
        raise NotFound(f"request {number}")
    if request.decided_at is not None:
        raise IllegalTransition(f"request {number} is decided")
    if request.requested_by == who.user_id:
        raise NotAllowed("a second person has to decide")
    request.decided_by, request.decided_at = who.user_id, portal.clock()
    request.approved = approved
    return request
