"""Queries on users and their login sessions."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db.models import Account, LoginSession, User

Login = tuple[LoginSession, User, Account | None]
"""A login session with its user, and the user's account unless it is staff."""


async def find_user(session: AsyncSession, email: str) -> tuple[User, Account | None] | None:
    """Find a user by lower-case e-mail address, with the account."""
    query = (
        select(User, Account)
        .outerjoin(Account, col(User.account_id) == col(Account.id))
        .where(col(User.email) == email)
    )
    row = (await session.execute(query)).one_or_none()
    return None if row is None else (row[0], row[1])


async def find_login(session: AsyncSession, token_hash: bytes) -> Login | None:
    """Find a login session by the hash of its token, whether it still holds or not."""
    query = (
        select(LoginSession, User, Account)
        .join(User, col(LoginSession.user_id) == col(User.id))
        .outerjoin(Account, col(User.account_id) == col(Account.id))
        .where(col(LoginSession.token_hash) == token_hash)
    )
    row = (await session.execute(query)).one_or_none()
    return None if row is None else (row[0], row[1], row[2])


async def mark_seen(session: AsyncSession, session_id: int, at: datetime) -> None:
    """Write when a login session was last used."""
    await session.execute(
        update(LoginSession).where(col(LoginSession.id) == session_id).values(last_seen_at=at)
    )


async def revoke(session: AsyncSession, token_hash: bytes, at: datetime) -> None:
    """End a login session; one that has ended already keeps its time."""
    await session.execute(
        update(LoginSession)
        .where(col(LoginSession.token_hash) == token_hash, col(LoginSession.revoked_at).is_(None))
        .values(revoked_at=at)
    )


async def set_password_hash(session: AsyncSession, user_id: int, password_hash: str) -> None:
    """Replace a user's password hash."""
    await session.execute(
        update(User).where(col(User.id) == user_id).values(password_hash=password_hash)
    )
