"""Queries on what waits for a second member of staff."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db.approval_models import ApprovalRequest
from payments_app.db.models import User

Asked = tuple[ApprovalRequest, User]
"""A request with who asked."""


async def waiting(session: AsyncSession) -> Sequence[Asked]:
    """Return the requests that nobody has decided, oldest first."""
    query = (
        select(ApprovalRequest, User)
        .join(User, col(ApprovalRequest.requested_by) == col(User.id))
        .where(col(ApprovalRequest.decided_at).is_(None))
        .order_by(col(ApprovalRequest.id))
    )
    return [(row[0], row[1]) for row in await session.execute(query)]


async def lock(session: AsyncSession, number: int) -> ApprovalRequest | None:
    """Return a request that nobody else can decide until this transaction ends."""
    query = select(ApprovalRequest).where(col(ApprovalRequest.id) == number).with_for_update()
    return (await session.execute(query)).scalar_one_or_none()
