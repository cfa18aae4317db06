"""Erasing an account's personal data. Money, dates, statuses and references stay as they are."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, String, case, cast, delete, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db.access_models import EmailLink, RecoveryCode
from payments_app.db.approval_models import ApprovalRequest
from payments_app.db.dialects import is_sqlite
from payments_app.db.engine import Database
from payments_app.db.inbox import EMPTY
from payments_app.db.mail_models import Mail, MailChoice
from payments_app.db.models import Account, InboxEvent, LoginSession, Payment, TimelineEntry, User
from payments_app.db.personal import (
    PERSONAL,
    about_account,
    about_people,
    payments_of,
)
from payments_app.db.staff_models import AccountNote, AuditEntry
from payments_app.domain.payment import PaymentStatus

_NOBODY: Final = "Erased"
_FREE_TEXT: Final = ("note", "text", "why", "name", "email")
"""Keys of JSON values under which somebody's words or name stand."""
_MERGES: Final = (
    "insert into payment_search (payment_search) values ('optimize')",
    "insert into payment_search_means (payment_search_means) values ('optimize')",
)
_ROWS_AT_ONCE: Final = 500
_OF: Final = {kept.table: kept.of for kept in PERSONAL}
_OF_USERS: Final = (LoginSession, EmailLink, RecoveryCode, Mail, MailChoice, AccountNote)


async def lock(session: AsyncSession, account_id: int) -> tuple[Account | None, Sequence[User]]:
    """Return an account and its users, whom nobody else can change until the transaction ends."""
    account = select(Account).where(col(Account.id) == account_id)
    users = select(User).where(col(User.account_id) == account_id)
    # New rows may refer to them meanwhile: else a settlement that this one waits for would wait.
    found = await session.execute(account.with_for_update(key_share=True))
    known = await session.execute(users.with_for_update(key_share=True))
    return found.scalar_one_or_none(), known.scalars().all()


async def is_in_motion(session: AsyncSession, account_id: int) -> bool:
    """Tell whether a payment of the account is Pending or in review, or an approval waits."""
    payments = select(col(Payment.id)).where(
        col(Payment.account_id) == account_id,
        or_(col(Payment.status) == PaymentStatus.PENDING, col(Payment.in_review).is_(True)),
    )
    approvals = select(col(ApprovalRequest.id)).where(
        about_account(col(ApprovalRequest.subject), account_id),
        col(ApprovalRequest.decided_at).is_(None),
    )
    for query in (payments, approvals):
        if (await session.execute(query.limit(1))).first() is not None:
            return True
    return False


async def erase(
    session: AsyncSession, account: Account, users: Sequence[User], at: datetime
) -> None:
    """Remove what every table but the audit log holds about the people of a locked account.

    The caller takes their passwords away.
    """
    if is_sqlite(session):
        # Overwrites what it deletes in the file, instead of only marking it as free.
        await session.execute(text("PRAGMA secure_delete = ON"))
    for table in _OF_USERS:
        await session.execute(delete(table).where(_OF[table](account.key)))
    await _erase_timeline(session, account, users)
    await session.execute(
        update(InboxEvent)
        .where(_OF[InboxEvent](account.key), col(InboxEvent.emptied_at).is_(None))
        .values(emptied_at=at, **EMPTY)
    )
    await session.execute(
        update(ApprovalRequest).where(_OF[ApprovalRequest](account.key)).values(reason="", order={})
    )
    await _erase_payments(session, account)
    for user in users:
        _erase_user(user, at)
    account.name = f"{_NOBODY} {account.key}"
    account.erased_at = at
    account.disabled_at = account.disabled_at or at
    await session.flush()


async def _erase_payments(session: AsyncSession, account: Account) -> None:
    by_hand = col(Payment.gateway).is_(None)
    description = case((by_hand, ""), else_=col(Payment.description))
    await session.execute(
        update(Payment)
        .where(_OF[Payment](account.key))
        .values(description=description, private_note="", method_detail=None, next_action=None)
    )
    if is_sqlite(session):
        # Merges the indexes of texts, which otherwise keep what was taken out for a while.
        for statement in _MERGES:
            await session.execute(text(statement))


async def _erase_timeline(session: AsyncSession, account: Account, users: Sequence[User]) -> None:
    of_account = col(TimelineEntry.payment_id).in_(payments_of(account.key))
    for user in users:
        await session.execute(
            update(TimelineEntry)
            .where(of_account, col(TimelineEntry.actor) == user.email)
            .values(actor=f"user {user.key}")
        )
    query = select(TimelineEntry).where(of_account, _has_text(col(TimelineEntry.details)))
    for entry in (await session.execute(query)).scalars():
        entry.details = {
            name: value for name, value in entry.details.items() if name not in _FREE_TEXT
        }


def _erase_user(user: User, at: datetime) -> None:
    user.email = f"erased-{user.key}@portal.invalid"
    user.name = f"{_NOBODY} {user.key}"
    user.totp_secret = user.totp_since = user.totp_step = None
    user.time_zone, user.locale = "UTC", "en"
    user.disabled_at = user.disabled_at or at


async def audit_rows(session: AsyncSession, account_id: int) -> Sequence[int]:
    """Return the entries of the audit log whose personal part is about the account's people."""
    texts = or_(_has_text(col(AuditEntry.before)), _has_text(col(AuditEntry.after)))
    about = about_account(col(AuditEntry.subject), account_id) & texts
    query = select(col(AuditEntry.id)).where(
        or_(about_people(account_id), about), col(AuditEntry.erased_by).is_(None)
    )
    return [number for number in (await session.execute(query)).scalars() if number is not None]


async def blank_audit(session: AsyncSession, numbers: Sequence[int], entry_id: int) -> None:
    """Blank the personal part of entries; ``entry_id`` is the one that tells of it."""
    blank: dict[str, Any] = {"actor": "", "address": "", "before": {}, "after": {}, "salt": None}
    for start in range(0, len(numbers), _ROWS_AT_ONCE):
        some = numbers[start : start + _ROWS_AT_ONCE]
        await session.execute(
            update(AuditEntry)
            .where(col(AuditEntry.id).in_(some))
            .values(**blank, erased_by=entry_id)
        )


async def empty_log_file(database: Database) -> None:
    """Write SQLite's log of changes into the file and cut it, since it still has what was there."""
    if database.is_sqlite:
        async with database.engine.connect() as connection:
            raw = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await raw.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _has_text(column: Any) -> ColumnElement[bool]:
    written = cast(column, String)
    return or_(*(written.contains(f'"{name}"', autoescape=True) for name in _FREE_TEXT))
