"""Totals are filled in when their table comes, even while payments are being written."""

import asyncio

from payments_app.db import kept_totals
from payments_app.db.engine import Database
from payments_app.db.kept_totals import KeptTotals, Total
from payments_app.db.models import Payment
from payments_app.domain.payment import PaymentKind
from tests.support.databases import Databases, Postgres, migrate
from tests.support.factories import WHEN, make_account, make_payment
from tests.support.locks import waiting
from tests.support.sandbox import eventually

BEFORE = "0021"


async def test_what_was_paid_before_is_in_them(databases: Databases) -> None:
    url = databases.empty()
    await asyncio.to_thread(migrate, url, BEFORE)
    database = Database(url)
    account = await make_account(database)
    await make_payment(database, account, completed=True, amount=700)
    await make_payment(database, account, amount=50)
    await asyncio.to_thread(migrate, url)
    async with database.read() as session:
        assert await kept_totals.read(session, KeptTotals()) == [Total("USD", 2, 700)]
        assert await kept_totals.wrong(session) == []
    await database.close()


async def test_what_is_being_paid_meanwhile_is_in_them(postgres: Postgres) -> None:
    url = postgres.empty()
    await asyncio.to_thread(migrate, url, BEFORE)
    database = Database(url)
    account = await make_account(database)
    async with database.write() as session:
        session.add(
            Payment(
                reference="OLD",
                account_id=account.key,
                kind=PaymentKind.TOP_UP,
                amount=700,
                currency="USD",
                created_at=WHEN,
                dated_at=WHEN,
            )
        )
        await session.flush()
        migrating = asyncio.create_task(asyncio.to_thread(migrate, url))

        async def is_held_up() -> bool:
            async with database.read() as watcher:
                return await waiting(watcher) > 0

        await eventually(is_held_up)
    await migrating
    async with database.read() as session:
        assert await kept_totals.read(session, KeptTotals()) == [Total("USD", 1, 0)]
    await database.close()
