"""The outbox of e-mails: each occasion once per user, claimed by one worker, marked when sent."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db.ledger import insert_into
from payments_app.db.mail_models import Mail, MailChoice
from payments_app.db.models import Payment, User


class MailState(StrEnum):
    """What became of an e-mail: ``failed`` is given up."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


class Reader(NamedTuple):
    """A user who can log in, and what they chose to be told."""

    user_id: int
    email: str
    muted: Sequence[str]
    low_balance: int | None


async def add(session: AsyncSession, mails: Sequence[dict[str, Any]]) -> None:
    """Put e-mails into the outbox, unless their users are told of these occasions already."""
    insert = insert_into(session, Mail)
    await session.execute(
        insert.on_conflict_do_nothing(index_elements=["user_id", "kind", "about"]), mails
    )


async def readers(
    session: AsyncSession, account_ids: Collection[int]
) -> Mapping[int, Sequence[Reader]]:
    """Return the users of accounts who can log in; an account without any is left out."""
    query: Any = (
        select(
            col(User.account_id),
            col(User.id),
            col(User.email),
            col(MailChoice.muted),
            col(MailChoice.low_balance),
        )
        .outerjoin(MailChoice, col(MailChoice.user_id) == col(User.id))
        .where(col(User.account_id).in_(account_ids), col(User.disabled_at).is_(None))
        .order_by(col(User.id))
    )
    of_account: dict[int, list[Reader]] = {}
    for account_id, user_id, email, muted, low_balance in await session.execute(query):
        reader = Reader(user_id, email, muted or (), low_balance)
        of_account.setdefault(account_id, []).append(reader)
    return of_account


async def claim_due(
    session: AsyncSession, now: datetime, lease: timedelta, limit: int
) -> Sequence[Mail]:
    """Take e-mails whose time has come; until the lease ends no other worker gets them."""
    due = (
        select(Mail)
        .where(col(Mail.next_attempt_at) <= now)
        .order_by(col(Mail.next_attempt_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    mails = (await session.execute(due)).scalars().all()
    for mail in mails:
        mail.attempts += 1
        mail.next_attempt_at = now + lease
    return mails


async def mark_sent(session: AsyncSession, mail_id: int, at: datetime, outcome: str) -> None:
    """Write that an e-mail was taken over by the mail server; it is never sent again."""
    await session.execute(
        update(Mail)
        .where(col(Mail.id) == mail_id)
        .values(sent_at=at, next_attempt_at=None, outcome=outcome, data={})
    )


async def postpone(
    session: AsyncSession, mail_id: int, until: datetime | None, outcome: str
) -> None:
    """Set when an e-mail is tried again; None gives it up and leaves it to staff."""
    await session.execute(
        update(Mail).where(col(Mail.id) == mail_id).values(next_attempt_at=until, outcome=outcome)
    )


def state_of(mail: Mail) -> MailState:
    """Return what became of an e-mail."""
    if mail.sent_at is not None:
        return MailState.SENT
    return MailState.FAILED if mail.next_attempt_at is None else MailState.WAITING


async def page(
    session: AsyncSession, state: MailState | None, search: str, after: int | None, limit: int
) -> list[tuple[Mail, str | None]]:
    """Return up to ``limit`` e-mails older than number ``after``, newest first, each with the
    reference of the payment that it is about; ``search`` is a whole address or reference."""
    query = select(Mail, col(Payment.reference)).outerjoin(
        Payment, col(Mail.payment_id) == col(Payment.id)
    )
    if state is not None:
        query = query.where(*_in_state(state))
    if search:
        numbers = select(col(Payment.id)).where(col(Payment.reference) == search.upper())
        to = col(Mail.recipient) == search.lower()
        query = query.where(to | col(Mail.payment_id).in_(numbers))
    if after is not None:
        query = query.where(col(Mail.id) < after)
    rows = (await session.execute(query.order_by(col(Mail.id).desc()).limit(limit))).all()
    return [(mail, reference) for mail, reference in rows]


def _in_state(state: MailState) -> list[ColumnElement[bool]]:
    if state is MailState.SENT:
        return [col(Mail.sent_at).is_not(None)]
    due = col(Mail.next_attempt_at)
    gone = due.is_(None) if state is MailState.FAILED else due.is_not(None)
    return [col(Mail.sent_at).is_(None), gone]


async def revive(session: AsyncSession, mail_id: int, at: datetime) -> str | None:
    """Let an unsent e-mail be sent from ``at`` on; return its receiver, None for no such one."""
    statement = (
        update(Mail)
        .where(col(Mail.id) == mail_id, col(Mail.sent_at).is_(None))
        .values(next_attempt_at=at, attempts=0)
        .returning(col(Mail.recipient))
    )
    return (await session.execute(statement)).scalar_one_or_none()
