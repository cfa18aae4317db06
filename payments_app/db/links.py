"""Links by e-mail with which a user chooses a password."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db.access_models import EmailLink, Purpose
from payments_app.db.models import User


async def find(
    session: AsyncSession, token_hash: bytes, purpose: Purpose, now: datetime
) -> tuple[EmailLink, User] | None:
    """Find a link that can still be used, with its user, who is not disabled.

    Its row is locked until the transaction ends.
    """
    query = (
        select(EmailLink, User)
        .join(User, col(EmailLink.user_id) == col(User.id))
        .where(
            col(EmailLink.token_hash) == token_hash,
            col(EmailLink.purpose) == purpose,
            col(EmailLink.used_at).is_(None),
            col(EmailLink.expires_at) > now,
            col(User.disabled_at).is_(None),
        )
        .with_for_update(of=EmailLink)
    )
    row = (await session.execute(query)).one_or_none()
    return None if row is None else (row[0], row[1])


async def use_up(session: AsyncSession, user_id: int, at: datetime) -> None:
    """Let none of a user's links open anything any more."""
    await session.execute(
        update(EmailLink)
        .where(col(EmailLink.user_id) == user_id, col(EmailLink.used_at).is_(None))
        .values(used_at=at)
    )
