"""Every order and filter of a list is read off an index: nothing is sorted, nothing scanned."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import ClauseElement, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from payments_app.db import payments, search, staff_payments
from payments_app.db.engine import Database
from payments_app.db.lines import COLUMNS
from payments_app.db.models import Payment
from payments_app.db.payments import Filter, Order
from payments_app.domain.payment import PaymentStatus
from tests.support.databases import Databases, migrate
from tests.support.factories import WHEN, make_account, make_payment

FILTERS: list[dict[str, Any]] = [
    {},
    *({"status": status} for status in PaymentStatus),
    {"gateway": "till"},
    {"gateway": ""},
    {"gateway": "till", "status": PaymentStatus.PENDING},
]
DATES: list[dict[str, Any]] = [
    {"since": WHEN},
    {"until": WHEN},
    {"since": WHEN, "until": WHEN + timedelta(days=30)},
    {"since": WHEN, "status": PaymentStatus.COMPLETED},
    {"since": WHEN, "gateway": "till"},
]
BY_DATE = [Order.NEWEST, Order.OLDEST]


async def plan(database: Database, narrowed: dict[str, Any], order: Order) -> str:
    """Ask the database how it reads the second page of a list."""
    sorting = payments.sorting(order)
    async with database.read(account=1) as session:
        rows = await payments.matching(session, Filter(1, **narrowed))
        query = sorting.sort(rows).where(sorting.beyond()).limit(51)
        values = sorting.cursor([WHEN, 1] if order in BY_DATE else ["USD", 100, 1])
        return await explained(session, query.params(values))


async def explained(session: AsyncSession, query: ClauseElement) -> str:
    """Ask the database how it reads what a query asks for, even of very few rows."""
    dialect = session.get_bind().dialect
    compiled = query.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    explain = "explain query plan"
    if dialect.name != "sqlite":
        explain = "explain"
        for choice in ("seqscan", "bitmapscan", "sort"):
            await session.execute(text(f"set local enable_{choice} = off"))
    steps = await session.execute(text(f"{explain} {compiled}".replace(":", r"\:")))
    return "; ".join(step[-1] for step in steps)


@pytest.fixture(scope="module")
async def rows(databases: Databases) -> AsyncIterator[Database]:
    """A database that no other test has used: what a server has counted in it changes its plans."""
    url = databases.empty()
    await asyncio.to_thread(migrate, url)
    database = Database(url)
    account = await make_account(database)
    await make_payment(database, account)
    yield database
    await database.close()


@pytest.mark.parametrize("order", Order)
async def test_each_order_of_each_filter_has_its_index(rows: Database, order: Order) -> None:
    for narrowed in FILTERS:
        assert_read_off_an_index(await plan(rows, narrowed, order))


@pytest.mark.parametrize("order", Order)
async def test_what_a_line_s_payment_left_is_read_off_an_index(
    rows: Database, order: Order
) -> None:
    async with rows.read(account=1) as session:
        query = payments.sorting(order).sort(select(*COLUMNS)).where(col(Payment.account_id) == 1)
        steps = await explained(session, query.limit(51))
    assert re.search(r"(USING|using) .*timeline_entry", steps), steps
    assert not re.search(r"SCAN|TEMP B-TREE|Seq Scan|Sort", steps), steps


@pytest.mark.parametrize("order", BY_DATE)
async def test_a_time_is_read_off_the_index_of_the_dates(rows: Database, order: Order) -> None:
    for narrowed in DATES:
        assert_read_off_an_index(await plan(rows, narrowed, order))


async def test_the_staff_s_search_is_read_off_its_indexes(rows: Database) -> None:
    holding = text(
        "select payment_id from payment_search where grams(content) @> grams('abc')"
    )  # as in the function payments_holding, whose plan is not shown
    async with rows.read() as session:
        if not rows.is_sqlite:
            await session.execute(text("set local enable_seqscan = off"))
            steps = await session.execute(text(f"explain {holding}"))
            assert "ix_payment_search" in "; ".join(step[-1] for step in steps)
            return
        assert (await explained(session, search.indexed("abc"))).count("VIRTUAL TABLE INDEX") == 2


async def test_payments_of_a_named_account_or_user_are_read_off_an_index(rows: Database) -> None:
    for of_owner, index in zip(
        staff_payments.named("abc"), ("ix_payment_account", "ix_payment_user_id"), strict=True
    ):
        async with rows.read() as session:
            plan = await explained(session, select(col(Payment.id)).where(of_owner).limit(5))
        assert index in plan
        assert not re.search("(SCAN|Seq Scan on) payment", plan), plan


def assert_read_off_an_index(plan: str) -> None:
    assert re.search(r"(USING|using|Scan) .*ix_payment_", plan), plan
    assert not re.search(r"SCAN|TEMP B-TREE|Seq Scan|Sort", plan), plan
