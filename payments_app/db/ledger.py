"""The rows that money moves on: locked payments, balances and the timeline."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    Insert,
    Select,
    String,
    Table,
    Update,
    func,
    insert,
    literal,
    null,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col

from payments_app.db.dialects import dialect_of
from payments_app.db.models import Balance, Payment, TimelineEntry
from payments_app.db.unpacked import (
    as_json,
    given,
    table_of,
    text_given,
    time_given,
    unpacked,
)
from payments_app.domain.money import Money
from payments_app.domain.payment import PaymentKind, PaymentStatus

_KEY: Final = BigInteger()


class OpenPayment(NamedTuple):
    """What has to be known of a Pending payment to complete it, named as in the table."""

    key: int
    reference: str
    account_id: int
    kind: PaymentKind
    amount: int
    currency: str
    charge_amount: int | None
    charge_currency: str | None
    gateway: str | None
    gateway_reference: str | None


class Paid(NamedTuple):
    """A payment that was paid as asked: what its gateway calls it, and its means."""

    payment: OpenPayment
    gateway_reference: str | None
    method_detail: str | None


def insert_into(session: AsyncSession, table: type[SQLModel]) -> Any:
    """Return the database's own INSERT, which knows ON CONFLICT on SQLite and PostgreSQL alike."""
    return insert_for(dialect_of(session), table)


def insert_for(dialect: str, table: type[SQLModel] | Table) -> Any:
    """Return the same for a statement that is made once."""
    return (sqlite if dialect == "sqlite" else postgresql).insert(table)


async def lock_payment(session: AsyncSession, payment_id: int) -> Payment:
    """Return a payment that nobody else can change until this transaction ends."""
    query = (
        select(Payment)
        .where(col(Payment.id) == payment_id)
        .with_for_update()
        # What this session read before it waited for the lock may be out of date by now.
        .execution_options(populate_existing=True)
    )
    return (await session.execute(query)).scalar_one()


async def find_payment(
    session: AsyncSession,
    *,
    reference: str | None = None,
    gateway: str | None = None,
    gateway_reference: str | None = None,
) -> Payment | None:
    """Find a payment by our reference, or else by its gateway's."""
    query = select(Payment)
    if reference:
        query = query.where(col(Payment.reference) == reference)
    elif gateway_reference:
        query = query.where(
            col(Payment.gateway) == gateway, col(Payment.gateway_reference) == gateway_reference
        )
    else:
        return None
    return (await session.execute(query)).scalar_one_or_none()


async def lock_open(session: AsyncSession, references: Collection[str]) -> list[OpenPayment]:
    """Return those of our payments that are Pending and that nobody else is just changing.

    Nobody can until this transaction ends.
    """
    wanted = given([{"reference": reference} for reference in references])
    found = await session.execute(_opening(dialect_of(session)), wanted)
    return [OpenPayment(*row) for row in found]


@cache
def _opening(dialect: str) -> Select[Any]:
    table = table_of(Payment).c
    references = select(unpacked(dialect, reference=String()).c.reference)
    return (
        select(table.id, *(table[name] for name in OpenPayment._fields[1:]))
        .where(table.reference.in_(references), table.status == PaymentStatus.PENDING)
        .order_by(table.id)
        .with_for_update(skip_locked=True)
    )


async def complete(session: AsyncSession, paid: Sequence[Paid], at: datetime) -> None:
    """Write that locked payments were paid; their balances are moved after it."""
    rows = [
        {
            "payment_id": payment.key,
            "gateway_reference": gateway_reference,
            "method_detail": method_detail,
        }
        for payment, gateway_reference, method_detail in paid
    ]
    await session.execute(_completing(dialect_of(session)), given(rows, at=at))


@cache
def _completing(dialect: str) -> Update:
    payment = table_of(Payment)
    done = unpacked(dialect, payment_id=_KEY, gateway_reference=String(), method_detail=String()).c
    at = time_given("at")
    return (
        update(payment)
        .where(payment.c.id == done.payment_id)
        .values(
            status=PaymentStatus.COMPLETED,
            reason=None,
            in_review=False,
            gateway_reference=func.coalesce(payment.c.gateway_reference, done.gateway_reference),
            method_detail=func.coalesce(done.method_detail, payment.c.method_detail),
            completed_at=at,
            dated_at=at,
            next_check_at=None,
            next_action=null(),
        )
    )


async def tell_completed(
    session: AsyncSession, left: Mapping[int, int], at: datetime, actor: str
) -> None:
    """Write into the timelines of payments that they were paid, and what balance each left, in
    minor units."""
    rows = [
        {"payment_id": key, "details": json.dumps({"balance": balance})}
        for key, balance in left.items()
    ]
    await session.execute(_telling(dialect_of(session)), given(rows, at=at, actor=actor))


@cache
def _telling(dialect: str) -> Insert:
    done = unpacked(dialect, payment_id=_KEY, details=String()).c
    values = {
        "payment_id": done.payment_id,
        "at": time_given("at"),
        "code": literal("completed", String),
        "actor": text_given("actor"),
        "details": as_json(dialect, done.details),
    }
    return insert(table_of(TimelineEntry)).from_select(list(values), select(*values.values()))


async def add_to_balances(
    session: AsyncSession, moves: Mapping[tuple[int, str], int]
) -> dict[tuple[int, str], int]:
    """Move the balances of (account, currency) by minor units; return what they are then.

    Missing rows are made. All are locked in one order, so that no two transactions can wait for
    each other: first payments that the session has changed, with them the totals that the database
    keeps of them, then balances by account and currency.
    """
    rows = [
        {"account_id": account_id, "currency": currency, "amount": amount}
        for (account_id, currency), amount in moves.items()
    ]
    moved = await session.execute(_moving(dialect_of(session)), given(rows))
    return {(account_id, currency): amount for account_id, currency, amount in moved}


@cache
def _moving(dialect: str) -> Any:
    balance = table_of(Balance)
    moved = unpacked(dialect, account_id=_KEY, currency=String(), amount=BigInteger()).c
    inserting = insert_for(dialect, balance).from_select(
        moved.keys(), select(*moved).order_by(moved.account_id, moved.currency)
    )
    return inserting.on_conflict_do_update(
        index_elements=["account_id", "currency"],
        set_={"amount": balance.c.amount + inserting.excluded.amount},
    ).returning(balance.c.account_id, balance.c.currency, balance.c.amount)


async def balance_of(session: AsyncSession, account_id: int, currency: str) -> int:
    """Return an account's balance in one currency, in minor units."""
    row = await session.get(Balance, (account_id, currency))
    return row.amount if row else 0


async def wrong_balances(session: AsyncSession) -> Sequence[tuple[int, str, int, int]]:
    """Return (account, currency, kept, recomputed) for each balance that differs from its rows."""
    summed = (
        select(
            col(Payment.account_id),
            col(Payment.currency),
            func.sum(col(Payment.amount)).label("total"),
        )
        .where(col(Payment.status) == PaymentStatus.COMPLETED)
        .group_by(col(Payment.account_id), col(Payment.currency))
        .subquery()
    )
    kept = select(Balance).subquery()
    joined = summed.join(
        kept,
        (summed.c.account_id == kept.c.account_id) & (summed.c.currency == kept.c.currency),
        full=True,
    )
    amount, total = func.coalesce(kept.c.amount, 0), func.coalesce(summed.c.total, 0)
    query = (
        select(
            func.coalesce(summed.c.account_id, kept.c.account_id),
            func.coalesce(summed.c.currency, kept.c.currency),
            amount,
            total,
        )
        .select_from(joined)
        .where(amount != total)
    )
    rows = (await session.execute(query)).all()
    return [(account, currency, int(kept), int(found)) for account, currency, kept, found in rows]


async def was_noted(
    session: AsyncSession, payment: Payment, code: str, noted: Mapping[str, Any]
) -> bool:
    """Tell whether the timeline has an entry of this code with these details."""
    query = select(col(TimelineEntry.details)).where(
        col(TimelineEntry.payment_id) == payment.key, col(TimelineEntry.code) == code
    )
    found = (await session.execute(query)).scalars().all()
    return any(noted.items() <= details.items() for details in found)


async def last_arrival(session: AsyncSession, payment: Payment) -> tuple[int, Money] | None:
    """Return what a gateway last said to have arrived instead of what was asked for, with the
    number of the entry of the timeline that says so."""
    for entry in await _reviews(session, payment):
        if arrived := entry.details.get("arrived"):
            return entry.key, Money(arrived, entry.details["currency"])
    return None


async def last_review_reason(session: AsyncSession, payment: Payment) -> str | None:
    """Return why a payment was last put into review."""
    found = await _reviews(session, payment)
    return found[0].details.get("reason") if found else None


async def _reviews(session: AsyncSession, payment: Payment) -> Sequence[TimelineEntry]:
    """Return the entries that put a payment into review, newest first."""
    query = (
        select(TimelineEntry)
        .where(
            col(TimelineEntry.payment_id) == payment.key,
            col(TimelineEntry.code).in_(("in_review", "mismatch")),
        )
        .order_by(col(TimelineEntry.id).desc())
    )
    return (await session.execute(query)).scalars().all()


def add_timeline(
    session: AsyncSession, payment: Payment, at: datetime, code: str, actor: str, **details: Any
) -> None:
    """Write down one thing that happened to a payment, in the running transaction."""
    session.add(
        TimelineEntry(payment_id=payment.key, at=at, code=code, actor=actor, details=details)
    )
