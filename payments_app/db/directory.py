"""Queries for the staff's list of accounts, their users and notes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, literal, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db.models import Account, Balance, Payment, User
from payments_app.db.staff_models import AccountNote

Cursor = tuple[str, int]
"""Where a page starts: name and number of the account before it."""


@dataclass(frozen=True, slots=True)
class Line:
    """An account with when it was last paid on, and how many users it has."""

    account: Account
    last_payment: datetime | None
    users: int


async def page(
    session: AsyncSession, search: str, after: Cursor | None, limit: int
) -> Sequence[Line]:
    """Return up to ``limit`` accounts behind the cursor, by name.

    The search looks at names and at the e-mail addresses of users.
    """
    last = (
        select(func.max(col(Payment.dated_at)))
        .where(col(Payment.account_id) == col(Account.id))
        .scalar_subquery()
    )
    users = (
        select(func.count())
        .where(col(User.account_id) == col(Account.id), col(User.disabled_at).is_(None))
        .scalar_subquery()
    )
    query = select(Account, last, users).order_by(col(Account.name), col(Account.id)).limit(limit)
    if search:
        by_user = select(col(User.account_id)).where(
            col(User.email).icontains(search, autoescape=True)
        )
        query = query.where(
            or_(
                col(Account.name).icontains(search, autoescape=True),
                col(Account.id).in_(by_user),
            )
        )
    if after is not None:
        key = tuple_(col(Account.name), col(Account.id))
        query = query.where(key > tuple_(literal(after[0]), literal(after[1])))
    return [Line(*row) for row in await session.execute(query)]


async def balances(
    session: AsyncSession, account_ids: Sequence[int]
) -> dict[int, list[tuple[str, int]]]:
    """Return currency and amount of every balance of the accounts, by account."""
    query = (
        select(Balance)
        .where(col(Balance.account_id).in_(account_ids))
        .order_by(col(Balance.account_id), col(Balance.currency))
    )
    found: dict[int, list[tuple[str, int]]] = {}
    for row in (await session.execute(query)).scalars():
        found.setdefault(row.account_id, []).append((row.currency, row.amount))
    return found


async def users_of(session: AsyncSession, account_id: int | None) -> Sequence[User]:
    """Return the users of an account, or the staff for None, by name."""
    query = (
        select(User)
        .where(col(User.account_id) == account_id)
        .order_by(col(User.name), col(User.id))
    )
    return (await session.execute(query)).scalars().all()


async def notes(session: AsyncSession, account_id: int) -> Sequence[tuple[AccountNote, User]]:
    """Return an account's notes with their writers, the newest first."""
    query = (
        select(AccountNote, User)
        .join(User, col(AccountNote.user_id) == col(User.id))
        .where(col(AccountNote.account_id) == account_id)
        .order_by(col(AccountNote.id).desc())
    )
    return [(row[0], row[1]) for row in await session.execute(query)]
