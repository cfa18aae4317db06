"""Sessions: who writes on SQLite waits for its turn, however many there are."""

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event, text

from payments_app.db.engine import Database, Limits
from payments_app.domain.errors import DatabaseBusy
from tests.support.factories import make_account


async def test_writers_of_one_process_take_turns(database: Database) -> None:
    writing = 0

    async def write() -> None:
        nonlocal writing
        async with database.write():
            writing += 1
            assert writing == 1 or not database.is_sqlite
            await asyncio.sleep(0)
            writing -= 1

    await asyncio.gather(*(write() for _ in range(100)))
    await asyncio.gather(*(make_account(database) for _ in range(20)))


@pytest.mark.parametrize("fault", [None, RuntimeError("told")])
async def test_a_task_that_ends_while_it_gives_its_connection_back_is_no_fault(
    database: Database, caplog: pytest.LogCaptureFixture, fault: Exception | None
) -> None:
    def reset(*_: object) -> None:
        if fault is not None:
            raise fault
        task = asyncio.current_task()
        assert task is not None
        task.cancel()

    async def read() -> None:
        async with database.read() as session:
            await session.execute(text("select 1"))

    await read()
    event.listen(database.engine.sync_engine.pool, "reset", reset)
    (ended,) = await asyncio.gather(asyncio.create_task(read()), return_exceptions=True)
    event.remove(database.engine.sync_engine.pool, "reset", reset)
    assert isinstance(ended, asyncio.CancelledError if fault is None else type(None))
    assert [record.levelname for record in caplog.records] == ([] if fault is None else ["ERROR"])
    await read()


async def test_writers_who_queue_behind_another_process_wait_no_longer_than_one(
    tmp_path: Path,
) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/portal.db", Limits(lock=0.2))
    tries = 50

    async def write() -> None:
        async with database.write():
            pass

    await write()
    with closing(sqlite3.connect(tmp_path / "portal.db", isolation_level=None)) as other:
        other.execute("begin immediate")
        began = time.monotonic()
        ends = await asyncio.gather(*(write() for _ in range(tries)), return_exceptions=True)
        waited = time.monotonic() - began
        other.rollback()
    assert all(isinstance(end, DatabaseBusy) for end in ends)
    assert waited < 0.2 * tries / 2  # each one after the other would take all of it
    await write()
    await database.close()


async def test_only_a_single_question_has_no_transaction(postgres_url: str) -> None:
    database = Database(postgres_url, Limits(connections=1))

    async def moments(*, single: bool) -> set[object]:
        asked = text("select transaction_timestamp()")
        async with database.read(single=single) as session:
            return {await session.scalar(asked) for _ in range(2)}

    assert len(await moments(single=True)) == 2
    assert len(await moments(single=False)) == 1
    for needs in ({"account": 1}, {"snapshot": True}):
        with pytest.raises(ValueError, match="no transaction"):
            async with database.read(single=True, **needs):
                pass
    await database.close()
