"""A full pool, a held lock, a slow statement: each ends in time as DatabaseBusy, under load too."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace

import pytest
from sqlalchemy import select, text

from payments_app.db import ledger
from payments_app.db.engine import Database, Limits
from payments_app.db.models import Account, Payment
from payments_app.domain.errors import DatabaseBusy
from tests.support.factories import WHEN, make_account, make_payment
from tests.support.freezer import Freezer
from tests.support.sandbox import eventually

LIMITS = Limits(connections=3, wait=0.3, lock=0.2, statement=0.5)
FAR_LONGER_SECONDS = 20


@pytest.fixture
async def tight(database: Database) -> AsyncIterator[Database]:
    """The database as a process sees it that has three connections and little patience."""
    tight = Database(database.url, LIMITS)
    yield tight
    await tight.close()


async def lock(database: Database, payment: Payment, *added: Account) -> None:
    async with database.write() as session:
        session.add_all(added)
        await ledger.lock_payment(session, payment.key)


async def test_a_held_row_keeps_nobody_waiting_for_ever(
    database: Database, tight: Database
) -> None:
    """Thirty at once on three connections: all are told in time, and afterwards all goes on."""
    payment = await make_payment(database, await make_account(database))
    async with database.write() as session:
        await ledger.lock_payment(session, payment.key)
        start = time.monotonic()
        told = await asyncio.gather(
            *(lock(tight, payment) for _ in range(30)), return_exceptions=True
        )
        assert time.monotonic() - start < FAR_LONGER_SECONDS
    assert {type(error) for error in told} == {DatabaseBusy}
    await asyncio.gather(*(lock(tight, payment) for _ in range(3)))


async def test_a_busy_commit_left_nothing_behind(database: Database, tight: Database) -> None:
    payment = await make_payment(database, await make_account(database))
    async with database.write() as session:
        await ledger.lock_payment(session, payment.key)
        with pytest.raises(DatabaseBusy):
            await lock(tight, payment, Account(name="Half", home_currency="USD", created_at=WHEN))
    async with database.read() as session:
        assert (await session.execute(select(Account).where(Account.name == "Half"))).all() == []


async def test_a_full_pool_is_told_and_emptied_again(tight: Database) -> None:
    async def hold(until: asyncio.Event) -> None:
        async with tight.read() as session:
            await session.execute(text("select 1"))
            await until.wait()

    done = asyncio.Event()
    holding = [asyncio.create_task(hold(done)) for _ in range(LIMITS.connections)]
    await asyncio.sleep(0)
    told = await asyncio.gather(*(hold(done) for _ in range(10)), return_exceptions=True)
    assert DatabaseBusy in {type(error) for error in told}
    done.set()
    await asyncio.gather(*holding, return_exceptions=True)
    await asyncio.gather(*(hold(done) for _ in range(LIMITS.connections)))


async def test_a_slow_statement_is_ended_unless_it_may_take_its_time(
    postgres_url: str,
) -> None:
    database = Database(postgres_url, LIMITS)
    slow = text("select pg_sleep(0.8)")
    with pytest.raises(DatabaseBusy):
        async with database.read() as session:
            await session.execute(slow)
    async with database.read(patient=True) as session:
        await session.execute(slow)
    async with database.read() as session:
        waits = (await session.execute(text("show statement_timeout"))).scalar_one()
        assert waits == "500ms", "patience ends with its transaction"
    await database.close()


async def test_connections_that_the_server_has_closed_are_not_given_out(
    postgres_url: str,
) -> None:
    database = Database(postgres_url, replace(LIMITS, wait=5))
    together = asyncio.Barrier(LIMITS.connections)

    async def process() -> int:
        async with database.read() as session:
            pid: int = await session.scalar(text("select pg_backend_pid()"))
            await together.wait()
        return pid

    async def processes() -> set[int]:
        return set(await asyncio.gather(*(process() for _ in range(LIMITS.connections))))

    before = await processes()
    other = Database(postgres_url)
    async with other.read() as session:
        for pid in before:
            assert await session.scalar(text(f"select pg_terminate_backend({pid}, 5000)"))
    assert not before & await processes()
    await other.close()
    await database.close()


async def test_a_database_that_is_away_is_told_as_busy() -> None:
    away = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none", LIMITS)
    with pytest.raises(DatabaseBusy):
        async with away.read() as session:
            await session.execute(text("select 1"))


async def test_a_database_that_falls_silent_is_told_as_busy_and_then_used_again(
    postgres_url: str,
) -> None:
    """It takes connections and questions and answers nothing, not even to a cancellation."""
    async with Freezer(postgres_url).running() as freezer:
        database = Database(freezer.url, replace(LIMITS, wait=1))

        async def asked() -> bool:
            with suppress(DatabaseBusy):
                async with database.read() as session:
                    return bool(await session.scalar(text("select true")))
            return False

        async def interrupted() -> None:
            async with database.write() as session:
                await session.execute(text("select 1"))
                freezer.freeze()
                await session.execute(text("select 2"))

        assert await asked()
        start = time.monotonic()
        with pytest.raises(DatabaseBusy):
            await interrupted()
        assert not any(await asyncio.gather(asked(), asked(), asked()))
        assert time.monotonic() - start < FAR_LONGER_SECONDS
        freezer.thaw()
        await eventually(asked)
        await database.close()


async def test_a_fault_of_the_code_is_not_taken_for_a_busy_database(database: Database) -> None:
    with pytest.raises(LookupError):
        async with database.read():
            raise LookupError
    with pytest.raises(Exception, match="no_such_table"):
        async with database.read() as session:
            await session.execute(text("select 1 from no_such_table"))
