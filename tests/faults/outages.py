"""What breaks around the portal: its database and its Redis, only as long as it is felt."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

import httpx
from sqlalchemy import text

from payments_app.db.engine import Database
from tests.faults.processes import Worker
from tests.support.databases import Postgres
from tests.support.locks import waiting
from tests.support.redis import RedisServer
from tests.support.sandbox import eventually

Felt = Callable[[], Awaitable[None]]
"""Returns when the outage has met enough of the customers' requests."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the portal stands on; ``postgres`` is None when the database is a SQLite file."""

    database: Database
    workers: Sequence[Worker]
    http: httpx.AsyncClient
    redis: RedisServer
    postgres: Postgres | None

    async def break_down(self, outage: str, felt: Felt) -> None:
        """Let one thing fail until it was felt, and mend it."""
        await _OUTAGES[outage](self, felt)


async def _sqlite_locked(around: Surroundings, felt: Felt) -> None:
    """Hold SQLite's write lock from outside."""
    path = around.database.engine.url.database or ""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:

        async def locked() -> bool:
            try:
                await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False  # the workers were faster
            return True

        await eventually(locked)
        await felt()


async def _sqlite_full(around: Surroundings, felt: Felt) -> None:
    """Let SQLite's file not grow by a single page."""
    for worker in around.workers:
        await worker.sabotage(around.http, full=True)
    await felt()
    for worker in around.workers:
        await worker.sabotage(around.http, full=False)


async def _postgres_locked(around: Surroundings, felt: Felt) -> None:
    """Hold the table of payments until several workers wait for it."""
    async with around.database.engine.connect() as holder, around.database.read() as watcher:
        await holder.execute(text("lock table payment in exclusive mode"))

        async def several_wait() -> bool:
            return await waiting(watcher) > len(around.workers)

        await eventually(several_wait)


async def _postgres_read_only(around: Surroundings, felt: Felt) -> None:
    """Refuse every write, as servers do whose disk is full or which have become a stand-by."""
    assert around.postgres is not None
    await asyncio.to_thread(around.postgres.refuse_writes, True)
    await felt()
    await asyncio.to_thread(around.postgres.refuse_writes, False)


async def _postgres_restarted(around: Surroundings, felt: Felt) -> None:
    """Let PostgreSQL crash and start again."""
    assert around.postgres is not None
    await asyncio.to_thread(around.postgres.restart)
    await felt()


async def _redis_gone(around: Surroundings, felt: Felt) -> None:
    around.redis.stop()
    await felt()
    await asyncio.to_thread(around.redis.start)


_OUTAGES: Final[dict[str, Callable[[Surroundings, Felt], Awaitable[None]]]] = {
    "database locked": _sqlite_locked,
    "database full": _sqlite_full,
    "table locked": _postgres_locked,
    "database read-only": _postgres_read_only,
    "database restarted": _postgres_restarted,
    "redis gone": _redis_gone,
}
