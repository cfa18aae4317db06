"""The demo data: reproducible, plausible, and never written over anything."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from payments_app.cli import demo
from payments_app.cli.build import ROOT
from payments_app.db import ledger
from payments_app.db.engine import Database
from payments_app.db.models import Account, Payment, TimelineEntry, User
from payments_app.domain.payment import PaymentKind, PaymentStatus, Role
from payments_app.services.accounts import identify, log_in
from payments_app.services.context import Portal
from payments_app.settings import Settings
from tests.support.clock import Clock
from tests.support.databases import Databases

TODAY = date(2026, 7, 1)


@pytest.fixture(scope="module")
async def filled(databases: Databases) -> AsyncIterator[Database]:
    """A database with the demo, for tests that leave its payments as they are."""
    with databases.fresh() as url:
        database = Database(url)
        assert await demo.fill(database, TODAY)
        yield database
        await database.close()


async def rows(database: Database) -> list[Payment]:
    async with database.read() as session:
        return list((await session.execute(select(Payment).order_by(col(Payment.id)))).scalars())


def story_of(payments: list[Payment]) -> list[tuple[object, ...]]:
    return [
        (p.reference, p.status, p.amount, p.currency, p.gateway_reference, p.dated_at, p.parent_id)
        for p in payments
    ]


async def test_it_makes_three_accounts_and_everyone_who_logs_in(filled: Database) -> None:
    async with filled.read() as session:
        accounts = (await session.execute(select(Account))).scalars().all()
        users = (await session.execute(select(User))).scalars().all()
    assert {account.home_currency for account in accounts} == {"USD", "GBP", "PHP"}
    assert [user.role for user in users].count(Role.CUSTOMER) == 6
    assert {user.role for user in users} == set(Role)
    for account in accounts:
        assert len([user for user in users if user.account_id == account.id]) == 2


async def test_every_demo_login_works(filled: Database, settings: Settings, clock: Clock) -> None:
    portal = Portal(settings=settings, db=filled, gateways={}, clock=clock)
    assert len(demo.DEMO_LOGINS) == 9
    for login in demo.DEMO_LOGINS:
        token = await log_in(portal, login.email, login.password, "192.0.2.1", "test")
        who = await identify(portal, token or "")
        assert who is not None
        assert who.role == login.role


async def test_rule_7_balances_equal_the_sum_of_the_rows(filled: Database) -> None:
    async with filled.read() as session:
        assert await ledger.wrong_balances(session) == []
        totals = await session.execute(
            select(Payment.account_id, Payment.currency, func.sum(Payment.amount))
            .where(Payment.status == PaymentStatus.COMPLETED)
            .group_by(Payment.account_id, Payment.currency)
        )
        for account, currency, total in totals:
            assert total > 0
            assert await ledger.balance_of(session, account, currency) == total


async def test_no_balance_is_ever_below_zero(filled: Database) -> None:
    async with filled.read() as session:
        entries = (await session.execute(select(TimelineEntry))).scalars().all()
    balances = [entry.details["balance"] for entry in entries if "balance" in entry.details]
    assert len(balances) > 600
    assert min(balances) >= 0


async def test_each_account_has_about_300_payments_over_18_months(filled: Database) -> None:
    payments = await rows(filled)
    for account in (1, 2, 3):
        own = [payment for payment in payments if payment.account_id == account]
        assert 240 <= len(own) <= 360
        span = max(p.dated_at for p in own) - min(p.dated_at for p in own)
        assert timedelta(days=530) < span < timedelta(days=550)
        assert all(p.dated_at.date() < TODAY for p in own)


async def test_there_is_one_of_everything(filled: Database) -> None:
    payments = await rows(filled)
    assert {payment.status for payment in payments} == set(PaymentStatus)
    assert {payment.kind for payment in payments} == set(PaymentKind) - {PaymentKind.ADJUSTMENT}
    gateways = {"paypal", "card", "paystack", "nowpayments", "paynamics", "bank_transfer", None}
    assert {payment.gateway for payment in payments} == gateways
    reasons = {p.reason for p in payments if p.status is PaymentStatus.CANCELLED}
    assert len(reasons) >= 5
    descriptions = {payment.description for payment in payments}
    assert "Monthly Package, November" in descriptions
    assert any(text.startswith("DID Pack (1719") for text in descriptions)
    assert "Visa ending 4242" in {payment.method_detail for payment in payments}


async def test_what_was_taken_back_is_linked_to_its_payment(filled: Database) -> None:
    payments = {payment.id: payment for payment in await rows(filled)}
    linked = [payment for payment in payments.values() if payment.parent_id]
    assert {p.kind for p in linked} == {PaymentKind.REFUND, PaymentKind.CHARGEBACK}
    for payment in linked:
        parent = payments[payment.parent_id]
        assert parent.amount == -payment.amount
        assert parent.completed_at
        assert parent.completed_at < payment.created_at


async def test_pending_rows_are_recent_and_somebody_finishes_them(filled: Database) -> None:
    pending = [p for p in await rows(filled) if p.status is PaymentStatus.PENDING]
    assert pending
    assert {p.created_at.date() for p in pending} == {TODAY - timedelta(days=1)}
    for payment in pending:
        assert payment.expires_at
        assert payment.expires_at.date() > TODAY
        assert payment.in_review or payment.next_check_at


async def test_every_payment_tells_how_it_came_about(filled: Database) -> None:
    async with filled.read() as session:
        told = set((await session.execute(select(TimelineEntry.payment_id))).scalars())
    assert told == {payment.id for payment in await rows(filled)}


async def test_running_it_again_changes_nothing(filled: Database) -> None:
    before = story_of(await rows(filled))
    assert not await demo.fill(filled, TODAY + timedelta(days=40))
    assert story_of(await rows(filled)) == before


async def test_the_same_day_gives_the_same_story(filled: Database, databases: Databases) -> None:
    with databases.fresh() as url:
        second = Database(url)
        assert await demo.fill(second, TODAY)
        assert story_of(await rows(second)) == story_of(await rows(filled))
        await second.close()


@pytest.mark.parametrize("day", [date(2024, 2, 29), date(2027, 1, 1), date(2030, 12, 31)])
async def test_any_day_will_do(database: Database, day: date) -> None:
    assert await demo.fill(database, day)
    newest = max(payment.dated_at for payment in await rows(database))
    assert newest < datetime.combine(day, datetime.min.time(), newest.tzinfo)


def test_live_mode_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "payments_app.cli.demo"],
        cwd=ROOT,
        env={**os.environ, "PORTAL_MODE": "live", "DATA_DIR": str(tmp_path), "DATABASE_URL": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    assert result.stderr.strip() == "No demo data in live mode."
    assert list(tmp_path.iterdir()) == []
