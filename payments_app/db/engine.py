"""The database engine and its read and write sessions, on SQLite or PostgreSQL."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from payments_app.db import own_rows, sqlite_driver
from payments_app.domain.errors import DatabaseBusy

_SQLITE_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    # A group of webhooks changes about a thousand pages: room for them, so that none is written
    # before the commit, and the log is brought into the file once for many groups.
    "PRAGMA cache_size=-8192",
    "PRAGMA wal_autocheckpoint=16000",
)
_WRITES: Final = "sqlite_writes_within"
PATIENT_CONNECTIONS: Final = 2
"""Connections beside the others for what may take its time."""
_FORGOTTEN_SECONDS: Final = 60
"""A transaction that nobody goes on with is ended by PostgreSQL, and its locks with it."""
_BUSY_STATES: Final = frozenset(
    {
        "25P03",  # idle_in_transaction_session_timeout
        "40P01",  # deadlock_detected
        "53300",  # too_many_connections
        "55P03",  # lock_not_available
        "57014",  # query_canceled, by statement_timeout
        "57P01",  # admin_shutdown
        "57P03",  # cannot_connect_now
    }
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one process takes of the database at most: connections, and seconds of waiting for one
    of them (``wait``), for rows that are held or, on SQLite, all others' writes (``lock``), and for
    an answer (``statement``, 0 is for ever)."""

    connections: int = 10
    wait: float = 30
    lock: float = 10
    statement: float = 0


class Database:
    """One database: ``read()`` and ``write()`` give a session in a transaction of that kind.

    On SQLite a write transaction takes the write lock when it begins, so that a row read in it
    cannot change before it is written; PostgreSQL locks the rows that the queries name. No network
    call may happen inside either, and no other session: all share the same few connections.

    Both raise DatabaseBusy when the database does not answer within its ``limits``.
    """

    def __init__(self, url: str, limits: Limits | None = None) -> None:
        self.url = url
        self._limits = limits or Limits()
        self.engine = _create_engine(make_url(url), self._limits)
        pool = type(self.engine.pool)
        logging.getLogger(f"{pool.__module__}.{pool.__name__}").addFilter(_is_no_cancellation)
        self._patient = self.engine
        if not self.is_sqlite and self._limits.statement:
            patient = replace(self._limits, connections=PATIENT_CONNECTIONS, statement=0)
            self._patient = _create_engine(make_url(url), patient)
        # SQLite lets one write at a time, and who has to wait only tries again now and then: under
        # load some would wait for ever. Within one process they take turns instead.
        self._turn = asyncio.Lock()

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.engine.dialect.name == "sqlite"

    @asynccontextmanager
    async def read(
        self,
        *,
        account: int | None = None,
        snapshot: bool = False,
        patient: bool = False,
        single: bool = False,
    ) -> AsyncIterator[AsyncSession]:
        """Give a session for reading; nothing is committed.

        With ``account`` PostgreSQL shows it the rows of that account alone, even to a query that
        does not ask for them only. With ``snapshot`` all its queries see one moment, as they always
        do on SQLite. With ``patient`` they may take as long as they need. With ``single`` there is
        but one, which PostgreSQL answers without the begin and the end of a transaction; what holds
        for a transaction, an account and a moment, cannot be asked of it (ValueError).
        """
        if single and (account is not None or snapshot):
            raise ValueError("a single statement has no transaction")
        with _telling_when_busy():
            engine = self._patient if patient else self.engine
            async with AsyncSession(engine, expire_on_commit=False) as session:
                if account is not None and not self.is_sqlite:
                    own_rows.confine(session, account)
                if (snapshot or single) and not self.is_sqlite:
                    level = "REPEATABLE READ" if snapshot else "AUTOCOMMIT"
                    await session.connection(execution_options={"isolation_level": level})
                yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """Give a session that commits at the end of the block, or rolls back when it raises."""
        with _telling_when_busy():
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
        ends = time.monotonic() + self._limits.lock
        async with asyncio.timeout(self._limits.lock):
            await self._turn.acquire()
        try:
            yield {_WRITES: ends - time.monotonic()}
        finally:
            self._turn.release()

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()
        await self._patient.dispose()


@contextmanager
def _telling_when_busy() -> Iterator[None]:
    """Raise DatabaseBusy for what only says that the database is overloaded or away."""
    try:
        yield
    except Exception as error:
        if not _is_busy(error):
            raise
        raise DatabaseBusy(f"{type(error).__name__}: {error}"[:300]) from error


def _is_busy(error: Exception) -> bool:
    if isinstance(error, DBAPIError):
        cause = error.orig
        locked = "database is locked" in str(cause)
        return error.connection_invalidated or locked or _state(cause) in _BUSY_STATES
    # What happens while connecting comes as the driver raises it.
    return isinstance(error, (NoConnection, OSError)) or _state(error) in _BUSY_STATES


def _state(error: BaseException | None) -> str | None:
    return getattr(error, "sqlstate", None)


def _create_engine(url: URL, limits: Limits) -> AsyncEngine:
    pool: dict[str, Any] = {
        "pool_size": limits.connections,
        "max_overflow": 0,
        "pool_timeout": limits.wait,
        "pool_use_lifo": True,  # whose cache is warm
    }
    if url.get_backend_name() != "sqlite":
        arguments: dict[str, Any] = {
            "timeout": limits.wait,
            "server_settings": _postgres_settings(limits),
        }
        if limits.statement:
            # For a server that takes questions and never answers: its own limit comes first.
            arguments["command_timeout"] = limits.statement + limits.wait
        engine = create_async_engine(url, hide_parameters=True, connect_args=arguments, **pool)
        event.listen(engine.sync_engine, "handle_error", _give_up_a_silent_connection)
        event.listen(engine.sync_engine, "checkout", _take_another_if_closed)
        return engine
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    else:  # in memory there is one connection
        pool = {}
    patience = limits.lock
    arguments = {"timeout": patience, "async_creator_fn": sqlite_driver.connect}
    engine = create_async_engine(url, hide_parameters=True, connect_args=arguments, **pool)

    def begin(connection: Connection) -> None:
        seconds = connection.get_execution_options().get(_WRITES)
        _wait_up_to(connection, patience if seconds is None else seconds, patience)
        if seconds is None:
            driver: Any = connection.connection.driver_connection
            driver.begin_reading()
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", begin)
    return engine


def _is_no_cancellation(record: logging.LogRecord) -> bool:
    """Tell a fault from a task that ended, as at a stop, just while it gave its connection back.

    SQLAlchemy throws that connection away and the cancellation goes its way: nothing is wrong.
    """
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def _give_up_a_silent_connection(context: ExceptionContext) -> None:
    if isinstance(context.original_exception, TimeoutError):
        context.is_disconnect = True


def _take_another_if_closed(_dbapi: object, record: ConnectionPoolEntry, _proxy: object) -> None:
    """Give no connection whose server has gone; what the event loop has not heard of yet fails.

    To ask the server each time takes three answers of it, as long as the least page needs.
    """
    driver: Any = record.driver_connection
    if driver.is_closed():
        raise DisconnectionError


def _postgres_settings(limits: Limits) -> dict[str, str]:
    seconds = {
        "lock_timeout": limits.lock,
        "statement_timeout": limits.statement,
        "idle_in_transaction_session_timeout": _FORGOTTEN_SECONDS if limits.statement else 0,
    }
    return {name: f"{int(value * 1000)}ms" for name, value in seconds.items()}


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
