"""What the database itself refuses, whatever the code does."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import SQLModel, col

from payments_app.db.engine import Database
from payments_app.db.models import (
    Account,
    Balance,
    InboxEvent,
    Payment,
    TimelineEntry,
)
from payments_app.domain.payment import PaymentKind, PaymentStatus, Role
from tests.support.factories import WHEN, make_account, make_payment, make_session, make_user


async def store(database: Database, row: SQLModel) -> None:
    async with database.write() as session:
        session.add(row)


async def change(database: Database, payment: Payment, **values: Any) -> None:
    async with database.write() as session:
        await session.execute(update(Payment).where(col(Payment.id) == payment.id).values(**values))


@pytest.fixture
async def account(database: Database) -> Account:
    return await make_account(database)


@pytest.mark.parametrize(
    ("columns", "constraint"),
    [
        ({"amount": 0}, "sign_by_kind|amount_not_zero"),
        ({"amount": -1}, "sign_by_kind"),
        ({"kind": PaymentKind.CHARGE, "amount": 1}, "sign_by_kind"),
        ({"kind": PaymentKind.REFUND, "amount": 1, "parent_id": 1}, "sign_by_kind"),
        ({"kind": PaymentKind.CHARGEBACK, "amount": 1, "parent_id": 1}, "sign_by_kind"),
        ({"kind": PaymentKind.ADJUSTMENT, "amount": 0}, "sign_by_kind|amount_not_zero"),
        ({"kind": PaymentKind.REFUND, "amount": -1}, "linked_kinds"),
        ({"kind": PaymentKind.CHARGEBACK, "amount": -1}, "linked_kinds"),
        ({"status": PaymentStatus.CANCELLED}, "cancelled_has_reason"),
        ({"completed_at": WHEN}, "completed_has_time"),
        ({"currency": "usd"}, "currency"),
        ({"currency": "US"}, "currency"),
        ({"charge_amount": 100}, "charge"),
        ({"charge_currency": "USD"}, "charge"),
        ({"charge_amount": 0, "charge_currency": "USD"}, "charge"),
        ({"charge_amount": -5, "charge_currency": "USD"}, "charge"),
        ({"fee": -1}, "fee_not_negative"),
        ({"account_id": 999}, "(?i)foreign key"),
        ({"user_id": 999}, "(?i)foreign key"),
    ],
)
async def test_impossible_payments_are_refused(
    database: Database, account: Account, columns: dict[str, Any], constraint: str
) -> None:
    if columns.get("parent_id"):
        await make_payment(database, account, completed=True)
    with pytest.raises(IntegrityError, match=constraint):
        await make_payment(database, account, **columns)


async def test_a_completed_payment_needs_its_time(database: Database, account: Account) -> None:
    payment = await make_payment(database, account)
    with pytest.raises(IntegrityError, match="completed_has_time"):
        await change(database, payment, status=PaymentStatus.COMPLETED)


@pytest.mark.parametrize("column", ["status", "kind"])
async def test_rule_2_an_unknown_status_or_kind_is_refused(
    database: Database, account: Account, column: str
) -> None:
    payment = await make_payment(database, account)
    statement = text(f"update payment set {column} = 'lost' where id = :id")
    with pytest.raises(IntegrityError, match=column):
        async with database.write() as session:
            await session.execute(statement, {"id": payment.id})


@pytest.mark.parametrize(
    "values",
    [
        {"amount": 1},
        {"currency": "GBP"},
        {"status": PaymentStatus.PENDING, "completed_at": None},
        {"status": PaymentStatus.CANCELLED, "completed_at": None, "reason": "expired"},
        {"kind": PaymentKind.ADJUSTMENT},
    ],
)
async def test_rule_2_a_completed_payment_never_changes(
    database: Database, account: Account, values: dict[str, Any]
) -> None:
    payment = await make_payment(database, account, completed=True)
    with pytest.raises(IntegrityError, match="a completed payment is final"):
        await change(database, payment, **values)


async def test_rule_2_a_completed_payment_moves_to_no_other_account(
    database: Database, account: Account
) -> None:
    payment = await make_payment(database, account, completed=True)
    other = await make_account(database)
    with pytest.raises(IntegrityError, match="a completed payment is final"):
        await change(database, payment, account_id=other.id)


async def test_a_completed_payment_is_never_deleted(database: Database, account: Account) -> None:
    payment = await make_payment(database, account, completed=True)
    with pytest.raises(IntegrityError, match="a completed payment is final"):
        async with database.write() as session:
            await session.execute(delete(Payment).where(col(Payment.id) == payment.id))


async def test_a_note_on_a_completed_payment_is_no_change_of_money(
    database: Database, account: Account
) -> None:
    payment = await make_payment(database, account, completed=True)
    await change(database, payment, private_note="asked by phone", in_review=True)


async def test_rule_6_an_idempotency_key_is_unique_per_account(
    database: Database, account: Account
) -> None:
    await make_payment(database, account, idempotency_key="key")
    await make_payment(database, await make_account(database), idempotency_key="key")
    for _ in range(2):
        await make_payment(database, account)  # none at all may repeat
    with pytest.raises(IntegrityError, match="idempotency_key"):
        await make_payment(database, account, idempotency_key="key")


async def test_a_gateways_reference_stands_on_one_payment(
    database: Database, account: Account
) -> None:
    await make_payment(database, account, gateway="one", gateway_reference="ref")
    await make_payment(database, account, gateway="two", gateway_reference="ref")
    with pytest.raises(IntegrityError, match="gateway_reference"):
        await make_payment(database, account, gateway="one", gateway_reference="ref")


async def test_our_reference_is_unique(database: Database, account: Account) -> None:
    await make_payment(database, account, reference="SAME")
    with pytest.raises(IntegrityError, match="reference"):
        await make_payment(database, await make_account(database), reference="SAME")


async def test_rule_9_a_refund_stays_in_its_payments_account_and_currency(
    database: Database, account: Account
) -> None:
    payment = await make_payment(database, account, completed=True)
    refund = {"kind": PaymentKind.REFUND, "parent_id": payment.id}
    await make_payment(database, account, **refund)
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        await make_payment(database, account, currency="GBP", **refund)
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        await make_payment(database, await make_account(database), **refund)


async def test_rule_5_an_event_of_a_gateway_is_stored_once(database: Database) -> None:
    def event(gateway: str) -> InboxEvent:
        return InboxEvent(gateway=gateway, event_id="evt", verified=True, received_at=WHEN)

    await store(database, event("one"))
    await store(database, event("two"))
    with pytest.raises(IntegrityError, match="event_id"):
        await store(database, event("one"))


async def test_there_is_one_balance_per_account_and_currency(
    database: Database, account: Account
) -> None:
    await store(database, Balance(account_id=account.key, currency="USD", amount=1))
    await store(database, Balance(account_id=account.key, currency="GBP", amount=1))
    with pytest.raises(IntegrityError):
        await store(database, Balance(account_id=account.key, currency="USD", amount=2))
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        await store(database, Balance(account_id=999, currency="USD", amount=2))


@pytest.mark.parametrize("role", [Role.VIEWER, Role.FINANCE, Role.OWNER])
async def test_rule_9_staff_belong_to_no_account(
    database: Database, account: Account, role: Role
) -> None:
    with pytest.raises(IntegrityError, match="staff_has_no_account"):
        await make_user(database, account, role=role)


async def test_rule_9_a_customer_belongs_to_an_account(database: Database) -> None:
    with pytest.raises(IntegrityError, match="staff_has_no_account"):
        await make_user(database, role=Role.CUSTOMER)


async def test_an_email_address_logs_one_user_in(database: Database, account: Account) -> None:
    await make_user(database, account, email="ada@example.com")
    with pytest.raises(IntegrityError, match="email"):
        await make_user(database, email="ada@example.com")
    with pytest.raises(IntegrityError, match="email_lower_case"):
        await make_user(database, email="Ada@example.com")


async def test_a_session_token_belongs_to_one_session(database: Database, account: Account) -> None:
    user = await make_user(database, account)
    await make_session(database, user, token_hash=b"same")
    with pytest.raises(IntegrityError, match="token_hash"):
        await make_session(database, user, token_hash=b"same")


@pytest.mark.parametrize("columns", [{"minimum_payment": -1}, {"debit_limit": -1}])
async def test_an_accounts_limits_are_not_negative(
    database: Database, columns: dict[str, int]
) -> None:
    with pytest.raises(IntegrityError, match="limits"):
        await make_account(database, **columns)


async def test_a_timeline_entry_belongs_to_a_payment(database: Database) -> None:
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        await store(database, TimelineEntry(payment_id=999, at=WHEN, code="created"))


async def test_times_come_back_in_utc(database: Database) -> None:
    manila = timezone(timedelta(hours=8))
    account = await make_account(database, created_at=datetime(2026, 7, 1, 8, tzinfo=manila))
    async with database.read() as session:
        stored = await session.get_one(Account, account.id)
    assert stored.created_at == datetime(2026, 7, 1, tzinfo=UTC)
    assert stored.created_at.tzinfo is UTC


async def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="zone"):
        await make_account(database, created_at=datetime(2026, 7, 1))  # noqa: DTZ001


async def test_rule_1_an_amount_keeps_all_of_its_64_bits(
    database: Database, account: Account
) -> None:
    payment = await make_payment(database, account, amount=2**62 + 1)
    async with database.read() as session:
        stored = await session.get_one(Payment, payment.id)
    assert stored.amount == 2**62 + 1
