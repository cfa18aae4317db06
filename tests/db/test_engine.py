"""Sessions: who writes on SQLite waits for its turn, however many there are."""

import asyncio

from payments_app.db.engine import Database
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
