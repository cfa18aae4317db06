"""E-mails to users: put into the outbox in the transaction of what they tell about.

So an e-mail exists exactly when the change was committed. Nothing is sent here; see ``delivery``.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from payments_app.db import ledger, outbox
from payments_app.db.ledger import OpenPayment
from payments_app.db.models import Account, LoginSession, Payment, User
from payments_app.domain.mail import MailKind
from payments_app.domain.payment import LINKED_KINDS, PaymentKind, PaymentStatus, Reason

_OWN_DOING: Final = frozenset({Reason.CANCELLED_BY_CUSTOMER, Reason.ABANDONED})
"""Ends that the customer brought about and needs no e-mail to know of."""


async def enqueue(
    session: AsyncSession, at: datetime, user: User, kind: MailKind, about: str, **data: Any
) -> None:
    """Write one e-mail down in the caller's transaction, once per user, kind and ``about``.

    ``data`` is JSON that ``letters`` puts into words when the e-mail is sent.
    """
    await outbox.add(session, [_mail(at, user.key, user.email, kind, about, data)])


def _mail(
    at: datetime,
    user_id: int,
    email: str,
    kind: MailKind,
    about: str,
    data: dict[str, Any],
    payment_id: int | None = None,
) -> dict[str, Any]:
    return {
        "kind": kind.value,
        "user_id": user_id,
        "recipient": email,
        "about": about,
        "payment_id": payment_id,
        "data": data,
        "created_at": at,
        "attempts": 0,
        "next_attempt_at": at,
        "outcome": "",
    }


async def settled(session: AsyncSession, payment: Payment, at: datetime) -> None:
    """Tell the account's users what became of a payment that was just settled.

    Rows of no gateway were booked by staff, who choose for themselves: ``payment_received``.
    """
    if payment.status is PaymentStatus.COMPLETED:
        if payment.kind in LINKED_KINDS:
            await _tell(session, payment, MailKind.REFUND, at)
        elif _paid_in(payment):
            await _tell(session, payment, MailKind.PAYMENT_RECEIVED, at)
        await _low_balance(session, payment, at)
    elif _paid_in(payment) and payment.reason not in _OWN_DOING:
        await _tell(session, payment, MailKind.PAYMENT_FAILED, at)


async def received(
    session: AsyncSession, arrived: Sequence[tuple[OpenPayment, int]], at: datetime
) -> None:
    """Tell of top-ups that were settled together, each with the balance after it."""
    await _tell_all(session, arrived, MailKind.PAYMENT_RECEIVED, at)


def _paid_in(payment: Payment) -> bool:
    return payment.kind is PaymentKind.TOP_UP and payment.gateway is not None


async def payment_received(session: AsyncSession, payment: Payment) -> None:
    """Confirm a Completed payment to the account's users, once."""
    at = payment.completed_at or payment.created_at
    await _tell(session, payment, MailKind.PAYMENT_RECEIVED, at)


async def invitation(session: AsyncSession, at: datetime, user: User, link: str) -> None:
    """Invite a user to set a password at ``link``."""
    await enqueue(session, at, user, MailKind.INVITATION, secrets.token_hex(8), link=link)


async def password_reset(session: AsyncSession, at: datetime, user: User, link: str) -> None:
    """Send a user the ``link`` at which to choose a new password."""
    await enqueue(session, at, user, MailKind.PASSWORD_RESET, secrets.token_hex(8), link=link)


async def statement(
    session: AsyncSession, at: datetime, user: User, period: dict[str, str | None]
) -> None:
    """Send a user the statement of a period (``since`` and ``until``) that they asked for."""
    data: dict[str, Any] = dict(period)
    await enqueue(session, at, user, MailKind.STATEMENT, secrets.token_hex(8), **data)


async def new_sign_in(session: AsyncSession, user: User, login: LoginSession) -> None:
    """Tell a user of a login from a device that was not seen before."""
    await enqueue(
        session,
        login.created_at,
        user,
        MailKind.NEW_SIGN_IN,
        str(login.key),
        address=login.address,
        user_agent=login.user_agent,
    )


async def _tell(session: AsyncSession, payment: Payment, kind: MailKind, at: datetime) -> None:
    balance = await ledger.balance_of(session, payment.account_id, payment.currency)
    await _tell_all(session, [(payment, balance)], kind, at)


async def _tell_all(
    session: AsyncSession,
    news: Sequence[tuple[Payment | OpenPayment, int]],
    kind: MailKind,
    at: datetime,
) -> None:
    """Tell the users of each payment's account; the amount is the balance after it."""
    accounts = {payment.account_id for payment, _ in news}
    readers = await outbox.readers(session, accounts)
    mails = [
        _mail(at, to.user_id, to.email, kind, payment.reference, {"balance": after}, payment.key)
        for payment, after in news
        for to in readers.get(payment.account_id, ())
        if kind not in to.muted
    ]
    if mails:
        await outbox.add(session, mails)


async def _low_balance(session: AsyncSession, payment: Payment, at: datetime) -> None:
    """Tell those whose limit the balance has just fallen below."""
    if payment.amount > 0:
        return
    account = await session.get_one(Account, payment.account_id)
    if payment.currency != account.home_currency:
        return
    after = await ledger.balance_of(session, payment.account_id, payment.currency)
    readers = await outbox.readers(session, [payment.account_id])
    mails = [
        _mail(
            at,
            to.user_id,
            to.email,
            MailKind.LOW_BALANCE,
            payment.reference,
            {"balance": after, "currency": payment.currency, "limit": to.low_balance},
        )
        for to in readers.get(payment.account_id, ())
        if to.low_balance is not None and after < to.low_balance <= after - payment.amount
    ]
    if mails:
        await outbox.add(session, mails)
