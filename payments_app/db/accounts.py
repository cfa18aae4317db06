"""Queries on users and their login sessions."""

import hmac
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db.access_models import RecoveryCode
from payments_app.db.models import Account, LoginSession, Payment, User

Login = tuple[LoginSession, User, Account | None]
"""A login session with its user, and the account that it shows: a customer's own, or the one that
staff view as its customer."""

_LOGIN: Final = (
    select(LoginSession, User, Account)
    .join(User, col(LoginSession.user_id) == col(User.id))
    .outerjoin(
        Account,
        func.coalesce(col(User.account_id), col(LoginSession.view_as_account_id))
        == col(Account.id),
    )
    .where(col(LoginSession.token_hash) == bindparam("given_hash"))
)
"""Put together once, since every event and request asks it."""


async def find_user(session: AsyncSession, email: str) -> tuple[User, Account | None] | None:
    """Find a user by lower-case e-mail address, with the account."""
    query = (
        select(User, Account)
        .outerjoin(Account, col(User.account_id) == col(Account.id))
        .where(col(User.email) == email)
    )
    row = (await session.execute(query)).one_or_none()
    return None if row is None else (row[0], row[1])


async def payer(session: AsyncSession, payment: Payment) -> tuple[str, ...]:
    """Return name and e-mail address of the customer who made a payment; nothing of staff."""
    query = select(col(User.name), col(User.email)).where(
        col(User.id) == payment.user_id, col(User.account_id) == payment.account_id
    )
    return tuple((await session.execute(query)).one_or_none() or ())


async def find_login(session: AsyncSession, token_hash: bytes) -> Login | None:
    """Find a login session by the hash of its token, whether it still holds or not."""
    row = (await session.execute(_LOGIN, {"given_hash": token_hash})).one_or_none()
    return None if row is None else (row[0], row[1], row[2])


async def mark_seen(session: AsyncSession, session_id: int, at: datetime) -> None:
    """Write when a login session was last used."""
    await session.execute(
        update(LoginSession).where(col(LoginSession.id) == session_id).values(last_seen_at=at)
    )


async def set_password_hash(session: AsyncSession, user_id: int, password_hash: str) -> None:
    """Replace a user's password hash."""
    await session.execute(
        update(User).where(col(User.id) == user_id).values(password_hash=password_hash)
    )


async def open_logins(session: AsyncSession, user_id: int, now: datetime) -> Sequence[LoginSession]:
    """Return a user's login sessions that have not ended, the latest seen first."""
    query = (
        select(LoginSession)
        .where(
            col(LoginSession.user_id) == user_id,
            col(LoginSession.revoked_at).is_(None),
            col(LoginSession.expires_at) > now,
        )
        .order_by(col(LoginSession.last_seen_at).desc(), col(LoginSession.id).desc())
    )
    return (await session.execute(query)).scalars().all()


async def open_sessions(
    session: AsyncSession, session_ids: Collection[int], now: datetime, seen_after: datetime
) -> dict[int, int | None]:
    """Return those of the login sessions that still hold, with the account that each shows.

    What ends a session is what ``services.accounts.identify`` says of a single one.
    """
    shown = func.coalesce(col(User.account_id), col(LoginSession.view_as_account_id))
    query: Any = (
        select(col(LoginSession.id), shown)
        .join(User, col(LoginSession.user_id) == col(User.id))
        .outerjoin(Account, col(User.account_id) == col(Account.id))
        .where(
            col(LoginSession.id).in_(session_ids),
            col(LoginSession.revoked_at).is_(None),
            col(LoginSession.expires_at) > now,
            col(LoginSession.last_seen_at) > seen_after,
            col(User.disabled_at).is_(None),
            col(Account.disabled_at).is_(None),
        )
    )
    return {row[0]: row[1] for row in await session.execute(query)}


async def revoke_all(
    session: AsyncSession, user_id: int, at: datetime, *, but: int | None = None
) -> list[int]:
    """End a user's login sessions, except one; returns those that were open."""
    ended = [login.key for login in await open_logins(session, user_id, at) if login.key != but]
    await revoke_logins(session, ended, at)
    return ended


async def revoke_logins(session: AsyncSession, session_ids: Sequence[int], at: datetime) -> None:
    """End login sessions by their numbers."""
    await session.execute(
        update(LoginSession).where(col(LoginSession.id).in_(session_ids)).values(revoked_at=at)
    )


async def set_view(session: AsyncSession, session_id: int, account_id: int | None) -> None:
    """Let a login session show an account as its customers see it, or no longer."""
    await session.execute(
        update(LoginSession)
        .where(col(LoginSession.id) == session_id)
        .values(view_as_account_id=account_id)
    )


async def lock_user(session: AsyncSession, user_id: int) -> User:
    """Return a user whom nobody else can change until this transaction ends."""
    query = select(User).where(col(User.id) == user_id).with_for_update()
    return (await session.execute(query)).scalar_one()


async def unused_codes(session: AsyncSession, user_id: int) -> Sequence[RecoveryCode]:
    """Return the recovery codes that a user still has."""
    query = select(RecoveryCode).where(
        col(RecoveryCode.user_id) == user_id, col(RecoveryCode.used_at).is_(None)
    )
    return (await session.execute(query)).scalars().all()


async def replace_codes(session: AsyncSession, user_id: int, hashes: Sequence[bytes]) -> None:
    """Give a user these recovery codes instead of all earlier ones."""
    await session.execute(delete(RecoveryCode).where(col(RecoveryCode.user_id) == user_id))
    session.add_all(RecoveryCode(user_id=user_id, code_hash=code_hash) for code_hash in hashes)


async def use_code(session: AsyncSession, user_id: int, code_hash: bytes, at: datetime) -> bool:
    """Use a recovery code up; returns False when there is no unused one of this hash."""
    for code in await unused_codes(session, user_id):
        if hmac.compare_digest(code.code_hash, code_hash):
            code.used_at = at
            return True
    return False


async def is_new_device(session: AsyncSession, user_id: int, device_hash: bytes) -> bool:
    """Tell whether a user has logged in before, but never from this device."""
    before = select(col(LoginSession.device_hash)).where(col(LoginSession.user_id) == user_id)
    known = set((await session.execute(before.distinct())).scalars())
    return bool(known) and device_hash not in known


async def find_reserved_email(session: AsyncSession) -> str | None:
    """Find an active user below .example, where nobody can have an address (RFC 2606)."""
    query = select(col(User.email)).where(
        col(User.email).endswith(".example"), col(User.disabled_at).is_(None)
    )
    return (await session.execute(query.limit(1))).scalar_one_or_none()
