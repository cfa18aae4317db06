"""Totals that the database keeps: always those of the payments, whoever wrote them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import product

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from sqlmodel import col, delete, update

from payments_app.db import kept_totals, payments
from payments_app.db.engine import Database
from payments_app.db.kept_totals import KeptTotals, Total
from payments_app.db.models import Account, Payment, PaymentTotal
from payments_app.db.payments import Filter
from payments_app.db.staff_payments import StaffFilter
from payments_app.domain.payment import PaymentStatus
from tests.support.factories import WHEN, make_account, make_payment

PENDING, COMPLETED, CANCELLED = PaymentStatus
CURRENCIES = ("USD", "GBP", "JPY")
FREE = col(Payment.status) != COMPLETED
"""Payments that the database lets anybody change."""

amounts = st.integers(1, 10**12)
changes = st.one_of(
    st.tuples(st.just("make"), st.sampled_from(PaymentStatus), amounts),
    st.tuples(st.just("move"), st.sampled_from((PENDING, CANCELLED)), st.just(0)),
    st.tuples(st.just("change"), st.sampled_from((PENDING, CANCELLED)), amounts),
    st.tuples(st.just("complete"), st.just(PENDING), st.just(0)),
    st.tuples(st.just("delete"), st.just(CANCELLED), st.just(0)),
)


async def do(
    database: Database, accounts: Sequence[Account], change: tuple[str, PaymentStatus, int]
) -> None:
    """Write payments by hand, as no code of the portal does."""
    what, status, amount = change
    account = accounts[amount % len(accounts)]
    if what == "make":
        currency = CURRENCIES[amount % len(CURRENCIES)]
        await make_payment(
            database,
            account,
            status=status,
            amount=amount,
            currency=currency,
            completed_at=WHEN if status is COMPLETED else None,
            reason="expired" if status is CANCELLED else None,
        )
        return
    of_status = col(Payment.status) == status
    statement = {
        "move": update(Payment).where(of_status).values(account_id=account.key, currency="USD"),
        "change": update(Payment)
        .where(FREE)
        .values(status=status, amount=amount, reason="expired"),
        "complete": update(Payment)
        .where(of_status)
        .values(status=COMPLETED, completed_at=WHEN, reason=None),
        "delete": delete(Payment).where(of_status),
    }[what]
    async with database.write() as session:
        await session.execute(statement)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=st.lists(changes, max_size=12))
async def test_they_are_those_of_the_payments_whatever_is_written(
    database: Database, written: list[tuple[str, PaymentStatus, int]]
) -> None:
    accounts = [await make_account(database), await make_account(database)]
    for change in written:
        await do(database, accounts, change)
    async with database.read() as session:
        assert await kept_totals.wrong(session) == []


async def test_what_differs_is_named_with_both_figures(database: Database) -> None:
    account, other = await make_account(database), await make_account(database)
    await make_payment(database, account, amount=700)
    async with database.write() as session:
        await session.execute(update(PaymentTotal).values(pending=5, pending_amount=-1))
        session.add(
            PaymentTotal(
                account_id=other.key,
                currency="GBP",
                pending=0,
                completed=1,
                cancelled=0,
                pending_amount=0,
                completed_amount=0,
            )
        )
    async with database.read() as session:
        assert sorted(await kept_totals.wrong(session)) == [
            (account.key, "USD", {"pending": (5, 1), "pending_amount": (-1, 700)}),
            (other.key, "GBP", {"completed": (1, 0)}),
        ]


async def test_a_list_has_the_same_totals_whether_they_are_kept_or_added_up(
    database: Database,
) -> None:
    accounts = [await make_account(database) for _ in range(2)]
    for number, (account, status) in enumerate(product(accounts, (*PaymentStatus, COMPLETED)), 1):
        await do(database, accounts, ("make", status, 2 * number + (account is accounts[1])))
    numbers = [account.key for account in accounts]
    lists = [
        *(Filter(numbers[0], status=status) for status in (None, *PaymentStatus)),
        *(
            StaffFilter(accounts=chosen, statuses=statuses, currencies=codes)
            for chosen in ((), (numbers[1],), tuple(numbers))
            for statuses in ((), (PENDING,), (CANCELLED, COMPLETED))
            for codes in ((), ("USD",), ("GBP", "JPY"))
        ),
    ]
    async with database.read() as session:
        for chosen in lists:
            assert chosen.kept() is not None
            kept = await payments.totals(session, chosen)
            narrowed = replace(chosen, since=WHEN - timedelta(days=99))
            assert narrowed.kept() is None
            assert kept == await payments.totals(session, narrowed), chosen


@pytest.mark.parametrize(
    "chosen",
    [
        Filter(1, search="x"),
        Filter(1, since=WHEN),
        Filter(1, until=WHEN),
        Filter(1, gateway=""),
        StaffFilter(search="x"),
        StaffFilter(gateways=("",)),
        StaffFilter(least=0),
        StaffFilter(most=0),
        StaffFilter(since=WHEN, accounts=(1,)),
    ],
)
def test_no_totals_are_kept_of_what_anything_else_narrows(chosen: Filter | StaffFilter) -> None:
    assert chosen.kept() is None


async def test_rule_9_a_customers_session_reads_the_own_accounts_alone(postgres_url: str) -> None:
    database = Database(postgres_url)
    mine, other = await make_account(database), await make_account(database)
    for account in (mine, other):
        await make_payment(database, account)
    async with database.read(account=mine.key) as session:
        assert await kept_totals.read(session, KeptTotals()) == [Total("USD", 1, 0)]
    await database.close()
