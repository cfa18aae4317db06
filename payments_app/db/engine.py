"""The database engine and its read and write sessions, on SQLite or PostgreSQL."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from payments_app.db import own_rows

_PATIENCE_SECONDS: Final = 10.0
_SQLITE_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
)
_WRITES: Final = "sqlite_writes_within"


class Database:
    """One database: ``read()`` and ``write()`` give a session in a transaction of that kind.

    On SQLite a write transaction takes the write lock when it begins, so that a row read in it
    cannot change before it is written; PostgreSQL locks the rows that the queries name. No network
    call may happen inside either, and no other write. ``patience`` is for how many seconds a write
    waits on SQLite while others write, in this process and in others together.
    """

    def __init__(self, url: str, patience: float = _PATIENCE_SECONDS) -> None:
        self.url = url
        self.engine = _create_engine(url, patience)
        self._patience = patience
        # SQLite lets one write at a time, and who has to wait only tries again now and then: under
        # load some would wait for ever. Within one process they take turns instead.
        self._turn = asyncio.Lock()

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.engine.dialect.name == "sqlite"

    @asynccontextmanager
    async def read(
        self, *, account: int | None = None, snapshot: bool = False
    ) -> AsyncIterator[AsyncSession]:
        """Give a session for reading; nothing is committed.

        With ``account`` PostgreSQL shows it the rows of that account alone, even to a query that
        does not ask for them only. With ``snapshot`` all its queries see one moment, as they always
        do on SQLite.
        """
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            if account is not None and not self.is_sqlite:
                own_rows.confine(session, account)
            if snapshot and not self.is_sqlite:
                await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """Give a session that commits at the end of the block, or rolls back when it raises.

        On SQLite, raises TimeoutError or OperationalError when others write for too long.
        """
        async with (
            self._my_turn() as options,
            AsyncSession(self.engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            if options:
                await session.connection(execution_options=options)
            yield session

    @asynccontextmanager
    async def _my_turn(self) -> AsyncIterator[dict[str, Any]]:
        """Give the options of a write once no other one of this process is under way."""
        if not self.is_sqlite:
            yield {}
            return
        ends = time.monotonic() + self._patience
        async with asyncio.timeout(self._patience):
            await self._turn.acquire()
        try:
            yield {_WRITES: ends - time.monotonic()}
        finally:
            self._turn.release()

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()


def _create_engine(url: str, patience: float) -> AsyncEngine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_async_engine(parsed, pool_pre_ping=True, hide_parameters=True)
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(parsed, connect_args={"timeout": patience}, hide_parameters=True)

    def begin(connection: Connection) -> None:
        seconds = connection.get_execution_options().get(_WRITES)
        _wait_up_to(connection, patience if seconds is None else seconds, patience)
        connection.exec_driver_sql("BEGIN" if seconds is None else "BEGIN IMMEDIATE")

    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", begin)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver would begin transactions by itself, and too late; _create_engine's begin() does.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _SQLITE_PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _wait_up_to(connection: Connection, seconds: float, longest: float) -> None:
    """Set how long SQLite waits for other processes: in tenths of the longest wait, rounded up, so
    that it seldom has to be set anew."""
    tenths = min(10, int(seconds * 10 // longest) + 1)
    if connection.info.get(_WRITES) != tenths:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={int(tenths * longest * 100)}")
        connection.info[_WRITES] = tenths
