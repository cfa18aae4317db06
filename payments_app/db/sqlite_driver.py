"""SQLite's connections in threads of their own, with one visit to the thread for each statement.

aiosqlite goes there four times: to make a cursor, to execute, to fetch and to close. Each visit
costs more than most statements take.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import aiosqlite

_ROWS_ALONG: Final = 1_000
"""Rows that come back with the statement; a cursor with more stays open for the others."""


def connect(path: str, **arguments: Any) -> "Connection":
    """Make a connection, which SQLAlchemy awaits; takes the arguments of ``sqlite3.connect``."""
    connection = Connection(lambda: sqlite3.connect(path, **arguments), _ROWS_ALONG)
    connection._thread.daemon = True  # an open one must not keep the process from ending
    return connection


class Connection(aiosqlite.Connection):
    """One whose cursors are made where they are used.

    A transaction that only reads begins with its first statement and ends without being waited for.
    """

    _reading = False
    _to_begin = False
    _asked = False
    """Whether there is anything to commit or to roll back."""

    def begin_reading(self) -> None:
        """Begin a transaction with the next statement, in the same visit."""
        self._reading = self._to_begin = True

    async def commit(self) -> None:
        """Keep what was written."""
        await super().commit()
        self._asked = self._reading = self._to_begin = False

    async def rollback(self) -> None:
        """End the transaction; what follows a read comes after its end in any case."""
        if self._asked and self._reading:
            self._tx.put_nowait((None, self._conn.rollback))
        elif self._asked:
            await super().rollback()
        self._asked = self._reading = self._to_begin = False

    def cursor(self) -> "Cursor":  # type: ignore[override]
        """Return a new cursor, without a visit to the thread."""
        return Cursor(self)

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function in the connection's thread."""
        return await self._execute(function, *arguments)  # type: ignore[no-untyped-call]

    async def visit(self, function: Callable[[sqlite3.Connection], Any]) -> Any:
        """Call a function with SQLite's own connection, in its thread and in the transaction."""
        self._asked = True
        begins, self._to_begin = self._to_begin, False
        return await self.run(self._enter, begins, function)

    def _enter(self, begins: object, function: Callable[[sqlite3.Connection], Any]) -> Any:
        if begins:
            self._conn.execute("BEGIN")
        return function(self._conn)


class Cursor:
    """As much of a cursor as SQLAlchemy asks for."""

    arraysize = 1

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._open: sqlite3.Cursor | None = None
        self._rows: Sequence[Any] = ()
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> "Cursor":
        return self

    async def execute(self, sql: str, parameters: Iterable[Any] = ()) -> "Cursor":
        """Run a statement and bring its first rows along."""
        await self._visit(sqlite3.Connection.execute, sql, parameters)
        return self

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> "Cursor":
        """Run a statement for each set of parameters."""
        await self._visit(sqlite3.Connection.executemany, sql, parameters)
        return self

    async def fetchall(self) -> Sequence[Any]:
        """Return the rows that are left."""
        rows, self._rows = self._rows, ()
        if self._open is not None:
            rows = [*rows, *await self._connection.run(self._open.fetchall)]
            await self.close()
        return rows

    async def fetchmany(self, size: int = _ROWS_ALONG) -> Sequence[Any]:
        """Return up to ``size`` rows."""
        if not self._rows and self._open is not None:
            self._rows = await self._connection.run(self._open.fetchmany, size)
        rows, self._rows = self._rows[:size], self._rows[size:]
        return rows

    async def fetchone(self) -> Any:
        """Return the next row, None behind the last."""
        return next(iter(await self.fetchmany(1)), None)

    async def close(self) -> None:
        """End a statement whose rows were not all fetched."""
        if self._open is not None:
            cursor, self._open = self._open, None
            await self._connection.run(cursor.close)

    async def _visit(self, run: Any, sql: str, parameters: Iterable[Any]) -> None:
        self._open, self._rows = await self._connection.visit(
            lambda connection: self._brought_along(run(connection, sql, parameters))
        )

    def _brought_along(self, cursor: sqlite3.Cursor) -> tuple[Any, Sequence[Any]]:
        self.description = cursor.description
        rows = cursor.fetchmany(_ROWS_ALONG) if cursor.description else ()
        self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
        if len(rows) == _ROWS_ALONG:
            return cursor, rows
        cursor.close()
        return None, rows
