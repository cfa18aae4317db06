"""SQLite through one visit to its thread for each statement, as SQLAlchemy uses it."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from payments_app.db.engine import Database, Limits

COUNTED = text(
    "with recursive n(i) as (select 1 union all select i + 1 from n where i < :rows)"
    " select i from n"
)


@pytest.fixture
async def empty(tmp_path: Path) -> AsyncIterator[Database]:
    """A database with one table, ``t``, without rows."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'own.db'}")
    async with database.write() as session:
        await session.execute(text("create table t (id integer primary key, n integer)"))
    yield database
    await database.close()


@pytest.mark.parametrize("rows", [0, 1, 999, 1000, 1001, 2500])
async def test_all_rows_come_however_many_there_are(empty: Database, rows: int) -> None:
    wanted = list(range(1, rows + 1)) or [1]
    async with empty.read() as session:
        assert list((await session.execute(COUNTED, {"rows": rows})).scalars()) == wanted
        streamed = await session.stream(COUNTED, {"rows": rows})
        assert [row.i async for row in streamed] == wanted


async def test_a_stream_that_is_left_early_holds_nothing_up(empty: Database) -> None:
    async with empty.read() as session:
        streamed = await session.stream(COUNTED, {"rows": 5000})
        assert (await streamed.fetchone()) == (1,)
        await streamed.close()
    async with empty.write() as session:
        await session.execute(text("insert into t (n) values (1)"))


async def test_what_was_written_is_counted(empty: Database) -> None:
    async with empty.write() as session:
        rows = [{"n": number} for number in range(5)]
        await session.execute(text("insert into t (n) values (:n)"), rows)
        changed = await session.execute(text("update t set n = n + 10 where n < 3"))
        assert changed.rowcount == 3
        gone = await session.execute(text("delete from t where n > 10 returning n"))
        assert sorted(gone.scalars()) == [11, 12]
    async with empty.read() as session:
        assert (await session.execute(text("select sum(n) from t"))).scalar_one() == 17


async def test_a_connection_is_good_after_a_statement_that_is_not(empty: Database) -> None:
    async with empty.read() as session:
        with pytest.raises(OperationalError):
            await session.execute(text("select nothing from nowhere"))
        assert (await session.execute(text("select 1"))).scalar_one() == 1


async def test_a_read_right_behind_another_sees_one_moment_too(empty: Database) -> None:
    narrow = Database(empty.url, Limits(connections=1))
    count, add = text("select count(*) from t"), text("insert into t (n) values (1)")
    goes_on = threading.Event()
    async with narrow.read() as session:
        assert await session.scalar(count) == 0
        connection = await (await session.connection()).get_raw_connection()
        driver: Any = connection.driver_connection
        held = asyncio.create_task(driver.run(goes_on.wait))
        await asyncio.sleep(0)
    async with narrow.read() as session:  # the other's end still waits for the thread
        await session.connection()
        goes_on.set()
        assert await held
        assert await session.scalar(count) == 0
        async with empty.write() as other:
            await other.execute(add)
        assert await session.scalar(count) == 0
    await narrow.close()


async def test_a_read_sees_one_moment_and_keeps_nothing(empty: Database) -> None:
    count, add = text("select count(*) from t"), text("insert into t (n) values (1)")
    async with empty.read() as session:
        await session.connection()  # nothing is asked in it
    async with empty.read() as session:
        assert await session.scalar(count) == 0
        async with empty.write() as other:
            await other.execute(add)
        assert await session.scalar(count) == 0
    async with empty.read() as session:
        await session.execute(add)
        assert await session.scalar(count) == 2
    async with empty.write() as session:
        assert await session.scalar(count) == 1
