"""Rows for tests, made in the database with sensible values; any column can be given."""

from datetime import UTC, datetime
from itertools import count
from typing import Any, TypeVar

from payments_app.db import ledger
from payments_app.db.engine import Database
from payments_app.db.models import Account, LoginSession, Payment, User
from payments_app.domain.payment import NEGATIVE_KINDS, PaymentKind, PaymentStatus, Role
from payments_app.services.identity import Identity

WHEN = datetime(2026, 7, 1, 9, tzinfo=UTC)
_numbers = count(1)
Row = TypeVar("Row")


async def make_account(database: Database, **columns: Any) -> Account:
    """Make an account in USD."""
    values = {"name": f"Account {next(_numbers)}", "home_currency": "USD", "created_at": WHEN}
    return await _add(database, Account(**(values | columns)))


async def make_user(database: Database, account: Account | None = None, **columns: Any) -> User:
    """Make a customer of ``account``, or a staff owner when there is none."""
    number = next(_numbers)
    values = {
        "email": f"user{number}@example.com",
        "name": f"User {number}",
        "password_hash": "no password fits this",
        "role": Role.CUSTOMER if account else Role.OWNER,
        "account_id": account.id if account else None,
        "created_at": WHEN,
    }
    return await _add(database, User(**(values | columns)))


async def make_session(database: Database, user: User, **columns: Any) -> LoginSession:
    """Make a login session that lasts to the end of 2099."""
    values = {
        "token_hash": f"session {next(_numbers)}".encode(),
        "user_id": user.id,
        "created_at": WHEN,
        "last_seen_at": WHEN,
        "expires_at": datetime(2099, 12, 31, tzinfo=UTC),
    }
    return await _add(database, LoginSession(**(values | columns)))


async def make_payment(
    database: Database, account: Account, *, completed: bool = False, **columns: Any
) -> Payment:
    """Make a Pending top-up of 25.00 in the account's currency, or a Completed one.

    A Completed row moves the balance in the same commit, as ``settle()`` does.
    """
    negative = columns.get("kind") in NEGATIVE_KINDS
    status = PaymentStatus.COMPLETED if completed else PaymentStatus.PENDING
    values = {
        "reference": f"TEST{next(_numbers):08}",
        "account_id": account.id,
        "kind": PaymentKind.TOP_UP,
        "status": status,
        "amount": -2500 if negative else 2500,
        "currency": account.home_currency,
        "description": "Top-up",
        "created_at": WHEN,
    } | columns
    if values["status"] is PaymentStatus.COMPLETED:
        values.setdefault("completed_at", values["created_at"])
    values.setdefault("dated_at", values.get("completed_at") or values["created_at"])
    payment = Payment(**values)
    async with database.write() as session:
        session.add(payment)
        if payment.status is PaymentStatus.COMPLETED:
            moves = {(payment.account_id, payment.currency): payment.amount}
            await ledger.add_to_balances(session, moves)
    return payment


def identity_of(user: User, account: Account | None = None, session_id: int = 1) -> Identity:
    """Return what ``identify`` would say of a user."""
    return Identity(
        user_id=user.id or 0,
        session_id=session_id,
        email=user.email,
        name=user.name,
        role=user.role,
        time_zone=user.time_zone,
        locale=user.locale,
        account_id=account.id if account else None,
        account_name=account.name if account else "",
        home_currency=account.home_currency if account else "",
    )


async def _add(database: Database, row: Row) -> Row:
    async with database.write() as session:
        session.add(row)
    return row
